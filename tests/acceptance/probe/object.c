/* probe_object: an object whose life goes as its configuration says. */
#include "tests/acceptance/probe/probe.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/log.h"

#include "lib/base/banned.h"

static const struct tf_attribute attributes[] = {
    {.name = "id", .type = &tf_type_string, .flags = TF_COMPUTED | TF_KEEP_STATE},
    {.name = "name", .type = &tf_type_string, .flags = TF_REQUIRED | TF_REQUIRES_REPLACE},
    {.name = "value", .type = &tf_type_string, .flags = TF_OPTIONAL},
    {.name = "mode",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL | TF_COMPUTED,
     .default_json = "\"auto\""},
    {.name = "writes",
     .type = &tf_type_number,
     .flags = TF_COMPUTED,
     .description = "counted in private state"},
    {.name = "fail",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "where and how it goes wrong"},
    {.name = "block_ms",
     .type = &tf_type_number,
     .flags = TF_OPTIONAL,
     .description = "how long create, update and delete take"},
    {.name = "deaf",
     .type = &tf_type_bool,
     .flags = TF_OPTIONAL,
     .description = "take that long even if cancelled"},
    TF_END,
};
static const struct tf_schema schema = {.block = {.attributes = attributes}};

static bool fails(const struct tf_value *object, const char *how)
{
    return !strcmp(tf_str(tf_get(object, "fail"), ""), how);
}

/* Uses up the stack, with an end that no stack reaches. */
static size_t recurse(size_t depth)
{
    volatile char frame[4096];

    frame[0] = (char)depth;
    return depth == SIZE_MAX ? 0 : recurse(depth + 1) + (size_t)frame[0];
}

/* Ends the process in one of the ways that code goes wrong. */
static void maybe_crash(const struct tf_value *object)
{
    if (fails(object, "segv"))
        raise(SIGSEGV);
    else if (fails(object, "overflow"))
        log_info("probe", "%zu", recurse(0));
    else if (fails(object, "bug"))
        bug("the invariant \"%s\" is broken", "one is one");
}

/* The time that the operation takes. False if it was cancelled meanwhile. */
static bool take_time(struct tf_context *ctx, const struct tf_value *object, const char *what)
{
    int64_t ms = tf_int_or(tf_get(object, "block_ms"), 0);

    if (!ms)
        return true;
    if (tf_bool_or(tf_get(object, "deaf"), false)) {
        (void)cancel_sleep(NULL, ms);
        return true;
    }
    if (!cancel_sleep(ctx->cancel, ms))
        return true;
    probe_note(ctx, "%s %s cancelled", what, tf_str(tf_get(object, "name"), "?"));
    tf_error(ctx->diags, NULL, "Interrupted", "The %s was interrupted.", what);
    return false;
}

static void write_object(struct tf_context *ctx, const struct tf_value *object)
{
    const char *path = probe_path(ctx, tf_str(tf_get(object, "name"), "?"));
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0) {
        tf_error(ctx->diags, NULL, "No object", "The file %s can't be written.", path);
        return;
    }
    dprintf(fd, "%s", tf_str(tf_get(object, "value"), ""));
    close(fd);
}

/* The object after one more write, and the count of them in private state. */
static const struct tf_value *written(struct tf_context *ctx, struct tf_apply *op)
{
    json_int_t writes = 1 + json_integer_value(json_object_get(op->planned_private, "writes"));
    const struct tf_value *object = op->planned;

    op->private_state = json_pack("{s:I}", "writes", writes);
    object = tf_with(ctx->arena, object, "writes", tf_int(ctx->arena, writes));
    return tf_with(ctx->arena, object, "id", tf_get(object, "name"));
}

static void plan(struct tf_context *ctx, struct tf_plan *plan)
{
    if (plan->action == TF_DELETE) { /* what a deletion's plan notes must be gone if it fails */
        json_decref(plan->private_state);
        plan->private_state = json_pack("{s:i}", "writes", 100);
    }
    if (fails(plan->config, "plan"))
        tf_error(ctx->diags, TF_ATTR("fail"), "Can't be planned",
                 "The configuration asked for it.");
    if (fails(plan->config, "utf8"))
        tf_error(ctx->diags, TF_ATTR("fail"), "Broken \xFF text", "A byte %c of no character.",
                 0xC3);
}

static void create(struct tf_context *ctx, struct tf_apply *op)
{
    const char *name = tf_str(tf_get(op->planned, "name"), "?");

    probe_note(ctx, "create %s", name);
    log_info("probe", "creating %s", name);
    maybe_crash(op->config);
    if (fails(op->config, "create")) {
        tf_error(ctx->diags, NULL, "Not created", "Nothing was made.");
        return;
    }
    op->state = written(ctx, op);
    write_object(ctx, op->state);
    if (fails(op->config, "create-partly"))
        tf_error(ctx->diags, NULL, "Partly created", "Something was made.");
    else if (fails(op->config, "create-unknown"))
        op->state = op->planned; /* id and writes stay unknown */
    else if (fails(op->config, "create-nothing"))
        op->state = NULL;
    else if (fails(op->config, "create-other"))
        op->state =
            tf_with(ctx->arena, op->state, "value", tf_string(ctx->arena, "something else"));
    take_time(ctx, op->config, "create");
}

static void read_object(struct tf_context *ctx, struct tf_read *op)
{
    const char *name = tf_str(tf_get(op->state, "name"), NULL);
    char value[256];
    ssize_t n;
    int fd;

    if (!name) /* imported: the id is all that there is */
        name = tf_str(tf_get(op->state, "id"), "?");
    if (fails(op->state, "read")) {
        tf_error(ctx->diags, NULL, "Can't be read", "The configuration asked for it.");
        return;
    }
    fd = open(probe_path(ctx, name), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        op->state = NULL;
        return;
    }
    n = pread(fd, value, sizeof(value), 0);
    close(fd);
    if (n <= 0)
        return;
    op->state = tf_with(ctx->arena, op->state, "name", tf_string(ctx->arena, name));
    op->state = tf_with(ctx->arena, op->state, "value", tf_stringn(ctx->arena, value, (size_t)n));
}

static void update(struct tf_context *ctx, struct tf_apply *op)
{
    probe_note(ctx, "update %s", tf_str(tf_get(op->planned, "name"), "?"));
    maybe_crash(op->config);
    if (fails(op->config, "update")) {
        tf_error(ctx->diags, NULL, "Not updated", "Nothing was changed.");
        return;
    }
    op->state = written(ctx, op);
    write_object(ctx, op->state);
    if (fails(op->config, "update-partly")) {
        op->state = tf_with(ctx->arena, op->state, "mode", tf_get(op->prior, "mode"));
        tf_error(ctx->diags, NULL, "Partly updated", "The mode is as before.");
    }
    take_time(ctx, op->config, "update");
}

static void remove_object(struct tf_context *ctx, struct tf_apply *op)
{
    const char *name = tf_str(tf_get(op->prior, "name"), "?");

    probe_note(ctx, "delete %s", name);
    if (fails(op->prior, "delete")) {
        tf_error(ctx->diags, NULL, "Not deleted", "The configuration asked for it.");
        return;
    }
    if (take_time(ctx, op->prior, "delete"))
        unlink(probe_path(ctx, name));
    else
        op->state = op->prior;
}

static void import(struct tf_context *ctx, struct tf_import *op)
{
    if (!strcmp(op->id, "refused")) {
        tf_error(ctx->diags, NULL, "Not imported", "The id \"%s\" is never there.", op->id);
        return;
    }
    op->state = tf_with(ctx->arena, op->state, "id", tf_string(ctx->arena, op->id));
    op->private_state = json_pack("{s:i}", "writes", 7);
}

const struct tf_resource probe_object = {
    .type_name = "probe_object",
    .schema = &schema,
    .plan = plan,
    .create = create,
    .read = read_object,
    .update = update,
    .remove = remove_object,
    .import = import,
};
