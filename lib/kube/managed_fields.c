/* A fieldsV1 tree is a set of paths. Each key is one step of a path ("f:" a member, "k:" and "v:"
 * and "i:" an item of a list). A node without children is in the set itself; one with children
 * is only when it also has the key ".". So a manager that owns a whole map or list without looking
 * into it (atomic ones, empty ones) has an empty node there. */
#include "lib/kube/managed_fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"
#include "lib/kube/field_path.h"

#include "lib/base/banned.h"

#define APPLY  "Apply"
#define UPDATE "Update"

static const char *name_of(const json_t *entry)
{
    return krm_str(entry, "manager", NULL);
}

static const json_t *entries_of(const json_t *object)
{
    return krm_get(object, "metadata", "managedFields", NULL);
}

/* Entries of a subresource (status, scale) are apart from those of the object itself. */
static bool is_entry(const json_t *entry, const char *manager, const char *operation)
{
    return !strcmp(name_of(entry), manager) &&
           !strcmp(krm_str(entry, "operation", NULL), operation) &&
           !krm_str(entry, "subresource", NULL)[0];
}

/* --- our own entry ---------------------------------------------------------------------------- */

static const json_t *apply_entry(const json_t *object, const char *manager)
{
    const json_t *entry;
    size_t i;

    json_array_foreach (entries_of(object), i, entry) {
        if (is_entry(entry, manager, APPLY))
            return entry;
    }
    return NULL;
}

void managed_fields_hash(const json_t *object, const char *manager,
                         char out[MANAGED_FIELDS_HASH_SIZE])
{
    const json_t *fields = json_object_get(apply_entry(object, manager), "fieldsV1");
    char *text CLEANUP(mem_cleanup) = NULL;
    char sum[HASH_HEX_SIZE];

    out[0] = '\0';
    if (!fields)
        return;
    text = krm_canonical_json(fields);
    hash_sha256_hex(text, strlen(text), sum);
    snprintf(out, MANAGED_FIELDS_HASH_SIZE, "v1:%.32s", sum);
}

bool managed_fields_applied_by(const json_t *object, const char *manager)
{
    return apply_entry(object, manager);
}

bool managed_fields_owns_member(const json_t *object, const char *manager, const char *map,
                                const char *member)
{
    char *outer CLEANUP(mem_cleanup) = mem_printf("f:%s", map);
    char *inner CLEANUP(mem_cleanup) = mem_printf("f:%s", member);

    return krm_get(apply_entry(object, manager), "fieldsV1", outer, inner, NULL);
}

/* --- who owns a field ------------------------------------------------------------------------- */

struct newest {
    size_t len;
    const json_t *entry[MANAGED_FIELDS_MAX_ENTRIES];
};

/* Times are RFC 3339 in UTC with whole seconds: their order is that of the text. Of entries with
 * the same time the API server's last one comes first. */
static void newest_first(const json_t *object, struct newest *n)
{
    const json_t *entry;
    size_t i;

    n->len = 0;
    json_array_foreach (entries_of(object), i, entry) {
        const char *time = krm_str(entry, "time", NULL);
        size_t at = 0;

        if (i == MANAGED_FIELDS_MAX_ENTRIES)
            break;
        while (at < n->len && strcmp(krm_str(n->entry[at], "time", NULL), time) > 0)
            at++;
        memmove(&n->entry[at + 1], &n->entry[at], (n->len - at) * sizeof(n->entry[0]));
        n->entry[at] = entry;
        n->len++;
    }
}

/* Whether the members in a "k:" key are those of the item, as far as it has them; without an item,
 * whether they are those that the path names it by. */
static bool keys_name_item(const json_t *keys, const json_t *item, const struct field_step *s)
{
    size_t same = 0;
    const char *name;
    json_t *value;

    if (item) {
        json_object_foreach ((json_t *)keys, name, value) {
            const json_t *other = json_object_get(item, name);

            if (other && !json_equal(value, other))
                return false;
            same += other != NULL;
        }
        return same;
    }
    for (size_t i = 0; s->kind == FIELD_STEP_KEYS && i < s->len; i++) {
        if (!field_value_is(json_object_get(keys, s->name[i]), s->value[i]))
            return false;
        same++;
    }
    return same;
}

static bool key_names_item(const char *key, const json_t *item, const struct field_step *s)
{
    json_auto_t *value = NULL;

    if (!key[0] || key[1] != ':')
        return false;
    if (key[0] == 'i')
        return s->kind == FIELD_STEP_INDEX && strtoul(key + 2, NULL, 10) == s->index;
    if (key[0] != 'k' && key[0] != 'v')
        return false;
    value = json_loads(key + 2, JSON_DECODE_ANY, NULL);
    if (key[0] == 'k')
        return json_is_object(value) && keys_name_item(value, item, s);
    return value && (item ? json_equal(value, item)
                          : s->kind == FIELD_STEP_VALUE && field_value_is(value, s->value[0]));
}

/* The node one step on, NULL when there is none; *at follows in the object, NULL when it ends. */
static const json_t *descend(const json_t *node, const struct field_step *s, const json_t **at)
{
    const char *key;
    json_t *child;

    if (s->kind == FIELD_STEP_MEMBER) {
        char *name CLEANUP(mem_cleanup) = mem_printf("f:%s", s->name[0]);

        *at = json_object_get(*at, s->name[0]);
        return json_object_get(node, name);
    }
    *at = field_step_item(*at, s);
    json_object_foreach ((json_t *)node, key, child) {
        if (key_names_item(key, *at, s))
            return child;
    }
    return NULL;
}

enum owns {
    OWNS_NOTHING,
    OWNS_AROUND, /* something that the path leads into, without looking into it */
    OWNS_FIELD,  /* it, or something in it */
};

static enum owns owns(const json_t *entry, const struct field_path *path, const json_t *object)
{
    const json_t *node = json_object_get(entry, "fieldsV1");
    const json_t *at = object;

    if (!json_is_object(node))
        return OWNS_NOTHING;
    for (size_t i = 0; i < path->len; i++) {
        const json_t *child = descend(node, &path->step[i], &at);

        if (!child)
            return i && !json_object_size(node) ? OWNS_AROUND : OWNS_NOTHING;
        node = child;
    }
    return OWNS_FIELD;
}

static bool named_before(const struct newest *n, const enum owns *owned, enum owns wanted, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (owned[j] == wanted && !strcmp(name_of(n->entry[i]), name_of(n->entry[j])))
            return true;
    }
    return false;
}

void managed_fields_owners(const json_t *object, const char *path, const char *except,
                           struct buf *out)
{
    struct field_path p CLEANUP(field_path_done) = {.len = 0};
    enum owns owned[MANAGED_FIELDS_MAX_ENTRIES], most = OWNS_NOTHING;
    const char *separator = "";
    struct newest n;

    if (field_path_parse(path, &p))
        return;
    newest_first(object, &n);
    for (size_t i = 0; i < n.len; i++) {
        owned[i] = owns(n.entry[i], &p, object);
        if (owned[i] > most)
            most = owned[i];
    }
    if (most == OWNS_NOTHING)
        return;
    for (size_t i = 0; i < n.len; i++) {
        const char *name = name_of(n.entry[i]);

        if (owned[i] != most || (except && !strcmp(name, except)) ||
            named_before(&n, owned, most, i))
            continue;
        buf_printf(out, "%s%s", separator, name);
        separator = ", ";
    }
}

const char *managed_fields_last_writer(const json_t *object, const char *except)
{
    struct newest n;

    newest_first(object, &n);
    for (size_t i = 0; i < n.len; i++) {
        if (!except || strcmp(name_of(n.entry[i]), except) != 0)
            return name_of(n.entry[i]);
    }
    return "";
}

/* --- conflicts -------------------------------------------------------------------------------- */

void managed_fields_conflict_done(struct managed_fields_conflict *c)
{
    free(c->manager);
    free(c->field);
    c->manager = c->field = NULL;
}

int managed_fields_parse_conflict(const json_t *cause, struct managed_fields_conflict *ret,
                                  struct err *err)
{
    static const char before[] = "conflict with ";
    const char *message = krm_str(cause, "message", NULL);
    const char *field = krm_str(cause, "field", NULL);
    const char *at = message + strlen(before);
    char *manager;

    if (strcmp(krm_str(cause, "reason", NULL), "FieldManagerConflict") != 0 || !field[0])
        return err_set(err, ERR_INVALID, "not a conflict over a field: %s", message);
    if (strncmp(message, before, strlen(before)) != 0 || !(manager = field_path_unquote(&at)))
        return err_set(err, ERR_INVALID, "conflict over %s without a field manager: %s", field,
                       message);
    ret->manager = manager;
    ret->field = mem_strdup(field);
    return 0;
}

bool managed_fields_object_has(const json_t *object, const char *field)
{
    return field_path_exists(object, field);
}

/* --- taking over ------------------------------------------------------------------------------ */

/* What leaves entries of these names behind puts whole manifests into the cluster. The commands
 * that change one thing (label, annotate, set, scale) stay their own managers: what they wrote
 * isn't in any manifest, and would go with our next apply. */
static const struct {
    const char *manager, *operation;
} kubectls[] = {
    {"kubectl", APPLY},
    {"kubectl", UPDATE}, /* before 1.18 */
    {"kubectl-client-side-apply", UPDATE},
    {"kubectl-last-applied", APPLY}, /* the annotation, after apply --server-side */
    {"kubectl-create", UPDATE},
    {"kubectl-replace", UPDATE},
    {"kubectl-edit", UPDATE},
    {"kubectl-patch", UPDATE},
    {"before-first-apply", UPDATE}, /* what was there without any managedFields */
};

static bool is_taken(const json_t *entry, const char *manager, const char *const *others)
{
    if (is_entry(entry, manager, APPLY))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(kubectls); i++) {
        if (is_entry(entry, kubectls[i].manager, kubectls[i].operation))
            return true;
    }
    for (; others && *others; others++) {
        if (is_entry(entry, *others, APPLY) || is_entry(entry, *others, UPDATE))
            return true;
    }
    return false;
}

/* Whether an entry's fields are what its writer named, without defaults. */
static bool is_exact(const json_t *entry)
{
    static const char *const updates[] = {"kubectl-edit", "kubectl-patch"};

    for (size_t i = 0; i < ARRAY_LEN(updates); i++) {
        if (!strcmp(name_of(entry), updates[i]))
            return true;
    }
    return !strcmp(krm_str(entry, "operation", NULL), APPLY);
}

bool managed_fields_would_go(const json_t *object, const char *path, const char *manager)
{
    struct field_path p CLEANUP(field_path_done) = {.len = 0};
    const json_t *entry;
    bool goes = false;
    size_t i;

    if (field_path_parse(path, &p))
        return false;
    json_array_foreach (entries_of(object), i, entry) {
        if (is_entry(entry, manager, APPLY) || owns(entry, &p, object) != OWNS_FIELD)
            continue;
        if (!is_taken(entry, manager, NULL))
            return false;
        goes = goes || is_exact(entry);
    }
    return goes;
}

/* Adds what a set holds to another; into is changed. ERR_LIMIT when they are too deep. */
static int fields_add(json_t *into, const json_t *fields, int depth)
{
    const char *key;
    json_t *child;

    if (depth == MANAGED_FIELDS_MAX_DEPTH)
        return ERR_LIMIT;
    json_object_foreach ((json_t *)fields, key, child) {
        json_t *mine = json_object_get(into, key);
        int rc;

        if (!mine) {
            json_object_set_new(into, key, json_deep_copy(child));
            continue;
        }
        if (!json_object_size(mine) != !json_object_size(child))
            json_object_set_new(mine, ".", json_object());
        if ((rc = fields_add(mine, child, depth + 1)))
            return rc;
    }
    return 0;
}

/* Which entry becomes ours: ours if there is one, else the newest taken one, if possible of the
 * version in which we see the object. */
static const json_t *take_over_target(const json_t *object, const char *manager,
                                      const char *const *others)
{
    const json_t *target = apply_entry(object, manager);
    const char *version = krm_str(object, "apiVersion", NULL);
    struct newest n;

    newest_first(object, &n);
    for (size_t i = 0; !target && i < n.len; i++) {
        if (is_taken(n.entry[i], manager, others) &&
            !strcmp(krm_str(n.entry[i], "apiVersion", NULL), version))
            target = n.entry[i];
    }
    for (size_t i = 0; !target && i < n.len; i++) {
        if (is_taken(n.entry[i], manager, others))
            target = n.entry[i];
    }
    return target;
}

/* Moves the field at the path, from its i-th step on, from one set to another. at: where that is in the
 * object. */
static bool move_field(json_t *from, json_t *to, const struct field_path *path, size_t i,
                       const json_t *at)
{
    json_t *node = (json_t *)descend(from, &path->step[i], &at), *child, *sub;
    char *name CLEANUP(mem_cleanup) = NULL;
    const char *key;
    bool last = i + 1 == path->len;

    if (!node)
        return false;
    json_object_foreach (from, key, child) {
        if (child == node)
            name = mem_strdup(key);
    }
    sub = json_incref(last ? node : json_object_get(to, name));
    if (!sub)
        sub = json_object();
    if (!last && !move_field(node, sub, path, i + 1, at)) {
        json_decref(sub);
        return false;
    }
    json_object_set_new(to, name, sub);
    /* an empty one would stand for all that is in it */
    if (last || !json_object_size(node))
        json_object_del(from, name);
    return true;
}

/* What stays behind of an entry that is taken. New reference, or NULL. */
static json_t *leave(const json_t *object, const json_t *entry, json_t *fields, const json_t *left)
{
    json_auto_t *rest = json_object();
    const json_t *text;
    json_t *out;
    size_t i;

    json_array_foreach (left, i, text) {
        struct field_path path CLEANUP(field_path_done) = {.len = 0};

        if (!field_path_parse(json_string_value(text), &path) && path.len)
            move_field(fields, rest, &path, 0, object);
    }
    if (!json_object_size(rest))
        return NULL;
    out = json_deep_copy(entry);
    json_object_set(out, "fieldsV1", rest);
    return out;
}

json_t *managed_fields_take_over(const json_t *object, const char *manager,
                                 const char *const *others, const json_t *left)
{
    const json_t *target = take_over_target(object, manager, others), *entry, *first = NULL;
    json_auto_t *result = json_array(), *ours = NULL;
    json_t *fields, *rest;
    size_t i, taken = 0;

    if (!target)
        return NULL;
    ours = json_deep_copy(target);
    json_object_set_new(ours, "manager", json_string(manager));
    json_object_set_new(ours, "operation", json_string(APPLY));
    if (!(fields = json_object_get(ours, "fieldsV1"))) {
        fields = json_object();
        json_object_set_new(ours, "fieldsV1", fields);
    }
    json_array_foreach (entries_of(object), i, entry) {
        bool take = is_taken(entry, manager, others);

        taken += take;
        first = take && !first ? entry : first;
        if (entry == target)
            json_array_append(result, ours);
        else if (!take)
            json_array_append(result, (json_t *)entry);
        if (take && entry != target && fields_add(fields, json_object_get(entry, "fieldsV1"), 0))
            return NULL;
    }
    if (taken && (rest = leave(object, first, fields, left)))
        json_array_append_new(result, rest);
    return taken ? json_incref(result) : NULL;
}
