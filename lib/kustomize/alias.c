/* What alias_save gives is a list of groups: {"was": text, "places": [path, ...]}, a path being the
 * list of the member names and indexes that lead to it. */
#include "lib/kustomize/alias.h"

#include <string.h>

#include "lib/base/vec.h"

#include "lib/base/banned.h"

static json_t *copy_scalar(const json_t *value)
{
    return json_deep_copy(value);
}

void alias_set(json_t *object, const char *key, json_t *value)
{
    json_t *old = json_object_get(object, key);

    if (json_is_string(old) && json_is_string(value) && old->refcount > 1) {
        json_string_setn_nocheck(old, json_string_value(value), json_string_length(value));
        json_decref(value);
        return;
    }
    json_object_set_new(object, key, value);
}

void alias_share(json_t *object, const char *key, json_t *value)
{
    if (json_object_get(object, key))
        alias_set(object, key, copy_scalar(value));
    else
        json_object_set(object, key, value);
}

/* --- finding ------------------------------------------------------------------------------------ */

struct place {
    const json_t *value;
    json_t *path;
};

struct places {
    struct place *at;
    size_t len, cap;
};

/* All strings with several owners, in the object's order. */
static void collect(const json_t *node, json_t *path, struct places *out)
{
    const char *key;
    json_t *value;
    size_t i;

    json_object_foreach ((json_t *)node, key, value) {
        json_array_append_new(path, json_string(key));
        if (json_is_string(value) && value->refcount > 1)
            vec_push(out, ((struct place){value, json_copy(path)}));
        else
            collect(value, path, out);
        json_array_remove(path, json_array_size(path) - 1);
    }
    json_array_foreach (node, i, value) {
        json_array_append_new(path, json_integer((json_int_t)i));
        collect(value, path, out);
        json_array_remove(path, json_array_size(path) - 1);
    }
}

json_t *alias_save(const json_t *object)
{
    json_auto_t *path = json_array();
    json_t *groups = json_array();
    struct places places = {0};

    collect(object, path, &places);
    for (size_t i = 0; i < places.len; i++) {
        json_t *same = json_array();

        for (size_t j = i; j < places.len && places.at[i].path; j++) {
            if (j != i && (!places.at[j].path || places.at[j].value != places.at[i].value))
                continue;
            json_array_append(same, places.at[j].path);
            if (j != i) {
                json_decref(places.at[j].path);
                places.at[j].path = NULL;
            }
        }
        if (json_array_size(same) > 1)
            json_array_append_new(
                groups,
                json_pack("{s:o, s:O}", "was", copy_scalar(places.at[i].value), "places", same));
        json_decref(same);
        json_decref(places.at[i].path);
        places.at[i].path = NULL;
    }
    vec_done(&places);
    return groups;
}

/* --- sharing again ------------------------------------------------------------------------------- */

/* The object that a path's last step is a member of, if it still is. */
static json_t *owner(json_t *object, const json_t *path)
{
    size_t n = json_array_size(path), i;
    json_t *node = object;

    for (i = 0; i + 1 < n && node; i++) {
        const json_t *step = json_array_get(path, i);

        node = json_is_string(step) ? json_object_get(node, json_string_value(step))
                                    : json_array_get(node, (size_t)json_integer_value(step));
    }
    return json_object_get(node, json_string_value(json_array_get(path, n - 1))) ? node : NULL;
}

static const char *last_step(const json_t *path)
{
    return json_string_value(json_array_get(path, json_array_size(path) - 1));
}

void alias_restore(json_t *object, const json_t *saved)
{
    json_t *group, *path;
    size_t i, j;

    json_array_foreach (saved, i, group) {
        const json_t *places = json_object_get(group, "places");
        json_auto_t *now = copy_scalar(json_object_get(group, "was"));

        json_array_foreach (places, j, path) {
            json_t *value = json_object_get(owner(object, path), last_step(path));

            if (value && !json_equal(value, json_object_get(group, "was"))) {
                json_decref(now);
                now = copy_scalar(value);
            }
        }
        json_array_foreach (places, j, path) {
            json_t *parent = owner(object, path);

            if (parent)
                json_object_set(parent, last_step(path), now);
        }
    }
}
