/* The small parts: secrets, upgrades, a data source, functions and an ephemeral resource. */
#include "tests/acceptance/probe/probe.h"

#include <time.h>

#include "lib/base/hash.h"

#include "lib/base/banned.h"

/* --- probe_secret: write-only values ----------------------------------------------------------- */

static const struct tf_attribute secret_attributes[] = {
    {.name = "id", .type = &tf_type_string, .flags = TF_COMPUTED | TF_KEEP_STATE},
    {.name = "password_wo", .type = &tf_type_string, .flags = TF_OPTIONAL | TF_WRITE_ONLY},
    {.name = "password_wo_version", .type = &tf_type_number, .flags = TF_OPTIONAL},
    {.name = "leak",
     .type = &tf_type_bool,
     .flags = TF_OPTIONAL,
     .description = "return the write-only value"},
    TF_END,
};
static const struct tf_schema secret_schema = {.block = {.attributes = secret_attributes}};

static void store_secret(struct tf_context *ctx, struct tf_apply *op)
{
    const struct tf_value *password = tf_get(op->config, "password_wo");
    const char *text = tf_str(password, "");
    char digest[HASH_HEX_SIZE];

    hash_sha256_hex(text, strlen(text), digest);
    probe_note(ctx, "secret %s", digest);
    op->state = tf_with(ctx->arena, op->planned, "id", tf_string(ctx->arena, "secret"));
    if (tf_bool_or(tf_get(op->config, "leak"), false))
        op->state = tf_with(ctx->arena, op->state, "password_wo", password);
}

const struct tf_resource probe_secret = {
    .type_name = "probe_secret",
    .schema = &secret_schema,
    .create = store_secret,
    .update = store_secret,
};

/* --- probe_upgraded: a schema that was changed twice ------------------------------------------- */

static const struct tf_attribute upgraded_attributes[] = {
    {.name = "id", .type = &tf_type_string, .flags = TF_COMPUTED | TF_KEEP_STATE},
    {.name = "title",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "was: label, then name"},
    TF_END,
};

static int rename_member(json_t *state, const char *from, const char *to, struct err *err)
{
    json_t *v = json_object_get(state, from);

    if (!v)
        return err_set(err, ERR_INVALID, "no member \"%s\"", from);
    json_object_set(state, to, v);
    json_object_del(state, from);
    return 0;
}

static int label_to_name(json_t *state, struct err *err)
{
    return rename_member(state, "label", "name", err);
}

static int name_to_title(json_t *state, struct err *err)
{
    return rename_member(state, "name", "title", err);
}

static const struct tf_upgrader upgraders[] = {{0, label_to_name}, {1, name_to_title}, {0, NULL}};
static const struct tf_schema upgraded_schema = {
    .version = 2, .block = {.attributes = upgraded_attributes}, .upgraders = upgraders};

static void keep(struct tf_context *ctx, struct tf_apply *op)
{
    op->state = tf_with(ctx->arena, op->planned, "id", tf_string(ctx->arena, "upgraded"));
}

const struct tf_resource probe_upgraded = {
    .type_name = "probe_upgraded",
    .schema = &upgraded_schema,
    .create = keep,
    .update = keep,
};

/* --- data "probe_echo" ------------------------------------------------------------------------- */

static const struct tf_attribute echo_attributes[] = {
    {.name = "input", .type = &tf_type_string, .flags = TF_REQUIRED},
    {.name = "output", .type = &tf_type_string, .flags = TF_COMPUTED},
    {.name = "fail", .type = &tf_type_bool, .flags = TF_OPTIONAL},
    TF_END,
};
static const struct tf_schema echo_schema = {.block = {.attributes = echo_attributes}};

static const struct tf_value *read_echo(struct tf_context *ctx, const struct tf_value *config)
{
    if (tf_bool_or(tf_get(config, "fail"), false)) {
        tf_error(ctx->diags, TF_ATTR("fail"), "No echo", "The configuration asked for it.");
        return NULL;
    }
    return tf_with(ctx->arena, config, "output", tf_get(config, "input"));
}

const struct tf_data_source probe_echo = {
    .type_name = "probe_echo",
    .schema = &echo_schema,
    .read = read_echo,
};

/* --- functions --------------------------------------------------------------------------------- */

static const struct tf_parameter separator[] = {
    {.name = "separator", .type = &tf_type_string, .description = "between the parts"},
    TF_END,
};
static const struct tf_parameter parts = {
    .name = "parts", .type = &tf_type_string, .allow_null = true};

static const struct tf_value *join(struct tf_context *ctx, const struct tf_value *const *args,
                                   size_t nargs, int64_t *ret_argument, struct err *err)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT;

    (void)err;
    *ret_argument = -1;
    for (size_t i = 1; i < nargs; i++)
        buf_printf(&out, "%s%s", i > 1 ? tf_str(args[0], "") : "", tf_str(args[i], "null"));
    return tf_string(ctx->arena, buf_str(&out));
}

const struct tf_function probe_join = {
    .name = "join",
    .summary = "Joins its arguments",
    .parameters = separator,
    .variadic = &parts,
    .result = &tf_type_string,
    .call = join,
};

static const struct tf_parameter reason[] = {
    {.name = "reason", .type = &tf_type_string},
    TF_END,
};

static const struct tf_value *refuse(struct tf_context *ctx, const struct tf_value *const *args,
                                     size_t nargs, int64_t *ret_argument, struct err *err)
{
    (void)ctx;
    (void)nargs;
    *ret_argument = 0;
    err_set(err, ERR_INVALID, "refused because %s", tf_str(args[0], ""));
    return NULL;
}

const struct tf_function probe_refuse = {
    .name = "refuse",
    .summary = "Always fails",
    .parameters = reason,
    .result = &tf_type_string,
    .call = refuse,
};

static const struct tf_parameter anything[] = {
    {.name = "value", .type = &tf_type_dynamic, .allow_null = true},
    TF_END,
};

static const struct tf_value *describe(struct tf_context *ctx, const struct tf_value *const *args,
                                       size_t nargs, int64_t *ret_argument, struct err *err)
{
    struct buf type CLEANUP(buf_done) = BUF_INIT;

    (void)nargs;
    (void)err;
    *ret_argument = -1;
    tf_type_to_json(args[0]->type, &type);
    return tf_string(ctx->arena, buf_str(&type));
}

const struct tf_function probe_describe = {
    .name = "describe",
    .summary = "The type of a value",
    .parameters = anything,
    .result = &tf_type_string,
    .call = describe,
};

/* --- ephemeral "probe_token" ------------------------------------------------------------------- */

static const struct tf_attribute token_attributes[] = {
    {.name = "user", .type = &tf_type_string, .flags = TF_REQUIRED},
    {.name = "token", .type = &tf_type_string, .flags = TF_COMPUTED | TF_SENSITIVE},
    {.name = "seconds",
     .type = &tf_type_number,
     .flags = TF_OPTIONAL,
     .description = "until it must be renewed"},
    TF_END,
};
static const struct tf_schema token_schema = {.block = {.attributes = token_attributes}};

static const struct tf_value *open_token(struct tf_context *ctx, const struct tf_value *config,
                                         int64_t *ret_renew_at, json_t **ret_private)
{
    const char *user = tf_str(tf_get(config, "user"), "");
    int64_t seconds = tf_int_or(tf_get(config, "seconds"), 0);

    probe_note(ctx, "open %s", user);
    if (seconds)
        *ret_renew_at = (int64_t)time(NULL) + seconds;
    *ret_private = json_pack("{s:s, s:i}", "user", user, "renewed", 0);
    return tf_with(ctx->arena, config, "token",
                   tf_string(ctx->arena, arena_printf(ctx->arena, "token-of-%s", user)));
}

static void renew_token(struct tf_context *ctx, int64_t *ret_renew_at, json_t **private_state)
{
    json_int_t renewed = 1 + json_integer_value(json_object_get(*private_state, "renewed"));

    json_object_set_new(*private_state, "renewed", json_integer(renewed));
    probe_note(ctx, "renew %s %d", json_string_value(json_object_get(*private_state, "user")),
               (int)renewed);
    *ret_renew_at = (int64_t)time(NULL) + 1;
}

static void close_token(struct tf_context *ctx, json_t *private_state)
{
    probe_note(ctx, "close %s%s", json_string_value(json_object_get(private_state, "user")),
               cancel_fired(ctx->cancel) ? " cancelled" : "");
}

const struct tf_ephemeral probe_token = {
    .type_name = "probe_token",
    .schema = &token_schema,
    .open = open_token,
    .renew = renew_token,
    .close = close_token,
};
