/* Planning, as terraform-plugin-framework does it:
 *
 *   proposed -> defaults, write-only values nulled -> if that differs from the prior state, computed
 *   attributes without config or default become unknown, or stay as they were if they are marked
 *   so -> the author's plan -> core's rules -> attributes that ask for replacement.
 *
 * If nothing differs the prior state itself is the plan: no diff can come from re-encoding. */
#include <string.h>

#include "lib/tf/codec.h"
#include "lib/tf/operation.h"
#include "lib/tf/result.h"
#include "lib/tf/walk.h"

#include "lib/base/banned.h"

#define SUMMARY "Provider produced an invalid plan"

void tf_plan_requires_replace(struct tf_context *ctx, struct tf_plan *plan,
                              const struct tf_path *path)
{
    size_t n = plan->nrequires_replace;
    const struct tf_path **grown;

    for (size_t i = 0; i < n; i++)
        if (tf_path_equal(plan->requires_replace[i], path))
            return;
    if (!(n & (n - 1))) { /* 0 or a power of two: full */
        grown = arena_calloc(ctx->arena, n ? 2 * n : 1, sizeof(const struct tf_path *));
        if (n)
            memcpy(grown, plan->requires_replace, n * sizeof(const struct tf_path *));
        plan->requires_replace = grown;
    }
    plan->requires_replace[plan->nrequires_replace++] = tf_path_copy(ctx->arena, path);
}

/* --- before the author ----------------------------------------------------------------------- */

/* A value below a default has no counterpart in config (NULL, not null): the default's own members
 * stand, what it leaves out is filled in. */
static bool set_by_default(const struct tf_value *v, const struct tf_value *config)
{
    return !config && !tf_is_null(v);
}

static const struct tf_value *default_value(struct arena *a, const struct tf_slot *slot)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    const char *json = slot->attribute->default_json;
    const struct tf_value *v;

    if (tf_json_decode(a, json, strlen(json), tf_slot_type(a, slot), false, &v, &err))
        bug("default of \"%s\": %s", slot->name, err_msg(&err));
    return v;
}

static const struct tf_value *set_default(struct arena *a, const struct tf_slot *slot,
                                          const struct tf_value *v, const struct tf_value *config,
                                          bool *descend)
{
    *descend = tf_level_has(&slot->below, TF_WRITE_ONLY, true);
    if (!slot->attribute)
        return v;
    if (slot->flags & TF_WRITE_ONLY) {
        *descend = false;
        return tf_is_null(v) ? v : tf_null(a, v->type);
    }
    if (!tf_is_null(config) || set_by_default(v, config))
        return v;
    if (slot->attribute->default_json)
        return default_value(a, slot);
    *descend = false; /* without config it is as it was, or nothing */
    return v;
}

/* Where config says nothing of a computed attribute, core has proposed the prior value, if this is
 * the same element as before. */
static const struct tf_value *mark_unknown(struct arena *a, const struct tf_slot *slot,
                                           const struct tf_value *v, const struct tf_value *config,
                                           bool *descend)
{
    *descend = tf_level_has(&slot->below, TF_COMPUTED, false);
    if (!(slot->flags & TF_COMPUTED) || slot->attribute->default_json || !tf_is_null(config) ||
        set_by_default(v, config))
        return v;
    *descend = false;
    if (slot->flags & TF_KEEP_STATE && !tf_is_null(v))
        return v;
    return tf_unknown(a, tf_slot_type(a, slot));
}

static enum tf_action action_of(const struct tf_plan *plan)
{
    if (tf_is_null(plan->planned))
        return TF_DELETE;
    if (tf_is_null(plan->prior))
        return TF_CREATE;
    return tf_equal(plan->planned, plan->prior) ? TF_NO_OP : TF_UPDATE;
}

static void plan_default(struct tf_context *ctx, const struct tf_schema *s, struct tf_plan *plan)
{
    struct tf_level level = tf_schema_level(s);

    plan->planned = tf_transform(ctx->arena, &level, plan->planned, plan->config, set_default);
    plan->action = action_of(plan);
    if (plan->action == TF_CREATE || plan->action == TF_UPDATE)
        plan->planned = tf_transform(ctx->arena, &level, plan->planned, plan->config, mark_unknown);
    if (plan->action == TF_UPDATE)
        plan->action = action_of(plan);
    if (plan->action == TF_NO_OP)
        plan->planned = plan->prior;
}

/* --- after the author ------------------------------------------------------------------------ */

static void check_author(struct tf_context *ctx, const struct tf_schema *s, struct tf_plan *plan,
                         const struct tf_value *before)
{
    const struct tf_fix fix = {s, ctx->arena, ctx->diags, SUMMARY, true, false};
    size_t errors = ctx->diags->errors;

    if (plan->action == TF_DELETE) {
        if (!tf_is_null(plan->planned))
            tf_error(ctx->diags, NULL, SUMMARY,
                     "A value was planned for something that is to be deleted. This is a bug in "
                     "the provider.");
        plan->planned = before;
        return;
    }
    if (!tf_is_known(plan->planned) || plan->planned->type->kind != TF_OBJECT) {
        tf_error(ctx->diags, NULL, SUMMARY,
                 "No object was planned. This is a bug in the provider.");
        plan->planned = before;
        return;
    }
    if (plan->planned == before)
        return;
    plan->planned = tf_fix_value(&fix, plan->planned, before, NULL);
    tf_report_write_only(&fix, plan->planned);
    plan->planned = tf_settle(ctx->arena, s, plan->planned);
    /* A plan that already failed needn't be complete. */
    if (!errors && ctx->diags->errors == errors)
        tf_check_plan(&fix, plan->config, plan->prior, plan->planned);
    if (!tf_is_null(plan->prior) && tf_equal(plan->planned, plan->prior))
        plan->planned = plan->prior;
}

/* --- replacement ----------------------------------------------------------------------------- */

struct replacement {
    struct tf_context *ctx;
    struct tf_plan *plan;
};

static void replace_level(const struct replacement *r, const struct tf_level *level,
                          const struct tf_path *path, const struct tf_value *planned,
                          const struct tf_value *prior);

/* Elements of sets have no identity, so what counts is which values of the marked attributes occur
 * in the set at all. */
static const struct tf_value *marked_part(struct arena *a, const struct tf_slot *slot,
                                          const struct tf_value *v,
                                          const struct tf_value *config UNUSED, bool *descend)
{
    *descend = !(slot->flags & TF_REQUIRES_REPLACE);
    if (!*descend || tf_level_has(&slot->below, TF_REQUIRES_REPLACE, false))
        return v;
    return tf_null(a, v->type);
}

static bool marked_parts_differ(struct arena *a, const struct tf_slot *slot,
                                const struct tf_value *planned, const struct tf_value *prior)
{
    const struct tf_value *sets[] = {planned, prior};

    if (!tf_is_known(planned) || !tf_is_known(prior))
        return !tf_equal(planned, prior);
    for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
        const struct tf_value *set = sets[i];
        const struct tf_value **items =
            arena_calloc(a, set->items.len, sizeof(const struct tf_value *));

        for (size_t n = 0; n < set->items.len; n++)
            items[n] = tf_transform(a, &slot->below, set->items.at[n], NULL, marked_part);
        sets[i] = tf_collection_take(a, set->type, items, set->items.len);
    }
    return !tf_equal(sets[0], sets[1]);
}

/* Elements that only one side has count as null on the other: a nested attribute that is added or
 * taken away changes its members too. */
static void replace_elements(const struct replacement *r, const struct tf_slot *slot,
                             const struct tf_path *path, const struct tf_value *planned,
                             const struct tf_value *prior)
{
    for (size_t i = 0; i < tf_nested_len(slot, planned); i++) {
        struct tf_path here = tf_nested_step(slot, planned, i, path);

        replace_level(r, &slot->below, &here, tf_nested_at(slot, planned, i),
                      tf_nested_like(slot, planned, i, prior));
    }
    for (size_t i = 0; i < tf_nested_len(slot, prior); i++) {
        struct tf_path here = tf_nested_step(slot, prior, i, path);
        const struct tf_value *like = tf_nested_like(slot, prior, i, planned);

        if (!tf_is_known(like))
            replace_level(r, &slot->below, &here, like, tf_nested_at(slot, prior, i));
    }
}

static const struct tf_value *member_of(const struct tf_value *object, const char *name)
{
    return tf_is_unknown(object) ? object : tf_get(object, name);
}

static bool changes(const struct tf_value *planned, const struct tf_value *prior)
{
    if (tf_is_null(planned) || tf_is_null(prior))
        return tf_is_null(planned) != tf_is_null(prior);
    return !tf_equal(planned, prior);
}

static void replace_level(const struct replacement *r, const struct tf_level *level,
                          const struct tf_path *path, const struct tf_value *planned,
                          const struct tf_value *prior)
{
    struct tf_slot slot;

    for (size_t i = 0; tf_level_next(level, &i, &slot);) {
        struct tf_path here = {path, TF_STEP_ATTRIBUTE, slot.name, 0};
        const struct tf_value *after = member_of(planned, slot.name);
        const struct tf_value *before = member_of(prior, slot.name);

        if (slot.flags & TF_REQUIRES_REPLACE && changes(after, before))
            tf_plan_requires_replace(r->ctx, r->plan, &here);
        if (!slot.nesting || !tf_level_has(&slot.below, TF_REQUIRES_REPLACE, false))
            continue;
        if (slot.nesting != TF_NEST_SET)
            replace_elements(r, &slot, &here, after, before);
        else if (after && before && marked_parts_differ(r->ctx->arena, &slot, after, before))
            tf_plan_requires_replace(r->ctx, r->plan, &here);
    }
}

/* --- the whole ------------------------------------------------------------------------------- */

void tf_plan_resource(struct tf_context *ctx, const struct tf_resource *r,
                      const struct tf_value *proposed, struct tf_plan *plan)
{
    struct tf_level level = tf_schema_level(r->schema);
    const struct tf_type *t = tf_schema_type(ctx->arena, r->schema);
    const struct tf_value *before;

    if (!plan->config)
        plan->config = tf_null(ctx->arena, t);
    if (!plan->prior)
        plan->prior = tf_null(ctx->arena, t);
    plan->planned = proposed ? proposed : tf_null(ctx->arena, t);
    plan_default(ctx, r->schema, plan);
    before = plan->planned;
    if (r->plan)
        r->plan(ctx, plan);
    check_author(ctx, r->schema, plan, before);
    if (plan->action == TF_CREATE || plan->action == TF_DELETE)
        plan->nrequires_replace = 0; /* nothing there to replace */
    else
        replace_level(&(const struct replacement){ctx, plan}, &level, NULL, plan->planned,
                      plan->prior);
}
