/* tfplugin6.Provider: every call of the protocol as a function from request to response.
 *
 * Handlers decode with convert.h, call lib/tf and encode the outcome. Whatever goes wrong becomes a
 * diagnostic in a response that Terraform accepts, never a gRPC error: those have no context, and
 * after an apply they lose what was made. */
#ifndef RPC_RPC_H
#define RPC_RPC_H

#include "lib/tf/resource.h"
#include "provider/plugin/method.h"

struct rpc_host;

/* What the calls of one process share: the provider and, for each connection, its session. */
struct rpc_host *rpc_host_new(const struct tf_provider *provider);
void rpc_host_free(struct rpc_host *h); /* when no call runs; accepts NULL */
DEFINE_CLEANUP(rpc_host_cleanup, struct rpc_host *, rpc_host_free)

/* Asks every running call to come to an end, and those that still come, until the provider is
 * configured again. Returns at once. */
void rpc_host_cancel(struct rpc_host *h);

/* The connection is gone: drops its session, which calls that still run keep until they end. */
void rpc_host_forget(struct rpc_host *h, const void *peer);

/* The method of a path, or NULL. */
const struct method *rpc_find(const char *path);

/* Runs a method that rpc_find gave. The answer is never NULL; it is static or in the call's arena.
 */
const ProtobufCMessage *rpc_handle(struct rpc_host *h, const struct method *method,
                                   struct method_call *call, const ProtobufCMessage *request);

#endif
