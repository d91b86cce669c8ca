#include "provider/rpc/handler.h"

#include "lib/tf/operation.h"

#include "lib/base/banned.h"

static const struct tf_value *decode_config(struct rpc *rpc, const Tfplugin6__DynamicValue *config)
{
    return rpc_decode(rpc, "provider configuration", config,
                      tf_schema_type(rpc->arena, rpc->provider->schema));
}

const ProtobufCMessage *rpc_validate_provider_config(struct rpc *rpc,
                                                     const ProtobufCMessage *request)
{
    const Tfplugin6__ValidateProviderConfig__Request *req = (const void *)request;
    Tfplugin6__ValidateProviderConfig__Response *resp =
        RPC_NEW(rpc, tfplugin6__validate_provider_config__response);
    const struct tf_value *config = decode_config(rpc, req->config);

    if (config) {
        tf_validate_config(&rpc->context, rpc->provider->schema, config);
        if (!tf_failed(&rpc->diags) && rpc->provider->validate)
            rpc->provider->validate(&rpc->context, config);
    }
    return RPC_ANSWER(rpc, resp);
}

/* An interrupt of the last run that came over this connection is over. */
const ProtobufCMessage *rpc_configure_provider(struct rpc *rpc, const ProtobufCMessage *request)
{
    const Tfplugin6__ConfigureProvider__Request *req = (const void *)request;
    Tfplugin6__ConfigureProvider__Response *resp =
        RPC_NEW(rpc, tfplugin6__configure_provider__response);
    const struct tf_value *config = decode_config(rpc, req->config);
    void *session = NULL;

    rpc_host_resume(rpc->host, rpc->peer);
    rpc_capabilities(rpc, req->client_capabilities);
    rpc->context.session = NULL;
    if (config && rpc->provider->configure)
        session = rpc->provider->configure(&rpc->context, config, req->terraform_version);
    rpc_host_set_session(rpc->host, rpc->peer, session);
    return RPC_ANSWER(rpc, resp);
}

const ProtobufCMessage *rpc_stop_provider(struct rpc *rpc, const ProtobufCMessage *request)
{
    Tfplugin6__StopProvider__Response *resp = RPC_NEW(rpc, tfplugin6__stop_provider__response);

    (void)request;
    rpc_host_stop(rpc->host, rpc->peer);
    return &resp->base;
}
