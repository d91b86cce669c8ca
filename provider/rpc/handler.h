/* What the handlers of the calls share. Internal to provider/rpc. */
#ifndef RPC_HANDLER_H
#define RPC_HANDLER_H

#include "proto/tfplugin6.pb-c.h"
#include "provider/rpc/convert.h"
#include "provider/rpc/host.h"
#include "provider/rpc/rpc.h"

/* One call in progress. */
struct rpc {
    struct rpc_host *host;
    const void *peer; /* the connection */
    const struct tf_provider *provider;
    struct arena *arena;
    struct tf_diags diags;
    struct tf_context context; /* what lib/tf and callbacks get; refers to the two above */
};

typedef const ProtobufCMessage *rpc_handler(struct rpc *rpc, const ProtobufCMessage *request);

#define RPC(name, snake, flags) rpc_handler rpc_##snake;
#include "provider/rpc/methods.def"
#undef RPC

/* RPC_NEW(rpc, tfplugin6__stop_provider__response): a response with defaults, in the call's arena.
 */
void *rpc_message(struct arena *a, const ProtobufCMessageDescriptor *descriptor);
#define RPC_NEW(rpc, message) rpc_message((rpc)->arena, &message##__descriptor)

/* Puts the call's diagnostics into the response and makes it the answer. Last step of a handler. */
#define RPC_ANSWER(rpc, response)                                                                  \
    ((response)->n_diagnostics =                                                                   \
         convert_diags((rpc)->arena, &(rpc)->diags, &(response)->diagnostics),                     \
     &(response)->base)

/* Entries of the provider by name; NULL with an error diagnostic for an unknown one. */
const struct tf_resource *rpc_resource(struct rpc *rpc, const char *type_name);
const struct tf_data_source *rpc_data_source(struct rpc *rpc, const char *type_name);
const struct tf_ephemeral *rpc_ephemeral(struct rpc *rpc, const char *type_name);

/* A value of the request; NULL with an error diagnostic that calls it `what`. */
const struct tf_value *rpc_decode(struct rpc *rpc, const char *what,
                                  const Tfplugin6__DynamicValue *value, const struct tf_type *type);

/* A value of a schema for the response, verified; NULL with an error diagnostic if it breaks the
 * rules, which is our own fault. A null value is allowed. */
Tfplugin6__DynamicValue *rpc_encode(struct rpc *rpc, const struct tf_schema *s,
                                    const struct tf_value *value, bool allow_unknown);

/* The null of any type, as a response says that nothing is there. */
Tfplugin6__DynamicValue *rpc_null(struct rpc *rpc);

/* Private state: an opaque field of the wire to and from JSON. */
json_t *rpc_private_decode(struct rpc *rpc, ProtobufCBinaryData data);
ProtobufCBinaryData rpc_private_encode(struct rpc *rpc, const json_t *private_state);

/* What the client says about itself. */
void rpc_capabilities(struct rpc *rpc, const Tfplugin6__ClientCapabilities *c);

#endif
