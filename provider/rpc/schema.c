#include "provider/rpc/handler.h"

#include "lib/base/banned.h"

static Tfplugin6__ServerCapabilities *server_capabilities(struct rpc *rpc)
{
    Tfplugin6__ServerCapabilities *c = RPC_NEW(rpc, tfplugin6__server_capabilities);

    c->plan_destroy = true;
    /* Later processes of the same run may skip GetProviderSchema: nothing is set up there. */
    c->get_provider_schema_optional = true;
    return c;
}

/* Counts a NULL-ended list of pointers, which may be missing as a whole. */
#define COUNT(list, n)                                                                             \
    do {                                                                                           \
        while ((list) && (list)[n])                                                                \
            (n)++;                                                                                 \
    } while (0)

/* Fills response->field, a map on the wire: repeated entries of type entry_message with a key and a
 * value, made from a NULL-ended list. */
#define FILL_MAP(rpc, response, field, entry_message, list, key_member, make_value)                \
    do {                                                                                           \
        COUNT(list, (response)->n_##field);                                                        \
        (response)->field =                                                                        \
            arena_calloc((rpc)->arena, (response)->n_##field, sizeof(*(response)->field));         \
        for (size_t i_ = 0; i_ < (response)->n_##field; i_++) {                                    \
            (response)->field[i_] = RPC_NEW(rpc, entry_message);                                   \
            (response)->field[i_]->key = convert_text((rpc)->arena, (list)[i_]->key_member);       \
            (response)->field[i_]->value = make_value((list)[i_]);                                 \
        }                                                                                          \
    } while (0)

#define SCHEMA_OF(x)   convert_schema(rpc->arena, (x)->schema)
#define FUNCTION_OF(x) convert_function(rpc->arena, (x))

const ProtobufCMessage *rpc_get_provider_schema(struct rpc *rpc, const ProtobufCMessage *request)
{
    const struct tf_provider *p = rpc->provider;
    Tfplugin6__GetProviderSchema__Response *resp =
        RPC_NEW(rpc, tfplugin6__get_provider_schema__response);

    (void)request;
    resp->server_capabilities = server_capabilities(rpc);
    resp->provider = convert_schema(rpc->arena, p->schema);
    FILL_MAP(rpc, resp, resource_schemas,
             tfplugin6__get_provider_schema__response__resource_schemas_entry, p->resources,
             type_name, SCHEMA_OF);
    FILL_MAP(rpc, resp, data_source_schemas,
             tfplugin6__get_provider_schema__response__data_source_schemas_entry, p->data_sources,
             type_name, SCHEMA_OF);
    FILL_MAP(rpc, resp, ephemeral_resource_schemas,
             tfplugin6__get_provider_schema__response__ephemeral_resource_schemas_entry,
             p->ephemerals, type_name, SCHEMA_OF);
    FILL_MAP(rpc, resp, functions, tfplugin6__get_provider_schema__response__functions_entry,
             p->functions, name, FUNCTION_OF);
    return RPC_ANSWER(rpc, resp);
}

const ProtobufCMessage *rpc_get_functions(struct rpc *rpc, const ProtobufCMessage *request)
{
    Tfplugin6__GetFunctions__Response *resp = RPC_NEW(rpc, tfplugin6__get_functions__response);

    (void)request;
    FILL_MAP(rpc, resp, functions, tfplugin6__get_functions__response__functions_entry,
             rpc->provider->functions, name, FUNCTION_OF);
    return RPC_ANSWER(rpc, resp);
}

/* Fills response->field, a list of messages with nothing but a name. */
#define FILL_NAMES(rpc, response, field, message, list, from, to)                                  \
    do {                                                                                           \
        COUNT(list, (response)->n_##field);                                                        \
        (response)->field =                                                                        \
            arena_calloc((rpc)->arena, (response)->n_##field, sizeof(*(response)->field));         \
        for (size_t i_ = 0; i_ < (response)->n_##field; i_++) {                                    \
            (response)->field[i_] = RPC_NEW(rpc, message);                                         \
            (response)->field[i_]->to = convert_text((rpc)->arena, (list)[i_]->from);              \
        }                                                                                          \
    } while (0)

const ProtobufCMessage *rpc_get_metadata(struct rpc *rpc, const ProtobufCMessage *request)
{
    const struct tf_provider *p = rpc->provider;
    Tfplugin6__GetMetadata__Response *resp = RPC_NEW(rpc, tfplugin6__get_metadata__response);

    (void)request;
    resp->server_capabilities = server_capabilities(rpc);
    FILL_NAMES(rpc, resp, resources, tfplugin6__get_metadata__resource_metadata, p->resources,
               type_name, type_name);
    FILL_NAMES(rpc, resp, data_sources, tfplugin6__get_metadata__data_source_metadata,
               p->data_sources, type_name, type_name);
    FILL_NAMES(rpc, resp, ephemeral_resources, tfplugin6__get_metadata__ephemeral_metadata,
               p->ephemerals, type_name, type_name);
    FILL_NAMES(rpc, resp, functions, tfplugin6__get_metadata__function_metadata, p->functions, name,
               name);
    return RPC_ANSWER(rpc, resp);
}
