/* probe_types: values of every type and nesting, as they are; `digest` proves what arrived. */
#include "tests/acceptance/probe/probe.h"

#include "lib/base/hash.h"
#include "lib/tf/codec.h"

#include "lib/base/banned.h"

static const struct tf_type numbers = TF_LIST_OF(&tf_type_number);
static const struct tf_type bools = TF_MAP_OF(&tf_type_bool);
static const struct tf_member pair_members[] = {{"left", &tf_type_string},
                                                {"right", &tf_type_number}};
static const struct tf_type pair = TF_OBJECT_OF(pair_members);
static const struct tf_type pairs = TF_SET_OF(&pair);

static const struct tf_attribute leaf[] = {
    {.name = "text", .type = &tf_type_string, .flags = TF_OPTIONAL},
    {.name = "made", .type = &tf_type_string, .flags = TF_COMPUTED},
    TF_END,
};
static const struct tf_attribute plain[] = {
    {.name = "text", .type = &tf_type_string, .flags = TF_OPTIONAL},
    TF_END,
};

static const struct tf_attribute attributes[] = {
    {.name = "id", .type = &tf_type_string, .flags = TF_COMPUTED | TF_KEEP_STATE},
    {.name = "digest",
     .type = &tf_type_string,
     .flags = TF_COMPUTED,
     .description = "of everything else, as JSON"},
    {.name = "a_bool", .type = &tf_type_bool, .flags = TF_OPTIONAL},
    {.name = "a_number", .type = &tf_type_number, .flags = TF_OPTIONAL},
    {.name = "a_string", .type = &tf_type_string, .flags = TF_OPTIONAL | TF_SENSITIVE},
    {.name = "a_list", .type = &numbers, .flags = TF_OPTIONAL},
    {.name = "a_set", .type = &tf_type_string_set, .flags = TF_OPTIONAL},
    {.name = "a_map", .type = &bools, .flags = TF_OPTIONAL},
    {.name = "an_object", .type = &pair, .flags = TF_OPTIONAL},
    {.name = "a_set_of_objects", .type = &pairs, .flags = TF_OPTIONAL},
    {.name = "a_dynamic", .type = &tf_type_dynamic, .flags = TF_OPTIONAL},
    {.name = "nested_single", .nested = leaf, .nesting = TF_NEST_SINGLE, .flags = TF_OPTIONAL},
    {.name = "nested_list", .nested = leaf, .nesting = TF_NEST_LIST, .flags = TF_OPTIONAL},
    {.name = "nested_set", .nested = plain, .nesting = TF_NEST_SET, .flags = TF_OPTIONAL},
    {.name = "nested_map", .nested = leaf, .nesting = TF_NEST_MAP, .flags = TF_OPTIONAL},
    TF_END,
};
static const struct tf_block blocks[] = {
    {.name = "block_single", .nesting = TF_NEST_SINGLE, .attributes = leaf},
    {.name = "block_list", .nesting = TF_NEST_LIST, .attributes = leaf},
    {.name = "block_set", .nesting = TF_NEST_SET, .attributes = plain},
    {.name = "block_map", .nesting = TF_NEST_MAP, .attributes = leaf},
    {.name = "block_group", .nesting = TF_NEST_GROUP, .attributes = leaf},
    TF_END,
};
static const struct tf_schema schema = {.block = {.attributes = attributes, .blocks = blocks}};

static void settle(struct tf_context *ctx, struct tf_apply *op)
{
    const struct tf_value *state =
        tf_with(ctx->arena, op->planned, "id", tf_string(ctx->arena, "types"));
    struct buf json CLEANUP(buf_done) = BUF_INIT;
    char digest[HASH_HEX_SIZE];

    state = tf_with(ctx->arena, state, "digest", tf_null(ctx->arena, &tf_type_string));
    state = tf_without_unknowns(ctx->arena, state); /* the `made` members */
    tf_json_encode(state, state->type, &json);
    probe_note(ctx, "types %s", buf_str(&json));
    hash_sha256_hex(json.data, json.len, digest);
    op->state = tf_with(ctx->arena, state, "digest", tf_string(ctx->arena, digest));
}

const struct tf_resource probe_types = {
    .type_name = "probe_types",
    .schema = &schema,
    .create = settle,
    .update = settle,
};
