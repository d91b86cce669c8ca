/* Vectors: bytes that Terraform 1.11 sent, and bytes that cty/msgpack 1.16 makes of the value. */
#include "tests/unit/tf/support.h"

#include <math.h>

#include "lib/tf/codec.h"

#include "lib/base/banned.h"

struct bytes {
    unsigned char data[4096];
    size_t len;
};

static struct bytes bytes_of(const char *hex)
{
    struct bytes b = {.len = strlen(hex) / 2};

    ck_assert(b.len <= sizeof(b.data));
    for (size_t i = 0; i < b.len; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

        b.data[i] = (unsigned char)strtoul(digits, NULL, 16);
    }
    return b;
}

static const char *hex_of(const struct tf_value *v, const struct tf_type *t)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT;
    struct buf hex CLEANUP(buf_done) = BUF_INIT;

    tf_msgpack_encode(v, t, &out);
    for (size_t i = 0; i < out.len; i++)
        buf_printf(&hex, "%02x", (unsigned char)out.data[i]);
    return arena_strdup(arena, buf_str(&hex));
}

static const struct tf_value *decoded(const char *hex, const struct tf_type *t)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct bytes b = bytes_of(hex);
    /* a heap copy of the exact size lets the sanitizer see reads beyond it */
    unsigned char *exact CLEANUP(mem_cleanup) = mem_alloc(b.len);
    const struct tf_value *v = NULL;

    memcpy(exact, b.data, b.len);
    ck_assert_msg(!tf_msgpack_decode(arena, exact, b.len, t, &v, &err), "%s: %s", hex,
                  err_msg(&err));
    return v;
}

static void refused(const char *hex, const char *type, int code, const char *text)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct bytes b = bytes_of(hex);
    unsigned char *exact CLEANUP(mem_cleanup) = mem_alloc(b.len);
    const struct tf_value *v = NULL;

    memcpy(exact, b.data, b.len);
    ck_assert_msg(tf_msgpack_decode(arena, exact, b.len, type_of(type), &v, &err) == code,
                  "%s as %s: %s", hex, type, err_msg(&err));
    ck_assert_str_eq(err_msg(&err), text);
    ck_assert_ptr_null(v);
}

START_TEST(what_terraform_sends)
{
    const struct tf_type *t =
        type_of("['object',{'dyn':'dynamic','id':'string','name':'string','num':'number',"
                "'nums':['list','number'],'obj':['object',{'a':['tuple',['string','number']],"
                "'b':'bool'}],'oc':'string','tags':['map','string'],'wo':'string',"
                "'zset':['set','string']}]");
    static const char hex[] =
        "8aa364796e92c4365b226f626a656374222c7b226b223a5b227475706c65222c5b22626f6f6c222c2273"
        "7472696e67222c2264796e616d6963225d5d7d5d81a16b93c3a173c0a26964c0a46e616d65a2c3a9a36e"
        "756da3302e31a46e756d739601ffcb400c000000000000b4313834343637343430373337303935353136"
        "3135bf31303030303030303030303030303030303030303030303030303030303030cb3fd00000000000"
        "00a36f626a82a16192a178cb3ff8000000000000a162c3a26f63c0a47461677382a161a132a17aa131a2"
        "776fa673656b726574a47a73657493a161a162a163";
    const struct tf_value *v = decoded(hex, t), *nums = tf_get(v, "nums");
    static const char *const numbers[] = {"1", "-1", "3.5", "18446744073709551615", "1e30", "0.25"};

    ck_assert_str_eq(tf_get(v, "num")->number, "0.1");
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        ck_assert_str_eq(nums->items.at[i]->number, numbers[i]);
    ck_assert_str_eq(tf_str(tf_get(v, "name"), ""), "\xC3\xA9");
    ck_assert_str_eq(tf_str(tf_get(v, "wo"), ""), "sekret");
    ck_assert(tf_is_null(tf_get(v, "id")));
    ck_assert_int_eq(tf_get(v, "dyn")->type->kind, TF_OBJECT);
    ck_assert_str_eq(text_of(tf_get(v, "dyn")), "{k = [true, \"s\", null]}");
    ck_assert_str_eq(text_of(tf_get(v, "zset")), "[\"a\", \"b\", \"c\"]");
    ck_assert_str_eq(hex_of(v, t), hex);
}
END_TEST

/* Decoded, encoded again, and the same bytes as cty's. */
START_TEST(round_trip)
{
    static const struct {
        const char *type, *hex, *text;
    } cases[] = {
        {"'number'", "00", "0"},
        {"'number'", "7f", "127"},
        {"'number'", "cc80", "128"},
        {"'number'", "ccff", "255"},
        {"'number'", "cd0100", "256"},
        {"'number'", "cdffff", "65535"},
        {"'number'", "ce00010000", "65536"},
        {"'number'", "ceffffffff", "4294967295"},
        {"'number'", "cf0000000100000000", "4294967296"},
        {"'number'", "cf7fffffffffffffff", "9223372036854775807"},
        {"'number'", "ff", "-1"},
        {"'number'", "e0", "-32"},
        {"'number'", "d0df", "-33"},
        {"'number'", "d080", "-128"},
        {"'number'", "d1ff7f", "-129"},
        {"'number'", "d2ffff7fff", "-32769"},
        {"'number'", "d38000000000000000", "-9223372036854775808"},
        {"'number'", "b339323233333732303336383534373735383038", "9223372036854775808"},
        {"'number'", "b42d39323233333732303336383534373735383039", "-9223372036854775809"},
        {"'number'", "a42d302e31", "-0.1"},
        {"'number'", "cb3fc0000000000000", "0.125"},
        {"'number'", "b33132333435363738392e313233343536373839", "123456789.123456789"},
        {"'number'", "b631303030303030303030303030303030303030303030", "1e21"},
        {"'number'", "ad302e3030303030303030303035", "0.00000000005"},
        {"'number'",
         "d92b302e303030303030303030303030303030303030303030303030303030303030303030303030303030303"
         "5",
         "5e-41"},
        {"'number'", "cb7ff0000000000000", "inf"},
        {"'number'", "cbfff0000000000000", "-inf"},
        {"'string'",
         "d92830313233343536373839303132333435363738393031323334353637383930313233343536373839",
         "\"0123456789012345678901234567890123456789\""},
        {"'bool'", "c2", "false"},
        {"'string'", "c0", "null"},
        {"'string'", "d40000", "(known after apply)"},
        {"'dynamic'", "d40000", "(known after apply)"},
        {"'dynamic'", "c0", "null"},
        {"'dynamic'", "92c40822737472696e6722c0", "null"},
        {"'dynamic'", "92c40822737472696e6722d40000", "(known after apply)"},
        {"'dynamic'", "92c40822737472696e6722a178", "\"x\""},
        {"['set','string']", "95a161a162a163d40000c0",
         "[\"a\", \"b\", \"c\", (known after apply), null]"},
        {"['set','number']", "94ffcb3fe0000000000000090a", "[-1, 0.5, 9, 10]"},
        {"['set','bool']", "92c2c3", "[false, true]"},
        {"['map','string']", "83a161a132a17aa131a2c3a9c0",
         "{\"a\" = \"2\", \"z\" = \"1\", \"\xC3\xA9\" = null}"},
        {"['list','string']", "90", "[]"},
        {"['map','string']", "80", "{}"},
        {"['object',{}]", "80", "{}"},
        {"['object',{'d':'dynamic','n':'number'}]", "82a16492c40822737472696e6722a171a16ec0",
         "{d = \"q\", n = null}"},
        {"['list',['object',{'k':'string'}]]", "9181a16ba176", "[{k = \"v\"}]"},
        {"['list','number']", "dc0010000102030405060708090a0b0c0d0e0f",
         "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]"},
        {"'dynamic'",
         "92c42d5b226f626a656374222c7b2261223a5b226c697374222c226e756d626572225d2c2262223a22626f6f6"
         "c"
         "227d5d82a161920102a162c3",
         "{a = [1, 2], b = true}"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct tf_type *t = type_of(cases[i].type);
        const struct tf_value *v = decoded(cases[i].hex, t);

        ck_assert_str_eq(text_of(v), cases[i].text);
        ck_assert_str_eq(hex_of(v, t), cases[i].hex);
    }
}
END_TEST

/* Forms that core doesn't send, but that msgpack and cty's decoder allow. */
START_TEST(other_forms_of_the_same)
{
    static const struct {
        const char *type, *hex, *canonical;
    } cases[] = {
        {"'number'", "d3000000000000000a", "0a"},
        {"'number'", "cf000000000000000a", "0a"},
        {"'number'", "d07f", "7f"},
        {"'number'", "cfffffffffffffffff", "b43138343436373434303733373039353531363135"},
        {"'number'", "cb3fb999999999999a", "a3302e31"},
        {"'number'", "ca3e800000", "cb3fd0000000000000"},
        {"'number'", "cb8000000000000000", "00"},
        {"'number'", "cb4010000000000000", "04"},
        {"'number'", "a3312e30", "01"},
        {"'number'", "c403302e31", "a3302e31"},
        {"'string'", "d90161", "a161"},
        {"'string'", "da000161", "a161"},
        {"'string'", "db0000000161", "a161"},
        {"'string'", "c40161", "a161"},
        {"'string'", "c5000161", "a161"},
        {"'string'", "c60000000161", "a161"},
        {"['list','bool']", "dd00000001c3", "91c3"},
        {"['map','bool']", "df00000001a161c3", "81a161c3"},
        {"['map','bool']", "de0001c40161c3", "81a161c3"},
        {"['map','bool']", "82a162c3a161c2", "82a161c2a162c3"},
        {"['object',{'a':'bool','b':'bool'}]", "82a162c3a161c2", "82a161c2a162c3"},
        {"['set','string']", "93a162a161a162", "92a161a162"},
        /* unknowns: any extension of at most a byte */
        {"'string'", "d40500", "d40000"},
        {"'string'", "c70000", "d40000"},
        {"'string'", "c7010000", "d40000"},
        {"'string'", "c800010000", "d40000"},
        {"'string'", "c9000000010000", "d40000"},
        /* type as a string */
        {"'dynamic'", "92a822737472696e6722a178", "92c40822737472696e6722a178"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct tf_type *t = type_of(cases[i].type);

        ck_assert_str_eq(hex_of(decoded(cases[i].hex, t), t), cases[i].canonical);
    }
}
END_TEST

START_TEST(refinements)
{
    static const struct {
        const char *type, *hex;
        unsigned has;
    } cases[] = {
        {"'string'", "c7030c8101c2", TF_REFINE_NOT_NULL},
        {"'bool'", "c7030c8101c2", TF_REFINE_NOT_NULL},
        {"['object',{}]", "c7030c8101c2", TF_REFINE_NOT_NULL},
        {"'string'", "c7090c8201c202a47072652d", TF_REFINE_NOT_NULL | TF_REFINE_PREFIX},
        {"'number'", "c7070c8201c2039200c3", TF_REFINE_NOT_NULL | TF_REFINE_MIN},
        {"'number'", "c70e0c820392a3302e31c30492cd012cc2", TF_REFINE_MIN | TF_REFINE_MAX},
        {"['list','string']", "c7090c8301c2050106cd03e8",
         TF_REFINE_NOT_NULL | TF_REFINE_MIN_LENGTH | TF_REFINE_MAX_LENGTH},
        {"['map','string']", "c7030c810502", TF_REFINE_MIN_LENGTH},
    };
    const struct tf_refinement *r;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct tf_type *t = type_of(cases[i].type);
        const struct tf_value *v = decoded(cases[i].hex, t);

        ck_assert_ptr_nonnull(v->refinement);
        ck_assert_uint_eq(v->refinement->has, cases[i].has);
        ck_assert_str_eq(hex_of(v, t), cases[i].hex);
    }
    r = decoded("c7090c8201c202a47072652d", &tf_type_string)->refinement;
    ck_assert_str_eq(r->prefix, "pre-");
    r = decoded("c70e0c820392a3302e31c30492cd012cc2", &tf_type_number)->refinement;
    ck_assert_str_eq(r->min, "0.1");
    ck_assert(r->min_inclusive);
    ck_assert_str_eq(r->max, "300");
    ck_assert(!r->max_inclusive);
    r = decoded("c7090c8301c2050106cd03e8", &tf_type_string_list)->refinement;
    ck_assert_int_eq(r->min_length, 1);
    ck_assert_int_eq(r->max_length, 1000);
}
END_TEST

START_TEST(refinements_in_other_forms)
{
    static const struct tf_refinement useless = {.has = TF_REFINE_PREFIX, .prefix = "x"};
    struct tf_value number = {.type = &tf_type_number, .state = TF_UNKNOWN, .refinement = &useless};

    /* known to be null is null */
    ck_assert(tf_is_null(decoded("c7030c8101c3", &tf_type_string)));
    /* fixed sizes of extensions */
    ck_assert_uint_eq(decoded("d60c8101c2c0", &tf_type_string)->refinement->has,
                      TF_REFINE_NOT_NULL);
    ck_assert_uint_eq(
        decoded("d80c8101c200000000000000000000000000", &tf_type_string)->refinement->has,
        TF_REFINE_NOT_NULL);
    /* keys of the future are skipped, with what belongs to them */
    ck_assert_uint_eq(decoded("c7080c824092c0a16101c2", &tf_type_string)->refinement->has,
                      TF_REFINE_NOT_NULL);
    /* nothing is known of a dynamic value */
    ck_assert_ptr_null(decoded("c7030c8101c2", &tf_type_dynamic)->refinement);
    /* an empty map, and what the type can't have, go out as plain unknown */
    ck_assert_str_eq(hex_of(decoded("c7020c80c0", &tf_type_string), &tf_type_string), "d40000");
    ck_assert_str_eq(hex_of(&number, &tf_type_number), "d40000");
}
END_TEST

START_TEST(long_prefixes_are_cut_before_a_character)
{
    struct tf_refinement r = {.has = TF_REFINE_PREFIX};
    struct tf_value v = {.type = &tf_type_string, .state = TF_UNKNOWN, .refinement = &r};
    char prefix[601], *p;
    const char *hex;

    for (p = prefix; p < prefix + 600; p += 3)
        memcpy(p, "\xE2\x82\xAC", 3);
    *p = '\0';
    r.prefix = prefix;
    hex = hex_of(&v, &tf_type_string);
    /* 85 characters fit into 256 bytes; the last one is left out: 252 bytes, a str8 */
    ck_assert_uint_eq(strlen(decoded(hex, &tf_type_string)->refinement->prefix), 252);
}
END_TEST

START_TEST(nothing_is_null)
{
    const struct tf_value *v;

    ck_assert_int_eq(tf_msgpack_decode(arena, NULL, 0, &tf_type_string_map, &v, NULL), 0);
    ck_assert(tf_is_null(v));
}
END_TEST

START_TEST(errors_name_the_place)
{
    refused("81a178a131", "['map','bool']", ERR_INVALID,
            "[\"x\"]: expected true or false, got a string");
    refused("81a76f626a6563747381a17880", "['object',{'objects':['map','string']}]", ERR_INVALID,
            "objects[\"x\"]: expected a string, got a map");
    refused("81a16c92a16101", "['object',{'l':['list','string']}]", ERR_INVALID,
            "l[1]: expected a string, got a number");
    refused("c3", "'string'", ERR_INVALID, "expected a string, got true or false");
    refused("a161", "'number'", ERR_INVALID, "expected a number, got something else");
    refused("cb7ff8000000000000", "'number'", ERR_INVALID, "expected a number, got something else");
    refused("80", "['object',{'a':'bool'}]", ERR_INVALID, "expected 1 attributes, got 0");
    refused("81a162c3", "['object',{'a':'bool'}]", ERR_INVALID, "unsupported attribute \"b\"");
    refused("82a161c3a161c3", "['object',{'a':'bool','b':'bool'}]", ERR_INVALID,
            "repeated attribute \"a\"");
    refused("8101c3", "['map','bool']", ERR_INVALID, "expected a key, got a number");
    refused("81a2610061", "['map','string']", ERR_INVALID, "a key that is not text");
    refused("82a161c3a161c3", "['map','bool']", ERR_INVALID, "the same key twice");
    refused("a1ff", "'string'", ERR_INVALID, "text that is not UTF-8");
    refused("91c3", "['tuple',['bool','bool']]", ERR_INVALID, "expected 2 items, got 1");
    refused("c3c3", "'bool'", ERR_INVALID, "1 bytes behind the value");
    refused("a178", "'dynamic'", ERR_INVALID, "expected a type and a value, got a string");
    refused("9201c0", "'dynamic'", ERR_INVALID, "expected a type, got a number");
    refused("92a478787878c0", "'dynamic'", ERR_INVALID, "type: invalid token near 'xxxx'");
    refused("81a16492a478787878c0", "['object',{'d':'dynamic'}]", ERR_INVALID,
            "d: type: invalid token near 'xxxx'");
}
END_TEST

START_TEST(broken_input_is_refused)
{
    static const char *const cut[] = {
        "c1",         "a2",     "a261",
        "d9",         "d902",   "db7fffffff61",
        "cb00",       "cd01",   "dd",
        "ddffffffff", "91",     "dcffff",
        "81",         "81a161", "dfffffffff",
        "d4",         "d400",   "c7",
        "c705",       "c7ff0c", "c9ffffffff0c00",
        "92",         "92c408", "c6ffffffff",
        "dd10000000",
    };
    static const char *const types[] = {"'string'", "'number'", "['list','number']",
                                        "['map','string']", "'dynamic'"};

    for (size_t i = 0; i < ARRAY_LEN(cut); i++)
        for (size_t j = 0; j < ARRAY_LEN(types); j++) {
            struct err err CLEANUP(err_done) = ERR_INIT;
            struct bytes b = bytes_of(cut[i]);
            const struct tf_value *v;

            ck_assert_msg(tf_msgpack_decode(arena, b.data, b.len, type_of(types[j]), &v, &err) < 0,
                          "%s as %s", cut[i], types[j]);
        }
}
END_TEST

START_TEST(broken_refinements_are_refused)
{
    static const struct {
        const char *type, *hex;
    } cases[] = {
        {"'string'", "c702058101"},            /* another type of extension */
        {"'string'", "c7020cc3c3"},            /* no map */
        {"'string'", "c7020c8101"},            /* cut off */
        {"'string'", "c7030c810101"},          /* nullness that is no bool */
        {"'string'", "c7030c81a161"},          /* a key that is no number */
        {"'number'", "c7040c8102a161"},        /* prefix of a number */
        {"'string'", "c7050c81039200c3"},      /* bound of a string */
        {"'string'", "c7030c810501"},          /* length of a string */
        {"'number'", "c7030c810301"},          /* bound that is no pair */
        {"'number'", "c7050c810392c0c3"},      /* unknown bound */
        {"['list','string']", "c7030c8105ff"}, /* negative length */
        {"'string'", "c7040c8102a1ff"},        /* prefix that is not text */
        {"'string'", "c7040c8140dd"},          /* unknown key, cut off */
    };
    struct bytes large = {.data = {0xc8, 0x04, 0x01, 0x0c, 0x80}, .len = 4 + 1025};
    const struct tf_value *v;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes b = bytes_of(cases[i].hex);

        ck_assert_msg(tf_msgpack_decode(arena, b.data, b.len, type_of(cases[i].type), &v, NULL) ==
                          ERR_INVALID,
                      "%s", cases[i].hex);
    }
    ck_assert_int_eq(tf_msgpack_decode(arena, large.data, large.len, &tf_type_string, &v, NULL),
                     ERR_LIMIT);
}
END_TEST

/* Lists in lists, each level two bytes: its head, and its type in front. */
START_TEST(depth_is_limited)
{
    for (int levels = 1; levels <= 3 * TF_VALUE_MAX_DEPTH; levels += TF_VALUE_MAX_DEPTH / 2 - 1) {
        struct buf data CLEANUP(buf_done) = BUF_INIT;
        const struct tf_value *v;

        for (int i = 0; i < levels; i++) {
            static const char nested[] = "\x92\xc4\x12[\"list\",\"dynamic\"]\x91";

            buf_putn(&data, nested, sizeof(nested) - 1);
        }
        buf_putc(&data, '\xc0');
        ck_assert_int_eq(tf_msgpack_decode(arena, data.data, data.len, &tf_type_dynamic, &v, NULL),
                         2 * levels <= TF_VALUE_MAX_DEPTH ? 0 : ERR_LIMIT);
    }
}
END_TEST

/* 100 million values announced in a few bytes must not be allocated for. */
START_TEST(number_of_values_is_limited)
{
    size_t n = TF_CODEC_MAX_VALUES + 1;
    unsigned char *data CLEANUP(mem_cleanup) = mem_alloc(5 + n);
    const struct tf_value *v;

    memset(data, 0xc0, 5 + n);
    data[0] = 0xdd;
    for (int i = 0; i < 4; i++)
        data[1 + i] = (unsigned char)(n >> (24 - 8 * i));
    ck_assert_int_eq(tf_msgpack_decode(arena, data, 5 + n, &tf_type_string_list, &v, NULL),
                     ERR_LIMIT);
}
END_TEST

/* Our own values that don't fit are written as they are, and decoding finds them. */
START_TEST(values_that_do_not_conform_are_found_by_decoding)
{
    const struct tf_type *t = type_of("['object',{'a':['list','string']}]");
    const struct tf_value *v = value_of(t, "{'a':['x']}"), *again;
    static const struct tf_type numbers = TF_LIST_OF(&tf_type_number);
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct buf out CLEANUP(buf_done) = BUF_INIT;

    tf_msgpack_encode(tf_with(arena, v, "a", value_of(&numbers, "[1]")), t, &out);
    ck_assert_int_eq(tf_msgpack_decode(arena, out.data, out.len, t, &again, &err), ERR_INVALID);
    ck_assert_str_eq(err_msg(&err), "a[0]: expected a string, got a number");
    buf_clear(&out);
    tf_msgpack_encode(tf_string(arena, "x"), t, &out);
    ck_assert_int_eq(tf_msgpack_decode(arena, out.data, out.len, t, &again, &err), ERR_INVALID);
    buf_clear(&out);
    tf_msgpack_encode(value_of(type_of("['object',{'b':'bool','c':'bool'}]"), "{}"), t, &out);
    ck_assert_int_eq(tf_msgpack_decode(arena, out.data, out.len, t, &again, &err), ERR_INVALID);
}
END_TEST

START_TEST(a_map_of_100000_entries)
{
    enum { N = 100000 };
    struct buf out CLEANUP(buf_done) = BUF_INIT, again CLEANUP(buf_done) = BUF_INIT;
    const struct tf_value **items = arena_calloc(arena, N, sizeof(*items)), *v;
    const char **keys = arena_calloc(arena, N, sizeof(*keys));

    for (int i = 0; i < N; i++) {
        keys[i] = arena_printf(arena, "apps/Deployment/kubeflow/object-%d", (i * 7919) % N);
        items[i] = tf_string(arena, "sha256:0123456789abcdef");
    }
    tf_msgpack_encode(tf_map(arena, &tf_type_string_map, keys, items, N), &tf_type_string_map,
                      &out);
    ck_assert_int_eq(tf_msgpack_decode(arena, out.data, out.len, &tf_type_string_map, &v, NULL), 0);
    ck_assert_uint_eq(tf_len(v), N);
    tf_msgpack_encode(v, &tf_type_string_map, &again);
    ck_assert_uint_eq(out.len, again.len);
    ck_assert(!memcmp(out.data, again.data, out.len));
}
END_TEST

RUN("tf/codec_msgpack", TEST(what_terraform_sends), TEST(round_trip), TEST(other_forms_of_the_same),
    TEST(refinements), TEST(refinements_in_other_forms),
    TEST(long_prefixes_are_cut_before_a_character), TEST(nothing_is_null),
    TEST(errors_name_the_place), TEST(broken_input_is_refused),
    TEST(broken_refinements_are_refused), TEST(depth_is_limited), TEST(number_of_values_is_limited),
    TEST(values_that_do_not_conform_are_found_by_decoding), TEST(a_map_of_100000_entries))
