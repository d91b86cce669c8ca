/* tests/golden/explain: what an API server answers, and the lines to be said. pod-security,
 * missing-secret and unschedulable were recorded from Kubernetes 1.34.4 with its own controllers;
 * the others are written after the API's documentation. */
#include "lib/kube/explain.h"

#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/kube/discovery.h"
#include "unit/fake_client.h"

#include "lib/base/banned.h"

#define CASES "tests/golden/explain"

static const char certificate_crd[] =
    "{\"spec\":{\"group\":\"cert-manager.io\",\"scope\":\"Namespaced\",\"names\":"
    "{\"kind\":\"Certificate\",\"plural\":\"certificates\"},"
    "\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true}]}}";

static struct fake_server *server;
static struct kube_client *client;
static const json_t *answers; /* the case */
static int status;            /* answer to everything, when not 0 */
static bool hang;

static char *list_of(const json_t *items)
{
    json_auto_t *list = json_pack("{s:s,s:s,s:{},s:O?}", "apiVersion", "v1", "kind", "List",
                                  "metadata", "items", items);

    return json_dumps(list, 0);
}

static void serve(struct fake_conn *c, const struct fake_request *req, void *user UNUSED)
{
    static const struct {
        const char *path, *query, *list;
    } lists[] = {
        {"/pods", "labelSelector=app%3D", "pods"},
        {"/replicasets", "labelSelector=app%3D", "replicasets"},
        {"/namespaces/n/endpointslices", "kubernetes.io%2Fservice-name%3Dready", "ready"},
        {"/namespaces/n/endpointslices", "kubernetes.io%2Fservice-name%3Dempty", "empty"},
        {"/events", "fieldSelector=type%3DWarning", "events"},
    };
    char *body CLEANUP(mem_cleanup) = NULL;
    char *query = strchr(req->path, '?');
    const char *claim = strstr(req->path, "/persistentvolumeclaims/");

    if (hang)
        fake_sleep(c, 60000);
    if (query)
        *query++ = '\0';
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        size_t len = strlen(lists[i].path), n = strlen(req->path);

        if (n > len && !strcmp(req->path + n - len, lists[i].path) && query &&
            strstr(query, lists[i].query))
            body = list_of(json_object_get(answers, lists[i].list));
    }
    if (claim)
        body = json_dumps(json_object_get(json_object_get(answers, "claims"),
                                          claim + strlen("/persistentvolumeclaims/")),
                          0);
    else if (!body && !query)
        body = json_dumps(json_object_get(answers, "object"), 0);
    if (status || !body)
        fake_reply(c, status ? status : 404, "", "{\"kind\":\"Status\",\"message\":\"no\"}");
    else
        fake_reply(c, 200, "Content-Type: application/json\r\n", body);
}

static void setup(void)
{
    json_auto_t *crd = json_loads(certificate_crd, 0, NULL);

    status = 0;
    hang = false;
    server = fake_server_new(serve, NULL, NULL, NULL, 0);
    client = fake_client_new(server, 0);
    kube_discovery_add_crd(client, crd);
}

static void teardown(void)
{
    kube_client_free(client);
    fake_server_free(server);
}

static json_t *read_case(const char *file)
{
    char *path CLEANUP(mem_cleanup) = mem_printf(CASES "/%s", file);
    json_error_t error;
    json_t *value = json_load_file(path, 0, &error);

    ck_assert_msg(value != NULL, "%s: %s", path, error.text);
    return value;
}

/* Only what a caller that has just sent the object must know of it. */
static json_t *identity(const json_t *object)
{
    json_t *bare =
        json_pack("{s:O,s:O,s:{s:O}}", "apiVersion", json_object_get(object, "apiVersion"), "kind",
                  json_object_get(object, "kind"), "metadata", "name",
                  krm_get(object, "metadata", "name", NULL));
    json_t *namespace = krm_get(object, "metadata", "namespace", NULL);

    if (namespace)
        json_object_set(json_object_get(bare, "metadata"), "namespace", namespace);
    return bare;
}

static void check_case(const char *file)
{
    json_auto_t *c = read_case(file);
    json_auto_t *object = identity(json_object_get(c, "object"));
    struct buf out CLEANUP(buf_done) = BUF_INIT, want CLEANUP(buf_done) = BUF_INIT;
    json_t *line;
    size_t i;

    answers = c;
    buf_puts(&out, "before\n");
    buf_puts(&want, "before\n");
    json_array_foreach (json_object_get(c, "want"), i, line)
        buf_printf(&want, "%s\n", json_string_value(line));
    kube_explain(client, object, NULL, &out);
    ck_assert_msg(!strcmp(buf_str(&out), buf_str(&want)), "%s: got\n%swant\n%s", file,
                  buf_str(&out), buf_str(&want));
}

START_TEST(says_why)
{
    DIR *dir = opendir(CASES);
    struct dirent *e;
    int n = 0;

    ck_assert_ptr_nonnull(dir);
    while ((e = readdir(dir))) {
        if (!strstr(e->d_name, ".json"))
            continue;
        check_case(e->d_name);
        n++;
    }
    closedir(dir);
    ck_assert_int_ge(n, 11);
}
END_TEST

/* Nothing can be read: what the caller knew is said, and where to look. */
START_TEST(refused)
{
    json_auto_t *c = read_case("certificate.json");
    struct buf out CLEANUP(buf_done) = BUF_INIT;

    answers = c;
    status = 403;
    kube_explain(client, json_object_get(c, "object"), NULL, &out);
    ck_assert_str_eq(
        buf_str(&out),
        "  condition Issuing: DoesNotExist: Issuing certificate as Secret does not exist\n"
        "  condition Ready is False: DoesNotExist: Issuing certificate as Secret does not exist\n"
        "  condition Known is Unknown\n"
        "  look further: kubectl -n kubeflow describe certificate.cert-manager.io tls\n");
}
END_TEST

/* What the caller has said of it isn't said again. */
START_TEST(not_twice)
{
    json_auto_t *c = read_case("certificate.json");
    struct buf out CLEANUP(buf_done) = BUF_INIT;

    answers = c;
    buf_puts(&out, "isn't ready: Issuing certificate as Secret does not exist\n");
    kube_explain(client, json_object_get(c, "object"), NULL, &out);
    ck_assert_ptr_null(strstr(buf_str(&out), "condition Ready"));
    ck_assert_ptr_nonnull(strstr(buf_str(&out), "condition Known is Unknown"));
}
END_TEST

START_TEST(interrupted)
{
    json_auto_t *c = read_case("quota.json");
    struct cancel *cancel = cancel_new(NULL);
    struct buf out CLEANUP(buf_done) = BUF_INIT;
    int64_t began = clock_now_ms();

    answers = c;
    hang = true;
    cancel_fire(cancel);
    kube_explain(client, json_object_get(c, "object"), cancel, &out);
    ck_assert_int_lt(clock_now_ms() - began, EXPLAIN_TIMEOUT_MS / 2);
    ck_assert_str_eq(buf_str(&out),
                     "  look further: kubectl -n kubeflow describe statefulset web\n");
    cancel_free(cancel);
}
END_TEST

/* An answer of another shape than the API's. */
START_TEST(nonsense)
{
    json_auto_t *c = json_loads("{\"object\":{\"metadata\":[],\"status\":{\"conditions\":{}}},"
                                "\"pods\":[1,{}],\"events\":[[],{\"type\":\"Warning\"}]}",
                                0, NULL);
    json_auto_t *object = json_pack("{s:s,s:s,s:{s:s,s:s}}", "apiVersion", "apps/v1", "kind",
                                    "Deployment", "metadata", "namespace", "ns", "name", "x");
    struct buf out CLEANUP(buf_done) = BUF_INIT;

    ck_assert_ptr_nonnull(c);
    answers = c;
    kube_explain(client, object, NULL, &out);
    ck_assert_str_eq(buf_str(&out), "  look further: kubectl -n ns describe deployment x\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("explain");
    TCase *t = tcase_create("explain");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, says_why);
    tcase_add_test(t, refused);
    tcase_add_test(t, not_twice);
    tcase_add_test(t, interrupted);
    tcase_add_test(t, nonsense);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
