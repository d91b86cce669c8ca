/* The value-add transformer: one value written into fields, or into a place of a path that a field
 * holds. */
#include "lib/krm/path.h"
#include "lib/kustomize/kustomization.h"
#include "lib/kustomize/selector.h"
#include "lib/kustomize/transform.h"

#include "lib/base/banned.h"

#define VALUE_ADD_MAX_TEXT ((size_t)4 << 20) /* an API server takes no object of 4 MB */

struct addition {
    const char *value;
    json_int_t position; /* in a path, from 1; 0 replaces the whole */
};

/* A path with value put in at the position; behind when the position is past its end. */
static char *insert_part(const char *path, json_int_t position, const char *value)
{
    struct buf out = BUF_INIT;
    const char *s = path;
    json_int_t at = 1;
    bool done = false;

    if (*s == '/')
        buf_putc(&out, *s++);
    while (*s) {
        size_t n = strcspn(s, "/");

        if (n && at++ == position) {
            buf_printf(&out, "%s/", value);
            done = true;
        }
        buf_putn(&out, s, n);
        s += n;
        if (*s == '/' && s[1])
            buf_putc(&out, '/');
        s += *s == '/';
    }
    if (!done)
        buf_printf(&out, "%s%s", out.len && out.data[out.len - 1] != '/' ? "/" : "", value);
    return buf_take(&out);
}

static int add_value(struct slot *slot, void *arg, struct err *err)
{
    const struct addition *add = arg;
    char *old CLEANUP(mem_cleanup) = shape_scalar_text(slot->value);
    char *text CLEANUP(mem_cleanup) = NULL;

    if (!old)
        return err_set(err, ERR_INVALID, "a value can only be added to a scalar");
    if (strlen(old) + strlen(add->value) > VALUE_ADD_MAX_TEXT)
        return err_set(err, ERR_LIMIT, "would be a text of more than %zu bytes",
                       VALUE_ADD_MAX_TEXT);
    text = add->position > 0 ? insert_part(old, add->position, add->value) : mem_strdup(add->value);
    slot_set(slot, json_string(text));
    return 0;
}

static int add_to_resource(const struct transform *x, struct resource *r, const json_t *target,
                           const struct addition *add, struct err *err)
{
    struct context *ctx = x->target->ctx;
    const char *path = krm_str(target, "fieldPath", NULL);
    struct fieldspec spec;
    int rc;

    if (strcmp(path, "metadata/namespace") == 0)
        return namespace_set(ctx, r, add->value, err);
    fieldspec_make(ctx, "", "", "", path, true, &spec);
    rc = fieldspec_walk(r->object, &spec, FIELDSPEC_CREATE_SCALAR, add_value, (void *)add, err);
    return rc ? err_wrap(err, "%s", resource_label(ctx, r)) : 0;
}

static int add_to_target(const struct transform *x, const json_t *target, const char *value,
                         struct err *err)
{
    struct addition add = {.value = value};
    const json_t *spec = json_object_get(target, "selector");
    struct selector s;
    int rc;

    add.position = json_integer_value(json_object_get(target, "filePathPosition"));
    if (!*krm_str(target, "fieldPath", NULL))
        return err_set(err, ERR_INVALID, "needs fieldPath");
    if (add.position < 0)
        return err_set(err, ERR_INVALID, "filePathPosition can't be negative");
    if ((rc = selector_init(&s, spec, err)))
        return rc;
    for (size_t i = 0; i < x->m->len && !rc; i++)
        if (selector_match(x->target->ctx, &s, x->m->at[i]))
            rc = add_to_resource(x, x->m->at[i], target, &add, err);
    selector_done(&s);
    return rc;
}

static int load_targets(const struct transform *x, json_t *targets, struct err *err)
{
    const char *path = krm_str(x->args, "targetFilePath", NULL), *name;
    const struct transformer *self = transformer_find("ValueAddTransformer");
    json_auto_t *documents = NULL, *normal = NULL;
    int rc;

    json_array_extend(targets, json_object_get(x->args, "targets"));
    if (!*path)
        return 0;
    if ((rc = target_read_config(x->target, path, &documents, &name, err)) ||
        (rc = shape_read(self->shape, json_array_get(documents, 0), SHAPE_COERCE, &normal, err)))
        return rc;
    json_array_extend(targets, json_object_get(normal, "targets"));
    return 0;
}

/* Without a value, the name of the kustomization's directory is meant. */
static char *trimmed_value(const struct transform *x)
{
    const char *value = krm_str(x->args, "value", NULL), *slash;
    size_t n;

    value += strspn(value, " \t\r\n");
    n = strlen(value);
    while (n && strchr(" \t\r\n", value[n - 1]))
        n--;
    if (n)
        return mem_strndup(value, n);
    slash = strrchr(x->target->dir, '/');
    return mem_strdup(slash ? slash + 1 : x->target->dir);
}

int transform_value_add(const struct transform *x, struct err *err)
{
    char *value CLEANUP(mem_cleanup) = trimmed_value(x);
    json_auto_t *targets = json_array();
    json_t *target;
    size_t i;
    int rc = load_targets(x, targets, err);

    if (rc)
        return rc;
    if (!json_array_size(targets))
        return err_set(err, ERR_INVALID, "needs at least one target");
    json_array_foreach (targets, i, target)
        if ((rc = add_to_target(x, target, value, err)))
            return err_wrap(err, "targets[%zu]", i);
    return 0;
}
