#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/kustomize/kustomize.h"

#include "lib/base/banned.h"

static const struct {
    const char *dir, *path, *want; /* NULL: refused */
} joins[] = {
    {"", "a.yaml", "a.yaml"},
    {"", ".", ""},
    {"", "", ""},
    {"a/b", "../c", "a/c"},
    {"a/b", "../../c", "c"},
    {"a/b", "../../../c", NULL},
    {"a", "..", ""},
    {"", "..", NULL},
    {"a", "/etc/passwd", NULL},
    {"a", "./b//c/./d/", "a/b/c/d"},
    {"a//b/", "c", "a/b/c"},
    {"a", "b/../..", ""},
    {"a", "..b/c...d", "a/..b/c...d"},
};

START_TEST(joins_paths)
{
    char *got CLEANUP(mem_cleanup) = loader_join(joins[_i].dir, joins[_i].path);

    if (!joins[_i].want)
        ck_assert_ptr_null(got);
    else
        ck_assert_str_eq(got, joins[_i].want);
}
END_TEST

static void check_file(struct loader *l, const char *path, const char *want)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    const char *data;
    size_t len;

    ck_assert_msg(!loader_read(l, path, &data, &len, &err), "%s", err_msg(&err));
    ck_assert_uint_eq(len, strlen(want));
    ck_assert_str_eq(data, want);
    ck_assert_int_eq(loader_stat(l, path), LOADER_FILE);
}

static void add(struct loader *l, const char *path, const char *data)
{
    ck_assert_int_eq(loader_add(l, path, data, strlen(data), NULL), 0);
}

START_TEST(memory_holds_files_and_their_directories)
{
    struct loader *l CLEANUP(loader_cleanup) = loader_new_memory();
    const char *data;
    size_t len;

    add(l, "a/b/c.yaml", "one");
    add(l, "./a/x/../b/d.yaml", "");
    check_file(l, "a/b/c.yaml", "one");
    check_file(l, "a/b/d.yaml", "");
    ck_assert_int_eq(loader_stat(l, ""), LOADER_DIR);
    ck_assert_int_eq(loader_stat(l, "."), LOADER_DIR);
    ck_assert_int_eq(loader_stat(l, "a"), LOADER_DIR);
    ck_assert_int_eq(loader_stat(l, "a/b"), LOADER_DIR);
    ck_assert_int_eq(loader_stat(l, "a/b/e"), LOADER_NONE);
    ck_assert_int_eq(loader_read(l, "a/b/e", &data, &len, NULL), ERR_NOT_FOUND);
    ck_assert_int_eq(loader_read(l, "a/b", &data, &len, NULL), ERR_NOT_FOUND);
    add(l, "a/b/c.yaml", "two");
    check_file(l, "a/b/c.yaml", "two");
}
END_TEST

START_TEST(memory_refuses_what_is_no_path)
{
    struct loader *l CLEANUP(loader_cleanup) = loader_new_memory();

    add(l, "a/b", "x");
    ck_assert_int_eq(loader_add(l, "../a", "x", 1, NULL), ERR_INVALID);
    ck_assert_int_eq(loader_add(l, "/a", "x", 1, NULL), ERR_INVALID);
    ck_assert_int_eq(loader_add(l, ".", "x", 1, NULL), ERR_INVALID);
    ck_assert_int_eq(loader_add(l, "a", "x", 1, NULL), ERR_INVALID);
    ck_assert_int_eq(loader_add(l, "a/b/c", "x", 1, NULL), ERR_INVALID);
}
END_TEST

START_TEST(memory_holds_many)
{
    struct loader *l CLEANUP(loader_cleanup) = loader_new_memory();

    for (int i = 0; i < 3000; i++) {
        char *path CLEANUP(mem_cleanup) = mem_printf("dir%d/file%d", i % 7, i);

        add(l, path, path);
    }
    for (int i = 0; i < 3000; i++) {
        char *path CLEANUP(mem_cleanup) = mem_printf("dir%d/file%d", i % 7, i);

        check_file(l, path, path);
    }
}
END_TEST

START_TEST(overlay_hides_files_of_its_base)
{
    struct loader *below CLEANUP(loader_cleanup) = loader_new_memory();
    struct loader *top CLEANUP(loader_cleanup) = loader_new_memory();
    struct loader *l CLEANUP(loader_cleanup) = loader_new_overlay(below, top);

    add(below, "a/one", "below");
    add(below, "a/two", "below");
    add(top, "a/one", "top");
    add(top, "b/three", "top");
    check_file(l, "a/one", "top");
    check_file(l, "a/two", "below");
    check_file(l, "b/three", "top");
    ck_assert_int_eq(loader_stat(l, "a"), LOADER_DIR);
    ck_assert_int_eq(loader_stat(l, "c"), LOADER_NONE);
}
END_TEST

/* --- on disk ------------------------------------------------------------------------------------ */

static char root[] = "/tmp/loader-XXXXXX";

static void make_tree(void)
{
    static const char *const dirs[] = {"in", "in/sub"};
    static const char *const files[] = {"in/a.yaml", "in/sub/b.yaml", "secret"};

    memcpy(root + strlen(root) - 6, "XXXXXX", 6);
    if (!mkdtemp(root))
        bug("mkdtemp: %s", strerror(errno));
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        char *path CLEANUP(mem_cleanup) = mem_printf("%s/%s", root, dirs[i]);

        ck_assert_int_eq(mkdir(path, 0700), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char *path CLEANUP(mem_cleanup) = mem_printf("%s/%s", root, files[i]);
        FILE *f = fopen(path, "w");

        ck_assert_ptr_nonnull(f);
        fputs(files[i], f);
        fclose(f);
    }
}

static void link_to(const char *name, const char *target)
{
    char *path CLEANUP(mem_cleanup) = mem_printf("%s/in/%s", root, name);

    ck_assert_int_eq(symlink(target, path), 0);
}

static void remove_tree(void)
{
    static const char *const paths[] = {
        "in/out",         "in/here", "in/up",     "in/sub/kustomization.yaml",
        "in/sub/in.yaml", "in/dir",  "in/a.yaml", "in/sub/b.yaml",
        "in/sub",         "in",      "secret",    ""};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        char *path CLEANUP(mem_cleanup) = mem_printf("%s/%s", root, paths[i]);

        remove(path);
    }
}

static struct loader *open_tree(void)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    char *path CLEANUP(mem_cleanup) = mem_printf("%s/in", root);
    struct loader *l = NULL;

    ck_assert_msg(!loader_open_dir(path, &l, &err), "%s", err_msg(&err));
    return l;
}

START_TEST(directory_gives_its_files)
{
    struct loader *l CLEANUP(loader_cleanup) = open_tree();
    const char *data, *again;
    size_t len;

    check_file(l, "a.yaml", "in/a.yaml");
    check_file(l, "sub/b.yaml", "in/sub/b.yaml");
    ck_assert_int_eq(loader_stat(l, ""), LOADER_DIR);
    ck_assert_int_eq(loader_stat(l, "sub"), LOADER_DIR);
    ck_assert_int_eq(loader_stat(l, "nothing"), LOADER_NONE);
    ck_assert_int_eq(loader_read(l, "nothing", &data, &len, NULL), ERR_NOT_FOUND);
    ck_assert_int_eq(loader_read(l, "sub", &data, &len, NULL), ERR_NOT_FOUND);
    ck_assert_int_eq(loader_read(l, "a.yaml", &data, &len, NULL), 0);
    ck_assert_int_eq(loader_read(l, "a.yaml", &again, &len, NULL), 0);
    ck_assert_ptr_eq(data, again);
}
END_TEST

START_TEST(directory_refuses_links_that_leave_it)
{
    struct loader *l CLEANUP(loader_cleanup) = open_tree();
    const char *data;
    size_t len;

    link_to("out", "../secret");
    link_to("up", "..");
    link_to("here", "sub/b.yaml");
    check_file(l, "here", "in/sub/b.yaml");
    ck_assert_int_eq(loader_stat(l, "out"), LOADER_NONE);
    ck_assert_int_eq(loader_read(l, "out", &data, &len, NULL), ERR_INVALID);
    ck_assert_int_eq(loader_read(l, "up/secret", &data, &len, NULL), ERR_INVALID);
}
END_TEST

static void write_to(const char *name, const char *text)
{
    char *path CLEANUP(mem_cleanup) = mem_printf("%s/in/%s", root, name);
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

/* What a kustomization in sub may name as a file. kubectl kustomize gives the same verdicts. */
static const struct {
    const char *dir, *link, *target;
    bool allowed;
} links[] = {
    {"sub", "sub/in.yaml", "b.yaml", true},           {"dir", "sub/in.yaml", "b.yaml", true},
    {"sub", "sub/in.yaml", "../a.yaml", false},       {"dir", "sub/in.yaml", "../a.yaml", false},
    {"sub", "sub/in.yaml", "../../in/a.yaml", false},
};

START_TEST(links_of_files_stay_in_their_kustomization)
{
    struct loader *l CLEANUP(loader_cleanup) = open_tree();
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct kustomize_options options = {.loader = l, .path = links[_i].dir};
    json_auto_t *objects = NULL;
    int rc;

    link_to("dir", "sub");
    link_to(links[_i].link, links[_i].target);
    write_to("sub/kustomization.yaml", "configMapGenerator: [{name: c, files: [in.yaml]}]\n");
    rc = kustomize_build(&options, &objects, &err);
    ck_assert_msg(rc == (links[_i].allowed ? 0 : ERR_INVALID), "%d: %s", rc, err_msg(&err));
    if (rc)
        ck_assert_msg(strstr(err_msg(&err), "in.yaml: files must be in or below the directory of "
                                            "their kustomization"),
                      "%s", err_msg(&err));
}
END_TEST

START_TEST(kustomizations_are_no_links_to_elsewhere)
{
    struct loader *l CLEANUP(loader_cleanup) = open_tree();
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct kustomize_options options = {.loader = l, .path = "sub"};
    json_t *objects = NULL;

    write_to("a.yaml", "namePrefix: x-\n");
    link_to("sub/kustomization.yaml", "../a.yaml");
    ck_assert_int_eq(kustomize_build(&options, &objects, &err), ERR_INVALID);
    ck_assert_msg(strstr(err_msg(&err), "a symbolic link leads out of it"), "%s", err_msg(&err));
}
END_TEST

START_TEST(directory_must_be_there)
{
    struct loader *l = NULL;
    char *file CLEANUP(mem_cleanup) = mem_printf("%s/secret", root);
    char *none CLEANUP(mem_cleanup) = mem_printf("%s/none", root);

    ck_assert_int_eq(loader_open_dir(none, &l, NULL), ERR_NOT_FOUND);
    ck_assert_int_eq(loader_open_dir(file, &l, NULL), ERR_INVALID);
    ck_assert_ptr_null(l);
}
END_TEST

static void *read_often(void *arg)
{
    const char *data;
    size_t len;

    for (int i = 0; i < 200; i++)
        if (loader_read(arg, i % 2 ? "a.yaml" : "sub/b.yaml", &data, &len, NULL))
            return arg;
    return NULL;
}

START_TEST(directory_is_read_by_several_at_a_time)
{
    struct loader *l CLEANUP(loader_cleanup) = open_tree();
    pthread_t threads[4];
    void *result;

    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_often, l), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], &result);
        ck_assert_ptr_null(result);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("loader");
    TCase *pure = tcase_create("memory"), *disk = tcase_create("disk");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(pure, joins_paths, 0, ARRAY_LEN(joins));
    tcase_add_test(pure, memory_holds_files_and_their_directories);
    tcase_add_test(pure, memory_refuses_what_is_no_path);
    tcase_add_test(pure, memory_holds_many);
    tcase_add_test(pure, overlay_hides_files_of_its_base);
    suite_add_tcase(suite, pure);
    tcase_add_checked_fixture(disk, make_tree, remove_tree);
    tcase_add_test(disk, directory_gives_its_files);
    tcase_add_test(disk, directory_refuses_links_that_leave_it);
    tcase_add_loop_test(disk, links_of_files_stay_in_their_kustomization, 0, ARRAY_LEN(links));
    tcase_add_test(disk, kustomizations_are_no_links_to_elsewhere);
    tcase_add_test(disk, directory_must_be_there);
    tcase_add_test(disk, directory_is_read_by_several_at_a_time);
    suite_add_tcase(suite, disk);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
