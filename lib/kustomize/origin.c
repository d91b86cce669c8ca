#include "lib/kustomize/origin.h"

#include "lib/krm/path.h"
#include "lib/krm/yaml.h"

#include "lib/base/banned.h"

#define ORIGIN_KEY          "config.kubernetes.io/origin"
#define TRANSFORMATIONS_KEY "alpha.config.kubernetes.io/transformations"
#define MANAGED_BY_KEY      "app.kubernetes.io/managed-by"
#define MANAGED_BY          "kustomize-v5.5.0"

int origin_read_options(const json_t *list, unsigned *ret_flags, struct err *err)
{
    static const struct {
        const char *name;
        unsigned flag;
    } options[] = {
        {"originAnnotations", METADATA_ORIGIN},
        {"transformerAnnotations", METADATA_TRANSFORMATIONS},
        {"managedByLabel", METADATA_MANAGED_BY},
    };
    json_t *entry;
    size_t i, j;

    *ret_flags = 0;
    json_array_foreach (list, i, entry) {
        for (j = 0; j < ARRAY_LEN(options); j++)
            if (strcmp(options[j].name, json_string_value(entry)) == 0)
                break;
        if (j == ARRAY_LEN(options))
            return err_set(err, ERR_INVALID, "buildMetadata: unknown option \"%s\"",
                           json_string_value(entry));
        *ret_flags |= options[j].flag;
    }
    return 0;
}

/* "https://host/owner/repo//path?ref=x" in its parts; false when it has no repository. */
static bool split_url(const char *url, char **ret_repo, char **ret_path, char **ret_ref)
{
    const char *query = strchr(url, '?'), *scheme = strstr(url, "://");
    const char *host = scheme ? scheme + 3 : url, *end = query ? query : url + strlen(url);
    const char *s = strpbrk(host, "/:"), *ref = query ? strstr(query, "ref=") : NULL;
    const char *marker = s ? strstr(s, "//") : NULL, *git = s ? strstr(s, ".git") : NULL;
    const char *rest;

    if (!s || s >= end)
        return false;
    if (marker && marker < end) {
        rest = marker;
    } else if (git && git < end) {
        rest = git + 4;
    } else {
        rest = memchr(s + 1, '/', (size_t)(end - s - 1));
        if (!rest)
            return false;
        rest = memchr(rest + 1, '/', (size_t)(end - rest - 1));
        if (!rest)
            rest = end;
    }
    *ret_repo = mem_printf("%s%.*s", scheme ? "" : "https://", (int)(rest - url), url);
    while (rest < end && *rest == '/')
        rest++;
    *ret_path = mem_strndup(rest, (size_t)(end - rest));
    *ret_ref = ref ? mem_strndup(ref + 4, strcspn(ref + 4, "&")) : NULL;
    return true;
}

static char *clean_path(const char *dir, const char *path)
{
    char *joined = mem_printf("%s%s%s", dir, *dir && *path ? "/" : "", path);
    VEC(char *) parts = VEC_INIT;
    struct buf out = BUF_INIT;
    char *save = NULL;

    for (char *p = strtok_r(joined, "/", &save); p; p = strtok_r(NULL, "/", &save)) {
        if (strcmp(p, ".") == 0)
            continue;
        if (strcmp(p, "..") == 0 && parts.len && strcmp(parts.at[parts.len - 1], "..") != 0) {
            parts.len--;
            continue;
        }
        vec_push(&parts, p);
    }
    for (size_t i = 0; i < parts.len; i++)
        buf_printf(&out, "%s%s", i ? "/" : "", parts.at[i]);
    vec_done(&parts);
    free(joined);
    return buf_take(&out);
}

json_t *origin_append(const json_t *origin, const char *path)
{
    char *repo CLEANUP(mem_cleanup) = NULL, *sub CLEANUP(mem_cleanup) = NULL;
    char *ref CLEANUP(mem_cleanup) = NULL, *clean CLEANUP(mem_cleanup) = NULL;
    json_t *out;

    if (!origin)
        return NULL;
    out = json_object();
    if (target_is_remote(path) && split_url(path, &repo, &sub, &ref)) {
        clean = clean_path("", sub);
        json_object_set_new(out, "path", json_string(clean));
        json_object_set_new(out, "repo", json_string(repo));
        if (ref)
            json_object_set_new(out, "ref", json_string(ref));
        return out;
    }
    clean = clean_path(krm_str(origin, "path", NULL), path);
    json_object_set_new(out, "path", json_string(clean));
    json_object_update_missing(out, (json_t *)origin);
    return out;
}

static json_t *configured(const json_t *origin, const char *in)
{
    static const char *const keys[] = {"repo", "ref"};
    json_t *out = json_object();

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (json_object_get(origin, keys[i]))
            json_object_set(out, keys[i], json_object_get(origin, keys[i]));
    json_object_set_new(out, "configuredIn", json_string(in));
    return out;
}

json_t *origin_of_builtin(const struct target *t, const char *kind)
{
    const char *slash = strrchr(t->file, '/');
    char *in CLEANUP(mem_cleanup) = NULL;
    json_t *out;

    if (!t->origin)
        return NULL;
    in = clean_path(krm_str(t->origin, "path", NULL), slash ? slash + 1 : t->file);
    out = configured(t->origin, in);
    json_object_set_new(out, "configuredBy",
                        json_pack("{s:s, s:s}", "apiVersion", "builtin", "kind", kind));
    return out;
}

json_t *origin_of_plugin(const struct resource *plugin)
{
    static const char *const keys[] = {"name", "namespace"};
    json_t *out, *by;

    if (!plugin->origin)
        return NULL;
    out = configured(plugin->origin, krm_str(plugin->origin, "path", NULL));
    by = json_pack("{s:s, s:s}", "apiVersion", krm_str(plugin->object, "apiVersion", NULL), "kind",
                   krm_str(plugin->object, "kind", NULL));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const char *value = krm_str(plugin->object, "metadata", keys[i], NULL);

        if (*value)
            json_object_set_new(by, keys[i], json_string(value));
    }
    json_object_set_new(out, "configuredBy", by);
    return out;
}

void origin_mark_all(struct resmap *m, json_t *mark)
{
    for (size_t i = 0; i < m->len; i++) {
        struct resource *r = m->at[i];

        if (!r->origin) {
            r->origin = json_incref(mark);
            continue;
        }
        if (!r->transformations)
            r->transformations = json_array();
        json_array_append(r->transformations, mark);
    }
}

/* --- writing ------------------------------------------------------------------------------------ */

static int write_annotation(json_t *meta, const char *key, const json_t *value, struct err *err)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT;
    json_t *annotations = json_object_get(meta, "annotations");
    int rc = yaml_write(value, YAML_KEEP_ORDER, &text, err);

    if (rc)
        return rc;
    if (!json_is_object(annotations)) {
        annotations = json_object();
        json_object_set_new(meta, "annotations", annotations);
    }
    json_object_set_new(annotations, key, json_string(buf_str(&text)));
    return 0;
}

static void write_managed_by(json_t *meta)
{
    json_t *labels = json_object_get(meta, "labels");

    if (!json_is_object(labels)) {
        labels = json_object();
        json_object_set_new(meta, "labels", labels);
    }
    json_object_set_new(labels, MANAGED_BY_KEY, json_string(MANAGED_BY));
}

int origin_write(struct context *ctx, struct resmap *m, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; i < m->len && !rc; i++) {
        struct resource *r = m->at[i];
        json_t *meta = json_object_get(r->object, "metadata");

        if (ctx->metadata & METADATA_MANAGED_BY)
            write_managed_by(meta);
        if (ctx->metadata & METADATA_ORIGIN && r->origin)
            rc = write_annotation(meta, ORIGIN_KEY, r->origin, err);
        if (!rc && ctx->metadata & METADATA_TRANSFORMATIONS && r->transformations)
            rc = write_annotation(meta, TRANSFORMATIONS_KEY, r->transformations, err);
    }
    return rc;
}
