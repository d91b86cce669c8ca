#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "resources/kubeflow/mirror.h"
#include "resources/kubeflow/remote.h"

#include "lib/base/banned.h"

static struct err err;

static void setup(void)
{
    memset(&err, 0, sizeof(err));
}

static void teardown(void)
{
    err_done(&err);
}

static void check_text(const char *what, const char *got, const char *expected)
{
    ck_assert_msg(got ? expected && !strcmp(got, expected) : !expected, "%s: %s instead of %s",
                  what, got ? got : "NULL", expected ? expected : "NULL");
}

START_TEST(archives)
{
    static const struct {
        const char *url, *repo, *ref;
        bool fixed;
    } cases[] = {
        {"https://github.com/kubeflow/manifests/archive/refs/tags/v1.10.2.tar.gz",
         "https://github.com/kubeflow/manifests", "v1.10.2", true},
        {"https://github.com/a/b/archive/refs/tags/some-name.zip", "https://github.com/a/b",
         "some-name", true},
        {"https://github.com/a/b/archive/1b4f0e9851971998e732078544c96b36c3d01ced.tar.gz",
         "https://github.com/a/b", "1b4f0e9851971998e732078544c96b36c3d01ced", true},
        {"https://github.com/a/b/archive/master.tar.gz", "https://github.com/a/b", "master", false},
        {"https://github.com/a/b/archive/refs/heads/main.zip", "https://github.com/a/b",
         "refs/heads/main", false},
        {"https://github.com/a/b/releases/download/v1.0/bundle.tgz", "https://github.com/a/b",
         "v1.0", true},
        {"https://codeload.example/1b4f0e9851971998e732078544c96b36c3d01ced/x.tar.gz", NULL, NULL,
         true},
        {"https://files.example/manifests.tar.gz", NULL, NULL, false},
        {"http://127.0.0.1:8080/x.tar.gz", NULL, NULL, false},
        {"http://localhost/x.tar.gz", NULL, NULL, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct remote r;

        ck_assert_msg(!remote_parse_archive(cases[i].url, &r, &err), "%s", err_msg(&err));
        check_text(cases[i].url, r.url, cases[i].url);
        check_text(cases[i].url, r.repo, cases[i].repo);
        check_text(cases[i].url, r.ref, cases[i].ref);
        ck_assert_msg(r.fixed == cases[i].fixed, "%s", cases[i].url);
        ck_assert_ptr_null(r.file);
        remote_done(&r);
    }
}
END_TEST

START_TEST(queries_are_not_shown)
{
    char *signed_url CLEANUP(mem_cleanup) = remote_shown("https://s3.example/x.tgz?signature=abc");
    char *plain CLEANUP(mem_cleanup) = remote_shown("https://s3.example/x.tgz");

    ck_assert_str_eq(signed_url, "https://s3.example/x.tgz?...");
    ck_assert_str_eq(plain, "https://s3.example/x.tgz");
}
END_TEST

START_TEST(archives_that_are_refused)
{
    static const char *const cases[] = {
        "http://files.example/x.tar.gz",
        "ftp://files.example/x.tar.gz",
        "files.example/x.tar.gz",
        "https://files.example/a b",
        "https://files.example/\xc3\xa4",
        "",
        "https://files.example/../x",
        "http://127.0.0.1.evil.example/x",
        "https://me:secret@files.example/x.tar.gz",
    };
    struct remote r;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_msg(remote_parse_archive(cases[i], &r, &err) == ERR_INVALID, "%s", cases[i]);
}
END_TEST

/* The first eight are the spellings that the releases use. */
START_TEST(resources)
{
#define ARGO   "https://github.com/argoproj/argo-workflows"
#define JOBSET "https://github.com/kubernetes-sigs/jobset"
    static const struct {
        const char *text, *url, *repo, *ref, *path, *file;
        bool fixed;
    } cases[] = {
        {ARGO "/manifests/base/crds/minimal?ref=v3.7.3", ARGO "/archive/v3.7.3.tar.gz", ARGO,
         "v3.7.3", "manifests/base/crds/minimal", NULL, true},
        {"https://github.com/kubernetes-sigs/lws//config/default?ref=v0.7.0",
         "https://github.com/kubernetes-sigs/lws/archive/v0.7.0.tar.gz",
         "https://github.com/kubernetes-sigs/lws", "v0.7.0", "config/default", NULL, true},
        {JOBSET "/releases/download/v0.10.1/manifests.yaml",
         JOBSET "/releases/download/v0.10.1/manifests.yaml", JOBSET, "v0.10.1", NULL,
         "manifests.yaml", true},
        {"github.com/a/b/c/d?ref=main", "https://github.com/a/b/archive/main.tar.gz",
         "https://github.com/a/b", "main", "c/d", NULL, false},
        {"git::https://github.com/a/b//c?ref=v1.0&submodules=false",
         "https://github.com/a/b/archive/v1.0.tar.gz", "https://github.com/a/b", "v1.0", "c", NULL,
         true},
        {"git@github.com:a/b//c/?version=v1.0", "https://github.com/a/b/archive/v1.0.tar.gz",
         "https://github.com/a/b", "v1.0", "c", NULL, true},
        {"ssh://git@github.com/a/b.git?ref=v1.0", "https://github.com/a/b/archive/v1.0.tar.gz",
         "https://github.com/a/b", "v1.0", "", NULL, true},
        {"https://github.com/a/b.git/c?timeout=90s&ref=kustomize%2Fv4.5.7",
         "https://github.com/a/b/archive/kustomize/v4.5.7.tar.gz", "https://github.com/a/b",
         "kustomize/v4.5.7", "c", NULL, true},
        {"https://gitlab.com/g/sub/b//c?ref=v2.0",
         "https://gitlab.com/g/sub/b/-/archive/v2.0/b-v2.0.tar.gz", "https://gitlab.com/g/sub/b",
         "v2.0", "c", NULL, true},
        {"https://bitbucket.org/a/b/c?ref=v2.0", "https://bitbucket.org/a/b/get/v2.0.tar.gz",
         "https://bitbucket.org/a/b", "v2.0", "c", NULL, true},
        {"https://raw.githubusercontent.com/a/b/main/x.yaml?raw=true",
         "https://raw.githubusercontent.com/a/b/main/x.yaml?raw=true", NULL, NULL, NULL, "x.yaml",
         false},
        {"http://localhost:8080/x.json", "http://localhost:8080/x.json", NULL, NULL, NULL, "x.json",
         false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct remote r;

        ck_assert_msg(!remote_parse_resource(cases[i].text, &r, &err), "%s: %s", cases[i].text,
                      err_msg(&err));
        check_text(cases[i].text, r.url, cases[i].url);
        check_text(cases[i].text, r.repo, cases[i].repo);
        check_text(cases[i].text, r.ref, cases[i].ref);
        check_text(cases[i].text, r.path, cases[i].path);
        check_text(cases[i].text, r.file, cases[i].file);
        ck_assert_msg(r.fixed == cases[i].fixed, "%s", cases[i].text);
        remote_done(&r);
    }
}
END_TEST

START_TEST(resources_that_are_refused)
{
    static const char *const cases[] = {
        "https://github.com/a/b/c",    /* no ref */
        "https://github.com/a?ref=v1", /* no repository */
        "https://github.com/?ref=v1",
        "https://github.com/a/b?ref=",
        "https://github.com/a/b?ref=../../x",
        "https://github.com/a/b//../x?ref=v1",
        "https://github.com/a/b//c%2f..?ref=v1",
        "file:///etc/x.yaml?ref=v1",
        "http://example.com/x.yaml",
        "https://me:secret@github.com/a/b?ref=v1",
        "https://github.com/a/b?ref=v1 x",
    };
    struct remote r;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_msg(remote_parse_resource(cases[i], &r, &err) == ERR_INVALID, "%s", cases[i]);
}
END_TEST

/* The places of a URL as text: "tree:/m/x file:/m/y url:https://...". */
static void check_places(const json_t *configured, const char *environment, const char *resource,
                         const char *release, const char *expected)
{
    static const char *const kinds[] = {"tree:", "file:", "url:"};
    struct mirrors *m = mirrors_new(configured, environment, &err);
    struct mirror_places places;
    struct buf text CLEANUP(buf_done) = BUF_INIT;
    struct remote r;

    ck_assert_msg(m != NULL, "%s", err_msg(&err));
    if (release)
        ck_assert_int_eq(remote_parse_archive(resource, &r, &err), 0);
    else
        ck_assert_int_eq(remote_parse_resource(resource, &r, &err), 0);
    mirrors_places(m, &r, release, &places);
    for (size_t i = 0; i < places.len; i++)
        buf_printf(&text, "%s%s%s", i ? " " : "", kinds[places.at[i].kind], places.at[i].at);
    ck_assert_str_eq(buf_str(&text), expected);
    mirror_places_done(&places);
    remote_done(&r);
    mirrors_free(m);
}

#define RELEASE_URL "https://github.com/kubeflow/manifests/archive/refs/tags/v1.10.2.tar.gz"

START_TEST(places_of_a_bare_directory)
{
    check_places(NULL, "/m", RELEASE_URL, "1.10.2",
                 "file:/m/manifests-1.10.2.tar.gz "
                 "tree:/m/github.com/kubeflow/manifests/v1.10.2 "
                 "file:/m/github.com/kubeflow/manifests/archive/refs/tags/v1.10.2.tar.gz "
                 "tree:/m/remote-bases/github.com/kubeflow/manifests/v1.10.2 "
                 "file:/m/remote-bases/github.com/kubeflow/manifests/archive/refs/tags/"
                 "v1.10.2.tar.gz");
    check_places(
        NULL, "/m/", JOBSET "/releases/download/v0.10.1/manifests.yaml", NULL,
        "file:/m/github.com/kubernetes-sigs/jobset/v0.10.1/manifests.yaml "
        "file:/m/github.com/kubernetes-sigs/jobset/releases/download/v0.10.1/manifests.yaml "
        "file:/m/remote-bases/github.com/kubernetes-sigs/jobset/v0.10.1/manifests.yaml "
        "file:/m/remote-bases/github.com/kubernetes-sigs/jobset/releases/download/v0.10.1/"
        "manifests.yaml");
}
END_TEST

START_TEST(places_of_prefixes)
{
    json_t *configured = json_pack("{s:s, s:s, s:s}", "https://github.com/", "/short/",
                                   "https://github.com/kubeflow", "https://mirror.example/kf/",
                                   "https://other.example/", "/other");

    check_places(configured, NULL, RELEASE_URL, "1.10.2",
                 "url:https://mirror.example/kf/manifests/archive/refs/tags/v1.10.2.tar.gz "
                 "file:/short/manifests-1.10.2.tar.gz tree:/short/kubeflow/manifests/v1.10.2 "
                 "file:/short/kubeflow/manifests/archive/refs/tags/v1.10.2.tar.gz");
    /* A prefix ends where an element does. */
    check_places(configured, NULL, "https://github.com/kubeflower/x/y?ref=v1.0", NULL,
                 "tree:/short/kubeflower/x/v1.0 file:/short/kubeflower/x/archive/v1.0.tar.gz");
    json_decref(configured);
}
END_TEST

START_TEST(places_of_the_environments_list)
{
    check_places(NULL,
                 "https://mirror.example/all, https://github.com/argoproj/=file:///argo\n"
                 "https://unrelated.example/=/x",
                 ARGO "/manifests?ref=v3.7.3", NULL,
                 "tree:/argo/argo-workflows/v3.7.3 "
                 "file:/argo/argo-workflows/archive/v3.7.3.tar.gz "
                 "url:https://mirror.example/all/github.com/argoproj/argo-workflows/archive/"
                 "v3.7.3.tar.gz");
    check_places(NULL, "https://mirror.example", RELEASE_URL, "1.10.2",
                 "url:https://mirror.example/manifests-1.10.2.tar.gz "
                 "url:https://mirror.example/github.com/kubeflow/manifests/archive/refs/tags/"
                 "v1.10.2.tar.gz");
    check_places(NULL, " , ", RELEASE_URL, "1.10.2", "");
}
END_TEST

START_TEST(mirrors_that_are_refused)
{
    static const char *const environments[] = {
        "ftp://mirror.example", "https://github.com/=", "https://github.com/=ftp://x"};
    json_t *no_url = json_pack("{s:s}", "github.com", "/m");
    json_t *no_target = json_pack("{s:s}", "https://github.com/", "");

    for (size_t i = 0; i < ARRAY_LEN(environments); i++) {
        ck_assert_ptr_null(mirrors_new(NULL, environments[i], &err));
        ck_assert_int_eq(err.code, ERR_INVALID);
        ck_assert_ptr_nonnull(strstr(err_msg(&err), MIRROR_ENVIRONMENT));
    }
    ck_assert_ptr_null(mirrors_new(no_url, NULL, &err));
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "beginning of a URL"));
    ck_assert_ptr_null(mirrors_new(no_target, NULL, &err));
    json_decref(no_url);
    json_decref(no_target);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kubeflow/remote");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, archives);
    tcase_add_test(t, queries_are_not_shown);
    tcase_add_test(t, archives_that_are_refused);
    tcase_add_test(t, resources);
    tcase_add_test(t, resources_that_are_refused);
    tcase_add_test(t, places_of_a_bare_directory);
    tcase_add_test(t, places_of_prefixes);
    tcase_add_test(t, places_of_the_environments_list);
    tcase_add_test(t, mirrors_that_are_refused);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
