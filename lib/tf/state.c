/* Reading, importing and upgrading: states that come from elsewhere than a plan. */
#include <string.h>

#include "lib/tf/codec.h"
#include "lib/tf/operation.h"
#include "lib/tf/result.h"
#include "lib/tf/walk.h"

#include "lib/base/banned.h"

#define SUMMARY "Provider produced an invalid state"

/* --- read ------------------------------------------------------------------------------------ */

void tf_read_resource(struct tf_context *ctx, const struct tf_resource *r, struct tf_read *op)
{
    const struct tf_value *before = op->state;
    const struct tf_fix fix = {r->schema, ctx->arena, ctx->diags, SUMMARY, false, true};
    size_t errors = ctx->diags->errors;

    if (!r->read || tf_is_null(before))
        return;
    r->read(ctx, op);
    if (ctx->diags->errors > errors) {
        op->state = before;
        return;
    }
    if (tf_is_null(op->state)) {
        op->state = NULL;
        return;
    }
    op->state = tf_fix_value(&fix, op->state, NULL, before);
    op->state = ctx->diags->errors > errors ? before : tf_settle(ctx->arena, r->schema, op->state);
}

/* --- import ---------------------------------------------------------------------------------- */

void tf_import_resource(struct tf_context *ctx, const struct tf_resource *r, struct tf_import *op)
{
    const struct tf_type *t = tf_schema_type(ctx->arena, r->schema);
    const struct tf_fix fix = {r->schema, ctx->arena, ctx->diags, SUMMARY, false, true};
    size_t errors = ctx->diags->errors;

    if (!r->import) {
        tf_error(ctx->diags, NULL, "Import is not supported",
                 "Resources of type %s can't be imported.", r->type_name);
        op->state = NULL;
        return;
    }
    op->state = tf_settle(ctx->arena, r->schema, tf_object_null_members(ctx->arena, t));
    r->import(ctx, op);
    if (ctx->diags->errors == errors && tf_is_null(op->state))
        tf_error(ctx->diags, NULL, "Nothing to import", "There is no %s with the ID \"%s\".",
                 r->type_name, op->id);
    if (ctx->diags->errors == errors)
        op->state = tf_settle(ctx->arena, r->schema, tf_fix_value(&fix, op->state, NULL, NULL));
    if (ctx->diags->errors > errors)
        op->state = NULL;
}

/* --- upgrade --------------------------------------------------------------------------------- */

static const struct tf_upgrader *upgrader_from(const struct tf_schema *s, int64_t version)
{
    for (const struct tf_upgrader *u = s->upgraders; u && u->upgrade; u++)
        if (u->version == version)
            return u;
    return NULL;
}

static int run_upgraders(const struct tf_schema *s, int64_t version, json_t *state, struct err *err)
{
    for (; version < s->version; version++) {
        const struct tf_upgrader *u = upgrader_from(s, version);
        int rc;

        if (!u)
            return err_set(err, ERR_UNSUPPORTED, "state of version %lld can't be upgraded",
                           (long long)version);
        if ((rc = u->upgrade(state, err)))
            return rc;
    }
    return 0;
}

static int upgrade(struct tf_context *ctx, const struct tf_schema *s, int64_t version,
                   const char *raw_json, size_t len, const struct tf_value **ret_state,
                   struct err *err)
{
    json_auto_t *state = NULL;
    int rc;

    if (version > s->version)
        return err_set(err, ERR_UNSUPPORTED,
                       "the state has version %lld, this provider knows versions up to %lld; "
                       "use a newer provider",
                       (long long)version, (long long)s->version);
    if (!(state = tf_json_parse(raw_json, len, err)))
        return ERR_INVALID;
    if (!json_is_object(state))
        return err_set(err, ERR_INVALID, "the state is not an object");
    if ((rc = run_upgraders(s, version, state, err)))
        return rc;
    return tf_json_decode_tree(ctx->arena, state, tf_schema_type(ctx->arena, s), true, ret_state,
                               err);
}

const struct tf_value *tf_upgrade_state(struct tf_context *ctx, const struct tf_schema *s,
                                        int64_t version, const char *raw_json, size_t len)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    const struct tf_value *state = NULL;

    if (upgrade(ctx, s, version, raw_json, len, &state, &err)) {
        tf_error_from(ctx->diags, NULL, "State can't be read", &err);
        return NULL;
    }
    return tf_settle(ctx->arena, s, state);
}

/* --- verification ---------------------------------------------------------------------------- */

static int find_unknown(const struct tf_path *path, const struct tf_value *v, struct err *err)
{
    struct buf where CLEANUP(buf_done) = BUF_INIT;
    bool keyed;
    int rc;

    if (v->state == TF_UNKNOWN) {
        tf_path_write(path, &where);
        return err_set(err, ERR_INVALID, "%s is unknown", path ? buf_str(&where) : "the value");
    }
    for (size_t i = 0; i < tf_len(v); i++) {
        struct tf_path here = {path, TF_STEP_INDEX, NULL, (int64_t)i};

        keyed = v->type->kind == TF_OBJECT || v->type->kind == TF_MAP;
        if (keyed) {
            here.step = v->type->kind == TF_MAP ? TF_STEP_KEY : TF_STEP_ATTRIBUTE;
            here.name = v->type->kind == TF_MAP ? v->items.keys[i] : v->type->members[i].name;
        }
        if ((rc = find_unknown(v->type->kind == TF_SET ? path : &here, v->items.at[i], err)))
            return rc;
    }
    return 0;
}

static int find_write_only(const struct tf_level *level, const struct tf_path *path,
                           const struct tf_value *object, struct err *err)
{
    struct tf_slot slot;
    int rc;

    for (size_t i = 0; tf_level_next(level, &i, &slot);) {
        struct tf_path here = {path, TF_STEP_ATTRIBUTE, slot.name, 0};
        const struct tf_value *v = tf_get(object, slot.name);

        if (slot.flags & TF_WRITE_ONLY && !tf_is_null(v)) {
            struct buf where CLEANUP(buf_done) = BUF_INIT;

            tf_path_write(&here, &where);
            return err_set(err, ERR_INVALID, "%s is write-only and must be null", buf_str(&where));
        }
        for (size_t n = 0; n < tf_nested_len(&slot, v); n++) {
            struct tf_path below = tf_nested_step(&slot, v, n, &here);

            if ((rc = find_write_only(&slot.below, &below, tf_nested_at(&slot, v, n), err)))
                return rc;
        }
    }
    return 0;
}

int tf_verify_encoded(const struct tf_schema *s, const void *msgpack, size_t len,
                      bool allow_unknown, struct err *err)
{
    struct arena *a CLEANUP(arena_cleanup) = arena_new();
    struct tf_level level = tf_schema_level(s);
    const struct tf_value *v;
    int rc;

    if ((rc = tf_msgpack_decode(a, msgpack, len, tf_schema_type(a, s), &v, err)))
        return rc;
    if (!allow_unknown && (rc = find_unknown(NULL, v, err)))
        return rc;
    return find_write_only(&level, NULL, v, err);
}

/* --- private state --------------------------------------------------------------------------- */

static int append(const char *data, size_t len, void *buf)
{
    return buf_add(buf, data, len);
}

void tf_private_encode(const json_t *private_state, struct buf *out)
{
    if (private_state &&
        json_dump_callback(private_state, append, out, JSON_COMPACT | JSON_SORT_KEYS))
        bug("private state that can't be written");
}

json_t *tf_private_decode(const void *data, size_t len, struct tf_diags *diags)
{
    json_t *j;

    if (!len)
        return NULL;
    j = json_loadb(data, len, 0, NULL);
    if (json_is_object(j))
        return j;
    json_decref(j);
    tf_warning(diags, NULL, "Private state was ignored",
               "The provider's private data about this resource can't be read. It will be made "
               "anew.");
    return NULL;
}
