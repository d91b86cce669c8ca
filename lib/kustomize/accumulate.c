#include "lib/kustomize/accumulate.h"

#include "lib/krm/path.h"
#include "lib/kustomize/openapi.h"
#include "lib/kustomize/origin.h"
#include "lib/kustomize/plugins.h"
#include "lib/kustomize/vars.h"

#include "lib/base/banned.h"

void accumulator_init(struct accumulator *acc)
{
    *acc = (struct accumulator){.m = RESMAP_INIT, .config = &config_empty, .vars = json_object()};
}

void accumulator_done(struct accumulator *acc)
{
    resmap_done(&acc->m);
    json_decref(acc->vars);
}

static int merge(struct context *ctx, struct accumulator *acc, const struct accumulator *other,
                 struct err *err)
{
    const char *name;
    json_t *var;
    int rc;

    if ((rc = resmap_append_all(ctx, &acc->m, &other->m, err)) ||
        (rc = config_merge(ctx, acc->config, other->config, &acc->config, err)))
        return rc;
    json_object_foreach (other->vars, name, var)
        if ((rc = vars_add(acc->vars, name, var, err)))
            return rc;
    return 0;
}

static int add_file(struct target *t, struct accumulator *acc, const char *path, struct err *err)
{
    struct resmap m CLEANUP(resmap_done) = RESMAP_INIT;
    json_auto_t *documents = NULL;
    const char *name;
    int rc;

    if ((rc = target_read_yaml(t, path, &documents, &name, err)) ||
        (rc = resmap_from_documents(t->ctx, documents, name, &m, err)))
        return rc;
    for (size_t i = 0; i < m.len; i++)
        m.at[i]->origin = origin_append(t->origin, path);
    return resmap_append_all(t->ctx, &acc->m, &m, err);
}

static int check_kind(const struct target *sub, bool component, struct err *err)
{
    bool is_component = strcmp(krm_str(sub->spec, "kind", NULL), "Component") == 0;

    if (component && !is_component)
        return err_set(err, ERR_INVALID,
                       "%s: components must be of kind Component; list it under resources",
                       sub->file);
    if (!component && is_component)
        return err_set(err, ERR_INVALID, "%s: is of kind Component; list it under components",
                       sub->file);
    return 0;
}

/* A component works on the accumulator itself, which is then merged into an empty one: the
 * reference does so, and what merging drops depends on it. */
static int accumulate_component(struct target *sub, struct accumulator *acc, struct err *err)
{
    struct accumulator fresh CLEANUP(accumulator_done);
    struct accumulator old;
    int rc;

    accumulator_init(&fresh);
    if ((rc = accumulate_target(sub, acc, err)) || (rc = merge(sub->ctx, &fresh, acc, err)))
        return rc;
    old = *acc;
    *acc = fresh;
    fresh = old;
    return 0;
}

static int accumulate_child(struct target *sub, struct accumulator *acc, struct err *err)
{
    struct accumulator own CLEANUP(accumulator_done);
    int rc;

    accumulator_init(&own);
    if ((rc = accumulate_target(sub, &own, err)))
        return rc;
    rc = merge(sub->ctx, acc, &own, err);
    return rc ? err_wrap(err, "%s", sub->file) : 0;
}

static int add_directory(struct target *t, struct accumulator *acc, const char *reference,
                         const struct place *place, bool component, struct err *err)
{
    struct target sub;
    int rc = target_open(t->ctx, t, place->loader, place->path, &sub, err);

    if (rc)
        return rc;
    sub.origin = origin_append(t->origin, reference);
    rc = openapi_use(&sub, err);
    if (!rc)
        rc = check_kind(&sub, component, err);
    if (!rc)
        rc = component ? accumulate_component(&sub, acc, err) : accumulate_child(&sub, acc, err);
    target_done(&sub);
    return rc;
}

int accumulate_resources(struct target *t, struct accumulator *acc, const json_t *paths,
                         const char *field, struct err *err)
{
    json_t *entry;
    size_t i;
    int rc;

    json_array_foreach (paths, i, entry) {
        const char *path = json_string_value(entry);
        struct place place;

        rc = target_locate(t, path, &place, err);
        if (!rc && place.kind == LOADER_NONE)
            rc = err_set(err, ERR_NOT_FOUND, "%s: no such file or directory", path);
        if (rc)
            return err_wrap(err, "%s: %s[%zu]", t->file, field, i);
        rc = place.kind == LOADER_FILE ? add_file(t, acc, path, err)
                                       : add_directory(t, acc, path, &place, false, err);
        if (rc && place.kind == LOADER_FILE)
            err_wrap(err, "%s: %s[%zu]", t->file, field, i);
        if (rc)
            return rc;
    }
    return 0;
}

static int accumulate_components(struct target *t, struct accumulator *acc, struct err *err)
{
    json_t *entry;
    size_t i;
    int rc;

    json_array_foreach (target_get(t, "components"), i, entry) {
        const char *path = json_string_value(entry);
        struct place place;

        rc = target_locate(t, path, &place, err);
        if (!rc && place.kind != LOADER_DIR)
            rc = err_set(err, ERR_NOT_FOUND, "%s: no such directory", path);
        if (rc)
            return err_wrap(err, "%s: components[%zu]", t->file, i);
        if ((rc = add_directory(t, acc, path, &place, true, err)))
            return rc;
    }
    return 0;
}

/* --- configuration -------------------------------------------------------------------------------- */

typedef int read_config_fn(struct context *ctx, const json_t *doc, const struct config **ret,
                           struct err *err);

/* Merges the configurations of the files in a field into *config. */
static int read_configs(struct target *t, const char *field, read_config_fn *read,
                        const struct config **config, struct err *err)
{
    const struct config *all = &config_empty, *one = NULL;
    json_t *entry;
    size_t i;
    int rc;

    json_array_foreach (target_get(t, field), i, entry) {
        json_auto_t *documents = NULL;
        const char *name = "";

        rc = target_read_config(t, json_string_value(entry), &documents, &name, err);
        if (rc)
            return err_wrap(err, "%s: %s[%zu]", t->file, field, i);
        rc = json_array_size(documents) ? read(t->ctx, json_array_get(documents, 0), &one, err) : 0;
        if (!rc && json_array_size(documents))
            rc = config_merge(t->ctx, all, one, &all, err);
        if (rc)
            return err_wrap(err, "%s", name);
    }
    if (all == &config_empty)
        return 0;
    rc = config_merge(t->ctx, *config, all, config, err);
    return rc ? err_wrap(err, "%s: %s", t->file, field) : 0;
}

static int accumulate_config(struct target *t, struct accumulator *acc, struct err *err)
{
    const struct config *own = t->ctx->defaults;
    int rc;

    if ((rc = read_configs(t, "configurations", config_from_json, &own, err)))
        return rc;
    if ((rc = config_merge(t->ctx, acc->config, own, &acc->config, err)))
        return err_wrap(err, "%s", t->file);
    return read_configs(t, "crds", config_from_crds, &acc->config, err);
}

/* --- the caller's changes ------------------------------------------------------------------------ */

static bool holds(const json_t *objects, const json_t *object)
{
    const json_t *o;
    size_t i;

    json_array_foreach (objects, i, o) {
        if (o == object)
            return true;
    }
    return false;
}

/* Resources whose objects are still there stay what they are; other objects become new ones. */
static int take_adjusted(struct target *t, struct accumulator *acc, const json_t *before,
                         json_t *after, struct err *err)
{
    size_t kept = 0, i;
    json_t *object;

    for (i = 0; i < acc->m.len; i++) {
        if (holds(after, acc->m.at[i]->object))
            acc->m.at[kept++] = acc->m.at[i];
    }
    acc->m.len = kept;
    json_array_foreach (after, i, object) {
        int rc;

        if (holds(before, object))
            continue;
        rc = resmap_append(t->ctx, &acc->m,
                           resource_new(t->ctx, json_incref(object), "the caller's changes"), err);
        if (rc)
            return rc;
    }
    return 0;
}

/* The name of the target's directory when it is right below the one in the options, else NULL. */
static const char *adjustable(const struct target *t)
{
    const struct kustomize_options *o = t->ctx->options;
    size_t len;

    if (!o->adjust || t->loader != o->loader)
        return NULL;
    len = strlen(o->adjust_below);
    if (strncmp(t->dir, o->adjust_below, len) != 0 || t->dir[len] != '/' ||
        strchr(t->dir + len + 1, '/'))
        return NULL;
    return t->dir + len + 1;
}

static int adjust(struct target *t, struct accumulator *acc, struct err *err)
{
    const struct kustomize_options *o = t->ctx->options;
    const char *name = adjustable(t);
    json_auto_t *before = NULL, *after = NULL;
    int rc;

    if (!name)
        return 0;
    before = json_array();
    for (size_t i = 0; i < acc->m.len; i++)
        json_array_append(before, acc->m.at[i]->object);
    after = json_copy(before);
    rc = o->adjust(o->adjust_arg, name, after, err);
    return rc ? rc : take_adjusted(t, acc, before, after, err);
}

int accumulate_target(struct target *t, struct accumulator *acc, struct err *err)
{
    int rc;

    if ((rc = accumulate_resources(t, acc, target_get(t, "resources"), "resources", err)) ||
        (rc = accumulate_config(t, acc, err)) || (rc = plugins_generate(t, acc, err)) ||
        (rc = accumulate_components(t, acc, err)) || (rc = adjust(t, acc, err)) ||
        (rc = plugins_transform(t, acc, err)) || (rc = plugins_validate(t, acc, err)))
        return rc;
    rc = vars_declare(t->ctx, &acc->m, acc->vars, target_get(t, "vars"), err);
    return rc ? err_wrap(err, "%s: vars", t->file) : 0;
}
