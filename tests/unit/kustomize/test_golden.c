/* tests/golden/kustomize/<case>: input/ must render to expected.yaml, object by object and in order,
 * or be refused with a message that holds each line of expected-error.txt. What is expected was
 * written by kustomize itself (tests/golden/kustomize/refresh). */
#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/vec.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"
#include "lib/kustomize/kustomize.h"

#include "lib/base/banned.h"

#define CASES "tests/golden/kustomize"

typedef VEC(char *) names;

static names case_names;

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void find_cases(names *out)
{
    DIR *dir = opendir(CASES);
    struct dirent *entry;

    if (!dir)
        bug("%s: not found; tests run from the top of the repository", CASES);
    while ((entry = readdir(dir))) {
        char *input CLEANUP(mem_cleanup) = mem_printf("%s/%s/input", CASES, entry->d_name);
        struct stat st;

        if (*entry->d_name != '.' && stat(input, &st) == 0)
            vec_push(out, mem_strdup(entry->d_name));
    }
    closedir(dir);
    qsort(out->at, out->len, sizeof(char *), compare_names);
}

static int show_difference(const char *path, const json_t *a, const json_t *b, void *arg)
{
    char *left CLEANUP(mem_cleanup) = a ? json_dumps(a, JSON_ENCODE_ANY) : NULL;
    char *right CLEANUP(mem_cleanup) = b ? json_dumps(b, JSON_ENCODE_ANY) : NULL;

    buf_printf(arg, "%s is %s, expected %s", path, left ? left : "missing",
               right ? right : "missing");
    return 1;
}

static void check_objects(const char *name, const json_t *got, const json_t *want)
{
    struct buf why CLEANUP(buf_done) = BUF_INIT;

    for (size_t i = 0; i < json_array_size(got) && i < json_array_size(want); i++) {
        const json_t *a = json_array_get(got, i), *b = json_array_get(want, i);

        if (json_equal(a, b))
            continue;
        krm_diff(a, b, show_difference, &why);
        ck_abort_msg("%s: object %zu, %s %s: %s", name, i, krm_str(a, "kind", NULL),
                     krm_str(a, "metadata", "name", NULL), buf_str(&why));
    }
    ck_assert_msg(json_array_size(got) == json_array_size(want), "%s: %zu objects, expected %zu",
                  name, json_array_size(got), json_array_size(want));
}

static void check_message(const char *name, const char *message, const char *lines)
{
    char *copy CLEANUP(mem_cleanup) = mem_strdup(lines), *save = NULL;

    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        ck_assert_msg(strstr(message, line), "%s: \"%s\" is not in: %s", name, line, message);
}

START_TEST(renders_as_kustomize)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    const char *name = case_names.at[_i], *text;
    char *dir CLEANUP(mem_cleanup) = mem_printf("%s/%s", CASES, name);
    struct loader *files CLEANUP(loader_cleanup) = NULL;
    json_auto_t *got = NULL, *want = NULL;
    struct kustomize_options options = {.path = "input"};
    struct loader *input CLEANUP(loader_cleanup) = NULL;
    char *root CLEANUP(mem_cleanup) = mem_printf("%s/input", dir);
    size_t len;
    int rc;

    ck_assert_msg(!loader_open_dir(dir, &files, &err), "%s", err_msg(&err));
    ck_assert_msg(!loader_open_dir(root, &input, &err), "%s", err_msg(&err));
    options.loader = input;
    options.path = "";
    rc = kustomize_build(&options, &got, &err);
    if (loader_stat(files, "expected-error.txt") == LOADER_FILE) {
        ck_assert_msg(rc, "%s: is accepted", name);
        ck_assert_int_eq(loader_read(files, "expected-error.txt", &text, &len, NULL), 0);
        check_message(name, err_msg(&err), text);
        return;
    }
    ck_assert_msg(!rc, "%s: %s", name, err_msg(&err));
    ck_assert_msg(!loader_read(files, "expected.yaml", &text, &len, &err), "%s", err_msg(&err));
    ck_assert_msg(!yaml_parse_all(text, len, name, &want, &err), "%s", err_msg(&err));
    check_objects(name, got, want);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("golden");
    TCase *tcase = tcase_create("golden");
    SRunner *runner = srunner_create(suite);
    int failed;

    find_cases(&case_names);
    tcase_add_loop_test(tcase, renders_as_kustomize, 0, (int)case_names.len);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    for (size_t i = 0; i < case_names.len; i++)
        free(case_names.at[i]);
    vec_done(&case_names);
    return failed ? 1 : 0;
}
