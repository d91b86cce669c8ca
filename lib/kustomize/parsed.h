/* Parsed files that are kept for the next render of the same process.
 *
 * The key is the SHA-256 of a file's bytes, so neither the loader nor the path matter, and what
 * changed on disk is never mistaken for what was there. Trees are handed out as copies: rendering
 * changes them. Thread-safe. */
#ifndef KUSTOMIZE_PARSED_H
#define KUSTOMIZE_PARSED_H

#include <jansson.h>
#include <stddef.h>

#include "lib/base/attr.h"

/* Text whose trees are kept, in all and of one file. A tree is some ten times as big as its text, and
 * a release's few huge CRDs are as quickly read again as copied. */
#define PARSED_MAX_BYTES ((size_t)4 << 20)
#define PARSED_MAX_FILE  ((size_t)64 << 10)

struct parsed;

struct parsed *parsed_new(void);
void parsed_free(struct parsed *p); /* accepts NULL */
DEFINE_CLEANUP(parsed_cleanup, struct parsed *, parsed_free)

/* A copy of what was kept for these bytes, or NULL. p may be NULL. New reference. */
json_t *parsed_get(struct parsed *p, const char *text, size_t len);

/* Keeps a copy, if the limits allow it. p may be NULL. */
void parsed_put(struct parsed *p, const char *text, size_t len, const json_t *documents);

#endif
