/* The cache is a list of trees by key: "url <URL>", or "file <path> <hash of the archive's bytes>"
 * and "dir <path> <digest>" for what is on disk, where a change makes another key. An entry is made
 * before it is filled, so that a second thread that wants the same URL waits instead of downloading
 * too; one that fails to fill is taken out again, and the next thread tries. Filled entries never
 * change. */
#include "resources/kubeflow/source.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/archive.h"
#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "lib/base/mem.h"
#include "resources/kubeflow/catalog.h"
#include "resources/kubeflow/disk_cache.h"
#include "resources/kubeflow/source_load.h"
#include "resources/kubeflow/tree_loader.h"

#include "lib/base/banned.h"

/* How often a thread that waits for another's download looks whether it was cancelled itself. */
#define WAIT_MS 200

struct entry {
    struct entry *next;
    char *key;
    bool filled;
    struct source source; /* what users see */
    char digest[FILETREE_DIGEST_SIZE];
    char *origin;
};

struct source_cache {
    struct source_settings settings;
    pthread_mutex_t lock; /* guards entries and what is in them until they are filled */
    pthread_cond_t changed;
    struct entry *entries;
    struct parsed *parsed;
};

/* --- making ------------------------------------------------------------------------------------- */

static const char *process_getenv(const char *name)
{
    return getenv(name);
}

struct source_cache *source_cache_new(const struct source_cache_options *o, struct err *err)
{
    const char *(*env)(const char *) = o->getenv_fn ? o->getenv_fn : process_getenv;
    struct mirrors *mirrors = mirrors_new(o->mirrors, env(MIRROR_ENVIRONMENT), err);
    struct source_cache *c;
    pthread_condattr_t monotonic;

    if (!mirrors)
        return NULL;
    c = mem_calloc(1, sizeof(*c));
    c->settings.mirrors = mirrors;
    c->settings.offline = o->offline;
    if (!o->cache_dir)
        c->settings.cache_dir = disk_cache_default_dir(env);
    else if (*o->cache_dir)
        c->settings.cache_dir = mem_strdup(o->cache_dir);
    c->parsed = parsed_new();
    pthread_mutex_init(&c->settings.lock, NULL);
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&c->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return c;
}

struct parsed *source_cache_parsed(struct source_cache *c)
{
    return c->parsed;
}

static void entry_free(struct entry *e)
{
    loader_free(e->source.loader);
    free(e->key);
    free(e->origin);
    free(e);
}

void source_cache_free(struct source_cache *c)
{
    struct entry *e;

    if (!c)
        return;
    while ((e = c->entries)) {
        c->entries = e->next;
        entry_free(e);
    }
    parsed_free(c->parsed);
    http_free(c->settings.http);
    mirrors_free(c->settings.mirrors);
    free(c->settings.cache_dir);
    pthread_mutex_destroy(&c->settings.lock);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->changed);
    free(c);
}

/* --- entries ------------------------------------------------------------------------------------ */

static struct entry *find_entry(struct source_cache *c, const char *key)
{
    struct entry *e = c->entries;

    while (e && strcmp(e->key, key) != 0)
        e = e->next;
    return e;
}

/* The filled entry, or a new one that the caller is to fill or drop. NULL when cancelled. */
static struct entry *claim(struct source_cache *c, const char *key, struct cancel *cancel)
{
    struct entry *e;

    pthread_mutex_lock(&c->lock);
    while ((e = find_entry(c, key)) && !e->filled && !cancel_fired(cancel)) {
        struct timespec until = clock_timespec(clock_deadline(WAIT_MS));

        pthread_cond_timedwait(&c->changed, &c->lock, &until);
    }
    if (!e) {
        e = mem_calloc(1, sizeof(*e));
        e->key = mem_strdup(key);
        e->next = c->entries;
        c->entries = e;
    } else if (!e->filled) {
        e = NULL;
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

/* Takes the tree. */
static void fill(struct source_cache *c, struct entry *e, struct source_tree *tree)
{
    pthread_mutex_lock(&c->lock);
    memcpy(e->digest, tree->digest, sizeof(e->digest));
    e->origin = tree->origin;
    e->source.loader = tree_loader_new(&tree->files);
    e->source.digest = e->digest;
    e->source.origin = e->origin;
    e->filled = true;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

static void drop(struct source_cache *c, struct entry *e)
{
    struct entry **at = &c->entries;

    pthread_mutex_lock(&c->lock);
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    entry_free(e);
}

static bool is_filled(struct source_cache *c, const struct entry *e)
{
    bool filled;

    pthread_mutex_lock(&c->lock);
    filled = e->filled;
    pthread_mutex_unlock(&c->lock);
    return filled;
}

/* --- by URL ------------------------------------------------------------------------------------- */

static int open_remote(struct source_cache *c, const struct remote *wanted, const char *release,
                       const char *expected, struct cancel *cancel, const struct source **ret,
                       struct err *err)
{
    char *key CLEANUP(mem_cleanup) = mem_printf("url %s", wanted->url);
    struct entry *e = claim(c, key, cancel);
    struct source_tree tree;
    int rc;

    if (!e)
        return err_set(err, ERR_CANCELLED, "cancelled while getting manifests");
    if (!is_filled(c, e)) {
        rc = source_load(&c->settings, wanted, release, expected, cancel, &tree, err);
        if (rc) {
            drop(c, e);
            return rc;
        }
        fill(c, e, &tree);
    }
    *ret = &e->source;
    return 0;
}

/* --- on disk ------------------------------------------------------------------------------------ */

/* Two threads may read the same content at once; the second tree is dropped. Takes the tree. */
static const struct source *keep(struct source_cache *c, const char *key, struct source_tree *tree,
                                 struct cancel *cancel)
{
    struct entry *e = claim(c, key, cancel);

    if (!e)
        return NULL;
    if (!is_filled(c, e)) {
        fill(c, e, tree);
        return &e->source;
    }
    filetree_done(&tree->files);
    free(tree->origin);
    return &e->source;
}

static int open_directory(struct source_cache *c, const char *path, struct cancel *cancel,
                          const struct source **ret, struct err *err)
{
    struct source_tree tree = {FILETREE_INIT, "", NULL};
    char *key CLEANUP(mem_cleanup) = NULL;
    int rc = filetree_read_dir(path, &tree.files, err);

    if (rc)
        return rc;
    filetree_digest(&tree.files, tree.digest);
    tree.origin = mem_strdup(path);
    key = mem_printf("dir %s %s", path, tree.digest);
    *ret = keep(c, key, &tree, cancel);
    return *ret ? 0 : err_set(err, ERR_CANCELLED, "%s: cancelled", path);
}

static int open_archive(struct source_cache *c, const char *path, struct cancel *cancel,
                        const struct source **ret, struct err *err)
{
    struct buf content CLEANUP(buf_done) = BUF_INIT;
    struct source_tree tree = {FILETREE_INIT, "", NULL};
    char *key CLEANUP(mem_cleanup) = NULL;
    char hex[HASH_HEX_SIZE];
    struct entry *e;
    int rc = source_read_file(path, &content, err);

    if (rc)
        return rc;
    hash_sha256_hex(buf_str(&content), content.len, hex);
    key = mem_printf("file %s %s", path, hex);
    e = claim(c, key, cancel);
    if (!e)
        return err_set(err, ERR_CANCELLED, "%s: cancelled", path);
    if (!is_filled(c, e)) {
        rc = archive_unpack(buf_str(&content), content.len, path, true, &tree.files, err);
        if (rc) {
            drop(c, e);
            return rc;
        }
        filetree_digest(&tree.files, tree.digest);
        tree.origin = mem_strdup(path);
        fill(c, e, &tree);
    }
    *ret = &e->source;
    return 0;
}

static int open_path(struct source_cache *c, const char *path, struct cancel *cancel,
                     const struct source **ret, struct err *err)
{
    struct stat st;

    if (stat(path, &st))
        return err_errno(err, ERR_NOT_FOUND, "%s", path);
    return S_ISDIR(st.st_mode) ? open_directory(c, path, cancel, ret, err)
                               : open_archive(c, path, cancel, ret, err);
}

/* --- opening ------------------------------------------------------------------------------------ */

static int open_release(struct source_cache *c, const char *name, const char *digest,
                        struct cancel *cancel, const struct source **ret, struct err *err)
{
    const struct catalog_release *release = catalog_release(name);
    const char *near = catalog_nearest_release(name), *expected = digest;
    struct remote wanted;
    int rc;

    if (!release)
        return err_set(err, ERR_INVALID, "there is no release \"%s\" in the catalog%s%s%s", name,
                       near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    if (!expected)
        expected = release->digest;
    else if (release->digest && strcmp(release->digest, expected) != 0)
        return err_set(err, ERR_INVALID, "release %s has digest %s, not %s", release->name,
                       release->digest, expected);
    rc = remote_parse_archive(release->url, &wanted, err);
    if (rc)
        return rc;
    rc = open_remote(c, &wanted, release->name, expected, cancel, ret, err);
    remote_done(&wanted);
    return rc;
}

static int open_url(struct source_cache *c, const char *url, const char *digest,
                    struct cancel *cancel, const struct source **ret, struct err *err)
{
    struct remote wanted;
    int rc = remote_parse_archive(url, &wanted, err);

    if (rc)
        return rc;
    rc = open_remote(c, &wanted, NULL, digest, cancel, ret, err);
    remote_done(&wanted);
    return rc;
}

static int check_digest(const char *digest, struct err *err)
{
    if (strncmp(digest, "sha256:", 7) != 0 || strlen(digest) != FILETREE_DIGEST_SIZE - 1 ||
        strspn(digest + 7, "0123456789abcdef") != HASH_HEX_SIZE - 1)
        return err_set(err, ERR_INVALID,
                       "digest \"%s\": must be \"sha256:\" and 64 lower-case hexadecimal digits",
                       digest);
    return 0;
}

int source_open(struct source_cache *c, const struct source_spec *spec, struct cancel *cancel,
                const struct source **ret, struct err *err)
{
    const struct source *source = NULL;
    int rc = spec->digest ? check_digest(spec->digest, err) : 0;

    if (rc)
        return rc;
    if (!!spec->release + !!spec->path + !!spec->url != 1)
        bug("a source is one of release, path and url");
    if (spec->path)
        rc = open_path(c, spec->path, cancel, &source, err);
    else if (spec->url)
        rc = open_url(c, spec->url, spec->digest, cancel, &source, err);
    else
        rc = open_release(c, spec->release, spec->digest, cancel, &source, err);
    if (rc || !source)
        return rc;
    if (spec->digest && strcmp(spec->digest, source->digest) != 0)
        return err_set(err, ERR_INVALID, "%s: its content has digest %s, not %s", source->origin,
                       source->digest, spec->digest);
    *ret = source;
    return 0;
}

/* --- remote resources --------------------------------------------------------------------------- */

static int resolve(void *arg, const char *url, struct loader **ret_loader, const char **ret_path,
                   struct err *err)
{
    struct source_resolver *r = arg;
    const struct source *source = NULL;
    struct remote wanted;
    int rc = remote_parse_resource(url, &wanted, err);

    if (rc)
        return rc;
    rc = open_remote(r->cache, &wanted, NULL, NULL, r->cancel, &source, err);
    if (!rc && source) {
        *ret_loader = source->loader;
        *ret_path = arena_strdup(r->arena, wanted.file ? wanted.file : wanted.path);
    }
    remote_done(&wanted);
    return rc;
}

void source_resolver_init(struct source_resolver *r, struct source_cache *cache,
                          struct cancel *cancel)
{
    r->resolver.resolve = resolve;
    r->resolver.arg = r;
    r->cache = cache;
    r->cancel = cancel;
    r->arena = arena_new();
}

void source_resolver_done(struct source_resolver *r)
{
    arena_free(r->arena);
    r->arena = NULL;
}
