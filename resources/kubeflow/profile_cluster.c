#include "resources/kubeflow/profile_cluster.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/discovery.h"
#include "lib/kube/members.h"
#include "lib/kube/user_data.h"
#include "resources/kubeflow/profile_objects.h"
#include "resources/kubeflow/profile_requests.h"
#include "resources/kubeflow/removal_facts.h"

#include "lib/base/banned.h"

#define NO_SET "-" /* no set has this id: nothing counts as ours */

/* --- requests ------------------------------------------------------------------------------------ */

int profile_kind(const struct profile_cluster *c, const struct kube_resource **ret, struct err *err)
{
    return kube_resource_for(c->client, "kubeflow.org", "v1", "Profile", c->cancel, ret, err);
}

int profile_policy_kind(const struct profile_cluster *c, const struct kube_resource **ret,
                        struct err *err)
{
    return kube_resource_for(c->client, "security.istio.io", "", "AuthorizationPolicy", c->cancel,
                             ret, err);
}

int profile_request(const struct profile_cluster *c, const struct kube_request *req,
                    json_t **ret_body, struct err *err)
{
    struct kube_request full = *req;
    struct kube_result res;
    int rc;

    full.field_manager = c->manager;
    full.retry_ms = c->retry_ms;
    rc = kube_do(c->client, &full, c->cancel, &res);
    if (rc)
        err_move(err, &res.err);
    else if (ret_body)
        *ret_body = json_incref(res.body);
    kube_result_done(&res);
    return rc;
}

int profile_get(const struct profile_cluster *c, const struct kube_resource *resource,
                const char *namespace, const char *name, json_t **ret, struct err *err)
{
    struct kube_request req = {
        .verb = KUBE_GET, .resource = resource, .namespace = namespace, .name = name};
    int rc;

    *ret = NULL;
    rc = profile_request(c, &req, ret, err);
    if (rc != ERR_NOT_FOUND)
        return rc;
    if (err)
        err_done(err);
    return 0;
}

/* --- looking ------------------------------------------------------------------------------------- */

void profile_live_done(struct profile_live *l)
{
    json_decref(l->profile);
    json_decref(l->namespace);
    json_decref(l->bindings);
    json_decref(l->policies);
    memset(l, 0, sizeof(*l));
}

static int list(const struct profile_cluster *c, const struct kube_resource *resource, json_t **ret,
                struct err *err)
{
    struct kube_request req = {
        .verb = KUBE_LIST, .resource = resource, .namespace = c->name, .retry_ms = c->retry_ms};

    return kube_list(c->client, &req, c->cancel, ret, NULL, err);
}

int profile_people_of(const struct profile_cluster *c, json_t **ret_bindings, json_t **ret_policies,
                      struct err *err)
{
    json_auto_t *bindings = NULL, *policies = NULL;
    const struct kube_resource *policy;
    int rc = list(c, kube_builtin_resource("rbac.authorization.k8s.io", "v1", "RoleBinding"),
                  &bindings, err);

    if (rc)
        return rc;
    rc = profile_policy_kind(c, &policy, err);
    if (!rc)
        rc = list(c, policy, &policies, err);
    if (rc && rc != ERR_NOT_FOUND)
        return rc;
    if (rc && err)
        err_done(err);
    *ret_bindings = json_incref(bindings);
    *ret_policies = rc ? json_array() : json_incref(policies);
    return 0;
}

int profile_look(const struct profile_cluster *c, bool people, struct profile_live *ret,
                 struct err *err)
{
    struct profile_live live CLEANUP(profile_live_done) = {0};
    const struct kube_resource *kind;
    int rc = profile_kind(c, &kind, err);

    if (!rc)
        rc = profile_get(c, kind, NULL, c->name, &live.profile, err);
    else if (rc == ERR_NOT_FOUND)
        rc = 0;
    if (rc)
        return rc;
    if (err)
        err_done(err);
    rc = profile_get(c, kube_builtin_resource("", "v1", "Namespace"), NULL, c->name,
                     &live.namespace, err);
    if (!rc && people && live.namespace)
        rc = profile_people_of(c, &live.bindings, &live.policies, err);
    if (rc)
        return rc;
    *ret = live;
    memset(&live, 0, sizeof(live));
    return 0;
}

/* --- users' data --------------------------------------------------------------------------------- */

static void name_all(json_t *names, const json_t *objects)
{
    const json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        if (json_array_size(names) < PROFILE_MAX_USER_DATA)
            json_array_append_new(names, json_sprintf("%s %s", gvk_of(object).kind,
                                                      krm_str(object, "metadata", "name", NULL)));
    }
}

/* Pods that nothing would make again. */
static int add_lone_pods(const struct profile_cluster *c, json_t *names, struct err *err)
{
    const struct kube_resource *pods = kube_builtin_resource("", "v1", "Pod");
    struct kube_request req = {.verb = KUBE_LIST,
                               .resource = pods,
                               .namespace = c->name,
                               .metadata_only = true,
                               .retry_ms = c->retry_ms};
    json_auto_t *items = NULL, *lone = json_array();
    json_t *item;
    size_t i;
    int rc = kube_list(c->client, &req, c->cancel, &items, NULL, err);

    if (rc)
        return rc;
    json_array_foreach (items, i, item) {
        if (!json_array_size(krm_get(item, "metadata", "ownerReferences", NULL)))
            json_array_append_new(lone, kube_metadata_object(pods, item));
    }
    name_all(names, lone);
    return 0;
}

int profile_user_data(const struct profile_cluster *c, json_t **ret_found, struct err *err)
{
    json_auto_t *names = json_array(), *content = NULL;
    int rc = kube_namespace_content(c->client, c->name, NO_SET, KUBE_NOT_OF_SET,
                                    PROFILE_MAX_USER_DATA, c->cancel, &content, err);

    if (rc)
        return rc;
    name_all(names, content);
    for (size_t i = 0; removal_work(i) && json_array_size(names) < PROFILE_MAX_USER_DATA; i++) {
        json_auto_t *work = NULL;

        rc = kube_crd_instances(c->client, removal_work(i), c->name, NO_SET, KUBE_NOT_OF_SET,
                                PROFILE_MAX_USER_DATA, c->cancel, &work, err);
        if (rc)
            return rc;
        name_all(names, work);
    }
    rc = add_lone_pods(c, names, err);
    if (!rc)
        *ret_found = json_incref(names);
    return rc;
}

/* --- removing ------------------------------------------------------------------------------------ */

static int delete_profile(const struct profile_cluster *c, const json_t *profile, struct err *err)
{
    json_auto_t *options =
        json_pack("{s:s, s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind", "DeleteOptions",
                  "propagationPolicy", "Background", "preconditions", "uid",
                  krm_str(profile, "metadata", "uid", NULL));
    struct kube_request req = {.verb = KUBE_DELETE, .name = c->name, .body = options};
    int rc = profile_kind(c, &req.resource, err);

    if (!rc)
        rc = profile_request(c, &req, NULL, err);
    if (rc == ERR_NOT_FOUND && err)
        err_done(err);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int still_there(const struct profile_cluster *c, const struct profile_live *live,
                       struct err *err)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT;
    json_t *finalizers = krm_get(live->profile, "metadata", "finalizers", NULL), *finalizer;
    size_t i;

    json_array_foreach (finalizers, i, finalizer) {
        const char *name = json_string_value(finalizer), *who = removal_facts.clears(name);

        buf_printf(&text, "%s%s%s%s%s", i ? ", " : ": it waits for its finalizers ", name,
                   who ? " (cleared by " : "", who ? who : "", who ? ")" : "");
    }
    return err_set(err, ERR_TIMEOUT, "timed out while %s %s was being deleted%s",
                   live->profile ? "Profile" : "namespace", c->name, buf_str(&text));
}

/* Whether something of it is left: the Profile itself, or the namespace that belonged to it. */
static bool is_left(const struct profile_live *now, const char *uid)
{
    return !strcmp(krm_str(now->profile, "metadata", "uid", NULL), uid) ||
           profile_owns(now->namespace, uid);
}

int profile_remove(const struct profile_cluster *c, struct err *err)
{
    struct profile_live live CLEANUP(profile_live_done) = {0};
    const char *uid;
    int rc = profile_look(c, false, &live, err);

    if (rc || !live.profile)
        return rc;
    uid = krm_str(live.profile, "metadata", "uid", NULL);
    rc = delete_profile(c, live.profile, err);
    for (int64_t pause = PROFILE_POLL_FIRST_MS; !rc; pause = profile_next_pause(pause)) {
        struct profile_live now CLEANUP(profile_live_done) = {0};

        rc = profile_look(c, false, &now, err);
        if (!rc && !is_left(&now, uid))
            return 0;
        if (!rc && !clock_left_ms(c->deadline))
            rc = still_there(c, &now, err);
        if (!rc && cancel_sleep(c->cancel, pause))
            rc = err_set(err, ERR_CANCELLED, "interrupted");
    }
    return rc;
}

int64_t profile_next_pause(int64_t pause)
{
    return pause * 2 < PROFILE_POLL_MAX_MS ? pause * 2 : PROFILE_POLL_MAX_MS;
}
