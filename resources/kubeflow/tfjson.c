#include "resources/kubeflow/tfjson.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/mem.h"

#include "lib/base/banned.h"

static json_t *number_of(const char *text)
{
    char *end;
    long long i;

    errno = 0;
    i = strtoll(text, &end, 10);
    return !*end && !errno ? json_integer(i) : json_real(strtod(text, NULL));
}

json_t *tfjson_of(const struct tf_value *v)
{
    json_t *out;

    if (!tf_is_known(v))
        return NULL;
    switch (v->type->kind) {
    case TF_BOOL:
        return json_boolean(v->boolean);
    case TF_NUMBER:
        return number_of(v->number);
    case TF_STRING:
        return json_stringn(v->string.data, v->string.len);
    case TF_MAP:
    case TF_OBJECT:
        out = json_object();
        for (size_t i = 0; i < v->items.len; i++) {
            json_t *member = tfjson_of(v->items.at[i]);

            if (member)
                json_object_set_new(
                    out, v->type->kind == TF_MAP ? v->items.keys[i] : v->type->members[i].name,
                    member);
        }
        return out;
    case TF_LIST:
    case TF_SET:
    case TF_TUPLE:
        out = json_array();
        for (size_t i = 0; i < v->items.len; i++) {
            json_t *item = tfjson_of(v->items.at[i]);

            json_array_append_new(out, item ? item : json_null());
        }
        return out;
    case TF_DYNAMIC:
        break;
    }
    return NULL;
}

static const struct tf_value *collection(struct arena *a, const json_t *json,
                                         const struct tf_type *t)
{
    size_t n = json_array_size(json), i;
    const struct tf_value **items = arena_calloc(a, n + 1, sizeof(struct tf_value *));
    const json_t *item;

    json_array_foreach (json, i, item)
        items[i] = tfjson_value(a, item, t->element);
    return tf_collection(a, t, items, n);
}

static const struct tf_value *map(struct arena *a, const json_t *json, const struct tf_type *t)
{
    size_t n = json_object_size(json), i = 0;
    const struct tf_value **items = arena_calloc(a, n + 1, sizeof(struct tf_value *));
    const char **keys = arena_calloc(a, n + 1, sizeof(*keys));
    const char *key;
    json_t *item;

    json_object_foreach ((json_t *)json, key, item) {
        keys[i] = arena_strdup(a, key);
        items[i++] = tfjson_value(a, item, t->element);
    }
    return tf_map(a, t, keys, items, n);
}

static const struct tf_value *object(struct arena *a, const json_t *json, const struct tf_type *t)
{
    const struct tf_value *v = tf_object_null_members(a, t);

    for (size_t i = 0; i < t->nmembers; i++) {
        const json_t *member = json_object_get(json, t->members[i].name);

        if (member)
            v = tf_with(a, v, t->members[i].name, tfjson_value(a, member, t->members[i].type));
    }
    return v;
}

const struct tf_value *tfjson_value(struct arena *a, const json_t *json, const struct tf_type *t)
{
    if (!json || json_is_null(json))
        return tf_null(a, t);
    switch (t->kind) {
    case TF_BOOL:
        return tf_bool(a, json_is_true(json));
    case TF_STRING:
        if (!json_is_string(json))
            bug("a JSON value that isn't a string stands where Terraform wants one");
        return tf_stringn(a, json_string_value(json), json_string_length(json));
    case TF_NUMBER:
        if (!json_is_integer(json))
            bug("a JSON value that isn't a whole number stands where Terraform wants one");
        return tf_int(a, json_integer_value(json));
    case TF_LIST:
    case TF_SET:
        return collection(a, json, t);
    case TF_MAP:
        return map(a, json, t);
    case TF_OBJECT:
        return object(a, json, t);
    case TF_TUPLE:
    case TF_DYNAMIC:
        break;
    }
    bug("no JSON form for type kind %d", (int)t->kind);
}
