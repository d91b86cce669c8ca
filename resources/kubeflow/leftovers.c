#include "resources/kubeflow/leftovers.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/aggregation.h"
#include "lib/kube/drift.h"
#include "lib/kube/members.h"

#include "lib/base/banned.h"

#define CERTIFICATE_OF "cert-manager.io/certificate-name" /* annotation of a Secret */

/* What a workload that is gone has made. Secrets of certificates are found otherwise; what is in
 * namespaces that go needs no row. */
static const struct leftover {
    const char *maker; /* key */
    const char *group, *version, *kind;
    const char *namespace; /* NULL: cluster-scoped, or in any namespace */
    const char *name;      /* one that starts with "." ends the name */
} leftovers[] = {
    {"apps/Deployment/auth/dex", "apiextensions.k8s.io", "v1", "CustomResourceDefinition", NULL,
     ".dex.coreos.com"},
    {"apps/Deployment/istio-system/istiod", "", "v1", "ConfigMap", NULL, "istio-ca-root-cert"},
    {"apps/Deployment/cert-manager/cert-manager", "coordination.k8s.io", "v1", "Lease",
     "kube-system", "cert-manager-controller"},
    {"apps/Deployment/cert-manager/cert-manager-cainjector", "coordination.k8s.io", "v1", "Lease",
     "kube-system", "cert-manager-cainjector-leader-election"},
    {"apps/Deployment/cert-manager/cert-manager-cainjector", "coordination.k8s.io", "v1", "Lease",
     "kube-system", "cert-manager-cainjector-leader-election-core"},
};

static bool is_gone(const json_t *gone, const json_t *retained, const char *key)
{
    const json_t *kept;
    size_t i;

    if (!json_object_get(gone, key))
        return false;
    json_array_foreach (retained, i, kept) {
        if (!strcmp(json_string_value(kept), key))
            return false;
    }
    return true;
}

static bool is_called(const char *name, const char *pattern)
{
    size_t len = strlen(name), n = strlen(pattern);

    return pattern[0] == '.' ? len > n && !strcmp(name + len - n, pattern) : !strcmp(name, pattern);
}

static void add(json_t *left, const struct kube_resource *resource, const json_t *item)
{
    json_auto_t *meta = kube_metadata_object(resource, item);
    char *key CLEANUP(mem_cleanup) = meta ? kube_key(meta) : NULL;

    if (meta)
        json_object_set(left, key, meta);
}

/* All objects of a kind, by metadata; none when it isn't served. */
static int list(struct kube_client *c, const struct leftover *what, struct cancel *cancel,
                const struct kube_resource **ret_resource, json_t **ret_items, struct err *err)
{
    char *field CLEANUP(mem_cleanup) = NULL;
    struct kube_request req = {
        .verb = KUBE_LIST, .namespace = what->namespace, .metadata_only = true};
    int rc =
        kube_resource_for(c, what->group, what->version, what->kind, cancel, &req.resource, err);

    if (rc)
        return rc;
    if (what->name && what->name[0] != '.')
        field = mem_printf("metadata.name=%s", what->name);
    req.field_selector = field;
    *ret_resource = req.resource;
    rc = kube_list(c, &req, cancel, ret_items, NULL, err);
    return rc ? err_wrap(err, "looking for what is left of %s", what->maker) : 0;
}

static int add_made(struct kube_client *c, const struct leftover *what, struct cancel *cancel,
                    json_t *left, struct err *err)
{
    const struct kube_resource *resource;
    json_auto_t *items = NULL;
    const json_t *item;
    size_t i;
    int rc = list(c, what, cancel, &resource, &items, err);

    if (rc)
        return rc;
    json_array_foreach (items, i, item) {
        if (is_called(krm_str(item, "metadata", "name", NULL), what->name))
            add(left, resource, item);
    }
    return 0;
}

/* Certificates that are gone: namespace -> name -> true. New reference. */
static json_t *certificates(const json_t *gone, const json_t *retained)
{
    json_t *out = json_object(), *unused;
    const char *key;

    json_object_foreach ((json_t *)gone, key, unused) {
        json_auto_t *stub =
            strncmp(key, "cert-manager.io/Certificate/", 28) ? NULL : kube_stub_of_key(key);
        const char *namespace = krm_str(stub, "metadata", "namespace", NULL);
        json_t *names = json_object_get(out, namespace);

        if (!stub || !is_gone(gone, retained, key))
            continue;
        if (!names) {
            names = json_object();
            json_object_set_new(out, namespace, names);
        }
        json_object_set_new(names, krm_str(stub, "metadata", "name", NULL), json_true());
    }
    return out;
}

/* cert-manager leaves Secrets alone when their Certificates go. */
static int add_secrets(struct kube_client *c, const char *namespace, const json_t *names,
                       struct cancel *cancel, json_t *left, struct err *err)
{
    struct leftover what = {.maker = "certificates",
                            .group = "",
                            .version = "v1",
                            .kind = "Secret",
                            .namespace = namespace};
    const struct kube_resource *resource;
    json_auto_t *items = NULL;
    const json_t *item;
    size_t i;
    int rc = list(c, &what, cancel, &resource, &items, err);

    if (rc)
        return rc;
    json_array_foreach (items, i, item) {
        if (json_object_get(names, krm_str(item, "metadata", "annotations", CERTIFICATE_OF, NULL)))
            add(left, resource, item);
    }
    return 0;
}

#define ROLES "rbac.authorization.k8s.io/ClusterRole/" /* beginning of their keys */

static bool had_roles(const json_t *gone)
{
    const char *key;
    json_t *unused;

    json_object_foreach ((json_t *)gone, key, unused) {
        if (!strncmp(key, ROLES, strlen(ROLES)))
            return true;
    }
    return false;
}

/* Roles that were deleted and are there again, from their controller alone: what somebody else has
 * written into is nobody's leftover. */
static int add_roles(struct kube_client *c, const json_t *gone, const json_t *retained,
                     struct cancel *cancel, json_t *left, struct err *err)
{
    static const struct leftover roles = {.maker = "aggregated roles",
                                          .group = "rbac.authorization.k8s.io",
                                          .version = "v1",
                                          .kind = "ClusterRole"};
    const struct kube_resource *resource;
    json_auto_t *items = NULL;
    const json_t *item;
    size_t i;
    int rc;

    if (!had_roles(gone))
        return 0;
    rc = list(c, &roles, cancel, &resource, &items, err);

    if (rc)
        return rc;
    json_array_foreach (items, i, item) {
        json_auto_t *role = kube_metadata_object(resource, item);
        char *key CLEANUP(mem_cleanup) = role ? kube_key(role) : NULL;

        if (role && kube_is_only_aggregated(role) && is_gone(gone, retained, key))
            json_object_set(left, key, role);
    }
    return 0;
}

int leftovers_find(struct kube_client *c, const json_t *gone, const json_t *retained,
                   struct cancel *cancel, json_t **ret_left, struct err *err)
{
    json_auto_t *left = json_object(), *certs = certificates(gone, retained);
    const char *namespace;
    json_t *names;
    int rc = 0;

    for (size_t i = 0; !rc && i < ARRAY_LEN(leftovers); i++)
        if (is_gone(gone, retained, leftovers[i].maker))
            rc = add_made(c, &leftovers[i], cancel, left, err);
    json_object_foreach (certs, namespace, names) {
        if (!rc)
            rc = add_secrets(c, namespace, names, cancel, left, err);
    }
    if (!rc)
        rc = add_roles(c, gone, retained, cancel, left, err);
    if (!rc)
        *ret_left = json_incref(left);
    return rc;
}
