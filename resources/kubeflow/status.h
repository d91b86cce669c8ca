/* How an installation is, read from the cluster alone: no state, no manifests.
 *
 * Members are found by their set's label. Kinds whose readiness matters are read in full, CRDs and
 * all others only as metadata: they are ready when they are there. Members are counted by
 * component where they name one (APPLYSET_COMPONENT), else by namespace, else by kind. */
#ifndef KUBEFLOW_STATUS_H
#define KUBEFLOW_STATUS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/cancel.h"
#include "lib/kube/applyset.h"
#include "lib/kube/client.h"

/* The key of a parent's data that says which components a platform has: JSON,
 * {name: {"version": text, "objects": number}}. */
#define STATUS_INFO_COMPONENTS "components"

enum status_by { STATUS_COMPONENT, STATUS_NAMESPACE, STATUS_KIND };

struct status_trouble {
    char *key, *why; /* "apps/Deployment/kubeflow/katib-ui", "0 of 1 replicas ...; pod ..." */
};

struct status_group {
    enum status_by by;
    char *name, *version; /* version: "" when not known */
    size_t ready, total;  /* total counts what should be there and isn't, too */
    size_t there;
    struct status_trouble *troubles; /* workloads first */
    size_t ntroubles;
};

struct status {
    char *name;          /* of the parent */
    char *title;         /* "katib 0.18.0", "Kubeflow 26.03", or the parent's name */
    char *release;       /* "" when not known */
    bool installed;      /* the create was finished */
    char *lock;          /* who is at work on it, "" when nobody is */
    size_t ready, total; /* total counts all that are wanted, as the parent says */
    size_t there;
    struct status_group *groups; /* components as the parent lists them, then by name */
    size_t ngroups;
};

/* Everything is there and ready, and nothing is unfinished. */
bool status_is_ready(const struct status *s);

int status_read(struct kube_client *c, const struct applyset_listed *set, struct cancel *cancel,
                struct status *ret, struct err *err) WARN_UNUSED;
void status_done(struct status *s); /* accepts one that is all zero */

/* The pure part of status_read. members: key -> object, in full or metadata. pods: array. lease: the
 * Lease, or NULL. */
void status_build(const struct applyset_listed *set, json_t *members, const json_t *pods,
                  const json_t *lease, struct status *ret);

/* The set that a person means by its parent's name or its component's; NULL when none is. */
const struct applyset_listed *status_find(const struct applyset_list *list, const char *name);

#endif
