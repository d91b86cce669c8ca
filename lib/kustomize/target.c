#include "lib/kustomize/target.h"

#include <string.h>
#include <strings.h>

#include "lib/krm/yaml.h"
#include "lib/kustomize/ahead.h"
#include "lib/kustomize/kustomization.h"

#include "lib/base/banned.h"

/* --- references --------------------------------------------------------------------------------- */

static bool is_http(const char *s)
{
    return strncasecmp(s, "http://", 7) == 0 || strncasecmp(s, "https://", 8) == 0;
}

/* "user@host:..." or "user@host/...". */
static bool has_user(const char *s)
{
    size_t n = 0;

    if ((s[0] | 0x20) < 'a' || (s[0] | 0x20) > 'z')
        return false;
    while ((s[n] >= '0' && s[n] <= '9') || ((s[n] | 0x20) >= 'a' && (s[n] | 0x20) <= 'z') ||
           s[n] == '-')
        n++;
    return s[n] == '@';
}

/* A repository needs an owner and a name behind its host, or an explicit end. */
static bool has_repository(const char *s)
{
    const char *host_end = strpbrk(s, "/:");
    size_t n;

    if (!host_end)
        return false;
    n = strcspn(host_end + 1, "?");
    return memchr(host_end + 1, '/', n) != NULL || strstr(host_end, ".git") != NULL;
}

bool target_is_remote(const char *reference)
{
    const char *s = reference;

    if (strncasecmp(s, "git::", 5) == 0)
        s += 5;
    if (is_http(s) || strncasecmp(s, "ssh://", 6) == 0 || strncasecmp(s, "file://", 7) == 0)
        return true;
    if (strncasecmp(s, "github.com/", 11) == 0 || strncasecmp(s, "github.com:", 11) == 0)
        return has_repository(s);
    return has_user(s) && has_repository(s);
}

static int resolve(const struct target *t, const char *url, struct place *ret_place,
                   struct err *err)
{
    const struct kustomize_resolver *resolver = t->ctx->options->resolver;
    const char *path = NULL;
    int rc;

    if (!resolver)
        return err_set(err, ERR_UNSUPPORTED,
                       "%s: is remote, and this render has no way to fetch remote resources", url);
    rc = resolver->resolve(resolver->arg, url, &ret_place->loader, &path, err);
    if (rc)
        return err_wrap(err, "%s", url);
    ret_place->path = arena_strdup(t->ctx->arena, path);
    ret_place->kind = loader_stat(ret_place->loader, path);
    ret_place->remote = true;
    if (ret_place->kind == LOADER_NONE)
        return err_set(err, ERR_NOT_FOUND, "%s: nothing is there", url);
    return 0;
}

int target_locate(const struct target *t, const char *reference, struct place *ret_place,
                  struct err *err)
{
    char *joined CLEANUP(mem_cleanup) = NULL;

    *ret_place = (struct place){.loader = t->loader};
    if (!*reference)
        return err_set(err, ERR_INVALID, "an empty path");
    if (strlen(reference) > KUSTOMIZE_MAX_PATH)
        return err_set(err, ERR_LIMIT, "a path of more than %d bytes", KUSTOMIZE_MAX_PATH);
    if (is_http(reference))
        return resolve(t, reference, ret_place, err);
    if (*reference == '/')
        return err_set(err, ERR_INVALID, "%s: paths must be relative", reference);
    joined = loader_join(t->dir, reference);
    if (joined) {
        ret_place->path = arena_strdup(t->ctx->arena, joined);
        ret_place->kind = loader_stat(t->loader, joined);
        if (ret_place->kind != LOADER_NONE)
            return 0;
    }
    if (target_is_remote(reference))
        return resolve(t, reference, ret_place, err);
    if (!joined)
        return err_set(err, ERR_INVALID, "%s: leads out of the tree", reference);
    return 0;
}

static bool below(const char *path, const char *dir)
{
    size_t n = strlen(dir);

    return !n || (strncmp(path, dir, n) == 0 && path[n] == '/');
}

static int check_below(const struct target *t, const char *path, struct err *err)
{
    if (loader_below(t->loader, path, t->dir))
        return 0;
    return err_set(err, ERR_INVALID,
                   "%s: files must be in or below the directory of their kustomization (%s)%s",
                   path, *t->dir ? t->dir : ".",
                   below(path, t->dir) ? "; a symbolic link leads out of it" : "");
}

int target_read(const struct target *t, const char *path, const char **ret_data, size_t *ret_len,
                const char **ret_name, struct err *err)
{
    struct place place;
    int rc = target_locate(t, path, &place, err);

    if (rc)
        return rc;
    if (place.kind == LOADER_NONE)
        return err_set(err, ERR_NOT_FOUND, "%s: no such file", place.path);
    if (place.kind == LOADER_DIR)
        return err_set(err, ERR_INVALID, "%s: is a directory, not a file", place.path);
    if (!place.remote && (rc = check_below(t, place.path, err)))
        return rc;
    *ret_name = place.remote ? arena_strdup(t->ctx->arena, path) : place.path;
    return loader_read(place.loader, place.path, ret_data, ret_len, err);
}

int target_read_yaml(const struct target *t, const char *path, json_t **ret_documents,
                     const char **ret_name, struct err *err)
{
    const char *data;
    size_t len;
    int rc = target_read(t, path, &data, &len, ret_name, err);

    if (rc)
        return rc;
    if (t->loader == t->ctx->options->loader &&
        (*ret_documents = ahead_take(t->ctx->ahead, *ret_name)))
        return 0;
    return parsed_read(t->ctx->options->parsed, data, len, *ret_name, ret_documents, err);
}

int target_read_config(const struct target *t, const char *path, json_t **ret_documents,
                       const char **ret_name, struct err *err)
{
    const char *data;
    size_t len;
    int rc = target_read(t, path, &data, &len, ret_name, err);

    return rc ? rc : yaml_parse_config(data, len, *ret_name, ret_documents, err);
}

json_t *target_get(const struct target *t, const char *field)
{
    return json_object_get(t->spec, field);
}

/* --- opening ------------------------------------------------------------------------------------ */

/* A target may not lead back to a directory that is being rendered, or to one above it. */
static int check_circle(const struct target *parent, struct loader *loader, const char *dir,
                        struct err *err)
{
    int depth = 0;

    for (const struct target *t = parent; t; t = t->parent) {
        if (++depth >= KUSTOMIZE_MAX_DEPTH)
            return err_set(err, ERR_LIMIT, "kustomizations nested more than %d deep",
                           KUSTOMIZE_MAX_DEPTH);
        if (t->loader == loader && (strcmp(t->dir, dir) == 0 || below(t->dir, dir)))
            return err_set(err, ERR_INVALID, "%s: a circle: it holds %s, which asks for it",
                           *dir ? dir : ".", *t->dir ? t->dir : ".");
    }
    return 0;
}

static int open_file(struct target *t, struct err *err)
{
    char *path CLEANUP(mem_cleanup) = NULL;
    const char *name, *data;
    size_t len;
    int rc = kustomization_find(t->loader, t->dir, &name, err);

    if (rc)
        return rc;
    path = loader_join(t->dir, name);
    t->file = arena_strdup(t->ctx->arena, path);
    if ((rc = check_below(t, path, err)) || (rc = loader_read(t->loader, path, &data, &len, err)))
        return rc;
    return kustomization_parse(t->ctx, data, len, t->file, &t->spec, err);
}

int target_open(struct context *ctx, const struct target *parent, struct loader *loader,
                const char *dir, struct target *ret_target, struct err *err)
{
    struct target t = {.ctx = ctx, .parent = parent, .loader = loader};
    char *clean CLEANUP(mem_cleanup) = loader_join("", dir);
    int rc;

    if (!clean)
        return err_set(err, ERR_INVALID, "%s: leads out of the tree", dir);
    if (ctx->targets++ >= KUSTOMIZE_MAX_TARGETS)
        return err_set(err, ERR_LIMIT, "%s: the render opens more than %d kustomizations", dir,
                       KUSTOMIZE_MAX_TARGETS);
    t.dir = arena_strdup(ctx->arena, clean);
    t.depth = parent ? parent->depth + 1 : 0;
    if ((rc = check_circle(parent, loader, t.dir, err)) || (rc = open_file(&t, err)))
        return rc;
    *ret_target = t;
    return 0;
}

void target_done(struct target *t)
{
    json_decref(t->spec);
    json_decref(t->origin);
    t->spec = t->origin = NULL;
}
