/* Gateway and storage, read back. What is as the release has it isn't said. */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/kube/managed_fields.h"
#include "lib/kube/quantity.h"
#include "resources/kubeflow/import_parts.h"

#include "lib/base/banned.h"

#define CNI_KEY    "apps/DaemonSet/kube-system/istio-cni-node"
#define CNI_ON_GKE "/home/kubernetes/bin"

static bool says(const json_t *object, const char *member, const char *text)
{
    return !strcmp(krm_str(object, member, NULL), text);
}

/* --- gateway ------------------------------------------------------------------------------------ */

/* Annotations of whoever installed it: clouds write some of their own. */
static void read_annotations(const struct import_cluster *c, const json_t *service, json_t *gateway)
{
    const json_t *rendered =
        krm_get(import_rendered(c, IMPORT_GATEWAY), "metadata", "annotations", NULL);
    json_t *annotations = krm_get(service, "metadata", "annotations", NULL), *value;
    const char *key;

    json_object_foreach (annotations, key, value) {
        char *path CLEANUP(mem_cleanup) = mem_printf(".metadata.annotations[\"%s\"]", key);

        if (!strncmp(key, "kubectl.kubernetes.io/", 22) || json_object_get(rendered, key) ||
            !managed_fields_would_go(service, path, c->manager))
            continue;
        json_object_set(krm_member(gateway, "annotations", NULL), key, value);
    }
}

void import_tell_gateway(const struct import_cluster *c, struct import_found *f)
{
    const json_t *service = json_object_get(c->live, IMPORT_GATEWAY);
    const json_t *cni = json_object_get(c->live, CNI_KEY), *volume;
    json_t *gateway = json_object();
    const char *type = krm_str(service, "spec", "type", NULL);
    const char *ip = krm_str(service, "spec", "loadBalancerIP", NULL);
    size_t i;

    json_array_foreach (krm_get(cni, "spec", "template", "spec", "volumes", NULL), i, volume) {
        if (says(json_object_get(volume, "hostPath"), "path", CNI_ON_GKE))
            json_object_set_new(f->values, "target", json_string("gke"));
    }
    if (service && import_rendered(c, IMPORT_GATEWAY)) {
        if (*type && strcmp(type, "ClusterIP") != 0)
            json_object_set_new(gateway, "service_type", json_string(type));
        if (*ip)
            json_object_set_new(gateway, "load_balancer_ip", json_string(ip));
        read_annotations(c, service, gateway);
    }
    if (json_object_size(gateway))
        json_object_set(f->values, "gateway", gateway);
    json_decref(gateway);
}

/* --- storage ------------------------------------------------------------------------------------ */

static const char *default_class(const struct import_cluster *c)
{
    const json_t *class;
    size_t i;

    json_array_foreach (c->classes, i, class) {
        if (!strcmp(krm_str(class, "metadata", "annotations",
                            "storageclass.kubernetes.io/is-default-class", NULL),
                    "true"))
            return krm_str(class, "metadata", "name", NULL);
    }
    return "";
}

static double bytes_of(const char *text)
{
    json_auto_t *value = json_string(text);
    double n = 0;

    return kube_quantity(value, &n) ? n : 0;
}

/* One whose class was written into the manifests needs it said, too: to leave it out would be to take it
 * away. */
static bool class_matters(const struct import_cluster *c, const json_t *claim, const char *class)
{
    return *class && (strcmp(class, default_class(c)) != 0 ||
                      managed_fields_would_go(claim, ".spec.storageClassName", c->manager));
}

static void read_claim(const struct import_cluster *c, struct import_found *f, json_t *storage,
                       const struct catalog_claim *claim, const json_t *live)
{
    const char *class = krm_str(live, "spec", "storageClassName", NULL);
    const char *size = krm_str(live, "spec", "resources", "requests", "storage", NULL);
    const char *before = krm_str(storage, "class_name", NULL);

    if (class_matters(c, live, class)) {
        if (*before && strcmp(before, class) != 0)
            import_note(f,
                        "claim %s has StorageClass %s, others have %s, and storage.class_name is "
                        "one for all: give this one its class with patches",
                        claim->name, class, before);
        else
            json_object_set_new(storage, "class_name", json_string(class));
    }
    if (*size && bytes_of(size) > bytes_of(claim->size))
        json_object_set_new(krm_member(storage, "sizes", NULL), claim->name, json_string(size));
}

void import_tell_storage(const struct import_cluster *c, struct import_found *f)
{
    json_t *storage = json_object();
    size_t len;
    const struct catalog_claim *claims = catalog_claims(&len);

    for (size_t i = 0; i < len; i++) {
        const char *namespace = catalog_namespace(claims[i].component);
        char *key CLEANUP(mem_cleanup) = mem_printf(
            "PersistentVolumeClaim/%s/%s", namespace ? namespace : "kubeflow", claims[i].name);
        const json_t *live = json_object_get(c->live, key);

        if (live && !strcmp(claims[i].release, f->release->name) && import_rendered(c, key))
            read_claim(c, f, storage, &claims[i], live);
    }
    if (json_object_size(storage))
        json_object_set(f->values, "storage", storage);
    json_decref(storage);
}
