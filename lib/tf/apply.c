/* Applying: create, update or remove, and then the promise that nothing is lost.
 *
 * Terraform forgets an object when a result is null or has the wrong shape, whatever diagnostics
 * come with it. So after the author's callback the state is forced into shape (result.h), what is
 * missing falls back to the plan or the prior state, and every repair is an error on its path. */
#include "lib/tf/operation.h"
#include "lib/tf/result.h"

#include "lib/base/banned.h"

#define SUMMARY "Provider produced an invalid result"

typedef void apply_fn(struct tf_context *ctx, struct tf_apply *op);

static const struct {
    const char *verb;
    const char *interrupted; /* what an interrupt before the start leaves */
} actions[] = {
    [TF_CREATE] = {"create", "Nothing was created."},
    [TF_UPDATE] = {"update", "Nothing was changed."},
    [TF_DELETE] = {"delete", "Nothing was deleted."},
    [TF_NO_OP] = {"leave alone", "Nothing was changed."},
};

static enum tf_action action_of(const struct tf_apply *op)
{
    if (tf_is_null(op->planned))
        return tf_is_null(op->prior) ? TF_NO_OP : TF_DELETE;
    return tf_is_null(op->prior) ? TF_CREATE : TF_UPDATE;
}

static apply_fn *callback_of(const struct tf_resource *r, enum tf_action action)
{
    switch (action) {
    case TF_CREATE:
        return r->create;
    case TF_UPDATE:
        return r->update;
    case TF_DELETE:
        return r->remove;
    case TF_NO_OP:
        break;
    }
    return NULL;
}

/* What there is to remember when nothing has to be done: the plan, with unknowns as they were. */
static const struct tf_value *without_callback(struct tf_context *ctx, const struct tf_schema *s,
                                               const struct tf_apply *op)
{
    const struct tf_fix fix = {s, ctx->arena, ctx->diags, SUMMARY, false, false};

    return tf_is_null(op->planned) ? NULL : tf_fix_value(&fix, op->planned, NULL, op->prior);
}

/* No state from create: nothing exists, which is only right together with an error. */
static void nothing_created(struct tf_context *ctx, const struct tf_type *t, struct tf_apply *op,
                            bool failed)
{
    if (!failed)
        tf_error(ctx->diags, NULL, "Missing state after create",
                 "The provider reported neither a state nor an error, so it isn't known what was "
                 "created. This is a bug in the provider. What may exist must be imported or "
                 "deleted by hand.");
    op->state = tf_null(ctx->arena, t);
}

/* The object that there was before; its private data too, unless the callback gave other. */
static void keep_prior(struct tf_apply *op)
{
    op->state = op->prior;
    if (!op->private_state)
        op->private_state = json_incref(op->planned_private);
}

static void nothing_updated(struct tf_context *ctx, struct tf_apply *op, bool failed)
{
    if (!failed)
        tf_error(ctx->diags, NULL, "Missing state after update",
                 "The provider reported neither a state nor an error, so the state from before the "
                 "update was kept. This is a bug in the provider.");
    keep_prior(op);
}

static void settle_state(struct tf_context *ctx, const struct tf_schema *s, struct tf_apply *op,
                         bool failed)
{
    const struct tf_value *planned = tf_is_null(op->planned) ? NULL : op->planned;
    const struct tf_value *prior = tf_is_null(op->prior) ? NULL : op->prior;
    const struct tf_fix fix = {s, ctx->arena, ctx->diags, SUMMARY, false, !failed};
    size_t errors = ctx->diags->errors;

    op->state = tf_fix_value(&fix, op->state, planned, prior);
    if (tf_is_null(op->state)) /* not an object at all, and no plan to fall back to */
        op->state = tf_without_unknowns(ctx->arena, planned ? planned : prior);
    tf_report_write_only(&fix, op->state);
    op->state = tf_settle(ctx->arena, s, op->state);
    if (planned && !failed && ctx->diags->errors == errors)
        tf_check_result(&fix, planned, op->state);
}

static void finish_removal(struct tf_context *ctx, const struct tf_schema *s,
                           const struct tf_type *t, struct tf_apply *op, bool failed)
{
    bool left = !tf_is_null(op->state);

    if (!failed && !left) {
        op->state = tf_null(ctx->arena, t);
        json_decref(op->private_state);
        op->private_state = NULL;
        return;
    }
    if (!failed)
        tf_error(ctx->diags, NULL, SUMMARY,
                 "Something is left after the deletion, but no error was reported. This is a bug "
                 "in the provider.");
    if (left)
        settle_state(ctx, s, op, true);
    else
        keep_prior(op);
}

void tf_apply_resource(struct tf_context *ctx, const struct tf_resource *r, struct tf_apply *op)
{
    const struct tf_type *t = tf_schema_type(ctx->arena, r->schema);
    enum tf_action action = action_of(op);
    apply_fn *callback = callback_of(r, action);
    size_t errors = ctx->diags->errors;
    bool failed;

    op->state = NULL;
    if (cancel_fired(ctx->cancel))
        tf_error(ctx->diags, NULL, "Interrupted", "The %s was interrupted before it began. %s",
                 actions[action].verb, actions[action].interrupted);
    else if (callback)
        callback(ctx, op);
    else
        op->state = without_callback(ctx, r->schema, op);
    failed = ctx->diags->errors > errors;
    switch (action) {
    case TF_CREATE:
        if (tf_is_null(op->state))
            nothing_created(ctx, t, op, failed);
        else
            settle_state(ctx, r->schema, op, failed);
        break;
    case TF_UPDATE:
        if (tf_is_null(op->state))
            nothing_updated(ctx, op, failed);
        else
            settle_state(ctx, r->schema, op, failed);
        break;
    case TF_DELETE:
        finish_removal(ctx, r->schema, t, op, failed);
        break;
    case TF_NO_OP:
        op->state = tf_null(ctx->arena, t);
        break;
    }
}
