#include "lib/kustomize/vars.h"

#include "lib/krm/path.h"
#include "lib/kustomize/alias.h"
#include "lib/kustomize/fieldref.h"
#include "lib/kustomize/shape.h"

#include "lib/base/banned.h"

#define DEFAULT_FIELD "metadata.name"

int vars_add(json_t *vars, const char *name, json_t *var, struct err *err)
{
    if (json_object_get(vars, name))
        return err_set(err, ERR_INVALID, "var %s is defined twice", name);
    json_object_set(vars, name, var);
    return 0;
}

/* --- binding ------------------------------------------------------------------------------------ */

static struct rid wanted_id(struct context *ctx, const json_t *object)
{
    const char *api_version = krm_str(object, "apiVersion", NULL);
    const char *slash = strchr(api_version, '/');
    struct rid id = rid_make(ctx, krm_str(object, "group", NULL), krm_str(object, "version", NULL),
                             krm_str(object, "kind", NULL), krm_str(object, "name", NULL),
                             krm_str(object, "namespace", NULL));

    if (*api_version)
        id.version = intern(ctx->strings, slash ? slash + 1 : api_version);
    if (slash)
        id.group = intern_n(ctx->strings, api_version, (size_t)(slash - api_version));
    id.space = *id.namespace ? id.namespace : intern(ctx->strings, "default");
    id.cluster = false;
    return id;
}

/* Without a namespace the var takes the object from whichever it is in. */
static bool is_wanted(const struct rid *id, const struct rid *wanted)
{
    if (*wanted->namespace)
        return rid_equal(id, wanted);
    return id->name == wanted->name && id->kind == wanted->kind && id->group == wanted->group &&
           id->version == wanted->version;
}

static bool was_wanted(struct context *ctx, const struct resource *r, const struct rid *wanted)
{
    struct rid id = resource_id(ctx, r);

    if (is_wanted(&id, wanted))
        return true;
    for (size_t i = 0; i < r->previous.len; i++) {
        struct rid previous = r->previous.at[i];

        previous.group = id.group;
        previous.version = id.version;
        if (is_wanted(&previous, wanted))
            return true;
    }
    return false;
}

static int bind(struct context *ctx, struct resmap *m, const char *name, const json_t *var,
                struct err *err)
{
    struct rid wanted = wanted_id(ctx, json_object_get(var, "objref"));
    struct resource *found = NULL;

    for (size_t i = 0; i < m->len; i++) {
        struct resource *r = m->at[i];

        if (!was_wanted(ctx, r, &wanted))
            continue;
        if (found)
            return err_set(err, ERR_INVALID, "%s could mean %s or %s", name,
                           resource_label(ctx, found), resource_label(ctx, r));
        found = r;
    }
    if (found)
        strings_add(&found->vars, intern(ctx->strings, name));
    return 0;
}

int vars_declare(struct context *ctx, struct resmap *m, json_t *vars, const json_t *list,
                 struct err *err)
{
    json_t *var;
    size_t i;
    int rc;

    json_array_foreach (list, i, var)
        if ((rc = bind(ctx, m, krm_str(var, "name", NULL), var, err)))
            return rc;
    json_array_foreach (list, i, var)
        if ((rc = vars_add(vars, krm_str(var, "name", NULL), var, err)))
            return rc;
    return 0;
}

/* --- values ------------------------------------------------------------------------------------- */

static const struct resource *bound_to(struct context *ctx, const struct resmap *m,
                                       const char *name)
{
    name = intern(ctx->strings, name);
    for (size_t i = 0; i < m->len; i++)
        for (size_t j = 0; j < m->at[i]->vars.len; j++)
            if (m->at[i]->vars.at[j] == name)
                return m->at[i];
    return NULL;
}

static int var_value(struct context *ctx, const struct resmap *m, const char *name,
                     const json_t *var, json_t **ret_value, struct err *err)
{
    const char *path = krm_str(var, "fieldref", "fieldPath", NULL);
    const struct resource *r = bound_to(ctx, m, name);
    struct fieldref ref CLEANUP(fieldref_done) = {0};
    json_t *value = NULL;
    int rc;

    if (!r)
        return err_set(err, ERR_INVALID, "var %s: no object is %s %s", name,
                       krm_str(var, "objref", "kind", NULL), krm_str(var, "objref", "name", NULL));
    rc = fieldref_parse(*path ? path : DEFAULT_FIELD, true, &ref, err);
    if (!rc)
        rc = fieldref_lookup(&ref, r->object, &value, err);
    if (!rc && !value)
        rc = err_set(err, ERR_INVALID, "%s has no field %s", resource_label(ctx, r), ref.text);
    if (!rc)
        rc = context_copies(ctx, value, 0, err);
    if (rc)
        return err_wrap(err, "var %s", name);
    *ret_value = json_deep_copy(value);
    return 0;
}

/* --- replacing ---------------------------------------------------------------------------------- */

/* The value of "$(NAME)", or NULL when it stays as it is. */
static const json_t *known(const json_t *values, const char *name, size_t len)
{
    char *key CLEANUP(mem_cleanup) = mem_strndup(name, len);
    const json_t *value = json_object_get(values, key);

    return json_is_object(value) || json_is_array(value) ? NULL : value;
}

/* What replacing takes along. */
struct expansion {
    struct context *ctx;
    const json_t *values;
};

/* "$$" is a dollar, "$(" without its ")" is text. A value that is the whole string keeps its type.
 * The buffer holds the text, which some file had, and what the render may copy. */
static int expand(const char *text, const struct expansion *e, json_t **ret_value, struct err *err)
{
    struct buf out CLEANUP(buf_done);
    const char *s = text;
    int rc;

    buf_init(&out, BUF_MAX_DOCUMENT);
    while (*s) {
        const char *close = *s == '$' && s[1] == '(' ? strchr(s + 2, ')') : NULL;
        const json_t *value = close ? known(e->values, s + 2, (size_t)(close - s - 2)) : NULL;

        if (value) {
            char *t CLEANUP(mem_cleanup) = NULL;

            if ((rc = context_copies(e->ctx, value, 0, err)))
                return rc;
            if (s == text && !close[1]) {
                *ret_value = json_deep_copy(value);
                return 0;
            }
            t = shape_scalar_text(value);
            buf_puts(&out, t);
            s = close + 1;
        } else if (close) {
            buf_putn(&out, s, (size_t)(close + 1 - s));
            s = close + 1;
        } else if (*s == '$' && s[1] == '$') {
            buf_putc(&out, '$');
            s += 2;
        } else if (*s == '$' && s[1]) {
            buf_putn(&out, s, 2);
            s += 2;
        } else {
            buf_putc(&out, *s++);
        }
    }
    *ret_value = json_stringn(buf_str(&out), out.len);
    return 0;
}

/* *ret_value stays NULL when there is nothing to replace. */
static int expand_value(const json_t *value, const struct expansion *e, json_t **ret_value,
                        struct err *err)
{
    if (!json_is_string(value) || !strchr(json_string_value(value), '$'))
        return 0;
    return expand(json_string_value(value), e, ret_value, err);
}

static int expand_map(json_t *map, const struct expansion *e, struct err *err)
{
    const char *key;
    json_t *value;
    int rc;

    json_object_foreach (map, key, value) {
        json_t *out = NULL;

        if ((rc = expand_value(value, e, &out, err)))
            return rc;
        if (out)
            alias_set(map, key, out);
    }
    return 0;
}

static int expand_list(json_t *list, const struct expansion *e, struct err *err)
{
    json_t *value;
    size_t i;
    int rc;

    json_array_foreach (list, i, value) {
        json_t *out = NULL;

        if (!json_is_string(value))
            return err_set(err, ERR_INVALID, "vars are replaced here, and element %zu is no string",
                           i);
        if ((rc = expand_value(value, e, &out, err)))
            return rc;
        if (out)
            json_array_set_new(list, i, out);
    }
    return 0;
}

static int expand_slot(struct slot *slot, void *arg, struct err *err)
{
    const struct expansion *e = arg;
    json_t *out = NULL;
    int rc;

    if (json_is_array(slot->value))
        return expand_list(slot->value, e, err);
    if (json_is_object(slot->value))
        return expand_map(slot->value, e, err);
    rc = expand_value(slot->value, e, &out, err);
    if (out)
        slot_set(slot, out);
    return rc;
}

int vars_resolve(struct context *ctx, struct resmap *m, const json_t *vars, struct fieldspecs specs,
                 struct err *err)
{
    json_auto_t *values = json_object();
    struct expansion e = {.ctx = ctx, .values = values};
    const char *name;
    json_t *var;
    int rc;

    json_object_foreach ((json_t *)vars, name, var) {
        json_t *value = NULL;

        if ((rc = var_value(ctx, m, name, var, &value, err)))
            return rc;
        json_object_set_new(values, name, value);
    }
    if (!json_object_size(values))
        return 0;
    for (size_t i = 0; i < m->len; i++) {
        struct rid id = resource_id(ctx, m->at[i]);

        for (size_t j = 0; j < specs.len; j++) {
            if (!rid_matches(&id, &specs.at[j].match))
                continue;
            rc = fieldspec_walk(m->at[i]->object, &specs.at[j], FIELDSPEC_FIND, expand_slot, &e,
                                err);
            if (rc)
                return err_wrap(err, "%s", rid_label(ctx, &id));
        }
    }
    return 0;
}
