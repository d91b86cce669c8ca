#include <check.h>
#include <pthread.h>

#include "lib/base/buf.h"
#include "lib/kube/watch.h"
#include "tests/unit/fake_server.h"

#include "lib/base/banned.h"

static const struct kube_resource configmaps = {"", "v1", "ConfigMap", "configmaps", true};

static struct fake_server *server;
static struct kube_client *client;
static struct kube_watcher *watcher;
static struct err err;

static const char *no_env(const char *name)
{
    (void)name;
    return NULL;
}

static void serve(fake_handler *handler, void *user)
{
    struct kube_attributes a = {.insecure = -1};
    struct kube_client_options o = {.config = NULL};

    server = fake_server_new(handler, user, NULL, NULL, 0);
    a.host = server->url;
    ck_assert_int_eq(kube_config_resolve(&a, no_env, &o.config, &err), 0);
    client = kube_client_new(&o, &err);
    watcher = kube_watcher_new(client);
}

static void teardown(void)
{
    kube_watcher_free(watcher);
    watcher = NULL;
    kube_client_free(client);
    client = NULL;
    if (server)
        fake_server_free(server);
    server = NULL;
    err_done(&err);
}

static void watch(void)
{
    kube_watch(watcher, &configmaps, "ns", "a=b", NULL, &server);
}

/* The next events as text: "+name" changed, "-name" deleted, "." synced, "!" failed. */
static const char *events(int n)
{
    static char text[512];
    struct buf b CLEANUP(buf_done) = BUF_INIT;

    for (int i = 0; i < n; i++) {
        enum kube_watch_event event = KUBE_WATCH_FAILED;
        json_t *object = NULL;
        void *user = NULL;
        int rc =
            kube_watch_next(watcher, clock_deadline(20000), NULL, &event, &user, &object, &err);

        if (rc) {
            buf_printf(&b, "(%d)", rc);
            break;
        }
        ck_assert_ptr_eq(user, &server);
        buf_putc(&b, ".+-!"[event]);
        if (object) {
            ck_assert_str_eq(json_string_value(json_object_get(object, "kind")), "ConfigMap");
            buf_puts(&b, json_string_value(
                             json_object_get(json_object_get(object, "metadata"), "name")));
        }
        json_decref(object);
    }
    snprintf(text, sizeof(text), "%s", buf_str(&b));
    return text;
}

static bool quiet(int ms)
{
    json_t *object CLEANUP(json_decrefp) = NULL;
    enum kube_watch_event event;
    void *user;

    return kube_watch_next(watcher, clock_deadline(ms), NULL, &event, &user, &object, &err) ==
           ERR_TIMEOUT;
}

/* --- scripts --------------------------------------------------------------------------------------- */

#define OBJECT(name, version)                                                                      \
    "{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"ns\",\"uid\":\"u-" name                  \
    "\",\"resourceVersion\":\"" version "\"}}"
#define LIST(version, items)                                                                       \
    "{\"kind\":\"ConfigMapList\",\"metadata\":{\"resourceVersion\":\"" version                     \
    "\"},\"items\":[" items "]}"
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"

static bool is_watch(const struct fake_request *req)
{
    return strstr(req->path, "watch=true");
}

static bool since(const struct fake_request *req, const char *version)
{
    char *text CLEANUP(mem_cleanup) = mem_printf("resourceVersion=%s&", version);

    return strstr(req->path, text);
}

static void plain(struct fake_conn *c, const struct fake_request *req, void *user)
{
    (void)user;
    if (!is_watch(req)) {
        fake_reply(c, 200, "", LIST("5", OBJECT("a", "3") "," OBJECT("b", "4")));
        return;
    }
    if (!since(req, "5") || !strstr(req->path, "labelSelector=a%3Db") ||
        !strstr(req->path, "allowWatchBookmarks=true"))
        fake_hang_up(c);
    fake_start_chunks(c, 200, "");
    fake_chunk(c, EVENT("ADDED", OBJECT("c", "6")));
    /* Cut where it hurts. */
    fake_chunk(c, "{\"type\":\"MODIFIED\",\"obj");
    fake_sleep(c, 30);
    fake_chunk(c, "ect\":" OBJECT("a", "7") "}\n" EVENT("DELETED", OBJECT("b", "8"))
                      EVENT("BOOKMARK", OBJECT("", "9")));
    fake_sleep(c, 20000);
}

START_TEST(lists_then_watches)
{
    serve(plain, NULL);
    watch();
    ck_assert_str_eq(events(6), "+a+b.+c+a-b");
    ck_assert(quiet(100));
}
END_TEST

/* The server ends streams now and then; nothing is told twice, nothing is missed. */
static void ending(struct fake_conn *c, const struct fake_request *req, void *user)
{
    (void)user;
    if (!is_watch(req)) {
        fake_reply(c, 200, "", LIST("5", OBJECT("a", "3")));
        return;
    }
    fake_start_chunks(c, 200, "");
    if (since(req, "5"))
        fake_chunk(c, EVENT("ADDED", OBJECT("b", "6")));
    else if (since(req, "6"))
        fake_chunk(c, EVENT("BOOKMARK", OBJECT("", "17")));
    else if (since(req, "17"))
        fake_chunk(c, EVENT("ADDED", OBJECT("c", "18")));
    else
        fake_sleep(c, 20000);
    fake_chunk(c, "");
}

START_TEST(goes_on_where_it_was)
{
    serve(ending, NULL);
    watch();
    ck_assert_str_eq(events(4), "+a.+b+c");
    ck_assert(quiet(100));
}
END_TEST

/* After 410, in both of its forms, the list tells what was missed. */
struct gap {
    bool in_stream;
    int lists;
};

static void gone(struct fake_conn *c, const struct fake_request *req, void *user)
{
    struct gap *g = user;

    if (!is_watch(req)) {
        fake_reply(c, 200, "",
                   g->lists++
                       ? LIST("9", OBJECT("b", "7") "," OBJECT("c", "8"))
                       : LIST("5", OBJECT("a", "3") "," OBJECT("b", "4") "," OBJECT("d", "5")));
        return;
    }
    if (since(req, "9")) {
        fake_start_chunks(c, 200, "");
        fake_chunk(c, EVENT("ADDED", OBJECT("d", "10")));
        fake_sleep(c, 20000);
    } else if (g->in_stream) {
        fake_start_chunks(c, 200, "");
        fake_chunk(c, EVENT("ERROR", "{\"kind\":\"Status\",\"code\":410,\"message\":\"too old\"}"));
        fake_chunk(c, "");
    } else {
        fake_reply(c, 410, "", "{\"kind\":\"Status\",\"code\":410,\"message\":\"too old\"}");
    }
}

START_TEST(lists_again_after_410)
{
    for (int i = 0; i < 2; i++) {
        struct gap g = {.in_stream = i};

        serve(gone, &g);
        watch();
        ck_assert_str_eq(events(9), "+a+b+d.-a-d+b+c+d");
        teardown();
    }
}
END_TEST

static void no_watching(struct fake_conn *c, const struct fake_request *req, void *user)
{
    int *lists = user;

    if (is_watch(req))
        fake_reply(c, 403, "", "{\"kind\":\"Status\",\"message\":\"may not watch\"}");
    else
        fake_reply(c, 200, "",
                   (*lists)++ ? LIST("9", OBJECT("a", "8")) : LIST("5", OBJECT("a", "3")));
}

START_TEST(polls_where_watching_is_refused)
{
    int lists = 0;
    int64_t start = clock_now_ms();

    serve(no_watching, &lists);
    watch();
    ck_assert_str_eq(events(3), "+a.+a");
    ck_assert_int_ge(clock_now_ms() - start, KUBE_WATCH_POLL_MS);
}
END_TEST

static void no_listing(struct fake_conn *c, const struct fake_request *req, void *user)
{
    (void)req;
    (void)user;
    fake_reply(c, 403, "", "{\"kind\":\"Status\",\"message\":\"may not list\"}");
}

START_TEST(fails_where_listing_is_refused)
{
    serve(no_listing, NULL);
    watch();
    ck_assert_str_eq(events(1), "!");
    ck_assert_int_eq(err.code, ERR_DENIED);
    ck_assert_str_eq(err_msg(&err), "LIST ConfigMap ns/: may not list");
    ck_assert(quiet(50));
}
END_TEST

/* Troubles that heal: dropped streams, 500s, rubbish in the stream. */
static void troubled(struct fake_conn *c, const struct fake_request *req, void *user)
{
    int *watches = user;

    if (!is_watch(req)) {
        fake_reply(c, 200, "", LIST("5", OBJECT("a", "3")));
        return;
    }
    switch ((*watches)++) {
    case 0:
        fake_hang_up(c);
        break;
    case 1:
        fake_reply(c, 500, "", "");
        break;
    case 2:
        fake_start_chunks(c, 200, "");
        fake_chunk(c, "rubbish: [\n");
        fake_chunk(c, "");
        break;
    case 3:
        fake_start_chunks(c, 200, "");
        fake_chunk(c, "{\"type\":\"ADDED\"");
        fake_hang_up(c);
        break;
    default:
        fake_start_chunks(c, 200, "");
        fake_chunk(c, EVENT("ADDED", OBJECT("b", "6")));
        fake_sleep(c, 20000);
    }
}

START_TEST(troubles_heal)
{
    int watches = 0;

    serve(troubled, &watches);
    watch();
    ck_assert_str_eq(events(3), "+a.+b");
}
END_TEST

/* The kind goes away with its CRD, and comes back. */
static void vanishing(struct fake_conn *c, const struct fake_request *req, void *user)
{
    int *lists = user;

    if (is_watch(req))
        fake_reply(c, 404, "", "404 page not found\n");
    else if (++*lists == 2)
        fake_reply(c, 404, "", "404 page not found\n");
    else
        fake_reply(c, 200, "", LIST("5", OBJECT("a", "3")));
}

START_TEST(a_kind_that_vanishes_deletes_its_objects)
{
    int lists = 0;

    serve(vanishing, &lists);
    watch();
    ck_assert_str_eq(events(4), "+a.-a+a");
}
END_TEST

static void paged(struct fake_conn *c, const struct fake_request *req, void *user)
{
    (void)user;
    if (is_watch(req))
        fake_sleep(c, 20000);
    else if (strstr(req->path, "continue=p2"))
        fake_reply(c, 200, "", LIST("5", OBJECT("b", "4")));
    else
        fake_reply(
            c, 200, "",
            "{\"metadata\":{\"resourceVersion\":\"5\",\"continue\":\"p2\"},\"items\":[" OBJECT(
                "a", "3") "]}");
}

START_TEST(lists_in_pages)
{
    serve(paged, NULL);
    watch();
    ck_assert_str_eq(events(3), "+a+b.");
}
END_TEST

static void *fire_soon(void *token)
{
    usleep(100000);
    cancel_fire(token);
    return NULL;
}

START_TEST(cancelling)
{
    struct cancel *token CLEANUP(cancel_cleanup) = cancel_new(NULL);
    enum kube_watch_event event;
    json_t *object = NULL;
    pthread_t thread;
    void *user;
    int64_t start = clock_now_ms();

    serve(paged, NULL);
    watch();
    ck_assert_str_eq(events(3), "+a+b.");
    pthread_create(&thread, NULL, fire_soon, token);
    ck_assert_int_eq(kube_watch_next(watcher, INT64_MAX, token, &event, &user, &object, &err),
                     ERR_CANCELLED);
    ck_assert_int_lt(clock_now_ms() - start, 5000);
    pthread_join(thread, NULL);
}
END_TEST

/* --- on a queue with calls of its own ---------------------------------------------------------------- */

static void both(struct fake_conn *c, const struct fake_request *req, void *user)
{
    (void)user;
    if (is_watch(req)) {
        fake_start_chunks(c, 200, "");
        fake_sleep(c, 100);
        fake_chunk(c, EVENT("ADDED", OBJECT("b", "6")));
        fake_sleep(c, 20000);
    } else if (strstr(req->path, "/slow")) {
        fake_sleep(c, 400);
        fake_reply(c, 200, "", "{}");
    } else {
        fake_reply(c, 200, "", LIST("5", OBJECT("a", "3")));
    }
}

START_TEST(one_wait_serves_both)
{
    struct kube_request slow = {
        .verb = KUBE_GET, .resource = &configmaps, .namespace = "ns", .name = "slow"};
    struct kube_result result;
    struct kube_queue *q;
    int early = 0, rc;

    serve(both, NULL);
    kube_watcher_free(watcher);
    q = kube_queue_new(client);
    watcher = kube_watcher_on(q);
    watch();
    ck_assert_uint_eq(kube_pending(q), 0); /* the watcher's own don't count */
    kube_start(q, &slow);
    ck_assert_uint_eq(kube_pending(q), 1);
    while ((rc = kube_next(q, INT64_MAX, NULL, &result)) == ERR_TIMEOUT) {
        ck_assert_int_lt(early++, 10);
        while (!quiet(0))
            continue;
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_ge(early, 2); /* for the list and for the event */
    kube_result_done(&result);
    ck_assert_int_eq(kube_next(q, INT64_MAX, NULL, &result), ERR_NOT_FOUND);

    /* The other way round: what finishes while events are waited for is kept. */
    kube_start(q, &slow);
    ck_assert(quiet(800));
    ck_assert_int_eq(kube_next(q, clock_now_ms(), NULL, &result), 0);
    kube_result_done(&result);
    kube_watcher_free(watcher);
    watcher = NULL;
    kube_queue_free(q);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kube/watch");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, lists_then_watches);
    tcase_add_test(t, goes_on_where_it_was);
    tcase_add_test(t, lists_again_after_410);
    tcase_add_test(t, polls_where_watching_is_refused);
    tcase_add_test(t, fails_where_listing_is_refused);
    tcase_add_test(t, troubles_heal);
    tcase_add_test(t, a_kind_that_vanishes_deletes_its_objects);
    tcase_add_test(t, lists_in_pages);
    tcase_add_test(t, cancelling);
    tcase_add_test(t, one_wait_serves_both);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
