/* kustomize_build as a library: codes, limits, the resolver, warnings. What it renders is in
 * tests/golden. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"
#include "lib/krm/path.h"
#include "lib/kustomize/kustomize.h"

#include "lib/base/banned.h"

#define OBJECT "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\n"

static struct loader *files;

static void start(void)
{
    files = loader_new_memory();
}

static void stop(void)
{
    loader_free(files);
}

static void add_to(struct loader *l, const char *path, const char *text)
{
    ck_assert_int_eq(loader_add(l, path, text, strlen(text), NULL), 0);
}

static void add(const char *path, const char *text)
{
    add_to(files, path, text);
}

static int build(const char *path, json_t **ret_objects, struct err *err)
{
    struct kustomize_options options = {.loader = files, .path = path};

    return kustomize_build(&options, ret_objects, err);
}

static void refused(int code, const char *message)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_t *objects = NULL;
    int rc = build("", &objects, &err);

    ck_assert_msg(rc == code, "%d: %s", rc, err_msg(&err));
    ck_assert_msg(strstr(err_msg(&err), message), "%s", err_msg(&err));
    ck_assert_ptr_null(objects);
}

START_TEST(renders_the_same_again)
{
    json_auto_t *first = NULL, *second = NULL;

    add("d/kustomization.yaml", "resources: [a.yaml]\nnamePrefix: x-\n");
    add("d/a.yaml", OBJECT);
    ck_assert_int_eq(build("d", &first, NULL), 0);
    ck_assert_int_eq(build("./d/", &second, NULL), 0);
    ck_assert(json_equal(first, second));
    ck_assert_str_eq(krm_str(json_array_get(first, 0), "metadata", "name", NULL), "x-one");
}
END_TEST

START_TEST(says_where_it_looked)
{
    refused(ERR_NOT_FOUND, "no kustomization.yaml, kustomization.yml or Kustomization");
    add("kustomization.yaml", "resources: [b]\n");
    refused(ERR_NOT_FOUND, "kustomization.yaml: resources[0]: b: no such file or directory");
    add("b/other.yaml", OBJECT);
    refused(ERR_NOT_FOUND, "b: no kustomization.yaml");
}
END_TEST

START_TEST(paths_stay_in_the_tree)
{
    add("kustomization.yaml", "resources: [../../etc]\n");
    refused(ERR_INVALID, "leads out of the tree");
    add("kustomization.yaml", "resources: [/etc/passwd]\n");
    refused(ERR_INVALID, "paths must be relative");
    add("kustomization.yaml", "resources: ['']\n");
    refused(ERR_INVALID, "an empty path");
}
END_TEST

START_TEST(codes_survive_without_a_message)
{
    json_t *objects = NULL;

    add("kustomization.yaml", "helmCharts:\n- name: x\n");
    ck_assert_int_eq(build("", &objects, NULL), ERR_UNSUPPORTED);
    ck_assert_int_eq(build("none", &objects, NULL), ERR_NOT_FOUND);
}
END_TEST

START_TEST(nesting_has_a_limit)
{
    for (int i = 0; i <= KUSTOMIZE_MAX_DEPTH; i++) {
        char *path CLEANUP(mem_cleanup) = mem_printf("d%d/kustomization.yaml", i);
        char *text CLEANUP(mem_cleanup) = mem_printf("resources: [../d%d]\n", i + 1);

        add(path, text);
    }
    add("kustomization.yaml", "resources: [d0]\n");
    refused(ERR_LIMIT, "nested more than");
}
END_TEST

START_TEST(circles_are_found)
{
    add("kustomization.yaml", "resources: [a]\n");
    add("a/kustomization.yaml", "resources: [../b]\n");
    add("b/kustomization.yaml", "resources: [../a]\n");
    refused(ERR_INVALID, "a circle");
}
END_TEST

/* The reference crashes on this. */
START_TEST(one_patch_deletes_several)
{
    json_auto_t *objects = NULL;

    add("kustomization.yaml", "resources: [a.yaml]\npatches: [{path: p.yaml}]\n");
    add("a.yaml", OBJECT "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: two\n");
    add("p.yaml", OBJECT "$patch: delete\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n"
                         "  name: two\n$patch: delete\n");
    ck_assert_int_eq(build("", &objects, NULL), 0);
    ck_assert_uint_eq(json_array_size(objects), 0);
}
END_TEST

/* --- remote resources ------------------------------------------------------------------------------ */

struct far {
    struct loader *loader;
    const char *path;
    const char *asked;
    int rc;
};

static int resolve(void *arg, const char *url, struct loader **ret_loader, const char **ret_path,
                   struct err *err)
{
    struct far *far = arg;

    far->asked = strstr(url, "//") ? "url" : "other";
    if (far->rc)
        return err_set(err, far->rc, "no answer");
    *ret_loader = far->loader;
    *ret_path = far->path;
    return 0;
}

static int build_far(struct far *far, json_t **ret_objects, struct err *err)
{
    struct kustomize_resolver resolver = {.resolve = resolve, .arg = far};
    struct kustomize_options options = {.loader = files, .path = "", .resolver = &resolver};

    return kustomize_build(&options, ret_objects, err);
}

static const struct {
    const char *reference, *path; /* of what the resolver answers; NULL: it isn't asked */
} remotes[] = {
    {"https://example.com/owner/repo//dir?ref=v1", "dir"},
    {"https://example.com/releases/all.yaml", "all.yaml"},
    {"github.com/owner/repo/dir?ref=v1", "dir"},
    {"git@github.com:owner/repo.git//dir", "dir"},
    {"git::https://example.com/owner/repo//dir", "dir"},
    {"ssh://git@example.com/owner/repo//dir", "dir"},
    {"http-is-a-directory", NULL},
    {"github.com-is-a-file.yaml", NULL},
};

START_TEST(remote_resources_are_resolved)
{
    struct loader *there CLEANUP(loader_cleanup) = loader_new_memory();
    struct far far = {.loader = there, .path = remotes[_i].path};
    struct err err CLEANUP(err_done) = ERR_INIT;
    char *text CLEANUP(mem_cleanup) =
        mem_printf("resources: ['%s']\nnameSuffix: -x\n", remotes[_i].reference);
    json_auto_t *objects = NULL;

    add("kustomization.yaml", text);
    add("http-is-a-directory/kustomization.yaml", "resources: [a.yaml]\n");
    add("http-is-a-directory/a.yaml", OBJECT);
    add("github.com-is-a-file.yaml", OBJECT);
    add_to(there, "dir/kustomization.yaml", "resources: [../shared]\n");
    add_to(there, "shared/kustomization.yaml", "resources: [a.yaml]\n");
    add_to(there, "shared/a.yaml", OBJECT);
    add_to(there, "all.yaml", OBJECT);
    ck_assert_msg(!build_far(&far, &objects, &err), "%s", err_msg(&err));
    ck_assert_int_eq(far.asked != NULL, remotes[_i].path != NULL);
    ck_assert_str_eq(krm_str(json_array_get(objects, 0), "metadata", "name", NULL), "one-x");
}
END_TEST

START_TEST(remote_resources_need_a_resolver)
{
    struct far far = {.rc = ERR_UNREACHABLE};
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_t *objects = NULL;

    add("kustomization.yaml", "resources: ['https://example.com/owner/repo//dir']\n");
    refused(ERR_UNSUPPORTED, "no way to fetch remote resources");
    ck_assert_int_eq(build_far(&far, &objects, &err), ERR_UNREACHABLE);
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "https://example.com/owner/repo//dir: no answer"));
}
END_TEST

START_TEST(remote_trees_are_closed)
{
    struct loader *there CLEANUP(loader_cleanup) = loader_new_memory();
    struct far far = {.loader = there, .path = ""};
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_t *objects = NULL;

    add("kustomization.yaml", "resources: ['https://example.com/owner/repo']\n");
    add_to(there, "kustomization.yaml", "resources: [../files]\n");
    ck_assert_int_eq(build_far(&far, &objects, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "leads out of the tree"));
    add_to(there, "kustomization.yaml", "resources: ['https://example.com/owner/repo']\n");
    ck_assert_int_eq(build_far(&far, &objects, NULL), ERR_INVALID);
}
END_TEST

/* --- warnings ------------------------------------------------------------------------------------- */

static void count(void *arg, const char *message)
{
    ck_assert_ptr_nonnull(strstr(message, "kustomization.yaml: \""));
    ++*(int *)arg;
}

START_TEST(old_fields_are_warned_of)
{
    int warnings = 0;
    struct kustomize_options options = {
        .loader = files, .path = "", .warn = count, .warn_arg = &warnings};
    json_auto_t *objects = NULL;

    add("kustomization.yaml", "bases: [b]\ncommonLabels: {a: b}\nimages: []\nvars: []\n");
    add("b/kustomization.yaml", "resources: [a.yaml]\n");
    add("b/a.yaml", OBJECT);
    ck_assert_int_eq(kustomize_build(&options, &objects, NULL), 0);
    ck_assert_int_eq(warnings, 3);
}
END_TEST

START_TEST(managed_by_names_the_version)
{
    json_auto_t *objects = NULL;

    add("kustomization.yaml", "resources: [a.yaml]\nbuildMetadata: [managedByLabel]\n");
    add("a.yaml", OBJECT);
    ck_assert_int_eq(build("", &objects, NULL), 0);
    ck_assert_str_eq(krm_str(json_array_get(objects, 0), "metadata", "labels",
                             "app.kubernetes.io/managed-by", NULL),
                     "kustomize-v5.5.0");
    add("kustomization.yaml", "resources: [a.yaml]\nbuildMetadata: [nonsense]\n");
    refused(ERR_INVALID, "buildMetadata: unknown option \"nonsense\"");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("build");
    TCase *tcase = tcase_create("build");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, renders_the_same_again);
    tcase_add_test(tcase, says_where_it_looked);
    tcase_add_test(tcase, paths_stay_in_the_tree);
    tcase_add_test(tcase, codes_survive_without_a_message);
    tcase_add_test(tcase, nesting_has_a_limit);
    tcase_add_test(tcase, circles_are_found);
    tcase_add_test(tcase, one_patch_deletes_several);
    tcase_add_loop_test(tcase, remote_resources_are_resolved, 0, ARRAY_LEN(remotes));
    tcase_add_test(tcase, remote_resources_need_a_resolver);
    tcase_add_test(tcase, remote_trees_are_closed);
    tcase_add_test(tcase, old_fields_are_warned_of);
    tcase_add_test(tcase, managed_by_names_the_version);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
