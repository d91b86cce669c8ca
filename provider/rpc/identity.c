/* Resource identity (Terraform 1.12): no type has one yet, which the two calls say in their words.
 */
#include "provider/rpc/handler.h"

#include "lib/base/banned.h"

const ProtobufCMessage *rpc_get_resource_identity_schemas(struct rpc *rpc,
                                                          const ProtobufCMessage *request)
{
    Tfplugin6__GetResourceIdentitySchemas__Response *resp =
        RPC_NEW(rpc, tfplugin6__get_resource_identity_schemas__response);

    (void)request;
    return RPC_ANSWER(rpc, resp);
}

const ProtobufCMessage *rpc_upgrade_resource_identity(struct rpc *rpc,
                                                      const ProtobufCMessage *request)
{
    const Tfplugin6__UpgradeResourceIdentity__Request *req = (const void *)request;
    Tfplugin6__UpgradeResourceIdentity__Response *resp =
        RPC_NEW(rpc, tfplugin6__upgrade_resource_identity__response);

    tf_error(&rpc->diags, NULL, "No identity", "The resource type \"%s\" has no identity schema.",
             req->type_name);
    return RPC_ANSWER(rpc, resp);
}
