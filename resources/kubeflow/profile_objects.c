#include "resources/kubeflow/profile_objects.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/kube/quantity.h"

#include "lib/base/banned.h"

#define RBAC_GROUP "rbac.authorization.k8s.io"

/* Annotations by which kfam and the dashboard know contributors. */
#define USER "user"
#define ROLE "role"
/* On the namespace; the controller works only while it is the Profile's owner. */
#define OWNER "owner"

/* Who may bring requests in the user's name, and the header in which the name is: the releases'
 * own settings of the profile controller and of kfam. */
static const char *const principals[] = {
    "cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account",
    "cluster.local/ns/kubeflow/sa/ml-pipeline-ui",
};
#define USER_HEADER "request.headers[kubeflow-userid]"

#define CLUSTER_ROLE_PREFIX "kubeflow-"

const char *const profile_roles[] = {"admin", "edit", "view", NULL};

/* --- the Profile --------------------------------------------------------------------------------- */

static json_t *plugins_of(const json_t *value)
{
    json_t *out = json_array(), *plugin;
    size_t i;

    json_array_foreach (json_object_get(value, "plugins"), i, plugin) {
        json_t *spec = json_loads(krm_str(plugin, "spec", NULL), 0, NULL);

        json_array_append_new(out, json_pack("{s:s, s:o}", "kind", krm_str(plugin, "kind", NULL),
                                             "spec", spec ? spec : json_object()));
    }
    return out;
}

json_t *profile_object(const json_t *value, bool created)
{
    json_t *quota = json_object_get(value, "resource_quota");
    json_t *labels = json_object_get(value, "labels");
    json_t *out =
        json_pack("{s:s, s:s, s:{s:s, s:{s:s}}, s:{s:{s:s, s:s}}}", "apiVersion", "kubeflow.org/v1",
                  "kind", "Profile", "metadata", "name", krm_str(value, "name", NULL),
                  "annotations", PROFILE_CREATED, created ? "true" : "false", "spec", "owner",
                  "kind", "User", "name", krm_str(value, "owner", NULL));
    json_t *spec = json_object_get(out, "spec");

    if (labels)
        json_object_set(json_object_get(out, "metadata"), "labels", labels);
    if (quota)
        json_object_set_new(spec, "resourceQuotaSpec", json_pack("{s:O}", "hard", quota));
    if (json_object_get(value, "plugins"))
        json_object_set_new(spec, "plugins", plugins_of(value));
    return out;
}

/* Sets to null in patch.(path) what `there` has and `wanted` hasn't. */
static void trim_map(json_t *patch, const json_t *there, const json_t *wanted)
{
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)there, key, value) {
        if (!json_object_get(wanted, key))
            json_object_set_new(patch, key, json_null());
    }
}

/* Labels that were ours, are still there and aren't wanted any more. */
static void trim_labels(json_t *patch, const json_t *value, const json_t *prior, const json_t *live)
{
    json_t *there = krm_get(live, "metadata", "labels", NULL), *label;
    json_auto_t *ours = json_object();
    const char *key;

    json_object_foreach (json_object_get(prior, "labels"), key, label) {
        if (json_object_get(there, key))
            json_object_set(ours, key, label);
    }
    trim_map(krm_member(patch, "metadata", "labels", NULL), ours, json_object_get(value, "labels"));
}

static void trim_quota(json_t *patch, const json_t *value, const json_t *prior, const json_t *live)
{
    json_t *there = krm_get(live, "spec", "resourceQuotaSpec", "hard", NULL);
    const json_t *wanted = json_object_get(value, "resource_quota");

    if (wanted)
        trim_map(krm_member(patch, "spec", "resourceQuotaSpec", "hard", NULL), there, wanted);
    else if (json_object_get(prior, "resource_quota") && there)
        json_object_set_new(krm_member(patch, "spec", NULL), "resourceQuotaSpec", json_null());
}

/* Takes out empty objects, from the leaves up; true when nothing is left. */
static bool is_hollow(json_t *patch)
{
    const char *key;
    json_t *member;
    void *next;

    if (!json_is_object(patch))
        return false;
    json_object_foreach_safe(patch, next, key, member)
    {
        if (is_hollow(member))
            json_object_del(patch, key);
    }
    return !json_object_size(patch);
}

json_t *profile_trim(const json_t *value, const json_t *prior, const json_t *live)
{
    json_auto_t *patch = json_object();

    trim_labels(patch, value, prior, live);
    trim_quota(patch, value, prior, live);
    if (!json_object_get(value, "plugins") && json_object_get(prior, "plugins") &&
        krm_get(live, "spec", "plugins", NULL))
        json_object_set_new(krm_member(patch, "spec", NULL), "plugins", json_null());
    return is_hollow(patch) ? NULL : json_incref(patch);
}

/* --- contributors -------------------------------------------------------------------------------- */

/* Letters and digits in lower case, anything else as '-', runs of it as one. */
static void put_slug(struct buf *out, const char *text)
{
    bool gap = false;

    for (; *text; text++) {
        char c = *text;

        if (c >= 'A' && c <= 'Z')
            c = (char)(c + 'a' - 'A');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            buf_putc(out, c);
        else if (!gap)
            buf_putc(out, '-');
        gap = out->len && buf_str(out)[out->len - 1] == '-';
    }
}

char *profile_contributor_name(const char *user, const char *role)
{
    struct buf raw CLEANUP(buf_done) = BUF_INIT;
    struct buf out = BUF_INIT;

    buf_printf(&raw, "user-%s-clusterrole-%s", user, role);
    put_slug(&out, buf_str(&raw));
    return buf_take(&out);
}

static json_t *metadata_of(const char *namespace, const char *user, const char *role)
{
    char *name CLEANUP(mem_cleanup) = profile_contributor_name(user, role);

    return json_pack("{s:s, s:s, s:{s:s, s:s}}", "name", name, "namespace", namespace,
                     "annotations", USER, user, ROLE, role);
}

json_t *profile_role_binding(const char *namespace, const char *user, const char *role)
{
    char *cluster_role CLEANUP(mem_cleanup) = mem_printf(CLUSTER_ROLE_PREFIX "%s", role);

    return json_pack("{s:s, s:s, s:o, s:{s:s, s:s, s:s}, s:[{s:s, s:s, s:s}]}", "apiVersion",
                     RBAC_GROUP "/v1", "kind", "RoleBinding", "metadata",
                     metadata_of(namespace, user, role), "roleRef", "apiGroup", RBAC_GROUP, "kind",
                     "ClusterRole", "name", cluster_role, "subjects", "apiGroup", RBAC_GROUP,
                     "kind", "User", "name", user);
}

json_t *profile_policy(const char *api_version, const char *namespace, const char *user,
                       const char *role)
{
    json_t *from = json_array();

    for (size_t i = 0; i < ARRAY_LEN(principals); i++)
        json_array_append_new(from, json_string(principals[i]));
    return json_pack("{s:s, s:s, s:o, s:{s:[{s:[{s:{s:o}}], s:[{s:s, s:[s]}]}]}}", "apiVersion",
                     api_version, "kind", "AuthorizationPolicy", "metadata",
                     metadata_of(namespace, user, role), "spec", "rules", "from", "source",
                     "principals", from, "when", "key", USER_HEADER, "values", user);
}

static bool is_role(const char *role)
{
    for (size_t i = 0; profile_roles[i]; i++)
        if (!strcmp(role, profile_roles[i]))
            return true;
    return false;
}

/* {"user", "role"} of an object that is marked as a contributor's; NULL for others, such as what the
 * controller makes for the owner. New reference. */
static json_t *contributor_of(const json_t *object)
{
    const char *user = krm_str(object, "metadata", "annotations", USER, NULL);
    const char *role = krm_str(object, "metadata", "annotations", ROLE, NULL);
    const char *name = krm_str(object, "metadata", "name", NULL);
    const json_t *owner = json_array_get(krm_get(object, "metadata", "ownerReferences", NULL), 0);

    if (!user[0] || !is_role(role) || !strcmp(name, PROFILE_OWNER_BINDING) ||
        !strcmp(name, PROFILE_OWNER_POLICY) || !strcmp(krm_str(owner, "kind", NULL), "Profile"))
        return NULL;
    return json_pack("{s:s, s:s}", USER, user, ROLE, role);
}

static bool binds(const json_t *binding, const json_t *contributor)
{
    const json_t *subjects = json_object_get(binding, "subjects");
    const json_t *subject = json_array_get(subjects, 0);
    const char *role = krm_str(binding, "roleRef", "name", NULL);
    size_t prefix = strlen(CLUSTER_ROLE_PREFIX);

    return json_array_size(subjects) == 1 && !strcmp(krm_str(subject, "kind", NULL), "User") &&
           !strcmp(krm_str(subject, "name", NULL), krm_str(contributor, USER, NULL)) &&
           !strcmp(krm_str(binding, "roleRef", "kind", NULL), "ClusterRole") &&
           !strncmp(role, CLUSTER_ROLE_PREFIX, prefix) &&
           !strcmp(role + prefix, krm_str(contributor, ROLE, NULL));
}

/* Whether the policy lets in requests of exactly this user; from where is the site's affair. */
static bool lets_in(const json_t *policy, const json_t *contributor)
{
    const json_t *rules = krm_get(policy, "spec", "rules", NULL);
    const json_t *when = json_object_get(json_array_get(rules, 0), "when");
    const json_t *condition = json_array_get(when, 0);
    const json_t *values = json_object_get(condition, "values");

    return json_array_size(rules) == 1 && json_array_size(when) == 1 &&
           !strcmp(krm_str(condition, "key", NULL), USER_HEADER) && json_array_size(values) == 1 &&
           json_equal(json_array_get(values, 0), json_object_get(contributor, USER));
}

static const json_t *named(const json_t *objects, const char *name)
{
    const json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        if (!strcmp(krm_str(object, "metadata", "name", NULL), name))
            return object;
    }
    return NULL;
}

static void add_grants(json_t *out, const json_t *objects)
{
    const json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        json_t *contributor = contributor_of(object);

        if (contributor)
            json_object_set_new(out, krm_str(object, "metadata", "name", NULL), contributor);
    }
}

json_t *profile_grants(const json_t *bindings, const json_t *policies)
{
    json_t *out = json_object();

    add_grants(out, policies);
    add_grants(out, bindings);
    return out;
}

json_t *profile_contributors(const json_t *bindings, const json_t *policies)
{
    json_auto_t *grants = profile_grants(bindings, policies);
    json_t *out = json_object(), *contributor;
    const char *name;

    json_object_foreach (grants, name, contributor) {
        const json_t *binding = named(bindings, name), *policy = named(policies, name);
        json_auto_t *in_policy = policy ? contributor_of(policy) : NULL;

        if (binding && json_equal(in_policy, contributor) && binds(binding, contributor) &&
            lets_in(policy, contributor))
            json_object_set(out, name, contributor);
    }
    return out;
}

json_t *profile_shown_contributors(const json_t *bindings, const json_t *policies,
                                   const json_t *people)
{
    json_auto_t *in_place = profile_contributors(bindings, policies);
    json_auto_t *grants = profile_grants(bindings, policies), *expected = json_object();
    json_t *out = json_array(), *contributor, *person;
    const char *name;
    size_t i;

    json_array_foreach (people, i, person)
        json_object_set_new(expected, json_string_value(person), json_true());
    json_object_foreach (grants, name, contributor) {
        if (json_object_get(in_place, name) || !json_object_get(expected, name))
            json_array_append(out, contributor);
    }
    return out;
}

json_t *profile_people(const json_t *value)
{
    json_t *out = json_array(), *contributor;
    size_t i;

    json_array_foreach (json_object_get(value, "contributors"), i, contributor) {
        char *name CLEANUP(mem_cleanup) = profile_contributor_name(
            krm_str(contributor, USER, NULL), krm_str(contributor, ROLE, NULL));

        json_array_append_new(out, json_string(name));
    }
    return out;
}

/* --- and back ------------------------------------------------------------------------------------ */

static bool same_quantity(const json_t *a, const json_t *b)
{
    double x, y;

    return kube_quantity(a, &x) && kube_quantity(b, &y) && x == y;
}

/* A limit as text; the API takes integers, too. */
static json_t *limit_of(const json_t *limit, const json_t *before)
{
    if (before && same_quantity(limit, before))
        return json_incref((json_t *)before);
    if (json_is_string(limit))
        return json_incref((json_t *)limit);
    return json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(limit));
}

static json_t *quota_value(const json_t *live, const json_t *before)
{
    json_t *out = json_object(), *limit;
    const char *resource;

    json_object_foreach (krm_get(live, "spec", "resourceQuotaSpec", "hard", NULL), resource, limit)
        json_object_set_new(out, resource, limit_of(limit, json_object_get(before, resource)));
    return out;
}

static json_t *labels_value(const json_t *live, const json_t *before, bool whole)
{
    json_t *out = json_object(), *label;
    const char *key;

    json_object_foreach (krm_get(live, "metadata", "labels", NULL), key, label) {
        if (whole || json_object_get(before, key))
            json_object_set(out, key, label);
    }
    return out;
}

static json_t *plugins_value(const json_t *live, const json_t *before)
{
    json_t *out = json_array(), *plugin;
    size_t i;

    json_array_foreach (krm_get(live, "spec", "plugins", NULL), i, plugin) {
        json_auto_t *none = json_object();
        json_t *spec = json_object_get(plugin, "spec");
        const char *text = krm_str(json_array_get(before, i), "spec", NULL);
        json_auto_t *known = json_loads(text, 0, NULL);
        char *dumped CLEANUP(mem_cleanup) =
            json_dumps(spec ? spec : none, JSON_COMPACT | JSON_SORT_KEYS);

        json_array_append_new(
            out, json_pack("{s:s, s:s}", "kind", krm_str(plugin, "kind", NULL), "spec",
                           known && json_equal(known, spec ? spec : none) ? text : dumped));
    }
    return out;
}

/* Who the workspace really belongs to: while the namespace names another owner than the Profile, the
 * controller does nothing. */
static json_t *owner_value(const json_t *live, const json_t *namespace)
{
    const char *kind = krm_str(live, "spec", "owner", "kind", NULL);
    const char *name = krm_str(live, "spec", "owner", "name", NULL);
    const char *noted = krm_str(namespace, "metadata", "annotations", OWNER, NULL);

    if (strcmp(kind, "User") != 0)
        return json_sprintf("%s %s", kind, name);
    return json_string(noted[0] ? noted : name);
}

/* Sets what is managed; of a whole Profile, what isn't empty. */
static void put(json_t *out, const char *name, json_t *member, const json_t *before, bool whole)
{
    bool empty = json_is_object(member) ? !json_object_size(member) : !json_array_size(member);

    if (whole ? !empty : json_object_get(before, name) != NULL)
        json_object_set(out, name, member);
    json_decref(member);
}

json_t *profile_value(const json_t *live, const json_t *namespace, const json_t *before, bool whole)
{
    json_t *out = json_pack("{s:o}", "owner", owner_value(live, namespace));

    put(out, "resource_quota", quota_value(live, json_object_get(before, "resource_quota")), before,
        whole);
    put(out, "labels", labels_value(live, json_object_get(before, "labels"), whole), before, whole);
    put(out, "plugins", plugins_value(live, json_object_get(before, "plugins")), before, whole);
    return out;
}

bool profile_quota_holds(const json_t *value, const json_t *quota)
{
    json_t *limit;
    const char *resource;

    json_object_foreach (json_object_get(value, "resource_quota"), resource, limit) {
        if (!same_quantity(limit, krm_get(quota, "spec", "hard", resource, NULL)))
            return false;
    }
    return true;
}

const char *profile_complaint(const json_t *live)
{
    const json_t *conditions = krm_get(live, "status", "conditions", NULL);
    size_t n = json_array_size(conditions);

    return n ? krm_str(json_array_get(conditions, n - 1), "message", NULL) : "";
}

bool profile_owns(const json_t *object, const char *uid)
{
    const json_t *owner;
    size_t i;

    json_array_foreach (krm_get(object, "metadata", "ownerReferences", NULL), i, owner) {
        if (uid[0] && !strcmp(krm_str(owner, "uid", NULL), uid))
            return true;
    }
    return false;
}
