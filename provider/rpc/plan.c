#include "provider/rpc/handler.h"

#include "lib/tf/operation.h"

#include "lib/base/banned.h"

static void add_requires_replace(struct rpc *rpc, const struct tf_plan *plan,
                                 Tfplugin6__PlanResourceChange__Response *resp)
{
    resp->requires_replace =
        arena_calloc(rpc->arena, plan->nrequires_replace, sizeof(*resp->requires_replace));
    for (size_t i = 0; i < plan->nrequires_replace; i++) {
        Tfplugin6__AttributePath *path = convert_path(rpc->arena, plan->requires_replace[i]);

        if (path)
            resp->requires_replace[resp->n_requires_replace++] = path;
    }
}

static void plan_change(struct rpc *rpc, const Tfplugin6__PlanResourceChange__Request *req,
                        Tfplugin6__PlanResourceChange__Response *resp)
{
    const struct tf_resource *r = rpc_resource(rpc, req->type_name);
    const struct tf_value *proposed;
    const struct tf_type *type;
    struct tf_plan plan = {.action = TF_NO_OP};
    Tfplugin6__DynamicValue *planned;

    if (!r)
        return;
    type = tf_schema_type(rpc->arena, r->schema);
    plan.prior = rpc_decode(rpc, "prior state", req->prior_state, type);
    plan.config = rpc_decode(rpc, "configuration", req->config, type);
    proposed = rpc_decode(rpc, "proposed state", req->proposed_new_state, type);
    if (!plan.prior || !plan.config || !proposed)
        return;
    plan.private_state = rpc_private_decode(rpc, req->prior_private);
    tf_plan_resource(&rpc->context, r, proposed, &plan);
    planned = rpc_encode(rpc, r->schema, plan.planned, true);
    if (planned) {
        resp->planned_state = planned;
        resp->planned_private = rpc_private_encode(rpc, plan.private_state);
        add_requires_replace(rpc, &plan, resp);
    }
    json_decref(plan.private_state);
}

const ProtobufCMessage *rpc_plan_resource_change(struct rpc *rpc, const ProtobufCMessage *request)
{
    const Tfplugin6__PlanResourceChange__Request *req = (const void *)request;
    Tfplugin6__PlanResourceChange__Response *resp =
        RPC_NEW(rpc, tfplugin6__plan_resource_change__response);

    /* What comes back with an error, when Terraform looks at the diagnostics alone. */
    resp->planned_state = req->proposed_new_state;
    resp->planned_private = req->prior_private;
    rpc_capabilities(rpc, req->client_capabilities);
    plan_change(rpc, req, resp);
    return RPC_ANSWER(rpc, resp);
}
