/* What can be said before the first object is sent: everything that stands in the way, at once.
 *
 *     check        what is asked of the cluster                        when
 *     needs        are kinds and namespaces there, or coming along?    create, update
 *     version      is Kubernetes new enough for the release?           create, update
 *     storage      does each new claim have a class?                   create, update
 *     secrets      are Secrets there that others make? (platform)      create, update
 *     access       may the connection's user write it?                 create
 *     target       do the nodes belong to the cloud of `target`?       create
 *     capacity     do requests fit on the nodes?                       create
 *
 * Nothing is written. A check whose questions are refused (403) is skipped with a line in the log:
 * to be allowed to look isn't needed to install. Whose the objects under our names are is
 * install.c's question. */
#ifndef KUBEFLOW_PREFLIGHT_H
#define KUBEFLOW_PREFLIGHT_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/cancel.h"
#include "lib/kube/client.h"
#include "lib/kube/problems.h"

enum preflight_capacity {
    PREFLIGHT_CAPACITY_WARN,
    PREFLIGHT_CAPACITY_ERROR,
    PREFLIGHT_CAPACITY_OFF
};

struct preflight_request {
    struct kube_client *client;
    const json_t *objects; /* wanted, normalised */
    const json_t *needs;   /* names of catalog components, for messages; may be NULL */
    const char *release;   /* NULL or "" when none is known: any Kubernetes will do */
    const char *target;    /* "generic", "gke", "eks"; NULL or "" is generic */
    bool platform;         /* a whole platform */
    bool update;
    enum preflight_capacity capacity;
    struct cancel *cancel;
};

/* "warn", "error", "off"; NULL or "" is "warn". -1 for anything else. */
int preflight_capacity(const char *name);

/* Adds what is wrong to problems, each with its remedy, and what may be to warnings (an array of
 * strings). 0 when all was looked at; else the code of what kept it from looking, which is in
 * problems too. */
int preflight(const struct preflight_request *r, struct kube_problems *problems, json_t *warnings)
    WARN_UNUSED;

#endif
