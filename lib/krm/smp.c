/* Strategic merge patches as kustomize applies them (kyaml's merge2, lists prepended).
 *
 * Target and patch are walked together. What both trees lack stays; a member of the patch replaces,
 * joins or, when null, removes the target's; a list that the schema calls merged is joined element
 * by element, the patch's elements first.
 *
 * The result must be kustomize's also where that is surprising, so the code follows its structure:
 *  - where the target has nothing, the patch's own subtree becomes the target and is walked against
 *    itself, which removes nulls and directives in it. Subtrees are therefore shared, and `dest`
 *    and `src` may be the same object; both belong to us (the patch is copied first).
 *  - the whole target is walked, also where the patch is silent: merged lists lose duplicates and
 *    empty elements.
 *  - directives are `$patch` only; a replaced list keeps its elements as they are. */
#include "lib/krm/patch.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/vec.h"
#include "lib/krm/mergekeys.h"
#include "lib/krm/yaml.h"
#include "lib/krm/yaml_scalar.h"

#include "lib/base/banned.h"

#define DIRECTIVE "$patch"

/* Merging a list is quadratic in its length. */
#define MERGE_MAX_ELEMENTS 20000

/* What is known of the node: the type of an object, or how a list is merged. */
struct schema {
    const char *type; /* of the object or of the list's elements, or NULL */
    const char *keys; /* NULL unless the node is a merged list */
};

enum directive { DIR_MERGE, DIR_REPLACE, DIR_DELETE };

/* One element's values of the merge keys, as text; "" for what it lacks. */
struct tuple {
    const char *v[MERGE_KEYS_MAX];
};

/* Keys and values that select elements. */
struct selector {
    size_t nkeys, nvalues;
    const char *keys[MERGE_KEYS_MAX];
    const char *values[MERGE_KEYS_MAX];
};

struct merger {
    struct arena *arena; /* texts of scalars */
    const struct merge_schema *schema;
    struct err *err;
};

typedef VEC(struct tuple) tuples;

static int walk(struct merger *m, json_t *dest, json_t *src, struct schema schema,
                json_t **ret_result);

static bool missing(const json_t *node)
{
    return !node || json_is_null(node);
}

/* --- scalars as text -------------------------------------------------------------------------- */

/* The text that kyaml compares scalars by; collections have none. */
static const char *text_of(struct merger *m, const json_t *node)
{
    switch (json_typeof(node)) {
    case JSON_STRING:
        return json_string_value(node);
    case JSON_INTEGER:
        return arena_printf(m->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(node));
    case JSON_REAL:
        return arena_printf(m->arena, "%.17g", json_real_value(node));
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    default:
        return "";
    }
}

/* Whether it is the node's: asked for each pair of elements, so it takes no memory. */
static bool has_text(const json_t *node, const char *text)
{
    char number[32];

    switch (json_typeof(node)) {
    case JSON_STRING:
        return !strcmp(json_string_value(node), text);
    case JSON_INTEGER:
        snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(node));
        return !strcmp(number, text);
    case JSON_REAL:
        snprintf(number, sizeof(number), "%.17g", json_real_value(node));
        return !strcmp(number, text);
    default:
        return !strcmp(json_is_true(node) ? "true" : json_is_false(node) ? "false" : "", text);
    }
}

static json_t *scalar_from_text(const char *text)
{
    struct yaml_scalar s;

    yaml_scalar_resolve(text, strlen(text), &s);
    return s.kind == YAML_INT ? json_integer(s.integer) : json_string(text);
}

/* --- directives ------------------------------------------------------------------------------- */

/* Reads a directive's value; another word than the three is ERR_INVALID. */
static int directive_of(struct merger *m, const json_t *value, enum directive *ret_directive)
{
    static const char *const words[] = {
        [DIR_MERGE] = "merge", [DIR_REPLACE] = "replace", [DIR_DELETE] = "delete"};
    const char *text = text_of(m, value);

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!strcmp(words[i], text)) {
            *ret_directive = (enum directive)i;
            return 0;
        }
    }
    return err_set(m->err, ERR_INVALID, "unknown patch strategy \"%s\"", text);
}

/* Takes `$patch` out of an object; without one it is to be merged. */
static int take_directive(struct merger *m, json_t *src, enum directive *ret_directive)
{
    json_t *value = json_object_get(src, DIRECTIVE);
    int rc;

    *ret_directive = DIR_MERGE;
    if (!value)
        return 0;
    rc = directive_of(m, value, ret_directive);
    if (!rc)
        json_object_del(src, DIRECTIVE);
    return rc;
}

/* --- elements of lists ------------------------------------------------------------------------ */

static bool is_empty_element(const json_t *e)
{
    return missing(e) || (json_is_object(e) && !json_object_size(e));
}

/* Whether an element has all keys with these values; an empty value is met by any. */
static int selects(struct merger *m, const struct selector *s, const json_t *e, bool *ret_found)
{
    const json_t *value = NULL;

    *ret_found = false;
    for (size_t i = 0; i < s->nkeys; i++) {
        if (i < s->nvalues && !*s->keys[i]) {
            if (json_is_object(e) || json_is_array(e))
                return err_set(m->err, ERR_INVALID, "a list of plain values has an object");
            value = has_text(e, s->values[i]) ? e : NULL;
        } else if (i < s->nvalues) {
            if (!json_is_object(e))
                return err_set(m->err, ERR_INVALID, "a list of objects has a plain value");
            value = json_object_get(e, s->keys[i]);
            if (value && *s->values[i] && !has_text(value, s->values[i]))
                value = NULL;
        }
        if (!value)
            return 0;
    }
    *ret_found = true;
    return 0;
}

/* Puts element in the place of those that s selects, or at the end; a NULL element removes them.
 * Empty elements are dropped on the way, and without values all that isn't selected is too. */
static int set_element(struct merger *m, json_t *list, json_t *element, const struct selector *s)
{
    bool of_objects = *s->keys[0] && s->nvalues && *s->values[0];
    bool placed = false;
    json_auto_t *old = json_copy(list);
    json_t *e;
    size_t i;

    json_array_clear(list);
    json_array_foreach (old, i, e) {
        bool found;
        int rc;

        if (is_empty_element(e))
            continue;
        if (!json_is_object(e) && of_objects) {
            json_array_append(list, e);
            continue;
        }
        rc = selects(m, s, e, &found);
        if (rc)
            return rc;
        if (!found && s->nvalues)
            json_array_append(list, e);
        if (found && element)
            json_array_append_new(list, placed ? json_deep_copy(element) : json_incref(element));
        placed |= found;
    }
    if (!missing(element) && !placed)
        json_array_append(list, element);
    return 0;
}

/* The first element whose keys have exactly these values, "" included. Borrowed. */
static json_t *find_element(json_t *list, const struct selector *s)
{
    json_t *e;
    size_t i, k;

    json_array_foreach (list, i, e) {
        if (!*s->keys[0]) {
            if (has_text(e, s->values[0]))
                return e;
            continue;
        }
        for (k = 0; k < s->nkeys; k++) {
            const json_t *value = json_object_get(e, s->keys[k]);

            if (!value || !has_text(value, s->values[k]))
                break;
        }
        if (k == s->nkeys)
            return e;
    }
    return NULL;
}

/* --- merged lists ----------------------------------------------------------------------------- */

/* Removes from a patch list the element `{$patch: x}` that speaks of the whole list. */
static int take_list_directive(struct merger *m, json_t *src, enum directive *ret_directive)
{
    struct selector s = {1, 1, {DIRECTIVE}, {""}};
    json_t *e;
    size_t i;
    int rc;

    *ret_directive = DIR_MERGE;
    json_array_foreach (src, i, e) {
        json_t *value = json_object_get(e, DIRECTIVE);

        if (!value)
            continue;
        if (json_object_size(e) > 1)
            return 0;
        rc = directive_of(m, value, ret_directive);
        if (rc)
            return rc;
        s.values[0] = arena_strdup(m->arena, text_of(m, value));
        return set_element(m, src, NULL, &s);
    }
    return 0;
}

static size_t split_keys(struct merger *m, const char *keys, const char *out[MERGE_KEYS_MAX])
{
    const char *comma = strchr(keys, ',');

    out[0] = comma ? arena_strndup(m->arena, keys, (size_t)(comma - keys)) : keys;
    out[1] = comma ? comma + 1 : "";
    return comma ? 2 : 1;
}

static bool tuple_equal(const struct tuple *a, const struct tuple *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(a->v[i], b->v[i]) != 0)
            return false;
    return true;
}

/* Appends the key values of each element of list that aren't in out yet. */
static void collect(struct merger *m, const json_t *list, const struct selector *s, tuples *out)
{
    json_t *e;
    size_t i, k;

    json_array_foreach (list, i, e) {
        struct tuple t = {{"", ""}};

        for (k = 0; k < s->nkeys; k++) {
            const json_t *value = *s->keys[k] ? json_object_get(e, s->keys[k]) : e;

            t.v[k] = value ? arena_strdup(m->arena, text_of(m, value)) : "";
        }
        for (k = 0; k < out->len; k++)
            if (tuple_equal(&out->at[k], &t, s->nkeys))
                break;
        if (k == out->len)
            vec_push(out, t);
    }
}

/* Two tuples that agree where both have a value, and in one place at least, are the same element:
 * {80, ""} and {80, "TCP"}. */
static bool unify(const struct tuple *a, const struct tuple *b, size_t n, struct tuple *out)
{
    bool common = false;

    for (size_t i = 0; i < n; i++) {
        out->v[i] = *a->v[i] ? a->v[i] : b->v[i];
        if (!strcmp(a->v[i], b->v[i]))
            common = true;
        else if (*a->v[i] && *b->v[i])
            return false;
    }
    return common;
}

static void unify_all(tuples *list, size_t n)
{
    struct tuple both = {{"", ""}};

    for (size_t i = 0; i < list->len; i++) {
        struct tuple a = list->at[i];

        for (size_t j = 0; j < list->len; j++)
            if (unify(&a, &list->at[j], n, &both))
                list->at[i] = list->at[j] = both;
    }
}

/* The keys of s that some tuple has a value for, with the values of t; all when none has. */
static struct selector used_keys(const struct selector *s, const struct tuple *t,
                                 const struct tuple *among, size_t n)
{
    struct selector out = {0, 0, {"", ""}, {"", ""}};

    for (size_t k = 0; k < s->nkeys; k++) {
        for (size_t i = 0; i < n; i++) {
            if (*among[i].v[k]) {
                out.keys[out.nkeys] = s->keys[k];
                out.values[out.nkeys++] = t->v[k];
                break;
            }
        }
    }
    if (!out.nkeys) {
        out = *s;
        memcpy(out.values, t->v, sizeof(out.values));
    }
    out.nvalues = out.nkeys;
    return out;
}

/* The keys that have a value; all when none has. */
static struct selector exact_keys(const struct selector *s)
{
    struct selector out = {0, 0, {"", ""}, {"", ""}};

    for (size_t k = 0; k < s->nkeys; k++) {
        if (*s->values[k]) {
            out.keys[out.nkeys] = s->keys[k];
            out.values[out.nkeys++] = s->values[k];
        }
    }
    out.nvalues = out.nkeys;
    return out.nkeys ? out : *s;
}

/* Merges the elements that s names and puts the result into `merged`, or removes them from dest. */
static int merge_element(struct merger *m, json_t *dest, json_t *src, const struct selector *s,
                         const char *type, json_t *merged)
{
    struct selector exact = exact_keys(s);
    json_t *from = src ? find_element(src, &exact) : NULL;
    json_auto_t *result = NULL;
    int rc = walk(m, find_element(dest, &exact), from, (struct schema){type, NULL}, &result);

    if (rc)
        return rc;
    if (is_empty_element(result))
        return set_element(m, dest, NULL, s);
    for (size_t k = 0; k < s->nkeys; k++)
        if (json_is_object(result) && !json_object_get(result, s->keys[k]) && *s->values[k])
            json_object_set_new(result, s->keys[k], scalar_from_text(s->values[k]));
    return set_element(m, merged, result, s);
}

/* Moves the target's elements behind (or over) the merged ones. */
static int append_rest(struct merger *m, json_t *merged, const json_t *dest,
                       const struct selector *keys)
{
    json_t *e;
    size_t i;

    json_array_foreach (dest, i, e) {
        struct selector s = *keys;
        int rc = 0;

        s.nvalues = 0;
        if (*s.keys[0] && !json_is_object(e) && !missing(e))
            return err_set(m->err, ERR_INVALID, "a list of objects has a plain value");
        for (size_t k = 0; k < s.nkeys; k++) {
            const json_t *value = *s.keys[k] ? json_object_get(e, s.keys[k]) : e;

            if (value)
                s.values[s.nvalues++] = text_of(m, value);
            else
                json_array_append(merged, e);
        }
        if (s.nkeys > 1)
            rc = set_element(m, merged, NULL, &s);
        if (!rc)
            rc = set_element(m, merged, e, &s);
        if (rc)
            return rc;
    }
    return 0;
}

static int merge_elements(struct merger *m, json_t *dest, json_t *src, struct schema schema,
                          json_t **ret_result)
{
    json_auto_t *merged = json_array();
    struct selector s = {0, 0, {"", ""}, {"", ""}}, valid = s;
    tuples list = VEC_INIT;
    int rc = 0;

    if (json_array_size(dest) + json_array_size(src) > MERGE_MAX_ELEMENTS)
        return err_set(m->err, ERR_LIMIT, "a merged list has more than %d elements",
                       MERGE_MAX_ELEMENTS);
    s.nkeys = split_keys(m, schema.keys, s.keys);
    collect(m, src, &s, &list);
    collect(m, dest, &s, &list);
    if (s.nkeys > 1)
        unify_all(&list, s.nkeys);
    for (size_t i = 0; i < list.len && !rc; i++) {
        valid = used_keys(&s, &list.at[i], list.at, list.len);
        rc = merge_element(m, dest, src, &valid, schema.type, merged);
    }
    if (!rc && list.len)
        rc = append_rest(m, merged, dest, &valid);
    if (!rc)
        *ret_result = json_incref(list.len ? merged : dest);
    vec_done(&list);
    return rc;
}

static int walk_merged_list(struct merger *m, json_t *dest, json_t *src, struct schema schema,
                            json_t **ret_result)
{
    enum directive directive = DIR_MERGE;
    int rc = 0;

    if (json_is_null(src))
        return 0;
    if (missing(dest))
        dest = src;
    else if (src)
        rc = take_list_directive(m, src, &directive);
    if (rc || directive == DIR_DELETE)
        return rc;
    return merge_elements(m, directive == DIR_REPLACE ? src : dest, src, schema, ret_result);
}

/* --- objects ---------------------------------------------------------------------------------- */

/* Embedded objects of unknown kinds bring their own type. */
static const char *own_type(const struct merger *m, const json_t *object)
{
    const char *api_version = json_string_value(json_object_get(object, "apiVersion"));
    const char *kind = json_string_value(json_object_get(object, "kind"));

    return api_version && kind ? m->schema->root(m->schema->arg, api_version, kind) : NULL;
}

/* kustomize keeps the target's quotes: `value: "8"` patched with 9 gives "9". Quotes aren't in the
 * tree, but a string that would be another value without them had them. */
static bool stays_quoted(const json_t *old, const json_t *new)
{
    struct yaml_scalar s;

    if (!json_is_string(old) || !(json_is_number(new) || json_is_boolean(new)))
        return false;
    yaml_scalar_resolve(json_string_value(old), json_string_length(old), &s);
    return s.kind != YAML_STRING;
}

static int walk_member(struct merger *m, json_t *dest, json_t *src, const char *key,
                       const char *type)
{
    const struct merge_field *field = m->schema->field(m->schema->arg, type, key);
    struct schema schema = {field ? field->child : NULL, field ? field->keys : NULL};
    json_auto_t *result = NULL;
    int rc = walk(m, json_object_get(dest, key), json_object_get(src, key), schema, &result);

    if (rc) {
        err_wrap(m->err, "%s", key);
        return rc;
    }
    if (result && stays_quoted(json_object_get(dest, key), result))
        json_object_set_new(dest, key, json_string(text_of(m, result)));
    else if (result)
        json_object_set_nocheck(dest, key, result);
    else
        json_object_del(dest, key);
    return 0;
}

static int walk_members(struct merger *m, json_t *dest, json_t *src, const char *type)
{
    json_auto_t *before = json_copy(dest); /* keys of dest may go while it is walked */
    json_auto_t *more = src ? json_copy(src) : NULL;
    const char *key;
    json_t *value;

    json_object_foreach (before, key, value) {
        int rc = walk_member(m, dest, src, key, type);

        if (rc)
            return rc;
    }
    json_object_foreach (more, key, value) {
        int rc = json_object_get(before, key) ? 0 : walk_member(m, dest, src, key, type);

        if (rc)
            return rc;
    }
    return 0;
}

static int walk_object(struct merger *m, json_t *dest, json_t *src, struct schema schema,
                       json_t **ret_result)
{
    const char *type = schema.type;
    enum directive directive = DIR_MERGE;
    int rc = 0;

    if (!type)
        type = own_type(m, dest);
    if (!type)
        type = own_type(m, src);
    if (json_is_null(src))
        return 0;
    if (src)
        rc = take_directive(m, src, &directive);
    if (rc || directive == DIR_DELETE)
        return rc;
    if (missing(dest) || directive == DIR_REPLACE)
        dest = src;
    rc = walk_members(m, dest, src, type);
    if (!rc)
        *ret_result = json_incref(dest);
    return rc;
}

/* What dest becomes under src: a new reference, or NULL when it is to go. NULL stands for a missing
 * node; dest and src are changed. */
static int walk(struct merger *m, json_t *dest, json_t *src, struct schema schema,
                json_t **ret_result)
{
    const json_t *first = missing(dest) ? src : dest;
    const json_t *second = missing(dest) ? NULL : src;

    *ret_result = NULL;
    if (missing(first)) {
        if (dest && !src && dest != yaml_blank())
            *ret_result = json_incref(dest); /* a null that only the target has, in words, stays */
        return 0;
    }
    if (!missing(second) && (json_is_object(first) != json_is_object(second) ||
                             json_is_array(first) != json_is_array(second)))
        return err_set(m->err, ERR_INVALID, "patch and target differ in kind of value");
    if (json_is_object(first))
        return walk_object(m, dest, src, schema, ret_result);
    if (json_is_array(first) && schema.keys)
        return walk_merged_list(m, dest, src, schema, ret_result);
    if (json_is_null(src))
        return 0;
    *ret_result = json_incref(src ? src : dest);
    return 0;
}

static const char *builtin_root(void *arg UNUSED, const char *api_version, const char *kind)
{
    return mergekeys_root(api_version, kind);
}

static const struct merge_field *builtin_field(void *arg UNUSED, const char *type, const char *name)
{
    return mergekeys_field(type, name);
}

int krm_strategic_merge(json_t *target, const json_t *patch, bool *ret_deleted, struct err *err)
{
    static const struct merge_schema builtin = {builtin_root, builtin_field, NULL};

    return krm_strategic_merge_with(target, patch, &builtin, ret_deleted, err);
}

int krm_strategic_merge_with(json_t *target, const json_t *patch, const struct merge_schema *schema,
                             bool *ret_deleted, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new();
    struct merger m = {arena, schema, err};
    json_auto_t *dest = json_deep_copy(target);
    json_auto_t *src = json_deep_copy(patch);
    json_auto_t *result = NULL;
    int rc;

    if (!json_is_object(target) || !json_is_object(patch))
        return err_set(err, ERR_INVALID, "a strategic merge needs two objects");
    rc = walk(&m, dest, src, (struct schema){NULL, NULL}, &result);
    if (rc)
        return rc;
    *ret_deleted = !json_object_size(result);
    if (*ret_deleted || result == src)
        return 0; /* kustomize ignores `replace` at the root */
    json_object_clear(target);
    json_object_update(target, result);
    return 0;
}
