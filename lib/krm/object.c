#include "lib/krm/object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"

#include "lib/base/banned.h"

static bool is_kind(const struct gvk *gvk, const char *group, const char *kind)
{
    return !strcmp(gvk->group, group) && !strcmp(gvk->kind, kind);
}

/* Generators write `creationTimestamp: null` into every metadata that they embed. */
static void drop_null_timestamps(json_t *node)
{
    const char *key;
    size_t i;
    json_t *item;

    json_array_foreach (node, i, item) {
        drop_null_timestamps(item);
    }
    json_object_foreach (node, key, item) {
        if (!json_is_object(item) && !json_is_array(item))
            continue;
        if (!strcmp(key, "metadata") && json_is_null(json_object_get(item, "creationTimestamp")))
            json_object_del(item, "creationTimestamp");
        drop_null_timestamps(item);
    }
}

static void drop_empty(json_t *metadata, const char *key)
{
    const json_t *map = json_object_get(metadata, key);

    if (json_is_null(map) || (json_is_object(map) && !json_object_size(map)))
        json_object_del(metadata, key);
}

/* stringData is write-only: the API server moves it into data, so no read ever shows it. What is
 * no string is left for the API server to refuse. */
static void move_string_data(json_t *secret)
{
    json_t *text = json_object_get(secret, "stringData");
    json_t *data, *value;
    const char *key;
    void *next;

    if (!json_is_object(text))
        return;
    data = krm_member(secret, "data", NULL);
    json_object_foreach_safe(text, next, key, value)
    {
        char *encoded;

        if (!json_is_string(value))
            continue;
        encoded = hash_base64(json_string_value(value), json_string_length(value));
        json_object_set_new(data, key, json_string(encoded));
        json_object_del(text, key);
        free(encoded);
    }
    if (!json_object_size(text))
        json_object_del(secret, "stringData");
}

/* Placeholders for what a controller writes: base64 of nothing, or of a line break. */
static bool is_placeholder(const char *bundle)
{
    static const char *const placeholders[] = {"", "Cg==", "XG4="};

    for (size_t i = 0; i < ARRAY_LEN(placeholders); i++)
        if (!strcmp(bundle, placeholders[i]))
            return true;
    return false;
}

static void drop_placeholder(json_t *client_config)
{
    const json_t *bundle = json_object_get(client_config, "caBundle");

    if (json_is_string(bundle) && is_placeholder(json_string_value(bundle)))
        json_object_del(client_config, "caBundle");
}

/* Certificates of the callers of webhooks are their controllers' to write. */
static void drop_bundles(json_t *object)
{
    json_t *hook;
    size_t i;

    json_array_foreach (json_object_get(object, "webhooks"), i, hook)
        drop_placeholder(json_object_get(hook, "clientConfig"));
    drop_placeholder(krm_get(object, "spec", "conversion", "webhook", "clientConfig", NULL));
}

void krm_normalize(json_t *object)
{
    struct gvk gvk = gvk_of(object);
    json_t *metadata = json_object_get(object, "metadata");

    drop_null_timestamps(object);
    json_object_del(object, "status");
    drop_bundles(object);
    drop_empty(metadata, "labels");
    drop_empty(metadata, "annotations");
    if (krm_scope_of(gvk.group, gvk.kind) == KRM_SCOPE_CLUSTER)
        json_object_del(metadata, "namespace");
    if (is_kind(&gvk, "rbac.authorization.k8s.io", "ClusterRole") &&
        json_is_object(json_object_get(object, "aggregationRule")))
        json_object_del(object, "rules");
    if (is_kind(&gvk, "", "Secret"))
        move_string_data(object);
}

/* --- content hash ----------------------------------------------------------------------------- */

/* Labels and annotations that are put on objects when they are applied. (What stands for a Secret's
 * values is none of them: with another version the object is another one.) */
static const char *const own[] = {
    "applyset.kubernetes.io/part-of",        "terraform-provider-kubeflow/content",
    "terraform-provider-kubeflow/adopted",   "terraform-provider-kubeflow/filled",
    "terraform-provider-kubeflow/component",
};

static bool is_own(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (!strcmp(key, own[i]))
            return true;
    return false;
}

/* Puts a copy without our own entries in the place of metadata's map. */
static void hide_own(json_t *metadata, const char *name)
{
    json_auto_t *map = json_copy(json_object_get(metadata, name));
    json_t *value;
    const char *key;
    void *next;

    if (!json_is_object(map))
        return;
    json_object_foreach_safe(map, next, key, value)
    {
        if (is_own(key))
            json_object_del(map, key);
    }
    if (json_object_size(map))
        json_object_set(metadata, name, map);
    else
        json_object_del(metadata, name);
}

void krm_content_hash(const json_t *object, char out[KRM_CONTENT_HASH_SIZE])
{
    json_auto_t *copy = json_copy((json_t *)object);
    json_auto_t *metadata = json_copy(json_object_get(object, "metadata"));
    char *text;
    char hex[HASH_HEX_SIZE];

    if (json_is_object(metadata)) {
        hide_own(metadata, "labels");
        hide_own(metadata, "annotations");
        json_object_set(copy, "metadata", metadata);
    }
    text = krm_canonical_json(copy);
    hash_sha256_hex(text, strlen(text), hex);
    free(text);
    snprintf(out, KRM_CONTENT_HASH_SIZE, "v1:%.32s", hex);
}

void krm_set_annotation(json_t *object, const char *key, const char *value)
{
    json_object_set_new(krm_member(object, "metadata", "annotations", NULL), key,
                        json_string(value));
}
