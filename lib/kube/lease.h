/* A lock in the cluster: a coordination.k8s.io/v1 Lease that expires.
 *
 * Keeps a second apply of the same set out. The holder renews it from a thread of its own every
 * LEASE_RENEW_MS; when somebody else holds or has deleted it, or renewing fails for so long that
 * the lease will soon have expired, the lease's token fires and the work that it protects must
 * stop.
 *
 * The identity names host, boot, pid namespace, pid and process start (lease_holder.h), so that a
 * holder that was killed on this very machine is recognised as dead and its lease taken at once;
 * any other dead holder's lease is free LEASE_SECONDS after its last renewal (measured by our own
 * clock from when we first saw that renewTime, so skewed clocks don't matter). */
#ifndef KUBE_LEASE_H
#define KUBE_LEASE_H

#include "lib/base/cancel.h"
#include "lib/kube/client.h"

#define LEASE_SECONDS  60
#define LEASE_RENEW_MS 15000

struct kube_lease;

/* Waits up to timeout_ms (0 = looks once) for the lease namespace/name (the namespace exists),
 * saying at INFO who holds it. parent: the RPC's token. ERR_CONFLICT names the holder, since when,
 * and what to do; ERR_CANCELLED; or the API's error. */
int kube_lease_acquire(struct kube_client *c, const char *namespace, const char *name,
                       int64_t timeout_ms, struct cancel *parent, struct kube_lease **ret_lease,
                       struct err *err) WARN_UNUSED;

/* Fires with the parent, and when the lease is lost. Borrowed: pass it to what the lease protects. */
struct cancel *kube_lease_token(struct kube_lease *l);
bool kube_lease_lost(const struct kube_lease *l);

/* Stops renewing and deletes the Lease object if it is still ours (best effort, a few seconds at
 * most, also after a cancel). Accepts NULL. */
void kube_lease_release(struct kube_lease *l);
DEFINE_CLEANUP(kube_lease_cleanup, struct kube_lease *, kube_lease_release)

#endif
