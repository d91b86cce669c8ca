/* Differences between objects as lines that people read: ".spec.replicas: 1 -> 3". */
#ifndef KUBE_DESCRIBE_H
#define KUBE_DESCRIBE_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/buf.h"

#define DESCRIBE_MAX_VALUE 80 /* characters of one value; longer ones are cut */
#define DESCRIBE_MAX_LINES 20 /* per object; the rest is counted */

/* Appends "<path>: <old> -> <new>"; values of Secrets as "(sensitive)". NULL = not there. */
void kube_describe_leaf(const char *path, const json_t *before, const json_t *after, bool secret,
                        struct buf *out);

/* Every difference between two versions of an object as an array of such lines. A change that many
 * fields have alike is one line: ".spec.a: 1 -> 3 (and in 2 more places)". */
json_t *kube_describe_update(const json_t *before, const json_t *after);

/* Whether two leaves at a path mean the same to Kubernetes: equal, or, where the path holds a
 * quantity (requests, limits, storage, ...), the same quantity ("1000m" and 1, "1Gi" and "1024Mi"). */
bool kube_same_leaf(const char *path, const json_t *a, const json_t *b);

#endif
