#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/kube/request.h"
#include "lib/kube/retry.h"
#include "lib/kube/status.h"

#include "lib/base/banned.h"

static struct err err;

static const struct kube_resource deployments = {"apps", "v1", "Deployment", "deployments", true};
static const struct kube_resource configmaps = {"", "v1", "ConfigMap", "configmaps", true};
static const struct kube_resource namespaces = {"", "v1", "Namespace", "namespaces", false};

static void teardown(void)
{
    err_done(&err);
}

static void assert_says(const struct err *e, const char *part)
{
    ck_assert_msg(strstr(err_msg(e), part), "\"%s\" doesn't say \"%s\"", err_msg(e), part);
}

/* --- what is sent ---------------------------------------------------------------------------------- */

static void prepared_is(const struct kube_request *req, const char *method, const char *path,
                        const char *type, const char *what)
{
    struct kube_prepared p CLEANUP(kube_prepared_done) = {0};
    char *url CLEANUP(mem_cleanup) = mem_printf("https://k%s", path);

    ck_assert_msg(!kube_prepare("https://k", req, NULL, &p, &err), "%s", err_msg(&err));
    ck_assert_str_eq(p.method, method);
    ck_assert_str_eq(p.url, url);
    ck_assert_str_eq(p.what, what);
    if (type)
        ck_assert_str_eq(p.content_type, type);
    else
        ck_assert_ptr_null(p.content_type);
}

START_TEST(requests)
{
    json_t *body CLEANUP(json_decrefp) = json_pack("{s:{s:s}}", "metadata", "name", "new");
    struct kube_request r = {
        .verb = KUBE_GET, .resource = &deployments, .namespace = "kubeflow", .name = "katib-ui"};

    prepared_is(&r, "GET", "/apis/apps/v1/namespaces/kubeflow/deployments/katib-ui", NULL,
                "GET Deployment kubeflow/katib-ui");
    r.subresource = "status";
    prepared_is(&r, "GET", "/apis/apps/v1/namespaces/kubeflow/deployments/katib-ui/status", NULL,
                "GET Deployment kubeflow/katib-ui/status");
    r.subresource = NULL;
    r.body = body;
    r.field_manager = "me & you";
    r.verb = KUBE_APPLY;
    prepared_is(&r, "PATCH",
                "/apis/apps/v1/namespaces/kubeflow/deployments/katib-ui"
                "?fieldManager=me%20%26%20you&force=false",
                "application/apply-patch+yaml", "PATCH Deployment kubeflow/katib-ui");
    r.force = true;
    r.dry_run = true;
    prepared_is(&r, "PATCH",
                "/apis/apps/v1/namespaces/kubeflow/deployments/katib-ui"
                "?fieldManager=me%20%26%20you&force=true&dryRun=All",
                "application/apply-patch+yaml", "PATCH Deployment kubeflow/katib-ui");
    r.force = r.dry_run = false;
    r.field_manager = NULL;
    r.verb = KUBE_MERGE_PATCH;
    prepared_is(&r, "PATCH", "/apis/apps/v1/namespaces/kubeflow/deployments/katib-ui",
                "application/merge-patch+json", "PATCH Deployment kubeflow/katib-ui");
    r.verb = KUBE_JSON_PATCH;
    prepared_is(&r, "PATCH", "/apis/apps/v1/namespaces/kubeflow/deployments/katib-ui",
                "application/json-patch+json", "PATCH Deployment kubeflow/katib-ui");
    r.verb = KUBE_UPDATE;
    prepared_is(&r, "PUT", "/apis/apps/v1/namespaces/kubeflow/deployments/katib-ui",
                "application/json", "PUT Deployment kubeflow/katib-ui");
    r.verb = KUBE_DELETE;
    prepared_is(&r, "DELETE", "/apis/apps/v1/namespaces/kubeflow/deployments/katib-ui",
                "application/json", "DELETE Deployment kubeflow/katib-ui");
    r.body = NULL;
    prepared_is(&r, "DELETE", "/apis/apps/v1/namespaces/kubeflow/deployments/katib-ui", NULL,
                "DELETE Deployment kubeflow/katib-ui");
    r = (struct kube_request){
        .verb = KUBE_CREATE, .resource = &configmaps, .namespace = "ns", .body = body};
    prepared_is(&r, "POST", "/api/v1/namespaces/ns/configmaps", "application/json",
                "POST ConfigMap ns/new");
    r = (struct kube_request){.verb = KUBE_GET, .resource = &namespaces, .name = "a:b"};
    prepared_is(&r, "GET", "/api/v1/namespaces/a%3Ab", NULL, "GET Namespace a:b");
}
END_TEST

START_TEST(lists)
{
    struct kube_request r = {.verb = KUBE_LIST, .resource = &deployments};
    struct kube_watch_params watch = {"77", 300};
    struct kube_prepared p CLEANUP(kube_prepared_done) = {0};

    prepared_is(&r, "GET", "/apis/apps/v1/deployments?limit=500", NULL, "LIST Deployment");
    r.namespace = "ns";
    r.label_selector = "a=b,c in (d)";
    r.field_selector = "metadata.name=x";
    r.continue_token = "to+ken=";
    prepared_is(&r, "GET",
                "/apis/apps/v1/namespaces/ns/deployments?labelSelector=a%3Db%2Cc%20in%20%28d%29"
                "&fieldSelector=metadata.name%3Dx&limit=500&continue=to%2Bken%3D",
                NULL, "LIST Deployment ns/");
    r.continue_token = NULL;
    r.field_selector = NULL;
    r.label_selector = "a=b";
    ck_assert_int_eq(kube_prepare("https://k/prefix", &r, &watch, &p, &err), 0);
    ck_assert_str_eq(p.url, "https://k/prefix/apis/apps/v1/namespaces/ns/deployments?"
                            "labelSelector=a%3Db&watch=true&allowWatchBookmarks=true"
                            "&resourceVersion=77&timeoutSeconds=300");
}
END_TEST

START_TEST(requests_that_cant_be)
{
    static const struct {
        struct kube_request req;
        const char *says;
    } cases[] = {
        {{.verb = KUBE_GET}, "without a resource"},
        {{.verb = KUBE_RAW_GET}, "without a path"},
        {{.verb = KUBE_RAW_GET, .path = "version"}, "without a path"},
        {{.verb = KUBE_GET, .resource = &namespaces}, "can't be an object's name"},
        {{.verb = KUBE_GET, .resource = &namespaces, .name = ".."}, "can't be an object's name"},
        {{.verb = KUBE_GET, .resource = &namespaces, .name = "a/b"}, "can't be an object's name"},
        {{.verb = KUBE_DELETE, .resource = &configmaps, .name = "x"}, "a namespace is needed"},
        {{.verb = KUBE_GET, .resource = &configmaps, .name = "x", .namespace = "."},
         "can't be a namespace"},
        {{.verb = KUBE_LIST, .resource = &configmaps, .namespace = ".."}, "can't be a namespace"},
        {{.verb = KUBE_GET, .resource = &namespaces, .name = "x", .subresource = ".."},
         "or a subresource"},
    };
    struct kube_prepared p;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_int_eq(kube_prepare("https://k", &cases[i].req, NULL, &p, &err), ERR_INVALID);
        assert_says(&err, cases[i].says);
    }
}
END_TEST

/* --- what comes back ------------------------------------------------------------------------------- */

static const char *status_text(const char *json, int http)
{
    static char text[1024];
    struct buf words CLEANUP(buf_done) = BUF_INIT;
    json_t *body CLEANUP(json_decrefp) = kube_status_parse(http, json, strlen(json));
    struct kube_status s;

    kube_status_read(http, body, &s);
    kube_status_words(&s, &words);
    snprintf(text, sizeof(text), "%s", buf_str(&words));
    return text;
}

START_TEST(words)
{
    ck_assert_str_eq(status_text("{\"kind\":\"Status\",\"message\":\"no\"}", 403), "no");
    ck_assert_str_eq(status_text("404 page not found\n", 404), "404 page not found");
    ck_assert_str_eq(status_text("", 503), "service unavailable");
    ck_assert_str_eq(status_text("", 418), "HTTP status 418");
    ck_assert_str_eq(status_text("<html>\n  <b>\x01 Bad\xff</b>", 502),
                     "<html> <b> Bad\xEF\xBF\xBD</b>");
    ck_assert_str_eq(status_text("{\"kind\":\"Pod\"}", 500), "{\"kind\":\"Pod\"}");
    /* As kube-apiserver 1.34 words a conflict. */
    ck_assert_str_eq(
        status_text(
            "{\"kind\":\"Status\",\"reason\":\"Conflict\",\"message\":\"Apply failed with 2 "
            "conflicts: ...\",\"details\":{\"causes\":["
            "{\"reason\":\"FieldManagerConflict\",\"message\":\"conflict with \\\"kubectl\\\" "
            "using apps/v1\",\"field\":\".spec.replicas\"},"
            "{\"reason\":\"FieldManagerConflict\",\"message\":\"conflict with \\\"hpa\\\" with "
            "subresource \\\"scale\\\" using autoscaling/v1\",\"field\":\".x\"},"
            "{\"reason\":\"FieldManagerConflict\",\"message\":\"odd\",\"field\":\".y\"}]}}",
            409),
        "field .spec.replicas is owned by kubectl; field .x is owned by hpa; field .y: odd");
}
END_TEST

START_TEST(codes)
{
    static const struct {
        int http;
        const char *reason;
        int code;
    } cases[] = {
        {200, "", 0},
        {201, "", 0},
        {400, "BadRequest", ERR_INVALID},
        {401, "Unauthorized", ERR_UNAUTHENTICATED},
        {403, "Forbidden", ERR_DENIED},
        {404, "NotFound", ERR_NOT_FOUND},
        {405, "", ERR_UNSUPPORTED},
        {409, "Conflict", ERR_CONFLICT},
        {409, "AlreadyExists", ERR_EXISTS},
        {410, "Expired", ERR_FAIL},
        {413, "", ERR_LIMIT},
        {422, "Invalid", ERR_INVALID},
        {429, "", ERR_RETRY},
        {500, "InternalError", ERR_RETRY},
        {503, "", ERR_RETRY},
        {302, "", ERR_FAIL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct kube_status s = {.http = cases[i].http, .reason = cases[i].reason, .message = ""};

        ck_assert_int_eq(kube_status_code(&s), cases[i].code);
    }
}
END_TEST

/* --- which failures heal --------------------------------------------------------------------------- */

static enum kube_retry_class class_of(enum kube_verb verb, enum http_failure failure, int http,
                                      const char *status)
{
    struct kube_retry_traits traits = {
        .verb = verb, .in_namespace = true, .not_served_retry = true};
    json_t *body CLEANUP(json_decrefp) = kube_status_parse(http, status, strlen(status));
    struct kube_status s;

    kube_status_read(http, body, &s);
    return kube_retry_classify(&traits, failure, &s, json_object_get(body, "details"));
}

#define STATUS(rest) "{\"kind\":\"Status\"," rest "}"

START_TEST(classes)
{
    static const struct {
        enum kube_verb verb;
        enum http_failure failure;
        int http;
        const char *status;
        enum kube_retry_class class;
    } cases[] = {
        {KUBE_APPLY, HTTP_FAIL_CONNECT, 0, "", KUBE_RETRY_CONNECTION},
        {KUBE_APPLY, HTTP_FAIL_LOST, 0, "", KUBE_RETRY_CONNECTION},
        {KUBE_APPLY, HTTP_FAIL_TIMEOUT, 0, "", KUBE_RETRY_CONNECTION},
        {KUBE_GET, HTTP_FAIL_DNS, 0, "", KUBE_RETRY_CONNECTION},
        /* A second one isn't the same as one. */
        {KUBE_CREATE, HTTP_FAIL_CONNECT, 0, "", KUBE_RETRY_CONNECTION},
        {KUBE_CREATE, HTTP_FAIL_LOST, 0, "", KUBE_RETRY_NONE},
        {KUBE_JSON_PATCH, HTTP_FAIL_TIMEOUT, 0, "", KUBE_RETRY_NONE},
        {KUBE_CREATE, 0, 504, "", KUBE_RETRY_NONE},
        {KUBE_CREATE, 0, 429, "", KUBE_RETRY_SERVER},
        /* What time doesn't heal. */
        {KUBE_GET, HTTP_FAIL_EXPIRED, 0, "", KUBE_RETRY_NONE},
        {KUBE_GET, HTTP_FAIL_UNKNOWN_CA, 0, "", KUBE_RETRY_NONE},
        {KUBE_GET, HTTP_FAIL_WRONG_HOST, 0, "", KUBE_RETRY_NONE},
        {KUBE_GET, HTTP_FAIL_REQUEST, 0, "", KUBE_RETRY_NONE},
        {KUBE_GET, HTTP_FAIL_LIMIT, 0, "", KUBE_RETRY_NONE},
        {KUBE_GET, HTTP_FAIL_ABORTED, 0, "", KUBE_RETRY_NONE},
        {KUBE_APPLY, 0, 400, "", KUBE_RETRY_NONE},
        {KUBE_APPLY, 0, 401, "", KUBE_RETRY_NONE},
        {KUBE_APPLY, 0, 403, "", KUBE_RETRY_NONE},
        {KUBE_APPLY, 0, 422, "", KUBE_RETRY_NONE},
        /* The server's troubles. */
        {KUBE_APPLY, 0, 429, "", KUBE_RETRY_SERVER},
        {KUBE_APPLY, 0, 500, STATUS("\"message\":\"etcdserver: leader changed\""),
         KUBE_RETRY_SERVER},
        {KUBE_APPLY, 0, 502, "", KUBE_RETRY_SERVER},
        {KUBE_APPLY, 0, 503, "", KUBE_RETRY_SERVER},
        {KUBE_APPLY, 0, 504, "", KUBE_RETRY_SERVER},
        {KUBE_APPLY, 0, 501, "", KUBE_RETRY_NONE},
        /* Webhooks: kube-apiserver's words. */
        {KUBE_APPLY, 0, 500,
         STATUS(
             "\"reason\":\"InternalError\",\"message\":\"Internal error occurred: failed calling "
             "webhook \\\"webhook.cert-manager.io\\\": failed to call webhook: Post ...\""),
         KUBE_RETRY_WEBHOOK},
        {KUBE_CREATE, 0, 500,
         STATUS("\"message\":\"conversion webhook for serving.kserve.io/v1, Kind=X failed: Post "
                "...\""),
         KUBE_RETRY_WEBHOOK},
        /* 404s. */
        {KUBE_APPLY, 0, 404, "404 page not found\n", KUBE_RETRY_NOT_SERVED},
        {KUBE_APPLY, 0, 404,
         STATUS("\"reason\":\"NotFound\",\"message\":\"the server could not find the requested "
                "resource\",\"details\":{}"),
         KUBE_RETRY_NOT_SERVED},
        {KUBE_GET, 0, 404,
         STATUS("\"reason\":\"NotFound\",\"details\":{\"name\":\"x\",\"kind\":\"configmaps\"}"),
         KUBE_RETRY_NONE},
        {KUBE_APPLY, 0, 404,
         STATUS(
             "\"reason\":\"NotFound\",\"message\":\"namespaces \\\"ns\\\" not found\",\"details\":{"
             "\"name\":\"ns\",\"kind\":\"namespaces\"}"),
         KUBE_RETRY_NAMESPACE},
        {KUBE_GET, 0, 404, STATUS("\"details\":{\"name\":\"ns\",\"kind\":\"namespaces\"}"),
         KUBE_RETRY_NONE},
        {KUBE_APPLY, 0, 403,
         STATUS("\"reason\":\"Forbidden\",\"details\":{\"causes\":[{\"reason\":"
                "\"NamespaceTerminating\"}]}"),
         KUBE_RETRY_TERMINATING},
        /* Races and conflicts. */
        {KUBE_APPLY, 0, 409, STATUS("\"reason\":\"AlreadyExists\""), KUBE_RETRY_RACE},
        {KUBE_APPLY, 0, 409, STATUS("\"reason\":\"Conflict\""), KUBE_RETRY_RACE},
        {KUBE_APPLY, 0, 409,
         STATUS("\"reason\":\"Conflict\",\"details\":{\"causes\":[{\"reason\":"
                "\"FieldManagerConflict\"}]}"),
         KUBE_RETRY_NONE},
        {KUBE_CREATE, 0, 409, STATUS("\"reason\":\"AlreadyExists\""), KUBE_RETRY_NONE},
        {KUBE_UPDATE, 0, 409, STATUS("\"reason\":\"Conflict\""), KUBE_RETRY_NONE},
        {KUBE_DELETE, 0, 409, STATUS("\"reason\":\"Conflict\""), KUBE_RETRY_NONE},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum kube_retry_class got =
            class_of(cases[i].verb, cases[i].failure, cases[i].http, cases[i].status);

        ck_assert_msg(got == cases[i].class, "case %zu (%d): %d", i, cases[i].http, got);
    }
}
END_TEST

START_TEST(pauses_grow_and_vary)
{
    int64_t last = 0;

    for (int attempt = 0; attempt < 20; attempt++) {
        int64_t low = kube_retry_delay_ms(KUBE_RETRY_SERVER, attempt, 0, 0);
        int64_t high = 0;

        for (uint32_t random = 0; random < 10000; random += 7) {
            int64_t ms = kube_retry_delay_ms(KUBE_RETRY_SERVER, attempt, random, 0);

            ck_assert_int_ge(ms, low);
            if (ms > high)
                high = ms;
        }
        ck_assert_int_ge(low, last);
        ck_assert_int_gt(high, low);
        ck_assert_int_le(high, 2 * low);
        ck_assert_int_le(high, 5000);
        last = low;
    }
    ck_assert_int_ge(last, 2500);
    ck_assert_int_ge(kube_retry_delay_ms(KUBE_RETRY_SERVER, 0, 0, 7000), 7000);
    ck_assert_int_lt(kube_retry_delay_ms(KUBE_RETRY_SERVER, 0, UINT32_MAX, 7000), 8000);
}
END_TEST

START_TEST(retry_after)
{
    ck_assert_int_eq(kube_retry_after_ms(NULL), 0);
    ck_assert_int_eq(kube_retry_after_ms("1"), 1000);
    ck_assert_int_eq(kube_retry_after_ms("0"), 0);
    ck_assert_int_eq(kube_retry_after_ms("-1"), 0);
    ck_assert_int_eq(kube_retry_after_ms("1x"), 0);
    ck_assert_int_eq(kube_retry_after_ms("Wed, 21 Oct 2026 07:28:00 GMT"), 0);
    ck_assert_int_eq(kube_retry_after_ms("3600"), 60000);
    ck_assert_int_eq(kube_retry_after_ms("999999999999999999999999"), 0);
}
END_TEST

START_TEST(limits_of_the_classes)
{
    ck_assert_int_eq(kube_retry_limit_ms(KUBE_RETRY_SERVER, 0, 0), KUBE_RETRY_MS);
    ck_assert_int_eq(kube_retry_limit_ms(KUBE_RETRY_SERVER, -1, 0), 0);
    ck_assert_int_eq(kube_retry_limit_ms(KUBE_RETRY_CONNECTION, 5, 0), 5);
    ck_assert_int_eq(kube_retry_limit_ms(KUBE_RETRY_WEBHOOK, 5, 0), KUBE_WEBHOOK_RETRY_MS);
    ck_assert_int_eq(kube_retry_limit_ms(KUBE_RETRY_NOT_SERVED, 5, -1), 0);
    ck_assert_int_eq(kube_retry_limit_ms(KUBE_RETRY_NAMESPACE, 0, 0), KUBE_NAMESPACE_WAIT_MS);
    ck_assert_int_eq(kube_retry_limit_ms(KUBE_RETRY_NAMESPACE, 0, 50), 50);
    ck_assert_int_eq(kube_retry_limit_ms(KUBE_RETRY_NONE, 50, 50), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kube/request");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, requests);
    tcase_add_test(t, lists);
    tcase_add_test(t, requests_that_cant_be);
    tcase_add_test(t, words);
    tcase_add_test(t, codes);
    tcase_add_test(t, classes);
    tcase_add_test(t, pauses_grow_and_vary);
    tcase_add_test(t, retry_after);
    tcase_add_test(t, limits_of_the_classes);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
