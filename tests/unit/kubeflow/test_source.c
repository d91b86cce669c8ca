#include <archive.h>
#include <archive_entry.h>
#include <check.h>
#include <ftw.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/base/filetree.h"
#include "resources/kubeflow/disk_cache.h"
#include "resources/kubeflow/source.h"
#include "tests/unit/fake_server.h"

#include "lib/base/banned.h"

#define RELEASE_PATH "/kubeflow/manifests/archive/refs/tags/v1.10.2.tar.gz"
#define MAX_PACKED   ((size_t)64 << 10)

/* One directory per test, and what the environment says. */
static char dir[64];
static const char *env_mirror, *env_home;
static struct err err;

/* What the server has: an archive with app/kustomization.yaml and app/config.yaml at paths that end
 * in ".tar.gz", a manifest at those that end in ".yaml". */
static char packed[MAX_PACKED];
static size_t packed_len;
static int failures;        /* requests to be answered with 503 first */
static const char *content; /* of app/config.yaml */
static struct fake_server *server;

#define CONFIG_MAP "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: sample\n"

static const char *test_getenv(const char *name)
{
    return !strcmp(name, "KUBEFLOW_MANIFESTS_MIRROR") ? env_mirror
           : !strcmp(name, "HOME")                    ? env_home
                                                      : NULL;
}

static void add_file(struct archive *a, const char *path, const char *text)
{
    struct archive_entry *e = archive_entry_new();

    archive_entry_set_pathname(e, path);
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_size(e, (la_int64_t)strlen(text));
    ck_assert_int_eq(archive_write_header(a, e), ARCHIVE_OK);
    archive_write_data(a, text, strlen(text));
    archive_entry_free(e);
}

static void pack(const char *root, const char *text)
{
    struct archive *a = archive_write_new();
    char *kustomization CLEANUP(mem_cleanup) = mem_printf("%s/app/kustomization.yaml", root);
    char *config CLEANUP(mem_cleanup) = mem_printf("%s/app/config.yaml", root);

    archive_write_set_format_ustar(a);
    archive_write_add_filter_gzip(a);
    ck_assert_int_eq(archive_write_open_memory(a, packed, sizeof(packed), &packed_len), 0);
    add_file(a, kustomization, "resources:\n- config.yaml\n");
    add_file(a, config, text);
    archive_write_close(a);
    archive_write_free(a);
    content = text;
}

static void serve(struct fake_conn *c, const struct fake_request *req, void *user)
{
    const char *dot = strrchr(req->path, '.');

    (void)user;
    if (req->number <= failures) {
        fake_reply(c, 503, "", "later");
    } else if (dot && !strcmp(dot, ".gz")) {
        fake_sendf(c, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", packed_len);
        fake_send(c, packed, packed_len);
    } else if (strstr(req->path, "signin.yaml")) {
        fake_reply(c, 200, "", "\n<!DOCTYPE html><html>Sign in</html>");
    } else if (dot && !strcmp(dot, ".yaml")) {
        fake_reply(c, 200, "", CONFIG_MAP);
    } else {
        fake_reply(c, 404, "", "nothing here");
    }
}

static void make_directory(void)
{
    memset(&err, 0, sizeof(err));
    snprintf(dir, sizeof(dir), "/tmp/test_source.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void setup(void)
{
    make_directory();
    env_mirror = env_home = NULL;
    failures = 0;
    pack("manifests-1.10.2", CONFIG_MAP);
    server = fake_server_new(serve, NULL, NULL, NULL, 0);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void remove_directory(void)
{
    nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    err_done(&err);
}

static void teardown(void)
{
    fake_server_free(server);
    remove_directory();
}

/* A path below the test's directory; its parents are made. */
static char *path_to(const char *name)
{
    char *path = mem_printf("%s/%s", dir, name);

    for (char *p = path + strlen(dir) + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        mkdir(path, 0755);
        *p = '/';
    }
    return path;
}

static void write_bytes(const char *name, const char *data, size_t len)
{
    char *path CLEANUP(mem_cleanup) = path_to(name);
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    fwrite(data, 1, len, f);
    fclose(f);
}

static void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

/* A cache over the test's directory, as a new process would make it. */
static struct source_cache *cache_with(bool offline, const char *prefix, const char *target)
{
    char *cache_dir CLEANUP(mem_cleanup) = mem_printf("%s/cache", dir);
    json_auto_t *mirrors = prefix ? json_pack("{s:s}", prefix, target) : NULL;
    struct source_cache_options o = {cache_dir, offline, mirrors, test_getenv};
    struct source_cache *c = source_cache_new(&o, &err);

    ck_assert_msg(c != NULL, "%s", err_msg(&err));
    return c;
}

static const struct source *opened(struct source_cache *c, const struct source_spec *spec)
{
    const struct source *s = NULL;

    ck_assert_msg(!source_open(c, spec, NULL, &s, &err), "%s", err_msg(&err));
    return s;
}

static void check_fails(struct source_cache *c, const struct source_spec *spec, int code,
                        const char *text)
{
    const struct source *s = NULL;
    int rc = source_open(c, spec, NULL, &s, &err);

    ck_assert_msg(rc == code && strstr(err_msg(&err), text), "%d instead of %d, \"%s\" in: %s", rc,
                  code, text, err_msg(&err));
}

static void check_content(const struct source *s)
{
    const char *data;
    size_t len;

    ck_assert_int_eq(loader_read(s->loader, "app/config.yaml", &data, &len, &err), 0);
    ck_assert_str_eq(data, content);
    ck_assert_uint_eq(len, strlen(content));
    ck_assert_int_eq(loader_stat(s->loader, ""), LOADER_DIR);
    ck_assert_int_eq(loader_stat(s->loader, "app"), LOADER_DIR);
    ck_assert_int_eq(loader_stat(s->loader, "app/config.yaml"), LOADER_FILE);
    ck_assert_int_eq(loader_stat(s->loader, "ap"), LOADER_NONE);
}

static const struct source_spec release = {.release = "1.10.2"};

START_TEST(release_from_a_mirror_directory)
{
    struct source_cache *c;
    const struct source *s;

    write_bytes("manifests-1.10.2.tar.gz", packed, packed_len);
    env_mirror = dir;
    c = cache_with(false, NULL, NULL);
    s = opened(c, &release);
    check_content(s);
    ck_assert_ptr_nonnull(strstr(s->origin, "/manifests-1.10.2.tar.gz"));
    ck_assert_ptr_eq(s, opened(c, &release));
    ck_assert_int_eq(fake_requests(server), 0);
    source_cache_free(c);
}
END_TEST

START_TEST(release_from_an_unpacked_tree)
{
    struct source_cache *c;
    const struct source *s;

    write_text("github.com/kubeflow/manifests/v1.10.2/app/config.yaml", content);
    env_mirror = dir;
    c = cache_with(true, NULL, NULL);
    s = opened(c, &release);
    check_content(s);
    source_cache_free(c);
}
END_TEST

START_TEST(downloads_once_and_keeps_it)
{
    struct source_cache *c = cache_with(false, "https://github.com/", server->url);
    const struct source *s = opened(c, &release);
    char digest[SOURCE_DIGEST_SIZE];

    check_content(s);
    snprintf(digest, sizeof(digest), "%s", s->digest);
    ck_assert_ptr_eq(s, opened(c, &release));
    ck_assert_int_eq(fake_requests(server), 1);
    source_cache_free(c);

    c = cache_with(true, NULL, NULL); /* offline, without a mirror: from the directory */
    s = opened(c, &release);
    ck_assert_str_eq(s->digest, digest);
    ck_assert_int_eq(fake_requests(server), 1);
    source_cache_free(c);
}
END_TEST

static int damage(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)ftw;
    if (type == FTW_F && strstr(path, "/content/"))
        return truncate(path, st->st_size - 1);
    return 0;
}

START_TEST(damaged_content_is_downloaded_again)
{
    struct source_cache *c = cache_with(false, "https://github.com/", server->url);

    opened(c, &release);
    source_cache_free(c);
    ck_assert_int_eq(nftw(dir, damage, 16, FTW_PHYS), 0);
    c = cache_with(false, "https://github.com/", server->url);
    check_content(opened(c, &release));
    ck_assert_int_eq(fake_requests(server), 2);
    source_cache_free(c);
    c = cache_with(true, NULL, NULL);
    check_content(opened(c, &release));
    source_cache_free(c);
}
END_TEST

START_TEST(offline_says_what_to_do)
{
    struct source_cache *c = cache_with(true, NULL, NULL);

    check_fails(c, &release, ERR_NOT_FOUND, "the manifests of release 1.10.2 can't be had");
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "manifests.offline is set"));
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "KUBEFLOW_MANIFESTS_MIRROR"));
    source_cache_free(c);
}
END_TEST

START_TEST(temporary_failures_are_repeated)
{
    struct source_cache *c = cache_with(false, "https://github.com/", server->url);

    failures = 2;
    check_content(opened(c, &release));
    ck_assert_int_eq(fake_requests(server), 3);
    source_cache_free(c);
}
END_TEST

START_TEST(failures_name_status_and_remedy)
{
    char *url CLEANUP(mem_cleanup) = mem_printf("%s/nothing", server->url);
    struct source_spec spec = {.url = url};
    struct source_cache *c = cache_with(false, NULL, NULL);

    check_fails(c, &spec, ERR_NOT_FOUND, "not found (HTTP 404)");
    ck_assert_int_eq(fake_requests(server), 1);
    ck_assert_ptr_nonnull(strstr(err_msg(&err), url));
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "Set manifests.mirror"));
    failures = 1000;
    check_fails(c, &spec, ERR_UNREACHABLE, "HTTP 503");
    ck_assert_int_eq(fake_requests(server), 1 + SOURCE_TRIES);
    source_cache_free(c);
}
END_TEST

START_TEST(digests_are_held_against_content)
{
    char *url CLEANUP(mem_cleanup) = mem_printf("%s/x.tar.gz", server->url);
    struct source_spec spec = {.url = url};
    struct source_cache *c = cache_with(false, NULL, NULL);
    char right[SOURCE_DIGEST_SIZE], wrong[SOURCE_DIGEST_SIZE];

    snprintf(right, sizeof(right), "%s", opened(c, &spec)->digest);
    snprintf(wrong, sizeof(wrong), "%s", right);
    wrong[10] = wrong[10] == '0' ? '1' : '0';
    spec.digest = right;
    opened(c, &spec);
    spec.digest = wrong;
    check_fails(c, &spec, ERR_INVALID, right); /* known content */
    ck_assert_ptr_nonnull(strstr(err_msg(&err), wrong));
    source_cache_free(c);

    c = cache_with(false, NULL, NULL);
    check_fails(c, &spec, ERR_INVALID, right); /* kept and fresh content */
    ck_assert_ptr_nonnull(strstr(err_msg(&err), wrong));
    spec.digest = "sha256:ABC";
    check_fails(c, &spec, ERR_INVALID, "64 lower-case hexadecimal digits");
    source_cache_free(c);
}
END_TEST

/* A mirror with other content is passed over. */
START_TEST(wrong_mirror_is_passed_over)
{
    char *url CLEANUP(mem_cleanup) = mem_printf("%s/x.tar.gz", server->url);
    char *prefix CLEANUP(mem_cleanup) = mem_printf("%s/", server->url);
    struct source_spec spec = {.url = url};
    struct source_cache *c = cache_with(false, NULL, NULL);
    char digest[SOURCE_DIGEST_SIZE];
    const struct source *s;

    snprintf(digest, sizeof(digest), "%s", opened(c, &spec)->digest);
    source_cache_free(c);
    write_text("x.tar.gz", "no archive at all");
    c = cache_with(false, prefix, dir);
    spec.digest = digest;
    s = opened(c, &spec);
    ck_assert_str_eq(s->origin, url);
    source_cache_free(c);
}
END_TEST

/* A URL that may change is asked again by the next process; if it doesn't answer, what was kept
 * serves. */
START_TEST(moving_urls_are_asked_again)
{
    char *url CLEANUP(mem_cleanup) = mem_printf("%s/main.tar.gz", server->url);
    struct source_spec spec = {.url = url};
    struct source_cache *c = cache_with(false, NULL, NULL);

    opened(c, &spec);
    source_cache_free(c);
    pack("other-root", CONFIG_MAP "data: {}\n");
    c = cache_with(false, NULL, NULL);
    check_content(opened(c, &spec));
    ck_assert_int_eq(fake_requests(server), 2);
    source_cache_free(c);
    failures = 1000;
    c = cache_with(false, NULL, NULL);
    check_content(opened(c, &spec));
    source_cache_free(c);
}
END_TEST

START_TEST(directories_are_read_again)
{
    struct source_cache *c = cache_with(false, NULL, NULL);
    struct source_spec spec = {.path = dir};
    const struct source *first, *second;
    char *missing CLEANUP(mem_cleanup) = mem_printf("%s/missing", dir);

    write_text("app/config.yaml", "one");
    first = opened(c, &spec);
    ck_assert_ptr_eq(first, opened(c, &spec));
    content = "one";
    write_text("app/config.yaml", "two");
    second = opened(c, &spec);
    ck_assert_ptr_ne(first, second);
    ck_assert_str_ne(first->digest, second->digest);
    check_content(first); /* still there */
    spec.digest = first->digest;
    check_fails(c, &spec, ERR_INVALID, second->digest);
    spec = (struct source_spec){.path = missing};
    check_fails(c, &spec, ERR_NOT_FOUND, "missing: No such file or directory");
    source_cache_free(c);
}
END_TEST

START_TEST(archive_and_directory_have_one_digest)
{
    struct source_cache *c = cache_with(false, NULL, NULL);
    char *archive CLEANUP(mem_cleanup) = path_to("any-name");
    char *tree CLEANUP(mem_cleanup) = path_to("tree");
    struct source_spec packed_spec = {.path = archive}, tree_spec = {.path = tree};
    const struct source *s;

    write_bytes("any-name", packed, packed_len);
    write_text("tree/app/config.yaml", content);
    write_text("tree/app/kustomization.yaml", "resources:\n- config.yaml\n");
    s = opened(c, &packed_spec);
    check_content(s);
    ck_assert_str_eq(s->digest, opened(c, &tree_spec)->digest);
    ck_assert_ptr_eq(s, opened(c, &packed_spec));
    write_text("any-name", "no archive");
    check_fails(c, &packed_spec, ERR_INVALID, "not a readable .tar.gz, .tar or .zip archive");
    source_cache_free(c);
}
END_TEST

/* What a process reads is always one of the contents that some process wrote. */
static int use_disk_cache(int process)
{
    static const char *const texts[] = {"one content", "another one, of another length"};
    static const char url[] = "https://example.com/x";

    for (int i = 0; i < 100; i++) {
        struct buf got CLEANUP(buf_done) = BUF_INIT;
        const char *text = texts[(process + i) % 2];

        disk_cache_put(dir, url, text, strlen(text));
        if (!disk_cache_get(dir, url, &got) && strcmp(got.data, texts[0]) != 0 &&
            strcmp(got.data, texts[1]) != 0)
            return 1;
        if (disk_cache_get(dir, "https://example.com/y", &got) != ERR_NOT_FOUND)
            return 2;
    }
    return 0;
}

START_TEST(processes_share_a_cache_directory)
{
    pid_t pids[4];

    for (int i = 0; i < (int)ARRAY_LEN(pids); i++) {
        pids[i] = fork();
        if (!pids[i])
            _exit(use_disk_cache(i));
    }
    for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
        int status = -1;

        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert_int_eq(status, 0);
    }
}
END_TEST

struct opener {
    struct source_cache *cache;
    const struct source *source;
    pthread_t thread;
};

static void *open_in_thread(void *arg)
{
    struct opener *o = arg;

    if (source_open(o->cache, &release, NULL, &o->source, NULL))
        o->source = NULL;
    return NULL;
}

START_TEST(threads_share_one_download)
{
    struct source_cache *c = cache_with(false, "https://github.com/", server->url);
    struct opener openers[8];

    for (size_t i = 0; i < ARRAY_LEN(openers); i++) {
        openers[i] = (struct opener){.cache = c};
        pthread_create(&openers[i].thread, NULL, open_in_thread, &openers[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(openers); i++) {
        pthread_join(openers[i].thread, NULL);
        ck_assert_ptr_nonnull(openers[i].source);
        ck_assert_ptr_eq(openers[i].source, openers[0].source);
    }
    ck_assert_int_eq(fake_requests(server), 1);
    source_cache_free(c);
}
END_TEST

START_TEST(cancelled)
{
    struct source_cache *c = cache_with(false, "https://github.com/", server->url);
    struct cancel *cancel = cancel_new(NULL);
    const struct source *s = NULL;

    cancel_fire(cancel);
    ck_assert_int_eq(source_open(c, &release, cancel, &s, &err), ERR_CANCELLED);
    check_content(opened(c, &release)); /* the next one isn't */
    cancel_free(cancel);
    source_cache_free(c);
}
END_TEST

START_TEST(works_without_a_cache_directory)
{
    static const char *const dirs[] = {"", "/dev/null/cache", NULL};

    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        json_auto_t *mirrors = json_pack("{s:s}", "https://github.com/", server->url);
        struct source_cache_options o = {dirs[i], false, mirrors, test_getenv};
        struct source_cache *c = source_cache_new(&o, &err);

        check_content(opened(c, &release));
        source_cache_free(c);
    }
    ck_assert_int_eq(fake_requests(server), 3);
}
END_TEST

START_TEST(default_cache_directory)
{
    json_auto_t *mirrors = json_pack("{s:s}", "https://github.com/", server->url);
    struct source_cache_options o = {NULL, false, mirrors, test_getenv};
    struct source_cache *c;
    char *expected CLEANUP(mem_cleanup) = path_to(".cache/terraform-provider-kubeflow/url");
    struct stat st;

    env_home = dir;
    c = source_cache_new(&o, &err);
    opened(c, &release);
    ck_assert_int_eq(stat(expected, &st), 0);
    source_cache_free(c);
}
END_TEST

START_TEST(unknown_release)
{
    struct source_cache *c = cache_with(false, NULL, NULL);
    struct source_spec spec = {.release = "1.10.1"};

    check_fails(c, &spec, ERR_INVALID, "did you mean \"1.10.2\"?");
    source_cache_free(c);
}
END_TEST

static void check_render(struct source_cache *c, const char *kustomization, const char *failure)
{
    struct loader *memory = loader_new_memory();
    struct source_resolver resolver;
    struct kustomize_options o = {.loader = memory, .path = "", .resolver = &resolver.resolver};
    json_t *objects = NULL;
    int rc;

    source_resolver_init(&resolver, c, NULL);
    ck_assert_int_eq(
        loader_add(memory, "kustomization.yaml", kustomization, strlen(kustomization), &err), 0);
    rc = kustomize_build(&o, &objects, &err);
    if (failure) {
        ck_assert_int_ne(rc, 0);
        ck_assert_msg(strstr(err_msg(&err), failure) != NULL, "%s", err_msg(&err));
    } else {
        ck_assert_msg(!rc, "%s", err_msg(&err));
        ck_assert_uint_eq(json_array_size(objects), 1);
    }
    json_decref(objects);
    source_resolver_done(&resolver);
    loader_free(memory);
}

START_TEST(remote_resources)
{
    struct source_cache *c = cache_with(false, "https://github.com/", server->url);
    char *page CLEANUP(mem_cleanup) = mem_printf("resources: [%s/signin.yaml]", server->url);

    check_render(c, "resources: ['https://github.com/a/b/app?ref=v1.0']", NULL);
    check_render(c, "resources: ['https://github.com/a/b//app?ref=v1.0']", NULL);
    check_render(c, "resources: ['github.com/a/b/app?ref=v1.0']", NULL);
    ck_assert_int_eq(fake_requests(server), 1);
    check_render(c, "resources: ['https://github.com/a/b/releases/download/v1.0/x.yaml']", NULL);
    ck_assert_int_eq(fake_requests(server), 2);
    check_render(c, "resources: ['https://github.com/a/b/app']", "\"?ref=\"");
    check_render(c, "resources: ['https://github.com/a/b/missing?ref=v1.0']", "nothing is there");
    check_render(c, page, "is a web page, not a manifest");
    source_cache_free(c);
}
END_TEST

START_TEST(remote_resources_from_a_mirror_directory)
{
    struct source_cache *c;

    write_text("remote-bases/github.com/a/b/v1.0/app/kustomization.yaml", "resources: [c.yaml]");
    write_text("remote-bases/github.com/a/b/v1.0/app/c.yaml", CONFIG_MAP);
    write_text("github.com/a/b/v2.0/x.yaml", CONFIG_MAP);
    env_mirror = dir;
    c = cache_with(true, NULL, NULL);
    check_render(c, "resources: ['https://github.com/a/b//app?ref=v1.0']", NULL);
    check_render(c, "resources: ['https://github.com/a/b/releases/download/v2.0/x.yaml']", NULL);
    source_cache_free(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kubeflow/source");
    TCase *t = tcase_create("core"), *forking = tcase_create("processes");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, release_from_a_mirror_directory);
    tcase_add_test(t, release_from_an_unpacked_tree);
    tcase_add_test(t, downloads_once_and_keeps_it);
    tcase_add_test(t, damaged_content_is_downloaded_again);
    tcase_add_test(t, offline_says_what_to_do);
    tcase_add_test(t, temporary_failures_are_repeated);
    tcase_add_test(t, failures_name_status_and_remedy);
    tcase_add_test(t, digests_are_held_against_content);
    tcase_add_test(t, wrong_mirror_is_passed_over);
    tcase_add_test(t, moving_urls_are_asked_again);
    tcase_add_test(t, directories_are_read_again);
    tcase_add_test(t, archive_and_directory_have_one_digest);
    tcase_add_test(t, threads_share_one_download);
    tcase_add_test(t, cancelled);
    tcase_add_test(t, works_without_a_cache_directory);
    tcase_add_test(t, default_cache_directory);
    tcase_add_test(t, unknown_release);
    tcase_add_test(t, remote_resources);
    tcase_add_test(t, remote_resources_from_a_mirror_directory);
    suite_add_tcase(s, t);
    /* Without the server's threads, because it forks. */
    tcase_add_checked_fixture(forking, make_directory, remove_directory);
    tcase_set_timeout(forking, 60);
    tcase_add_test(forking, processes_share_a_cache_directory);
    suite_add_tcase(s, forking);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
