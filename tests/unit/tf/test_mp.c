/* Expected items: the msgpack specification. */
#include "tests/unit/tf/support.h"

#include "lib/tf/mp.h"

#include "lib/base/banned.h"

#define READER(bytes)                                                                              \
    {                                                                                              \
        (const uint8_t *)(bytes), (const uint8_t *)(bytes) + sizeof(bytes) - 1                     \
    }

START_TEST(numbers)
{
    struct mp_reader r =
        READER("\x7f\xe0\xff\xcc\xff\xcd\xff\xff\xd0\x80\xd1\xff\x00\xd2\x80\x00\x00"
               "\x00\xd3\x80\x00\x00\x00\x00\x00\x00\x00\xd0\x05\xca\x3f\xc0\x00\x00");
    static const int64_t expected[] = {127,  -32,  -1,        255,       65535,
                                       -128, -256, INT32_MIN, INT64_MIN, 5};

    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        struct mp_item item = mp_read(&r);

        ck_assert_int_eq(item.kind, expected[i] < 0 ? MP_INT : MP_UINT);
        ck_assert_int_eq(expected[i] < 0 ? item.integer : (int64_t)item.uint, expected[i]);
    }
    ck_assert(mp_read(&r).real == 1.5);
    ck_assert_int_eq(mp_read(&r).kind, MP_END);
}
END_TEST

START_TEST(bytes)
{
    struct mp_reader r = READER("\xa2xy\xd9\x01z\xc4\x02pq\xd4\x0c\x07\xc7\x03\xfe"
                                "abc\xc0\xc3\x92\x81");
    struct mp_item item = mp_read(&r);

    ck_assert_int_eq(item.kind, MP_STR);
    ck_assert(item.len == 2 && !memcmp(item.data, "xy", 2));
    item = mp_read(&r);
    ck_assert(item.kind == MP_STR && item.len == 1 && *item.data == 'z');
    item = mp_read(&r);
    ck_assert(item.kind == MP_BIN && item.len == 2);
    item = mp_read(&r);
    ck_assert(item.kind == MP_EXT && item.len == 1 && item.ext_type == 12 && *item.data == 7);
    item = mp_read(&r);
    ck_assert(item.kind == MP_EXT && item.len == 3 && item.ext_type == -2);
    ck_assert_int_eq(mp_peek(&r), MP_NIL);
    ck_assert_int_eq(mp_read(&r).kind, MP_NIL);
    item = mp_read(&r);
    ck_assert(item.kind == MP_BOOL && item.boolean);
    ck_assert_int_eq(mp_read(&r).kind, MP_END); /* two items announced, one byte left */
}
END_TEST

START_TEST(skipping)
{
    struct mp_reader r = READER("\x93\x01\x82\xa1"
                                "a\xc0\xa1"
                                "b\x91\xd4\x00\x00\xcb\x00\x00\x00\x00\x00\x00\x00\x00\x05");
    struct mp_reader cut = READER("\x92\x01"), deep = READER("\x91\x91\x91\x01");

    ck_assert_int_eq(mp_skip(&r, 8), 0);
    ck_assert_uint_eq(mp_read(&r).uint, 5);
    ck_assert_int_eq(mp_skip(&r, 8), ERR_INVALID);
    ck_assert_int_eq(mp_skip(&cut, 8), ERR_INVALID);
    ck_assert_int_eq(mp_skip(&deep, 3), ERR_INVALID);
}
END_TEST

RUN("tf/mp", TEST(numbers), TEST(bytes), TEST(skipping))
