/* What is waited for after an apply. The server is a script: one kind, every apply succeeds, and the
 * object never becomes ready. */
#include <check.h>
#include <pthread.h>

#include "lib/kube/apply.h"
#include "lib/kube/applyset.h"
#include "unit/fake_client.h"

#include "lib/base/banned.h"

static struct fake_server *server;
static struct kube_client *client;
static struct err err;
static int watches; /* by the server's threads; read when they have ended */

#define GROUPS                                                                                     \
    "{\"kind\":\"APIGroupDiscoveryList\",\"items\":[{\"metadata\":{\"name\":\"cert-manager.io\"}," \
    "\"versions\":[{\"version\":\"v1\",\"resources\":[{\"resource\":\"certificates\","             \
    "\"responseKind\":{\"kind\":\"Certificate\"},\"scope\":\"Namespaced\"}]}]}]}"
#define STORED                                                                                     \
    "{\"apiVersion\":\"cert-manager.io/v1\",\"kind\":\"Certificate\",\"metadata\":{\"name\":"      \
    "\"c\",\"namespace\":\"n\",\"uid\":\"u\",\"generation\":1,\"resourceVersion\":\"2\"}}"

static void never_ready(struct fake_conn *c, const struct fake_request *req, void *user)
{
    (void)user;
    if (!strcmp(req->path, "/api")) {
        fake_reply(c, 200, "", "{\"kind\":\"APIGroupDiscoveryList\",\"items\":[]}");
    } else if (!strcmp(req->path, "/apis")) {
        fake_reply(c, 200, "", GROUPS);
    } else if (!strcmp(req->method, "PATCH")) {
        fake_reply(c, 200, "", STORED);
    } else if (strstr(req->path, "watch=true")) {
        fake_start_chunks(c, 200, "");
        fake_sleep(c, 20000);
    } else if (strstr(req->path, "/certificates")) {
        __atomic_add_fetch(&watches, 1, __ATOMIC_SEQ_CST);
        fake_reply(c, 200, "",
                   "{\"kind\":\"CertificateList\",\"metadata\":{\"resourceVersion\":\"2\"},"
                   "\"items\":[" STORED "]}");
    } else {
        fake_reply(c, 404, "", "{}");
    }
}

static void setup(void)
{

    watches = 0;
    server = fake_server_new(never_ready, NULL, NULL, NULL, 0);
    client = fake_client_new(server, 0);
}

static void teardown(void)
{
    kube_client_free(client);
    fake_server_free(server);
    err_done(&err);
}

/* Applies a Certificate with that annotation, or none. */
static int apply(const char *wait, int64_t ms, struct kube_apply_result *result)
{
    json_auto_t *objects =
        json_pack("[{s:s, s:s, s:{s:s, s:s, s:o}, s:{}}]", "apiVersion", "cert-manager.io/v1",
                  "kind", "Certificate", "metadata", "name", "c", "namespace", "n", "annotations",
                  wait ? json_pack("{s:s}", APPLYSET_WAIT, wait) : json_object(), "spec");
    struct kube_apply_options o = {.client = client,
                                   .manager = "test",
                                   .set_id = "applyset-x-v1",
                                   .what = "test",
                                   .objects = objects,
                                   .wait = true,
                                   .deadline = clock_deadline(ms)};

    return kube_apply(&o, result);
}

START_TEST(what_says_so_is_not_waited_for)
{
    struct kube_apply_result result;

    ck_assert_int_eq(apply("never", 20000, &result), 0);
    ck_assert(result.complete);
    ck_assert_uint_eq(result.sent, 1);
    ck_assert_uint_eq(result.ready, 1);
    ck_assert_int_eq(__atomic_load_n(&watches, __ATOMIC_SEQ_CST), 0);
    kube_apply_result_done(&result);
}
END_TEST

START_TEST(everything_else_is)
{
    static const char *const annotations[] = {NULL, "", "always"};
    struct kube_apply_result result;

    ck_assert_int_eq(apply(annotations[_i], 300, &result), ERR_TIMEOUT);
    ck_assert_uint_eq(result.sent, 1);
    ck_assert_uint_eq(result.ready, 0);
    kube_apply_result_done(&result);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kube/apply");
    TCase *t = tcase_create("waiting");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, what_says_so_is_not_waited_for);
    tcase_add_loop_test(t, everything_else_is, 0, 3);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
