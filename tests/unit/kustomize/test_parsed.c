/* What was parsed is used again, by content, and never changed by a render. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/kustomize/kustomize.h"

#include "lib/base/banned.h"

static void add(struct loader *l, const char *path, const char *text)
{
    ck_assert_int_eq(loader_add(l, path, text, strlen(text), NULL), 0);
}

static char *render(struct loader *l, struct parsed *parsed)
{
    struct kustomize_options o = {.loader = l, .path = "", .parsed = parsed};
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *objects = NULL;

    ck_assert_msg(!kustomize_build(&o, &objects, &err), "%s", err_msg(&err));
    return json_dumps(objects, JSON_COMPACT | JSON_SORT_KEYS);
}

static const char *const blank_and_null =
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, annotations: {a: b}}, data: {k: v}}\n"
    "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: s\nspec:\n  a:\n  b: null\n";

START_TEST(a_second_render_is_the_first)
{
    struct loader *l CLEANUP(loader_cleanup) = loader_new_memory();
    struct parsed *parsed CLEANUP(parsed_cleanup) = parsed_new();
    char *without CLEANUP(mem_cleanup) = NULL, *first CLEANUP(mem_cleanup) = NULL;
    char *second CLEANUP(mem_cleanup) = NULL;

    add(l, "kustomization.yaml", "resources: [x.yaml]\nnamePrefix: p-\ncommonLabels: {l: m}\n");
    add(l, "x.yaml", blank_and_null);
    without = render(l, NULL);
    first = render(l, parsed);
    second = render(l, parsed);
    ck_assert_str_eq(first, without);
    ck_assert_str_eq(second, without);
}
END_TEST

START_TEST(what_changed_is_read_anew)
{
    struct loader *l CLEANUP(loader_cleanup) = loader_new_memory();
    struct parsed *parsed CLEANUP(parsed_cleanup) = parsed_new();
    char *before CLEANUP(mem_cleanup) = NULL, *after CLEANUP(mem_cleanup) = NULL;

    add(l, "kustomization.yaml", "resources: [x.yaml]\n");
    add(l, "x.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: old}}\n");
    before = render(l, parsed);
    add(l, "x.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: new}}\n");
    after = render(l, parsed);
    ck_assert_ptr_nonnull(strstr(before, "\"old\""));
    ck_assert_ptr_nonnull(strstr(after, "\"new\""));
}
END_TEST

START_TEST(copies_are_the_callers)
{
    static const char text[] = "a: b\n";
    struct parsed *parsed CLEANUP(parsed_cleanup) = parsed_new();
    json_auto_t *one = NULL, *two = NULL, *three = NULL;

    for (int i = 0; i < 2; i++) { /* what is parsed now, and what was kept */
        json_decref(one);
        ck_assert_int_eq(parsed_read(parsed, text, strlen(text), "x.yaml", &one, NULL), 0);
        json_object_set_new(json_array_get(one, 0), "a", json_string("changed"));
    }
    ck_assert_int_eq(parsed_read(parsed, text, strlen(text), "x.yaml", &two, NULL), 0);
    ck_assert_int_eq(parsed_read(NULL, text, strlen(text), "x.yaml", &three, NULL), 0);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(two, 0), "a")), "b");
    ck_assert(json_equal(two, three));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("parsed");
    TCase *t = tcase_create("parsed");
    SRunner *r;
    int failed;

    tcase_add_test(t, a_second_render_is_the_first);
    tcase_add_test(t, what_changed_is_read_anew);
    tcase_add_test(t, copies_are_the_callers);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
