/* A target: one directory with a kustomization that is being rendered, and its way to files.
 *
 * Files must lie in or below the target's directory (the reference's LoadRestrictionsRootOnly), also
 * when symbolic links are followed: the tree may be somebody else's and the machine has secrets. Other directories are reached only as targets of their own. */
#ifndef KUSTOMIZE_TARGET_H
#define KUSTOMIZE_TARGET_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/kustomize/context.h"

struct target {
    struct context *ctx;
    const struct target *parent; /* who asked for it, or NULL */
    struct loader *loader;
    const char *dir;  /* in the loader; arena */
    const char *file; /* path of the kustomization file, for messages; arena */
    json_t *spec;     /* its normal form, owned */
    json_t *origin;   /* where resources come from, with buildMetadata; owned, or NULL */
    int depth;
};

/* Opens the kustomization of a directory. ERR_NOT_FOUND when there is none, ERR_INVALID,
 * ERR_LIMIT when targets are nested too deeply or are too many. */
int target_open(struct context *ctx, const struct target *parent, struct loader *loader,
                const char *dir, struct target *ret_target, struct err *err) WARN_UNUSED;
void target_done(struct target *t);

/* A file that the kustomization names: a path below its directory, or an http(s) URL.
 * Bytes are borrowed until the render is done; *ret_name is for messages (arena). */
int target_read(const struct target *t, const char *path, const char **ret_data, size_t *ret_len,
                const char **ret_name, struct err *err) WARN_UNUSED;

/* The same, parsed: a new array of its non-empty documents. As objects (with blanks, see
 * yaml_parse_blanks) or as configuration of kustomize itself (yaml_parse_config). */
int target_read_yaml(const struct target *t, const char *path, json_t **ret_documents,
                     const char **ret_name, struct err *err) WARN_UNUSED;
int target_read_config(const struct target *t, const char *path, json_t **ret_documents,
                       const char **ret_name, struct err *err) WARN_UNUSED;

/* Where a reference that isn't below the directory leads: a file or directory of some loader.
 * kind LOADER_NONE when nothing is there. */
struct place {
    struct loader *loader;
    const char *path; /* arena */
    enum loader_kind kind;
    bool remote;
};
int target_locate(const struct target *t, const char *reference, struct place *ret_place,
                  struct err *err) WARN_UNUSED;

/* "https://...", "git@host:...", "github.com/owner/repo...": what the reference would download. */
bool target_is_remote(const char *reference);

/* The normal form of the target's field, or NULL. */
json_t *target_get(const struct target *t, const char *field);

#endif
