#include "tests/unit/tf/support.h"

#include "lib/base/banned.h"

static const char *written(const struct tf_path *p)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT;

    tf_path_write(p, &out);
    return arena_strdup(arena, buf_str(&out));
}

static const struct tf_path *attribute(const struct tf_path *parent, const char *name)
{
    return tf_path_attribute(arena, parent, name);
}

START_TEST(paths_as_text)
{
    const struct tf_path *users = attribute(NULL, "users");

    ck_assert_str_eq(written(NULL), "");
    ck_assert_str_eq(written(users), "users");
    ck_assert_str_eq(written(attribute(tf_path_key(arena, users, "a@b.c"), "profile")),
                     "users[\"a@b.c\"].profile");
    ck_assert_str_eq(
        written(attribute(tf_path_index(arena, attribute(NULL, "patches"), 0), "patch")),
        "patches[0].patch");
    ck_assert_str_eq(written(tf_path_key(arena, users, "say \"hi\"\xFF")),
                     "users[\"say \\\"hi\\\"\xEF\xBF\xBD\"]");
    ck_assert_str_eq(written(TF_ATTR("release")), "release");
}
END_TEST

START_TEST(paths_compare_by_steps)
{
    const struct tf_path *a = tf_path_index(arena, TF_ATTR("a"), 1);

    ck_assert(tf_path_equal(a, tf_path_index(arena, TF_ATTR("a"), 1)));
    ck_assert(!tf_path_equal(a, tf_path_index(arena, TF_ATTR("a"), 2)));
    ck_assert(!tf_path_equal(a, tf_path_index(arena, TF_ATTR("b"), 1)));
    ck_assert(!tf_path_equal(a, TF_ATTR("a")));
    ck_assert(!tf_path_equal(tf_path_key(arena, NULL, "a"), attribute(NULL, "a")));
    ck_assert(tf_path_equal(NULL, NULL));
    ck_assert(tf_path_equal(tf_path_copy(arena, a), a));
    ck_assert_ptr_null(tf_path_copy(arena, NULL));
    ck_assert_uint_eq(tf_path_depth(a), 2);
    ck_assert_uint_eq(tf_path_depth(NULL), 0);
}
END_TEST

START_TEST(paths_lead_to_values)
{
    const struct tf_type *t =
        type_of("['object',{'l':['list',['object',{'x':'string'}]],'m':['map','string'],"
                "'s':['set','string'],'u':['list','string']}]");
    const struct tf_value *v =
        value_of(t, "{'l':[{'x':'1'},{'x':'2'}],'m':{'k':'3'},'s':['4'],'u':'?'}");

    ck_assert_ptr_eq(tf_path_get(v, NULL), v);
    ck_assert_str_eq(
        tf_str(tf_path_get(v, attribute(tf_path_index(arena, TF_ATTR("l"), 1), "x")), ""), "2");
    ck_assert_str_eq(tf_str(tf_path_get(v, tf_path_key(arena, TF_ATTR("m"), "k")), ""), "3");
    ck_assert_ptr_null(tf_path_get(v, tf_path_index(arena, TF_ATTR("l"), 2)));
    ck_assert_ptr_null(tf_path_get(v, tf_path_index(arena, TF_ATTR("l"), -1)));
    ck_assert_ptr_null(tf_path_get(v, tf_path_index(arena, TF_ATTR("s"), 0)));
    ck_assert_ptr_null(tf_path_get(v, tf_path_index(arena, TF_ATTR("u"), 0)));
    ck_assert_ptr_null(tf_path_get(v, attribute(TF_ATTR("none"), "x")));
}
END_TEST

START_TEST(diagnostics_own_their_texts)
{
    struct tf_diags diags;
    char *name = mem_strdup("attr"), *text = mem_strdup("detail \xC0.");
    struct tf_path path = {NULL, TF_STEP_ATTRIBUTE, name, 0};

    tf_diags_init(&diags, arena);
    ck_assert(!tf_failed(&diags));
    tf_warning(&diags, NULL, "Careful", "%d of %d", 1, 2);
    ck_assert(!tf_failed(&diags));
    for (int i = 0; i < 20; i++)
        tf_error(&diags, &path, "Broken", "%s", text);
    free(name);
    free(text);
    ck_assert(tf_failed(&diags));
    ck_assert_uint_eq(diags.len, 21);
    ck_assert_uint_eq(diags.errors, 20);
    ck_assert_str_eq(diags.at[0].detail, "1 of 2");
    ck_assert_int_eq(diags.at[0].severity, TF_WARNING);
    ck_assert_str_eq(diags.at[20].detail, "detail \xEF\xBF\xBD.");
    ck_assert_str_eq(written(diags.at[20].path), "attr");
}
END_TEST

START_TEST(errors_become_sentences)
{
    struct err err = ERR_INIT;
    struct tf_diags diags;

    tf_diags_init(&diags, arena);
    err_set(&err, ERR_FAIL, "open x: no such file");
    tf_error_from(&diags, NULL, "Can't read", &err);
    ck_assert_ptr_null(err.msg);
    err_set(&err, ERR_FAIL, "Really?");
    tf_error_from(&diags, TF_ATTR("a"), "Can't read", &err);
    err_set(&err, ERR_FAIL, "app.yaml: no such file"); /* a name stays as it is */
    tf_error_from(&diags, NULL, "Can't read", &err);
    err_set(&err, ERR_FAIL, "%s", "");
    tf_error_from(&diags, NULL, "Can't read", &err);
    ck_assert_str_eq(diags_text(&diags), "error : Can't read: Open x: no such file.\n"
                                         "error a: Can't read: Really?\n"
                                         "error : Can't read: app.yaml: no such file.\n"
                                         "error : Can't read: .\n");
}
END_TEST

START_TEST(values_as_text)
{
    const struct tf_type *t = type_of("['object',{'a':['map','number'],'b':'bool'}]");
    char longer[1001], *p;

    ck_assert_str_eq(text_of(value_of(t, "{'a':{'x y':'1.5'},'b':null}")),
                     "{a = {\"x y\" = 1.5}, b = null}");
    ck_assert_str_eq(text_of(value_of(t, "'?'")), "(known after apply)");
    for (p = longer; p < longer + 1000; p += 2)
        memcpy(p, "\xC3\xA9", 2);
    *p = '\0';
    ck_assert_uint_eq(strlen(text_of(tf_string(arena, longer))), 1 + 200 + 1 + 3);
    ck_assert_uint_lt(strlen(text_of(value_of(&tf_type_string_list,
                                              arena_printf(arena, "['%s','%s','%s','x','y']",
                                                           longer, longer, longer)))),
                      1000);
}
END_TEST

RUN("tf/diag", TEST(paths_as_text), TEST(paths_compare_by_steps), TEST(paths_lead_to_values),
    TEST(diagnostics_own_their_texts), TEST(errors_become_sentences), TEST(values_as_text))
