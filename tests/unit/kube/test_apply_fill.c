/* Values of Secrets in kube_apply: when they are sent, as whom, and what is said when they can't be.
 * The server takes what comes and answers with metadata. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/krm/object.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"
#include "lib/kube/apply.h"
#include "lib/kube/applyset.h"
#include "lib/kube/ours.h"
#include "unit/fake_client.h"

#include "lib/base/banned.h"

#define KEY     "Secret/ns/s"
#define PATH    "/api/v1/namespaces/ns/secrets/s"
#define SECRET  PATH "?fieldManager=m&force=false"
#define VALUES  PATH "?fieldManager=m-values&force=true"
#define READER  "/apis/apps/v1/namespaces/ns/deployments/d?fieldManager=m&force=false"
#define HIDDEN  "aGlkZGVu"
#define TIMEOUT 20000

static struct fake_server *server;
static struct kube_client *client;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct buf seen = BUF_INIT;   /* paths, one a line */
static struct buf values = BUF_INIT; /* body of the last values that came */
static struct buf logged = BUF_INIT;
static int values_status;

static json_t *yaml(const char *text)
{
    struct err err = ERR_INIT;
    json_t *v;

    ck_assert_msg(!yaml_parse(text, strlen(text), "test", &v, &err), "%s", err_msg(&err));
    return v;
}

static void keep_log(enum log_level level, const char *module, const char *message,
                     const struct log_field *fields, size_t nfields)
{
    (void)level;
    (void)module;
    (void)fields;
    (void)nfields;
    pthread_mutex_lock(&lock);
    buf_printf(&logged, "%s\n", message);
    pthread_mutex_unlock(&lock);
}

/* Metadata as after both managers' applies. */
static const char *answer_of(bool is_values)
{
    return is_values ? "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"uid\":\"u\","
                       "\"managedFields\":[{\"manager\":\"m\",\"operation\":\"Apply\",\"fieldsV1\":"
                       "{\"f:type\":{}}},{\"manager\":\"m-values\",\"operation\":\"Apply\","
                       "\"fieldsV1\":{\"f:data\":{\"f:x\":{}}}}]}}"
                     : "{\"apiVersion\":\"v1\",\"kind\":\"X\",\"metadata\":{\"uid\":\"u\","
                       "\"managedFields\":[{\"manager\":\"m\",\"operation\":\"Apply\",\"fieldsV1\":"
                       "{\"f:type\":{}}}]}}";
}

static void serve(struct fake_conn *c, const struct fake_request *req, void *user)
{
    bool is_values = !strcmp(req->path, VALUES);
    int status = 200;

    (void)user;
    pthread_mutex_lock(&lock);
    buf_printf(&seen, "%s\n", req->path);
    if (is_values) {
        buf_clear(&values);
        buf_puts(&values, req->body);
        status = values_status;
    }
    pthread_mutex_unlock(&lock);
    if (status != 200) { /* as a webhook might say */
        char *body CLEANUP(mem_cleanup) = mem_printf(
            "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"reason\":"
            "\"Invalid\",\"message\":\"I don't like " HIDDEN "\",\"code\":%d}",
            status);

        fake_reply(c, status, "Content-Type: application/json\r\n", body);
        return;
    }
    fake_reply(c, 200, "Content-Type: application/json\r\n", answer_of(is_values));
}

static void setup(void)
{

    values_status = 200;
    log_setup(LOG_TRACE, keep_log);
    server = fake_server_new(serve, NULL, NULL, NULL, 0);
    client = fake_client_new(server, 0);
}

static void teardown(void)
{
    kube_client_free(client);
    fake_server_free(server);
    log_setup(LOG_OFF, NULL);
    buf_done(&seen);
    buf_done(&values);
    buf_done(&logged);
}

struct given {
    bool exists, ours, unchanged, there;
    bool empty; /* no values are wanted any more */
};

static json_t *existing_secret(const json_t *objects, const struct given *g)
{
    json_t *meta = yaml("{apiVersion: v1, kind: Secret, metadata: {namespace: ns, name: s, uid: u, "
                        "resourceVersion: '5', labels: {}, annotations: {}, managedFields: "
                        "[{manager: m, operation: Apply, fieldsV1: {'f:type': {}}}]}}");
    char hash[KRM_CONTENT_HASH_SIZE];

    krm_content_hash(json_array_get(objects, 0), hash);
    json_object_set_new(krm_get(meta, "metadata", "annotations", NULL), APPLYSET_CONTENT,
                        json_string(g->unchanged ? hash : "v1:other"));
    if (g->ours)
        json_object_set_new(krm_get(meta, "metadata", "labels", NULL), APPLYSET_MEMBER_LABEL,
                            json_string("set"));
    return meta;
}

static int apply(const struct given *g, struct kube_apply_result *result)
{
    json_auto_t *objects =
        yaml("[{apiVersion: v1, kind: Secret, type: Opaque, metadata: {namespace: ns, name: s}}, "
             "{apiVersion: apps/v1, kind: Deployment, metadata: {namespace: ns, name: d}, spec: "
             "{template: {spec: {containers: [{name: c, envFrom: [{secretRef: {name: s}}]}]}}}}]");
    json_auto_t *fills = json_pack("{s:{s:{s:s}, s:{s:s}, s:b}}", KEY, "data", "x", HIDDEN,
                                   "annotations", APPLYSET_FILLED, "{}", "there", g->there);
    json_auto_t *no_fills = json_pack("{s:{s:b}}", KEY, "there", 0);
    json_auto_t *existing = json_object(), *record = json_object();
    struct kube_apply_options o = {.client = client,
                                   .manager = "m",
                                   .set_id = "set",
                                   .what = "test",
                                   .objects = objects,
                                   .existing = existing,
                                   .record = record,
                                   .fills = g->empty ? no_fills : fills,
                                   .deadline = clock_deadline(TIMEOUT)};

    if (g->exists) {
        json_t *meta = existing_secret(objects, g);

        json_object_set_new(existing, KEY, meta);
        json_object_set_new(record, KEY, kube_record_entry(meta, "m"));
    }
    return kube_apply(&o, result);
}

/* --- when --------------------------------------------------------------------------------------- */

static const struct {
    struct given given;
    const char *requests;
} cases[] = {
    /* a new one exists before it has values; who reads it comes after them */
    {{.there = false}, SECRET "\n" VALUES "\n" READER "\n"},
    /* what was seen there is gone, and its values with it */
    {{.there = true}, SECRET "\n" VALUES "\n" READER "\n"},
    /* one that is there never is without: our apply would take away what the main manager had */
    {{.exists = true, .ours = true}, VALUES "\n" SECRET "\n" READER "\n"},
    {{.exists = true}, VALUES "\n" SECRET "\n" READER "\n"},
    {{.exists = true, .ours = true, .there = true}, SECRET "\n" READER "\n"},
    {{.exists = true, .ours = true, .unchanged = true}, VALUES "\n" READER "\n"},
    {{.exists = true, .ours = true, .unchanged = true, .there = true}, READER "\n"},
};

START_TEST(values_are_sent_in_time)
{
    struct kube_apply_result result;

    ck_assert_int_eq(apply(&cases[_i].given, &result), 0);
    ck_assert_str_eq(buf_str(&seen), cases[_i].requests);
    ck_assert(result.complete);
    ck_assert_uint_eq(json_object_size(result.record), 2);
    kube_apply_result_done(&result);
}
END_TEST

/* Only they: no label, no type, nothing that the main manager owns. */
START_TEST(values_come_alone)
{
    json_auto_t *expected =
        yaml("{apiVersion: v1, kind: Secret, metadata: {namespace: ns, name: s, annotations: "
             "{" APPLYSET_FILLED ": '{}'}}, data: {x: " HIDDEN "}}");
    json_auto_t *body = NULL;
    struct kube_apply_result result;
    struct given fresh = {.there = false};

    ck_assert_int_eq(apply(&fresh, &result), 0);
    body = json_loads(buf_str(&values), 0, NULL);
    ck_assert(json_equal(body, expected));
    /* what is recorded knows of both managers, and not the values */
    ck_assert_str_ne(krm_str(result.record, KEY, "v", NULL), "");
    ck_assert_str_ne(krm_str(result.record, KEY, "o", NULL), "");
    ck_assert_ptr_null(strstr(buf_str(&logged), HIDDEN));
    kube_apply_result_done(&result);
}
END_TEST

/* An empty fill gives up what the manager owns; {} under `data` would be a field of its own. */
START_TEST(no_values_are_no_fields)
{
    json_auto_t *expected =
        yaml("{apiVersion: v1, kind: Secret, metadata: {namespace: ns, name: s}}");
    json_auto_t *body = NULL;
    struct kube_apply_result result;
    struct given filled = {.exists = true, .ours = true, .empty = true};

    ck_assert_int_eq(apply(&filled, &result), 0);
    body = json_loads(buf_str(&values), 0, NULL);
    ck_assert(json_equal(body, expected));
    ck_assert_str_eq(buf_str(&seen), VALUES "\n" SECRET "\n" READER "\n");
    kube_apply_result_done(&result);
}
END_TEST

/* --- failures ----------------------------------------------------------------------------------- */

START_TEST(a_refusal_shows_no_value)
{
    struct kube_apply_result result;
    struct given fresh = {.there = false};

    values_status = 422;
    ck_assert_int_ne(apply(&fresh, &result), 0);
    ck_assert_str_eq(result.problems.at[0].key, KEY);
    ck_assert_str_eq(result.problems.at[0].text,
                     "its values weren't written: the API server answered 422 Invalid");
    for (size_t i = 0; i < result.problems.len; i++)
        ck_assert_ptr_null(strstr(result.problems.at[i].text, HIDDEN));
    ck_assert_ptr_null(strstr(buf_str(&logged), HIDDEN));
    /* who reads it waits for it */
    ck_assert_str_eq(buf_str(&seen), SECRET "\n" VALUES "\n");
    ck_assert(!result.complete);
    kube_apply_result_done(&result);
}
END_TEST

/* --- the record --------------------------------------------------------------------------------- */

START_TEST(a_changed_value_is_noticed)
{
    json_auto_t *full = json_loads(answer_of(true), 0, NULL);
    json_auto_t *taken = json_loads(answer_of(false), 0, NULL);
    json_auto_t *record = kube_record_entry(full, "m"), *plain = kube_record_entry(taken, "m");

    ck_assert(!kube_values_changed(full, record, "m"));
    ck_assert(kube_values_changed(taken, record, "m"));
    ck_assert(!kube_values_changed(taken, plain, "m"));
    ck_assert(!kube_values_changed(taken, NULL, "m"));
    ck_assert(kube_unchanged(full, record, "", "m"));
    ck_assert(!kube_unchanged(taken, record, "", "m"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kube/apply_fill");
    TCase *t = tcase_create("server"), *pure = tcase_create("pure");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, values_are_sent_in_time, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(t, values_come_alone);
    tcase_add_test(t, no_values_are_no_fields);
    tcase_add_test(t, a_refusal_shows_no_value);
    suite_add_tcase(s, t);
    tcase_add_test(pure, a_changed_value_is_noticed);
    suite_add_tcase(s, pure);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
