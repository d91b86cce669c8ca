#include "provider/rpc/handler.h"

#include "lib/tf/operation.h"

#include "lib/base/banned.h"

const ProtobufCMessage *rpc_validate_data_resource_config(struct rpc *rpc,
                                                          const ProtobufCMessage *request)
{
    const Tfplugin6__ValidateDataResourceConfig__Request *req = (const void *)request;
    Tfplugin6__ValidateDataResourceConfig__Response *resp =
        RPC_NEW(rpc, tfplugin6__validate_data_resource_config__response);
    const struct tf_data_source *d = rpc_data_source(rpc, req->type_name);
    const struct tf_value *config;

    if (d && (config = rpc_decode(rpc, "configuration", req->config,
                                  tf_schema_type(rpc->arena, d->schema)))) {
        tf_validate_config(&rpc->context, d->schema, config);
        if (!tf_failed(&rpc->diags) && d->validate)
            d->validate(&rpc->context, config);
    }
    return RPC_ANSWER(rpc, resp);
}

static void read_data(struct rpc *rpc, const Tfplugin6__ReadDataSource__Request *req,
                      Tfplugin6__ReadDataSource__Response *resp)
{
    const struct tf_data_source *d = rpc_data_source(rpc, req->type_name);
    const struct tf_value *config, *state;

    if (!d || !(config = rpc_decode(rpc, "configuration", req->config,
                                    tf_schema_type(rpc->arena, d->schema))))
        return;
    state = d->read(&rpc->context, config);
    if (tf_failed(&rpc->diags))
        return;
    if (tf_is_null(state))
        tf_error(&rpc->diags, NULL, "No result",
                 "The data source \"%s\" returned neither a result nor an error; this is a bug of "
                 "the provider.",
                 d->type_name);
    else
        resp->state = rpc_encode(rpc, d->schema, state, false);
}

const ProtobufCMessage *rpc_read_data_source(struct rpc *rpc, const ProtobufCMessage *request)
{
    const Tfplugin6__ReadDataSource__Request *req = (const void *)request;
    Tfplugin6__ReadDataSource__Response *resp = RPC_NEW(rpc, tfplugin6__read_data_source__response);

    rpc_capabilities(rpc, req->client_capabilities);
    read_data(rpc, req, resp);
    return RPC_ANSWER(rpc, resp);
}
