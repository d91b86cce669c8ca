/* The state that calls share: the sessions that ConfigureProvider made and the calls that run.
 * Internal to provider/rpc.
 *
 * A session belongs to the connection that configured it. With one client that makes no difference;
 * with several (reattach mode: runs at the same time, or one run with aliased providers) it keeps a
 * call from running against somebody else's cluster. A connection that configured nothing gets the
 * session that was configured last. */
#ifndef RPC_HOST_H
#define RPC_HOST_H

#include <stdbool.h>

#include "lib/base/cancel.h"
#include "lib/tf/resource.h"

struct rpc_host;

/* A running call in the host's list; lives in the call. */
struct rpc_entry {
    struct rpc_entry *next, **link; /* link: what points to this entry */
    struct cancel *cancel;
    const void *peer;
};

const struct tf_provider *rpc_host_provider(const struct rpc_host *h);

/* Puts a call into the list. Its token fires when its connection is stopped, at once if that was
 * before and !after_stop. Returns the session with a reference for the call, or NULL. */
void *rpc_host_enter(struct rpc_host *h, struct rpc_entry *e, struct cancel *cancel,
                     const void *peer, bool after_stop);
void rpc_host_leave(struct rpc_host *h, struct rpc_entry *e, void *session);

/* Fires the tokens of the connection's calls, and of those that still come. */
void rpc_host_stop(struct rpc_host *h, const void *peer);

/* A new configuration is about to come in: later calls of the connection run again. */
void rpc_host_resume(struct rpc_host *h, const void *peer);

/* Makes the session (one reference, taken over; NULL = none) the one of all later calls of the
 * connection. Calls that run keep theirs. */
void rpc_host_set_session(struct rpc_host *h, const void *peer, void *session);

#endif
