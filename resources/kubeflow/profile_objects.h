/* What a workspace consists of, as objects and back. Pure: no cluster, no Terraform values.
 *
 * A workspace is a Profile (kubeflow.org/v1), whose controller makes the namespace of the same name
 * with its owner's rights, and for each contributor what Kubeflow's access management API (kfam)
 * makes: a RoleBinding and an Istio AuthorizationPolicy of one name, annotated with user and role.
 * Since names, annotations and content are those of kfam, the dashboard shows the contributors and
 * can remove them.
 *
 * `value` is the resource's value as JSON (tfjson_of): name, owner, and what is managed of
 * contributors, resource_quota, labels and plugins. A member that isn't there isn't managed. */
#ifndef KUBEFLOW_PROFILE_OBJECTS_H
#define KUBEFLOW_PROFILE_OBJECTS_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/kube/applyset.h"

/* On the Profile: "false" until the create that made it was finished. */
#define PROFILE_CREATED APPLYSET_ANNOTATION("created")

/* What the profile controller makes in the namespace. */
#define PROFILE_OWNER_BINDING "namespaceAdmin"
#define PROFILE_OWNER_POLICY  "ns-owner-access-istio"
#define PROFILE_QUOTA         "kf-resource-quota"

/* The roles that a contributor may have; NULL-ended. */
extern const char *const profile_roles[];

/* The Profile as it is applied. New reference. */
json_t *profile_object(const json_t *value, bool created);

/* The merge patch that takes away what is managed and no longer wanted: keys of the quota that value
 * hasn't, labels, quota and plugins that only prior has. prior may be NULL. New reference, NULL when
 * there is nothing to take. */
json_t *profile_trim(const json_t *value, const json_t *prior, const json_t *live);

/* The name of a contributor's two objects, as kfam makes it. Heap string. */
char *profile_contributor_name(const char *user, const char *role);

/* A contributor's objects; api_version is that of the served AuthorizationPolicy. New references. */
json_t *profile_role_binding(const char *namespace, const char *user, const char *role);
json_t *profile_policy(const char *api_version, const char *namespace, const char *user,
                       const char *role);

/* Whose access is in place: name -> {"user", "role"}, of those contributors for whom both objects are
 * there and say what they should. The lists hold whole objects. New reference. */
json_t *profile_contributors(const json_t *bindings, const json_t *policies);

/* The names of all objects that give a contributor anything: name -> {"user", "role"}. What the
 * profile controller made for the owner isn't among them. New reference. */
json_t *profile_grants(const json_t *bindings, const json_t *policies);

/* What is to be shown as contributors: those in place, and what is left of others that aren't in
 * `people` (names that were applied), so that a plan takes it away. New array of {"user", "role"}. */
json_t *profile_shown_contributors(const json_t *bindings, const json_t *policies,
                                   const json_t *people);

/* The names of value's contributors, new array. */
json_t *profile_people(const json_t *value);

/* What the Profile and its namespace (or NULL) say of owner, resource_quota, labels and plugins, as
 * far as `before` manages it; all that there is when whole. Quantities and specs that mean the same
 * as before's keep its text. New reference. */
json_t *profile_value(const json_t *live, const json_t *namespace, const json_t *before,
                      bool whole);

/* Whether every limit of value's quota is in a ResourceQuota. */
bool profile_quota_holds(const json_t *value, const json_t *quota);

/* The last message in the Profile's conditions, "" when there is none. Borrowed. */
const char *profile_complaint(const json_t *live);

/* Whether an object belongs to the Profile with this uid. */
bool profile_owns(const json_t *object, const char *uid);

#endif
