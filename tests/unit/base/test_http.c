#include <check.h>

#include "lib/base/http.h"
#include "lib/base/http_call.h"
#include "tests/unit/fake_server.h"

#include "lib/base/banned.h"

static struct http *h;

static void setup(void)
{
    h = http_new(NULL);
    ck_assert_ptr_nonnull(h);
}

static void teardown(void)
{
    http_free(h);
}

static void say(struct fake_conn *c, const struct fake_request *req, void *user)
{
    (void)user;
    if (!strcmp(req->path, "/echo")) {
        fake_reply(c, 200, "X-Method: echo\r\n", req->body);
    } else if (!strcmp(req->path, "/headers")) {
        fake_reply(c, 200, "", req->head);
    } else if (!strcmp(req->path, "/drop")) {
        fake_hang_up(c);
    } else if (!strcmp(req->path, "/half")) {
        fake_sendf(c, "HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\nhalf");
        fake_hang_up(c);
    } else if (!strcmp(req->path, "/slow")) {
        fake_sleep(c, 20000);
        fake_reply(c, 200, "", "late");
    } else {
        fake_reply(c, 404, "", "nothing here");
    }
}

static struct http_request get(const char *url)
{
    struct http_request r = {.method = "GET", .url = url, .proxy = ""};

    return r;
}

START_TEST(answers)
{
    struct fake_server *s = fake_server_new(say, NULL, NULL, NULL, 0);
    char *url CLEANUP(mem_cleanup)
    = mem_printf("%s/echo", s->url);
    struct http_request r = get(url);
    struct http_call *c = NULL;
    size_t n = 0;

    r.method = "PATCH";
    r.body = "hello";
    r.body_len = 5;
    ck_assert_int_eq(http_do(h, &r, NULL, &c, NULL), 0);
    ck_assert_int_eq(http_call_status(c), 200);
    ck_assert_str_eq(http_call_header(c, "x-method"), "echo");
    ck_assert_ptr_null(http_call_header(c, "x-meth"));
    ck_assert_str_eq(http_call_body(c, &n), "hello");
    ck_assert_uint_eq(n, 5);
    http_call_free(c);
    fake_server_free(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http");
    TCase *t = tcase_create("http");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, answers);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
