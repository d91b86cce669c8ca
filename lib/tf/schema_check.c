/* What core demands of schemas (configschema.InternalValidate) and what this library demands of
 * its own tables, checked in one walk over the tables. */
#include <stdarg.h>
#include <string.h>

#include "lib/tf/codec.h"
#include "lib/tf/schema.h"
#include "lib/tf/walk.h"

#include "lib/base/banned.h"

#define MAX_DEPTH 16 /* of a schema; a table that refers to itself would go on for ever */

/* What the language takes for itself in resource and provider blocks. */
static const char *const reserved_names[] = {
    "count", "for_each", "depends_on", "provider", "lifecycle", "connection", "provisioner",
};

struct check {
    struct tf_diags *diags;
    struct arena *arena;
};

/* Where a level stands. */
struct where {
    const struct tf_path *path;
    int depth;
    bool in_set;
};

static void broken(const struct check *c, const struct tf_path *path, const char *fmt, ...)
    PRINTF_FMT(3, 4);

static void broken(const struct check *c, const struct tf_path *path, const char *fmt, ...)
{
    struct buf where CLEANUP(buf_done) = BUF_INIT;
    char *what CLEANUP(mem_cleanup) = NULL;
    va_list ap;

    va_start(ap, fmt);
    what = mem_vprintf(fmt, ap);
    va_end(ap);
    tf_path_write(path, &where);
    tf_error(c->diags, path, "Invalid schema", "%s: %s.", path ? buf_str(&where) : "schema", what);
}

static void check_level(const struct check *c, const struct tf_level *level,
                        const struct where *at);

/* --- names ----------------------------------------------------------------------------------- */

static void check_name(const struct check *c, const struct tf_path *path, const char *name,
                       bool root)
{
    if (!*name || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name))
        broken(c, path, "names consist of a to z, 0 to 9 and _");
    for (size_t i = 0; root && i < ARRAY_LEN(reserved_names); i++)
        if (!strcmp(name, reserved_names[i]))
            broken(c, path, "the name is reserved");
}

static void check_unique(const struct check *c, const struct tf_level *level,
                         const struct tf_path *path, const char *name)
{
    struct tf_slot slot;
    size_t n = 0;

    for (size_t i = 0; tf_level_next(level, &i, &slot);)
        n += !strcmp(slot.name, name);
    if (n > 1)
        broken(c, path, "the name is used %zu times", n);
}

/* --- attributes ------------------------------------------------------------------------------ */

static void check_flags(const struct check *c, unsigned flags, const struct where *at)
{
    static const struct {
        unsigned all, none; /* flags that must, and must not, be set for the rule to be broken */
        const char *rule;
    } rules[] = {
        {0, TF_REQUIRED | TF_OPTIONAL | TF_COMPUTED, "neither required, optional nor computed"},
        {TF_REQUIRED | TF_OPTIONAL, 0, "both required and optional"},
        {TF_REQUIRED | TF_COMPUTED, 0, "both required and computed"},
        {TF_WRITE_ONLY | TF_COMPUTED, 0, "both write-only and computed"},
        {TF_WRITE_ONLY | TF_REQUIRES_REPLACE, 0, "no change of a write-only value can be seen"},
        {TF_WRITE_ONLY | TF_KEEP_STATE, 0, "a write-only value has no state to keep"},
        {TF_KEEP_STATE, TF_COMPUTED, "only computed values can be kept from the state"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if ((flags & rules[i].all) == rules[i].all && !(flags & rules[i].none))
            broken(c, at->path, "%s", rules[i].rule);
    if (at->in_set && flags & TF_WRITE_ONLY)
        broken(c, at->path, "write-only attributes can't be in sets");
}

static void check_default(const struct check *c, const struct tf_slot *slot, const struct where *at)
{
    const struct tf_attribute *attr = slot->attribute;
    struct err err CLEANUP(err_done) = ERR_INIT;
    const struct tf_value *v;

    if (attr->flags & TF_KEEP_STATE)
        broken(c, at->path, "a default leaves nothing to keep from the state");
    if (tf_json_decode(c->arena, attr->default_json, strlen(attr->default_json),
                       tf_slot_type(c->arena, slot), false, &v, &err))
        broken(c, at->path, "default: %s", err_msg(&err));
    else if (tf_is_null(v))
        broken(c, at->path, "the default is null");
}

static void check_nested(const struct check *c, const struct tf_slot *slot, const struct where *at)
{
    struct where below = {at->path, at->depth + 1, at->in_set || slot->nesting == TF_NEST_SET};

    if (slot->nesting < TF_NEST_SINGLE || slot->nesting > TF_NEST_MAP)
        broken(c, at->path, "a nested attribute is single or a list, set or map");
    if (!slot->below.nattributes)
        broken(c, at->path, "a nested attribute without attributes");
    check_level(c, &slot->below, &below);
}

static void check_attribute(const struct check *c, const struct tf_slot *slot,
                            const struct where *at)
{
    const struct tf_attribute *attr = slot->attribute;
    bool collection;

    check_flags(c, slot->flags, at);
    if (!attr->type == !attr->nested) {
        broken(c, at->path, "either a type or nested attributes must be given");
        return;
    }
    if (attr->nested)
        check_nested(c, slot, at);
    if (attr->type && attr->nesting)
        broken(c, at->path, "a nesting without nested attributes");
    if (attr->type && at->in_set && tf_type_has_dynamic(attr->type))
        broken(c, at->path, "dynamic types can't be in sets");
    collection = attr->nested ? attr->nesting != TF_NEST_SINGLE
                              : attr->type->kind == TF_LIST || attr->type->kind == TF_SET ||
                                    attr->type->kind == TF_MAP;
    if (attr->item_validators && !collection)
        broken(c, at->path, "validators of items without items");
    if (attr->default_json)
        check_default(c, slot, at);
}

/* --- blocks ---------------------------------------------------------------------------------- */

static void check_block(const struct check *c, const struct tf_slot *slot, const struct where *at)
{
    struct where below = {at->path, at->depth + 1, at->in_set || slot->nesting == TF_NEST_SET};
    const struct tf_block *b = slot->block;

    if (b->min_items < 0 || b->max_items < 0)
        broken(c, at->path, "a negative number of blocks");
    switch (b->nesting) {
    case TF_NEST_SINGLE:
        if (b->min_items != b->max_items || b->min_items > 1)
            broken(c, at->path, "a single block has both min_items and max_items 0, or both 1");
        break;
    case TF_NEST_LIST:
    case TF_NEST_SET:
        if (b->max_items && b->min_items > b->max_items)
            broken(c, at->path, "min_items is above max_items");
        break;
    case TF_NEST_MAP:
    case TF_NEST_GROUP:
        if (b->min_items || b->max_items)
            broken(c, at->path, "map and group blocks have no min_items and max_items");
        break;
    default:
        broken(c, at->path, "a block without a nesting");
        break;
    }
    check_level(c, &slot->below, &below);
}

static void check_level(const struct check *c, const struct tf_level *level, const struct where *at)
{
    struct tf_slot slot;

    if (at->depth > MAX_DEPTH) {
        broken(c, at->path, "more than %d levels", MAX_DEPTH);
        return;
    }
    for (size_t i = 0; tf_level_next(level, &i, &slot);) {
        struct tf_path here = {at->path, TF_STEP_ATTRIBUTE, slot.name, 0};
        const struct where slot_at = {&here, at->depth, at->in_set};

        check_name(c, &here, slot.name, !at->path);
        check_unique(c, level, &here, slot.name);
        if (slot.attribute)
            check_attribute(c, &slot, &slot_at);
        else
            check_block(c, &slot, &slot_at);
    }
}

/* --- the whole ------------------------------------------------------------------------------- */

/* Exactly one step from each older version. */
static void check_upgraders(const struct check *c, const struct tf_schema *s)
{
    for (const struct tf_upgrader *u = s->upgraders; u && u->upgrade; u++)
        if (u->version < 0 || u->version >= s->version)
            broken(c, NULL, "an upgrader from version %lld to a version above %lld",
                   (long long)u->version, (long long)s->version);
    for (int64_t version = 0; version < s->version; version++) {
        int found = 0;

        for (const struct tf_upgrader *u = s->upgraders; u && u->upgrade; u++)
            found += u->version == version;
        if (found != 1)
            broken(c, NULL, "%d upgraders from version %lld", found, (long long)version);
    }
}

void tf_schema_check(const struct tf_schema *s, struct tf_diags *diags)
{
    const struct check c = {diags, diags->arena};
    struct tf_level level = tf_schema_level(s);
    const struct where root = {NULL, 1, false};

    if (s->version < 0)
        broken(&c, NULL, "a negative version");
    if (s->block.name || s->block.nesting)
        broken(&c, NULL, "the root block has a name or a nesting");
    check_level(&c, &level, &root);
    check_upgraders(&c, s);
}
