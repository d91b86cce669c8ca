/* Inside of a lease: its times, which tests make short. */
#ifndef KUBE_LEASE_PARTS_H
#define KUBE_LEASE_PARTS_H

#include "lib/kube/lease.h"

struct lease_times {
    int duration_s;     /* without a renewal for so long, a lease is anybody's */
    int64_t renew_ms;   /* between renewals */
    int64_t retry_ms;   /* between tries of one that failed */
    int64_t keep_ms;    /* without a renewal for so long, the holder gives up: less than duration_s,
                           so that what it has in flight ends before somebody else begins */
    int64_t try_ms;     /* for an answer to what was sent */
    int64_t poll_ms;    /* between looks at a lease that somebody else holds */
    int64_t release_ms; /* for giving it back, all in all */
};

int kube_lease_acquire_timed(const struct lease_times *times, struct kube_client *c,
                             const char *namespace, const char *name, int64_t timeout_ms,
                             struct cancel *parent, struct kube_lease **ret_lease, struct err *err)
    WARN_UNUSED;

#endif
