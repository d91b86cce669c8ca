/* Patches. What a patch is, is decided by its content: objects are strategic-merge patches, a list is
 * a JSON patch. Without a target, a strategic-merge patch names its own by kind and name, as it is or
 * as it ever was. */
#include "lib/krm/patch.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"
#include "lib/kustomize/alias.h"
#include "lib/kustomize/openapi.h"
#include "lib/kustomize/selector.h"
#include "lib/kustomize/shape.h"
#include "lib/kustomize/transform.h"

#include "lib/base/banned.h"

static json_t *ensure_metadata(json_t *object)
{
    json_t *meta = json_object_get(object, "metadata");

    if (!json_is_object(meta)) {
        meta = json_object();
        json_object_set_new(object, "metadata", meta);
    }
    return meta;
}

/* --- strategic merge ----------------------------------------------------------------------------- */

/* Merges and puts back what a patch may not change. */
static int merge(struct context *ctx, struct resource *r, const json_t *patch,
                 const struct resource *options, struct err *err)
{
    const struct merge_schema *schema = openapi_merge_schema(ctx);
    struct rid id = resource_id(ctx, r);
    json_auto_t *aliases = r->aliased ? alias_save(r->object) : NULL;
    bool deleted = false;
    json_t *meta;
    int rc;

    if (options->allow_name_change || options->allow_kind_change)
        resource_store_id(ctx, r);
    rc = schema ? krm_strategic_merge_with(r->object, patch, schema, &deleted, err)
                : krm_strategic_merge(r->object, patch, &deleted, err);
    if (rc)
        return err_wrap(err, "%s: patch from %s", rid_label(ctx, &id), options->source);
    if (deleted || resource_empty(r)) {
        json_decref(r->object);
        r->object = NULL;
        return 0;
    }
    alias_restore(r->object, aliases);
    meta = ensure_metadata(r->object);
    if (!options->allow_kind_change)
        json_object_set_new(r->object, "kind", json_string(id.kind));
    if (!options->allow_name_change)
        json_object_set_new(meta, "name", json_string(id.name));
    if (*id.namespace)
        json_object_set_new(meta, "namespace", json_string(id.namespace));
    else
        json_object_del(meta, "namespace");
    return 0;
}

/* Labels and annotations of a patch with a target are taken as texts, so a null doesn't remove one
 * but writes the word: the reference's way. */
static void stringify(json_t *meta, const char *key)
{
    const json_t *map = json_object_get(meta, key);
    json_t *out;
    const char *name;
    json_t *value;

    if (!map)
        return;
    if (!json_object_size(map)) {
        json_object_del(meta, key);
        return;
    }
    out = json_object();
    json_object_foreach ((json_t *)map, name, value) {
        char *text CLEANUP(mem_cleanup) = shape_scalar_text(value);

        json_object_set_new(out, name,
                            json_string(json_is_null(value) ? "null"
                                        : text              ? text
                                                            : ""));
    }
    json_object_set_new(meta, key, out);
}

/* The patch as it is applied to one of several targets: with that target's apiVersion. */
static json_t *patch_for(const struct resource *patch, const struct resource *target)
{
    json_t *copy = json_copy(patch->object);
    json_t *meta = json_copy(json_object_get(copy, "metadata"));

    stringify(meta, "labels");
    stringify(meta, "annotations");
    json_object_set_new(copy, "metadata", meta);
    json_object_set_new(copy, "apiVersion",
                        json_string(krm_str(target->object, "apiVersion", NULL)));
    return copy;
}

static int no_single_target(struct context *ctx, const struct resmap *m, const struct rid *id,
                            size_t found, const char *source, struct err *err)
{
    if (found)
        return err_set(err, ERR_INVALID, "patch from %s: more than one object is %s", source,
                       rid_label(ctx, id));
    for (size_t i = 0; i < m->len; i++) {
        struct rid other = resource_id(ctx, m->at[i]);

        if (resource_empty(m->at[i]) || other.name != id->name || other.kind != id->kind)
            continue;
        if (other.group != id->group || other.version != id->version)
            return err_set(err, ERR_INVALID,
                           "patch from %s: no object is %s of %s%s%s; there is one of %s%s%s",
                           source, rid_label(ctx, id), id->group, *id->group ? "/" : "",
                           id->version, other.group, *other.group ? "/" : "", other.version);
        return err_set(err, ERR_INVALID, "patch from %s: no object is %s; there is %s", source,
                       rid_label(ctx, id), rid_label(ctx, &other));
    }
    return err_set(err, ERR_INVALID, "patch from %s: no object is %s", source, rid_label(ctx, id));
}

static int own_target(struct context *ctx, const struct resmap *m, const struct resource *patch,
                      struct resource **ret_target, struct err *err)
{
    struct rid id = resource_original_id(ctx, patch);
    size_t found = resmap_find_any(ctx, m, &id, ret_target);

    return found == 1 ? 0 : no_single_target(ctx, m, &id, found, patch->source, err);
}

static int apply_to(const struct transform *x, struct resource *patch, struct resource *target,
                    struct err *err)
{
    json_auto_t *own = patch_for(patch, target);

    return merge(x->target->ctx, target, own, patch, err);
}

/* A target that selects nothing is no error to the reference; a caller may want to know. */
static int check_selected(const struct transform *x, bool any, struct err *err)
{
    char *text CLEANUP(mem_cleanup) = NULL;

    if (any || x->target->parent || !x->target->ctx->options->strict_patches)
        return 0;
    text = json_dumps(json_object_get(x->args, "target"), JSON_COMPACT);
    return err_set(err, ERR_INVALID, "the target %s of a patch selects no object", text);
}

static int merge_selected(const struct transform *x, struct resource *patch, struct err *err)
{
    struct context *ctx = x->target->ctx;
    struct selector s;
    bool any = false;
    int rc = selector_init(&s, json_object_get(x->args, "target"), err);

    if (rc)
        return rc;
    for (size_t i = 0; i < x->m->len && !rc; i++) {
        if (!selector_match(ctx, &s, x->m->at[i]))
            continue;
        any = true;
        rc = apply_to(x, patch, x->m->at[i], err);
    }
    selector_done(&s);
    if (rc || (rc = check_selected(x, any, err)))
        return rc;
    resmap_drop_empty(x->m);
    return resmap_check(ctx, x->m, err);
}

static int merge_own(const struct transform *x, const struct resmap *patches, struct err *err)
{
    struct resource *target;
    int rc;

    for (size_t i = 0; i < patches->len; i++) {
        struct resource *patch = patches->at[i];

        if ((rc = own_target(x->target->ctx, x->m, patch, &target, err)) ||
            (rc = merge(x->target->ctx, target, patch->object, patch, err)))
            return rc;
    }
    return 0;
}

/* --- JSON patches -------------------------------------------------------------------------------- */

/* The reference makes the object anew from JSON, which ends what its places share. */
static void unshare(struct resource *r)
{
    json_t *copy;

    if (!r->aliased)
        return;
    copy = json_deep_copy(r->object);
    json_decref(r->object);
    r->object = copy;
    r->aliased = false;
}

static int patch_selected(const struct transform *x, const json_t *operations, bool store,
                          const char *source, struct err *err)
{
    struct context *ctx = x->target->ctx;
    struct selector s;
    bool any = false;
    int rc = selector_init(&s, json_object_get(x->args, "target"), err);

    if (rc)
        return rc;
    for (size_t i = 0; i < x->m->len && !rc; i++) {
        struct resource *r = x->m->at[i];
        const char *label;

        if (!selector_match(ctx, &s, r))
            continue;
        any = true;
        label = resource_label(ctx, r);
        if (store)
            resource_store_id(ctx, r);
        rc = krm_json_patch(&r->object, operations, err);
        /* Anything else would be taken for an object that was deleted. */
        if (!rc && resource_empty(r))
            rc = err_set(err, ERR_INVALID, "leaves no object with members");
        unshare(r);
        if (rc)
            err_wrap(err, "%s: patch from %s", label, source);
    }
    selector_done(&s);
    return rc ? rc : check_selected(x, any, err);
}

/* A text that starts like JSON must be JSON; of YAML the first document counts. */
static int parse_operations(const char *text, size_t len, const char *source,
                            json_t **ret_operations, struct err *err)
{
    json_auto_t *documents = NULL;
    json_error_t json_err;
    int rc;

    if (len && *text == '[') {
        *ret_operations = json_loadb(text, len, 0, &json_err);
        return *ret_operations ? 0
                               : err_set(err, ERR_INVALID, "%s: line %d, column %d: %s", source,
                                         json_err.line, json_err.column, json_err.text);
    }
    if ((rc = yaml_parse_config(text, len, source, &documents, err)))
        return rc;
    if (!json_is_array(json_array_get(documents, 0)))
        return err_set(err, ERR_INVALID, "%s: not a list of JSON patch operations", source);
    *ret_operations = json_incref(json_array_get(documents, 0));
    return 0;
}

/* --- entries ------------------------------------------------------------------------------------ */

struct patch_text {
    const char *text;
    size_t len;
    const char *source;
};

static int patch_source(const struct transform *x, const char *inline_key, struct patch_text *out,
                        struct err *err)
{
    const char *text = krm_str(x->args, inline_key, NULL), *path = krm_str(x->args, "path", NULL);

    text += strspn(text, " \t\r\n");
    if (*text && *path)
        return err_set(err, ERR_INVALID, "path and %s exclude each other", inline_key);
    if (!*text && !*path)
        return err_set(err, ERR_INVALID, "needs path or %s", inline_key);
    if (*path)
        return target_read(x->target, path, &out->text, &out->len, &out->source, err);
    *out = (struct patch_text){.text = text, .len = strlen(text), .source = x->target->file};
    return 0;
}

static void set_options(const struct transform *x, struct resmap *patches)
{
    const json_t *options = json_object_get(x->args, "options");

    for (size_t i = 0; i < patches->len; i++) {
        patches->at[i]->allow_name_change =
            json_is_true(json_object_get(options, "allowNameChange"));
        patches->at[i]->allow_kind_change =
            json_is_true(json_object_get(options, "allowKindChange"));
    }
}

static int run_json(const struct transform *x, const struct patch_text *p, struct err *err)
{
    json_auto_t *operations = NULL;
    int rc = parse_operations(p->text, p->len, p->source, &operations, err);

    if (rc)
        return rc;
    if (!json_object_get(x->args, "target"))
        return err_set(err, ERR_INVALID, "%s: a JSON patch needs a target", p->source);
    return patch_selected(x, operations, true, p->source, err);
}

int transform_patch(const struct transform *x, struct err *err)
{
    struct resmap patches CLEANUP(resmap_done) = RESMAP_INIT;
    json_auto_t *documents = NULL;
    struct patch_text p;
    int rc = patch_source(x, "patch", &p, err);

    if (rc || (rc = yaml_parse_patch(p.text, p.len, p.source, &documents, err)))
        return rc;
    if (json_is_array(json_array_get(documents, 0)))
        return run_json(x, &p, err);
    rc = resmap_from_documents(x->target->ctx, documents, p.source, &patches, err);
    if (rc)
        return rc;
    if (!patches.len)
        return err_set(err, ERR_INVALID, "%s: the patch is empty", p.source);
    set_options(x, &patches);
    if (!json_object_get(x->args, "target"))
        return merge_own(x, &patches, err);
    if (patches.len > 1)
        return err_set(err, ERR_INVALID,
                       "%s: a target takes one strategic merge patch, and here are %zu", p.source,
                       patches.len);
    return merge_selected(x, patches.at[0], err);
}

int transform_patch_json(const struct transform *x, struct err *err)
{
    json_auto_t *operations = NULL;
    struct patch_text p;
    int rc;

    if (!*krm_str(x->args, "target", "name", NULL))
        return err_set(err, ERR_INVALID, "needs target.name");
    if ((rc = patch_source(x, "jsonOp", &p, err)) ||
        (rc = parse_operations(p.text, p.len, p.source, &operations, err)))
        return rc;
    if (!json_array_size(operations))
        return err_set(err, ERR_INVALID, "%s: the patch is empty", p.source);
    return patch_selected(x, operations, false, p.source, err);
}

/* An entry of patchesStrategicMerge: patches as text, or the path of a file with some. */
static int load_entry(const struct transform *x, const char *entry, struct resmap *patches,
                      struct err *err)
{
    struct context *ctx = x->target->ctx;
    struct resmap more CLEANUP(resmap_done) = RESMAP_INIT;
    json_auto_t *documents = NULL;
    const char *source = x->target->file, *text;
    size_t len;
    int rc;

    if (yaml_parse_patch(entry, strlen(entry), source, &documents, NULL) ||
        !json_is_object(json_array_get(documents, 0))) {
        json_decref(documents);
        documents = NULL;
        if ((rc = target_read(x->target, entry, &text, &len, &source, err)) ||
            (rc = yaml_parse_patch(text, len, source, &documents, err)))
            return rc;
    }
    if ((rc = resmap_from_documents(ctx, documents, source, &more, err)))
        return rc;
    for (size_t i = 0; i < more.len; i++)
        resmap_push(patches, more.at[i]);
    return 0;
}

static int load_entries(const struct transform *x, struct resmap *patches, struct err *err)
{
    const char *text = krm_str(x->args, "patches", NULL);
    json_t *entry;
    size_t i;
    int rc;

    json_array_foreach (json_object_get(x->args, "paths"), i, entry)
        if ((rc = load_entry(x, json_string_value(entry), patches, err)))
            return rc;
    return *text ? load_entry(x, text, patches, err) : 0;
}

int transform_patches_merge(const struct transform *x, struct err *err)
{
    struct context *ctx = x->target->ctx;
    struct resmap patches CLEANUP(resmap_done) = RESMAP_INIT;
    struct resource *target;
    int rc = load_entries(x, &patches, err);

    if (rc)
        return rc;
    if (!patches.len)
        return err_set(err, ERR_INVALID, "no patch in it");
    for (size_t i = 0; i < patches.len; i++) {
        if ((rc = own_target(ctx, x->m, patches.at[i], &target, err)) ||
            (rc = apply_to(x, patches.at[i], target, err)))
            return rc;
        resmap_drop_empty(x->m);
        if ((rc = resmap_check(ctx, x->m, err)))
            return rc;
    }
    return 0;
}
