#include "tests/unit/tf/support.h"

#include "lib/base/banned.h"

START_TEST(reading)
{
    const struct tf_type *t =
        type_of("['object',{'a':['object',{'b':['map','string']}],'n':'number','s':'string',"
                "'f':'bool','l':['list','string']}]");
    const struct tf_value *v =
        value_of(t, "{'a':{'b':{'x':'1','m':'2'}},'n':42,'s':'text','f':true,'l':['p','q']}");

    ck_assert_str_eq(tf_str(tf_dig(v, "a", "b", "x", NULL), ""), "1");
    ck_assert_str_eq(tf_str(tf_get(tf_dig(v, "a", "b", NULL), "m"), ""), "2");
    ck_assert_ptr_null(tf_dig(v, "a", "b", "y", NULL));
    ck_assert_ptr_null(tf_dig(v, "z", "b", NULL));
    ck_assert_int_eq(tf_int_or(tf_get(v, "n"), -1), 42);
    ck_assert(tf_bool_or(tf_get(v, "f"), false));
    ck_assert_uint_eq(tf_len(tf_get(v, "l")), 2);
    ck_assert_uint_eq(tf_len(tf_get(v, "s")), 0);
    /* fallbacks for another type and for what is absent */
    ck_assert_str_eq(tf_str(tf_get(v, "n"), "none"), "none");
    ck_assert_int_eq(tf_int_or(tf_get(v, "s"), 7), 7);
    ck_assert_int_eq(tf_int_or(tf_number(arena, "0.5"), 7), 7);
    ck_assert(tf_bool_or(NULL, true));
    ck_assert_ptr_null(tf_get(tf_get(v, "s"), "a"));
}
END_TEST

START_TEST(unknown_and_null_have_no_members)
{
    const struct tf_type *t = type_of("['object',{'a':'string'}]");

    ck_assert_ptr_null(tf_get(tf_null(arena, t), "a"));
    ck_assert_ptr_null(tf_get(tf_unknown(arena, t), "a"));
    ck_assert_ptr_null(tf_get(NULL, "a"));
    ck_assert(tf_is_null(NULL));
    ck_assert(!tf_is_unknown(NULL));
    ck_assert(!tf_is_known(NULL));
    ck_assert_uint_eq(tf_len(tf_unknown(arena, t)), 0);
}
END_TEST

START_TEST(maps_are_sorted_bytewise)
{
    const struct tf_value *v =
        value_of(&tf_type_string_map, "{'b':'2','\xC3\xA9':'4','a':'1','Z':'0','ba':'3'}");
    static const char *const keys[] = {"Z", "a", "b", "ba", "\xC3\xA9"};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        ck_assert_str_eq(v->items.keys[i], keys[i]);
        ck_assert_ptr_eq(tf_get(v, keys[i]), v->items.at[i]);
    }
}
END_TEST

/* Core's order: by value, then unknown, then null (setRules.Less). */
START_TEST(sets_are_sorted_without_duplicates)
{
    ck_assert_str_eq(text_of(value_of(&tf_type_string_set, "['c',null,'a','?','b','a',null]")),
                     "[\"a\", \"b\", \"c\", (known after apply), null]");
    ck_assert_str_eq(text_of(value_of(type_of("['set','number']"), "[10,9,'0.5',-1,9]")),
                     "[-1, 0.5, 9, 10]");
    ck_assert_str_eq(text_of(value_of(type_of("['set','bool']"), "[true,false,true]")),
                     "[false, true]");
}
END_TEST

/* Two unknowns may turn out to differ, and so may what holds them. */
START_TEST(unknowns_in_sets_are_no_duplicates)
{
    const struct tf_type *t = type_of("['set',['object',{'a':'string','b':'string'}]]");

    ck_assert_uint_eq(tf_len(value_of(&tf_type_string_set, "['?','?','a']")), 3);
    ck_assert_uint_eq(
        tf_len(value_of(t, "[{'a':'1','b':'?'},{'a':'1','b':'?'},{'a':'1'},{'a':'1'}]")), 3);
}
END_TEST

START_TEST(equality)
{
    static const struct {
        const char *type, *a, *b;
        bool equal;
    } cases[] = {
        {"'string'", "'a'", "'a'", true},
        {"'string'", "'a'", "'A'", false},
        {"'string'", "''", "null", false},
        {"'string'", "'?'", "'?'", true},
        {"'string'", "'?'", "null", false},
        {"'string'", "null", "null", true},
        {"'string'", "'a\\u0000b'", "'a'", false},
        {"'number'", "'0.10'", "'1e-1'", true},
        {"'number'", "'100'", "'1e2'", true},
        {"'number'", "'1'", "'1.0000000000000000000000000000000000001'", false},
        {"['list','string']", "['a','b']", "['b','a']", false},
        {"['set','string']", "['a','b']", "['b','a']", true},
        {"['set','string']", "['a']", "['a','b']", false},
        {"['set',['set','number']]", "[[1,2],[3]]", "[[3],[2,1]]", true},
        {"['map','string']", "{'a':'1'}", "{'a':'1'}", true},
        {"['map','string']", "{'a':'1'}", "{'b':'1'}", false},
        {"['map','string']", "{}", "null", false},
        {"['object',{'a':'string','b':'bool'}]", "{'a':'x'}", "{'b':null,'a':'x'}", true},
        {"['object',{'a':'string','b':'bool'}]", "{'a':'x'}", "{'b':true,'a':'x'}", false},
        {"['tuple',['bool','string']]", "[true,'x']", "[true,'x']", true},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct tf_type *t = type_of(cases[i].type);
        const struct tf_value *a = value_of(t, cases[i].a), *b = value_of(t, cases[i].b);

        ck_assert_msg(tf_equal(a, b) == cases[i].equal, "%s, %s", cases[i].a, cases[i].b);
        ck_assert_int_eq(tf_compare(a, b) < 0, tf_compare(b, a) > 0);
    }
    ck_assert(!tf_equal(tf_string(arena, "1"), tf_int(arena, 1)));
    ck_assert(!tf_equal(tf_null(arena, &tf_type_string), tf_null(arena, &tf_type_dynamic)));
    ck_assert(tf_equal(NULL, NULL));
    ck_assert(!tf_equal(NULL, tf_null(arena, &tf_type_string)));
}
END_TEST

START_TEST(refinements_do_not_count)
{
    static const struct tf_refinement not_null = {.has = TF_REFINE_NOT_NULL};
    struct tf_value refined = {
        .type = &tf_type_string, .state = TF_UNKNOWN, .refinement = &not_null};

    ck_assert(tf_equal(&refined, tf_unknown(arena, &tf_type_string)));
}
END_TEST

START_TEST(with_changes_one_member_and_shares_the_rest)
{
    const struct tf_type *t = type_of("['object',{'a':'string','b':'string'}]");
    const struct tf_value *v = value_of(t, "{'a':'1','b':'2'}");
    const struct tf_value *w = tf_with(arena, v, "b", tf_string(arena, "3"));

    ck_assert_value_eq(v, value_of(t, "{'a':'1','b':'2'}"));
    ck_assert_value_eq(w, value_of(t, "{'a':'1','b':'3'}"));
    ck_assert_ptr_eq(tf_get(v, "a"), tf_get(w, "a"));
    ck_assert_value_eq(tf_object_null_members(arena, t), value_of(t, "{}"));
}
END_TEST

START_TEST(unknowns_can_be_found_and_removed)
{
    const struct tf_type *t =
        type_of("['object',{'a':'string','l':['list','string'],'m':['map','string'],"
                "'s':['set','string']}]");
    const struct tf_value *v =
        value_of(t, "{'a':'?','l':['x','?'],'m':{'k':'?'},'s':['?','?','y']}");
    const struct tf_value *known = value_of(t, "{'a':'x','l':[null],'m':{},'s':null}");

    ck_assert(!tf_wholly_known(v));
    ck_assert(tf_wholly_known(known));
    ck_assert(tf_wholly_known(tf_null(arena, t)));
    ck_assert_value_eq(tf_without_unknowns(arena, v),
                       value_of(t, "{'a':null,'l':['x',null],'m':{'k':null},'s':['y',null]}"));
    ck_assert_ptr_eq(tf_without_unknowns(arena, known), known);
    ck_assert(tf_is_null(tf_without_unknowns(arena, tf_unknown(arena, t))));
}
END_TEST

START_TEST(conforming)
{
    const struct tf_type *t = type_of("['object',{'a':'string','d':'dynamic'}]");
    const struct tf_value *v = value_of(t, "{'a':'1'}");

    ck_assert(tf_conforms(v, t));
    ck_assert(tf_conforms(v, &tf_type_dynamic));
    ck_assert(tf_conforms(tf_with(arena, v, "d", tf_int(arena, 1)), t));
    ck_assert(!tf_conforms(tf_with(arena, v, "a", tf_int(arena, 1)), t));
    ck_assert(!tf_conforms(tf_with(arena, v, "a", NULL), t));
    ck_assert(!tf_conforms(v, &tf_type_string_map));
    ck_assert(!tf_conforms(NULL, t));
}
END_TEST

/* What comes from files and APIs may hold anything; what goes to Terraform is UTF-8. */
START_TEST(strings_are_made_utf8)
{
    ck_assert_str_eq(tf_str(tf_string(arena, "a\xFFz"), ""), "a\xEF\xBF\xBDz");
    ck_assert(tf_is_null(tf_string(arena, NULL)));
    ck_assert_uint_eq(tf_stringn(arena, "a\0b", 3)->string.len, 3);
}
END_TEST

RUN("tf/value", TEST(reading), TEST(unknown_and_null_have_no_members),
    TEST(maps_are_sorted_bytewise), TEST(sets_are_sorted_without_duplicates),
    TEST(unknowns_in_sets_are_no_duplicates), TEST(equality), TEST(refinements_do_not_count),
    TEST(with_changes_one_member_and_shares_the_rest), TEST(unknowns_can_be_found_and_removed),
    TEST(conforming), TEST(strings_are_made_utf8))
