/* A resource's life: the input decides, byte by byte, what a prior state, a configuration and the
 * result of a callback look like. The plan follows core's rules, a faithful result is accepted, and
 * whatever a callback gives, the outcome can be sent and no object is lost. */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/tf/codec.h"
#include "lib/tf/operation.h"
#include "lib/tf/walk.h"
#include "tests/fuzz/fuzz.h"

#include "lib/base/banned.h"

#define STRING(n, f)                                                                               \
    {                                                                                              \
        .name = (n), .type = &tf_type_string, .flags = (f)                                         \
    }

static const struct tf_attribute members[] = {
    STRING("a", TF_OPTIONAL | TF_COMPUTED),
    STRING("c", TF_COMPUTED | TF_KEEP_STATE),
    {.name = "n", .type = &tf_type_number, .default_json = "1"},
    STRING("r", TF_OPTIONAL | TF_REQUIRES_REPLACE | TF_SENSITIVE),
    STRING("w", TF_OPTIONAL | TF_WRITE_ONLY),
    TF_END,
};
static const struct tf_attribute inner[] = {STRING("k", TF_REQUIRED | TF_REQUIRES_REPLACE),
                                            STRING("c", TF_COMPUTED | TF_KEEP_STATE), TF_END};
static const struct tf_attribute set_members[] = {
    STRING("c", TF_COMPUTED | TF_KEEP_STATE),
    STRING("k", TF_OPTIONAL | TF_REQUIRES_REPLACE),
    {.name = "s", .nested = inner, .nesting = TF_NEST_SET, .flags = TF_OPTIONAL},
    TF_END,
};
static const struct tf_attribute attributes[] = {
    {.name = "any", .type = &tf_type_dynamic, .flags = TF_OPTIONAL | TF_COMPUTED},
    {.name = "l", .nested = members, .nesting = TF_NEST_LIST, .flags = TF_OPTIONAL | TF_COMPUTED},
    {.name = "m", .nested = members, .nesting = TF_NEST_MAP, .flags = TF_OPTIONAL},
    {.name = "o", .nested = members, .nesting = TF_NEST_SINGLE, .default_json = "{\"a\":\"d\"}"},
    {.name = "p", .type = &tf_type_string_map, .flags = TF_OPTIONAL},
    {.name = "q", .type = &tf_type_string_set, .flags = TF_OPTIONAL | TF_COMPUTED},
    {.name = "s", .nested = set_members, .nesting = TF_NEST_SET, .flags = TF_OPTIONAL},
    TF_END,
};
static const struct tf_attribute dynamic_members[] = {
    {.name = "d", .type = &tf_type_dynamic, .flags = TF_OPTIONAL | TF_COMPUTED},
    STRING("w", TF_OPTIONAL | TF_WRITE_ONLY),
    TF_END,
};
static const struct tf_block blocks[] = {
    {.name = "bd", .nesting = TF_NEST_LIST, .attributes = dynamic_members},
    {.name = "bg", .nesting = TF_NEST_GROUP, .attributes = members},
    {.name = "bl", .nesting = TF_NEST_LIST, .attributes = members},
    {.name = "bm", .nesting = TF_NEST_MAP, .attributes = dynamic_members},
    {.name = "bo", .nesting = TF_NEST_SINGLE, .attributes = set_members},
    {.name = "bs", .nesting = TF_NEST_SET, .attributes = set_members},
    TF_END,
};
static const struct tf_schema schema = {.block = {.attributes = attributes, .blocks = blocks}};

/* --- values from bytes ----------------------------------------------------------------------- */

/* Bytes of the input while there are any, then numbers that follow from them: a short input
 * decides as much as a long one. */
struct source {
    const uint8_t *data;
    size_t size;
    uint64_t more;
    struct arena *arena;
};

/* PRIOR is known, CONFIG may be unknown and sets no computed attribute, ANY is neither careful. */
enum role { PRIOR, CONFIG, ANY };

static unsigned choose(struct source *in, unsigned n)
{
    if (!in->size) {
        in->more = in->more * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (unsigned)(in->more >> 33) % n;
    }
    in->size--;
    in->more = (in->more ^ *in->data) * UINT64_C(1099511628211);
    return *in->data++ % n;
}

static const struct tf_type *any_type(struct source *in)
{
    static const struct tf_type list = TF_LIST_OF(&tf_type_dynamic);
    static const struct tf_member pair[] = {{"x", &tf_type_string}, {"y", &tf_type_dynamic}};
    static const struct tf_type object = TF_OBJECT_OF(pair);
    static const struct tf_type *const types[] = {
        &tf_type_string, &tf_type_number, &tf_type_bool, &tf_type_string_list, &list, &object};

    return types[choose(in, ARRAY_LEN(types))];
}

static const char *any_text(struct source *in)
{
    static const char *const texts[] = {"a", "b", "", "pre-x", "pre-"};

    return texts[choose(in, ARRAY_LEN(texts))];
}

static const struct tf_value *unknown(struct source *in, const struct tf_type *t)
{
    static const struct tf_refinement promises[] = {
        {.has = TF_REFINE_NOT_NULL},
        {.has = TF_REFINE_PREFIX, .prefix = "pre-"},
        {.has = TF_REFINE_MIN | TF_REFINE_MAX, .min = "0", .max = "1", .min_inclusive = true},
        {.has = TF_REFINE_MIN_LENGTH | TF_REFINE_MAX_LENGTH, .min_length = 1, .max_length = 1},
    };
    struct tf_value *v = arena_alloc(in->arena, sizeof(*v));
    unsigned promise = choose(in, 2 * ARRAY_LEN(promises));

    *v = (struct tf_value){.type = t, .state = TF_UNKNOWN};
    if (promise < ARRAY_LEN(promises) && t->kind != TF_DYNAMIC)
        v->refinement = &promises[promise];
    return v;
}

static const struct tf_value *plain(struct source *in, enum role role, const struct tf_type *t)
{
    static const char *const names[] = {"k", "l", "m"};
    static const char *const numbers[] = {"0", "1", "2", "0.5", "1e30"};
    const struct tf_value **items;
    unsigned how = choose(in, 8), n;

    if (how == 0)
        return tf_null(in->arena, t);
    if (how == 1 && role != PRIOR)
        return unknown(in, t);
    switch (t->kind) {
    case TF_DYNAMIC:
        return plain(in, role, any_type(in));
    case TF_BOOL:
        return tf_bool(in->arena, choose(in, 2));
    case TF_NUMBER:
        return tf_number(in->arena, numbers[choose(in, ARRAY_LEN(numbers))]);
    case TF_STRING:
        return tf_string(in->arena, any_text(in));
    default:
        break;
    }
    n = t->element ? choose(in, ARRAY_LEN(names) + 1) : (unsigned)t->nmembers;
    items = arena_calloc(in->arena, n, sizeof(const struct tf_value *));
    for (unsigned i = 0; i < n; i++)
        items[i] = plain(in, role, t->element ? t->element : t->members[i].type);
    return t->kind == TF_MAP ? tf_map(in->arena, t, names, items, n)
                             : tf_collection(in->arena, t, items, n);
}

static const struct tf_value *level_value(struct source *in, enum role role,
                                          const struct tf_level *level);

/* Lists and maps of blocks with something dynamic are tuples and objects. */
static const struct tf_value *gather(struct source *in, const struct tf_slot *slot,
                                     const struct tf_value **items, size_t n)
{
    static const char *const names[] = {"k", "l", "m"};
    const struct tf_type *t = tf_slot_type(in->arena, slot), *types[ARRAY_LEN(names)];
    struct tf_member at[ARRAY_LEN(names)];

    if (t->kind == TF_MAP)
        return tf_map(in->arena, t, names, items, n);
    if (t->kind != TF_DYNAMIC)
        return tf_collection(in->arena, t, items, n);
    for (size_t i = 0; i < n; i++) {
        types[i] = items[i]->type;
        at[i] = (struct tf_member){names[i], items[i]->type};
    }
    t = slot->nesting == TF_NEST_MAP ? tf_type_new_object(in->arena, at, n)
                                     : tf_type_new_tuple(in->arena, types, n);
    return tf_collection(in->arena, t, items, n);
}

static const struct tf_value *slot_value(struct source *in, enum role role,
                                         const struct tf_slot *slot)
{
    const struct tf_value *items[3];
    unsigned how, n;

    if (role == CONFIG && slot->flags & TF_COMPUTED && !(slot->flags & TF_OPTIONAL))
        return tf_null(in->arena, tf_slot_type(in->arena, slot));
    if (role == PRIOR && slot->flags & TF_WRITE_ONLY)
        return tf_null(in->arena, tf_slot_type(in->arena, slot));
    if (!slot->nesting)
        return plain(in, role, slot->attribute->type);
    how = choose(in, 8);
    if (how == 0 && (slot->attribute || slot->nesting == TF_NEST_SINGLE || role == ANY))
        return tf_null(in->arena, tf_slot_type(in->arena, slot));
    if (how == 1 && role != PRIOR && slot->nesting != TF_NEST_GROUP)
        return unknown(in, tf_slot_type(in->arena, slot));
    if (slot->nesting == TF_NEST_SINGLE || slot->nesting == TF_NEST_GROUP)
        return level_value(in, role, &slot->below);
    n = choose(in, ARRAY_LEN(items) + 1);
    for (unsigned i = 0; i < n; i++)
        items[i] = level_value(in, role, &slot->below);
    return gather(in, slot, items, n);
}

static const struct tf_value *level_value(struct source *in, enum role role,
                                          const struct tf_level *level)
{
    struct tf_member at[16];
    const struct tf_value *items[16], *object;
    struct tf_slot slot;
    size_t n = 0;

    for (size_t i = 0; tf_level_next(level, &i, &slot); n++) {
        items[n] = slot_value(in, role, &slot);
        at[n] = (struct tf_member){slot.name, tf_slot_type(in->arena, &slot)};
        if (tf_is_known(items[n]) && at[n].type->kind == TF_DYNAMIC && level->blocks == NULL)
            at[n].type = items[n]->type;
    }
    object = tf_object_null_members(in->arena, tf_type_new_object(in->arena, at, n));
    for (size_t i = 0; i < n; i++)
        object = tf_with(in->arena, object, at[i].name, items[i]);
    return object;
}

static const struct tf_value *root_value(struct source *in, enum role role)
{
    struct tf_level level = tf_schema_level(&schema);

    if (!choose(in, 8))
        return tf_null(in->arena, tf_schema_type(in->arena, &schema));
    return level_value(in, role, &level);
}

/* --- core's part ----------------------------------------------------------------------------- */

/* Where the configuration says nothing of a computed attribute, the prior value is proposed. */
static const struct tf_value *propose(struct arena *a, const struct tf_level *level,
                                      const struct tf_value *config, const struct tf_value *prior)
{
    const struct tf_value **items;
    struct tf_slot slot;

    if (!tf_is_known(config))
        return config;
    items = arena_calloc(a, config->items.len, sizeof(const struct tf_value *));
    for (size_t i = 0; tf_level_next(level, &i, &slot);) {
        const struct tf_value *c = tf_get(config, slot.name), *p = tf_get(prior, slot.name);

        if (slot.flags & TF_COMPUTED && tf_is_null(c) && p)
            c = p;
        else if (slot.nesting == TF_NEST_SINGLE || slot.nesting == TF_NEST_GROUP)
            c = propose(a, &slot.below, c, p);
        items[tf_type_member(config->type, slot.name)] = c;
    }
    return tf_rebuild(a, config, items);
}

/* A value for each unknown, as an honest provider finds them. */
static const struct tf_value *resolve(struct source *in, const struct tf_value *v)
{
    const struct tf_value **items, *known = NULL;

    if (tf_is_unknown(v)) {
        while (!known || !tf_is_known(known))
            known = plain(in, PRIOR, v->type);
        return known;
    }
    if (tf_wholly_known(v))
        return v;
    items = arena_calloc(in->arena, v->items.len, sizeof(const struct tf_value *));
    for (size_t i = 0; i < v->items.len; i++)
        items[i] = resolve(in, v->items.at[i]);
    return tf_rebuild(in->arena, v, items);
}

static const struct tf_value *resolve_level(struct source *in, const struct tf_level *level,
                                            const struct tf_value *object);

static const struct tf_value *resolve_slot(struct source *in, const struct tf_slot *slot,
                                           const struct tf_value *v)
{
    const struct tf_value **items;

    if (!slot->nesting)
        return resolve(in, v);
    if (tf_is_unknown(v))
        return slot_value(in, PRIOR, slot);
    if (!tf_is_known(v))
        return v;
    if (slot->nesting == TF_NEST_SINGLE || slot->nesting == TF_NEST_GROUP)
        return resolve_level(in, &slot->below, v);
    items = arena_calloc(in->arena, tf_len(v), sizeof(const struct tf_value *));
    for (size_t i = 0; i < tf_len(v); i++)
        items[i] = resolve_level(in, &slot->below, v->items.at[i]);
    return tf_rebuild(in->arena, v, items);
}

static const struct tf_value *resolve_level(struct source *in, const struct tf_level *level,
                                            const struct tf_value *object)
{
    const struct tf_value **items =
        arena_calloc(in->arena, object->items.len, sizeof(const struct tf_value *));
    struct tf_slot slot;

    for (size_t i = 0; tf_level_next(level, &i, &slot);)
        items[tf_type_member(object->type, slot.name)] =
            resolve_slot(in, &slot, tf_get(object, slot.name));
    return tf_rebuild(in->arena, object, items);
}

/* --- the author's part ----------------------------------------------------------------------- */

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

/* The same plan as another value, so that it is checked. */
static void plan_the_same(struct tf_context *ctx, struct tf_plan *plan)
{
    if (tf_is_known(plan->planned))
        plan->planned = tf_collection(ctx->arena, plan->planned->type, plan->planned->items.at,
                                      plan->planned->items.len);
}

static void plan_otherwise(struct tf_context *ctx, struct tf_plan *plan)
{
    const struct callback *callback = ctx->session;

    plan->planned = callback->state;
}

/* --- properties ------------------------------------------------------------------------------ */

static void must_verify(struct arena *a, const struct tf_value *v, bool allow_unknown)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct buf out CLEANUP(buf_done) = BUF_INIT;

    tf_msgpack_encode(v, tf_schema_type(a, &schema), &out);
    if (tf_verify_encoded(&schema, out.data, out.len, allow_unknown, &err))
        bug("a value that can't be sent: %s", err_msg(&err));
}

/* Elements of a set that were told apart by what is now the same fall together, which core takes
 * for a broken plan; no algorithm can prevent it. */
static bool sets_fell_together(const struct tf_value *config, const struct tf_value *planned)
{
    if (!tf_is_known(config) || !tf_is_known(planned) || config->type->kind < TF_LIST)
        return false;
    if (config->type->kind == TF_SET && tf_len(planned) < tf_len(config))
        return true;
    for (size_t i = 0; i < tf_len(config) && i < tf_len(planned); i++)
        if (sets_fell_together(config->items.at[i], planned->items.at[i]))
            return true;
    return false;
}

static const struct tf_value *try_plan(struct tf_context *ctx, const struct tf_value *prior,
                                       const struct tf_value *config,
                                       const struct tf_value *proposed)
{
    static const struct tf_resource same = {.schema = &schema, .plan = plan_the_same};
    static const struct tf_resource other = {.schema = &schema, .plan = plan_otherwise};
    struct tf_plan plan = {.prior = prior, .config = config}, again = plan;

    tf_plan_resource(ctx, &same, proposed, &plan);
    must_verify(ctx->arena, plan.planned, true);
    if (tf_failed(ctx->diags) && !sets_fell_together(config, plan.planned))
        bug("our own plan breaks the rules: %s", ctx->diags->at[0].detail);
    if (plan.action == TF_NO_OP && plan.planned != prior)
        bug("nothing to do, but another state");
    tf_plan_resource(ctx, &other, proposed, &again);
    must_verify(ctx->arena, again.planned, true);
    return plan.planned;
}

static void try_apply(struct tf_context *ctx, const struct tf_value *prior,
                      const struct tf_value *planned, bool faithful)
{
    static const struct tf_resource r = {
        .schema = &schema, .create = act, .update = act, .remove = act};
    const struct callback *callback = ctx->session;
    struct tf_apply op = {.prior = prior, .planned = planned, .config = planned};
    bool removal = tf_is_null(planned);

    tf_apply_resource(ctx, &r, &op);
    must_verify(ctx->arena, op.state, false);
    if (tf_is_null(op.state) && !removal && (!tf_is_null(callback->state) || !tf_is_null(prior)))
        bug("an object was lost");
    if (tf_is_null(op.state) && removal && callback->fails)
        bug("a failed removal forgets the object");
    if (callback->fails && !tf_failed(ctx->diags))
        bug("an error was lost");
    if (faithful && !callback->fails && tf_failed(ctx->diags))
        bug("a faithful result is refused: %s", ctx->diags->at[0].detail);
    if (faithful && !removal && !tf_equal(op.state, callback->state))
        bug("a faithful result is changed");
}

/* What the callback gives: nothing, what was planned, that with one part of another kind, any
 * object, or anything. */
static const struct tf_value *callback_state(struct source *in, const struct tf_value *planned,
                                             bool *faithful)
{
    struct tf_level level = tf_schema_level(&schema);
    unsigned how = choose(in, 6);

    *faithful = false;
    if (how == 0)
        return NULL;
    if (how == 1)
        return plain(in, ANY, any_type(in));
    if (how == 2 || !tf_is_known(planned))
        return root_value(in, ANY);
    *faithful = how > 3;
    if (how > 3)
        return resolve_level(in, &level, planned);
    return tf_with(in->arena, planned, attributes[choose(in, ARRAY_LEN(attributes) - 1)].name,
                   plain(in, ANY, any_type(in)));
}

static bool has_promises(const struct tf_value *v)
{
    if (v->refinement && tf_is_unknown(v))
        return true;
    for (size_t i = 0; i < tf_len(v); i++)
        if (has_promises(v->items.at[i]))
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a CLEANUP(arena_cleanup) = arena_new();
    struct tf_level level = tf_schema_level(&schema);
    struct source in = {data, size, UINT64_C(14695981039346656037), a};
    const struct tf_value *prior, *config, *planned;
    struct callback callback = {.fails = choose(&in, 3) == 1};
    struct tf_diags diags;
    struct tf_context ctx = {.arena = a, .diags = &diags, .session = &callback};
    bool faithful;

    prior = root_value(&in, PRIOR);
    if (!choose(&in, 4)) /* the same choices again: a configuration like the state */
        in = (struct source){data + !!size, size - !!size, UINT64_C(14695981039346656037), a};
    config = root_value(&in, CONFIG);
    if (tf_is_null(prior) && tf_is_null(config))
        return 0;
    tf_diags_init(&diags, a);
    callback.state = choose(&in, 2) ? root_value(&in, ANY) : plain(&in, ANY, any_type(&in));
    planned = try_plan(&ctx, prior, config, propose(a, &level, config, prior));
    tf_diags_init(&diags, a);
    callback.state = callback_state(&in, planned, &faithful);
    try_apply(&ctx, prior, planned, faithful && !has_promises(planned));
    return 0;
}
