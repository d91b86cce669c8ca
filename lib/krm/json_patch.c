/* RFC 6902 patches, with the leniencies of the library that kustomize uses (evanphx/json-patch v4):
 * `replace` of a missing member adds it, `copy` of a missing member and `add` without a value give
 * null, `test` takes a missing member for null, negative indices count from the end. As there, only
 * `replace` and `test` may name the root. What isn't lenient is a path without its first slash:
 * the library would drop everything before it.
 *
 * Operations work on a copy that takes the target's place when all have succeeded. */
#include "lib/krm/patch.h"

#include <limits.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"

#include "lib/base/banned.h"

#define PATCH_MAX_OPERATIONS 10000

struct patcher {
    json_t *root;  /* owned */
    size_t copied; /* nodes that `copy` has made */
    struct err *err;
};

/* A place in the tree: a member of an object or an index of an array, there or not yet. */
struct place {
    json_t *container; /* borrowed; NULL is the root itself */
    char *key;         /* decoded; owned */
    size_t depth;      /* of the container's members */
};

static void place_done(struct place *p)
{
    free(p->key);
}

/* The next token of a pointer, decoded ("~1" is '/', "~0" is '~'); *at moves to the next slash. */
static char *take_token(const char **at)
{
    size_t len = strcspn(*at, "/"), n = 0;
    char *out = mem_alloc(len + 1);

    for (size_t i = 0; i < len; i++) {
        char c = (*at)[i];

        if (c == '~' && i + 1 < len && ((*at)[i + 1] == '0' || (*at)[i + 1] == '1'))
            c = (*at)[++i] == '0' ? '~' : '/';
        out[n++] = c;
    }
    out[n] = '\0';
    *at += len;
    return out;
}

/* A decimal index; negative ones count from `end`. */
static bool parse_index(const char *key, size_t end, size_t *ret_index)
{
    char *rest;
    long v;

    if (!*key || strspn(key, "+-0123456789") != strlen(key))
        return false;
    v = strtol(key, &rest, 10);
    if (*rest || v == LONG_MAX || v < -(long)end)
        return false;
    *ret_index = v < 0 ? end - (size_t)-v : (size_t)v;
    return true;
}

/* The member of a container, or NULL. */
static json_t *member(const json_t *container, const char *key)
{
    size_t i;

    if (json_is_object(container))
        return json_object_get(container, key);
    if (!json_is_array(container) || !parse_index(key, json_array_size(container), &i))
        return NULL;
    return json_array_get(container, i);
}

static int find(struct patcher *p, const char *path, struct place *ret_place)
{
    json_t *at = p->root;
    size_t depth = 1;

    if (*path != '/')
        return err_set(p->err, ERR_INVALID, "path \"%s\" doesn't begin with a slash", path);
    for (const char *s = path; *s == '/'; depth++) {
        char *key CLEANUP(mem_cleanup) = NULL;

        s++;
        key = take_token(&s);
        if (!json_is_object(at) && !json_is_array(at))
            break;
        if (!*s) {
            ret_place->container = at;
            ret_place->key = key;
            ret_place->depth = depth;
            key = NULL;
            return 0;
        }
        at = member(at, key);
    }
    return err_set(p->err, ERR_INVALID, "the object has no path %s", path);
}

static int fail_index(struct patcher *p, const char *key)
{
    return err_set(p->err, ERR_INVALID, "\"%s\" is no index of the list", key);
}

/* --- single steps; value's reference is taken over ----------------------------------------------- */

static int insert(struct patcher *p, const struct place *place, json_t *value)
{
    size_t i, cost = 0, size = json_array_size(place->container);

    if (place->depth > YAML_MAX_DEPTH ||
        !krm_measure(value, YAML_MAX_DEPTH - place->depth, YAML_MAX_NODES, &cost)) {
        json_decref(value);
        return err_set(p->err, ERR_LIMIT, "the value is larger or nested deeper than is accepted");
    }
    if (json_is_object(place->container)) {
        json_object_set_new_nocheck(place->container, place->key, value);
        return 0;
    }
    if (!strcmp(place->key, "-")) {
        i = size;
    } else if (!parse_index(place->key, size + 1, &i) || i > size) {
        json_decref(value);
        return fail_index(p, place->key);
    }
    json_array_insert_new(place->container, i, value);
    return 0;
}

static int set(struct patcher *p, const struct place *place, json_t *value)
{
    size_t i;

    if (json_is_object(place->container))
        return insert(p, place, value);
    if (!parse_index(place->key, json_array_size(place->container), &i) ||
        i >= json_array_size(place->container)) {
        json_decref(value);
        return fail_index(p, place->key);
    }
    json_array_remove(place->container, i);
    return insert(p, place, value);
}

static int drop(struct patcher *p, const struct place *place)
{
    size_t i;

    if (json_is_object(place->container)) {
        if (json_object_del(place->container, place->key))
            return err_set(p->err, ERR_INVALID, "there is no \"%s\" to remove", place->key);
        return 0;
    }
    if (!parse_index(place->key, json_array_size(place->container), &i) ||
        json_array_remove(place->container, i))
        return fail_index(p, place->key);
    return 0;
}

/* The value at a place: NULL for a missing member, an error for a missing element. */
static int get(struct patcher *p, const struct place *place, json_t **ret_value)
{
    json_t *value = member(place->container, place->key);

    if (!value && json_is_array(place->container))
        return fail_index(p, place->key);
    *ret_value = value;
    return 0;
}

/* --- operations ------------------------------------------------------------------------------- */

static const char *pointer_of(const json_t *op, const char *name)
{
    return json_string_value(json_object_get(op, name));
}

static json_t *value_of(const json_t *op)
{
    json_t *value = json_object_get(op, "value");

    return value ? json_deep_copy(value) : json_null();
}

static int find_path(struct patcher *p, const json_t *op, const char *name, struct place *ret_place)
{
    const char *path = pointer_of(op, name);

    if (!path)
        return err_set(p->err, ERR_INVALID, "the operation has no %s", name);
    return find(p, path, ret_place);
}

static bool names_root(const json_t *op)
{
    const char *path = pointer_of(op, "path");

    return path && !*path;
}

static int op_add(struct patcher *p, const json_t *op)
{
    struct place place CLEANUP(place_done) = {NULL, NULL, 0};
    int rc = find_path(p, op, "path", &place);

    return rc ? rc : insert(p, &place, value_of(op));
}

static int op_remove(struct patcher *p, const json_t *op)
{
    struct place place CLEANUP(place_done) = {NULL, NULL, 0};
    int rc = find_path(p, op, "path", &place);

    return rc ? rc : drop(p, &place);
}

static int op_replace(struct patcher *p, const json_t *op)
{
    struct place place CLEANUP(place_done) = {NULL, NULL, 0};
    const json_t *value = json_object_get(op, "value");
    int rc;

    if (names_root(op)) {
        if (!json_is_object(value) && !json_is_array(value))
            return err_set(p->err, ERR_INVALID, "the root must be an object or a list");
        json_decref(p->root);
        p->root = json_deep_copy(value);
        return 0;
    }
    rc = find_path(p, op, "path", &place);
    return rc ? rc : set(p, &place, value_of(op));
}

static int op_move(struct patcher *p, const json_t *op)
{
    struct place from CLEANUP(place_done) = {NULL, NULL, 0};
    struct place to CLEANUP(place_done) = {NULL, NULL, 0};
    json_auto_t *kept = NULL;
    json_t *value;
    int rc = find_path(p, op, "from", &from);

    if (!rc)
        rc = get(p, &from, &value);
    if (rc)
        return rc;
    kept = json_incref(value);
    rc = drop(p, &from);
    if (!rc)
        rc = find_path(p, op, "path", &to);
    return rc ? rc : insert(p, &to, json_incref(kept));
}

static int op_copy(struct patcher *p, const json_t *op)
{
    struct place from CLEANUP(place_done) = {NULL, NULL, 0};
    struct place to CLEANUP(place_done) = {NULL, NULL, 0};
    json_t *value;
    int rc = find_path(p, op, "from", &from);

    if (!rc)
        rc = get(p, &from, &value);
    if (!rc)
        rc = find_path(p, op, "path", &to);
    if (rc)
        return rc;
    if (value && !krm_measure(value, YAML_MAX_DEPTH, YAML_MAX_ALIASED, &p->copied))
        return err_set(p->err, ERR_LIMIT, "the patch copies more than is accepted");
    return insert(p, &to, value ? json_deep_copy(value) : json_null());
}

static int op_test(struct patcher *p, const json_t *op)
{
    struct place place CLEANUP(place_done) = {NULL, NULL, 0};
    json_auto_t *wanted = value_of(op);
    json_t *value = p->root;
    int rc = 0;

    if (!names_root(op)) {
        rc = find_path(p, op, "path", &place);
        if (!rc)
            rc = get(p, &place, &value);
    }
    if (rc || json_equal(value, wanted) || (!value && json_is_null(wanted)))
        return rc;
    return err_set(p->err, ERR_INVALID, "test of %s failed", pointer_of(op, "path"));
}

static const struct {
    const char *name;
    int (*run)(struct patcher *p, const json_t *op);
} operations[] = {
    {"add", op_add},   {"remove", op_remove}, {"replace", op_replace},
    {"move", op_move}, {"copy", op_copy},     {"test", op_test},
};

static int run(struct patcher *p, const json_t *op)
{
    const char *name = pointer_of(op, "op");

    for (size_t i = 0; name && i < ARRAY_LEN(operations); i++)
        if (!strcmp(operations[i].name, name))
            return operations[i].run(p, op);
    return err_set(p->err, ERR_INVALID, "unknown operation \"%s\"", name ? name : "");
}

/* The result into the caller's object where both are objects, so that it stays the same one. */
static void take_over(json_t **target, json_t *result)
{
    if (json_is_object(*target) && json_is_object(result)) {
        json_object_clear(*target);
        json_object_update(*target, result);
        json_decref(result);
        return;
    }
    json_decref(*target);
    *target = result;
}

int krm_json_patch(json_t **target, const json_t *patch, struct err *err)
{
    struct patcher p = {NULL, 0, err};
    json_t *op;
    size_t i;

    if (!json_is_array(patch))
        return err_set(err, ERR_INVALID, "a JSON patch must be a list of operations");
    if (json_array_size(patch) > PATCH_MAX_OPERATIONS)
        return err_set(err, ERR_LIMIT, "a JSON patch has more than %d operations",
                       PATCH_MAX_OPERATIONS);
    p.root = json_deep_copy(*target);
    json_array_foreach (patch, i, op) {
        int rc = run(&p, op);

        if (rc) {
            json_decref(p.root);
            err_wrap(err, "operation %zu", i + 1);
            return rc;
        }
    }
    take_over(target, p.root);
    return 0;
}

/* --- RFC 7386 --------------------------------------------------------------------------------- */

static json_t *merged(json_t *target, const json_t *patch);

static void merge_members(json_t *target, const json_t *patch)
{
    const char *key;
    size_t len;
    json_t *value;

    json_object_keylen_foreach((json_t *)patch, key, len, value)
    {
        if (json_is_null(value))
            json_object_deln(target, key, len);
        else
            json_object_setn_new_nocheck(target, key, len,
                                         merged(json_object_getn(target, key, len), value));
    }
}

/* A new reference to what target becomes. */
static json_t *merged(json_t *target, const json_t *patch)
{
    json_t *out;

    if (!json_is_object(patch))
        return json_deep_copy(patch);
    out = json_is_object(target) ? json_incref(target) : json_object();
    merge_members(out, patch);
    return out;
}

void krm_merge_patch(json_t *target, const json_t *patch)
{
    if (json_is_object(patch) && json_is_object(target))
        merge_members(target, patch);
}
