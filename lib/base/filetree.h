/* A tree of files in memory: paths and contents, nothing else.
 *
 * Trees come from outside (archives, directories), so building one checks everything: paths are
 * relative and stay inside, are valid UTF-8 and occur once; nothing is a file and a directory;
 * symbolic links end inside the tree and count as what they lead to (a link to a directory makes
 * that directory's files appear under the link's name too); limits are kept. What is called ".git"
 * is left out at any depth, and so are links to nothing. */
#ifndef BASE_FILETREE_H
#define BASE_FILETREE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"

#define FILETREE_MAX_ENTRIES 200000
#define FILETREE_MAX_FILE    ((size_t)64 << 20)
#define FILETREE_MAX_BYTES   ((size_t)512 << 20) /* of all files */
#define FILETREE_MAX_NAMES   ((size_t)64 << 20)  /* of all names that links give */
#define FILETREE_MAX_PATH    4096
#define FILETREE_MAX_DEPTH   64 /* elements of a path */
#define FILETREE_MAX_LINKS   40 /* followed for one path */

#define FILETREE_DIGEST_SIZE 72 /* "sha256:", 64 digits, NUL */

struct filetree_file {
    const char *path; /* clean: "apps/katib/kustomization.yaml" */
    const char *data; /* NUL-terminated behind len bytes */
    size_t len;
};

struct filetree {
    struct arena *arena;      /* owns everything */
    struct filetree_file *at; /* sorted by path, as bytes */
    size_t len;
};

#define FILETREE_INIT                                                                              \
    {                                                                                              \
        NULL, NULL, 0                                                                              \
    }

void filetree_done(struct filetree *t); /* the struct is as new */

/* All files below a directory on disk. Devices, sockets and pipes are ERR_INVALID. */
int filetree_read_dir(const char *dir, struct filetree *ret, struct err *err) WARN_UNUSED;

const struct filetree_file *filetree_find(const struct filetree *t, const char *path);

/* Whether there are files below path ("" is the root). */
bool filetree_is_dir(const struct filetree *t, const char *path);

/* "sha256:" and the hex of the SHA-256 over all files in order, each written as
 * path, NUL, length in decimal, NUL, content. */
void filetree_digest(const struct filetree *t, char out[FILETREE_DIGEST_SIZE]);

/* --- building ----------------------------------------------------------------------------------- */

struct filetree_builder;

struct filetree_builder *filetree_builder_new(void);
void filetree_builder_free(struct filetree_builder *b); /* accepts NULL */
DEFINE_CLEANUP(filetree_builder_cleanup, struct filetree_builder *, filetree_builder_free)

/* Each copies what it is given. 0, ERR_INVALID (path), ERR_LIMIT. */
int filetree_add_file(struct filetree_builder *b, const char *path, const void *data, size_t len,
                      struct err *err) WARN_UNUSED;
int filetree_add_link(struct filetree_builder *b, const char *path, const char *target,
                      struct err *err) WARN_UNUSED;
/* A second name for a file of the tree; target is a path of the tree. */
int filetree_add_hardlink(struct filetree_builder *b, const char *path, const char *target,
                          struct err *err) WARN_UNUSED;

/* strip_root: when everything is below one directory, paths start behind it (as in GitHub's
 * archives). Frees nothing: the builder is empty afterwards, also on failure. */
int filetree_build(struct filetree_builder *b, bool strip_root, struct filetree *ret,
                   struct err *err) WARN_UNUSED;

#endif
