/* Files that are parsed before a render asks for them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/kustomize/ahead.h"

#include "lib/base/banned.h"

static struct loader *tree(const char *const files[][2], size_t n)
{
    struct loader *l = loader_new_memory();

    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(loader_add(l, files[i][0], files[i][1], strlen(files[i][1]), NULL), 0);
    return l;
}

static const char *const nested[][2] = {
    {"top/kustomization.yaml",
     "resources: [a.yaml, ../base, missing.yaml, 'https://example.com/x.yaml', ../../out.yaml]\n"
     "components: [part]\n"},
    {"top/a.yaml", "name: a\n---\nname: second\n"},
    {"top/part/kustomization.yaml", "bases: [../../old]\n"},
    {"base/kustomization.yaml", "resources: [b.yaml, ../top, bad.yaml, '']\n"}, /* a circle */
    {"base/b.yaml", "name: b\n"},
    {"base/bad.yaml", "name: [\n"},
    {"base/unused.yaml", "name: unused\n"},
    {"old/kustomization.yaml", "resources: [c.yaml]\n"},
    {"old/c.yaml", "name: c\n"},
};

static void expect_name(json_t *documents, const char *name)
{
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(documents, 0), "name")),
                     name);
    json_decref(documents);
}

START_TEST(follows_the_whole_tree)
{
    struct loader *l CLEANUP(loader_cleanup) = tree(nested, ARRAY_LEN(nested));
    struct kustomize_options o = {.loader = l, .path = "top"};
    struct ahead *a = ahead_read(&o);

    expect_name(ahead_take(a, "top/a.yaml"), "a");
    expect_name(ahead_take(a, "base/b.yaml"), "b");
    expect_name(ahead_take(a, "old/c.yaml"), "c");
    ck_assert_ptr_null(ahead_take(a, "base/unused.yaml"));
    ck_assert_ptr_null(ahead_take(a, "base/bad.yaml"));
    ck_assert_ptr_null(ahead_take(a, "base"));
    ahead_free(a);
}
END_TEST

START_TEST(gives_each_file_once)
{
    struct loader *l CLEANUP(loader_cleanup) = tree(nested, ARRAY_LEN(nested));
    struct kustomize_options o = {.loader = l, .path = "top"};
    struct ahead *a = ahead_read(&o);

    expect_name(ahead_take(a, "top/a.yaml"), "a");
    ck_assert_ptr_null(ahead_take(a, "top/a.yaml"));
    ahead_free(a);
}
END_TEST

START_TEST(of_no_kustomization_is_nothing)
{
    static const char *const files[][2] = {{"a.yaml", "name: a\n"}};
    struct loader *l CLEANUP(loader_cleanup) = tree(files, ARRAY_LEN(files));
    struct kustomize_options o = {.loader = l, .path = ""};
    struct ahead *a = ahead_read(&o);

    ck_assert_ptr_null(ahead_take(a, "a.yaml"));
    ahead_free(a);
}
END_TEST

/* A file that two kustomizations name is theirs apart: what one changes, the other doesn't see. */
START_TEST(a_file_used_twice_is_read_twice)
{
    static const char *const files[][2] = {
        {"kustomization.yaml", "resources: [one, two]\n"},
        {"one/kustomization.yaml", "resources: [../base]\nnamePrefix: one-\n"},
        {"two/kustomization.yaml", "resources: [../base]\nnamePrefix: two-\n"},
        {"base/kustomization.yaml", "resources: [x.yaml]\n"},
        {"base/x.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}\n"},
    };
    struct loader *l CLEANUP(loader_cleanup) = tree(files, ARRAY_LEN(files));
    struct kustomize_options o = {.loader = l, .path = ""};
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *objects = NULL;
    char *text CLEANUP(mem_cleanup) = NULL;

    ck_assert_msg(!kustomize_build(&o, &objects, &err), "%s", err_msg(&err));
    text = json_dumps(objects, JSON_COMPACT);
    ck_assert_ptr_nonnull(strstr(text, "\"one-x\""));
    ck_assert_ptr_nonnull(strstr(text, "\"two-x\""));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ahead");
    TCase *t = tcase_create("ahead");
    SRunner *r;
    int failed;

    tcase_add_test(t, follows_the_whole_tree);
    tcase_add_test(t, gives_each_file_once);
    tcase_add_test(t, of_no_kustomization_is_nothing);
    tcase_add_test(t, a_file_used_twice_is_read_twice);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
