/* Reading ahead: resource files of a whole tree of kustomizations are parsed on all processors
 * before a render asks for them one by one.
 *
 * It only saves time. What isn't read ahead (remote resources, what is beyond the limits or may have
 * aliases, whatever has a fault) is read when its turn comes, which is also when a fault is reported. */
#ifndef KUSTOMIZE_AHEAD_H
#define KUSTOMIZE_AHEAD_H

#include <jansson.h>

#include "lib/kustomize/kustomize.h"

#define AHEAD_MAX_FILES 20000
#define AHEAD_MAX_BYTES ((size_t)64 << 20) /* of text, in all */

struct ahead;

/* Follows the kustomization in the options' path through its loader. Never NULL. */
struct ahead *ahead_read(const struct kustomize_options *options);
void ahead_free(struct ahead *a); /* accepts NULL */

/* The documents of a file of the options' loader (parsed_read), or NULL. Each file is given once,
 * since its trees will be changed. New reference. */
json_t *ahead_take(struct ahead *a, const char *path);

#endif
