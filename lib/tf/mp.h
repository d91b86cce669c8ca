/* Pulling msgpack items out of memory, one head at a time.
 *
 * msgpack-c's own unpacker isn't used on input: it allocates what a header announces before it has
 * seen the bytes (4 GiB of elements cost five bytes) and stops at 32 levels, which is less than
 * values may have. Here nothing is allocated, and a length beyond the input is an error at once. */
#ifndef TF_MP_H
#define TF_MP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"

enum mp_kind {
    MP_END, /* no byte left, or the item is cut off, or its head isn't valid */
    MP_NIL,
    MP_BOOL,
    MP_UINT,
    MP_INT, /* negative only */
    MP_FLOAT,
    MP_STR,
    MP_BIN,
    MP_ARRAY,
    MP_MAP,
    MP_EXT,
};

struct mp_item {
    enum mp_kind kind;
    union {
        bool boolean;
        uint64_t uint;
        int64_t integer;
        double real;
    };
    const char *data; /* str, bin, ext */
    size_t len;       /* bytes of those; items of an array, pairs of a map */
    int8_t ext_type;
};

struct mp_reader {
    const uint8_t *at, *end;
};

/* The next item; of an array or map only the head. A count that the input is too short for is
 * MP_END: each item takes at least a byte. */
struct mp_item mp_read(struct mp_reader *r);

/* The kind of the next item without taking it. */
enum mp_kind mp_peek(const struct mp_reader *r);

/* "a string", "a map", ... */
const char *mp_words(enum mp_kind kind);

/* Skips one item with all below it; ERR_INVALID if it is cut off or nested too deep. */
int mp_skip(struct mp_reader *r, int max_depth) WARN_UNUSED;

#endif
