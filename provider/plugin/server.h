/* A gRPC server on the C core, for one plugin process.
 *
 * One thread, the caller of server_run, takes every event of the completion queue and never runs a
 * handler that may block; those run on a pool's worker each. A call's end, its cancellation and the
 * end of the server are all events of the same queue, so what they share needs no lock.
 *
 * The life of a call, with the events that the polling thread sees:
 *
 *     NEW ---> start CLOSED, start MESSAGE
 *               |             |
 *               |          MESSAGE ---> worker: unpack, handle, pack, start SENT
 *               |                                                       |
 *            CLOSED (cancelled: fire the call's token)                SENT
 *               |                                                       |
 *               +------------- both, in any order: free ----------------+
 *
 * Invariants: only the polling thread frees calls and counts what is pending; a worker doesn't
 * touch its call after it started SENT; the queue is shut down only when the server's own shutdown
 * event has come and no call is left, because the core aborts the process if a batch starts on a
 * queue that is shut down. */
#ifndef PLUGIN_SERVER_H
#define PLUGIN_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "provider/plugin/method.h"
#include "provider/plugin/mtls.h"

struct server;

struct server_options {
    const char *listen;                   /* "unix:/path", "unix-abstract:name" */
    const struct mtls_identity *identity; /* NULL = no TLS */
    const char *client_cert;              /* PEM: the only peer to let in; with identity */
    size_t max_workers;

    /* The plugin's own service. find: NULL for an unknown path. handle: the answer, static or in
     * the call's arena, never NULL. Called from any thread. */
    const struct method *(*find)(const char *path);
    const ProtobufCMessage *(*handle)(void *arg, const struct method *method,
                                      struct method_call *call, const ProtobufCMessage *request);
    /* A connection that had a METHOD_LIFELINE is gone; NULL = there is but one client. */
    void (*forget_peer)(void *arg, const void *peer);
    void *arg;

    /* Is the host gone? Asked now and then while nothing happens; NULL = never ask, and don't stop
     * when a METHOD_LIFELINE breaks either. */
    bool (*host_gone)(void *host_arg);
    void *host_arg;

    /* Called from a thread of its own when the server hasn't stopped in time; must end the process.
     */
    void (*overdue)(void *overdue_arg);
    void *overdue_arg;
};

/* Listens. The options and what they point to must outlive the server, except for the texts.
 * 0 or ERR_FAIL. */
int server_new(struct server **ret_server, const struct server_options *options, struct err *err)
    WARN_UNUSED;

/* Serves until server_stop, a Shutdown call, or the end of the host; returns when no call is left.
 */
void server_run(struct server *s);

/* Refuses new calls, cancels those that run, and makes server_run return; after grace_ms overdue()
 * is called. From any thread, but not after server_free; only the first call counts. */
void server_stop(struct server *s, int64_t grace_ms);

void server_free(struct server *s); /* after server_run, or without it; accepts NULL */
DEFINE_CLEANUP(server_cleanup, struct server *, server_free)

#endif
