/* ApplyResourceChange, the call whose answer decides what Terraform still knows of an object.
 *
 *     answer                                   what Terraform keeps
 *     ---------------------------------------  -----------------------------------------------
 *     a state                                  that state and this private state; with an error
 *                                              on a create: marked as tainted
 *     null and an error                        create: nothing; else the prior object and its
 *                                              own private state
 *     null without an error                    delete: nothing, as it should be
 *     a gRPC error, bytes that don't decode,   create: nothing, although the object may be there;
 *     a value that breaks the schema           update: the private state, or the object, is lost
 *
 * So every way out of here is one of the first three: nothing that may exist is answered with
 * null, and a value that fails its verification is replaced by one that can't. */
#include "provider/rpc/handler.h"

#include "lib/tf/operation.h"

#include "lib/base/banned.h"

/* The state after our own code produced one that breaks the rules: what was meant to be made, or
 * what was there before, with null for what isn't known. rpc_encode has reported the error. */
static Tfplugin6__DynamicValue *last_resort(struct rpc *rpc, const struct tf_resource *r,
                                            const struct tf_apply *op)
{
    const struct tf_value *best = tf_is_null(op->planned) ? op->prior : op->planned;

    return convert_value(rpc->arena, tf_without_unknowns(rpc->arena, best),
                         tf_schema_type(rpc->arena, r->schema));
}

/* A failure that changed nothing. The answer stays null then, so that Terraform keeps not only the
 * object but also the private state from before the plan. */
static bool untouched(struct rpc *rpc, const struct tf_apply *op)
{
    return tf_failed(&rpc->diags) && op->state == op->prior &&
           op->private_state == op->planned_private;
}

static void apply_change(struct rpc *rpc, const Tfplugin6__ApplyResourceChange__Request *req,
                         Tfplugin6__ApplyResourceChange__Response *resp)
{
    const struct tf_resource *r = rpc_resource(rpc, req->type_name);
    const struct tf_type *type;
    struct tf_apply op = {.state = NULL};

    if (!r)
        return;
    type = tf_schema_type(rpc->arena, r->schema);
    op.prior = rpc_decode(rpc, "prior state", req->prior_state, type);
    op.planned = rpc_decode(rpc, "planned state", req->planned_state, type);
    op.config = rpc_decode(rpc, "configuration", req->config, type);
    if (!op.prior || !op.planned || !op.config)
        return;
    op.planned_private = rpc_private_decode(rpc, req->planned_private);
    tf_apply_resource(&rpc->context, r, &op);
    if (op.state && !untouched(rpc, &op)) {
        resp->new_state = rpc_encode(rpc, r->schema, op.state, false);
        if (!resp->new_state)
            resp->new_state = last_resort(rpc, r, &op);
        resp->private_ = rpc_private_encode(rpc, op.private_state);
    }
    json_decref(op.planned_private);
    json_decref(op.private_state);
}

const ProtobufCMessage *rpc_apply_resource_change(struct rpc *rpc, const ProtobufCMessage *request)
{
    Tfplugin6__ApplyResourceChange__Response *resp =
        RPC_NEW(rpc, tfplugin6__apply_resource_change__response);

    /* Until the resource has been called nothing has changed: with the error that explains why it
     * wasn't, null keeps what was there. */
    resp->new_state = rpc_null(rpc);
    apply_change(rpc, (const void *)request, resp);
    return RPC_ANSWER(rpc, resp);
}
