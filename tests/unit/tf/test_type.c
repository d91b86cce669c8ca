/* Expected JSON: go-cty 1.16, cty/json.go. */
#include "tests/unit/tf/support.h"

#include "lib/base/banned.h"

static const char *json_of(const struct tf_type *t)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT;

    tf_type_to_json(t, &out);
    return arena_strdup(arena, buf_str(&out));
}

START_TEST(json_round_trip)
{
    static const char *const cases[] = {
        "'string'",
        "'number'",
        "'bool'",
        "'dynamic'",
        "['list','string']",
        "['set',['map','number']]",
        "['tuple',[]]",
        "['tuple',['bool','string','dynamic']]",
        "['object',{}]",
        "['object',{'a':['list','number'],'b':'bool'}]",
        "['object',{'\xC3\xA9 \\u0001':'bool'}]",
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_str_eq(json_of(type_of(cases[i])), quoted(cases[i]));
}
END_TEST

START_TEST(members_are_sorted_and_optional_names_ignored)
{
    ck_assert_str_eq(
        json_of(type_of(" [ 'object' , {'b':'bool','a':'string','_':'number'}, ['a'] ]")),
        quoted("['object',{'_':'number','a':'string','b':'bool'}]"));
}
END_TEST

START_TEST(other_json_is_refused)
{
    static const char *const cases[] = {
        "",
        "'text'",
        "1",
        "null",
        "{}",
        "[]",
        "['list']",
        "['list','string','string']",
        "['list','text']",
        "['tuple','string']",
        "['object',[]]",
        "['object',{'a':1}]",
        "['object',{'a':'bool','a':'bool'}]",
        "['object',{},{}]",
        "['tuple',[],[]]",
        "['capsule','x']",
        "'string' 'string'",
        "['list','string'",
        "['object',{'a\\u0000b':'bool'}]",
    };
    const struct tf_type *t;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err CLEANUP(err_done) = ERR_INIT;
        const char *json = quoted(cases[i]);

        ck_assert_msg(tf_type_from_json(arena, json, strlen(json), &t, &err) == ERR_INVALID, "%s",
                      cases[i]);
        ck_assert(!strncmp(err_msg(&err), "type: ", 6));
    }
}
END_TEST

START_TEST(depth_is_limited)
{
    for (int levels = TF_TYPE_MAX_DEPTH - 2; levels <= TF_TYPE_MAX_DEPTH + 1; levels++) {
        struct buf json CLEANUP(buf_done) = BUF_INIT;
        const struct tf_type *t;

        for (int i = 1; i < levels; i++)
            buf_puts(&json, "[\"list\",");
        buf_puts(&json, "\"bool\"");
        for (int i = 1; i < levels; i++)
            buf_putc(&json, ']');
        ck_assert_int_eq(tf_type_from_json(arena, json.data, json.len, &t, NULL),
                         levels <= TF_TYPE_MAX_DEPTH ? 0 : ERR_LIMIT);
    }
}
END_TEST

START_TEST(equality_and_fit)
{
    static const struct {
        const char *type, *slot;
        bool equal, fits;
    } cases[] = {
        {"'string'", "'string'", true, true},
        {"'string'", "'number'", false, false},
        {"'string'", "'dynamic'", false, true},
        {"'dynamic'", "'string'", false, false},
        {"['list','string']", "['list','string']", true, true},
        {"['list','string']", "['set','string']", false, false},
        {"['list','string']", "['list','dynamic']", false, true},
        {"['object',{'a':'bool'}]", "['object',{'a':'bool'}]", true, true},
        {"['object',{'a':'bool'}]", "['object',{'b':'bool'}]", false, false},
        {"['object',{'a':'bool'}]", "['object',{'a':'dynamic'}]", false, true},
        {"['object',{'a':'bool'}]", "['object',{'a':'bool','b':'bool'}]", false, false},
        {"['tuple',['bool']]", "['tuple',['bool']]", true, true},
        {"['tuple',['bool']]", "['tuple',['bool','bool']]", false, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct tf_type *t = type_of(cases[i].type), *slot = type_of(cases[i].slot);

        ck_assert_msg(tf_type_equal(t, slot) == cases[i].equal, "%s", cases[i].type);
        ck_assert_msg(tf_type_fits(t, slot) == cases[i].fits, "%s", cases[i].type);
        ck_assert_int_eq(tf_type_compare(t, slot) < 0, tf_type_compare(slot, t) > 0);
    }
}
END_TEST

START_TEST(looking_into_types)
{
    const struct tf_type *t =
        type_of("['object',{'c':'bool','a':'string','b':['list','dynamic']}]");

    ck_assert_int_eq(tf_type_member(t, "a"), 0);
    ck_assert_int_eq(tf_type_member(t, "b"), 1);
    ck_assert_int_eq(tf_type_member(t, "c"), 2);
    ck_assert_int_eq(tf_type_member(t, "d"), -1);
    ck_assert_int_eq(tf_type_member(t, ""), -1);
    ck_assert_int_eq(tf_type_member(&tf_type_string, "a"), -1);
    ck_assert(tf_type_has_dynamic(t));
    ck_assert(!tf_type_has_dynamic(&tf_type_string_map));
    ck_assert_str_eq(tf_kind_words(TF_BOOL), "true or false");
}
END_TEST

RUN("tf/type", TEST(json_round_trip), TEST(members_are_sorted_and_optional_names_ignored),
    TEST(other_json_is_refused), TEST(depth_is_limited), TEST(equality_and_fit),
    TEST(looking_into_types))
