/* The content hash that generated ConfigMaps and Secrets carry in their names. */
#ifndef KUSTOMIZE_NAMEHASH_H
#define KUSTOMIZE_NAMEHASH_H

#include <jansson.h>
#include <stddef.h>

#include "lib/base/err.h"

#define NAMEHASH_SIZE 11 /* with the final NUL */

/* Nodes (krm_measure's) of a hashed object: 12 MB of text, six times as long with all escaped. An
 * API server takes 3 MB at most. */
#define NAMEHASH_MAX_NODES 400000

/* ERR_UNSUPPORTED for kinds other than ConfigMap and Secret, ERR_LIMIT. */
int namehash(const json_t *object, char out[NAMEHASH_SIZE], struct err *err) WARN_UNUSED;

/* The length of a name before the "-<hash>" that it ends in; 0 when it ends in none. */
size_t namehash_stem(const char *name);

#endif
