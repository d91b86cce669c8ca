#include "lib/kube/user_data.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/kube/applyset.h"
#include "lib/kube/discovery.h"
#include "lib/kube/members.h"

#include "lib/base/banned.h"

/* Kinds whose objects in a namespace mean that somebody works there. Pods and ReplicaSets follow
 * from these; ConfigMaps and ServiceAccounts appear by themselves in every namespace. */
static const struct {
    const char *group, *version, *kind;
    bool doubtful; /* may be somebody's, or have appeared by itself: counts for KUBE_ANYBODYS */
} content_kinds[] = {
    {"", "v1", "PersistentVolumeClaim", false},
    {"apps", "v1", "Deployment", false},
    {"apps", "v1", "StatefulSet", false},
    {"apps", "v1", "DaemonSet", false},
    {"batch", "v1", "CronJob", false},
    {"batch", "v1", "Job", false},
    {"", "v1", "Secret", true},
};

#define TOKEN_OF "kubernetes.io/service-account.name" /* annotation of a ServiceAccount's Secret */

static bool is_owned_by(const json_t *item, const char *kind)
{
    const json_t *owner;
    size_t i;

    json_array_foreach (krm_get(item, "metadata", "ownerReferences", NULL), i, owner) {
        if (!strcmp(krm_str(owner, "kind", NULL), kind))
            return true;
    }
    return false;
}

static bool is_strangers(const json_t *item, const char *set_id, enum kube_strangers which)
{
    const char *set = krm_str(item, "metadata", "labels", APPLYSET_MEMBER_LABEL, NULL);

    if (which != KUBE_ANYBODYS && (!strcmp(set, set_id) || (set[0] && which == KUBE_NOT_OF_ANY)))
        return false;
    return !is_owned_by(item, "Namespace") &&
           !krm_str(item, "metadata", "annotations", TOKEN_OF, NULL)[0];
}

/* Adds those items that are somebody else's. */
static int add_strangers(struct kube_client *c, const struct kube_resource *resource,
                         const char *namespace, const char *set_id, enum kube_strangers which,
                         size_t limit, struct cancel *cancel, json_t *found, struct err *err)
{
    struct kube_request req = {
        .verb = KUBE_LIST, .resource = resource, .namespace = namespace, .metadata_only = true};
    json_auto_t *items = NULL;
    json_t *item;
    size_t i;
    int rc;

    if (namespace && !resource->namespaced)
        return 0;
    rc = kube_list(c, &req, cancel, &items, NULL, err);
    if (rc == ERR_NOT_FOUND)
        return 0;
    if (rc)
        return rc;
    json_array_foreach (items, i, item) {
        json_t *object;

        if (!is_strangers(item, set_id, which) || json_array_size(found) >= limit)
            continue;
        object = kube_metadata_object(resource, item);
        if (object)
            json_array_append_new(found, object);
    }
    return 0;
}

int kube_crd_instances(struct kube_client *c, const char *crd_name, const char *namespace,
                       const char *set_id, enum kube_strangers which, size_t limit,
                       struct cancel *cancel, json_t **ret_found, struct err *err)
{
    struct kube_request req = {
        .verb = KUBE_GET,
        .resource = kube_builtin_resource("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
        .name = crd_name};
    json_auto_t *found = json_array();
    const struct kube_resource *resource;
    struct kube_result res;
    int rc = kube_do(c, &req, cancel, &res);

    if (!rc) {
        rc =
            kube_discover(c, krm_str(res.body, "spec", "group", NULL), "",
                          krm_str(res.body, "spec", "names", "kind", NULL), cancel, &resource, err);
        if (!rc)
            rc = add_strangers(c, resource, namespace, set_id, which, limit, cancel, found, err);
    } else {
        err_move(err, &res.err);
    }
    kube_result_done(&res);
    if (rc && rc != ERR_NOT_FOUND)
        return err_wrap(err, "looking for objects of %s", crd_name);
    *ret_found = json_incref(found);
    return 0;
}

int kube_namespace_content(struct kube_client *c, const char *namespace, const char *set_id,
                           enum kube_strangers which, size_t limit, struct cancel *cancel,
                           json_t **ret_found, struct err *err)
{
    json_auto_t *found = json_array();

    for (size_t i = 0; i < ARRAY_LEN(content_kinds) && json_array_size(found) < limit; i++) {
        const struct kube_resource *resource = kube_builtin_resource(
            content_kinds[i].group, content_kinds[i].version, content_kinds[i].kind);
        int rc;

        if (content_kinds[i].doubtful && which != KUBE_ANYBODYS)
            continue;
        if (!resource)
            bug("%s isn't a built-in kind", content_kinds[i].kind);
        rc = add_strangers(c, resource, namespace, set_id, which, limit, cancel, found, err);
        if (rc)
            return err_wrap(err, "looking for what namespace %s holds", namespace);
    }
    *ret_found = json_incref(found);
    return 0;
}

/* Adds a namespace under the uids of those that it belongs to. */
static void add_owned(json_t *owned, const struct kube_resource *resource, const json_t *item)
{
    json_auto_t *object = kube_metadata_object(resource, item);
    char *key CLEANUP(mem_cleanup) = object ? kube_key(object) : NULL;
    const json_t *owner;
    size_t i;

    json_array_foreach (krm_get(object, "metadata", "ownerReferences", NULL), i, owner) {
        const char *uid = krm_str(owner, "uid", NULL);
        json_t *its = json_object_get(owned, uid);

        if (!its) {
            its = json_object();
            json_object_set_new(owned, uid, its);
        }
        json_object_set(its, key, object);
    }
}

int kube_owned_namespaces(struct kube_client *c, struct cancel *cancel, json_t **ret_owned,
                          struct err *err)
{
    struct kube_request req = {.verb = KUBE_LIST,
                               .resource = kube_builtin_resource("", "v1", "Namespace"),
                               .metadata_only = true};
    json_auto_t *items = NULL;
    json_t *item;
    size_t i;
    int rc = kube_list(c, &req, cancel, &items, NULL, err);

    if (rc)
        return err_wrap(err, "looking for namespaces that belong to other objects");
    *ret_owned = json_object();
    json_array_foreach (items, i, item)
        add_owned(*ret_owned, req.resource, item);
    return 0;
}
