/* Growing byte buffers with a ceiling.
 *
 * A buffer is always NUL-terminated behind its length, so `data` can be read as a string. Each
 * has a hard ceiling; what would pass it is refused (ERR_LIMIT) by the functions that return int,
 * and is a bug in those that can't (they are for text of our own making). */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "lib/base/attr.h"

/* Ceilings by what the buffer holds. */
#define BUF_MAX_TEXT     ((size_t)16 << 20)  /* messages, paths, logs */
#define BUF_MAX_DOCUMENT ((size_t)256 << 20) /* manifests, responses */

struct buf {
    char *data; /* never NULL after the first append; BUF_INIT leaves it NULL */
    size_t len, cap, max;
};

#define BUF_INIT                                                                                   \
    {                                                                                              \
        NULL, 0, 0, BUF_MAX_TEXT                                                                   \
    }

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b); /* frees; the buffer is empty and usable again */
void buf_clear(struct buf *b);

/* 0, or ERR_LIMIT when the ceiling would be passed (the buffer is unchanged). */
int buf_add(struct buf *b, const void *data, size_t len) WARN_UNUSED;

void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_putn(struct buf *b, const char *s, size_t n);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_FMT(2, 3);

/* The content as a string, "" when empty; borrowed. */
const char *buf_str(const struct buf *b);

/* Hands the heap string to the caller and empties the buffer; never NULL. */
char *buf_take(struct buf *b) WARN_UNUSED;

#endif
