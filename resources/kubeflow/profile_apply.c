/* Bringing a workspace into a cluster (profile_cluster.h says in which order). */
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/kube/conflict.h"
#include "lib/kube/discovery.h"
#include "lib/kube/managed_fields.h"
#include "lib/kube/status.h"
#include "resources/kubeflow/profile_objects.h"
#include "resources/kubeflow/profile_requests.h"

#include "lib/base/banned.h"

#define MODULE     "kubeflow.profile"
#define CONTROLLER "Deployment kubeflow/profiles-deployment"

struct run {
    const struct profile_cluster *c;
    const struct profile_request *r;
    const struct kube_resource *kind; /* Profile */
    json_t *profile;                  /* as it is now */
    const char *owner;                /* wanted; borrowed */
    bool continues;                   /* a create of ours that didn't end */
    bool *started;
};

static void run_done(struct run *s)
{
    json_decref(s->profile);
}

static const struct kube_resource *namespaces(void)
{
    return kube_builtin_resource("", "v1", "Namespace");
}

static const struct kube_resource *role_bindings(void)
{
    return kube_builtin_resource("rbac.authorization.k8s.io", "v1", "RoleBinding");
}

/* --- may it be made? ----------------------------------------------------------------------------- */

static int check_profile(struct run *s, const json_t *profile, struct err *err)
{
    const char *name = s->c->name;
    const char *set = krm_str(profile, "metadata", "labels", APPLYSET_MEMBER_LABEL, NULL);
    char *owner CLEANUP(mem_cleanup) = kube_owner_text(profile, s->c->manager);

    if (krm_get(profile, "metadata", "deletionTimestamp", NULL))
        return err_set(err, ERR_CONFLICT,
                       "Profile %s is being deleted; apply again when it is gone. If that takes "
                       "for ever, look at %s, which clears its finalizer",
                       name, CONTROLLER);
    if (set[0])
        return err_set(err, ERR_EXISTS,
                       "Profile %s belongs to an installation (ApplySet %s): a kubeflow_platform "
                       "whose users name it as `profile`. Take it out of there, or leave it to the "
                       "platform",
                       name, set);
    s->continues =
        !strcmp(krm_str(profile, "metadata", "annotations", PROFILE_CREATED, NULL), "false") &&
        managed_fields_applied_by(profile, s->c->manager);
    if (s->continues || s->r->adopt)
        return 0;
    return err_set(err, ERR_EXISTS,
                   "Profile %s exists already (%s). Import it (terraform import ... %s), set "
                   "adopt = true to take it over, or choose another name",
                   name, owner, name);
}

/* Its controller refuses a namespace that doesn't note the Profile's owner as its own. */
static int check_namespace(const struct run *s, const json_t *namespace, struct err *err)
{
    const char *noted = krm_str(namespace, "metadata", "annotations", "owner", NULL);

    if (krm_get(namespace, "metadata", "deletionTimestamp", NULL))
        return err_set(err, ERR_CONFLICT,
                       "namespace %s is being deleted; apply again when it is gone", s->c->name);
    if (!strcmp(noted, s->owner))
        return 0;
    return err_set(
        err, ERR_EXISTS,
        "namespace %s exists already and isn't a workspace of %s, so the profile "
        "controller would refuse it. Choose another name; or, to make a workspace of it, "
        "run: kubectl annotate namespace %s owner=%s",
        s->c->name, s->owner, s->c->name, s->owner);
}

static int check(struct run *s, struct err *err)
{
    struct profile_live live CLEANUP(profile_live_done) = {0};
    int rc = profile_look(s->c, false, &live, err);

    if (rc)
        return rc;
    s->profile = json_incref(live.profile);
    if (s->r->prior)
        return 0;
    if (live.profile)
        return check_profile(s, live.profile, err);
    return live.namespace ? check_namespace(s, live.namespace, err) : 0;
}

/* --- the Profile --------------------------------------------------------------------------------- */

static int conflict(const struct kube_status *status, const char *name, struct err *err)
{
    struct buf words CLEANUP(buf_done) = BUF_INIT;

    kube_status_words(status, &words);
    return err_set(err, ERR_CONFLICT,
                   "Profile %s: %s. Set force_conflicts = true to take over what others own", name,
                   buf_str(&words));
}

/* Unforced first: fields that were ours are taken back, those of others only when asked to. */
static int send_profile(struct run *s, bool created, struct err *err)
{
    json_auto_t *object = profile_object(s->r->wanted, created);
    json_auto_t *before = s->r->prior ? profile_object(s->r->prior, true) : NULL;
    struct kube_request req = {.verb = KUBE_APPLY,
                               .resource = s->kind,
                               .name = s->c->name,
                               .field_manager = s->c->manager,
                               .body = object,
                               .force = s->r->force_conflicts || s->r->adopt || s->continues};
    struct kube_result res;
    int rc;

    *s->started = true;
    rc = kube_do(s->c->client, &req, s->c->cancel, &res);
    if (rc == ERR_CONFLICT && kube_conflict_was_ours(&res.status, before)) {
        kube_result_done(&res);
        req.force = true;
        rc = kube_do(s->c->client, &req, s->c->cancel, &res);
    }
    if (rc == ERR_CONFLICT) {
        rc = conflict(&res.status, s->c->name, err);
    } else if (rc) {
        err_move(err, &res.err);
    } else {
        json_decref(s->profile);
        s->profile = json_incref(res.body);
    }
    kube_result_done(&res);
    return rc;
}

static int merge(const struct run *s, const struct kube_resource *resource, const char *namespace,
                 const char *name, json_t *patch, json_t **ret_body, struct err *err)
{
    struct kube_request req = {.verb = KUBE_MERGE_PATCH,
                               .resource = resource,
                               .namespace = namespace,
                               .name = name,
                               .body = patch};

    return profile_request(s->c, &req, ret_body, err);
}

static int trim_profile(struct run *s, struct err *err)
{
    json_auto_t *patch = profile_trim(s->r->wanted, s->r->prior, s->profile), *body = NULL;
    int rc = patch ? merge(s, s->kind, NULL, s->c->name, patch, &body, err) : 0;

    if (body) {
        json_decref(s->profile);
        s->profile = json_incref(body);
    }
    return rc;
}

/* Whether what state says, which is what the last refresh saw, is what is wanted. */
static bool is_as_wanted(const struct run *s)
{
    json_auto_t *wanted = profile_object(s->r->wanted, true);
    json_auto_t *before = s->r->prior ? profile_object(s->r->prior, true) : NULL;

    return s->profile && before && !s->r->unfinished && json_equal(wanted, before);
}

/* --- its owner ----------------------------------------------------------------------------------- */

/* The annotation of an object, where it exists and says something else. */
static int note(const struct run *s, const struct kube_resource *resource, const char *namespace,
                const char *name, const char *annotation, struct err *err)
{
    json_auto_t *object = NULL, *patch = NULL;
    int rc = profile_get(s->c, resource, namespace, name, &object, err);

    if (rc || !object ||
        !strcmp(krm_str(object, "metadata", "annotations", annotation, NULL), s->owner))
        return rc;
    patch = json_pack("{s:{s:{s:s}}}", "metadata", "annotations", annotation, s->owner);
    return merge(s, resource, namespace, name, patch, NULL, err);
}

/* The controller follows a new owner only when the namespace notes it, and leaves the old one in the
 * annotations by which the dashboard finds whose workspace it is. */
static int hand_over(const struct run *s, struct err *err)
{
    const struct kube_resource *policies;
    int rc = note(s, namespaces(), NULL, s->c->name, "owner", err);

    if (!rc)
        rc = note(s, role_bindings(), s->c->name, PROFILE_OWNER_BINDING, "user", err);
    if (rc)
        return rc;
    rc = profile_policy_kind(s->c, &policies, err);
    if (!rc)
        return note(s, policies, s->c->name, PROFILE_OWNER_POLICY, "user", err);
    if (rc == ERR_NOT_FOUND && err)
        err_done(err);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* --- waiting ------------------------------------------------------------------------------------- */

typedef int ready_fn(const struct run *s, bool *ret_ready, struct err *err);

static int namespace_is_there(const struct run *s, bool *ret_ready, struct err *err)
{
    json_auto_t *namespace = NULL;
    int rc = profile_get(s->c, namespaces(), NULL, s->c->name, &namespace, err);

    *ret_ready = !rc && !strcmp(krm_str(namespace, "status", "phase", NULL), "Active");
    return rc;
}

/* A controller that was still at work for another owner may have made the namespace meanwhile, and
 * the binding with the old annotation: then it is handed over once more. */
static int owner_is_bound(const struct run *s, bool *ret_ready, struct err *err)
{
    json_auto_t *binding = NULL;
    const json_t *subject;
    int rc = profile_get(s->c, role_bindings(), s->c->name, PROFILE_OWNER_BINDING, &binding, err);

    subject = json_array_get(json_object_get(binding, "subjects"), 0);
    *ret_ready = !rc && !strcmp(krm_str(subject, "name", NULL), s->owner);
    return rc ? rc : hand_over(s, err);
}

static int quota_is_set(const struct run *s, bool *ret_ready, struct err *err)
{
    json_auto_t *quota = NULL;
    int rc = profile_get(s->c, kube_builtin_resource("", "v1", "ResourceQuota"), s->c->name,
                         PROFILE_QUOTA, &quota, err);

    *ret_ready = !rc && profile_quota_holds(s->r->wanted, quota);
    return rc;
}

/* Why it takes so long, as far as the Profile tells. */
static int late(const struct run *s, const char *what, struct err *err)
{
    json_auto_t *profile = NULL;
    const char *complaint;

    if (profile_get(s->c, s->kind, NULL, s->c->name, &profile, NULL))
        profile = NULL;
    complaint = profile_complaint(profile);
    return err_set(err, ERR_TIMEOUT,
                   "timed out waiting until Profile %s has %s, which %s makes: see whether it runs "
                   "(kubectl -n kubeflow logs deployment/profiles-deployment)%s%s",
                   s->c->name, what, CONTROLLER, complaint[0] ? ". The Profile says: " : "",
                   complaint);
}

static int wait_until(const struct run *s, ready_fn *is_ready, const char *what, struct err *err)
{
    for (int64_t pause = PROFILE_POLL_FIRST_MS;; pause = profile_next_pause(pause)) {
        bool ready;
        int rc = is_ready(s, &ready, err);

        if (rc || ready)
            return rc;
        if (!clock_left_ms(s->c->deadline))
            return late(s, what, err);
        log_debug(MODULE, "%s: waiting for %s", s->c->name, what);
        if (cancel_sleep(s->c->cancel, pause))
            return err_set(err, ERR_CANCELLED, "interrupted");
    }
}

static int wait_for_rest(const struct run *s, struct err *err)
{
    int rc = s->r->wait ? wait_until(s, owner_is_bound, "its owner's rights", err) : 0;

    if (rc || !s->r->wait || !json_object_get(s->r->wanted, "resource_quota"))
        return rc;
    return wait_until(s, quota_is_set, "its quota", err);
}

/* --- contributors -------------------------------------------------------------------------------- */

static int apply_one(const struct run *s, const struct kube_resource *resource, json_t *object,
                     struct err *err)
{
    struct kube_request req = {.verb = KUBE_APPLY,
                               .resource = resource,
                               .namespace = s->c->name,
                               .name = krm_str(object, "metadata", "name", NULL),
                               .body = object,
                               .force = true}; /* the name says what it is for */

    return profile_request(s->c, &req, NULL, err);
}

static int admit(const struct run *s, const struct kube_resource *policies,
                 const json_t *contributor, struct err *err)
{
    const char *user = krm_str(contributor, "user", NULL);
    const char *role = krm_str(contributor, "role", NULL);
    char *version CLEANUP(mem_cleanup) = mem_printf("%s/%s", policies->group, policies->version);
    json_auto_t *binding = profile_role_binding(s->c->name, user, role);
    json_auto_t *policy = profile_policy(version, s->c->name, user, role);
    int rc = apply_one(s, role_bindings(), binding, err);

    return rc ? rc : apply_one(s, policies, policy, err);
}

static int delete_one(const struct run *s, const struct kube_resource *resource, const char *name,
                      struct err *err)
{
    struct kube_request req = {
        .verb = KUBE_DELETE, .resource = resource, .namespace = s->c->name, .name = name};
    int rc = profile_request(s->c, &req, NULL, err);

    if (rc == ERR_NOT_FOUND && err)
        err_done(err);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* Takes away what isn't wanted before giving anything new. */
static int set_contributors(const struct run *s, struct err *err)
{
    json_auto_t *bindings = NULL, *policies = NULL, *in_place = NULL, *grants = NULL;
    json_auto_t *names = profile_people(s->r->wanted), *wanted = json_object();
    const json_t *contributors = json_object_get(s->r->wanted, "contributors"), *contributor;
    const struct kube_resource *kind = NULL;
    const char *name;
    json_t *grant;
    size_t i;
    int rc = profile_people_of(s->c, &bindings, &policies, err);

    if (!rc && profile_policy_kind(s->c, &kind, err) && json_array_size(contributors))
        return err_set(err, ERR_NOT_FOUND,
                       "contributors need Istio's AuthorizationPolicy, which the cluster doesn't "
                       "serve: install the platform's Istio first (depends_on), or leave "
                       "contributors out");
    if (rc)
        return rc;
    json_array_foreach (contributors, i, contributor)
        json_object_set(wanted, json_string_value(json_array_get(names, i)), (json_t *)contributor);
    grants = profile_grants(bindings, policies);
    in_place = profile_contributors(bindings, policies);
    json_object_foreach (grants, name, grant) {
        if (json_object_get(wanted, name))
            continue;
        rc = delete_one(s, role_bindings(), name, err);
        if (!rc && kind)
            rc = delete_one(s, kind, name, err);
        if (rc)
            return rc;
    }
    json_object_foreach (wanted, name, grant) {
        if (!json_equal(json_object_get(in_place, name), grant) &&
            (rc = admit(s, kind, grant, err)))
            return rc;
    }
    return 0;
}

/* --- all of it ----------------------------------------------------------------------------------- */

/* Older profile controllers leave a quota in the namespace that the Profile hasn't any more. */
static int drop_quota(const struct run *s, struct err *err)
{
    const struct kube_resource *quotas = kube_builtin_resource("", "v1", "ResourceQuota");
    json_auto_t *quota = NULL;
    int rc;

    if (json_object_get(s->r->wanted, "resource_quota") ||
        !json_object_get(s->r->prior, "resource_quota"))
        return 0;
    rc = profile_get(s->c, quotas, s->c->name, PROFILE_QUOTA, &quota, err);
    if (rc || !quota || !profile_owns(quota, krm_str(s->profile, "metadata", "uid", NULL)))
        return rc;
    return delete_one(s, quotas, PROFILE_QUOTA, err);
}

static int make(struct run *s, struct err *err)
{
    bool people = json_object_get(s->r->wanted, "contributors"), create = !s->r->prior;
    int rc = 0;

    if (!is_as_wanted(s))
        rc = send_profile(s, !create && !s->r->unfinished, err);
    if (!rc)
        rc = trim_profile(s, err);
    if (!rc)
        rc = hand_over(s, err);
    if (!rc && (s->r->wait || people))
        rc = wait_until(s, namespace_is_there, "its namespace", err);
    if (!rc && people)
        rc = set_contributors(s, err);
    if (!rc)
        rc = drop_quota(s, err);
    if (!rc)
        rc = wait_for_rest(s, err);
    if (!rc && (create || s->r->unfinished))
        rc = send_profile(s, true, err);
    return rc;
}

int profile_apply(const struct profile_cluster *c, const struct profile_request *r,
                  bool *ret_started, struct err *err)
{
    struct run s CLEANUP(run_done) = {
        .c = c, .r = r, .owner = krm_str(r->wanted, "owner", NULL), .started = ret_started};
    int rc = profile_kind(c, &s.kind, err);

    *ret_started = false;
    if (rc == ERR_NOT_FOUND)
        return err_set(err, rc,
                       "the cluster has no Profiles (kubeflow.org/v1): Kubeflow's component "
                       "\"profiles\" isn't installed. Install it, and let this resource come after "
                       "it: platform = kubeflow_platform.<name>.id, or depends_on");
    if (!rc)
        rc = check(&s, err);
    return rc ? rc : make(&s, err);
}
