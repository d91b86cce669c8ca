#include <check.h>
#include <pthread.h>

#include "lib/kube/client.h"
#include "tests/unit/fake_server.h"

#include "lib/base/banned.h"

static struct fake_server *server;
static struct kube_client *client;
static struct kube_result result;
static struct err err;

static const struct kube_resource deployments = {"apps", "v1", "Deployment", "deployments", true};
static const struct kube_resource configmaps = {"", "v1", "ConfigMap", "configmaps", true};

static const char *no_env(const char *name)
{
    (void)name;
    return NULL;
}

static struct kube_client *connect_as(struct kube_attributes a, int parallelism)
{
    struct kube_config *config = NULL;
    struct kube_client_options o = {.parallelism = parallelism, .user_agent = "test/1"};

    ck_assert_msg(!kube_config_resolve(&a, no_env, &config, &err), "%s", err_msg(&err));
    o.config = config;
    return kube_client_new(&o, &err);
}

static void serve(fake_handler *handler, void *user)
{
    server = fake_server_new(handler, user, NULL, NULL, 0);
    client = connect_as((struct kube_attributes){.insecure = -1, .host = server->url}, 0);
}

static void teardown(void)
{
    kube_result_done(&result);
    kube_client_free(client);
    client = NULL;
    if (server)
        fake_server_free(server);
    server = NULL;
    err_done(&err);
}

static void assert_says(const struct err *e, const char *part)
{
    ck_assert_msg(strstr(err_msg(e), part), "\"%s\" doesn't say \"%s\"", err_msg(e), part);
}

static int call(const struct kube_request *req)
{
    kube_result_done(&result);
    return kube_do(client, req, NULL, &result);
}

static struct kube_request get(const char *name)
{
    return (struct kube_request){
        .verb = KUBE_GET, .resource = &configmaps, .namespace = "ns", .name = name};
}

static struct kube_request apply(json_t *body)
{
    return (struct kube_request){.verb = KUBE_APPLY,
                                 .resource = &configmaps,
                                 .namespace = "ns",
                                 .name = "x",
                                 .field_manager = "me",
                                 .body = body};
}

/* --- what is sent ---------------------------------------------------------------------------------- */

static void head_as_json(struct fake_conn *c, const struct fake_request *req, void *user)
{
    json_t *answer =
        json_pack("{s:s, s:s, s:s}", "method", req->method, "head", req->head, "body", req->body);
    char *text = json_dumps(answer, 0);

    (void)user;
    fake_reply(c, 200, "", text);
    free(text);
    json_decref(answer);
}

static bool head_has(const char *line)
{
    const char *head = json_string_value(json_object_get(result.body, "head"));

    return head && strstr(head, line);
}

START_TEST(headers_and_bodies)
{
    json_t *body CLEANUP(json_decrefp) = json_pack("{s:s, s:i}", "b", "2", "a", 1);
    struct kube_request r = apply(body);

    serve(head_as_json, NULL);
    ck_assert_int_eq(call(&r), 0);
    ck_assert_str_eq(json_string_value(json_object_get(result.body, "body")),
                     "{\"b\":\"2\",\"a\":1}");
    ck_assert(head_has("Content-Type: application/apply-patch+yaml\r\n"));
    ck_assert(head_has("Accept: application/json\r\n"));
    ck_assert(head_has("User-Agent: test/1\r\n"));
    r = get("x");
    r.metadata_only = true;
    ck_assert_int_eq(call(&r), 0);
    ck_assert(head_has("Accept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,"
                       "application/json\r\n"));
    ck_assert(!head_has("Content-Type"));
    r = (struct kube_request){.verb = KUBE_LIST, .resource = &configmaps, .metadata_only = true};
    ck_assert_int_eq(call(&r), 0);
    ck_assert(head_has("Accept: application/json;as=PartialObjectMetadataList;"));
    r = (struct kube_request){.verb = KUBE_RAW_GET, .path = "/version", .accept = "text/x"};
    ck_assert_int_eq(call(&r), 0);
    ck_assert(head_has("GET /version HTTP/1.1\r\n"));
    ck_assert(head_has("Accept: text/x\r\n"));
    ck_assert_uint_eq(kube_request_count(client), 4);
}
END_TEST

#define STATUS(rest) "{\"kind\":\"Status\"," rest "}"

/* --- retries, for real ----------------------------------------------------------------------------- */

/* Fails a number of times in a way of its own, then answers. */
struct script {
    int failures, status;
    const char *headers, *body; /* NULL body = hang up */
};

static void scripted(struct fake_conn *c, const struct fake_request *req, void *user)
{
    const struct script *s = user;

    if (req->number > s->failures)
        fake_reply(c, 200, "", "{\"kind\":\"ConfigMap\"}");
    else if (s->body)
        fake_reply(c, s->status, s->headers ? s->headers : "", s->body);
    else
        fake_hang_up(c);
}

START_TEST(heals)
{
    static struct script scripts[] = {
        {2, 503, NULL, ""},
        {2, 500, NULL, STATUS("\"message\":\"failed calling webhook \\\"w\\\": refused\"")},
        {2, 0, NULL, NULL},
        {1, 409, NULL, STATUS("\"reason\":\"AlreadyExists\"")},
    };
    json_t *body CLEANUP(json_decrefp) = json_object();

    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        struct kube_request r = apply(body);

        serve(scripted, &scripts[i]);
        ck_assert_msg(!call(&r), "%zu: %s", i, err_msg(&result.err));
        ck_assert_int_eq(result.tries, scripts[i].failures + 1);
        ck_assert_int_eq(result.err.code, 0);
        ck_assert_str_ne(result.retry_after_reason, "");
        ck_assert_str_eq(json_string_value(json_object_get(result.body, "kind")), "ConfigMap");
        teardown();
    }
}
END_TEST

START_TEST(retry_after_is_heeded)
{
    struct script s = {1, 429, "Retry-After: 1\r\n", ""};
    struct kube_request r = get("x");
    int64_t start = clock_now_ms();

    serve(scripted, &s);
    ck_assert_int_eq(call(&r), 0);
    ck_assert_int_ge(clock_now_ms() - start, 1000);
}
END_TEST

START_TEST(answers_that_stand)
{
    static const struct {
        int http, code;
        const char *body, *says;
    } cases[] = {
        {403, ERR_DENIED, STATUS("\"message\":\"not you\""), "GET ConfigMap ns/x: not you"},
        {404, ERR_NOT_FOUND,
         STATUS("\"message\":\"configmaps \\\"x\\\" not found\",\"details\":{\"name\":\"x\"}"),
         "not found"},
        {422, ERR_INVALID, STATUS("\"message\":\"spec.x: Required value\""),
         "spec.x: Required value"},
        {401, ERR_UNAUTHENTICATED, STATUS("\"message\":\"Unauthorized\""), "Unauthorized"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct script s = {99, cases[i].http, NULL, cases[i].body};
        struct kube_request r = get("x");

        serve(scripted, &s);
        ck_assert_int_eq(call(&r), cases[i].code);
        ck_assert_int_eq(result.err.code, cases[i].code);
        ck_assert_int_eq(result.status.http, cases[i].http);
        ck_assert_int_eq(result.tries, 1);
        assert_says(&result.err, cases[i].says);
        teardown();
    }
}
END_TEST

START_TEST(gives_up_in_time)
{
    struct script s = {999, 503, NULL, ""};
    struct kube_request r = get("x");
    int64_t start = clock_now_ms();

    serve(scripted, &s);
    r.retry_ms = 700;
    ck_assert_int_eq(call(&r), ERR_RETRY);
    ck_assert_int_le(clock_now_ms() - start, 5000);
    ck_assert_int_gt(result.tries, 1);
    assert_says(&result.err, "given up after");
    r.retry_ms = -1;
    ck_assert_int_eq(call(&r), ERR_RETRY);
    ck_assert_int_eq(result.tries, 1);
}
END_TEST

START_TEST(not_served_only_when_expected)
{
    struct script s = {2, 404, NULL, "404 page not found\n"};
    struct kube_request r = get("x");

    serve(scripted, &s);
    ck_assert_int_eq(call(&r), ERR_NOT_FOUND);
    ck_assert_int_eq(result.tries, 1);
    r.not_served_retry = true;
    ck_assert_int_eq(call(&r), 0);
}
END_TEST

START_TEST(unreachable)
{
    struct kube_request r = get("x");

    serve(scripted, NULL);
    fake_server_free(server);
    server = NULL;
    r.retry_ms = 250;
    ck_assert_int_eq(call(&r), ERR_UNREACHABLE);
    ck_assert_int_eq(result.status.http, 0);
    ck_assert_int_gt(result.tries, 1);
    assert_says(&result.err, "GET ConfigMap ns/x: connecting to 127.0.0.1:");
    assert_says(&result.err, "Connection refused");
}
END_TEST

/* A server that was restarted is found again by requests that were on their way. */
START_TEST(survives_a_restart)
{
    struct script s = {0, 0, NULL, NULL};
    struct kube_request r = get("x");
    struct kube_queue *q;
    int port;

    serve(scripted, &s);
    ck_assert_int_eq(call(&r), 0);
    port = server->port;
    fake_server_free(server);
    q = kube_queue_new(client);
    for (int i = 0; i < 20; i++)
        kube_start(q, &r);
    kube_result_done(&result);
    ck_assert_int_eq(kube_next(q, clock_deadline(300), NULL, &result), ERR_TIMEOUT);
    server = fake_server_new(scripted, &s, NULL, NULL, port);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(kube_next(q, clock_deadline(20000), NULL, &result), 0);
        ck_assert_int_eq(result.code, 0);
        kube_result_done(&result);
    }
    ck_assert_int_eq(kube_next(q, INT64_MAX, NULL, &result), ERR_NOT_FOUND);
    /* The first one, each call's failed and good try, and a few probes; not each call's own probes. */
    ck_assert_uint_le(kube_request_count(client), 1 + 20 + 20 + 12);
    kube_queue_free(q);
}
END_TEST

/* A server that never comes back: all are told in their time, not one after the other. */
START_TEST(an_outage_ends_for_all_in_time)
{
    struct kube_request r = get("x");
    struct kube_queue *q;
    int64_t start = clock_now_ms();

    serve(scripted, NULL);
    fake_server_free(server);
    server = NULL;
    q = kube_queue_new(client);
    r.retry_ms = 600;
    for (int i = 0; i < 50; i++)
        kube_start(q, &r);
    for (int i = 0; i < 50; i++) {
        ck_assert_int_eq(kube_next(q, clock_deadline(20000), NULL, &result), 0);
        ck_assert_int_eq(result.code, ERR_UNREACHABLE);
        assert_says(&result.err, "Connection refused");
        kube_result_done(&result);
    }
    ck_assert_int_lt(clock_now_ms() - start, 5000);
    kube_queue_free(q);
}
END_TEST

/* A number that jansson can't hold, as CRDs have them. */
static void big_number(struct fake_conn *c, const struct fake_request *req, void *user)
{
    (void)user;
    fake_reply(c, 200, "",
               !strcmp(req->path, "/big") ? "{\"maximum\": 18446744073709551615, \"s\": \"x\"}"
                                          : "{\"a\": ");
}

START_TEST(odd_answers)
{
    struct kube_request r = {.verb = KUBE_RAW_GET, .path = "/big"};

    serve(big_number, NULL);
    ck_assert_int_eq(call(&r), 0);
    ck_assert(json_number_value(json_object_get(result.body, "maximum")) == 18446744073709551615.0);
    r.path = "/cut";
    ck_assert_int_eq(call(&r), ERR_FAIL);
    assert_says(&result.err, "isn't JSON");
}
END_TEST

/* --- credentials ----------------------------------------------------------------------------------- */

static int tokens;

static int next_token(void *arg, struct cancel *cancel, char **ret_token, int64_t *ret_expires_ms,
                      struct err *e)
{
    (void)arg;
    (void)cancel;
    (void)e;
    *ret_token = mem_printf("t%d", ++tokens);
    *ret_expires_ms = 0;
    return 0;
}

static void only_second_token(struct fake_conn *c, const struct fake_request *req, void *user)
{
    (void)user;
    if (fake_header_is(req, "Authorization", "Bearer t2"))
        fake_reply(c, 200, "", "{}");
    else
        fake_reply(c, 401, "", STATUS("\"message\":\"Unauthorized\""));
}

static void serve_tls(fake_handler *handler, struct kube_attributes a)
{
    struct fake_cert ca = fake_cert_new(&(struct fake_cert_options){.name = "ca"});
    struct fake_cert cert = fake_cert_new(
        &(struct fake_cert_options){.name = "server", .alt_names = "IP:127.0.0.1", .issuer = &ca});

    server = fake_server_new(handler, NULL, &cert, NULL, 0);
    a.insecure = -1;
    a.host = server->url;
    if (!a.cluster_ca_certificate)
        a.cluster_ca_certificate = ca.cert_pem;
    client = connect_as(a, 0);
    fake_cert_done(&cert);
    fake_cert_done(&ca);
}

START_TEST(renews_on_401)
{
    struct kube_token_source source = {.fetch = next_token};
    struct kube_request r = get("x");
    struct kube_queue *q;

    tokens = 0;
    serve_tls(only_second_token, (struct kube_attributes){.token_source = &source});
    q = kube_queue_new(client);
    for (int i = 0; i < 10; i++)
        kube_start(q, &r);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(kube_next(q, clock_deadline(20000), NULL, &result), 0);
        ck_assert_msg(!result.code, "%s", err_msg(&result.err));
        kube_result_done(&result);
    }
    ck_assert_int_eq(tokens, 2);
    kube_queue_free(q);
}
END_TEST

START_TEST(renews_only_once)
{
    struct kube_token_source source = {.fetch = next_token};
    struct kube_request r = get("x");

    tokens = 2;
    serve_tls(only_second_token, (struct kube_attributes){.token_source = &source});
    ck_assert_int_eq(call(&r), ERR_UNAUTHENTICATED);
    ck_assert_int_eq(result.tries, 2);
    ck_assert_int_eq(tokens, 4);
}
END_TEST

/* --- what doesn't wait for its turn ----------------------------------------------------------------- */

static bool released;

/* "slow" is answered when the test says so. */
static void slow_when_told(struct fake_conn *c, const struct fake_request *req, void *user)
{
    (void)user;
    while (strstr(req->path, "slow") && !__atomic_load_n(&released, __ATOMIC_ACQUIRE) &&
           !__atomic_load_n(&server->stop, __ATOMIC_ACQUIRE))
        fake_sleep(c, 1);
    fake_reply(c, 200, "", "{}");
}

START_TEST(urgent_ones_pass_the_limit)
{
    struct kube_request slow = get("slow"), usual = get("usual"), urgent = get("urgent");
    const char *const order[] = {"urgent", "slow", "usual"};
    struct kube_queue *q;

    server = fake_server_new(slow_when_told, NULL, NULL, NULL, 0);
    client = connect_as((struct kube_attributes){.insecure = -1, .host = server->url}, 1);
    q = kube_queue_new(client);
    slow.user = (void *)(uintptr_t)order[1];
    usual.user = (void *)(uintptr_t)order[2];
    urgent.user = (void *)(uintptr_t)order[0];
    urgent.urgent = true;
    kube_start(q, &slow);
    kube_start(q, &usual);
    kube_start(q, &urgent);
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        kube_result_done(&result);
        ck_assert_int_eq(kube_next(q, clock_deadline(60000), NULL, &result), 0);
        ck_assert_str_eq(result.user, order[i]);
        if (!i) /* the usual one waits */
            ck_assert_int_le(fake_requests(server), 2);
        __atomic_store_n(&released, true, __ATOMIC_RELEASE);
    }
    kube_queue_free(q);
}
END_TEST

static void nobody(struct fake_conn *c, const struct fake_request *req, void *user)
{
    (void)user;
    fake_reply(c, fake_header_is(req, "Authorization", NULL) ? 200 : 500, "", "{}");
}

START_TEST(no_credentials_in_the_clear)
{
    struct kube_request r = get("x");
    struct kube_attributes a = {.insecure = -1, .token = "secret"};

    server = fake_server_new(nobody, NULL, NULL, NULL, 0);
    a.host = server->url;
    client = connect_as(a, 0);
    ck_assert_int_eq(call(&r), 0);
}
END_TEST

START_TEST(plugin_failure_is_the_answer)
{
    static const char *const args[] = {"-c", "echo 'login expired' >&2; exit 1", NULL};
    struct kube_exec exec = {
        .api_version = "client.authentication.k8s.io/v1", .command = "sh", .args = args};
    struct kube_request r = get("x");

    serve_tls(only_second_token, (struct kube_attributes){.exec = &exec});
    ck_assert_int_eq(call(&r), ERR_UNAUTHENTICATED);
    assert_says(&result.err, "GET ConfigMap ns/x: sh failed with exit code 1: login expired");
    ck_assert_int_eq(fake_requests(server), 0);
}
END_TEST

START_TEST(certificate_trouble_names_the_remedy)
{
    struct fake_cert other = fake_cert_new(&(struct fake_cert_options){.name = "other"});
    struct kube_request r = get("x");
    int64_t start = clock_now_ms();

    serve_tls(nobody, (struct kube_attributes){.cluster_ca_certificate = other.cert_pem});
    ck_assert_int_eq(call(&r), ERR_UNREACHABLE);
    assert_says(&result.err, "unknown authority");
    assert_says(&result.err, "cluster_ca_certificate");
    ck_assert_int_eq(result.tries, 1);
    ck_assert_int_lt(clock_now_ms() - start, 5000);
    fake_cert_done(&other);
}
END_TEST

/* --- many at once, and stopping -------------------------------------------------------------------- */

static void slow_or_quick(struct fake_conn *c, const struct fake_request *req, void *user)
{
    (void)user;
    if (strstr(req->path, "/slow"))
        fake_sleep(c, 400);
    if (strstr(req->path, "/stuck"))
        fake_sleep(c, 20000);
    fake_reply(c, 200, "", "{}");
}

START_TEST(results_come_as_they_finish)
{
    struct kube_request slow = get("slow"), quick = get("quick");
    struct kube_queue *q;
    int user_slow, user_quick;

    serve(slow_or_quick, NULL);
    q = kube_queue_new(client);
    slow.user = &user_slow;
    quick.user = &user_quick;
    kube_start(q, &slow);
    kube_start(q, &quick);
    ck_assert_uint_eq(kube_pending(q), 2);
    ck_assert_int_eq(kube_next(q, INT64_MAX, NULL, &result), 0);
    ck_assert_ptr_eq(result.user, &user_quick);
    kube_result_done(&result);
    ck_assert_int_eq(kube_next(q, clock_now_ms(), NULL, &result), ERR_TIMEOUT);
    ck_assert_int_eq(kube_next(q, INT64_MAX, NULL, &result), 0);
    ck_assert_ptr_eq(result.user, &user_slow);
    ck_assert_uint_eq(kube_pending(q), 0);
    kube_queue_free(q);
}
END_TEST

static void *fire_soon(void *token)
{
    usleep(100000);
    cancel_fire(token);
    return NULL;
}

/* What is in flight can be waited for; what waits for a place or its next try is not sent. */
START_TEST(cancelling)
{
    struct kube_request slow = get("slow"), late = get("late");
    struct cancel *token CLEANUP(cancel_cleanup) = cancel_new(NULL);
    struct kube_queue *q;
    pthread_t thread;
    int finished = 0, cancelled = 0, rc;
    int64_t start;

    server = fake_server_new(slow_or_quick, NULL, NULL, NULL, 0);
    client = connect_as((struct kube_attributes){.insecure = -1, .host = server->url}, 2);
    q = kube_queue_new(client);
    for (int i = 0; i < 2; i++)
        kube_start(q, &slow);
    for (int i = 0; i < 5; i++)
        kube_start(q, &late);
    pthread_create(&thread, NULL, fire_soon, token);
    start = clock_now_ms();
    ck_assert_int_eq(kube_next(q, INT64_MAX, token, &result), ERR_CANCELLED);
    ck_assert_int_lt(clock_now_ms() - start, 390);
    ck_assert_int_eq(kube_next(q, INT64_MAX, token, &result), ERR_CANCELLED);
    while (!(rc = kube_next(q, clock_deadline(5000), NULL, &result))) {
        if (result.code == ERR_CANCELLED)
            cancelled++;
        else if (!result.code)
            finished++;
        kube_result_done(&result);
    }
    ck_assert_int_eq(rc, ERR_NOT_FOUND);
    ck_assert_int_eq(finished, 2);
    ck_assert_int_eq(cancelled, 5);
    ck_assert_int_eq(fake_requests(server), 2);
    pthread_join(thread, NULL);
    kube_queue_free(q);
}
END_TEST

START_TEST(cancelling_a_back_off)
{
    struct script s = {999, 429, "Retry-After: 30\r\n", ""};
    struct cancel *token CLEANUP(cancel_cleanup) = cancel_new(NULL);
    struct kube_request r = get("x");
    int64_t start = clock_now_ms();
    pthread_t thread;

    serve(scripted, &s);
    pthread_create(&thread, NULL, fire_soon, token);
    ck_assert_int_eq(kube_do(client, &r, token, &result), ERR_CANCELLED);
    ck_assert_int_lt(clock_now_ms() - start, 5000);
    pthread_join(thread, NULL);
}
END_TEST

/* kube_do inside a loop over a full queue must not wait for that queue's owner. */
START_TEST(a_full_queue_doesnt_block_others)
{
    struct kube_request quick = get("quick");
    struct kube_queue *q;

    server = fake_server_new(slow_or_quick, NULL, NULL, NULL, 0);
    client = connect_as((struct kube_attributes){.insecure = -1, .host = server->url}, 1);
    q = kube_queue_new(client);
    for (int i = 0; i < 5; i++)
        kube_start(q, &quick);
    ck_assert_int_eq(call(&quick), 0);
    kube_queue_free(q);
}
END_TEST

START_TEST(queues_can_be_dropped_with_calls)
{
    struct kube_request stuck = get("stuck");
    struct kube_queue *q;

    serve(slow_or_quick, NULL);
    q = kube_queue_new(client);
    for (int i = 0; i < 50; i++)
        kube_start(q, &stuck);
    while (!fake_requests(server))
        usleep(1000);
    kube_queue_free(q);
}
END_TEST

/* --- lists ----------------------------------------------------------------------------------------- */

static void pages(struct fake_conn *c, const struct fake_request *req, void *user)
{
    int *expire = user;

    if (!strstr(req->path, "continue=")) {
        fake_reply(
            c, 200, "",
            "{\"kind\":\"DeploymentList\",\"metadata\":{\"resourceVersion\":\"5\",\"continue\":"
            "\"p2\"},\"items\":[{\"metadata\":{\"name\":\"a\"}},{\"metadata\":{\"name\":\"b\"}}]}");
    } else if (*expire > 0) {
        --*expire;
        fake_reply(c, 410, "", STATUS("\"reason\":\"Expired\",\"message\":\"too old\""));
    } else {
        fake_reply(
            c, 200, "",
            "{\"metadata\":{\"resourceVersion\":\"6\"},\"items\":[{\"metadata\":{\"name\":\"c\"}"
            "}]}");
    }
}

START_TEST(list_of_pages)
{
    int expire = 0;
    struct kube_request r = {.resource = &deployments};
    json_t *items CLEANUP(json_decrefp) = NULL;
    char *version CLEANUP(mem_cleanup) = NULL;
    const json_t *last;

    serve(pages, &expire);
    ck_assert_int_eq(kube_list(client, &r, NULL, &items, &version, &err), 0);
    ck_assert_uint_eq(json_array_size(items), 3);
    ck_assert_str_eq(version, "6");
    last = json_array_get(items, 2);
    ck_assert_str_eq(json_string_value(json_object_get(last, "apiVersion")), "apps/v1");
    ck_assert_str_eq(json_string_value(json_object_get(last, "kind")), "Deployment");
}
END_TEST

START_TEST(expired_list_starts_again)
{
    int expire = 2;
    struct kube_request r = {.resource = &deployments};
    json_t *items = NULL;

    serve(pages, &expire);
    ck_assert_int_eq(kube_list(client, &r, NULL, &items, NULL, &err), 0);
    ck_assert_uint_eq(json_array_size(items), 3);
    json_decref(items);
    expire = 99;
    items = NULL;
    ck_assert_int_lt(kube_list(client, &r, NULL, &items, NULL, &err), 0);
    ck_assert_ptr_null(items);
    assert_says(&err, "too old");
}
END_TEST

static void endless_pages(struct fake_conn *c, const struct fake_request *req, void *user)
{
    (void)req;
    (void)user;
    fake_reply(c, 200, "", "{\"metadata\":{\"continue\":\"more\"},\"items\":[]}");
}

START_TEST(endless_list)
{
    struct kube_request r = {.resource = &deployments};
    json_t *items = NULL;

    serve(endless_pages, NULL);
    ck_assert_int_eq(kube_list(client, &r, NULL, &items, NULL, &err), ERR_LIMIT);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kube/client");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, headers_and_bodies);
    tcase_add_test(t, heals);
    tcase_add_test(t, retry_after_is_heeded);
    tcase_add_test(t, answers_that_stand);
    tcase_add_test(t, gives_up_in_time);
    tcase_add_test(t, not_served_only_when_expected);
    tcase_add_test(t, unreachable);
    tcase_add_test(t, survives_a_restart);
    tcase_add_test(t, an_outage_ends_for_all_in_time);
    tcase_add_test(t, odd_answers);
    tcase_add_test(t, renews_on_401);
    tcase_add_test(t, renews_only_once);
    tcase_add_test(t, urgent_ones_pass_the_limit);
    tcase_add_test(t, no_credentials_in_the_clear);
    tcase_add_test(t, plugin_failure_is_the_answer);
    tcase_add_test(t, certificate_trouble_names_the_remedy);
    tcase_add_test(t, results_come_as_they_finish);
    tcase_add_test(t, cancelling);
    tcase_add_test(t, cancelling_a_back_off);
    tcase_add_test(t, a_full_queue_doesnt_block_others);
    tcase_add_test(t, queues_can_be_dropped_with_calls);
    tcase_add_test(t, list_of_pages);
    tcase_add_test(t, expired_list_starts_again);
    tcase_add_test(t, endless_list);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
