/* The calls of the protocol, from message to message, on a provider that misbehaves as told. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "proto/tfplugin6.pb-c.h"
#include "provider/rpc/rpc.h"

#include "lib/base/banned.h"

/* --- the provider ------------------------------------------------------------------------------ */

static const struct tf_attribute attributes[] = {
    {.name = "id", .type = &tf_type_string, .flags = TF_COMPUTED | TF_KEEP_STATE},
    {.name = "name", .type = &tf_type_string, .flags = TF_OPTIONAL | TF_REQUIRES_REPLACE},
    {.name = "pass_wo", .type = &tf_type_string, .flags = TF_OPTIONAL | TF_WRITE_ONLY},
    TF_END,
};
static const struct tf_schema schema = {.block = {.attributes = attributes}};

/* {id, name, pass_wo}: each a msgpack value. */
#define OBJECT(id, name, pass) "\x83\xA2id" id "\xA4name" name "\xA7pass_wo" pass
#define NIL                    "\xC0"
#define UNKNOWN                "\xD4\0\0"
#define STR1(c)                "\xA1" c

/* What the callbacks do: set by each test. */
static const struct tf_value *(*made_state)(struct tf_context *ctx, const struct tf_apply *op);
static bool report_error, was_cancelled;
static void *seen_session;
static struct rpc_host *host;

static void act(struct tf_context *ctx, struct tf_apply *op)
{
    was_cancelled = cancel_fired(ctx->cancel);
    seen_session = ctx->session;
    op->state = made_state ? made_state(ctx, op) : NULL;
    if (op->state)
        op->private_state = json_pack("{s:i}", "n", 1);
    if (report_error)
        tf_error(ctx->diags, NULL, "Failed", "as told");
}

static void read_thing(struct tf_context *ctx, struct tf_read *op)
{
    was_cancelled = cancel_fired(ctx->cancel);
    if (report_error)
        tf_error(ctx->diags, NULL, "Failed", "as told");
    else
        op->state = NULL;
}

static void close_thing(struct tf_context *ctx, json_t *private_state)
{
    (void)private_state;
    was_cancelled = cancel_fired(ctx->cancel);
}

static const struct tf_value *open_thing(struct tf_context *ctx, const struct tf_value *config,
                                         int64_t *ret_renew_at, json_t **ret_private)
{
    if (report_error) {
        tf_error(ctx->diags, NULL, "Failed", "as told");
        return NULL;
    }
    *ret_renew_at = 1234567890;
    *ret_private = json_pack("{s:s}", "k", "v");
    return config;
}

static void renew_thing(struct tf_context *ctx, int64_t *ret_renew_at, json_t **private_state)
{
    (void)ctx;
    *ret_renew_at = json_object_get(*private_state, "k") ? 5 : 6;
}

static const struct tf_value *read_data(struct tf_context *ctx, const struct tf_value *config)
{
    return report_error ? NULL : tf_with(ctx->arena, config, "id", tf_string(ctx->arena, "d"));
}

static const struct tf_parameter parameters[] = {
    {.name = "a", .type = &tf_type_string},
    {.name = "b", .type = &tf_type_string, .allow_null = true},
    TF_END,
};

static const struct tf_value *call(struct tf_context *ctx, const struct tf_value *const *args,
                                   size_t nargs, int64_t *ret_argument, struct err *err)
{
    ck_assert_uint_eq(nargs, 2);
    ck_assert_ptr_null(ctx->session);
    if (report_error) {
        *ret_argument = 1;
        err_set(err, ERR_INVALID, "bad \xFF");
        return NULL;
    }
    return args[0];
}

static int sessions, references;

static void *configure(struct tf_context *ctx, const struct tf_value *config, const char *version)
{
    (void)config;
    ck_assert_ptr_null(ctx->session);
    ck_assert_str_eq(version, "1.11.4");
    if (report_error) {
        tf_error(ctx->diags, NULL, "Failed", "as told");
        return NULL;
    }
    references++;
    return mem_calloc(1, (size_t)++sessions);
}

static void session_ref(void *session)
{
    (void)session;
    references++;
}

/* The test keeps at most one session per configure; its memory goes with the last reference. */
static void *kept[8];
static int nkept;

static void session_unref(void *session)
{
    references--;
    for (int i = 0; i < nkept; i++)
        if (kept[i] == session)
            return;
    kept[nkept++] = session;
}

static const struct tf_resource thing = {.type_name = "thing",
                                         .schema = &schema,
                                         .create = act,
                                         .update = act,
                                         .remove = act,
                                         .read = read_thing};
static const struct tf_resource bare = {.type_name = "bare", .schema = &schema};
static const struct tf_data_source data = {
    .type_name = "data", .schema = &schema, .read = read_data};
static const struct tf_ephemeral ephemeral = {.type_name = "eph",
                                              .schema = &schema,
                                              .open = open_thing,
                                              .renew = renew_thing,
                                              .close = close_thing};
static const struct tf_function function = {
    .name = "first", .parameters = parameters, .result = &tf_type_string, .call = call};
static const struct tf_resource *const resources[] = {&thing, &bare, NULL};
static const struct tf_data_source *const data_sources[] = {&data, NULL};
static const struct tf_ephemeral *const ephemerals[] = {&ephemeral, NULL};
static const struct tf_function *const functions[] = {&function, NULL};
static const struct tf_provider provider = {
    .name = "test",
    .version = "1.2.3",
    .schema = &schema,
    .configure = configure,
    .session_ref = session_ref,
    .session_unref = session_unref,
    .resources = resources,
    .data_sources = data_sources,
    .ephemerals = ephemerals,
    .functions = functions,
};

/* --- calling ----------------------------------------------------------------------------------- */

static struct method_call now;

static void setup(void)
{
    host = rpc_host_new(&provider);
    now = (struct method_call){arena_new(), cancel_new(NULL), NULL};
}

static void teardown(void)
{
    cancel_free(now.cancel);
    arena_free(now.arena);
    rpc_host_free(host);
    ck_assert_int_eq(references, 0);
    for (int i = 0; i < nkept; i++)
        free(kept[i]);
}

/* The response, checked for what Terraform needs: it packs, and all of its text is in order. */
static const void *run(const char *name, const void *request)
{
    char *path CLEANUP(mem_cleanup) = mem_printf("/tfplugin6.Provider/%s", name);
    const struct method *m = rpc_find(path);
    const ProtobufCMessage *answer;
    uint8_t *packed;
    size_t size;

    ck_assert_ptr_nonnull(m);
    ck_assert_ptr_eq(m->request, ((const ProtobufCMessage *)request)->descriptor);
    answer = rpc_handle(host, m, &now, request);
    ck_assert_ptr_nonnull(answer);
    size = protobuf_c_message_get_packed_size(answer);
    packed = mem_alloc(size);
    ck_assert_uint_eq(protobuf_c_message_pack(answer, packed), size);
    free(packed);
    return answer;
}

static Tfplugin6__DynamicValue dynamic(const char *bytes, size_t len)
{
    Tfplugin6__DynamicValue d = TFPLUGIN6__DYNAMIC_VALUE__INIT;

    d.msgpack = (ProtobufCBinaryData){len, (uint8_t *)bytes};
    return d;
}
#define DYNAMIC(literal) dynamic(literal, sizeof(literal) - 1)

static void assert_value(const Tfplugin6__DynamicValue *d, const char *bytes, size_t len)
{
    ck_assert_ptr_nonnull(d);
    ck_assert_uint_eq(d->msgpack.len, len);
    ck_assert_mem_eq(d->msgpack.data, bytes, len);
}
#define ASSERT_VALUE(d, literal) assert_value(d, literal, sizeof(literal) - 1)

#define ASSERT_ERROR(resp, text)                                                                   \
    do {                                                                                           \
        ck_assert_uint_ge((resp)->n_diagnostics, 1);                                               \
        ck_assert_int_eq((resp)->diagnostics[0]->severity,                                         \
                         TFPLUGIN6__DIAGNOSTIC__SEVERITY__ERROR);                                  \
        ck_assert_msg(strstr((resp)->diagnostics[0]->summary, text) ||                             \
                          strstr((resp)->diagnostics[0]->detail, text),                            \
                      "%s: %s", (resp)->diagnostics[0]->summary, (resp)->diagnostics[0]->detail);  \
    } while (0)

#define ASSERT_FINE(resp)                                                                          \
    ck_assert_msg(!(resp)->n_diagnostics, "%s: %s",                                                \
                  (resp)->n_diagnostics ? (resp)->diagnostics[0]->summary : "",                    \
                  (resp)->n_diagnostics ? (resp)->diagnostics[0]->detail : "")

/* --- the table --------------------------------------------------------------------------------- */

/* methods.def against the service of the .proto file. */
START_TEST(every_rpc_of_the_service_has_a_handler)
{
    const ProtobufCServiceDescriptor *d = &tfplugin6__provider__descriptor;

    ck_assert_uint_eq(d->n_methods, 22); /* 20 of protocol 6.8, 2 of identity */
    for (unsigned i = 0; i < d->n_methods; i++) {
        char *path = mem_printf("/tfplugin6.Provider/%s", d->methods[i].name);
        const struct method *m = rpc_find(path);

        ck_assert_msg(m != NULL, "%s", path);
        ck_assert_ptr_eq(m->request, d->methods[i].input);
        free(path);
    }
    ck_assert_ptr_null(rpc_find("/tfplugin6.Provider/Nothing"));
    ck_assert_ptr_null(rpc_find("/tfplugin5.Provider/GetSchema"));
    ck_assert_int_eq(rpc_find("/tfplugin6.Provider/StopProvider")->kind, METHOD_IMMEDIATE);
    ck_assert_int_eq(rpc_find("/tfplugin6.Provider/ApplyResourceChange")->kind, METHOD_WORKER);
}
END_TEST

/* An unknown type is an error with the type's name, in whatever is asked of it. */
START_TEST(unknown_types)
{
#define ASK(name, snake, Snake, field)                                                             \
    do {                                                                                           \
        Tfplugin6__##Snake##__Request req;                                                         \
        const Tfplugin6__##Snake##__Response *resp;                                                \
                                                                                                   \
        protobuf_c_message_init(&tfplugin6__##snake##__request__descriptor, &req);                 \
        req.field = (char *)"nobody";                                                              \
        resp = run(name, &req);                                                                    \
        ASSERT_ERROR(resp, "\"nobody\"");                                                          \
    } while (0)
    ASK("ValidateResourceConfig", validate_resource_config, ValidateResourceConfig, type_name);
    ASK("UpgradeResourceState", upgrade_resource_state, UpgradeResourceState, type_name);
    ASK("UpgradeResourceIdentity", upgrade_resource_identity, UpgradeResourceIdentity, type_name);
    ASK("ReadResource", read_resource, ReadResource, type_name);
    ASK("PlanResourceChange", plan_resource_change, PlanResourceChange, type_name);
    ASK("ApplyResourceChange", apply_resource_change, ApplyResourceChange, type_name);
    ASK("ImportResourceState", import_resource_state, ImportResourceState, type_name);
    ASK("MoveResourceState", move_resource_state, MoveResourceState, target_type_name);
    ASK("ValidateDataResourceConfig", validate_data_resource_config, ValidateDataResourceConfig,
        type_name);
    ASK("ReadDataSource", read_data_source, ReadDataSource, type_name);
    ASK("ValidateEphemeralResourceConfig", validate_ephemeral_resource_config,
        ValidateEphemeralResourceConfig, type_name);
    ASK("OpenEphemeralResource", open_ephemeral_resource, OpenEphemeralResource, type_name);
    ASK("RenewEphemeralResource", renew_ephemeral_resource, RenewEphemeralResource, type_name);
    ASK("CloseEphemeralResource", close_ephemeral_resource, CloseEphemeralResource, type_name);
#undef ASK
}
END_TEST

START_TEST(schema_metadata_functions_identity)
{
    Tfplugin6__GetProviderSchema__Request sreq = TFPLUGIN6__GET_PROVIDER_SCHEMA__REQUEST__INIT;
    Tfplugin6__GetMetadata__Request mreq = TFPLUGIN6__GET_METADATA__REQUEST__INIT;
    Tfplugin6__GetFunctions__Request freq = TFPLUGIN6__GET_FUNCTIONS__REQUEST__INIT;
    Tfplugin6__GetResourceIdentitySchemas__Request ireq =
        TFPLUGIN6__GET_RESOURCE_IDENTITY_SCHEMAS__REQUEST__INIT;
    const Tfplugin6__GetProviderSchema__Response *schemas = run("GetProviderSchema", &sreq);
    const Tfplugin6__GetMetadata__Response *metadata = run("GetMetadata", &mreq);
    const Tfplugin6__GetFunctions__Response *calls = run("GetFunctions", &freq);
    const Tfplugin6__GetResourceIdentitySchemas__Response *identities =
        run("GetResourceIdentitySchemas", &ireq);

    ck_assert(schemas->server_capabilities->plan_destroy);
    ck_assert(schemas->server_capabilities->get_provider_schema_optional);
    ck_assert(!schemas->server_capabilities->move_resource_state);
    ck_assert_ptr_nonnull(schemas->provider->block);
    ck_assert_ptr_null(schemas->provider_meta);
    ck_assert_uint_eq(schemas->n_resource_schemas, 2);
    ck_assert_str_eq(schemas->resource_schemas[0]->key, "thing");
    ck_assert_uint_eq(schemas->n_data_source_schemas, 1);
    ck_assert_str_eq(schemas->ephemeral_resource_schemas[0]->key, "eph");
    ck_assert_str_eq(schemas->functions[0]->key, "first");
    ck_assert_uint_eq(metadata->n_resources, 2);
    ck_assert_str_eq(metadata->data_sources[0]->type_name, "data");
    ck_assert_str_eq(metadata->functions[0]->name, "first");
    ck_assert_uint_eq(calls->n_functions, 1);
    ck_assert_uint_eq(identities->n_identity_schemas, 0);
    ASSERT_FINE(identities);
}
END_TEST

/* --- apply ------------------------------------------------------------------------------------- */

static const Tfplugin6__ApplyResourceChange__Response *apply(Tfplugin6__DynamicValue prior,
                                                             Tfplugin6__DynamicValue planned,
                                                             Tfplugin6__DynamicValue config)
{
    Tfplugin6__ApplyResourceChange__Request req = TFPLUGIN6__APPLY_RESOURCE_CHANGE__REQUEST__INIT;

    req.type_name = (char *)"thing";
    req.prior_state = &prior;
    req.planned_state = &planned;
    req.config = &config;
    req.planned_private = (ProtobufCBinaryData){7, (uint8_t *)"{\"p\":2}"};
    return run("ApplyResourceChange", &req);
}

static const struct tf_value *as_planned(struct tf_context *ctx, const struct tf_apply *op)
{
    return tf_with(ctx->arena, op->planned, "id", tf_string(ctx->arena, "i"));
}

static const struct tf_value *with_unknown(struct tf_context *ctx, const struct tf_apply *op)
{
    (void)ctx;
    return op->planned;
}

static const struct tf_value *with_secret(struct tf_context *ctx, const struct tf_apply *op)
{
    return tf_with(ctx->arena, as_planned(ctx, op), "pass_wo", tf_get(op->config, "pass_wo"));
}

static const struct tf_value *of_another_type(struct tf_context *ctx, const struct tf_apply *op)
{
    (void)op;
    return tf_string(ctx->arena, "not an object");
}

#define CREATE                                                                                     \
    DYNAMIC(NIL), DYNAMIC(OBJECT(UNKNOWN, STR1("n"), NIL)),                                        \
        DYNAMIC(OBJECT(NIL, STR1("n"), STR1("s")))
#define UPDATE                                                                                     \
    DYNAMIC(OBJECT(STR1("i"), STR1("m"), NIL)), DYNAMIC(OBJECT(STR1("i"), STR1("n"), NIL)),        \
        DYNAMIC(OBJECT(NIL, STR1("n"), STR1("s")))
#define DELETE DYNAMIC(OBJECT(STR1("i"), STR1("m"), NIL)), DYNAMIC(NIL), DYNAMIC(NIL)

START_TEST(apply_that_works)
{
    const Tfplugin6__ApplyResourceChange__Response *resp;

    made_state = as_planned;
    resp = apply(CREATE);
    ASSERT_FINE(resp);
    ASSERT_VALUE(resp->new_state, OBJECT(STR1("i"), STR1("n"), NIL));
    ck_assert_uint_eq(resp->private_.len, 7);
    ck_assert_mem_eq(resp->private_.data, "{\"n\":1}", 7);
    resp = apply(UPDATE);
    ASSERT_FINE(resp);
    ASSERT_VALUE(resp->new_state, OBJECT(STR1("i"), STR1("n"), NIL));
    made_state = NULL;
    resp = apply(DELETE);
    ASSERT_FINE(resp);
    ASSERT_VALUE(resp->new_state, NIL);
}
END_TEST

START_TEST(create_that_fails)
{
    const Tfplugin6__ApplyResourceChange__Response *resp;

    report_error = true;
    resp = apply(CREATE); /* nothing was made */
    ASSERT_ERROR(resp, "as told");
    ASSERT_VALUE(resp->new_state, NIL);
    made_state = with_unknown; /* something was */
    resp = apply(CREATE);
    ASSERT_ERROR(resp, "as told");
    ASSERT_VALUE(resp->new_state, OBJECT(NIL, STR1("n"), NIL));
    ck_assert_uint_eq(resp->private_.len, 7);
}
END_TEST

/* Breaks of the rules by our own code: an error, and a state that Terraform can save. */
START_TEST(broken_results_are_never_lost)
{
    const Tfplugin6__ApplyResourceChange__Response *resp;

    made_state = with_unknown;
    resp = apply(CREATE);
    ck_assert_uint_ge(resp->n_diagnostics, 1);
    ASSERT_VALUE(resp->new_state, OBJECT(NIL, STR1("n"), NIL));
    made_state = with_secret;
    resp = apply(UPDATE);
    ck_assert_uint_ge(resp->n_diagnostics, 1);
    ASSERT_VALUE(resp->new_state, OBJECT(STR1("i"), STR1("n"), NIL));
    made_state = of_another_type;
    resp = apply(UPDATE);
    ck_assert_uint_ge(resp->n_diagnostics, 1);
    ASSERT_VALUE(resp->new_state, OBJECT(STR1("i"), STR1("n"), NIL));
    made_state = NULL; /* neither a state nor an error */
    resp = apply(CREATE);
    ck_assert_uint_ge(resp->n_diagnostics, 1);
}
END_TEST

/* Null with an error makes Terraform keep the object and the private state from before the plan. */
START_TEST(failures_that_changed_nothing_answer_null)
{
    const Tfplugin6__ApplyResourceChange__Response *resp;

    report_error = true;
    resp = apply(UPDATE);
    ASSERT_ERROR(resp, "as told");
    ASSERT_VALUE(resp->new_state, NIL);
    ck_assert_uint_eq(resp->private_.len, 0);
    resp = apply(DELETE);
    ASSERT_ERROR(resp, "as told");
    ASSERT_VALUE(resp->new_state, NIL);
}
END_TEST

START_TEST(undecodable_requests_change_nothing)
{
    const Tfplugin6__ApplyResourceChange__Response *resp;

    made_state = as_planned;
    resp = apply(DYNAMIC(NIL), DYNAMIC("\x80"), DYNAMIC(NIL)); /* an object without its members */
    ASSERT_ERROR(resp, "planned state");
    ASSERT_VALUE(resp->new_state, NIL);
    resp = apply(DYNAMIC("\x83"), DYNAMIC(NIL), DYNAMIC(NIL)); /* cut off */
    ASSERT_ERROR(resp, "prior state");
    ASSERT_VALUE(resp->new_state, NIL);
}
END_TEST

/* --- plan, read, import, upgrade ---------------------------------------------------------------- */

START_TEST(plans)
{
    Tfplugin6__PlanResourceChange__Request req = TFPLUGIN6__PLAN_RESOURCE_CHANGE__REQUEST__INIT;
    const Tfplugin6__PlanResourceChange__Response *resp;
    Tfplugin6__DynamicValue nil = DYNAMIC(NIL), state = DYNAMIC(OBJECT(STR1("i"), STR1("m"), NIL)),
                            config = DYNAMIC(OBJECT(NIL, STR1("n"), STR1("s"))),
                            created = DYNAMIC(OBJECT(NIL, STR1("n"), STR1("s"))),
                            updated = DYNAMIC(OBJECT(STR1("i"), STR1("n"), STR1("s")));

    req.type_name = (char *)"thing";
    req.prior_private = (ProtobufCBinaryData){7, (uint8_t *)"{\"p\":1}"};
    req.prior_state = &nil;
    req.proposed_new_state = &created;
    req.config = &config;
    resp = run("PlanResourceChange", &req);
    ASSERT_FINE(resp);
    ASSERT_VALUE(resp->planned_state, OBJECT(UNKNOWN, STR1("n"), NIL));
    ck_assert_mem_eq(resp->planned_private.data, "{\"p\":1}", 7);
    ck_assert(!resp->legacy_type_system);

    req.prior_state = &state;
    req.proposed_new_state = &updated;
    resp = run("PlanResourceChange", &req);
    ASSERT_FINE(resp);
    ASSERT_VALUE(resp->planned_state, OBJECT(STR1("i"), STR1("n"), NIL));
    ck_assert_uint_eq(resp->n_requires_replace, 1);
    ck_assert_str_eq(resp->requires_replace[0]->steps[0]->attribute_name, "name");

    req.proposed_new_state = &nil;
    req.config = &nil;
    resp = run("PlanResourceChange", &req);
    ASSERT_FINE(resp);
    ASSERT_VALUE(resp->planned_state, NIL);
}
END_TEST

START_TEST(reads)
{
    Tfplugin6__ReadResource__Request req = TFPLUGIN6__READ_RESOURCE__REQUEST__INIT;
    const Tfplugin6__ReadResource__Response *resp;
    Tfplugin6__DynamicValue state = DYNAMIC(OBJECT(STR1("i"), STR1("m"), NIL));

    req.type_name = (char *)"thing";
    req.current_state = &state;
    req.private_ = (ProtobufCBinaryData){7, (uint8_t *)"{\"p\":1}"};
    resp = run("ReadResource", &req);
    ASSERT_FINE(resp);
    ASSERT_VALUE(resp->new_state, NIL); /* gone */
    report_error = true;
    resp = run("ReadResource", &req);
    ASSERT_ERROR(resp, "as told");
    ASSERT_VALUE(resp->new_state, OBJECT(STR1("i"), STR1("m"), NIL)); /* not "gone" */
    ck_assert_mem_eq(resp->private_.data, "{\"p\":1}", 7);
    req.type_name = (char *)"bare"; /* without a read everything is as it was */
    resp = run("ReadResource", &req);
    ASSERT_FINE(resp);
    ASSERT_VALUE(resp->new_state, OBJECT(STR1("i"), STR1("m"), NIL));
    ck_assert_mem_eq(resp->private_.data, "{\"p\":1}", 7);
}
END_TEST

START_TEST(imports_need_support)
{
    Tfplugin6__ImportResourceState__Request req = TFPLUGIN6__IMPORT_RESOURCE_STATE__REQUEST__INIT;
    const Tfplugin6__ImportResourceState__Response *resp;

    req.type_name = (char *)"thing";
    req.id = (char *)"x";
    resp = run("ImportResourceState", &req);
    ASSERT_ERROR(resp, "thing");
    ck_assert_uint_eq(resp->n_imported_resources, 0);
}
END_TEST

START_TEST(upgrades)
{
    static const char json[] = "{\n  \"name\": \"m\",\n  \"id\": \"i\"\n}";
    Tfplugin6__UpgradeResourceState__Request req = TFPLUGIN6__UPGRADE_RESOURCE_STATE__REQUEST__INIT;
    Tfplugin6__RawState raw = TFPLUGIN6__RAW_STATE__INIT;
    const Tfplugin6__UpgradeResourceState__Response *resp;

    req.type_name = (char *)"thing";
    resp = run("UpgradeResourceState", &req);
    ASSERT_ERROR(resp, "Terraform 0.11");
    req.raw_state = &raw;
    raw.json = (ProtobufCBinaryData){sizeof(json) - 1, (uint8_t *)json};
    resp = run("UpgradeResourceState", &req);
    ASSERT_FINE(resp);
    ASSERT_VALUE(resp->upgraded_state, OBJECT(STR1("i"), STR1("m"), NIL));
}
END_TEST

/* --- data sources, functions, ephemeral resources ---------------------------------------------- */

START_TEST(data_sources_answer)
{
    Tfplugin6__ReadDataSource__Request req = TFPLUGIN6__READ_DATA_SOURCE__REQUEST__INIT;
    const Tfplugin6__ReadDataSource__Response *resp;
    Tfplugin6__DynamicValue config = DYNAMIC(OBJECT(NIL, STR1("n"), NIL));

    req.type_name = (char *)"data";
    req.config = &config;
    resp = run("ReadDataSource", &req);
    ASSERT_FINE(resp);
    ASSERT_VALUE(resp->state, OBJECT(STR1("d"), STR1("n"), NIL));
    report_error = true; /* no result, and nothing said about it */
    resp = run("ReadDataSource", &req);
    ASSERT_ERROR(resp, "neither a result nor an error");
}
END_TEST

START_TEST(functions_answer)
{
    Tfplugin6__CallFunction__Request req = TFPLUGIN6__CALL_FUNCTION__REQUEST__INIT;
    const Tfplugin6__CallFunction__Response *resp;
    Tfplugin6__DynamicValue x = DYNAMIC(STR1("x")), nil = DYNAMIC(NIL), number = DYNAMIC("\x90");
    Tfplugin6__DynamicValue *args[] = {&x, &nil, &x};

    req.name = (char *)"first";
    req.arguments = args;
    req.n_arguments = 2;
    resp = run("CallFunction", &req);
    ck_assert_ptr_null(resp->error);
    ASSERT_VALUE(resp->result, STR1("x"));

    report_error = true;
    resp = run("CallFunction", &req);
    ck_assert_ptr_null(resp->result);
    ck_assert_str_eq(resp->error->text, "bad \xEF\xBF\xBD");
    ck_assert_int_eq(resp->error->_function_argument_case,
                     TFPLUGIN6__FUNCTION_ERROR___FUNCTION_ARGUMENT_FUNCTION_ARGUMENT);
    ck_assert_int_eq(resp->error->function_argument, 1);
    report_error = false;

    args[0] = &nil;
    resp = run("CallFunction", &req);
    ck_assert_int_eq(resp->error->function_argument, 0); /* null where it isn't allowed */
    args[0] = &number;
    resp = run("CallFunction", &req);
    ck_assert_int_eq(resp->error->function_argument, 0); /* another type */
    args[0] = &x;
    for (size_t n = 0; n <= 3; n++) {
        req.n_arguments = n;
        resp = run("CallFunction", &req);
        ck_assert_msg((resp->error == NULL) == (n == 2), "%zu arguments", n);
    }
    req.name = (char *)"nobody";
    resp = run("CallFunction", &req);
    ck_assert_ptr_nonnull(strstr(resp->error->text, "nobody"));
}
END_TEST

START_TEST(ephemerals_answer)
{
    Tfplugin6__OpenEphemeralResource__Request oreq =
        TFPLUGIN6__OPEN_EPHEMERAL_RESOURCE__REQUEST__INIT;
    Tfplugin6__RenewEphemeralResource__Request rreq;
    const Tfplugin6__OpenEphemeralResource__Response *opened;
    const Tfplugin6__RenewEphemeralResource__Response *renewed;
    Tfplugin6__DynamicValue config = DYNAMIC(OBJECT(NIL, STR1("n"), NIL));

    protobuf_c_message_init(&tfplugin6__renew_ephemeral_resource__request__descriptor, &rreq);
    oreq.type_name = rreq.type_name = (char *)"eph";
    oreq.config = &config;
    opened = run("OpenEphemeralResource", &oreq);
    ASSERT_FINE(opened);
    ASSERT_VALUE(opened->result, OBJECT(NIL, STR1("n"), NIL));
    ck_assert_int_eq(opened->renew_at->seconds, 1234567890);
    ck_assert_int_eq(opened->_private_case,
                     TFPLUGIN6__OPEN_EPHEMERAL_RESOURCE__RESPONSE___PRIVATE_PRIVATE);
    rreq._private_case = TFPLUGIN6__RENEW_EPHEMERAL_RESOURCE__REQUEST___PRIVATE_PRIVATE;
    rreq.private_ = opened->private_;
    renewed = run("RenewEphemeralResource", &rreq);
    ASSERT_FINE(renewed);
    ck_assert_int_eq(renewed->renew_at->seconds, 5); /* it saw the private data */
    ck_assert_mem_eq(renewed->private_.data, opened->private_.data, opened->private_.len);
    report_error = true;
    opened = run("OpenEphemeralResource", &oreq);
    ASSERT_ERROR(opened, "as told");
    ck_assert_ptr_null(opened->result);
}
END_TEST

/* --- sessions and interrupts -------------------------------------------------------------------- */

static void configure_provider(void)
{
    Tfplugin6__ConfigureProvider__Request req = TFPLUGIN6__CONFIGURE_PROVIDER__REQUEST__INIT;
    Tfplugin6__DynamicValue config = DYNAMIC(OBJECT(NIL, UNKNOWN, NIL));
    const Tfplugin6__ConfigureProvider__Response *resp;

    req.terraform_version = (char *)"1.11.4";
    req.config = &config;
    resp = run("ConfigureProvider", &req);
    ck_assert_uint_eq(resp->n_diagnostics, report_error ? 1 : 0);
}

START_TEST(sessions_are_swapped)
{
    void *first;

    made_state = as_planned;
    apply(CREATE);
    ck_assert_ptr_null(seen_session);
    configure_provider();
    ck_assert_int_eq(references, 1);
    apply(CREATE);
    first = seen_session;
    ck_assert_ptr_nonnull(first);
    ck_assert_int_eq(references, 1);
    configure_provider(); /* another client */
    ck_assert_int_eq(references, 1);
    apply(CREATE);
    ck_assert_ptr_ne(seen_session, first);
    report_error = true; /* a configuration that fails leaves no session of another behind */
    configure_provider();
    ck_assert_int_eq(references, 0);
}
END_TEST

/* Reattach mode: each connection has its own, and one without gets the newest. */
START_TEST(sessions_belong_to_connections)
{
    static const char one, two, three;
    void *of_one, *of_two;

    made_state = as_planned;
    now.peer = &one;
    configure_provider();
    apply(CREATE);
    of_one = seen_session;
    now.peer = &two;
    configure_provider();
    apply(CREATE);
    of_two = seen_session;
    ck_assert_ptr_ne(of_one, of_two);
    ck_assert_int_eq(references, 2);
    now.peer = &one;
    apply(CREATE);
    ck_assert_ptr_eq(seen_session, of_one);
    now.peer = &three;
    apply(CREATE);
    ck_assert_ptr_eq(seen_session, of_two);
    rpc_host_forget(host, &one);
    ck_assert_int_eq(references, 1);
    rpc_host_forget(host, &three); /* which had none */
    ck_assert_int_eq(references, 1);
}
END_TEST

static void stop(void)
{
    Tfplugin6__StopProvider__Request req = TFPLUGIN6__STOP_PROVIDER__REQUEST__INIT;
    const Tfplugin6__StopProvider__Response *resp = run("StopProvider", &req);

    ck_assert_str_eq(resp->error, "");
}

/* A token fires for good, so each call needs its own. */
static void next_call(void)
{
    cancel_free(now.cancel);
    now.cancel = cancel_new(NULL);
    was_cancelled = false;
}

static void close_ephemeral(void)
{
    Tfplugin6__CloseEphemeralResource__Request req;
    const Tfplugin6__CloseEphemeralResource__Response *resp;

    protobuf_c_message_init(&tfplugin6__close_ephemeral_resource__request__descriptor, &req);
    req.type_name = (char *)"eph";
    resp = run("CloseEphemeralResource", &req);
    ASSERT_FINE(resp);
}

START_TEST(an_interrupt_lasts_until_the_next_configuration)
{
    const Tfplugin6__ApplyResourceChange__Response *resp;

    configure_provider();
    next_call();
    stop();
    next_call();
    made_state = as_planned;
    resp = apply(CREATE);
    ASSERT_ERROR(resp, "interrupted");
    ASSERT_VALUE(resp->new_state, NIL);
    next_call();
    close_ephemeral(); /* what cleans up isn't interrupted */
    ck_assert(!was_cancelled);
    next_call();
    configure_provider();
    next_call();
    resp = apply(CREATE);
    ASSERT_FINE(resp);
    ck_assert(!was_cancelled);
}
END_TEST

START_TEST(an_interrupt_of_one_connection_leaves_the_others_alone)
{
    static const char one, two;

    made_state = as_planned;
    now.peer = &one;
    configure_provider();
    stop();
    next_call();
    now.peer = &two;
    ASSERT_FINE(apply(CREATE));
    now.peer = &one;
    ASSERT_ERROR(apply(CREATE), "interrupted");
}
END_TEST

/* The interrupt comes while a call runs: from inside of it, as if from another thread. */
static const struct tf_value *interrupted(struct tf_context *ctx, const struct tf_apply *op)
{
    ck_assert(!cancel_fired(ctx->cancel));
    rpc_host_cancel(host);
    ck_assert(cancel_fired(ctx->cancel));
    return as_planned(ctx, op);
}

START_TEST(an_interrupt_reaches_running_calls)
{
    made_state = interrupted;
    report_error = true;
    ASSERT_VALUE(apply(CREATE)->new_state, OBJECT(STR1("i"), STR1("n"), NIL));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rpc");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, every_rpc_of_the_service_has_a_handler);
    tcase_add_test(t, unknown_types);
    tcase_add_test(t, schema_metadata_functions_identity);
    tcase_add_test(t, apply_that_works);
    tcase_add_test(t, create_that_fails);
    tcase_add_test(t, broken_results_are_never_lost);
    tcase_add_test(t, failures_that_changed_nothing_answer_null);
    tcase_add_test(t, undecodable_requests_change_nothing);
    tcase_add_test(t, plans);
    tcase_add_test(t, reads);
    tcase_add_test(t, imports_need_support);
    tcase_add_test(t, upgrades);
    tcase_add_test(t, data_sources_answer);
    tcase_add_test(t, functions_answer);
    tcase_add_test(t, ephemerals_answer);
    tcase_add_test(t, sessions_are_swapped);
    tcase_add_test(t, sessions_belong_to_connections);
    tcase_add_test(t, an_interrupt_of_one_connection_leaves_the_others_alone);
    tcase_add_test(t, an_interrupt_lasts_until_the_next_configuration);
    tcase_add_test(t, an_interrupt_reaches_running_calls);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
