/* Interned strings: equal text has one address, so that the ids and paths that a render compares by
 * the hundred thousand are compared as pointers. The strings live as long as the arena. */
#ifndef KUSTOMIZE_INTERN_H
#define KUSTOMIZE_INTERN_H

#include <stddef.h>

#include "lib/base/mem.h"

struct intern;

struct intern *intern_new(struct arena *arena); /* freed with the arena */

const char *intern(struct intern *in, const char *s); /* NULL gives "" */
const char *intern_n(struct intern *in, const char *s, size_t n);

#endif
