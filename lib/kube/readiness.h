/* Whether an object has reached what its spec asks for: kstatus' rules, from the object alone.
 *
 * Order of checks (cli-utils kstatus): deletionTimestamp; metadata.generation against
 * status.observedGeneration; conditions Reconciling/Stalled; the kind's own rule (table); a Ready
 * condition; otherwise current. */
#ifndef KUBE_READINESS_H
#define KUBE_READINESS_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/buf.h"

enum kube_readiness {
    KUBE_READY,
    KUBE_IN_PROGRESS,
    KUBE_FAILED, /* won't become ready without a change (a Job that failed, Stalled, progress deadline) */
    KUBE_TERMINATING,
};

/* why gets a short text for everything but READY: "1 of 2 replicas are available",
 * "waiting for a load balancer address", "Certificate isn't ready: <message>". */
enum kube_readiness kube_readiness_of(const json_t *object, struct buf *why);

/* Kinds whose readiness is worth waiting for; others are ready when applied. */
bool kube_readiness_matters(const char *group, const char *kind);

/* For a Pod: what keeps it from being ready, container by container, in words ("container manager:
 * CrashLoopBackOff: back-off 10s restarting failed container", "Unschedulable: 0/3 nodes ..."). */
void kube_pod_trouble(const json_t *pod, struct buf *why);

#endif
