/* Three values in msgpack, each of any type with its length in front: prior state, plan, and what
 * a callback gives as state. Whatever it is, the outcome can be sent, and an object that the
 * callback gave isn't lost. */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/tf/codec.h"
#include "lib/tf/operation.h"
#include "tests/fuzz/fuzz.h"

#include "lib/base/banned.h"

static const struct tf_attribute members[] = {
    {.name = "a", .type = &tf_type_string, .flags = TF_OPTIONAL | TF_COMPUTED},
    {.name = "n", .type = &tf_type_number, .default_json = "1"},
    {.name = "w", .type = &tf_type_string, .flags = TF_OPTIONAL | TF_WRITE_ONLY},
    TF_END,
};
static const struct tf_attribute set_members[] = {
    {.name = "a", .type = &tf_type_string, .flags = TF_OPTIONAL | TF_COMPUTED},
    {.name = "b", .type = &tf_type_string, .flags = TF_OPTIONAL | TF_REQUIRES_REPLACE},
    TF_END,
};
static const struct tf_attribute attributes[] = {
    {.name = "any", .type = &tf_type_dynamic, .flags = TF_OPTIONAL | TF_COMPUTED},
    {.name = "l", .nested = members, .nesting = TF_NEST_LIST, .flags = TF_OPTIONAL | TF_COMPUTED},
    {.name = "m", .nested = members, .nesting = TF_NEST_MAP, .flags = TF_OPTIONAL},
    {.name = "o", .nested = members, .nesting = TF_NEST_SINGLE, .default_json = "{}"},
    {.name = "s", .nested = set_members, .nesting = TF_NEST_SET, .flags = TF_OPTIONAL},
    TF_END,
};
static const struct tf_attribute dynamic_members[] = {
    {.name = "d", .type = &tf_type_dynamic, .flags = TF_OPTIONAL | TF_COMPUTED},
    {.name = "w", .type = &tf_type_string, .flags = TF_OPTIONAL | TF_WRITE_ONLY},
    TF_END,
};
static const struct tf_block blocks[] = {
    {.name = "bd", .nesting = TF_NEST_LIST, .attributes = dynamic_members},
    {.name = "bg", .nesting = TF_NEST_GROUP, .attributes = members},
    {.name = "bm", .nesting = TF_NEST_MAP, .attributes = dynamic_members},
    {.name = "bs", .nesting = TF_NEST_SET, .attributes = set_members},
    TF_END,
};
static const struct tf_schema schema = {.block = {.attributes = attributes, .blocks = blocks}};

struct input {
    const uint8_t *data;
    size_t size;
};

/* The next value: two bytes of length, then msgpack of the type. NULL if it can't be read. */
static const struct tf_value *next(struct input *in, struct arena *a, const struct tf_type *t)
{
    const struct tf_value *v = NULL;
    size_t len;

    if (in->size < 2)
        return NULL;
    len = (size_t)in->data[0] << 8 | in->data[1];
    in->data += 2;
    in->size -= 2;
    if (len > in->size)
        len = in->size;
    if (tf_msgpack_decode(a, in->data, len, t, &v, NULL))
        v = NULL;
    in->data += len;
    in->size -= len;
    return v;
}

struct callback {
    const struct tf_value *state;
    bool fails;
};

static void act(struct tf_context *ctx, struct tf_apply *op)
{
    const struct callback *callback = ctx->session;

    op->state = callback->state;
    if (callback->fails)
        tf_error(ctx->diags, NULL, "Failed", "It failed.");
}

static void act_plan(struct tf_context *ctx, struct tf_plan *plan)
{
    const struct callback *callback = ctx->session;

    if (callback->state)
        plan->planned = callback->state;
}

static void must_verify(const struct tf_value *v, const struct tf_type *t, bool allow_unknown)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct buf out CLEANUP(buf_done) = BUF_INIT;

    tf_msgpack_encode(v, t, &out);
    if (tf_verify_encoded(&schema, out.data, out.len, allow_unknown, &err))
        bug("a result that can't be sent: %s", err_msg(&err));
}

static void try_apply(struct tf_context *ctx, const struct tf_value *prior,
                      const struct tf_value *planned, const struct tf_type *t)
{
    static const struct tf_resource r = {
        .schema = &schema, .create = act, .update = act, .remove = act};
    const struct callback *callback = ctx->session;
    struct tf_apply op = {.prior = prior, .planned = planned, .config = planned};
    bool removal = tf_is_null(planned);

    tf_apply_resource(ctx, &r, &op);
    must_verify(op.state, t, false);
    if (tf_is_null(op.state) && !removal && (!tf_is_null(callback->state) || !tf_is_null(prior)))
        bug("an object was lost");
    if (tf_is_null(op.state) && removal && callback->fails && !tf_is_null(prior))
        bug("a failed removal forgets the object");
    if (callback->fails && !tf_failed(ctx->diags))
        bug("an error was lost");
}

static void try_plan(struct tf_context *ctx, const struct tf_value *prior,
                     const struct tf_value *config, const struct tf_type *t)
{
    static const struct tf_resource r = {.schema = &schema, .plan = act_plan},
                                    plain = {.schema = &schema};
    struct tf_plan plan = {.prior = prior, .config = config};

    tf_plan_resource(ctx, &r, config, &plan);
    must_verify(plan.planned, t, true);
    plan = (struct tf_plan){.prior = prior, .config = config};
    tf_plan_resource(ctx, &plain, config, &plan);
    must_verify(plan.planned, t, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a CLEANUP(arena_cleanup) = arena_new();
    const struct tf_type *t = tf_schema_type(a, &schema);
    struct input in = {data, size};
    const struct tf_value *prior = next(&in, a, t), *planned = next(&in, a, t);
    struct callback callback = {next(&in, a, &tf_type_dynamic), in.size & 1};
    struct tf_diags diags;
    struct tf_context ctx = {.arena = a, .diags = &diags, .session = &callback};

    if (!prior || !planned || !tf_wholly_known(prior) || (tf_is_null(prior) && tf_is_null(planned)))
        return 0;
    tf_diags_init(&diags, a);
    try_plan(&ctx, prior, planned, t);
    tf_diags_init(&diags, a);
    try_apply(&ctx, prior, planned, t);
    return 0;
}
