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

/* --- requests and answers ------------------------------------------------------------------------ */

static void answer(struct fake_conn *c, const struct fake_request *req, void *user)
{
    (void)user;
    if (!strcmp(req->path, "/echo"))
        fake_reply(c, 200, "X-Method: echo\r\n", req->body);
    else if (!strcmp(req->path, "/head"))
        fake_reply(c, 200, "", req->head);
    else if (!strcmp(req->path, "/drop"))
        fake_hang_up(c);
    else if (!strcmp(req->path, "/half"))
        fake_sendf(c, "HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\nhalf"), fake_hang_up(c);
    else if (!strcmp(req->path, "/slow"))
        fake_sleep(c, 20000);
    else if (!strcmp(req->path, "/wait"))
        fake_sleep(c, 300), fake_reply(c, 200, "", "waited");
    else if (!strcmp(req->path, "/continue"))
        fake_sendf(c, "HTTP/1.1 103 Early\r\nX-Early: 1\r\n\r\n"), fake_reply(c, 201, "", "");
    else
        fake_reply(c, 404, "", "nothing here");
}

START_TEST(answers)
{
    char *url CLEANUP(mem_cleanup) = NULL;
    struct http_request r;
    struct http_call *c = NULL;
    size_t n = 0;

    server = fake_server_new(answer, NULL, NULL, NULL, 0);
    url = url_of("/echo");
    r = get(url);
    r.method = "PATCH";
    r.body = "hello";
    r.body_len = 5;
    r.user = &n;
    ck_assert_int_eq(http_do(h, &r, NULL, &c, NULL), 0);
    ck_assert_int_eq(http_call_status(c), 200);
    ck_assert_ptr_eq(http_call_user(c), &n);
    ck_assert_str_eq(http_call_header(c, "x-method"), "echo");
    ck_assert_ptr_null(http_call_header(c, "x-meth"));
    ck_assert_str_eq(http_call_body(c, &n), "hello");
    ck_assert_uint_eq(n, 5);
    ck_assert_int_eq(http_call_error(c, &err), 0);
    http_call_free(c);
}
END_TEST

/* An error status is an answer, not a failure. */
START_TEST(error_statuses_are_answers)
{
    char *url CLEANUP(mem_cleanup) = NULL;
    struct http_request r;
    struct http_call *c = NULL;

    server = fake_server_new(answer, NULL, NULL, NULL, 0);
    url = url_of("/missing");
    r = get(url);
    ck_assert_int_eq(http_do(h, &r, NULL, &c, NULL), 0);
    ck_assert_int_eq(http_call_status(c), 404);
    ck_assert_str_eq(http_call_body(c, NULL), "nothing here");
    http_call_free(c);
}
END_TEST

START_TEST(informational_heads_are_skipped)
{
    char *url CLEANUP(mem_cleanup) = NULL;
    struct http_request r;
    struct http_call *c = NULL;

    server = fake_server_new(answer, NULL, NULL, NULL, 0);
    url = url_of("/continue");
    r = get(url);
    ck_assert_int_eq(http_do(h, &r, NULL, &c, NULL), 0);
    ck_assert_int_eq(http_call_status(c), 201);
    ck_assert_ptr_null(http_call_header(c, "X-Early"));
    http_call_free(c);
}
END_TEST

/* What the wire sees is what the caller said: no guessed type, no Expect. */
START_TEST(sends_only_what_was_asked)
{
    static const char *const headers[] = {"X-One: 1", NULL};
    char *url CLEANUP(mem_cleanup) = NULL, *body;
    struct http_request r;
    struct http_call *c = NULL;
    char big[4096];

    memset(big, 'x', sizeof(big));
    server = fake_server_new(answer, NULL, NULL, NULL, 0);
    url = url_of("/head");
    r = get(url);
    r.method = "DELETE";
    r.headers = headers;
    r.body = big;
    r.body_len = sizeof(big);
    ck_assert_int_eq(http_do(h, &r, NULL, &c, NULL), 0);
    body = mem_strdup(http_call_body(c, NULL));
    http_call_free(c);
    ck_assert(!strncmp(body, "DELETE /head HTTP/1.1\r\n", 23));
    ck_assert_ptr_nonnull(strstr(body, "X-One: 1\r\n"));
    ck_assert_ptr_nonnull(strstr(body, "Content-Length: 4096\r\n"));
    ck_assert_ptr_null(strcasestr(body, "content-type"));
    ck_assert_ptr_null(strcasestr(body, "expect"));
    free(body);

    r = get(url);
    r.method = "DELETE";
    ck_assert_int_eq(http_do(h, &r, NULL, &c, NULL), 0);
    ck_assert_ptr_null(strcasestr(http_call_body(c, NULL), "content-length"));
    http_call_free(c);
}
END_TEST

START_TEST(reuses_connections)
{
    char *url CLEANUP(mem_cleanup) = NULL;
    struct http_request r;

    server = fake_server_new(answer, NULL, NULL, NULL, 0);
    url = url_of("/echo");
    r = get(url);
    for (int i = 0; i < 5; i++) {
        struct http_call *c = NULL;

        ck_assert_int_eq(http_do(h, &r, NULL, &c, NULL), 0);
        http_call_free(c);
    }
    ck_assert_int_eq(fake_conns(server), 1);
}
END_TEST

/* A server without HTTP/2 gets as many connections as there are requests. */
static void ask_eight_at_once(const struct http_tls *tls)
{
    char *url CLEANUP(mem_cleanup) = url_of("/wait");
    struct http_queue *q = http_queue_new();
    int64_t start = clock_now_ms();
    struct http_request r = get(url);

    r.http2 = true;
    r.tls = tls;
    for (int i = 0; i < 8; i++)
        http_start(h, q, &r);
    for (int i = 0; i < 8; i++) {
        enum http_event event;
        struct http_call *c;

        ck_assert_int_eq(http_queue_next(q, INT64_MAX, NULL, &event, &c), 0);
        ck_assert_int_eq(http_call_status(c), 200);
        http_call_free(c);
    }
    ck_assert_int_lt(clock_now_ms() - start, 6 * 300);
    ck_assert_int_eq(fake_conns(server), 8);
    http_queue_free(q);
}

START_TEST(http1_servers_are_asked_in_parallel)
{
    server = fake_server_new(answer, NULL, NULL, NULL, 0);
    ask_eight_at_once(NULL);
}
END_TEST

START_TEST(http1_servers_with_tls_are_asked_in_parallel)
{
    struct fake_cert cert = fake_cert_new(&(struct fake_cert_options){.name = "s"});
    struct http_tls tls = {.insecure = true};

    server = fake_server_new(answer, NULL, &cert, NULL, 0);
    ask_eight_at_once(&tls);
    fake_cert_done(&cert);
}
END_TEST

/* The body "hello hello hello hello\n" as gzip makes it. */
static const unsigned char gzipped[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03,
                                        0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x40, 0x27, 0xb9,
                                        0x00, 0x00, 0x88, 0x59, 0x0b, 0x18, 0x00, 0x00, 0x00};

static void compressed_answer(struct fake_conn *c, const struct fake_request *req, void *user)
{
    (void)user;
    if (!fake_header_is(req, "Accept-Encoding", "gzip")) {
        fake_reply(c, 200, "", "plain");
        return;
    }
    fake_sendf(c, "HTTP/1.1 200 X\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
               sizeof(gzipped));
    fake_send(c, (const char *)gzipped, sizeof(gzipped));
}

START_TEST(gzip_is_asked_for_and_undone)
{
    struct http_request r;
    struct http_call *c = NULL;

    server = fake_server_new(compressed_answer, NULL, NULL, NULL, 0);
    r = get(server->url);
    ck_assert_int_eq(http_do(h, &r, NULL, &c, NULL), 0);
    ck_assert_str_eq(http_call_body(c, NULL), "plain");
    http_call_free(c);
    r.compressed = true;
    ck_assert_int_eq(http_do(h, &r, NULL, &c, NULL), 0);
    ck_assert_str_eq(http_call_body(c, NULL), "hello hello hello hello\n");
    http_call_free(c);
    /* The limit is of the decoded bytes. */
    r.max_response = 20;
    ck_assert_int_eq(failure_of(&r, ERR_LIMIT), HTTP_FAIL_LIMIT);
}
END_TEST

/* --- failures -------------------------------------------------------------------------------------- */

START_TEST(refused)
{
    struct http_request r;
    char *url CLEANUP(mem_cleanup) = NULL;

    server = fake_server_new(answer, NULL, NULL, NULL, 0);
    url = url_of("/");
    fake_server_free(server);
    server = NULL;
    r = get(url);
    ck_assert_int_eq(failure_of(&r, ERR_UNREACHABLE), HTTP_FAIL_CONNECT);
    assert_says("connecting to 127.0.0.1:");
    assert_says("Connection refused");
}
END_TEST

START_TEST(lost)
{
    char *drop CLEANUP(mem_cleanup) = NULL, *half CLEANUP(mem_cleanup) = NULL;
    struct http_request r;

    server = fake_server_new(answer, NULL, NULL, NULL, 0);
    drop = url_of("/drop");
    half = url_of("/half");
    r = get(drop);
    ck_assert_int_eq(failure_of(&r, ERR_UNREACHABLE), HTTP_FAIL_LOST);
    assert_says("lost");
    r = get(half);
    ck_assert_int_eq(failure_of(&r, ERR_UNREACHABLE), HTTP_FAIL_LOST);
}
END_TEST

START_TEST(times_out)
{
    char *url CLEANUP(mem_cleanup) = NULL;
    struct http_request r;

    server = fake_server_new(answer, NULL, NULL, NULL, 0);
    url = url_of("/slow");
    r = get(url);
    r.timeout_ms = 100;
    ck_assert_int_eq(failure_of(&r, ERR_TIMEOUT), HTTP_FAIL_TIMEOUT);
    r.timeout_ms = 0;
    r.idle_timeout_ms = 100;
    ck_assert_int_eq(failure_of(&r, ERR_TIMEOUT), HTTP_FAIL_TIMEOUT);
    assert_says("silent for 100 ms");
}
END_TEST

static void long_answer(struct fake_conn *c, const struct fake_request *req, void *user)
{
    char text[1024];

    (void)user;
    memset(text, 'a', sizeof(text));
    fake_sendf(c, "HTTP/1.1 200 X\r\n");
    for (int i = 0; !strcmp(req->path, "/header") && i < 300; i++)
        fake_sendf(c, "X-%d: %.*s\r\n", i, (int)sizeof(text), text);
    fake_sendf(c, "Content-Length: 102400\r\n\r\n");
    for (int i = 0; i < 100; i++)
        fake_send(c, text, sizeof(text));
}

START_TEST(limits)
{
    char *header CLEANUP(mem_cleanup) = NULL;
    struct http_request r;

    server = fake_server_new(long_answer, NULL, NULL, NULL, 0);
    r = get(server->url);
    r.max_response = 102399;
    ck_assert_int_eq(failure_of(&r, ERR_LIMIT), HTTP_FAIL_LIMIT);
    assert_says("body is longer than 102399 bytes");
    header = url_of("/header");
    r = get(header);
    ck_assert_int_eq(failure_of(&r, ERR_LIMIT), HTTP_FAIL_LIMIT);
}
END_TEST

START_TEST(bad_urls)
{
    static const char *const urls[] = {"",        "nonsense",           "ftp://x/",
                                       "http://", "file:///etc/passwd", "https://[::1"};

    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct http_request r = get(urls[i]);

        ck_assert_int_eq(failure_of(&r, ERR_INVALID), HTTP_FAIL_REQUEST);
    }
}
END_TEST

/* --- streams --------------------------------------------------------------------------------------- */

static void streamer(struct fake_conn *c, const struct fake_request *req, void *user)
{
    (void)req;
    (void)user;
    fake_start_chunks(c, 200, "X-Stream: yes\r\n");
    fake_chunk(c, "one\n");
    fake_sleep(c, 50);
    fake_chunk(c, "two\n");
    fake_sleep(c, !strcmp(req->path, "/endless") ? 20000 : 50);
    fake_chunk(c, "");
}

START_TEST(streams)
{
    struct buf all CLEANUP(buf_done) = BUF_INIT;
    struct http_queue *q = http_queue_new();
    enum http_event event = HTTP_NONE;
    struct http_request r;
    struct http_call *c, *got = NULL;
    bool head = false;

    server = fake_server_new(streamer, NULL, NULL, NULL, 0);
    r = get(server->url);
    r.stream = true;
    c = http_start(h, q, &r);
    while (event != HTTP_DONE) {
        ck_assert_int_eq(http_queue_next(q, clock_deadline(5000), NULL, &event, &got), 0);
        ck_assert_ptr_eq(got, c);
        if (event == HTTP_HEAD) {
            ck_assert(!head);
            head = true;
            ck_assert_int_eq(http_call_status(c), 200);
            ck_assert_str_eq(http_call_header(c, "X-Stream"), "yes");
        } else if (event == HTTP_DATA) {
            struct buf chunk CLEANUP(buf_done) = BUF_INIT;

            ck_assert(head);
            http_call_take(c, &chunk);
            buf_putn(&all, chunk.data, chunk.len);
        }
    }
    ck_assert_str_eq(buf_str(&all), "one\ntwo\n");
    ck_assert_int_eq(http_call_failure(c), HTTP_FAIL_NONE);
    http_call_free(c);
    http_queue_free(q);
}
END_TEST

START_TEST(streams_can_be_aborted)
{
    char *url CLEANUP(mem_cleanup) = NULL;
    struct http_queue *q = http_queue_new();
    enum http_event event = HTTP_NONE;
    struct http_call *c, *got = NULL;
    struct http_request r;

    server = fake_server_new(streamer, NULL, NULL, NULL, 0);
    url = url_of("/endless");
    r = get(url);
    r.stream = true;
    c = http_start(h, q, &r);
    while (event != HTTP_DATA)
        ck_assert_int_eq(http_queue_next(q, clock_deadline(5000), NULL, &event, &got), 0);
    http_abort(c);
    ck_assert_int_eq(http_queue_next(q, clock_deadline(150), NULL, &event, &got), 0);
    ck_assert_int_eq(event, HTTP_NONE);
    http_queue_free(q);
}
END_TEST

/* --- waiting --------------------------------------------------------------------------------------- */

static void *fire_later(void *token)
{
    usleep(50000);
    cancel_fire(token);
    return NULL;
}

static int64_t time_to_cancel(const struct http_request *r)
{
    struct cancel *token = cancel_new(NULL);
    struct http_call *c = NULL;
    pthread_t thread;
    int64_t start = clock_now_ms();

    pthread_create(&thread, NULL, fire_later, token);
    ck_assert_int_eq(http_do(h, r, token, &c, &err), ERR_CANCELLED);
    start = clock_now_ms() - start;
    pthread_join(thread, NULL);
    cancel_free(token);
    return start;
}

START_TEST(cancelling_a_silent_server)
{
    char *url CLEANUP(mem_cleanup) = NULL;
    struct http_request r;

    server = fake_server_new(answer, NULL, NULL, NULL, 0);
    url = url_of("/slow");
    r = get(url);
    ck_assert_int_lt(time_to_cancel(&r), 2000);
}
END_TEST

/* An address where connecting hangs: a full backlog makes the kernel drop SYNs. */
struct silent_address {
    int fd, fill[4];
    char url[64];
};

static struct silent_address fall_silent(const char *scheme)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    struct silent_address s = {.fd = socket(AF_INET, SOCK_STREAM, 0)};
    socklen_t len = sizeof(addr);

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(s.fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    ck_assert_int_eq(listen(s.fd, 0), 0);
    ck_assert_int_eq(getsockname(s.fd, (struct sockaddr *)&addr, &len), 0);
    for (size_t i = 0; i < ARRAY_LEN(s.fill); i++) {
        s.fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(s.fill[i], (struct sockaddr *)&addr, sizeof(addr));
    }
    snprintf(s.url, sizeof(s.url), "%s://127.0.0.1:%d/", scheme, ntohs(addr.sin_port));
    return s;
}

static void end_silence(const struct silent_address *s)
{
    for (size_t i = 0; i < ARRAY_LEN(s->fill); i++)
        close(s->fill[i]);
    close(s->fd);
}

START_TEST(cancelling_a_blocked_connect)
{
    struct silent_address s = fall_silent("http");
    struct http_request r = get(s.url);

    ck_assert_int_lt(time_to_cancel(&r), 2000);
    end_silence(&s);
}
END_TEST

/* Calls that wait to share a connection don't time out one after the other. */
START_TEST(a_silent_address_fails_all_at_once)
{
    struct silent_address s = fall_silent("https");
    struct http_queue *q = http_queue_new();
    struct http_request r = get(s.url);
    int64_t start = clock_now_ms();

    r.http2 = true;
    for (int i = 0; i < 5; i++)
        http_start(h, q, &r);
    for (int i = 0; i < 5; i++) {
        enum http_event event = HTTP_NONE;
        struct http_call *c = NULL;

        ck_assert_int_eq(http_queue_next(q, clock_deadline(60000), NULL, &event, &c), 0);
        ck_assert_int_eq(http_call_failure(c), HTTP_FAIL_CONNECT);
        http_call_free(c);
    }
    ck_assert_int_ge(clock_now_ms() - start, HTTP_CONNECT_TIMEOUT_MS);
    ck_assert_int_lt(clock_now_ms() - start, 2 * HTTP_CONNECT_TIMEOUT_MS);
    http_queue_free(q);
    end_silence(&s);
}
END_TEST

START_TEST(deadline_and_wake)
{
    struct http_queue *q = http_queue_new();
    enum http_event event = HTTP_DONE;
    struct http_call *c = NULL;
    int64_t start = clock_now_ms();

    ck_assert_int_eq(http_queue_next(q, clock_deadline(30), NULL, &event, &c), 0);
    ck_assert_int_eq(event, HTTP_NONE);
    ck_assert_int_ge(clock_now_ms() - start, 30);
    http_queue_wake(q);
    event = HTTP_DONE;
    ck_assert_int_eq(http_queue_next(q, INT64_MAX, NULL, &event, &c), 0);
    ck_assert_int_eq(event, HTTP_NONE);
    http_queue_free(q);
}
END_TEST

static int in_flight, most_in_flight;

static void counting(struct fake_conn *c, const struct fake_request *req, void *user)
{
    int now = __atomic_add_fetch(&in_flight, 1, __ATOMIC_SEQ_CST);

    (void)req;
    (void)user;
    pthread_mutex_lock(&c->server->lock);
    if (now > most_in_flight)
        most_in_flight = now;
    pthread_mutex_unlock(&c->server->lock);
    fake_sleep(c, 30);
    __atomic_sub_fetch(&in_flight, 1, __ATOMIC_SEQ_CST);
    fake_reply(c, 200, "", "");
}

START_TEST(limit_is_kept)
{
    struct http_limit *limit = http_limit_new(3);
    struct http_queue *q = http_queue_new();
    struct http_request r;

    in_flight = most_in_flight = 0;
    server = fake_server_new(counting, NULL, NULL, NULL, 0);
    r = get(server->url);
    r.limit = limit;
    for (int i = 0; i < 12; i++)
        http_start(h, q, &r);
    for (int i = 0; i < 12; i++) {
        enum http_event event = HTTP_NONE;
        struct http_call *c = NULL;

        ck_assert_int_eq(http_queue_next(q, clock_deadline(5000), NULL, &event, &c), 0);
        ck_assert_int_eq(http_call_status(c), 200);
        http_call_free(c);
    }
    ck_assert_int_eq(most_in_flight, 3);
    http_queue_free(q);
    http_free(h);
    h = NULL;
    http_limit_free(limit);
}
END_TEST

START_TEST(what_waits_can_be_dropped)
{
    struct http_limit *limit = http_limit_new(2);
    struct http_queue *q = http_queue_new();
    int done = 0, dropped = 0;
    struct http_request r;

    in_flight = most_in_flight = 0;
    server = fake_server_new(counting, NULL, NULL, NULL, 0);
    r = get(server->url);
    r.limit = limit;
    for (int i = 0; i < 10; i++)
        http_start(h, q, &r);
    while (!fake_requests(server))
        usleep(1000);
    http_queue_drop_waiting(q);
    for (int i = 0; i < 10; i++) {
        enum http_event event = HTTP_NONE;
        struct http_call *c = NULL;

        ck_assert_int_eq(http_queue_next(q, clock_deadline(5000), NULL, &event, &c), 0);
        ck_assert_int_eq(event, HTTP_DONE);
        if (http_call_error(c, NULL) == ERR_CANCELLED)
            dropped++;
        else
            done++;
        http_call_free(c);
    }
    ck_assert_int_le(done, 4);
    ck_assert_int_eq(done, fake_requests(server));
    ck_assert_int_eq(dropped, 10 - done);
    http_queue_free(q);
    http_free(h);
    h = NULL;
    http_limit_free(limit);
}
END_TEST

START_TEST(freeing_the_engine_ends_calls)
{
    char *url CLEANUP(mem_cleanup) = NULL;
    struct http_queue *q = http_queue_new();
    enum http_event event = HTTP_NONE;
    struct http_call *c = NULL;
    struct http_request r;

    server = fake_server_new(answer, NULL, NULL, NULL, 0);
    url = url_of("/slow");
    r = get(url);
    http_start(h, q, &r);
    http_start(h, q, &r);
    http_free(h);
    h = NULL;
    ck_assert_int_eq(http_queue_next(q, clock_deadline(5000), NULL, &event, &c), 0);
    ck_assert_int_eq(event, HTTP_DONE);
    ck_assert_int_eq(http_call_error(c, NULL), ERR_CANCELLED);
    http_call_free(c);
    http_queue_free(q); /* with the other one in it */
}
END_TEST

static void *many(void *arg)
{
    char *url CLEANUP(mem_cleanup) = url_of("/echo");
    struct http_queue *q = http_queue_new();
    struct http_request r = get(url);
    size_t *count = arg;

    r.method = "POST";
    r.body = "x";
    r.body_len = 1;
    for (int i = 0; i < 60; i++) {
        struct http_call *c = http_start(h, q, &r);

        if (i % 6 == 5)
            http_abort(c);
    }
    for (int i = 0; i < 50; i++) {
        enum http_event event = HTTP_NONE;
        struct http_call *c = NULL;

        if (!http_queue_next(q, clock_deadline(20000), NULL, &event, &c) && event == HTTP_DONE &&
            http_call_status(c) == 200)
            (*count)++;
        if (c)
            http_call_free(c);
    }
    http_queue_free(q);
    return NULL;
}

START_TEST(many_threads)
{
    size_t counts[4] = {0};
    pthread_t threads[4];

    server = fake_server_new(answer, NULL, NULL, NULL, 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_create(&threads[i], NULL, many, &counts[i]);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], NULL);
        ck_assert_uint_eq(counts[i], 50);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/http");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, answers);
    tcase_add_test(t, error_statuses_are_answers);
    tcase_add_test(t, informational_heads_are_skipped);
    tcase_add_test(t, sends_only_what_was_asked);
    tcase_add_test(t, reuses_connections);
    tcase_add_test(t, http1_servers_are_asked_in_parallel);
    tcase_add_test(t, http1_servers_with_tls_are_asked_in_parallel);
    tcase_add_test(t, gzip_is_asked_for_and_undone);
    tcase_add_test(t, refused);
    tcase_add_test(t, lost);
    tcase_add_test(t, times_out);
    tcase_add_test(t, limits);
    tcase_add_test(t, bad_urls);
    tcase_add_test(t, streams);
    tcase_add_test(t, streams_can_be_aborted);
    tcase_add_test(t, cancelling_a_silent_server);
    tcase_add_test(t, cancelling_a_blocked_connect);
    tcase_add_test(t, a_silent_address_fails_all_at_once);
    tcase_add_test(t, deadline_and_wake);
    tcase_add_test(t, limit_is_kept);
    tcase_add_test(t, what_waits_can_be_dropped);
    tcase_add_test(t, freeing_the_engine_ends_calls);
    tcase_add_test(t, many_threads);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
