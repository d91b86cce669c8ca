/* Results: repaired so that Terraform can save them, and compared with the plan.
 *
 * Core drops an object from state, or loses what was just created, when a result has the wrong
 * shape. So the shape is forced here, part by part, and each break becomes an error on the path
 * where it was found. Values that merely differ from the plan are kept: they are what is there. */
#include "lib/tf/result.h"

#include <string.h>

#include "lib/tf/number.h"
#include "lib/tf/walk.h"

#include "lib/base/banned.h"

#define MAX_REPORTS 20 /* differences of one result that are listed */

/* --- sensitive values ------------------------------------------------------------------------ */

static bool level_slot(const struct tf_level *level, const char *name, struct tf_slot *slot)
{
    for (size_t i = 0; tf_level_next(level, &i, slot);)
        if (!strcmp(slot->name, name))
            return true;
    return false;
}

/* Follows the path from the root and leaves the level that it leads to in *level. */
static bool path_is_sensitive(const struct tf_path *path, struct tf_level *level, bool *in_element)
{
    struct tf_slot slot;

    if (!path)
        return false;
    if (path_is_sensitive(path->parent, level, in_element))
        return true;
    if (*in_element) {
        *in_element = false; /* an index or a key, which the schema doesn't name */
        return false;
    }
    if (path->step != TF_STEP_ATTRIBUTE || !level_slot(level, path->name, &slot)) {
        *level = (struct tf_level){0}; /* inside a plain attribute */
        return false;
    }
    *level = slot.below;
    *in_element = slot.nesting == TF_NEST_LIST || slot.nesting == TF_NEST_MAP;
    return slot.flags & (TF_SENSITIVE | TF_WRITE_ONLY);
}

void tf_write_unless_sensitive(const struct tf_schema *s, const struct tf_path *path,
                               const struct tf_value *v, struct buf *out)
{
    struct tf_level level = tf_schema_level(s);
    bool in_element = false;

    if (path_is_sensitive(path, &level, &in_element) ||
        tf_level_has(&level, TF_SENSITIVE | TF_WRITE_ONLY, false))
        buf_puts(out, "(sensitive value)");
    else
        tf_value_write(v, out);
}

/* --- fitting --------------------------------------------------------------------------------- */

static const struct tf_value *fallback(const struct tf_fix *fix, const struct tf_type *t,
                                       const struct tf_value *planned, const struct tf_value *prior)
{
    if (planned && tf_wholly_known(planned) && tf_conforms(planned, t))
        return planned;
    if (prior && tf_wholly_known(prior) && tf_conforms(prior, t))
        return prior;
    return tf_null(fix->arena, t);
}

static const struct tf_value *fit(const struct tf_fix *fix, const struct tf_type *t,
                                  const struct tf_path *path, const struct tf_value *v,
                                  const struct tf_value *planned, const struct tf_value *prior);

static const struct tf_value *wrong_type(const struct tf_fix *fix, const struct tf_type *t,
                                         const struct tf_path *path, const struct tf_value *v,
                                         const struct tf_value *planned,
                                         const struct tf_value *prior)
{
    struct buf where CLEANUP(buf_done) = BUF_INIT;

    tf_path_write(path, &where);
    tf_error(fix->diags, path, fix->summary,
             "%s%s%s where %s belongs. This is a bug in the provider.", buf_str(&where),
             path ? " is " : "The value is ", v ? tf_kind_words(v->type->kind) : "missing",
             tf_kind_words(t->kind));
    return fallback(fix, t, planned, prior);
}

static const struct tf_value *item_like(const struct tf_value *v, const struct tf_value *other,
                                        size_t i)
{
    if (!tf_is_known(other) || other->type->kind != v->type->kind)
        return NULL;
    switch (v->type->kind) {
    case TF_MAP:
        return tf_get(other, v->items.keys[i]);
    case TF_OBJECT:
        return tf_get(other, v->type->members[i].name);
    case TF_LIST:
    case TF_TUPLE:
        return i < other->items.len ? other->items.at[i] : NULL;
    default:
        return NULL; /* elements of sets have no place */
    }
}

static struct tf_path item_path(const struct tf_value *v, size_t i, const struct tf_path *parent)
{
    switch (v->type->kind) {
    case TF_MAP:
        return (struct tf_path){parent, TF_STEP_KEY, v->items.keys[i], 0};
    case TF_OBJECT:
        return (struct tf_path){parent, TF_STEP_ATTRIBUTE, v->type->members[i].name, 0};
    case TF_LIST:
    case TF_TUPLE:
        return (struct tf_path){parent, TF_STEP_INDEX, NULL, (int64_t)i};
    default:
        return parent ? *parent : (struct tf_path){0};
    }
}

static const struct tf_value *fit_items(const struct tf_fix *fix, const struct tf_type *t,
                                        const struct tf_path *path, const struct tf_value *v,
                                        const struct tf_value *planned,
                                        const struct tf_value *prior)
{
    const struct tf_value **items =
        arena_calloc(fix->arena, v->items.len, sizeof(const struct tf_value *));
    bool changed = !tf_type_fits(v->type, t);
    const struct tf_value *map;

    for (size_t i = 0; i < v->items.len; i++) {
        struct tf_path here = item_path(v, i, path);

        items[i] = fit(fix, t->element ? t->element : t->members[i].type, &here, v->items.at[i],
                       item_like(v, planned, i), item_like(v, prior, i));
        changed = changed || items[i] != v->items.at[i];
    }
    if (!changed)
        return v;
    if (t->kind != TF_MAP)
        return tf_collection_take(fix->arena, t, items, v->items.len);
    if (!tf_map_take(fix->arena, t, v->items.keys, items, v->items.len, &map))
        bug("a map with the same key twice");
    return map;
}

/* An object of another type gives what members it has of ours. */
static const struct tf_value *fit_object(const struct tf_fix *fix, const struct tf_type *t,
                                         const struct tf_path *path, const struct tf_value *v,
                                         const struct tf_value *planned,
                                         const struct tf_value *prior)
{
    const struct tf_value **items =
        arena_calloc(fix->arena, t->nmembers, sizeof(const struct tf_value *));
    bool changed = v->type->nmembers != t->nmembers || !tf_type_fits(v->type, t);

    for (size_t i = 0; i < t->nmembers; i++) {
        struct tf_path here = {path, TF_STEP_ATTRIBUTE, t->members[i].name, 0};

        items[i] = fit(fix, t->members[i].type, &here, tf_get(v, here.name),
                       tf_get(planned, here.name), tf_get(prior, here.name));
        changed = changed || items[i] != v->items.at[i];
    }
    return changed ? tf_collection_take(fix->arena, t, items, t->nmembers) : v;
}

static const struct tf_value *fit_unknown(const struct tf_fix *fix, const struct tf_type *t,
                                          const struct tf_path *path, const struct tf_value *v,
                                          const struct tf_value *planned,
                                          const struct tf_value *prior)
{
    struct buf where CLEANUP(buf_done) = BUF_INIT;

    if (fix->keep_unknown)
        return tf_type_fits(v->type, t) ? v : tf_unknown(fix->arena, t);
    if (fix->report_unknown) {
        tf_path_write(path, &where);
        tf_error(fix->diags, path, fix->summary,
                 "%s is still unknown after the operation. This is a bug in the provider.",
                 path ? buf_str(&where) : "The value");
    }
    return fallback(fix, t, planned, prior);
}

static const struct tf_value *fit(const struct tf_fix *fix, const struct tf_type *t,
                                  const struct tf_path *path, const struct tf_value *v,
                                  const struct tf_value *planned, const struct tf_value *prior)
{
    if (!v)
        return wrong_type(fix, t, path, v, planned, prior);
    if (v->state == TF_UNKNOWN)
        return fit_unknown(fix, t, path, v, planned, prior);
    if (v->state == TF_NULL)
        return tf_type_fits(v->type, t) ? v : tf_null(fix->arena, t);
    if (t->kind == TF_DYNAMIC)
        t = v->type;
    if (v->type->kind != t->kind)
        return wrong_type(fix, t, path, v, planned, prior);
    if (t->kind == TF_OBJECT)
        return fit_object(fix, t, path, v, planned, prior);
    if (t->kind == TF_TUPLE && v->items.len != t->nmembers)
        return wrong_type(fix, t, path, v, planned, prior);
    return t->kind < TF_LIST ? v : fit_items(fix, t, path, v, planned, prior);
}

/* Blocks that travel as dynamic may be of any type as far as types go; the schema knows better. */
static bool has_shape(const struct tf_slot *slot, const struct tf_value *v)
{
    struct tf_slot below;

    if (!tf_is_known(v))
        return true;
    if (!slot->nesting)
        return tf_conforms(v, slot->attribute->type);
    if (!tf_nested_fits(slot, v))
        return false;
    for (size_t n = 0; n < tf_nested_len(slot, v); n++) {
        const struct tf_value *element = tf_nested_at(slot, v, n);

        size_t members = 0;

        if (!tf_is_known(element))
            continue;
        for (size_t i = 0; tf_level_next(&slot->below, &i, &below); members++) {
            const struct tf_value *member = tf_get(element, below.name);

            if (!member || !has_shape(&below, member))
                return false;
        }
        if (members != tf_len(element))
            return false;
    }
    return true;
}

static const struct tf_value *fit_blocks(const struct tf_fix *fix, const struct tf_value *v,
                                         const struct tf_value *planned,
                                         const struct tf_value *prior)
{
    struct tf_level level = tf_schema_level(fix->schema);
    struct tf_slot slot;

    for (size_t i = 0; tf_level_next(&level, &i, &slot);) {
        const struct tf_value *member = tf_get(v, slot.name);
        struct tf_path here = {NULL, TF_STEP_ATTRIBUTE, slot.name, 0};

        if (!slot.block || !member || has_shape(&slot, member))
            continue;
        tf_error(fix->diags, &here, fix->summary,
                 "The blocks in %s don't have the attributes of their schema. This is a bug in the "
                 "provider.",
                 slot.name);
        v = tf_with(fix->arena, v, slot.name,
                    fallback(fix, tf_slot_type(fix->arena, &slot), tf_get(planned, slot.name),
                             tf_get(prior, slot.name)));
    }
    return v;
}

const struct tf_value *tf_fix_value(const struct tf_fix *fix, const struct tf_value *v,
                                    const struct tf_value *planned, const struct tf_value *prior)
{
    v = fit(fix, tf_schema_type(fix->arena, fix->schema), NULL, v, planned, prior);
    return tf_is_known(v) ? fit_blocks(fix, v, planned, prior) : v;
}

/* --- write-only members and blocks ----------------------------------------------------------- */

static const struct tf_value *empty_block(struct arena *a, const struct tf_slot *slot)
{
    static const struct tf_type no_tuple = {.kind = TF_TUPLE}, no_object = {.kind = TF_OBJECT};
    const struct tf_type *t = tf_slot_type(a, slot);
    const struct tf_value *map;

    if (slot->nesting == TF_NEST_GROUP)
        return tf_object_null_members(a, t);
    if (t->kind == TF_DYNAMIC)
        return tf_collection_take(a, slot->nesting == TF_NEST_MAP ? &no_object : &no_tuple, NULL,
                                  0);
    if (slot->nesting != TF_NEST_MAP)
        return tf_collection_take(a, t, NULL, 0);
    if (!tf_map_take(a, t, NULL, NULL, 0, &map))
        bug("a key in an empty map");
    return map;
}

static const struct tf_value *settle(struct arena *a, const struct tf_slot *slot,
                                     const struct tf_value *v, const struct tf_value *config UNUSED,
                                     bool *descend)
{
    if (slot->flags & TF_WRITE_ONLY) {
        *descend = false;
        return tf_is_null(v) ? v : tf_null(a, v->type);
    }
    if (slot->block && slot->nesting != TF_NEST_SINGLE && tf_is_null(v))
        return empty_block(a, slot);
    *descend = tf_level_has(&slot->below, TF_WRITE_ONLY, false) || slot->below.blocks;
    return v;
}

const struct tf_value *tf_settle(struct arena *a, const struct tf_schema *s,
                                 const struct tf_value *v)
{
    struct tf_level level = tf_schema_level(s);

    return tf_transform(a, &level, v, NULL, settle);
}

static void report_write_only(const struct tf_attribute *attr, const struct tf_path *path,
                              const struct tf_value *v, void *arg)
{
    const struct tf_fix *fix = arg;
    struct buf where CLEANUP(buf_done) = BUF_INIT;

    if (!(attr->flags & TF_WRITE_ONLY) || tf_is_null(v))
        return;
    tf_path_write(path, &where);
    tf_error(fix->diags, path, fix->summary,
             "%s is write-only, but has a value: (sensitive value). It was left out. This is a bug "
             "in the provider.",
             buf_str(&where));
}

void tf_report_write_only(const struct tf_fix *fix, const struct tf_value *v)
{
    struct tf_level level = tf_schema_level(fix->schema);

    if (tf_level_has(&level, TF_WRITE_ONLY, false))
        tf_schema_visit(fix->arena, fix->schema, v, report_write_only, (void *)fix);
}

/* --- results against plans ------------------------------------------------------------------- */

struct comparison {
    const struct tf_fix *fix;
    size_t found; /* differences, reported or not */
    bool quiet;   /* only count: elements of sets are tried against each other */
};

static void compare(struct comparison *c, const struct tf_path *path,
                    const struct tf_value *planned, const struct tf_value *actual);

static void differs(struct comparison *c, const struct tf_path *path,
                    const struct tf_value *planned, const struct tf_value *actual)
{
    struct buf where CLEANUP(buf_done) = BUF_INIT, was CLEANUP(buf_done) = BUF_INIT,
                     is CLEANUP(buf_done) = BUF_INIT;

    c->found++;
    if (c->quiet || c->found > MAX_REPORTS)
        return;
    tf_path_write(path, &where);
    tf_write_unless_sensitive(c->fix->schema, path, planned, &was);
    tf_write_unless_sensitive(c->fix->schema, path, actual, &is);
    tf_error(c->fix->diags, path, c->fix->summary,
             "%s was planned as %s, but is now %s. This is a bug in the provider; the state holds "
             "what is there.",
             path ? buf_str(&where) : "The resource", buf_str(&was), buf_str(&is));
}

/* For parts whose values may hold sensitive ones below: only their sizes are told. */
static void size_differs(struct comparison *c, const struct tf_path *path,
                         const struct tf_value *planned, const struct tf_value *actual)
{
    struct buf where CLEANUP(buf_done) = BUF_INIT;

    c->found++;
    if (c->quiet || c->found > MAX_REPORTS)
        return;
    tf_path_write(path, &where);
    if (tf_len(planned) == tf_len(actual))
        tf_error(c->fix->diags, path, c->fix->summary,
                 "%s has other elements than planned. This is a bug in the provider; the state "
                 "holds what is there.",
                 buf_str(&where));
    else
        tf_error(c->fix->diags, path, c->fix->summary,
                 "%s was planned with %zu elements, but has %zu now. This is a bug in the "
                 "provider; the state holds what is there.",
                 buf_str(&where), tf_len(planned), tf_len(actual));
}

/* What core finds wrong with the value for an unknown that promised something. */
static bool keeps_promise(const struct tf_refinement *r, const struct tf_value *v)
{
    bool number = tf_is_known(v) && v->type->kind == TF_NUMBER;
    int order;

    if (tf_is_null(v))
        return !(r->has & TF_REFINE_NOT_NULL);
    if (r->has & TF_REFINE_PREFIX &&
        strncmp(tf_str(v, r->prefix), r->prefix, strlen(r->prefix)) != 0)
        return false;
    if (number && r->has & TF_REFINE_MIN) {
        order = tf_number_compare(v->number, r->min);
        if (order < 0 || (!order && !r->min_inclusive))
            return false;
    }
    if (number && r->has & TF_REFINE_MAX) {
        order = tf_number_compare(v->number, r->max);
        if (order > 0 || (!order && !r->max_inclusive))
            return false;
    }
    if (r->has & TF_REFINE_MIN_LENGTH && (int64_t)tf_len(v) < r->min_length)
        return false;
    return !(r->has & TF_REFINE_MAX_LENGTH && (int64_t)tf_len(v) > r->max_length);
}

static bool compatible(const struct comparison *c, const struct tf_value *planned,
                       const struct tf_value *actual)
{
    struct comparison trial = {c->fix, 0, true};

    compare(&trial, NULL, planned, actual);
    return !trial.found;
}

/* Does every element of `these` have a counterpart among `others`? */
static bool all_have_partner(const struct comparison *c, const struct tf_value *these,
                             const struct tf_value *others, bool these_are_planned)
{
    for (size_t i = 0; i < these->items.len; i++) {
        bool found = false;

        for (size_t j = 0; j < others->items.len && !found; j++)
            found = these_are_planned ? compatible(c, these->items.at[i], others->items.at[j])
                                      : compatible(c, others->items.at[j], these->items.at[i]);
        if (!found)
            return false;
    }
    return true;
}

/* Sets may only shrink, when elements that were unknown turn out to be the same. */
static void compare_sets(struct comparison *c, const struct tf_path *path,
                         const struct tf_value *planned, const struct tf_value *actual)
{
    if (tf_equal(planned, actual))
        return;
    if (tf_wholly_known(planned) || actual->items.len > planned->items.len ||
        !all_have_partner(c, planned, actual, true) || !all_have_partner(c, actual, planned, false))
        size_differs(c, path, planned, actual);
}

static void compare_items(struct comparison *c, const struct tf_path *path,
                          const struct tf_value *planned, const struct tf_value *actual)
{
    bool same = planned->items.len == actual->items.len;

    for (size_t i = 0; same && planned->type->kind == TF_MAP && i < planned->items.len; i++)
        same = !strcmp(planned->items.keys[i], actual->items.keys[i]);
    if (!same) {
        size_differs(c, path, planned, actual);
        return;
    }
    for (size_t i = 0; i < planned->items.len; i++) {
        struct tf_path here = item_path(planned, i, path);

        compare(c, &here, planned->items.at[i], actual->items.at[i]);
    }
}

static void compare(struct comparison *c, const struct tf_path *path,
                    const struct tf_value *planned, const struct tf_value *actual)
{
    if (planned->state == TF_UNKNOWN) {
        if (planned->refinement && !keeps_promise(planned->refinement, actual))
            differs(c, path, planned, actual);
        return;
    }
    if (planned->state != actual->state || planned->type->kind != actual->type->kind) {
        differs(c, path, planned, actual);
        return;
    }
    if (planned->state == TF_NULL)
        return;
    if (planned->type->kind == TF_SET) {
        compare_sets(c, path, planned, actual);
    } else if (planned->type->kind >= TF_LIST) {
        if ((planned->type->kind == TF_OBJECT || planned->type->kind == TF_TUPLE) &&
            planned->type->nmembers != actual->type->nmembers)
            differs(c, path, planned, actual);
        else
            compare_items(c, path, planned, actual);
    } else if (!tf_equal(planned, actual)) {
        differs(c, path, planned, actual);
    }
}

void tf_check_result(const struct tf_fix *fix, const struct tf_value *planned,
                     const struct tf_value *actual)
{
    struct comparison c = {fix, 0, false};

    compare(&c, NULL, planned, actual);
    if (c.found > MAX_REPORTS)
        tf_error(fix->diags, NULL, fix->summary, "There are %zu more differences.",
                 c.found - MAX_REPORTS);
}
