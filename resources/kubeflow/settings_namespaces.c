#include <string.h>

#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/applyset.h"
#include "resources/kubeflow/settings_parts.h"

#include "lib/base/attr.h"
#include "lib/base/banned.h"

/* Labels of namespaces that something selects by: with another value the mesh, a webhook or a network
 * policy would leave out what it is for, or take in what it isn't for. A key that ends in '/' stands
 * for all with that prefix. */
static const struct {
    const char *key, *why;
} taken[] = {
    {"kubernetes.io/metadata.name", "is the namespace's own name, and the API server's"},
    {"istio-injection", "says which namespaces are in the mesh"},
    {"istio-operator-managed", "is Istio's own"},
    {"istio.io/", "says which namespaces are in the mesh, and how"},
    {"topology.istio.io/", "is Istio's own"},
    {"control-plane", "keeps KServe's webhook from the platform's own pods"},
    {"app.kubernetes.io/part-of", "tells users' profiles from the platform's namespaces"},
    {"katib.kubeflow.org/metrics-collector-injection", "makes Katib change pods"},
    {"cert-manager.io/disable-validation", "turns cert-manager's checks off"},
    {"pipelines.kubeflow.org/", "makes Pipelines put its own workloads there"},
    {"applyset.kubernetes.io/", "says what this platform consists of"},
    {APPLYSET_ANNOTATION(""), "is this provider's own"},
};

static const char *why_taken(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
        size_t n = strlen(taken[i].key);

        if (taken[i].key[n - 1] == '/' ? !strncmp(key, taken[i].key, n)
                                       : !strcmp(key, taken[i].key))
            return taken[i].why;
    }
    return NULL;
}

int namespaces_check(const struct settings *s, struct err *err)
{
    const char *key;
    json_t *value;

    json_object_foreach (settings_get(s, "namespace_labels", NULL), key, value) {
        const char *why = why_taken(key), *text = json_string_value(value);

        if (!settings_is_label_key(key) || !text || !settings_is_label_value(text))
            return err_set(err, ERR_INVALID,
                           "namespace_labels[\"%s\"] isn't a label: key and value have up to %d "
                           "letters, digits, '-', '_' and '.', and the key may have a DNS name and "
                           "a slash before them",
                           key, SETTINGS_LABEL_PART_MAX);
        if (why)
            return err_set(err, ERR_INVALID,
                           "namespace_labels[\"%s\"] can't be set: that label %s; remove it", key,
                           why);
    }
    return 0;
}

int namespaces_adjust(const struct settings *s, json_t *objects, struct err *err UNUSED)
{
    const json_t *labels = settings_get(s, "namespace_labels", NULL);
    json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        if (!strcmp(gvk_of(object).kind, "Namespace") && json_object_size(labels))
            json_object_update(krm_member(object, "metadata", "labels", NULL), (json_t *)labels);
    }
    return 0;
}
