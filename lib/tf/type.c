#include "lib/tf/type.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/utf8.h"

#include "lib/base/banned.h"

const struct tf_type tf_type_dynamic = {.kind = TF_DYNAMIC};
const struct tf_type tf_type_bool = {.kind = TF_BOOL};
const struct tf_type tf_type_number = {.kind = TF_NUMBER};
const struct tf_type tf_type_string = {.kind = TF_STRING};

const struct tf_type tf_type_string_list = TF_LIST_OF(&tf_type_string);
const struct tf_type tf_type_string_set = TF_SET_OF(&tf_type_string);
const struct tf_type tf_type_string_map = TF_MAP_OF(&tf_type_string);

/* By kind: the name in cty's JSON, and the words for messages. */
static const struct {
    const char *json, *words;
} kinds[] = {
    [TF_DYNAMIC] = {"dynamic", "any value"},
    [TF_BOOL] = {"bool", "true or false"},
    [TF_NUMBER] = {"number", "a number"},
    [TF_STRING] = {"string", "a string"},
    [TF_LIST] = {"list", "a list"},
    [TF_SET] = {"set", "a set"},
    [TF_MAP] = {"map", "a map"},
    [TF_TUPLE] = {"tuple", "a tuple"},
    [TF_OBJECT] = {"object", "an object"},
};

const char *tf_kind_words(enum tf_kind kind)
{
    return kinds[kind].words;
}

const struct tf_type *tf_type_new_collection(struct arena *a, enum tf_kind kind,
                                             const struct tf_type *element)
{
    struct tf_type *t = arena_alloc(a, sizeof(*t));

    if (kind != TF_LIST && kind != TF_SET && kind != TF_MAP)
        bug("%s is not a collection", kinds[kind].json);
    t->kind = kind;
    t->element = element;
    return t;
}

static int by_name(const void *a, const void *b)
{
    const struct tf_member *left = a, *right = b;

    return strcmp(left->name, right->name);
}

const struct tf_type *tf_type_new_object(struct arena *a, const struct tf_member *members, size_t n)
{
    struct tf_type *t = arena_alloc(a, sizeof(*t));
    struct tf_member *copy = arena_calloc(a, n, sizeof(*copy));

    for (size_t i = 0; i < n; i++)
        copy[i] = members[i];
    if (n)
        qsort(copy, n, sizeof(*copy), by_name);
    t->kind = TF_OBJECT;
    t->members = copy;
    t->nmembers = n;
    return t;
}

const struct tf_type *tf_type_new_tuple(struct arena *a, const struct tf_type *const *types,
                                        size_t n)
{
    struct tf_type *t = arena_alloc(a, sizeof(*t));
    struct tf_member *copy = arena_calloc(a, n, sizeof(*copy));

    for (size_t i = 0; i < n; i++)
        copy[i].type = types[i];
    t->kind = TF_TUPLE;
    t->members = copy;
    t->nmembers = n;
    return t;
}

int tf_type_compare(const struct tf_type *a, const struct tf_type *b)
{
    int order;

    if (a == b)
        return 0;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->element)
        return tf_type_compare(a->element, b->element);
    if (a->nmembers != b->nmembers)
        return a->nmembers < b->nmembers ? -1 : 1;
    for (size_t i = 0; i < a->nmembers; i++) {
        if (a->kind == TF_OBJECT && (order = strcmp(a->members[i].name, b->members[i].name)))
            return order;
        if ((order = tf_type_compare(a->members[i].type, b->members[i].type)))
            return order;
    }
    return 0;
}

bool tf_type_equal(const struct tf_type *a, const struct tf_type *b)
{
    return !tf_type_compare(a, b);
}

bool tf_type_fits(const struct tf_type *t, const struct tf_type *slot)
{
    if (t == slot || slot->kind == TF_DYNAMIC)
        return true;
    if (t->kind != slot->kind || t->nmembers != slot->nmembers)
        return false;
    if (t->element)
        return tf_type_fits(t->element, slot->element);
    for (size_t i = 0; i < t->nmembers; i++) {
        if (t->kind == TF_OBJECT && strcmp(t->members[i].name, slot->members[i].name) != 0)
            return false;
        if (!tf_type_fits(t->members[i].type, slot->members[i].type))
            return false;
    }
    return true;
}

bool tf_type_has_dynamic(const struct tf_type *t)
{
    if (t->kind == TF_DYNAMIC)
        return true;
    if (t->element)
        return tf_type_has_dynamic(t->element);
    for (size_t i = 0; i < t->nmembers; i++)
        if (tf_type_has_dynamic(t->members[i].type))
            return true;
    return false;
}

int tf_type_member(const struct tf_type *t, const char *name)
{
    size_t low = 0, high = t->nmembers;

    if (t->kind != TF_OBJECT)
        return -1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, t->members[middle].name);

        if (!order)
            return (int)middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}

/* --- JSON ------------------------------------------------------------------------------------ */

static int put(const char *data, size_t len, void *buf)
{
    buf_putn(buf, data, len);
    return 0;
}

void tf_json_put_string(struct buf *out, const char *s, size_t len)
{
    json_auto_t *string = json_stringn(s, len);
    char *clean CLEANUP(mem_cleanup) = NULL;

    if (!string) {
        clean = utf8_sanitize(s, len);
        string = json_string(clean);
    }
    json_dump_callback(string, put, out, JSON_ENCODE_ANY);
}

void tf_type_to_json(const struct tf_type *t, struct buf *out)
{
    bool object = t->kind == TF_OBJECT;

    if (!t->element && t->kind != TF_TUPLE && !object) {
        buf_printf(out, "\"%s\"", kinds[t->kind].json);
        return;
    }
    buf_printf(out, "[\"%s\",", kinds[t->kind].json);
    if (t->element) {
        tf_type_to_json(t->element, out);
    } else {
        buf_putc(out, object ? '{' : '[');
        for (size_t i = 0; i < t->nmembers; i++) {
            if (i)
                buf_putc(out, ',');
            if (object) {
                tf_json_put_string(out, t->members[i].name, strlen(t->members[i].name));
                buf_putc(out, ':');
            }
            tf_type_to_json(t->members[i].type, out);
        }
        buf_putc(out, object ? '}' : ']');
    }
    buf_putc(out, ']');
}

static int type_from(struct arena *a, const json_t *j, int depth, const struct tf_type **ret_type,
                     struct err *err);

static int primitive_from(const char *name, const struct tf_type **ret_type, struct err *err)
{
    static const struct tf_type *const primitives[] = {&tf_type_dynamic, &tf_type_bool,
                                                       &tf_type_number, &tf_type_string};

    for (size_t i = 0; i < ARRAY_LEN(primitives); i++) {
        if (!strcmp(name, kinds[primitives[i]->kind].json)) {
            *ret_type = primitives[i];
            return 0;
        }
    }
    return err_set(err, ERR_INVALID, "type: no such type \"%s\"", name);
}

static int tuple_from(struct arena *a, const json_t *types, int depth,
                      const struct tf_type **ret_type, struct err *err)
{
    size_t n = json_array_size(types);
    const struct tf_type **at = arena_calloc(a, n, sizeof(const struct tf_type *));
    int rc;

    if (!json_is_array(types))
        return err_set(err, ERR_INVALID, "type: a tuple needs an array of types");
    for (size_t i = 0; i < n; i++)
        if ((rc = type_from(a, json_array_get(types, i), depth + 1, &at[i], err)))
            return rc;
    *ret_type = tf_type_new_tuple(a, at, n);
    return 0;
}

static int object_from(struct arena *a, const json_t *types, int depth,
                       const struct tf_type **ret_type, struct err *err)
{
    struct tf_member *members;
    size_t n = 0;
    int rc;

    if (!json_is_object(types))
        return err_set(err, ERR_INVALID, "type: an object needs an object of types");
    members = arena_calloc(a, json_object_size(types), sizeof(*members));
    for (void *it = json_object_iter((json_t *)types); it;
         it = json_object_iter_next((json_t *)types, it)) {
        members[n].name = arena_strdup(a, json_object_iter_key(it));
        rc = type_from(a, json_object_iter_value(it), depth + 1, &members[n].type, err);
        if (rc)
            return rc;
        n++;
    }
    *ret_type = tf_type_new_object(a, members, n);
    return 0;
}

/* An object may have a third element, the names of optional attributes: it concerns only
 * conversion from HCL, not the values. */
static int complex_from(struct arena *a, const json_t *j, int depth,
                        const struct tf_type **ret_type, struct err *err)
{
    const char *name = json_string_value(json_array_get(j, 0));
    const json_t *of = json_array_get(j, 1);
    size_t n = json_array_size(j);
    const struct tf_type *element;
    int rc;

    if (!name)
        return err_set(err, ERR_INVALID, "type: the kind is missing");
    if (n != 2 && !(n == 3 && !strcmp(name, "object") && json_is_array(json_array_get(j, 2))))
        return err_set(err, ERR_INVALID, "type: %zu elements in \"%s\"", n, name);
    if (!strcmp(name, "object"))
        return object_from(a, of, depth, ret_type, err);
    if (!strcmp(name, "tuple"))
        return tuple_from(a, of, depth, ret_type, err);
    for (enum tf_kind kind = TF_LIST; kind <= TF_MAP; kind++) {
        if (!strcmp(name, kinds[kind].json)) {
            if ((rc = type_from(a, of, depth + 1, &element, err)))
                return rc;
            *ret_type = tf_type_new_collection(a, kind, element);
            return 0;
        }
    }
    return err_set(err, ERR_INVALID, "type: no such kind \"%s\"", name);
}

static int type_from(struct arena *a, const json_t *j, int depth, const struct tf_type **ret_type,
                     struct err *err)
{
    if (depth > TF_TYPE_MAX_DEPTH)
        return err_set(err, ERR_LIMIT, "type: more than %d levels", TF_TYPE_MAX_DEPTH);
    if (json_is_string(j))
        return primitive_from(json_string_value(j), ret_type, err);
    if (json_is_array(j))
        return complex_from(a, j, depth, ret_type, err);
    return err_set(err, ERR_INVALID, "type: neither a name nor an array");
}

int tf_type_from_tree(struct arena *a, const json_t *tree, const struct tf_type **ret_type,
                      struct err *err)
{
    return type_from(a, tree, 1, ret_type, err);
}

int tf_type_from_json(struct arena *a, const char *text, size_t len,
                      const struct tf_type **ret_type, struct err *err)
{
    json_auto_t *j = NULL;
    json_error_t why;

    j = json_loadb(text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &why);
    if (!j)
        return err_set(err, ERR_INVALID, "type: %s", why.text);
    return tf_type_from_tree(a, j, ret_type, err);
}
