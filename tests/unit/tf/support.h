/* What the suites of lib/tf share: an arena per test, and values written as JSON.
 *
 * In JSON texts apostrophes stand for quotation marks, the string "?" for unknown, and members
 * that are missing are null. The builder is independent of the codecs under test. */
#ifndef TESTS_UNIT_TF_SUPPORT_H
#define TESTS_UNIT_TF_SUPPORT_H

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tf/diag.h"
#include "lib/tf/schema.h"
#include "lib/tf/value.h"

static struct arena *arena;

static UNUSED void setup(void)
{
    arena = arena_new();
}

static UNUSED void teardown(void)
{
    arena_free(arena);
    arena = NULL;
}

static UNUSED char *quoted(const char *text)
{
    char *json = arena_strdup(arena, text);

    for (char *p = json; *p; p++)
        if (*p == '\'')
            *p = '"';
    return json;
}

static UNUSED json_t *tree_of(const char *text)
{
    json_error_t why;
    json_t *tree = json_loads(quoted(text), JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);

    ck_assert_msg(tree != NULL, "%s in %s", why.text, text);
    return tree;
}

static UNUSED const struct tf_value *value_from_tree(const json_t *j, const struct tf_type *t)
{
    size_t n = json_is_array(j) ? json_array_size(j) : json_object_size(j), i = 0;
    const struct tf_value **items = arena_calloc(arena, n + t->nmembers + 1, sizeof(*items));
    const char **keys = arena_calloc(arena, n + 1, sizeof(*keys));
    const char *key;
    json_t *item;

    if (!j || json_is_null(j))
        return tf_null(arena, t);
    if (json_is_string(j) && !strcmp(json_string_value(j), "?"))
        return tf_unknown(arena, t);
    switch (t->kind) {
    case TF_BOOL:
        ck_assert(json_is_boolean(j));
        return tf_bool(arena, json_is_true(j));
    case TF_NUMBER:
        return json_is_integer(j) ? tf_int(arena, json_integer_value(j))
                                  : tf_number(arena, json_string_value(j));
    case TF_STRING:
        return tf_stringn(arena, json_string_value(j), json_string_length(j));
    case TF_MAP:
        json_object_foreach ((json_t *)j, key, item) {
            keys[i] = key;
            items[i++] = value_from_tree(item, t->element);
        }
        return tf_map(arena, t, keys, items, n);
    case TF_OBJECT:
        for (i = 0; i < t->nmembers; i++)
            items[i] = value_from_tree(json_object_get(j, t->members[i].name), t->members[i].type);
        json_object_foreach ((json_t *)j, key, item)
            ck_assert_msg(tf_type_member(t, key) >= 0, "no member %s", key);
        return tf_collection_take(arena, t, items, t->nmembers);
    default:
        ck_assert(json_is_array(j));
        for (i = 0; i < n; i++)
            items[i] =
                value_from_tree(json_array_get(j, i), t->element ? t->element : t->members[i].type);
        return tf_collection(arena, t, items, n);
    }
}

static UNUSED const struct tf_value *value_of(const struct tf_type *t, const char *text)
{
    json_t *tree = tree_of(text);
    const struct tf_value *v = value_from_tree(tree, t);

    json_decref(tree);
    return v;
}

static UNUSED const struct tf_type *type_of(const char *text)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    const char *json = quoted(text);
    const struct tf_type *t = NULL;

    ck_assert_msg(!tf_type_from_json(arena, json, strlen(json), &t, &err), "%s: %s", text,
                  err_msg(&err));
    return t;
}

static UNUSED const char *text_of(const struct tf_value *v)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT;

    if (v)
        tf_value_write(v, &out);
    return v ? arena_strdup(arena, buf_str(&out)) : "nothing";
}

#define ck_assert_value_eq(v, expected)                                                            \
    do {                                                                                           \
        const struct tf_value *v_ = (v), *e_ = (expected);                                         \
        ck_assert_msg(tf_equal(v_, e_), "%s\n  instead of\n%s", text_of(v_), text_of(e_));         \
    } while (0)

/* The diagnostics as lines "error path: summary: detail". */
static UNUSED const char *diags_text(const struct tf_diags *d)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT;

    for (size_t i = 0; i < d->len; i++) {
        buf_puts(&out, d->at[i].severity == TF_ERROR ? "error " : "warning ");
        tf_path_write(d->at[i].path, &out);
        buf_printf(&out, ": %s: %s\n", d->at[i].summary, d->at[i].detail);
    }
    return arena_strdup(arena, buf_str(&out));
}

/* Exactly one diagnostic, an error on the path whose detail has the words in it. */
#define ck_assert_one_error(diags, where, words)                                                   \
    do {                                                                                           \
        const char *text_ = diags_text(diags);                                                     \
        ck_assert_msg((diags)->len == 1 && (diags)->errors == 1, "diagnostics:\n%s", text_);       \
        ck_assert_msg(!strncmp(text_, "error " where ":", strlen("error " where ":")), "%s",       \
                      text_);                                                                      \
        ck_assert_msg(strstr(text_, (words)) != NULL, "\"%s\" is not in:\n%s", (words), text_);    \
    } while (0)

#define ck_assert_no_diags(diags)                                                                  \
    ck_assert_msg(!(diags)->len, "diagnostics:\n%s", diags_text(diags))

struct test {
    const char *name;
    const TTest *fn;
};

static UNUSED int run_suite(const char *name, const struct test *tests, size_t n)
{
    Suite *s = suite_create(name);
    SRunner *r = srunner_create(s);
    int failed;

    for (size_t i = 0; i < n; i++) {
        TCase *t = tcase_create(tests[i].name);

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_set_timeout(t, 60);
        tcase_add_test(t, tests[i].fn);
        suite_add_tcase(s, t);
    }
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define TEST(fn)                                                                                   \
    {                                                                                              \
#fn, fn                                                                                    \
    }
#define RUN(name, ...)                                                                             \
    int main(void)                                                                                 \
    {                                                                                              \
        static const char suite[] = name;                                                          \
        const struct test tests[] = {__VA_ARGS__};                                                 \
                                                                                                   \
        return run_suite(suite, tests, ARRAY_LEN(tests));                                          \
    }

#endif
