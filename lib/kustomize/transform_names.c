/* Name prefixes and suffixes, and the content hash at the end of generated names. */
#include "lib/krm/path.h"
#include "lib/kustomize/namehash.h"
#include "lib/kustomize/transform.h"

#include "lib/base/banned.h"

struct affix {
    const char *prefix, *suffix;
};

static int set_affix(struct slot *slot, void *arg, struct err *err)
{
    const struct affix *affix = arg;
    char *old CLEANUP(mem_cleanup) = shape_scalar_text(slot->value);
    char *text CLEANUP(mem_cleanup) = NULL;

    if (!old)
        return err_set(err, ERR_INVALID, "a name must be a string");
    text = mem_printf("%s%s%s", affix->prefix, old, affix->suffix);
    slot_set(slot, json_string(text));
    return 0;
}

/* Kinds whose name is fixed by what they are. */
static bool keeps_name(const struct rid *id)
{
    return strcmp(id->kind, "CustomResourceDefinition") == 0 ||
           strcmp(id->kind, "Namespace") == 0 ||
           (strcmp(id->kind, "APIService") == 0 &&
            strcmp(id->group, "apiregistration.k8s.io") == 0);
}

static int affix_resource(const struct transform *x, struct resource *r, struct affix *affix,
                          struct err *err)
{
    struct context *ctx = x->target->ctx;
    struct rid first = resource_original_id(ctx, r);
    const char *text = *affix->prefix ? affix->prefix : affix->suffix;
    int rc;

    if (keeps_name(&first))
        return 0;
    for (size_t i = 0; i < x->specs.len; i++) {
        const struct fieldspec *spec = &x->specs.at[i];
        struct rid id = resource_id(ctx, r);

        if (!rid_matches(&first, &spec->match))
            continue;
        if (strcmp(spec->path->text, "metadata/name") == 0 && *text) {
            strings_add(*affix->prefix ? &r->prefixes : &r->suffixes, intern(ctx->strings, text));
            resource_store_id(ctx, r);
        }
        if (!rid_matches(&id, &spec->match))
            continue;
        rc = fieldspec_walk(r->object, spec, FIELDSPEC_CREATE_SCALAR, set_affix, affix, err);
        if (rc)
            return err_wrap(err, "%s", rid_label(ctx, &id));
    }
    return 0;
}

static int affix_all(const struct transform *x, const char *prefix, const char *suffix,
                     struct err *err)
{
    struct affix affix = {.prefix = prefix, .suffix = suffix};
    int rc;

    if (!*prefix && !*suffix)
        return 0;
    for (size_t i = 0; i < x->m->len; i++)
        if ((rc = affix_resource(x, x->m->at[i], &affix, err)))
            return rc;
    return 0;
}

int transform_prefix(const struct transform *x, struct err *err)
{
    return affix_all(x, krm_str(x->args, "prefix", NULL), "", err);
}

int transform_suffix(const struct transform *x, struct err *err)
{
    return affix_all(x, "", krm_str(x->args, "suffix", NULL), err);
}

int transform_prefix_suffix(const struct transform *x, struct err *err)
{
    int rc = transform_prefix(x, err);

    return rc ? rc : transform_suffix(x, err);
}

int transform_hash(const struct transform *x, struct err *err)
{
    struct context *ctx = x->target->ctx;
    char hash[NAMEHASH_SIZE];
    int rc;

    for (size_t i = 0; i < x->m->len; i++) {
        struct resource *r = x->m->at[i];
        struct rid id = resource_id(ctx, r);
        char *name CLEANUP(mem_cleanup) = NULL;

        if (!r->needs_hash)
            continue;
        if ((rc = namehash(r->object, hash, err)))
            return err_wrap(err, "%s", rid_label(ctx, &id));
        resource_store_id(ctx, r);
        name = mem_printf("%s-%s", id.name, hash);
        json_object_set_new(json_object_get(r->object, "metadata"), "name", json_string(name));
    }
    return 0;
}
