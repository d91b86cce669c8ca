/* Where a kustomization's files come from: the one interface between rendering and the world.
 *
 * Paths are clean, relative to the loader's root, with '/' between elements ("apps/katib/base/x.yaml");
 * never absolute, never with "..". Rendering resolves "../base" itself and refuses what leaves the
 * root; files that a kustomization names may not leave its directory either, also not by a symbolic
 * link (loader_below). A loader may be used by many renders, also at the same time, and must then be thread-safe. */
#ifndef KUSTOMIZE_LOADER_H
#define KUSTOMIZE_LOADER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

struct loader;

enum loader_kind { LOADER_NONE, LOADER_FILE, LOADER_DIR };

struct loader_ops {
    /* What stands at path ("" or "." is the root). */
    enum loader_kind (*stat)(struct loader *l, const char *path);
    /* The file's bytes, borrowed until the loader is freed; NUL-terminated behind ret_len.
     * 0, ERR_NOT_FOUND, ERR_LIMIT, ERR_FAIL. */
    int (*read)(struct loader *l, const char *path, const char **ret_data, size_t *ret_len,
                struct err *err);
    /* Whether the file that path leads to, links followed, is in or below the directory that dir
     * leads to. NULL where there are no links: then the paths tell. */
    bool (*below)(struct loader *l, const char *path, const char *dir);
    void (*free)(struct loader *l);
};

struct loader {
    const struct loader_ops *ops;
};

enum loader_kind loader_stat(struct loader *l, const char *path);
int loader_read(struct loader *l, const char *path, const char **ret_data, size_t *ret_len,
                struct err *err) WARN_UNUSED;
bool loader_below(struct loader *l, const char *path, const char *dir);
void loader_free(struct loader *l); /* accepts NULL */
DEFINE_CLEANUP(loader_cleanup, struct loader *, loader_free)

/* Files of a directory on disk. Symbolic links that leave it are refused; within it they may lead
 * anywhere, which for "/" is the whole machine. */
int loader_open_dir(const char *dir, struct loader **ret_loader, struct err *err) WARN_UNUSED;

/* A tree in memory. loader_add copies path and data; adding a path twice replaces it. */
struct loader *loader_new_memory(void);
int loader_add(struct loader *memory, const char *path, const char *data, size_t len,
               struct err *err) WARN_UNUSED;

/* Files of `top` hide those of `base`; neither is owned by the result. */
struct loader *loader_new_overlay(struct loader *base, struct loader *top);

/* Joins a directory and a relative path, resolving "." and "..". Heap string; NULL when the result
 * would leave the root, the path is absolute, or both together are longer than LOADER_MAX_PATH. */
#define LOADER_MAX_PATH ((size_t)128 << 10)
char *loader_join(const char *dir, const char *path) WARN_UNUSED;

#endif
