/* Walking into objects: JSON pointers, kustomize field specs
 * ("spec/template/spec/containers[]/image") and leaf-by-leaf differences. */
#ifndef KRM_PATH_H
#define KRM_PATH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

/* krm_get(object, "spec", "template", NULL): the member, or NULL. Borrowed. */
json_t *krm_get(const json_t *object, ...) __attribute__((sentinel));

/* As krm_get, "" when missing or not a string. Borrowed. */
const char *krm_str(const json_t *object, ...) __attribute__((sentinel));

/* The member that is an object, on the way to which what is no object is replaced by an empty one.
 * object itself is one. Borrowed. */
json_t *krm_member(json_t *object, ...) __attribute__((sentinel));

/* Adds to *cost what a copy of value costs, in nodes (long strings count for several), and returns
 * whether that stays within limit and value is nested no deeper than depth. Guards every place
 * where outside input can make trees grow by copying. */
bool krm_measure(const json_t *value, size_t depth, size_t limit, size_t *cost);

/* Calls visit for each place where a and b differ, as deep as possible: for each differing scalar,
 * and once for a whole subtree that only one of them has (then the other is NULL). Paths are
 * readable: ".spec.replicas", ".spec.template.spec.containers[name=manager].image",
 * ".data[\"a.b\"]", ".args[2]"; the root is "". Lists whose elements all have a "name" (or another
 * associative key) of their own are matched by it, others by index; if matched elements stand in
 * another order, the list itself is visited too. The order of object keys doesn't matter, and 1
 * and 1.0 are equal. Members are visited in bytewise order. Stops early when visit returns
 * non-zero and returns that. */
typedef int krm_diff_fn(const char *path, const json_t *a, const json_t *b, void *arg);
int krm_diff(const json_t *a, const json_t *b, krm_diff_fn *visit, void *arg);

#endif
