#include "lib/kube/reborn.h"

#include <string.h>

#include "lib/base/log.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/members.h"

#include "lib/base/banned.h"

#define CONTROLLER "clusterrole-aggregation-controller" /* its field manager */
#define RBAC       "rbac.authorization.k8s.io"

bool kube_is_aggregated(const json_t *metadata_object)
{
    const json_t *entry;
    size_t i;

    if (strcmp(gvk_of(metadata_object).kind, "ClusterRole") != 0)
        return false;
    json_array_foreach (krm_get(metadata_object, "metadata", "managedFields", NULL), i, entry)
        if (!strcmp(krm_str(entry, "manager", NULL), CONTROLLER))
            return true;
    return false;
}

/* Made by the controller alone. */
static bool is_its_own(const json_t *role)
{
    const json_t *managers = krm_get(role, "metadata", "managedFields", NULL);

    return json_array_size(managers) == 1 && kube_is_aggregated(role);
}

/* Roles that were deleted: name -> uid, "" when it isn't known. New reference. */
static json_t *deleted_roles(const json_t *targets, const json_t *wanted)
{
    static const char prefix[] = RBAC "/ClusterRole/";
    json_t *out = json_object(), *target;
    const char *key;

    json_object_foreach ((json_t *)wanted, key, target) {
        if (!strncmp(key, prefix, sizeof(prefix) - 1) && !json_object_get(targets, key))
            json_object_set_new(out, key + sizeof(prefix) - 1, json_string(""));
    }
    json_object_foreach ((json_t *)targets, key, target) {
        if (kube_is_aggregated(target))
            json_object_set(out, krm_str(target, "metadata", "name", NULL),
                            krm_get(target, "metadata", "uid", NULL));
    }
    return out;
}

static int delete_role(struct kube_client *c, const struct kube_resource *roles, const char *name,
                       const char *uid, struct cancel *cancel, struct err *err)
{
    json_auto_t *options = json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind",
                                     "DeleteOptions", "preconditions", "uid", uid);
    struct kube_request req = {
        .verb = KUBE_DELETE, .resource = roles, .name = name, .body = options};
    struct kube_result res;
    int rc = kube_do(c, &req, cancel, &res);

    log_info("kube.remove", "ClusterRole %s was made again by its controller; deleting it", name);
    if (rc == ERR_NOT_FOUND || rc == ERR_CONFLICT)
        rc = 0;
    else if (rc)
        err_set(err, rc, "%s", err_msg(&res.err));
    kube_result_done(&res);
    return rc;
}

int kube_delete_reborn(struct kube_client *c, const json_t *targets, const json_t *wanted,
                       struct cancel *cancel, struct err *err)
{
    json_auto_t *deleted = deleted_roles(targets, wanted), *there = NULL;
    struct kube_request req = {.verb = KUBE_LIST, .metadata_only = true};
    const json_t *item;
    size_t i;
    int rc;

    if (!json_object_size(deleted))
        return 0;
    rc = kube_resource_for(c, RBAC, "v1", "ClusterRole", cancel, &req.resource, err);
    if (rc || (rc = kube_list(c, &req, cancel, &there, NULL, err)))
        return rc;
    json_array_foreach (there, i, item) {
        json_auto_t *role = kube_metadata_object(req.resource, item);
        const char *name = krm_str(role, "metadata", "name", NULL);
        const char *uid = krm_str(role, "metadata", "uid", NULL);
        const json_t *before = json_object_get(deleted, name);

        if (!before || !strcmp(json_string_value(before), uid) || !is_its_own(role))
            continue;
        if ((rc = delete_role(c, req.resource, name, uid, cancel, err)))
            return rc;
    }
    return 0;
}
