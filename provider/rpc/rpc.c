#include "provider/rpc/rpc.h"

#include <string.h>

#include "lib/base/log.h"
#include "lib/base/utf8.h"
#include "lib/tf/codec.h"
#include "lib/tf/operation.h"
#include "provider/rpc/handler.h"

#include "lib/base/banned.h"

enum rpc_flags {
    RPC_IMMEDIATE = 1,  /* never blocks */
    RPC_AFTER_STOP = 2, /* runs to its end even if the user has interrupted: it cleans up */
};

struct rpc_method {
    struct method method; /* first: rpc_handle gets back to the row from it */
    const char *name;
    rpc_handler *handler;
    unsigned flags;
};

static const struct rpc_method methods[] = {
#define RPC(rpc_name, snake, rpc_flags)                                                            \
    {.method = {.path = "/tfplugin6.Provider/" #rpc_name,                                          \
                .kind = ((rpc_flags)&RPC_IMMEDIATE) ? METHOD_IMMEDIATE : METHOD_WORKER,            \
                .request = &tfplugin6__##snake##__request__descriptor},                            \
     .name = #rpc_name,                                                                            \
     .handler = rpc_##snake,                                                                       \
     .flags = (rpc_flags)},
#include "provider/rpc/methods.def"
#undef RPC
};

const struct method *rpc_find(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (!strcmp(methods[i].method.path, path))
            return &methods[i].method;
    return NULL;
}

const ProtobufCMessage *rpc_handle(struct rpc_host *h, const struct method *method,
                                   struct method_call *call, const ProtobufCMessage *request)
{
    const struct rpc_method *m = (const struct rpc_method *)method;
    struct rpc rpc = {
        .host = h, .peer = call->peer, .provider = rpc_host_provider(h), .arena = call->arena};
    struct rpc_entry entry;
    const ProtobufCMessage *answer;
    void *session;

    log_trace("rpc", "%s begins", m->name);
    tf_diags_init(&rpc.diags, rpc.arena);
    session = rpc_host_enter(h, &entry, call->cancel, call->peer, m->flags & RPC_AFTER_STOP);
    rpc.context = (struct tf_context){
        .arena = rpc.arena, .cancel = call->cancel, .diags = &rpc.diags, .session = session};
    answer = m->handler(&rpc, request);
    rpc_host_leave(h, &entry, session);
    log_trace("rpc", "%s ends", m->name);
    return answer;
}

/* --- what handlers share -----------------------------------------------------------------------
 */

void *rpc_message(struct arena *a, const ProtobufCMessageDescriptor *descriptor)
{
    void *message = arena_alloc(a, descriptor->sizeof_message);

    protobuf_c_message_init(descriptor, message);
    return message;
}

static void unknown_name(struct rpc *rpc, const char *what, const char *name)
{
    tf_error(&rpc->diags, NULL, "Unknown type",
             "Terraform asked for the %s \"%s\", which version %s of the provider %s doesn't have.",
             what, convert_text(rpc->arena, name), rpc->provider->version, rpc->provider->name);
}

const struct tf_resource *rpc_resource(struct rpc *rpc, const char *type_name)
{
    const struct tf_resource *const *r = rpc->provider->resources;

    for (; r && *r; r++)
        if (!strcmp((*r)->type_name, type_name))
            return *r;
    unknown_name(rpc, "resource type", type_name);
    return NULL;
}

const struct tf_data_source *rpc_data_source(struct rpc *rpc, const char *type_name)
{
    const struct tf_data_source *const *d = rpc->provider->data_sources;

    for (; d && *d; d++)
        if (!strcmp((*d)->type_name, type_name))
            return *d;
    unknown_name(rpc, "data source", type_name);
    return NULL;
}

const struct tf_ephemeral *rpc_ephemeral(struct rpc *rpc, const char *type_name)
{
    const struct tf_ephemeral *const *e = rpc->provider->ephemerals;

    for (; e && *e; e++)
        if (!strcmp((*e)->type_name, type_name))
            return *e;
    unknown_name(rpc, "ephemeral resource type", type_name);
    return NULL;
}

const struct tf_value *rpc_decode(struct rpc *rpc, const char *what,
                                  const Tfplugin6__DynamicValue *value, const struct tf_type *type)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    const struct tf_value *v;

    if (!convert_dynamic(rpc->arena, value, type, &v, &err))
        return v;
    err_wrap(&err, "the %s doesn't fit the schema", what);
    tf_error_from(&rpc->diags, NULL, "Invalid request from Terraform", &err);
    return NULL;
}

Tfplugin6__DynamicValue *rpc_encode(struct rpc *rpc, const struct tf_schema *s,
                                    const struct tf_value *value, bool allow_unknown)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    Tfplugin6__DynamicValue *d = convert_value(rpc->arena, value, tf_schema_type(rpc->arena, s));

    if (tf_is_null(value) ||
        !tf_verify_encoded(s, d->msgpack.data, d->msgpack.len, allow_unknown, &err))
        return d;
    err_wrap(&err,
             "a value that breaks the rules of its schema was about to be sent; this is a bug "
             "of the provider");
    tf_error_from(&rpc->diags, NULL, "Invalid value from the provider", &err);
    return NULL;
}

Tfplugin6__DynamicValue *rpc_null(struct rpc *rpc)
{
    static const uint8_t nil = 0xC0;
    Tfplugin6__DynamicValue *d = RPC_NEW(rpc, tfplugin6__dynamic_value);

    d->msgpack = (ProtobufCBinaryData){1, (uint8_t *)&nil};
    return d;
}

json_t *rpc_private_decode(struct rpc *rpc, ProtobufCBinaryData data)
{
    return tf_private_decode(data.data, data.len, &rpc->diags);
}

ProtobufCBinaryData rpc_private_encode(struct rpc *rpc, const json_t *private_state)
{
    struct buf out = BUF_INIT;

    tf_private_encode(private_state, &out);
    return convert_bytes(rpc->arena, &out);
}

void rpc_capabilities(struct rpc *rpc, const Tfplugin6__ClientCapabilities *c)
{
    rpc->context.write_only_allowed = c && c->write_only_attributes_allowed;
}
