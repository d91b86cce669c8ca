#include "lib/kustomize/generate.h"

#include "lib/base/hash.h"
#include "lib/base/utf8.h"
#include "lib/krm/path.h"
#include "lib/kustomize/kustomization.h"

#include "lib/base/banned.h"

/* --- keys and values ----------------------------------------------------------------------------- */

struct data {
    const char *kind;
    json_t *text, *binary; /* "data" and "binaryData" */
};

/* Base64 in lines of 70 characters when it is longer than one: what kustomize writes. */
static char *base64_lines(const char *value, size_t len)
{
    char *flat CLEANUP(mem_cleanup) = hash_base64(value, len);
    size_t n = strlen(flat), width = 70;
    struct buf out;

    if (n < width)
        return mem_strdup(flat);
    buf_init(&out, BUF_MAX_DOCUMENT);
    for (size_t i = 0; i < n; i += width) {
        buf_putn(&out, flat + i, n - i < width ? n - i : width);
        buf_putc(&out, '\n');
    }
    return buf_take(&out);
}

static int add_pair(struct data *d, const char *key, const char *value, size_t len, struct err *err)
{
    bool secret = strcmp(d->kind, "Secret") == 0;
    bool text = !secret && utf8_valid(value, len);

    if (json_object_get(d->text, key) || json_object_get(d->binary, key))
        return err_set(err, ERR_INVALID, "key \"%s\" is given twice", key);
    if (json_object_size(d->text) + json_object_size(d->binary) >= GENERATE_MAX_KEYS)
        return err_set(err, ERR_LIMIT, "more than %d keys", GENERATE_MAX_KEYS);
    if (!utf8_valid(key, strlen(key)))
        return err_set(err, ERR_INVALID, "a key that isn't UTF-8");
    if (text) {
        json_object_set_new(d->text, key, json_stringn(value, len));
    } else {
        char *encoded CLEANUP(mem_cleanup) = base64_lines(value, len);

        json_object_set_new(secret ? d->text : d->binary, key, json_string(encoded));
    }
    return 0;
}

/* Messages don't repeat what may be a secret. */
static int add_literal(struct data *d, const char *literal, struct err *err)
{
    const char *equals = strchr(literal, '='), *value;
    char *key CLEANUP(mem_cleanup) = NULL;
    size_t len;

    if (!equals || equals == literal)
        return err_set(err, ERR_INVALID, "must be key=value");
    key = mem_strndup(literal, (size_t)(equals - literal));
    value = equals + 1;
    len = strlen(value);
    if (len >= 2 && (*value == '"' || *value == '\'') && value[len - 1] == *value) {
        value++;
        len -= 2;
    }
    return add_pair(d, key, value, len, err);
}

static bool is_space(char c)
{
    return c && strchr(" \t\v\f\r\n", c) != NULL;
}

/* "KEY=value", "KEY", an empty line or a comment. */
static int add_env_line(struct data *d, const char *line, size_t len, struct err *err)
{
    const char *equals;
    char *key CLEANUP(mem_cleanup) = NULL;
    size_t n;

    if (!utf8_valid(line, len))
        return err_set(err, ERR_INVALID, "not UTF-8");
    while (len && is_space(*line)) {
        line++;
        len--;
    }
    if (!len || *line == '#')
        return 0;
    equals = memchr(line, '=', len);
    n = equals ? (size_t)(equals - line) : len;
    if (!n)
        return 0;
    key = mem_strndup(line, n);
    return add_pair(d, key, equals ? equals + 1 : "", equals ? len - n - 1 : 0, err);
}

static int add_env_file(const struct target *t, struct data *d, const char *path, struct err *err)
{
    const char *data, *name;
    size_t len, line = 1;
    int rc = target_read(t, path, &data, &len, &name, err);

    if (rc)
        return rc;
    if (len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
        data += 3;
        len -= 3;
    }
    for (; len; line++) {
        const char *newline = memchr(data, '\n', len);
        size_t n = newline ? (size_t)(newline - data) : len;
        size_t text = n && data[n - 1] == '\r' ? n - 1 : n;

        if ((rc = add_env_line(d, data, text, err)))
            return err_wrap(err, "%s: line %zu", name, line);
        n += newline != NULL;
        data += n;
        len -= n;
    }
    return 0;
}

/* "path" or "key=path". */
static int add_file(const struct target *t, struct data *d, const char *source, struct err *err)
{
    const char *equals = strchr(source, '='), *slash = strrchr(source, '/');
    char *key CLEANUP(mem_cleanup) = NULL;
    const char *path = equals ? equals + 1 : source, *data, *name;
    size_t len;
    int rc;

    if (equals && (equals == source || !*path || strchr(path, '=')))
        return err_set(err, ERR_INVALID, "\"%s\" must be path or key=path", source);
    key = equals ? mem_strndup(source, (size_t)(equals - source))
                 : mem_strdup(slash ? slash + 1 : source);
    if ((rc = target_read(t, path, &data, &len, &name, err)))
        return rc;
    rc = add_pair(d, key, data, len, err);
    return rc ? err_wrap(err, "%s", name) : 0;
}

static int add_sources(const struct target *t, const json_t *args, struct data *d, struct err *err)
{
    json_t *entry;
    size_t i;
    int rc;

    json_array_foreach (json_object_get(args, "envs"), i, entry)
        if ((rc = add_env_file(t, d, json_string_value(entry), err)))
            return err_wrap(err, "envs");
    json_array_foreach (json_object_get(args, "literals"), i, entry)
        if ((rc = add_literal(d, json_string_value(entry), err)))
            return err_wrap(err, "literals[%zu]", i);
    json_array_foreach (json_object_get(args, "files"), i, entry)
        if ((rc = add_file(t, d, json_string_value(entry), err)))
            return err_wrap(err, "files");
    return 0;
}

/* --- objects ------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    enum behavior behavior;
} behaviors[] = {{"replace", BEHAVIOR_REPLACE}, {"merge", BEHAVIOR_MERGE}};

/* Any other word creates. */
static enum behavior read_behavior(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(behaviors); i++)
        if (strcmp(behaviors[i].name, name) == 0)
            return behaviors[i].behavior;
    return BEHAVIOR_CREATE;
}

static json_t *make_metadata(const json_t *args, const char *name)
{
    static const char *const maps[] = {"labels", "annotations"};
    const char *namespace = krm_str(args, "namespace", NULL);
    json_t *meta = json_object();

    if (!*namespace) {
        namespace = krm_str(args, "metadata", "namespace", NULL);
    }
    json_object_set_new(meta, "name", json_string(name));
    if (*namespace)
        json_object_set_new(meta, "namespace", json_string(namespace));
    for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
        const json_t *map = krm_get(args, "options", maps[i], NULL);

        if (json_object_size(map))
            json_object_set_new(meta, maps[i], json_copy((json_t *)map));
    }
    return meta;
}

static json_t *make_object(const char *kind, const json_t *args, const struct data *d,
                           const char *name)
{
    const json_t *options = json_object_get(args, "options");
    const char *type = krm_str(args, "type", NULL);
    bool secret = strcmp(kind, "Secret") == 0;
    json_t *object = json_object();

    json_object_set_new(object, "apiVersion", json_string("v1"));
    json_object_set_new(object, "kind", json_string(kind));
    json_object_set_new(object, "metadata", make_metadata(args, name));
    if (secret)
        json_object_set_new(object, "type", json_string(*type ? type : "Opaque"));
    if (secret || json_object_size(d->text))
        json_object_set(object, "data", d->text);
    if (json_object_size(d->binary))
        json_object_set(object, "binaryData", d->binary);
    if (json_is_true(json_object_get(options, "immutable")))
        json_object_set_new(object, "immutable", json_true());
    return object;
}

static int generate(const struct target *t, const char *kind, const json_t *args,
                    struct resource **ret_resource, struct err *err)
{
    json_auto_t *text = json_object(), *binary = json_object();
    struct data d = {.kind = kind, .text = text, .binary = binary};
    const char *name = krm_str(args, "name", NULL);
    struct resource *r;
    int rc;

    if (!*name)
        name = krm_str(args, "metadata", "name", NULL);
    if (!*name)
        return err_set(err, ERR_INVALID, "a generated %s needs a name", kind);
    if ((rc = add_sources(t, args, &d, err)))
        return err_wrap(err, "%s %s", kind, name);
    r = resource_new(t->ctx, make_object(kind, args, &d, name), t->file);
    r->behavior = read_behavior(krm_str(args, "behavior", NULL));
    r->needs_hash = !json_is_true(krm_get(args, "options", "disableNameSuffixHash", NULL));
    *ret_resource = r;
    return 0;
}

static int generate_config_map(const struct target *t, const json_t *args,
                               struct resource **ret_resource, struct err *err)
{
    return generate(t, "ConfigMap", args, ret_resource, err);
}

static int generate_secret(const struct target *t, const json_t *args,
                           struct resource **ret_resource, struct err *err)
{
    return generate(t, "Secret", args, ret_resource, err);
}

/* A Kubernetes service account that stands for one of Google Cloud. */
static int generate_iam(const struct target *t, const json_t *args, struct resource **ret_resource,
                        struct err *err)
{
    const char *cloud = krm_str(args, "cloud", NULL);
    const char *namespace = krm_str(args, "kubernetesService", "namespace", NULL);
    char *account CLEANUP(mem_cleanup) =
        mem_printf("%s@%s.iam.gserviceaccount.com", krm_str(args, "serviceAccount", "name", NULL),
                   krm_str(args, "serviceAccount", "projectId", NULL));
    json_t *object;

    if (strcmp(cloud, "gke") != 0)
        return err_set(err, ERR_UNSUPPORTED, "IAMPolicyGenerator for cloud \"%s\"", cloud);
    object = json_pack("{s:s, s:s, s:{s:{s:s}, s:s}}", "apiVersion", "v1", "kind", "ServiceAccount",
                       "metadata", "annotations", "iam.gke.io/gcp-service-account", account, "name",
                       krm_str(args, "kubernetesService", "name", NULL));
    if (!object)
        return err_set(err, ERR_INVALID, "a name that isn't UTF-8");
    if (*namespace)
        json_object_set_new(json_object_get(object, "metadata"), "namespace",
                            json_string(namespace));
    *ret_resource = resource_new(t->ctx, object, t->file);
    return 0;
}

#define FIELDS(name, ...)                                                                          \
    static const struct shape_field name##_fields[] = {__VA_ARGS__, {NULL, NULL}};                 \
    static const struct shape shape_##name = {.type = SHAPE_OBJECT, .fields = name##_fields}

FIELDS(generator_meta, {"name", &shape_string}, {"namespace", &shape_string});
FIELDS(generator_plugin, {"metadata", &shape_generator_meta}, GENERATOR_FIELDS);
FIELDS(iam_service, {"name", &shape_string}, {"namespace", &shape_string});
FIELDS(iam_account, {"name", &shape_string}, {"projectId", &shape_string});
FIELDS(iam, {"cloud", &shape_string}, {"kubernetesService", &shape_iam_service},
       {"serviceAccount", &shape_iam_account});

const struct generator generators[] = {
    {"ConfigMapGenerator", "configMapGenerator", &shape_generator_plugin, generate_config_map},
    {"SecretGenerator", "secretGenerator", &shape_generator_plugin, generate_secret},
    {"IAMPolicyGenerator", NULL, &shape_iam, generate_iam},
    {NULL, NULL, NULL, NULL},
};

const struct generator *generator_find(const char *kind)
{
    for (const struct generator *g = generators; g->kind; g++)
        if (strcmp(g->kind, kind) == 0)
            return g;
    return NULL;
}

/* --- options ------------------------------------------------------------------------------------ */

static void inherit_map(json_t *options, const json_t *global, const char *field)
{
    json_t *own = json_object_get(options, field), *all = json_object_get(global, field);

    if (!own && all)
        json_object_set_new(options, field, json_copy(all));
    else if (all)
        json_object_update_missing(own, all);
}

json_t *generator_with_options(const json_t *entry, const json_t *global)
{
    static const char *const flags[] = {"disableNameSuffixHash", "immutable"};
    json_t *copy = json_deep_copy(entry), *options;

    if (!global)
        return copy;
    options = json_object_get(copy, "options");
    if (!options) {
        options = json_object();
        json_object_set_new(copy, "options", options);
    }
    inherit_map(options, global, "labels");
    inherit_map(options, global, "annotations");
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (json_is_true(json_object_get(global, flags[i])))
            json_object_set_new(options, flags[i], json_true());
    return copy;
}

/* --- merging into what is there ------------------------------------------------------------------- */

/* The map of texts that both give together, new over old; left out when empty. */
static void merge_map(json_t *object, const json_t *old, const char *field)
{
    const json_t *below = json_object_get(old, field);
    json_t *above = json_object_get(object, field), *merged = json_object(), *value;
    const char *key;

    json_object_foreach ((json_t *)below, key, value) {
        char *text CLEANUP(mem_cleanup) = shape_scalar_text(value);

        json_object_set_new(merged, key, json_string(text ? text : ""));
    }
    json_object_update(merged, above);
    if (json_object_size(merged))
        json_object_set(object, field, merged);
    else
        json_object_del(object, field);
    json_decref(merged);
}

/* Name, namespace, labels, annotations and history of the old one go on under the new one. */
static void inherit(struct resource *r, struct resource *old)
{
    json_t *meta = json_object_get(r->object, "metadata");
    const json_t *old_meta = json_object_get(old->object, "metadata");
    json_t *namespace = json_object_get(old_meta, "namespace");

    merge_map(meta, old_meta, "labels");
    merge_map(meta, old_meta, "annotations");
    json_object_set(meta, "name", json_object_get(old_meta, "name"));
    if (json_string_length(namespace))
        json_object_set(meta, "namespace", namespace);
    else
        json_object_del(meta, "namespace");
    r->needs_hash = r->needs_hash && old->needs_hash;
    r->behavior = old->behavior;
    for (size_t i = 0; i < old->previous.len; i++)
        vec_push(&r->previous, old->previous.at[i]);
    for (size_t i = 0; i < old->prefixes.len; i++)
        strings_add(&r->prefixes, old->prefixes.at[i]);
    for (size_t i = 0; i < old->suffixes.len; i++)
        strings_add(&r->suffixes, old->suffixes.at[i]);
    for (size_t i = 0; i < old->vars.len; i++)
        strings_add(&r->vars, old->vars.at[i]);
}

int generator_absorb(struct context *ctx, struct resmap *m, struct resource *r, struct err *err)
{
    struct rid id = resource_id(ctx, r);
    struct resource *old = NULL;
    size_t found = resmap_find_any(ctx, m, &id, &old);
    enum behavior behavior = r->behavior;

    if (found > 1)
        return err_set(err, ERR_INVALID, "more than one object is %s", rid_label(ctx, &id));
    if (!found && behavior != BEHAVIOR_CREATE)
        return err_set(err, ERR_INVALID, "behavior %s: no object is %s",
                       behavior == BEHAVIOR_MERGE ? "merge" : "replace", rid_label(ctx, &id));
    if (!found) {
        resmap_push(m, r); /* what isn't found under any identity isn't there under this one */
        return 0;
    }
    if (behavior == BEHAVIOR_CREATE)
        return err_set(err, ERR_INVALID,
                       "%s is there already (from %s): behavior must be merge or replace",
                       rid_label(ctx, &id), old->source);
    inherit(r, old);
    if (behavior == BEHAVIOR_MERGE) {
        merge_map(r->object, old->object, "data");
        merge_map(r->object, old->object, "binaryData");
        json_decref(r->origin);
        r->origin = json_incref(old->origin);
    }
    for (size_t i = 0; i < m->len; i++)
        if (m->at[i] == old)
            m->at[i] = r;
    return 0;
}
