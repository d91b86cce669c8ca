#include <check.h>
#include <pthread.h>

#include "lib/base/http.h"
#include "lib/base/http_call.h"
#include "tests/unit/fake_server.h"

#include "lib/base/banned.h"

static struct http *h;
static struct fake_server *server;
static struct err err;

static void setup(void)
{
    h = http_new(NULL);
    ck_assert_ptr_nonnull(h);
}

static void teardown(void)
{
    http_free(h);
    h = NULL;
    if (server)
        fake_server_free(server);
    server = NULL;
    err_done(&err);
}

static struct http_request get(const char *url)
{
    struct http_request r = {.method = "GET", .url = url, .proxy = ""};

    return r;
}

/* The failure of a request that must fail; `err` holds its text. */
static enum http_failure failure_of(const struct http_request *req, int code)
{
    struct http_queue *q = http_queue_new();
    struct http_call *c = http_start(h, q, req), *got = NULL;
    enum http_event event = HTTP_NONE;
    enum http_failure failure;

    ck_assert_int_eq(http_queue_next(q, clock_deadline(20000), NULL, &event, &got), 0);
    ck_assert_int_eq(event, HTTP_DONE);
    ck_assert_ptr_eq(got, c);
    ck_assert_int_eq(http_call_error(c, &err), code);
    ck_assert_int_eq(http_call_status(c), 0);
    failure = http_call_failure(c);
    http_call_free(c);
    http_queue_free(q);
    return failure;
}

static void assert_says(const char *part)
{
    ck_assert_msg(strstr(err_msg(&err), part), "\"%s\" doesn't say \"%s\"", err_msg(&err), part);
}

/* --- proxies --------------------------------------------------------------------------------------- */

static void proxy_says(struct fake_conn *c, const struct fake_request *req, void *user)
{
    (void)user;
    if (!strcmp(req->method, "CONNECT"))
        fake_reply(c, 403, "", "no");
    else
        fake_reply(c, 200, "", req->path);
}

START_TEST(goes_through_the_proxy)
{
    struct http_request r = get("http://example.test/path");
    struct http_call *c = NULL;

    server = fake_server_new(proxy_says, NULL, NULL, NULL, 0);
    r.proxy = server->url;
    ck_assert_int_eq(http_do(h, &r, NULL, &c, &err), 0);
    ck_assert_str_eq(http_call_body(c, NULL), "http://example.test/path");
    http_call_free(c);
    r.url = "https://example.test/";
    ck_assert_int_eq(failure_of(&r, ERR_UNREACHABLE), HTTP_FAIL_PROXY);
    assert_says("it answered 403");
}
END_TEST

static const char *no_proxy_value;

static char *proxy_env(const char *name)
{
    static char upper[] = "http://upper:1", lower[] = "lower:2";
    char *value = NULL;

    if (!strcmp(name, "HTTPS_PROXY"))
        value = upper;
    else if (!strcmp(name, "http_proxy"))
        value = lower;
    else if (!strcmp(name, "NO_PROXY"))
        value = (char *)(uintptr_t)no_proxy_value;
    return value;
}

/* The cases of golang.org/x/net/http/httpproxy's documentation. */
START_TEST(environment)
{
    static const struct {
        const char *no_proxy, *host, *port;
        bool proxied;
    } cases[] = {
        {NULL, "example.com", "443", true},
        {"", "example.com", "443", true},
        {"*", "example.com", "443", false},
        {"example.com", "example.com", "443", false},
        {"EXAMPLE.com", "example.COM", "443", false},
        {"example.com", "www.example.com", "443", false},
        {".example.com", "example.com", "443", true},
        {".example.com", "www.example.com", "443", false},
        {"*.example.com", "www.example.com", "443", false},
        {"*.example.com", "example.com", "443", true},
        {"example.com", "badexample.com", "443", true},
        {"example.com:80", "example.com", "443", true},
        {"example.com:443", "example.com", "443", false},
        {"a.test, b.test example.com", "example.com", "443", false},
        {"10.0.0.0/8", "10.1.2.3", "443", false},
        {"10.0.0.0/8", "11.1.2.3", "443", true},
        {"10.128.0.0/9", "10.127.0.1", "443", true},
        {"10.1.2.3", "10.1.2.3", "443", false},
        {"10.1.2.3:6443", "10.1.2.3", "443", true},
        {"fd00::/8", "[fd12::1]", "443", false},
        {"fd00::/8", "[fe80::1]", "443", true},
        {"fd12::1", "[fd12::1]", "443", false},
        {"[fd12::1]:443", "[fd12::1]", "443", false},
        {"0.0.0.0/0", "example.com", "443", true},
        {"10.0.0.0/99,10.0.0.0/x,/8", "10.0.0.1", "443", true},
        {NULL, "localhost", "443", false},
        {NULL, "127.0.0.2", "443", false},
        {NULL, "[::1]", "443", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *proxy CLEANUP(mem_cleanup) = NULL;

        no_proxy_value = cases[i].no_proxy;
        proxy = http_proxy_from_env("https", cases[i].host, cases[i].port, proxy_env);
        ck_assert_msg(!proxy == !cases[i].proxied, "NO_PROXY=%s %s:%s -> %s",
                      cases[i].no_proxy ? cases[i].no_proxy : "(unset)", cases[i].host,
                      cases[i].port, proxy ? proxy : "direct");
        if (proxy)
            ck_assert_str_eq(proxy, "http://upper:1");
    }
}
END_TEST

START_TEST(environment_by_scheme)
{
    char *proxy CLEANUP(mem_cleanup) = NULL;

    no_proxy_value = NULL;
    proxy = http_proxy_from_env("http", "example.com", "80", proxy_env);
    ck_assert_str_eq(proxy, "http://lower:2");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/http_proxy");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, goes_through_the_proxy);
    tcase_add_test(t, environment);
    tcase_add_test(t, environment_by_scheme);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
