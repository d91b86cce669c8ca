#include "provider/rpc/handler.h"

#include "lib/tf/operation.h"

#include "lib/base/banned.h"

/* Presence of the private field differs from its being empty: an absent one says "none". */
#define PRIVATE_PRESENT(prefix) prefix##___PRIVATE_PRIVATE

static Google__Protobuf__Timestamp *timestamp(struct rpc *rpc, int64_t seconds)
{
    Google__Protobuf__Timestamp *t;

    if (seconds <= 0)
        return NULL;
    t = RPC_NEW(rpc, google__protobuf__timestamp);
    t->seconds = seconds;
    return t;
}

const ProtobufCMessage *rpc_validate_ephemeral_resource_config(struct rpc *rpc,
                                                               const ProtobufCMessage *request)
{
    const Tfplugin6__ValidateEphemeralResourceConfig__Request *req = (const void *)request;
    Tfplugin6__ValidateEphemeralResourceConfig__Response *resp =
        RPC_NEW(rpc, tfplugin6__validate_ephemeral_resource_config__response);
    const struct tf_ephemeral *e = rpc_ephemeral(rpc, req->type_name);
    const struct tf_value *config;

    if (e && (config = rpc_decode(rpc, "configuration", req->config,
                                  tf_schema_type(rpc->arena, e->schema)))) {
        tf_validate_config(&rpc->context, e->schema, config);
        if (!tf_failed(&rpc->diags) && e->validate)
            e->validate(&rpc->context, config);
    }
    return RPC_ANSWER(rpc, resp);
}

static void open_ephemeral(struct rpc *rpc, const Tfplugin6__OpenEphemeralResource__Request *req,
                           Tfplugin6__OpenEphemeralResource__Response *resp)
{
    const struct tf_ephemeral *e = rpc_ephemeral(rpc, req->type_name);
    const struct tf_value *config, *result;
    json_auto_t *private_state = NULL;
    int64_t renew_at = 0;

    if (!e || !(config = rpc_decode(rpc, "configuration", req->config,
                                    tf_schema_type(rpc->arena, e->schema))))
        return;
    result = e->open(&rpc->context, config, &renew_at, &private_state);
    if (!tf_failed(&rpc->diags) && tf_is_null(result))
        tf_error(&rpc->diags, NULL, "No result",
                 "The ephemeral resource \"%s\" opened with neither a result nor an error; this is "
                 "a bug of the provider.",
                 e->type_name);
    if (!tf_failed(&rpc->diags))
        resp->result = rpc_encode(rpc, e->schema, result, false);
    resp->renew_at = e->renew ? timestamp(rpc, renew_at) : NULL;
    if (private_state) {
        resp->_private_case = PRIVATE_PRESENT(TFPLUGIN6__OPEN_EPHEMERAL_RESOURCE__RESPONSE);
        resp->private_ = rpc_private_encode(rpc, private_state);
    }
}

const ProtobufCMessage *rpc_open_ephemeral_resource(struct rpc *rpc,
                                                    const ProtobufCMessage *request)
{
    const Tfplugin6__OpenEphemeralResource__Request *req = (const void *)request;
    Tfplugin6__OpenEphemeralResource__Response *resp =
        RPC_NEW(rpc, tfplugin6__open_ephemeral_resource__response);

    rpc_capabilities(rpc, req->client_capabilities);
    open_ephemeral(rpc, req, resp);
    return RPC_ANSWER(rpc, resp);
}

const ProtobufCMessage *rpc_renew_ephemeral_resource(struct rpc *rpc,
                                                     const ProtobufCMessage *request)
{
    const Tfplugin6__RenewEphemeralResource__Request *req = (const void *)request;
    Tfplugin6__RenewEphemeralResource__Response *resp =
        RPC_NEW(rpc, tfplugin6__renew_ephemeral_resource__response);
    const struct tf_ephemeral *e = rpc_ephemeral(rpc, req->type_name);
    json_t *private_state = NULL;
    int64_t renew_at = 0;

    if (e && e->renew) {
        if (req->_private_case == PRIVATE_PRESENT(TFPLUGIN6__RENEW_EPHEMERAL_RESOURCE__REQUEST))
            private_state = rpc_private_decode(rpc, req->private_);
        e->renew(&rpc->context, &renew_at, &private_state);
        resp->renew_at = timestamp(rpc, renew_at);
    }
    if (private_state) {
        resp->_private_case = PRIVATE_PRESENT(TFPLUGIN6__RENEW_EPHEMERAL_RESOURCE__RESPONSE);
        resp->private_ = rpc_private_encode(rpc, private_state);
    }
    json_decref(private_state);
    return RPC_ANSWER(rpc, resp);
}

const ProtobufCMessage *rpc_close_ephemeral_resource(struct rpc *rpc,
                                                     const ProtobufCMessage *request)
{
    const Tfplugin6__CloseEphemeralResource__Request *req = (const void *)request;
    Tfplugin6__CloseEphemeralResource__Response *resp =
        RPC_NEW(rpc, tfplugin6__close_ephemeral_resource__response);
    const struct tf_ephemeral *e = rpc_ephemeral(rpc, req->type_name);
    json_auto_t *private_state = NULL;

    if (e && e->close) {
        if (req->_private_case == PRIVATE_PRESENT(TFPLUGIN6__CLOSE_EPHEMERAL_RESOURCE__REQUEST))
            private_state = rpc_private_decode(rpc, req->private_);
        e->close(&rpc->context, private_state);
    }
    return RPC_ANSWER(rpc, resp);
}
