/* UTF-8 checks for text that leaves the process.
 *
 * protobuf-c doesn't look at string fields, but Terraform drops a whole response that holds one
 * invalid byte, so everything that may come from outside passes through here. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

/* Well-formed per RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF. */
bool utf8_valid(const char *s, size_t len);

/* A heap copy with each invalid byte replaced by U+FFFD. */
char *utf8_sanitize(const char *s, size_t len) WARN_UNUSED;

/* Appends somebody else's text as one line: control characters become blanks, invalid bytes U+FFFD,
 * blanks and full stops at its end go, and what is beyond max bytes becomes "...". */
void utf8_put_line(struct buf *out, const char *text, size_t max);

/* Bytes of the valid sequence at s (1 to 4), or 0. */
size_t utf8_sequence(const char *s, size_t len);

#endif
