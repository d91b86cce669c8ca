/* Whether an object has reached what its spec asks for, from the object alone.
 *
 * The order of checks is cli-utils' kstatus': deletionTimestamp; metadata.generation against
 * status.observedGeneration; conditions Reconciling and Stalled; the kind's own rule (a table); a
 * Ready condition; otherwise ready. Where kstatus' answer would mislead a wait, ours differs:
 *
 *     what                                      kstatus       here
 *     workload whose controller hasn't looked   by counts     in progress (no observedGeneration)
 *     PersistentVolumeClaim that isn't bound    in progress   ready unless Lost: with the binding
 * mode WaitForFirstConsumer nothing happens until a pod comes, and whether it does is the pod's
 * workload's readiness Service of type LoadBalancer              has clusterIP has an address in
 * status Job that runs                             ready         in progress; suspended is ready
 *     Pod with phase Failed                     ready         failed
 *     Pod crash-looping or unschedulable        failed        in progress: it heals when what it
 * waits for comes (database, node); why says it StatefulSet, DaemonSet OnDelete           ready
 * counts of ready pods, not of updated ones Certificate, Issuer, ClusterIssuer        ready while
 * in progress until the condition is there no condition APIService, Namespace ready Available;
 * phase Active webhook configurations                    ready         every webhook that calls a
 * Service has a certificate in its caBundle (placeholders such as "Cg==" hold none): without one no
 *                                                             call can succeed
 *
 * FAILED is what won't change by itself, as far as the object tells. A Deployment beyond its
 * progress deadline is FAILED as in kstatus, but its controller goes on trying: who has time left
 * may go on waiting. */
#ifndef KUBE_READINESS_H
#define KUBE_READINESS_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/buf.h"

enum kube_readiness {
    KUBE_READY,
    KUBE_IN_PROGRESS,
    KUBE_FAILED, /* won't become ready without a change (a Job that failed, Stalled, progress
                    deadline) */
    KUBE_TERMINATING,
};

/* Longest piece of a cluster's own text that is repeated in ours. */
#define READINESS_MAX_MESSAGE 500

/* Appends to why a short text for everything but READY, fit to follow the object's name and a
 * colon: "1 of 2 replicas are available", "waiting for a load balancer address",
 * "isn't ready: <reason>: <message>". why may be NULL. */
enum kube_readiness kube_readiness_of(const json_t *object, struct buf *why);

/* Kinds whose readiness is worth waiting for; others are ready when applied. Kinds that this module
 * doesn't know (custom resources) are, because they may carry a Ready condition: the answer to the
 * apply says whether they do, so that most need no watch. */
bool kube_readiness_matters(const char *group, const char *kind);

/* For a Pod: what keeps it from being ready, container by container, in words, joined by "; ":
 * "container manager: CrashLoopBackOff: back-off 10s restarting failed container (exit code 1)",
 * "Unschedulable: 0/3 nodes are available: ...". Appends nothing for a pod without trouble. */
void kube_pod_trouble(const json_t *pod, struct buf *why);

#endif
