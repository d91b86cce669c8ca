/* A workspace in a cluster: what is there, and how it becomes what it should be.
 *
 * Requests follow one another, because the profile controller works between them:
 *
 *     Profile (server-side apply) -> the namespace's note of its owner -> namespace is there
 *         -> contributors -> owner's rights and quota are there -> Profile again, marked as created
 *
 * Each step looks at what is there before it writes, so that a run that was killed is continued by
 * the next one from wherever it ended. */
#ifndef KUBEFLOW_PROFILE_CLUSTER_H
#define KUBEFLOW_PROFILE_CLUSTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/cancel.h"
#include "lib/kube/client.h"

#define PROFILE_MAX_USER_DATA 10 /* things that are named when a destroy is refused */

/* Where and how. */
struct profile_cluster {
    struct kube_client *client;
    const char *manager; /* field manager */
    const char *name;    /* of the Profile and its namespace */
    int64_t retry_ms;    /* how long an API server that doesn't answer is tried; 0 = as usual */
    int64_t deadline;
    struct cancel *cancel;
};

/* What is there; NULL members aren't. The lists hold the namespace's RoleBindings and
 * AuthorizationPolicies as whole objects. */
struct profile_live {
    json_t *profile, *namespace;
    json_t *bindings, *policies;
};
void profile_live_done(struct profile_live *l);

/* Reads Profile and namespace; with people the lists, too. A cluster that doesn't serve Profiles has
 * none. */
int profile_look(const struct profile_cluster *c, bool people, struct profile_live *ret,
                 struct err *err) WARN_UNUSED;

/* Values as in profile_objects.h. */
struct profile_request {
    const json_t *wanted;
    const json_t *prior; /* NULL for a create */
    bool unfinished;     /* the create behind prior didn't end */
    bool adopt, force_conflicts, wait;
};

/* Makes it so. *ret_started (also after an error): something may have been written. */
int profile_apply(const struct profile_cluster *c, const struct profile_request *r,
                  bool *ret_started, struct err *err) WARN_UNUSED;

/* What users keep in the namespace: an array of "Kind name" with at most PROFILE_MAX_USER_DATA items.
 * New reference. */
int profile_user_data(const struct profile_cluster *c, json_t **ret_found, struct err *err)
    WARN_UNUSED;

/* Deletes the Profile and waits until it and its namespace are gone. */
int profile_remove(const struct profile_cluster *c, struct err *err) WARN_UNUSED;

#endif
