/* Expected values: cty/json of go-cty 1.16. */
#include "tests/unit/tf/support.h"

#include "lib/tf/codec.h"

#include "lib/base/banned.h"

static const struct tf_value *decoded(const char *text, const struct tf_type *t, bool drop)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    const char *json = quoted(text);
    const struct tf_value *v = NULL;

    ck_assert_msg(!tf_json_decode(arena, json, strlen(json), t, drop, &v, &err), "%s: %s", text,
                  err_msg(&err));
    return v;
}

static const char *json_of(const struct tf_value *v, const struct tf_type *t)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT;

    tf_json_encode(v, t, &out);
    return arena_strdup(arena, buf_str(&out));
}

START_TEST(round_trip)
{
    static const struct {
        const char *type, *json;
    } cases[] = {
        {"'string'", "'x'"},
        {"'string'", "'a\\u0000b'"},
        {"'string'", "null"},
        {"'bool'", "true"},
        {"'number'", "0.1"},
        {"'number'", "-7"},
        {"'number'", "18446744073709551615"},
        {"'number'", "1000000000000000000000000000000"},
        {"'number'", "0.1234567890123456789012345678901234567890123456789"},
        {"['list','number']", "[1,2.5,null]"},
        {"['set','string']", "['a','b',null]"},
        {"['map','string']", "{'a':'2','z':'1','\xC3\xA9':null}"},
        {"['tuple',['bool','string']]", "[true,'x']"},
        {"['object',{'a':'string','b':['list','bool']}]", "{'a':null,'b':[]}"},
        {"'dynamic'", "null"},
        {"'dynamic'", "{'value':null,'type':'string'}"},
        {"'dynamic'", "{'value':{'a':[1,2],'b':true},'type':['object',{'a':['list','number'],"
                      "'b':'bool'}]}"},
        {"'dynamic'", "{'value':[true,'s',null],'type':['tuple',['bool','string','dynamic']]}"},
        {"['object',{'d':'dynamic'}]", "{'d':{'value':'q','type':'string'}}"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct tf_type *t = type_of(cases[i].type);

        ck_assert_str_eq(json_of(decoded(cases[i].json, t, false), t), quoted(cases[i].json));
    }
}
END_TEST

START_TEST(coercions_of_cty)
{
    static const struct {
        const char *type, *json, *text;
    } cases[] = {
        {"'number'", "'12.50'", "12.5"},
        {"'number'", "1E3", "1000"},
        {"'number'", "-0", "0"},
        {"'number'", "1e-1", "0.1"},
        {"'string'", "12", "\"12\""},
        {"'string'", "0.10", "\"0.10\""},
        {"'string'", "123456789012345678901234567890", "\"123456789012345678901234567890\""},
        {"'string'", "true", "\"true\""},
        {"'bool'", "'true'", "true"},
        {"'bool'", "'0'", "false"},
        {"'dynamic'", "{'type':'number','value':5}", "5"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_str_eq(text_of(decoded(cases[i].json, type_of(cases[i].type), false)),
                         cases[i].text);
}
END_TEST

/* State files are pretty-printed. */
START_TEST(missing_and_unknown_members)
{
    const struct tf_type *t =
        type_of("['object',{'a':'string','l':['list',['object',{'x':'number'}]]}]");
    static const char text[] =
        "{\n  'l': [\n    {'x': 1, 'old': 0.5},\n    {}\n  ],\n  'gone': {'a': [1e5]}\n}\n";
    struct err err CLEANUP(err_done) = ERR_INIT;
    const char *json = quoted(text);
    const struct tf_value *v;

    ck_assert_value_eq(decoded(text, t, true), value_of(t, "{'l':[{'x':1},{}]}"));
    ck_assert_int_eq(tf_json_decode(arena, json, strlen(json), t, false, &v, &err), ERR_INVALID);
    ck_assert_str_eq(err_msg(&err), "l[0]: unsupported attribute \"old\"");
}
END_TEST

START_TEST(errors_name_the_place)
{
    static const struct {
        const char *type, *json, *text;
    } cases[] = {
        {"['object',{'m':['map','string']}]", "{'m':{'k':[]}}",
         "m[\"k\"]: expected a string, got an array"},
        {"['list','number']", "[1,'x']", "[1]: expected a number, got other text"},
        {"'number'", "{}", "expected a number, got an object"},
        {"'number'", "true", "expected a number, got true"},
        {"'bool'", "1", "expected true or false, got a number"},
        {"'bool'", "'yes'", "expected true or false, got a string"},
        {"'string'", "[]", "expected a string, got an array"},
        {"['list','bool']", "{}", "expected a list, got an object"},
        {"['map','bool']", "[]", "expected a map, got an array"},
        {"['object',{}]", "[]", "expected an object, got an array"},
        {"['object',{}]", "{'a':1}", "unsupported attribute \"a\""},
        {"['tuple',['bool']]", "[]", "expected 1 items, got 0"},
        {"'dynamic'", "{'value':1}", "expected an object of type and value"},
        {"'dynamic'", "'x'", "expected an object of type and value"},
        {"'dynamic'", "{'value':1,'type':'number','x':1}", "expected an object of type and value"},
        {"'dynamic'", "{'value':1,'type':'float'}", "type: no such type \"float\""},
        {"'string'", "", "line 1: '[' or '{' expected near end of file"},
        {"'number'", "01", "invalid number at byte 0"},
        {"'number'", "1.", "invalid number at byte 0"},
        {"'number'", "[1.5,-]", "invalid number at byte 5"},
        {"'number'", "1e", "invalid number at byte 0"},
        {"'number'", "1e999999", "expected a number, got other text"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err CLEANUP(err_done) = ERR_INIT;
        const char *json = quoted(cases[i].json);
        const struct tf_value *v = NULL;

        ck_assert_msg(
            tf_json_decode(arena, json, strlen(json), type_of(cases[i].type), false, &v, &err) < 0,
            "%s", cases[i].json);
        ck_assert_msg(strstr(err_msg(&err), cases[i].text) || !*cases[i].json,
                      "%s\n  instead of\n%s", err_msg(&err), cases[i].text);
        ck_assert_ptr_null(v);
    }
}
END_TEST

/* Only what jansson can't hold exactly is put into quotes; text in strings is left alone. */
START_TEST(parsing_keeps_numbers)
{
    const char *json = quoted("{'n':12,'big':18446744073709551615,'f':0.10,'e':1e2,"
                              "'text':'1.5 \\\\\\' 2.5','k1.5':[-999999999999999999,-1.5]}");
    json_t *tree = tf_json_parse(json, strlen(json), NULL);

    ck_assert_ptr_nonnull(tree);
    ck_assert_int_eq(json_integer_value(json_object_get(tree, "n")), 12);
    ck_assert_str_eq(json_string_value(json_object_get(tree, "big")), "18446744073709551615");
    ck_assert_str_eq(json_string_value(json_object_get(tree, "f")), "0.10");
    ck_assert_str_eq(json_string_value(json_object_get(tree, "e")), "1e2");
    ck_assert_str_eq(json_string_value(json_object_get(tree, "text")), "1.5 \\\" 2.5");
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(tree, "k1.5"), 1)), "-1.5");
    json_decref(tree);
}
END_TEST

START_TEST(depth_is_limited)
{
    const struct tf_type *t = &tf_type_bool;
    const struct tf_value *v;

    for (int levels = 1; levels <= TF_VALUE_MAX_DEPTH + 2; levels++) {
        struct buf json CLEANUP(buf_done) = BUF_INIT;

        t = tf_type_new_collection(arena, TF_LIST, t);
        for (int i = 0; i < levels; i++)
            buf_putc(&json, '[');
        for (int i = 0; i < levels; i++)
            buf_putc(&json, ']');
        ck_assert_int_eq(tf_json_decode(arena, json.data, json.len, t, false, &v, NULL),
                         levels <= TF_VALUE_MAX_DEPTH + 1 ? 0 : ERR_LIMIT);
    }
}
END_TEST

/* A few bytes per element, but many members: what is missing counts too. */
START_TEST(number_of_values_is_limited)
{
    enum { MEMBERS = 4096, ELEMENTS = 4096 };
    struct tf_member *members = arena_calloc(arena, MEMBERS, sizeof(*members));
    struct buf json CLEANUP(buf_done) = BUF_INIT;
    const struct tf_type *t;
    const struct tf_value *v;

    for (int i = 0; i < MEMBERS; i++)
        members[i] = (struct tf_member){arena_printf(arena, "m%d", i), &tf_type_bool};
    t = tf_type_new_collection(arena, TF_LIST, tf_type_new_object(arena, members, MEMBERS));
    buf_putc(&json, '[');
    for (int i = 0; i < ELEMENTS; i++)
        buf_puts(&json, i ? ",{}" : "{}");
    buf_putc(&json, ']');
    ck_assert_int_eq(tf_json_decode(arena, json.data, json.len, t, false, &v, NULL), ERR_LIMIT);
}
END_TEST

RUN("tf/codec_json", TEST(round_trip), TEST(coercions_of_cty), TEST(missing_and_unknown_members),
    TEST(errors_name_the_place), TEST(parsing_keeps_numbers), TEST(depth_is_limited),
    TEST(number_of_values_is_limited))
