/* The state that calls share: the session that ConfigureProvider made and the calls that run.
 * Internal to provider/rpc. */
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
};

const struct tf_provider *rpc_host_provider(const struct rpc_host *h);

/* Puts a call into the list. Its token fires with rpc_host_cancel, at once if that was before and
 * !after_stop. Returns the session with a reference for the call, or NULL. */
void *rpc_host_enter(struct rpc_host *h, struct rpc_entry *e, struct cancel *cancel,
                     bool after_stop);
void rpc_host_leave(struct rpc_host *h, struct rpc_entry *e, void *session);

/* A new configuration is about to come in: later calls run again. */
void rpc_host_resume(struct rpc_host *h);

/* Makes the session (one reference, taken over) the one of all later calls. Calls that run keep
 * theirs. NULL: there's none any more. */
void rpc_host_set_session(struct rpc_host *h, void *session);

#endif
