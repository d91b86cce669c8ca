/* Replacements: a field of one object, copied to fields of others.
 *
 * Identities are compared exactly, and any that an object ever had counts. A scalar is written as
 * text into a scalar, which keeps its type: "8080" becomes a number where a number was, and it is an
 * error where that can't be. */
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"
#include "lib/kustomize/fieldref.h"
#include "lib/kustomize/kustomization.h"
#include "lib/kustomize/selector.h"
#include "lib/kustomize/transform.h"

#include "lib/base/banned.h"

#define DEFAULT_FIELD "metadata.name"

/* --- which objects ------------------------------------------------------------------------------- */

struct exact {
    struct gvk_match gvk;
    const char *name, *namespace, *space;
};

static struct exact exact_make(struct context *ctx, const json_t *spec)
{
    struct exact e;
    const char *namespace = krm_str(spec, "namespace", NULL);

    e.gvk.group = intern(ctx->strings, krm_str(spec, "group", NULL));
    e.gvk.version = intern(ctx->strings, krm_str(spec, "version", NULL));
    e.gvk.kind = intern(ctx->strings, krm_str(spec, "kind", NULL));
    e.name = intern(ctx->strings, krm_str(spec, "name", NULL));
    e.namespace = intern(ctx->strings, namespace);
    e.space = intern(ctx->strings, *namespace ? namespace : "default");
    return e;
}

static bool exact_empty(const struct exact *e)
{
    return !*e->gvk.group && !*e->gvk.version && !*e->gvk.kind && !*e->name && !*e->namespace;
}

static bool exact_id(const struct exact *e, const struct rid *id)
{
    return (!*e->name || e->name == id->name) && (!*e->namespace || e->space == id->space) &&
           rid_matches(id, &e->gvk);
}

static bool exact_match(struct context *ctx, const struct exact *e, const struct resource *r)
{
    struct rid id = resource_id(ctx, r);

    if (exact_id(e, &id))
        return true;
    for (size_t i = 0; i < r->previous.len; i++) {
        struct rid previous = r->previous.at[i];

        previous.group = id.group;
        previous.version = id.version;
        if (exact_id(e, &previous))
            return true;
    }
    return false;
}

static int rules_match(const json_t *spec, const struct resource *r, bool *ret_match,
                       struct err *err)
{
    static const char *const parts[][2] = {{"labelSelector", "labels"},
                                           {"annotationSelector", "annotations"}};

    *ret_match = true;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        struct label_rules rules;
        int rc = label_rules_parse(krm_str(spec, parts[i][0], NULL), &rules, err);

        if (rc)
            return rc;
        if (!label_rules_match(&rules, krm_get(r->object, "metadata", parts[i][1], NULL)))
            *ret_match = false;
        label_rules_done(&rules);
    }
    return 0;
}

/* A reject with label rules rejects by them alone, one with an identity by that alone. */
static int rejected(struct context *ctx, const json_t *rejects, const struct resource *r,
                    bool *ret_rejected, struct err *err)
{
    json_t *reject;
    size_t i;
    int rc;

    *ret_rejected = false;
    json_array_foreach (rejects, i, reject) {
        struct exact e = exact_make(ctx, reject);
        bool match = false;

        if (*krm_str(reject, "labelSelector", NULL) || *krm_str(reject, "annotationSelector", NULL))
            if ((rc = rules_match(reject, r, &match, err)))
                return rc;
        if (match || (!exact_empty(&e) && exact_match(ctx, &e, r)))
            *ret_rejected = true;
    }
    return 0;
}

/* --- the value ----------------------------------------------------------------------------------- */

static const char *exact_label(struct context *ctx, const struct exact *e)
{
    return arena_printf(ctx->arena, "%s %s%s%s", *e->gvk.kind ? e->gvk.kind : "any kind",
                        e->namespace, *e->namespace ? "/" : "", *e->name ? e->name : "of any name");
}

static int find_source(const struct transform *x, const json_t *source,
                       struct resource **ret_resource, struct err *err)
{
    struct context *ctx = x->target->ctx;
    struct exact e = exact_make(ctx, source);
    struct resource *found = NULL;

    for (size_t i = 0; i < x->m->len; i++) {
        struct resource *r = x->m->at[i];

        if (!exact_match(ctx, &e, r))
            continue;
        if (found)
            return err_set(err, ERR_INVALID, "source: %s is both %s and %s", exact_label(ctx, &e),
                           resource_label(ctx, found), resource_label(ctx, r));
        found = r;
    }
    if (!found)
        return err_set(err, ERR_INVALID, "source: no object is %s", exact_label(ctx, &e));
    *ret_resource = found;
    return 0;
}

static bool nothing(const json_t *value)
{
    return !value || json_is_null(value) || (json_is_object(value) && !json_object_size(value)) ||
           (json_is_array(value) && !json_array_size(value));
}

/* The part of text between the index-th and the next delimiter; NULL when there is none. */
static char *split_part(const char *text, const char *delimiter, json_int_t index)
{
    const char *end;

    if (index < 0)
        return NULL;
    for (; index; index--) {
        text = strstr(text, delimiter);
        if (!text)
            return NULL;
        text += strlen(delimiter);
    }
    end = strstr(text, delimiter);
    return mem_strndup(text, end ? (size_t)(end - text) : strlen(text));
}

/* A text in place of a scalar of some type. Messages don't repeat it: it may be a secret. */
static int retype(const json_t *was, const char *text, json_t **ret_value, struct err *err)
{
    json_auto_t *plain = NULL;

    if (json_is_string(was)) {
        *ret_value = json_string(text);
        return 0;
    }
    plain = fieldref_plain_value(text);
    if (json_typeof(plain) != json_typeof(was) &&
        !(json_is_boolean(was) && json_is_boolean(plain)) &&
        !(json_is_real(was) && json_is_integer(plain)))
        return err_set(err, ERR_INVALID, "the text to write can't stand where %s stands",
                       json_is_null(was)      ? "null"
                       : json_is_boolean(was) ? "true or false"
                                              : "a number");
    *ret_value = json_incref(plain);
    return 0;
}

static int source_value(const struct transform *x, const json_t *source, json_t **ret_value,
                        struct err *err)
{
    const char *path = krm_str(source, "fieldPath", NULL);
    const char *delimiter = krm_str(source, "options", "delimiter", NULL);
    json_int_t index = json_integer_value(krm_get(source, "options", "index", NULL));
    struct fieldref ref CLEANUP(fieldref_done) = {0};
    char *text CLEANUP(mem_cleanup) = NULL, *part CLEANUP(mem_cleanup) = NULL;
    struct resource *r = NULL;
    json_t *value;
    int rc = find_source(x, source, &r, err);

    if (rc || (rc = fieldref_parse(*path ? path : DEFAULT_FIELD, false, &ref, err)) ||
        (rc = fieldref_lookup(&ref, r->object, &value, err)))
        return rc;
    if (nothing(value))
        return err_set(err, ERR_INVALID, "source: %s has no field %s",
                       resource_label(x->target->ctx, r), ref.text);
    if (!*delimiter) {
        if ((rc = context_copies(x->target->ctx, value, 0, err)))
            return err_wrap(err, "source: field %s", ref.text);
        *ret_value = json_deep_copy(value);
        return 0;
    }
    text = shape_scalar_text(value);
    if (!text)
        return err_set(err, ERR_INVALID, "source: a delimiter needs a scalar, which %s isn't",
                       ref.text);
    part = split_part(text, delimiter, index);
    if (!part)
        return err_set(err, ERR_INVALID,
                       "source: field %s has no part %" JSON_INTEGER_FORMAT " between \"%s\"",
                       ref.text, index, delimiter);
    rc = retype(value, part, ret_value, err);
    return rc ? err_wrap(err, "source: field %s", ref.text) : 0;
}

/* --- writing ------------------------------------------------------------------------------------ */

/* text with its index-th part replaced; in front for a negative index, behind for one too large. */
static char *join_part(const char *text, const char *delimiter, json_int_t index, const char *part)
{
    const char *at = text, *end;

    if (index < 0)
        return mem_printf("%s%s%s", part, delimiter, text);
    for (; index; index--) {
        at = strstr(at, delimiter);
        if (!at)
            return mem_printf("%s%s%s", text, delimiter, part);
        at += strlen(delimiter);
    }
    end = strstr(at, delimiter);
    return mem_printf("%.*s%s%s", (int)(at - text), text, part, end ? end : "");
}

/* depth is that of the slot. */
static int write_slot(struct context *ctx, struct slot *slot, size_t depth, const json_t *value,
                      const json_t *options, struct err *err)
{
    const char *delimiter = krm_str(options, "delimiter", NULL);
    char *text CLEANUP(mem_cleanup) = shape_scalar_text(value);
    json_auto_t *out = NULL;
    bool scalar;
    int rc = 0;

    if (!slot->parent)
        return 0;
    scalar = !json_is_object(slot->value) && !json_is_array(slot->value);
    if (*delimiter) {
        char *old CLEANUP(mem_cleanup) = shape_scalar_text(slot->value);
        char *joined;

        if (!old)
            return err_set(err, ERR_INVALID, "a delimiter needs a scalar");
        joined = join_part(old, delimiter, json_integer_value(json_object_get(options, "index")),
                           text ? text : "");
        free(text);
        text = joined;
    }
    if (slot->made && scalar)
        out = fieldref_plain_value(text ? text : "");
    else if (scalar)
        rc = retype(slot->value, text ? text : "", &out, err);
    if (!rc)
        rc = context_copies(ctx, scalar ? out : value, depth, err);
    if (!rc)
        slot_set(slot, scalar ? json_incref(out) : json_deep_copy(value));
    return rc;
}

static int write_field(struct context *ctx, struct resource *r, const char *path,
                       const json_t *value, const json_t *options, struct err *err)
{
    bool create = json_is_true(json_object_get(options, "create"));
    struct fieldref ref CLEANUP(fieldref_done) = {0};
    struct slots slots = {0};
    int rc = fieldref_parse(path, false, &ref, err);

    if (!rc)
        rc = fieldref_match(&ref, r->object, create ? value : NULL, &slots, err);
    if (!rc && !slots.len)
        rc = err_set(err, ERR_INVALID, create ? "can't make field %s" : "no field %s", path);
    for (size_t i = 0; i < slots.len && !rc; i++)
        if ((rc = write_slot(ctx, &slots.at[i], ref.nsteps, value, options, err)))
            err_wrap(err, "field %s", path);
    vec_done(&slots);
    return rc;
}

static int write_target(const struct transform *x, const json_t *target, const json_t *value,
                        struct err *err)
{
    struct context *ctx = x->target->ctx;
    const json_t *select = json_object_get(target, "select");
    const json_t *paths = json_object_get(target, "fieldPaths");
    const json_t *options = json_object_get(target, "options");
    struct exact e = exact_make(ctx, select);
    int rc;

    if (!select)
        return err_set(err, ERR_INVALID, "needs select");
    for (size_t i = 0; i < x->m->len; i++) {
        struct resource *r = x->m->at[i];
        const char *label = resource_label(ctx, r);
        bool match, reject;
        size_t j;
        json_t *path;

        if ((rc = rules_match(select, r, &match, err)) ||
            (rc = rejected(ctx, json_object_get(target, "reject"), r, &reject, err)))
            return rc;
        if (!match || reject || !exact_match(ctx, &e, r))
            continue;
        if (!json_array_size(paths) &&
            (rc = write_field(ctx, r, DEFAULT_FIELD, value, options, err)))
            return err_wrap(err, "%s", label);
        json_array_foreach (paths, j, path)
            if ((rc = write_field(ctx, r, json_string_value(path), value, options, err)))
                return err_wrap(err, "%s", label);
    }
    return 0;
}

static int replace_one(const struct transform *x, const json_t *replacement, struct err *err)
{
    const json_t *source = json_object_get(replacement, "source");
    const json_t *targets = json_object_get(replacement, "targets");
    json_auto_t *value = NULL;
    json_t *target;
    size_t i;
    int rc;

    if (!source || !targets)
        return err_set(err, ERR_INVALID, "needs source and targets");
    if ((rc = source_value(x, source, &value, err)))
        return rc;
    json_array_foreach (targets, i, target)
        if ((rc = write_target(x, target, value, err)))
            return err_wrap(err, "targets[%zu]", i);
    return 0;
}

/* --- lists -------------------------------------------------------------------------------------- */

/* A file holds one replacement or a list of them. Unknown members are passed over. */
static int load_file(const struct transform *x, const char *path, json_t *list, struct err *err)
{
    json_auto_t *documents = NULL, *normal = NULL;
    const char *name;
    json_t *doc;
    int rc = target_read_config(x->target, path, &documents, &name, err);

    if (rc)
        return rc;
    doc = json_array_get(documents, 0);
    if (!json_is_object(doc) && !json_is_array(doc))
        return err_set(err, ERR_INVALID, "%s: neither a replacement nor a list of them", name);
    rc = shape_read(json_is_array(doc) ? &shape_replacements : &shape_replacement, doc,
                    SHAPE_COERCE, &normal, err);
    if (rc)
        return err_wrap(err, "%s", name);
    if (json_is_array(normal))
        json_array_extend(list, normal);
    else
        json_array_append(list, normal);
    return 0;
}

int transform_replacements(const struct transform *x, struct err *err)
{
    json_auto_t *list = json_array();
    json_t *entry;
    size_t i;
    int rc;

    json_array_foreach (json_object_get(x->args, "replacements"), i, entry) {
        const char *path = krm_str(entry, "path", NULL);

        if (!*path) {
            json_array_append(list, entry);
            continue;
        }
        if (json_object_get(entry, "source") || json_array_size(json_object_get(entry, "targets")))
            return err_set(err, ERR_INVALID, "[%zu]: path excludes source and targets", i);
        if ((rc = load_file(x, path, list, err)))
            return err_wrap(err, "[%zu]", i);
    }
    json_array_foreach (list, i, entry)
        if ((rc = replace_one(x, entry, err)))
            return err_wrap(err, "replacement %zu", i + 1);
    return 0;
}
