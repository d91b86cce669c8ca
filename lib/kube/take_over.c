#include "lib/kube/take_over.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/object.h"
#include "lib/krm/path.h"
#include "lib/kube/applyset.h"
#include "lib/kube/describe.h"
#include "lib/kube/managed_fields.h"

#include "lib/base/banned.h"

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

/* A copy whose metadata and annotations can be changed. */
static json_t *with_own_metadata(const json_t *object, json_t **ret_metadata,
                                 json_t **ret_annotations)
{
    json_t *copy = json_copy((json_t *)object);
    json_t *metadata = json_copy(json_object_get(object, "metadata"));
    json_t *annotations = json_copy(json_object_get(metadata, "annotations"));

    json_object_set_new(copy, "metadata", metadata);
    if (annotations)
        json_object_set_new(metadata, "annotations", annotations);
    *ret_metadata = metadata;
    *ret_annotations = annotations;
    return copy;
}

static void drop_empty_annotations(json_t *metadata)
{
    if (!json_object_size(json_object_get(metadata, "annotations")))
        json_object_del(metadata, "annotations");
}

json_t *kube_plain_object(const json_t *live)
{
    static const char *const servers[] = {
        "managedFields", "uid", "resourceVersion", "generation", "creationTimestamp", "selfLink",
    };
    json_t *metadata, *annotations, *plain = with_own_metadata(live, &metadata, &annotations);

    for (size_t i = 0; i < ARRAY_LEN(servers); i++)
        json_object_del(metadata, servers[i]);
    json_object_del(annotations, LAST_APPLIED);
    drop_empty_annotations(metadata);
    json_object_del(plain, "status");
    return plain;
}

json_t *kube_unmarked_object(const json_t *object)
{
    static const char ours[] = APPLYSET_ANNOTATION("");
    json_t *metadata, *annotations, *out = with_own_metadata(object, &metadata, &annotations);
    const char *key;
    json_t *value;
    void *next;

    json_object_foreach_safe(annotations, next, key, value)
    {
        if (!strncmp(key, ours, sizeof(ours) - 1))
            json_object_del(annotations, key);
    }
    drop_empty_annotations(metadata);
    return out;
}

struct looking {
    const json_t *live;
    const char *manager;
    bool all;       /* whatever only b has was written by kubectl */
    json_t *filled; /* keys of a Secret that get values, or NULL */
    bool secret;
    json_t *lines;
};

/* Whether the path is that of a value which is put in when the Secret is applied. */
static bool is_filled(const struct looking *l, const char *path)
{
    const char *key;
    json_t *mark;

    if (!strcmp(path, ".data"))
        return json_object_size(l->filled) > 0;
    json_object_foreach (l->filled, key, mark) {
        char *plain CLEANUP(mem_cleanup) = mem_printf(".data.%s", key);
        char *quoted CLEANUP(mem_cleanup) = mem_printf(".data[\"%s\"]", key);

        if (!strcmp(path, plain) || !strcmp(path, quoted))
            return true;
    }
    return false;
}

static bool is_empty(const json_t *value)
{
    return json_is_null(value) || (json_is_object(value) && !json_object_size(value)) ||
           (json_is_array(value) && !json_array_size(value));
}

static int look(const char *path, const json_t *wanted, const json_t *there, void *arg)
{
    struct looking *l = arg;
    struct buf line CLEANUP(buf_done) = BUF_INIT;

    if (wanted || is_empty(there) || is_filled(l, path) ||
        (!l->all && !managed_fields_would_go(l->live, path, l->manager)))
        return 0;
    kube_describe_leaf(path, there, NULL, l->secret && !strncmp(path, ".data", 5), &line);
    json_object_set_new(l->lines, path, json_string(buf_str(&line)));
    return 0;
}

/* What client-side apply wrote, as the API server would have it; NULL when it didn't. */
static json_t *last_applied(const json_t *live)
{
    const char *text = krm_str(live, "metadata", "annotations", LAST_APPLIED, NULL);
    json_auto_t *written = *text ? json_loads(text, 0, NULL) : NULL;

    if (!json_is_object(written))
        return NULL;
    krm_normalize(written);
    return kube_plain_object(written);
}

json_t *kube_fields_that_go(const json_t *wanted, const json_t *live, const char *manager)
{
    json_auto_t *plain = kube_plain_object(live), *written = last_applied(live);
    json_auto_t *filled =
        json_loads(krm_str(wanted, "metadata", "annotations", APPLYSET_VALUES, NULL), 0, NULL);
    struct looking l = {.live = live,
                        .manager = manager,
                        .filled = filled,
                        .secret = !strcmp(gvk_of(wanted).kind, "Secret"),
                        .lines = json_object()};

    krm_diff(wanted, plain, look, &l);
    l.all = true;
    if (written)
        krm_diff(wanted, written, look, &l);
    return l.lines;
}
