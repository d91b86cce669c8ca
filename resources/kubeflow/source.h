/* Where manifests come from: a release, an archive, a directory become verified trees in memory.
 *
 * A source_cache belongs to a session; it holds what was read once, so that the second use of an
 * archive in one process costs nothing. Trees are immutable and live as long as the cache.
 *
 * For what is named by URL (releases are, by the catalog) places are tried in this order:
 *
 *     1. mirrors that are directories
 *     2. the cache directory (files named by the hash of their content, checked on every read)
 *     3. mirrors that are URLs
 *     4. the URL itself
 *
 * `offline` leaves out 4. A place that doesn't answer, or has other content than the digest that is
 * asked for, is passed over. A cache directory that can't be made or written is no error: there is no
 * cache then. What a URL names may change, unless the URL (a commit, a version tag) or a digest says
 * otherwise; what may change is taken from the cache directory only when nothing else answers.
 *
 * Mirrors. Each is a pair of URL prefix and target; the target, a directory or another URL prefix,
 * takes the prefix's place. The longest prefix that fits goes first. The environment variable
 * KUBEFLOW_MANIFESTS_MIRROR adds more: items separated by spaces or commas, each "prefix=target", or
 * a bare target. (A value that names an existing directory is one bare target, whatever it
 * contains.) A bare target serves every https URL, with the scheme left out:
 *
 *     https://host/path                          <target>/host/path
 *     a release of the catalog                   <target>/manifests-<release>.tar.gz
 *
 * In directories these are looked for too, also below <target>/remote-bases:
 *
 *     a repository at a ref (tag or commit)      <target>/host/owner/repo/<ref>/  (unpacked)
 *     .../owner/repo/releases/download/TAG/FILE  <target>/host/owner/repo/TAG/FILE
 *
 * Content. A tree's digest is "sha256:" and the hex of the hash over its regular files, sorted by
 * path as bytes, each written as
 *
 *     path, NUL, length in decimal, NUL, content
 *
 * with paths relative to the tree's root. An archive's one common leading directory is not part of
 * them; nor are modes, times, owners, the order in the archive, its compression, empty directories,
 * or anything called ".git". Symbolic links count as what they lead to. So a GitHub archive, a
 * re-packed one and a checkout of the same commit have one digest. */
#ifndef KUBEFLOW_SOURCE_H
#define KUBEFLOW_SOURCE_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/cancel.h"
#include "lib/base/err.h"
#include "lib/kustomize/kustomize.h"

#define SOURCE_DIGEST_SIZE  72                  /* "sha256:", 64 digits, NUL */
#define SOURCE_MAX_DOWNLOAD ((size_t)128 << 20) /* bytes of one archive or file */
#define SOURCE_MAX_MIRRORS  64
#define SOURCE_TRIES        3      /* of a download that fails with something that heals */
#define SOURCE_TIMEOUT_MS   300000 /* of one try */
#define SOURCE_IDLE_MS      30000  /* without a byte */

struct source_cache;

struct source_cache_options {
    /* NULL: terraform-provider-kubeflow in $XDG_CACHE_HOME or ~/.cache; "": none. */
    const char *cache_dir;
    bool offline;
    const json_t *mirrors; /* object: URL prefix -> URL prefix or directory; or NULL */
    const char *(*getenv_fn)(const char *); /* NULL = the process's; a seam for tests */
};

/* NULL and ERR_INVALID for a mirror that can't be used. Options are copied. Touches neither disk nor
 * network. */
struct source_cache *source_cache_new(const struct source_cache_options *o, struct err *err);
void source_cache_free(struct source_cache *c); /* frees all trees; accepts NULL */
DEFINE_CLEANUP(source_cache_cleanup, struct source_cache *, source_cache_free)

/* What renders of the session have parsed; the cache's. */
struct parsed *source_cache_parsed(struct source_cache *c);

/* Which tree: exactly one of release, path, url. */
struct source_spec {
    const char *release; /* of the catalog: "1.10.2" */
    const char *path;    /* a directory, or an archive (.tar.gz, .tgz, .tar, .zip) */
    const char *url;     /* https://... of an archive (also http for localhost) */
    const char *digest;  /* "sha256:..." that the content must have; NULL = any. A release's own pin
                            in the catalog is checked besides */
};

/* A verified tree; borrowed from the cache. */
struct source {
    struct loader *loader; /* root = the tree's root; may be used by many threads */
    const char *digest;    /* of the content, see above */
    const char *origin; /* for people: "https://...tar.gz", "/srv/mirror/manifests-26.03.tar.gz" */
};

/* Thread-safe; two threads that ask for the same URL download it once. Directories and local
 * archives are read again each time, and give the known tree when the content is the same.
 *
 * ERR_INVALID (not an archive, no such release, wrong digest: names both), ERR_NOT_FOUND,
 * ERR_UNREACHABLE (the message lists what was tried and says what to set), ERR_LIMIT,
 * ERR_CANCELLED. */
int source_open(struct source_cache *c, const struct source_spec *spec, struct cancel *cancel,
                const struct source **ret, struct err *err) WARN_UNUSED;

/* Remote resources of kustomizations, for kustomize_options.resolver. Understood are
 *
 *     https://host/owner/repo//path?ref=REF      (also without "https://", with "git::", as
 *     https://host/owner/repo/path?ref=REF        git@host:owner/repo, with "?version=" or further
 *                                                 parameters, owner/repo.git, path empty)
 *     https://anything/file.yaml                  a plain file
 *
 * A ref is required: what moves can't be planned. The loaders are the cache's. */
struct source_resolver {
    struct kustomize_resolver resolver; /* hand &r.resolver to kustomize_build */
    struct source_cache *cache;
    struct cancel *cancel;
    struct arena *arena; /* owns the paths that were given out */
};
void source_resolver_init(struct source_resolver *r, struct source_cache *cache,
                          struct cancel *cancel);
void source_resolver_done(struct source_resolver *r);

#endif
