/* Checks of a configuration that follow from the schema alone. What is unknown passes: it is
 * checked again when it is known. */
#include "lib/tf/operation.h"
#include "lib/tf/walk.h"

#include "lib/base/banned.h"

static void run_checks(struct tf_context *ctx, const struct tf_validator *checks,
                       const struct tf_path *path, const struct tf_value *v)
{
    for (; checks && checks->check; checks++) {
        struct err err CLEANUP(err_done) = ERR_INIT;
        struct buf where CLEANUP(buf_done) = BUF_INIT;

        if (!checks->check(v, checks->arg, &err))
            continue;
        tf_path_write(path, &where);
        tf_error(ctx->diags, path, "Invalid value", "%s %s.", buf_str(&where), err_msg(&err));
    }
}

/* Terraform lets a null stand among the elements of a collection; no attribute here gives it a meaning,
 * and in a map it would silently be as if the key weren't there. */
static void refuse_null(struct tf_context *ctx, const struct tf_path *path,
                        const struct tf_value *v)
{
    struct buf where CLEANUP(buf_done) = BUF_INIT;

    tf_path_write(path, &where);
    tf_error(ctx->diags, path, "Invalid value", "%s must not %s null. Leave that element out.",
             buf_str(&where), v->type->kind == TF_SET ? "contain" : "be");
}

/* Of a collection of strings, numbers or bools. */
static void check_items(struct tf_context *ctx, const struct tf_attribute *attr,
                        const struct tf_path *path, const struct tf_value *v)
{
    if (!attr->type || !attr->type->element)
        return;
    for (size_t i = 0; i < tf_len(v); i++) {
        struct tf_path item = {path, TF_STEP_INDEX, NULL, (int64_t)i};
        const struct tf_path *at = v->type->kind == TF_SET ? path : &item;

        if (v->type->kind == TF_MAP) {
            item.step = TF_STEP_KEY;
            item.name = v->items.keys[i];
        }
        if (tf_is_null(v->items.at[i]))
            refuse_null(ctx, at, v);
        else if (tf_is_known(v->items.at[i]))
            run_checks(ctx, attr->item_validators, at, v->items.at[i]);
    }
}

static void validate_attribute(const struct tf_attribute *attr, const struct tf_path *path,
                               const struct tf_value *v, void *arg)
{
    struct tf_context *ctx = arg;
    struct buf where CLEANUP(buf_done) = BUF_INIT;
    unsigned flags = tf_attribute_flags(attr);
    bool set = !tf_is_null(v);

    tf_path_write(path, &where);
    if (flags & TF_REQUIRED && !set)
        tf_error(ctx->diags, path, "Missing required value", "%s must be set.", buf_str(&where));
    if (set && flags & TF_COMPUTED && !(flags & TF_OPTIONAL))
        tf_error(ctx->diags, path, "Value of a read-only attribute",
                 "%s is decided by the provider and can't be set. Remove it.", buf_str(&where));
    if (set && flags & TF_WRITE_ONLY && !ctx->write_only_allowed)
        tf_error(ctx->diags, path, "Write-only attributes are not supported here",
                 "%s is write-only, which needs Terraform 1.11 or later: this client would store "
                 "the value. Use the attribute's sibling that isn't write-only.",
                 buf_str(&where));
    if (!tf_is_known(v))
        return;
    run_checks(ctx, attr->validators, path, v);
    check_items(ctx, attr, path, v);
    if (attr->deprecated)
        tf_warning(ctx->diags, path, "Deprecated attribute", "%s is deprecated: %s",
                   buf_str(&where), attr->deprecated);
}

/* Core shows a block as deprecated in the documentation only. */
static void warn_of_blocks(struct tf_context *ctx, const struct tf_level *level,
                           const struct tf_path *path, const struct tf_value *object)
{
    struct tf_slot slot;

    for (size_t i = 0; tf_level_next(level, &i, &slot);) {
        struct tf_path here = {path, TF_STEP_ATTRIBUTE, slot.name, 0};
        const struct tf_value *v = tf_get(object, slot.name);
        bool used = slot.block && slot.nesting != TF_NEST_GROUP && tf_nested_len(&slot, v);

        if (used && slot.block->deprecated)
            tf_warning(ctx->diags, &here, "Deprecated block", "%s is deprecated: %s", slot.name,
                       slot.block->deprecated);
        for (size_t n = 0; slot.block && n < tf_nested_len(&slot, v); n++) {
            struct tf_path below = tf_nested_step(&slot, v, n, &here);

            warn_of_blocks(ctx, &slot.below, &below, tf_nested_at(&slot, v, n));
        }
    }
}

void tf_validate_config(struct tf_context *ctx, const struct tf_schema *s,
                        const struct tf_value *config)
{
    struct tf_level level = tf_schema_level(s);

    if (!tf_is_known(config))
        return;
    tf_schema_visit(ctx->arena, s, config, validate_attribute, ctx);
    warn_of_blocks(ctx, &level, NULL, config);
}

void tf_validate_resource(struct tf_context *ctx, const struct tf_resource *r,
                          const struct tf_value *config)
{
    size_t errors = ctx->diags->errors;

    tf_validate_config(ctx, r->schema, config);
    if (r->validate && tf_is_known(config) && ctx->diags->errors == errors)
        r->validate(ctx, config);
}
