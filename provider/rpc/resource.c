#include "provider/rpc/handler.h"

#include "lib/tf/operation.h"

#include "lib/base/banned.h"

const ProtobufCMessage *rpc_validate_resource_config(struct rpc *rpc,
                                                     const ProtobufCMessage *request)
{
    const Tfplugin6__ValidateResourceConfig__Request *req = (const void *)request;
    Tfplugin6__ValidateResourceConfig__Response *resp =
        RPC_NEW(rpc, tfplugin6__validate_resource_config__response);
    const struct tf_resource *r = rpc_resource(rpc, req->type_name);
    const struct tf_value *config;

    rpc_capabilities(rpc, req->client_capabilities);
    if (r && (config = rpc_decode(rpc, "configuration", req->config,
                                  tf_schema_type(rpc->arena, r->schema))))
        tf_validate_resource(&rpc->context, r, config);
    return RPC_ANSWER(rpc, resp);
}

static void upgrade(struct rpc *rpc, const Tfplugin6__UpgradeResourceState__Request *req,
                    Tfplugin6__UpgradeResourceState__Response *resp)
{
    const struct tf_resource *r = rpc_resource(rpc, req->type_name);
    const struct tf_value *state;

    if (!r)
        return;
    if (!req->raw_state || !req->raw_state->json.len) {
        tf_error(&rpc->diags, NULL, "State too old",
                 "The state of this %s was written by Terraform 0.11 or older, in a form that this "
                 "provider never used.",
                 r->type_name);
        return;
    }
    state = tf_upgrade_state(&rpc->context, r->schema, req->version,
                             (const char *)req->raw_state->json.data, req->raw_state->json.len);
    if (state && !tf_failed(&rpc->diags))
        resp->upgraded_state = rpc_encode(rpc, r->schema, state, false);
}

const ProtobufCMessage *rpc_upgrade_resource_state(struct rpc *rpc, const ProtobufCMessage *request)
{
    Tfplugin6__UpgradeResourceState__Response *resp =
        RPC_NEW(rpc, tfplugin6__upgrade_resource_state__response);

    upgrade(rpc, (const void *)request, resp);
    return RPC_ANSWER(rpc, resp);
}

static void read_resource(struct rpc *rpc, const Tfplugin6__ReadResource__Request *req,
                          Tfplugin6__ReadResource__Response *resp)
{
    const struct tf_resource *r = rpc_resource(rpc, req->type_name);
    struct tf_read op = {NULL, NULL};
    Tfplugin6__DynamicValue *state;

    if (!r || !(op.state = rpc_decode(rpc, "state", req->current_state,
                                      tf_schema_type(rpc->arena, r->schema))))
        return;
    op.private_state = rpc_private_decode(rpc, req->private_);
    tf_read_resource(&rpc->context, r, &op);
    state = op.state ? rpc_encode(rpc, r->schema, op.state, false) : rpc_null(rpc);
    if (state && !tf_failed(&rpc->diags)) {
        resp->new_state = state;
        resp->private_ = rpc_private_encode(rpc, op.private_state);
    }
    json_decref(op.private_state);
}

const ProtobufCMessage *rpc_read_resource(struct rpc *rpc, const ProtobufCMessage *request)
{
    const Tfplugin6__ReadResource__Request *req = (const void *)request;
    Tfplugin6__ReadResource__Response *resp = RPC_NEW(rpc, tfplugin6__read_resource__response);

    /* What comes back with an error; nothing at all would mean that the object is gone. */
    resp->new_state = req->current_state;
    resp->private_ = req->private_;
    rpc_capabilities(rpc, req->client_capabilities);
    read_resource(rpc, req, resp);
    return RPC_ANSWER(rpc, resp);
}

static void import_state(struct rpc *rpc, const Tfplugin6__ImportResourceState__Request *req,
                         Tfplugin6__ImportResourceState__Response *resp)
{
    const struct tf_resource *r = rpc_resource(rpc, req->type_name);
    struct tf_import op = {.id = req->id};
    Tfplugin6__ImportResourceState__ImportedResource *imported;

    if (!r)
        return;
    tf_import_resource(&rpc->context, r, &op);
    imported = RPC_NEW(rpc, tfplugin6__import_resource_state__imported_resource);
    if (!tf_failed(&rpc->diags) &&
        (imported->state = rpc_encode(rpc, r->schema, op.state, false))) {
        imported->type_name = req->type_name;
        imported->private_ = rpc_private_encode(rpc, op.private_state);
        resp->imported_resources = arena_calloc(rpc->arena, 1, sizeof(*resp->imported_resources));
        resp->imported_resources[0] = imported;
        resp->n_imported_resources = 1;
    }
    json_decref(op.private_state);
}

const ProtobufCMessage *rpc_import_resource_state(struct rpc *rpc, const ProtobufCMessage *request)
{
    const Tfplugin6__ImportResourceState__Request *req = (const void *)request;
    Tfplugin6__ImportResourceState__Response *resp =
        RPC_NEW(rpc, tfplugin6__import_resource_state__response);

    rpc_capabilities(rpc, req->client_capabilities);
    import_state(rpc, req, resp);
    return RPC_ANSWER(rpc, resp);
}

const ProtobufCMessage *rpc_move_resource_state(struct rpc *rpc, const ProtobufCMessage *request)
{
    const Tfplugin6__MoveResourceState__Request *req = (const void *)request;
    Tfplugin6__MoveResourceState__Response *resp =
        RPC_NEW(rpc, tfplugin6__move_resource_state__response);

    tf_error(&rpc->diags, NULL, "Resource type can't be moved to",
             "A \"%s\" of the provider %s can't become a \"%s\". Remove it from the state with a "
             "`removed` block and import it under its new type.",
             req->source_type_name, req->source_provider_address, req->target_type_name);
    return RPC_ANSWER(rpc, resp);
}
