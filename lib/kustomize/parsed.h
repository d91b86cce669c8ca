/* Parsed files that are kept for the next render of the same process.
 *
 * The key is the SHA-256 of a file's bytes, so neither the loader nor the path matter, and what
 * changed on disk is never mistaken for what was there. Trees are handed out as copies: rendering
 * changes them. Thread-safe. */
#ifndef KUSTOMIZE_PARSED_H
#define KUSTOMIZE_PARSED_H

#include <jansson.h>
#include <stddef.h>

#include "lib/base/err.h"

/* Text whose trees are kept, in all and of one file. A tree without aliases is some ten times as big as
 * its text (others aren't kept), and a release's few huge CRDs are as quickly read again as copied. */
#define PARSED_MAX_BYTES ((size_t)4 << 20)
#define PARSED_MAX_FILE  ((size_t)64 << 10)

struct parsed;

struct parsed *parsed_new(void);
void parsed_free(struct parsed *p); /* accepts NULL */
DEFINE_CLEANUP(parsed_cleanup, struct parsed *, parsed_free)

/* The non-empty documents of a resource file (yaml_parse_blanks): a copy of what was kept for these
 * bytes, else parsed now and, if the limits allow it, kept. p may be NULL; `name` is for messages.
 * New reference. ERR_INVALID, ERR_LIMIT. */
int parsed_read(struct parsed *p, const char *text, size_t len, const char *name,
                json_t **ret_documents, struct err *err) WARN_UNUSED;

#endif
