#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/kube/credentials.h"

#include "lib/base/banned.h"

#define V1 "client.authentication.k8s.io/v1"

static struct err err;

static void teardown(void)
{
    err_done(&err);
}

static void assert_says(const char *part)
{
    ck_assert_msg(strstr(err_msg(&err), part), "\"%s\" doesn't say \"%s\"", err_msg(&err), part);
}

/* A plugin that is a shell script. */
static struct exec_plugin *shell(const char *script)
{
    struct exec_plugin *p = mem_calloc(1, sizeof(*p));

    p->api_version = mem_strdup(V1);
    p->command = mem_strdup("sh");
    p->args = mem_calloc(3, sizeof(*p->args));
    p->args[0] = mem_strdup("-c");
    p->args[1] = mem_strdup(script);
    return p;
}

/* --- what a plugin prints -------------------------------------------------------------------------- */

START_TEST(parses)
{
    static const char text[] =
        "{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"status\":{\"token\":\"t\","
        "\"clientCertificateData\":\"c\",\"clientKeyData\":\"k\","
        "\"expirationTimestamp\":\"2026-11-24T20:15:30Z\"}}\n";
    struct exec_credential c = {0};

    ck_assert_int_eq(exec_credential_parse(text, strlen(text), V1, &c, &err), 0);
    ck_assert_str_eq(c.token, "t");
    ck_assert_str_eq(c.cert_pem, "c");
    ck_assert_str_eq(c.key_pem, "k");
    ck_assert_int_eq(c.expires_ms, INT64_C(1795551330000));
    exec_credential_done(&c);
}
END_TEST

START_TEST(refuses)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "didn't print an ExecCredential"},
        {"token", "didn't print an ExecCredential"},
        {"[]", "didn't print an ExecCredential"},
        {"{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\"}",
         "configured for " V1 " and printed client.authentication.k8s.io/v1beta1"},
        {"{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\"}", "neither a token nor"},
        {"{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"status\":{\"token\":7}}",
         "neither a token nor"},
        {"{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
         "\",\"status\":{\"clientCertificateData\":\"c\"}}",
         "only one of"},
        {"{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
         "\",\"status\":{\"token\":\"t\",\"expirationTimestamp\":\"soon\"}}",
         "isn't a time"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct exec_credential c = {0};

        ck_assert_int_eq(exec_credential_parse(cases[i].text, strlen(cases[i].text), V1, &c, &err),
                         ERR_UNAUTHENTICATED);
        assert_says(cases[i].says);
        ck_assert_ptr_null(c.token);
    }
}
END_TEST

/* --- running one ----------------------------------------------------------------------------------- */

static int run(const char *script, int64_t timeout_ms, struct cancel *cancel,
               struct exec_credential *c)
{
    struct exec_plugin *p CLEANUP(exec_plugin_cleanup) = shell(script);

    err_done(&err);
    return exec_credential_run(p, timeout_ms, cancel, c, &err);
}

#define PRINT_TOKEN(t)                                                                             \
    "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"status\":{\"token\":\"" t      \
    "\"}}'"

START_TEST(runs)
{
    struct exec_credential c = {0};

    ck_assert_int_eq(run(PRINT_TOKEN("abc"), 10000, NULL, &c), 0);
    ck_assert_str_eq(c.token, "abc");
    ck_assert_int_eq(c.expires_ms, 0);
    exec_credential_done(&c);
}
END_TEST

/* Its surroundings: no terminal, no descriptor of ours, the info variable. */
START_TEST(surroundings)
{
    struct exec_credential c = {0};
    int fd = open("/dev/null", O_RDONLY); /* inheritable on purpose */

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(
        run("read x && exit 3; [ -e /proc/self/fd/3 ] && exit 4; "
            "case $KUBERNETES_EXEC_INFO in *'\"kind\":\"ExecCredential\"'*) ;; *) exit "
            "5;; esac; case $KUBERNETES_EXEC_INFO in *'\"interactive\":false'*) ;; *) "
            "exit 6;; esac; [ -n \"$PATH\" ] || exit 7; " PRINT_TOKEN("x"),
            10000, NULL, &c),
        0);
    exec_credential_done(&c);
    close(fd);
}
END_TEST

START_TEST(failure_shows_what_it_said)
{
    struct exec_credential c = {0};

    ck_assert_int_eq(run("echo 'please log in' >&2; exit 3", 10000, NULL, &c), ERR_UNAUTHENTICATED);
    assert_says("sh failed with exit code 3: please log in");
    ck_assert_int_eq(run("kill -9 $$", 10000, NULL, &c), ERR_UNAUTHENTICATED);
    assert_says("ended by signal 9");
    ck_assert_int_eq(run("echo nonsense", 10000, NULL, &c), ERR_UNAUTHENTICATED);
    assert_says("sh: it didn't print an ExecCredential");
    /* However much that is. */
    ck_assert_int_eq(run("head -c 1000000 /dev/zero | tr '\\0' e >&2; exit 1", 10000, NULL, &c),
                     ERR_UNAUTHENTICATED);
    ck_assert_uint_lt(strlen(err_msg(&err)), 2 * KUBE_EXEC_MAX_STDERR);
}
END_TEST

START_TEST(missing_command)
{
    struct exec_plugin *p CLEANUP(exec_plugin_cleanup) = shell("");
    struct exec_credential c = {0};

    free(p->command);
    p->command = mem_strdup("no-such-credential-plugin");
    p->install_hint = mem_strdup("get it from example.test");
    ck_assert_int_eq(exec_credential_run(p, 1000, NULL, &c, &err), ERR_NOT_FOUND);
    assert_says("no-such-credential-plugin isn't installed");
    assert_says("get it from example.test");
}
END_TEST

START_TEST(output_is_limited)
{
    struct exec_credential c = {0};

    ck_assert_int_eq(
        run("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", 10000, NULL, &c),
        ERR_LIMIT);
}
END_TEST

START_TEST(time_is_limited)
{
    struct exec_credential c = {0};
    int64_t start = clock_now_ms();

    ck_assert_int_eq(run("sleep 30", 100, NULL, &c), ERR_TIMEOUT);
    /* One that has closed its outputs and lives on. */
    ck_assert_int_eq(run("exec >&- 2>&-; sleep 30", 100, NULL, &c), ERR_TIMEOUT);
    ck_assert_int_lt(clock_now_ms() - start, 10000);
}
END_TEST

static void *fire_soon(void *token)
{
    usleep(200000);
    cancel_fire(token);
    return NULL;
}

/* A cancelled plugin is gone, and what it started too. */
START_TEST(cancel_kills_the_whole_group)
{
    char path[] = "/tmp/test-credentials-XXXXXX";
    struct cancel *token CLEANUP(cancel_cleanup) = cancel_new(NULL);
    char *script CLEANUP(mem_cleanup) = NULL;
    struct exec_credential c = {0};
    pthread_t thread;
    int64_t start;
    int pid = 0, tries;
    FILE *f;

    close(mkstemp(path));
    script = mem_printf("sleep 30 & echo $! >%s; wait", path);
    pthread_create(&thread, NULL, fire_soon, token);
    start = clock_now_ms();
    ck_assert_int_eq(run(script, 60000, token, &c), ERR_CANCELLED);
    ck_assert_int_lt(clock_now_ms() - start, 10000);
    pthread_join(thread, NULL);
    f = fopen(path, "r");
    ck_assert_int_eq(fscanf(f, "%d", &pid), 1);
    fclose(f);
    unlink(path);
    for (tries = 0; tries < 200 && !kill(pid, 0); tries++) {
        char state = 0, *stat CLEANUP(mem_cleanup) = mem_printf("/proc/%d/stat", pid);

        /* Nobody may be there to reap it: a zombie is dead too. */
        f = fopen(stat, "r");
        if (!f || (fscanf(f, "%*d %*s %c", &state) == 1 && state == 'Z')) {
            if (f)
                fclose(f);
            return;
        }
        fclose(f);
        usleep(10000);
    }
    ck_assert_int_lt(tries, 200);
}
END_TEST

/* --- credentials ----------------------------------------------------------------------------------- */

static const char *authorization(struct kube_credentials *c, uint64_t *ret_generation)
{
    static char line[256];
    struct kube_identity *id CLEANUP(kube_identity_cleanup) = NULL;

    if (kube_credentials_get(c, true, NULL, &id, &err))
        return "(error)";
    snprintf(line, sizeof(line), "%s", id->authorization ? id->authorization : "");
    if (ret_generation)
        *ret_generation = id->generation;
    return line;
}

START_TEST(fixed_ones_never_change)
{
    struct kube_credentials_options o = {.token = "t"};
    struct kube_credentials *c = kube_credentials_new(&o);
    uint64_t generation = 0;

    ck_assert_str_eq(authorization(c, &generation), "Authorization: Bearer t");
    ck_assert(!kube_credentials_refused(c, generation));
    kube_credentials_free(c);
    o.token = NULL;
    c = kube_credentials_new(&o);
    ck_assert_str_eq(authorization(c, NULL), "");
    kube_credentials_free(c);
    o.username = "Aladdin";
    o.password = "open sesame"; /* RFC 7617's example */
    c = kube_credentials_new(&o);
    ck_assert_str_eq(authorization(c, NULL), "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    kube_credentials_free(c);
}
END_TEST

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

START_TEST(token_files_are_read_again)
{
    char path[] = "/tmp/test-credentials-XXXXXX";
    struct kube_credentials_options o = {.token_file = path};
    struct kube_credentials *c;
    uint64_t first = 0, second = 0;

    close(mkstemp(path));
    write_file(path, "one\n");
    c = kube_credentials_new(&o);
    ck_assert_str_eq(authorization(c, &first), "Authorization: Bearer one");
    write_file(path, "two\n");
    /* A refusal looks at once; otherwise it is looked at now and then. */
    ck_assert(kube_credentials_refused(c, first));
    ck_assert_str_eq(authorization(c, &second), "Authorization: Bearer two");
    ck_assert_uint_ne(first, second);
    ck_assert(!kube_credentials_refused(c, second));
    /* Gone for a moment: the last one known stays. */
    unlink(path);
    ck_assert(!kube_credentials_refused(c, second));
    ck_assert_str_eq(authorization(c, NULL), "Authorization: Bearer two");
    kube_credentials_free(c);
    c = kube_credentials_new(&o);
    ck_assert_str_eq(authorization(c, NULL), "(error)");
    assert_says("No such file");
    kube_credentials_free(c);
}
END_TEST

/* A source that counts, and hands out what the test wants. */
struct source {
    int calls, fail_code;
    int64_t life_ms, delay_ms;
};

static int fetch(void *arg, struct cancel *cancel, char **ret_token, int64_t *ret_expires_ms,
                 struct err *e)
{
    struct source *s = arg;

    s->calls++;
    if (s->delay_ms && cancel_sleep(cancel, s->delay_ms))
        return err_set(e, ERR_CANCELLED, "cancelled");
    if (s->fail_code)
        return err_set(e, s->fail_code, "no token today");
    *ret_token = mem_printf("t%d", s->calls);
    *ret_expires_ms = s->life_ms ? clock_wall_ms() + s->life_ms : 0;
    return 0;
}

static struct kube_credentials *with_source(struct source *s)
{
    struct kube_credentials_options o = {.source = {.fetch = fetch, .arg = s}};

    return kube_credentials_new(&o);
}

START_TEST(fetched_once_and_kept)
{
    struct source s = {.life_ms = 3600000};
    struct kube_credentials *c = with_source(&s);
    struct kube_identity *id = NULL;

    ck_assert_int_eq(kube_credentials_get(c, false, NULL, &id, NULL), ERR_RETRY);
    ck_assert_int_eq(s.calls, 0);
    ck_assert_str_eq(authorization(c, NULL), "Authorization: Bearer t1");
    ck_assert_int_eq(kube_credentials_get(c, false, NULL, &id, NULL), 0);
    kube_identity_free(id);
    ck_assert_str_eq(authorization(c, NULL), "Authorization: Bearer t1");
    ck_assert_int_eq(s.calls, 1);
    kube_credentials_free(c);
}
END_TEST

START_TEST(renewed_ahead_of_the_expiry)
{
    struct source s = {.life_ms = 400}; /* good for three quarters of that */
    struct kube_credentials *c = with_source(&s);

    ck_assert_str_eq(authorization(c, NULL), "Authorization: Bearer t1");
    ck_assert_str_eq(authorization(c, NULL), "Authorization: Bearer t1");
    usleep(320000);
    ck_assert_str_eq(authorization(c, NULL), "Authorization: Bearer t2");
    kube_credentials_free(c);
}
END_TEST

START_TEST(renewed_when_refused)
{
    struct source s = {.life_ms = 3600000};
    struct kube_credentials *c = with_source(&s);
    uint64_t first = 0;

    authorization(c, &first);
    ck_assert(kube_credentials_refused(c, first));
    ck_assert(kube_credentials_refused(c, first)); /* another request with the same */
    ck_assert_str_eq(authorization(c, NULL), "Authorization: Bearer t2");
    /* A late refusal of the old one: there is a new one already. */
    ck_assert(kube_credentials_refused(c, first));
    ck_assert_str_eq(authorization(c, NULL), "Authorization: Bearer t2");
    ck_assert_int_eq(s.calls, 2);
    kube_credentials_free(c);
}
END_TEST

START_TEST(failures_are_remembered_for_a_moment)
{
    struct source s = {.fail_code = ERR_DENIED};
    struct kube_credentials *c = with_source(&s);
    struct kube_identity *id = NULL;

    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(kube_credentials_get(c, true, NULL, &id, &err), ERR_DENIED);
    assert_says("no token today");
    ck_assert_int_le(s.calls, 2);
    s.fail_code = 0;
    usleep((KUBE_FAILURE_MEMORY_MS + 100) * 1000);
    ck_assert_int_eq(kube_credentials_get(c, true, NULL, &id, &err), 0);
    kube_identity_free(id);
    kube_credentials_free(c);
}
END_TEST

static void *get_one(void *arg)
{
    struct kube_identity *id = NULL;
    int rc = kube_credentials_get(arg, true, NULL, &id, NULL);

    kube_identity_free(id);
    return (void *)(intptr_t)rc;
}

START_TEST(many_threads_fetch_once)
{
    struct source s = {.delay_ms = 100};
    struct kube_credentials *c = with_source(&s);
    pthread_t threads[8];

    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_create(&threads[i], NULL, get_one, c);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *rc = NULL;

        pthread_join(threads[i], &rc);
        ck_assert_int_eq((intptr_t)rc, 0);
    }
    ck_assert_int_eq(s.calls, 1);
    kube_credentials_free(c);
}
END_TEST

START_TEST(waiters_can_be_cancelled)
{
    struct source s = {.delay_ms = 3000};
    struct kube_credentials *c = with_source(&s);
    struct cancel *token CLEANUP(cancel_cleanup) = cancel_new(NULL);
    struct kube_identity *id = NULL;
    pthread_t fetcher, firer;
    int64_t start = clock_now_ms();

    pthread_create(&fetcher, NULL, get_one, c);
    usleep(50000);
    pthread_create(&firer, NULL, fire_soon, token);
    ck_assert_int_eq(kube_credentials_get(c, true, token, &id, NULL), ERR_CANCELLED);
    ck_assert_int_lt(clock_now_ms() - start, 2500);
    pthread_join(firer, NULL);
    pthread_join(fetcher, NULL);
    kube_credentials_free(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kube/credentials");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, parses);
    tcase_add_test(t, refuses);
    tcase_add_test(t, runs);
    tcase_add_test(t, surroundings);
    tcase_add_test(t, failure_shows_what_it_said);
    tcase_add_test(t, missing_command);
    tcase_add_test(t, output_is_limited);
    tcase_add_test(t, time_is_limited);
    tcase_add_test(t, cancel_kills_the_whole_group);
    tcase_add_test(t, fixed_ones_never_change);
    tcase_add_test(t, token_files_are_read_again);
    tcase_add_test(t, fetched_once_and_kept);
    tcase_add_test(t, renewed_ahead_of_the_expiry);
    tcase_add_test(t, renewed_when_refused);
    tcase_add_test(t, failures_are_remembered_for_a_moment);
    tcase_add_test(t, many_threads_fetch_once);
    tcase_add_test(t, waiters_can_be_cancelled);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
