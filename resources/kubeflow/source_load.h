/* Getting what a URL names from wherever it is: mirrors, the cache on disk, the network. Part of
 * source.c; see source.h for the order. */
#ifndef KUBEFLOW_SOURCE_LOAD_H
#define KUBEFLOW_SOURCE_LOAD_H

#include <pthread.h>
#include <stdbool.h>

#include "lib/base/cancel.h"
#include "lib/base/filetree.h"
#include "lib/base/http.h"
#include "resources/kubeflow/mirror.h"

struct source_settings {
    char *cache_dir; /* NULL = none */
    bool offline;
    struct mirrors *mirrors;
    pthread_mutex_t lock; /* guards http */
    struct http *http;    /* made on first use */
};

struct source_tree {
    struct filetree files;
    char digest[FILETREE_DIGEST_SIZE];
    char *origin; /* heap: the place that had it */
};

/* release: the catalog's name for it, or NULL. expected: the digest that it must have, or NULL. */
int source_load(struct source_settings *s, const struct remote *wanted, const char *release,
                const char *expected, struct cancel *cancel, struct source_tree *ret,
                struct err *err) WARN_UNUSED;

/* A file on disk as it is. ERR_NOT_FOUND, ERR_LIMIT, ERR_FAIL. */
int source_read_file(const char *path, struct buf *out, struct err *err) WARN_UNUSED;

#endif
