#include "lib/tf/mp.h"

#include <string.h>

#include "lib/base/err.h"

#include "lib/base/banned.h"

/* What follows a head byte of 0xc0 to 0xdf: a number or length of `size` bytes, or, with size 0,
 * nothing but what `fixed` says. The other heads have their number in themselves. */
struct head {
    uint8_t kind;
    uint8_t size;
    uint8_t fixed;
};

static const struct head heads[32] = {
    [0x00] = {MP_NIL, 0, 0},   [0x02] = {MP_BOOL, 0, 0},  [0x03] = {MP_BOOL, 0, 1},
    [0x04] = {MP_BIN, 1, 0},   [0x05] = {MP_BIN, 2, 0},   [0x06] = {MP_BIN, 4, 0},
    [0x07] = {MP_EXT, 1, 0},   [0x08] = {MP_EXT, 2, 0},   [0x09] = {MP_EXT, 4, 0},
    [0x0a] = {MP_FLOAT, 4, 0}, [0x0b] = {MP_FLOAT, 8, 0}, [0x0c] = {MP_UINT, 1, 0},
    [0x0d] = {MP_UINT, 2, 0},  [0x0e] = {MP_UINT, 4, 0},  [0x0f] = {MP_UINT, 8, 0},
    [0x10] = {MP_INT, 1, 0},   [0x11] = {MP_INT, 2, 0},   [0x12] = {MP_INT, 4, 0},
    [0x13] = {MP_INT, 8, 0},   [0x14] = {MP_EXT, 0, 1},   [0x15] = {MP_EXT, 0, 2},
    [0x16] = {MP_EXT, 0, 4},   [0x17] = {MP_EXT, 0, 8},   [0x18] = {MP_EXT, 0, 16},
    [0x19] = {MP_STR, 1, 0},   [0x1a] = {MP_STR, 2, 0},   [0x1b] = {MP_STR, 4, 0},
    [0x1c] = {MP_ARRAY, 2, 0}, [0x1d] = {MP_ARRAY, 4, 0}, [0x1e] = {MP_MAP, 2, 0},
    [0x1f] = {MP_MAP, 4, 0},
};

static size_t left(const struct mp_reader *r)
{
    return (size_t)(r->end - r->at);
}

static uint64_t big_endian(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

/* The heads outside the table. */
static struct mp_item fixed_item(uint8_t head)
{
    if (head < 0x80)
        return (struct mp_item){.kind = MP_UINT, .uint = head};
    if (head < 0x90)
        return (struct mp_item){.kind = MP_MAP, .len = head & 0x0f};
    if (head < 0xa0)
        return (struct mp_item){.kind = MP_ARRAY, .len = head & 0x0f};
    if (head < 0xc0)
        return (struct mp_item){.kind = MP_STR, .len = head & 0x1f};
    return (struct mp_item){.kind = MP_INT, .integer = (int8_t)head};
}

static void set_float(struct mp_item *item, uint64_t bits, size_t size)
{
    uint32_t narrow = (uint32_t)bits;
    float single;

    if (size == sizeof(double)) {
        memcpy(&item->real, &bits, sizeof(item->real));
    } else {
        memcpy(&single, &narrow, sizeof(single));
        item->real = (double)single;
    }
}

static void set_int(struct mp_item *item, uint64_t bits, size_t size)
{
    unsigned shift = 64 - 8 * (unsigned)size;
    int64_t v = (int64_t)(bits << shift) >> shift;

    if (v < 0) {
        item->integer = v;
    } else {
        item->kind = MP_UINT;
        item->uint = (uint64_t)v;
    }
}

static struct mp_item table_item(const struct head *h, const uint8_t *operand)
{
    struct mp_item item = {.kind = (enum mp_kind)h->kind};
    uint64_t bits = h->size ? big_endian(operand, h->size) : h->fixed;

    switch (item.kind) {
    case MP_BOOL:
        item.boolean = bits;
        break;
    case MP_UINT:
        item.uint = bits;
        break;
    case MP_INT:
        set_int(&item, bits, h->size);
        break;
    case MP_FLOAT:
        set_float(&item, bits, h->size);
        break;
    case MP_STR:
    case MP_BIN:
    case MP_EXT:
    case MP_ARRAY:
    case MP_MAP:
        item.len = (size_t)bits;
        break;
    case MP_END:
    case MP_NIL:
        break;
    }
    return item;
}

/* Takes the bytes behind the head, or checks that as many items can follow as announced. */
static bool take_body(struct mp_reader *r, struct mp_item *item)
{
    switch (item->kind) {
    case MP_EXT:
        if (!left(r))
            return false;
        item->ext_type = (int8_t)*r->at++;
        break;
    case MP_STR:
    case MP_BIN:
        break;
    case MP_ARRAY:
        return item->len <= left(r);
    case MP_MAP:
        return item->len <= left(r) / 2;
    default:
        return true;
    }
    if (item->len > left(r))
        return false;
    item->data = (const char *)r->at;
    r->at += item->len;
    return true;
}

struct mp_item mp_read(struct mp_reader *r)
{
    static const struct mp_item end = {.kind = MP_END};
    struct mp_item item;
    const struct head *h;
    uint8_t head;

    if (!left(r))
        return end;
    head = *r->at++;
    if (head < 0xc0 || head >= 0xe0) {
        item = fixed_item(head);
    } else {
        h = &heads[head - 0xc0];
        if (h->size > left(r))
            return end;
        item = table_item(h, r->at);
        r->at += h->size;
    }
    return take_body(r, &item) ? item : end;
}

enum mp_kind mp_peek(const struct mp_reader *r)
{
    struct mp_reader copy = *r;

    return mp_read(&copy).kind;
}

const char *mp_words(enum mp_kind kind)
{
    static const char *const words[] = {
        [MP_END] = "the end of the data",
        [MP_NIL] = "null",
        [MP_BOOL] = "true or false",
        [MP_UINT] = "a number",
        [MP_INT] = "a number",
        [MP_FLOAT] = "a number",
        [MP_STR] = "a string",
        [MP_BIN] = "binary data",
        [MP_ARRAY] = "an array",
        [MP_MAP] = "a map",
        [MP_EXT] = "an extension",
    };

    return words[kind];
}

int mp_skip(struct mp_reader *r, int max_depth)
{
    struct mp_item item = mp_read(r);
    size_t below = item.kind == MP_ARRAY ? item.len : item.kind == MP_MAP ? 2 * item.len : 0;
    int rc;

    if (item.kind == MP_END || max_depth <= 0)
        return ERR_INVALID;
    for (size_t i = 0; i < below; i++)
        if ((rc = mp_skip(r, max_depth - 1)))
            return rc;
    return 0;
}
