/* What profile_cluster.c and profile_apply.c share: single requests. Only for those two. */
#ifndef KUBEFLOW_PROFILE_REQUESTS_H
#define KUBEFLOW_PROFILE_REQUESTS_H

#include "resources/kubeflow/profile_cluster.h"

#define PROFILE_POLL_FIRST_MS 100
#define PROFILE_POLL_MAX_MS   2000
int64_t profile_next_pause(int64_t pause);

/* The served kinds; ERR_NOT_FOUND where there is none. */
int profile_kind(const struct profile_cluster *c, const struct kube_resource **ret, struct err *err)
    WARN_UNUSED;
int profile_policy_kind(const struct profile_cluster *c, const struct kube_resource **ret,
                        struct err *err) WARN_UNUSED;

/* One request with our manager; ret_body may be NULL. */
int profile_request(const struct profile_cluster *c, const struct kube_request *req,
                    json_t **ret_body, struct err *err) WARN_UNUSED;

/* *ret = NULL when there is none. */
int profile_get(const struct profile_cluster *c, const struct kube_resource *resource,
                const char *namespace, const char *name, json_t **ret, struct err *err) WARN_UNUSED;

/* The namespace's RoleBindings and AuthorizationPolicies (none where they aren't served). */
int profile_people_of(const struct profile_cluster *c, json_t **ret_bindings, json_t **ret_policies,
                      struct err *err) WARN_UNUSED;

#endif
