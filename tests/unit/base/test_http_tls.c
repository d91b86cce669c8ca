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

static char *url_of(const char *path)
{
    return mem_printf("%s%s", server->url, path);
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

static void answer(struct fake_conn *c, const struct fake_request *req, void *user)
{
    (void)user;
    fake_reply(c, 200, "", req->head);
}

/* --- TLS ------------------------------------------------------------------------------------------- */

static struct fake_cert ca, other_ca;

static void make_authorities(void)
{
    ca = fake_cert_new(&(struct fake_cert_options){.name = "test authority"});
    other_ca = fake_cert_new(&(struct fake_cert_options){.name = "another authority"});
}

static void drop_authorities(void)
{
    fake_cert_done(&ca);
    fake_cert_done(&other_ca);
}

/* Asks a server with such a certificate; HTTP_FAIL_NONE when it answered. */
static enum http_failure ask_tls(struct fake_cert_options *o, const struct http_tls *tls)
{
    struct fake_cert cert;
    struct http_request r;
    struct http_call *c = NULL;
    enum http_failure failure = HTTP_FAIL_NONE;

    o->issuer = o->issuer ? o->issuer : &ca;
    o->name = "server";
    cert = fake_cert_new(o);
    server = fake_server_new(answer, NULL, &cert, NULL, 0);
    r = get(server->url);
    r.tls = tls;
    r.http2 = true;
    if (http_do(h, &r, NULL, &c, NULL))
        failure = failure_of(&r, ERR_UNREACHABLE);
    else
        http_call_free(c);
    fake_server_free(server);
    server = NULL;
    fake_cert_done(&cert);
    return failure;
}

START_TEST(trusts_its_authority)
{
    struct http_tls tls = {.ca_pem = ca.cert_pem};
    struct fake_cert_options o = {.alt_names = "IP:127.0.0.1"};

    ck_assert_int_eq(ask_tls(&o, &tls), HTTP_FAIL_NONE);
}
END_TEST

START_TEST(unknown_authority)
{
    struct http_tls tls = {.ca_pem = other_ca.cert_pem};
    struct fake_cert_options o = {.alt_names = "IP:127.0.0.1"};

    ck_assert_int_eq(ask_tls(&o, &tls), HTTP_FAIL_UNKNOWN_CA);
    assert_says("certificate of 127.0.0.1:");
    assert_says("unknown authority");
    /* Nor is it among the system's. */
    ck_assert_int_eq(ask_tls(&o, NULL), HTTP_FAIL_UNKNOWN_CA);
}
END_TEST

START_TEST(expired)
{
    struct http_tls tls = {.ca_pem = ca.cert_pem};
    struct fake_cert_options o = {.alt_names = "IP:127.0.0.1", .from_s = -7200, .until_s = -3600};
    struct fake_cert_options early = {.alt_names = "IP:127.0.0.1", .from_s = 3600, .until_s = 7200};

    ck_assert_int_eq(ask_tls(&o, &tls), HTTP_FAIL_EXPIRED);
    assert_says("certificate has expired");
    ck_assert_int_eq(ask_tls(&early, &tls), HTTP_FAIL_EXPIRED);
    assert_says("isn't valid yet");
}
END_TEST

START_TEST(wrong_host)
{
    struct http_tls tls = {.ca_pem = ca.cert_pem};
    struct fake_cert_options o = {.alt_names = "DNS:kubernetes.default"};

    ck_assert_int_eq(ask_tls(&o, &tls), HTTP_FAIL_WRONG_HOST);
    tls.server_name = "kubernetes.default";
    ck_assert_int_eq(ask_tls(&o, &tls), HTTP_FAIL_NONE);
    tls.server_name = "kubernetes.other";
    ck_assert_int_eq(ask_tls(&o, &tls), HTTP_FAIL_WRONG_HOST);
}
END_TEST

START_TEST(insecure_checks_nothing)
{
    struct http_tls tls = {.insecure = true};
    struct fake_cert_options o = {
        .alt_names = "DNS:x", .from_s = -7200, .until_s = -3600, .issuer = &other_ca};

    ck_assert_int_eq(ask_tls(&o, &tls), HTTP_FAIL_NONE);
}
END_TEST

/* With another expected name the server is still asked as who it is. */
START_TEST(host_header_stays)
{
    struct fake_cert cert = fake_cert_new(
        &(struct fake_cert_options){.name = "s", .alt_names = "DNS:other.test", .issuer = &ca});
    struct http_tls tls = {.ca_pem = ca.cert_pem, .server_name = "other.test"};
    char *url CLEANUP(mem_cleanup) = NULL, *host CLEANUP(mem_cleanup) = NULL;
    struct http_request r;
    struct http_call *c = NULL;

    server = fake_server_new(answer, NULL, &cert, NULL, 0);
    url = url_of("/head");
    host = mem_printf("Host: 127.0.0.1:%d\r\n", server->port);
    r = get(url);
    r.tls = &tls;
    ck_assert_int_eq(http_do(h, &r, NULL, &c, &err), 0);
    ck_assert_ptr_nonnull(strstr(http_call_body(c, NULL), host));
    http_call_free(c);
    fake_cert_done(&cert);
}
END_TEST

START_TEST(client_certificates)
{
    struct fake_cert_options o = {.name = "s", .alt_names = "IP:127.0.0.1", .issuer = &ca};
    struct fake_cert cert = fake_cert_new(&o), client;
    struct http_tls tls = {.ca_pem = ca.cert_pem};
    struct http_request r;
    struct http_call *c = NULL;

    o.name = "client";
    client = fake_cert_new(&o);
    server = fake_server_new(answer, NULL, &cert, &ca, 0);
    r = get(server->url);
    r.tls = &tls;
    ck_assert_int_lt(http_do(h, &r, NULL, &c, &err), 0);
    /* A pair that isn't one is told before anything is sent. */
    tls.cert_pem = client.cert_pem;
    tls.key_pem = cert.key_pem;
    ck_assert_int_eq(failure_of(&r, ERR_INVALID), HTTP_FAIL_CLIENT_CERT);
    tls.key_pem = client.key_pem;
    ck_assert_int_eq(http_do(h, &r, NULL, &c, &err), 0);
    http_call_free(c);
    tls.cert_pem = "nonsense";
    ck_assert_int_eq(failure_of(&r, ERR_INVALID), HTTP_FAIL_CLIENT_CERT);
    tls.cert_pem = tls.key_pem = NULL;
    tls.ca_pem = "nonsense";
    ck_assert_int_eq(failure_of(&r, ERR_INVALID), HTTP_FAIL_CA_FILE);
    fake_cert_done(&client);
    fake_cert_done(&cert);
}
END_TEST

/* --- redirects ------------------------------------------------------------------------------------- */

static void redirector(struct fake_conn *c, const struct fake_request *req, void *user)
{
    const struct fake_server *other = user;

    if (!strcmp(req->path, "/here"))
        fake_reply(c, 302, "Location: /head\r\n", "moved");
    else if (!strcmp(req->path, "/loop"))
        fake_reply(c, 302, "Location: /loop\r\n", "");
    else if (!strcmp(req->path, "/file"))
        fake_reply(c, 302, "Location: file:///etc/passwd\r\n", "");
    else if (!strcmp(req->path, "/away"))
        fake_sendf(c, "HTTP/1.1 307 X\r\nLocation: %s/head\r\nContent-Length: 0\r\n\r\n",
                   other->url);
    else
        fake_reply(c, 200, "", req->head);
}

static char *follow(const char *path, const char *method, int *ret_status)
{
    static const char *const headers[] = {"Authorization: Bearer secret", "PRIVATE-TOKEN: secret",
                                          "Accept: text/plain", NULL};
    char *url CLEANUP(mem_cleanup) = url_of(path), *body;
    struct http_request r = get(url);
    struct http_call *c = NULL;

    r.method = method;
    r.headers = headers;
    r.max_redirects = 5;
    ck_assert_int_eq(http_do(h, &r, NULL, &c, &err), 0);
    *ret_status = http_call_status(c);
    body = mem_strdup(http_call_body(c, NULL));
    http_call_free(c);
    return body;
}

START_TEST(redirects_keep_credentials_at_home)
{
    struct fake_server *other = fake_server_new(answer, NULL, NULL, NULL, 0);
    char *body;
    int status = 0;

    server = fake_server_new(redirector, other, NULL, NULL, 0);
    body = follow("/here", "GET", &status);
    ck_assert_int_eq(status, 200);
    ck_assert_ptr_nonnull(strstr(body, "Authorization: Bearer secret"));
    ck_assert_ptr_nonnull(strstr(body, "PRIVATE-TOKEN: secret"));
    free(body);
    body = follow("/away", "GET", &status);
    ck_assert_int_eq(status, 200);
    ck_assert_ptr_null(strstr(body, "secret"));
    ck_assert_ptr_nonnull(strstr(body, "Accept: text/plain"));
    free(body);
    body = follow("/here", "POST", &status);
    ck_assert_int_eq(status, 302);
    ck_assert_str_eq(body, "moved");
    free(body);
    fake_server_free(other);
}
END_TEST

START_TEST(redirects_that_are_refused)
{
    struct fake_cert cert = fake_cert_new(
        &(struct fake_cert_options){.name = "s", .alt_names = "IP:127.0.0.1", .issuer = &ca});
    struct fake_server *plain = fake_server_new(answer, NULL, NULL, NULL, 0);
    struct http_tls tls = {.ca_pem = ca.cert_pem};
    char *loop CLEANUP(mem_cleanup) = NULL, *away CLEANUP(mem_cleanup) = NULL;
    char *file CLEANUP(mem_cleanup) = NULL;
    struct http_request r;
    struct http_call *c = NULL;

    server = fake_server_new(redirector, plain, &cert, NULL, 0);
    loop = url_of("/loop");
    away = url_of("/away");
    file = url_of("/file");
    r = get(loop);
    r.tls = &tls;
    ck_assert_int_eq(http_do(h, &r, NULL, &c, &err), 0); /* not asked to follow */
    ck_assert_int_eq(http_call_status(c), 302);
    http_call_free(c);
    r.max_redirects = 3;
    ck_assert_int_eq(failure_of(&r, ERR_LIMIT), HTTP_FAIL_LIMIT);
    r.url = away;
    ck_assert_int_eq(failure_of(&r, ERR_INVALID), HTTP_FAIL_REQUEST);
    assert_says("from https to http");
    r.url = file;
    ck_assert_int_eq(failure_of(&r, ERR_INVALID), HTTP_FAIL_REQUEST);
    ck_assert_int_eq(fake_requests(plain), 0);
    fake_server_free(plain);
    fake_cert_done(&cert);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/http_tls");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_unchecked_fixture(t, make_authorities, drop_authorities);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, trusts_its_authority);
    tcase_add_test(t, unknown_authority);
    tcase_add_test(t, expired);
    tcase_add_test(t, wrong_host);
    tcase_add_test(t, insecure_checks_nothing);
    tcase_add_test(t, host_header_stays);
    tcase_add_test(t, client_certificates);
    tcase_add_test(t, redirects_keep_credentials_at_home);
    tcase_add_test(t, redirects_that_are_refused);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
