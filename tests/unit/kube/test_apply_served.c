/* A small API server that takes every PATCH, and serves a CRD's kind when the test wants. */
#include "lib/kube/apply.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/krm/object.h"
#include "lib/krm/path.h"
#include "unit/fake_client.h"

#include "lib/base/banned.h"

#define DOCUMENT "/apis/x.io/v1"

static struct api {
    pthread_mutex_t lock;
    const char *const *documents; /* what discovery says in turn; the last one from then on */
    int asked;                    /* for the document */
    int objects_read;             /* of the CRDs' kinds */
    int early;                    /* custom resources sent before their kind was listed */
    int patches;
    bool refused;           /* nobody may read the document */
    bool overlap;           /* the second CRD is made while the document is asked for the first */
    int asking, asking_max; /* requests for the document that are in flight */
} api;
static struct fake_server *server;
static struct kube_client *client;
static struct kube_apply_result result;

/* --- the API server --------------------------------------------------------------------------- */

static void refuse(struct fake_conn *c, int code, const char *reason)
{
    char *body CLEANUP(mem_cleanup) = mem_printf(
        "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"%s\",\"code\":%d}", reason, code);

    fake_reply(c, code, "", body);
}

static const char *document(void)
{
    return api.documents[api.asked - (api.asked > 0)];
}

static int look(const int *number)
{
    int n;

    pthread_mutex_lock(&api.lock);
    n = *number;
    pthread_mutex_unlock(&api.lock);
    return n;
}

static void wait_for(struct fake_conn *c, const int *number, int least)
{
    while (look(number) < least && !__atomic_load_n(&c->server->stop, __ATOMIC_ACQUIRE))
        usleep(1000);
}

static void discover(struct fake_conn *c)
{
    const char *text;

    pthread_mutex_lock(&api.lock);
    if (!api.asked || api.documents[api.asked])
        api.asked++;
    text = document();
    if (++api.asking > api.asking_max)
        api.asking_max = api.asking;
    pthread_mutex_unlock(&api.lock);
    if (api.overlap) {
        wait_for(c, &api.patches, 2);
        fake_sleep(c, 200);
    }
    pthread_mutex_lock(&api.lock);
    api.asking--;
    pthread_mutex_unlock(&api.lock);
    if (api.refused)
        refuse(c, 403, "Forbidden");
    else if (*text)
        fake_reply(c, 200, "", text);
    else
        refuse(c, 404, "NotFound");
}

static void patch(struct fake_conn *c, const struct fake_request *req)
{
    json_t *body = json_loads(req->body, 0, NULL);
    char plural[16] = "", *text;

    sscanf(req->path, DOCUMENT "/%15[^/]", plural);
    if (api.overlap && strstr(req->path, "/bs.x.io"))
        wait_for(c, &api.asked, 1);
    pthread_mutex_lock(&api.lock);
    api.patches++;
    if (*plural && !(api.asked && strstr(document(), plural)))
        api.early++;
    pthread_mutex_unlock(&api.lock);
    json_object_set_new(json_object_get(body, "metadata"), "uid", json_string("u"));
    text = json_dumps(body, 0);
    fake_reply(c, 201, "", text);
    free(text);
    json_decref(body);
}

static void serve_api(struct fake_conn *c, const struct fake_request *req, void *user)
{
    (void)user;
    if (!strcmp(req->method, "PATCH")) {
        patch(c, req);
    } else if (!strcmp(req->path, DOCUMENT)) {
        discover(c);
    } else {
        pthread_mutex_lock(&api.lock);
        api.objects_read += strstr(req->path, DOCUMENT "/") != NULL;
        pthread_mutex_unlock(&api.lock);
        refuse(c, 404, "NotFound");
    }
}

static void setup(void)
{
    memset(&api, 0, sizeof(api));
    pthread_mutex_init(&api.lock, NULL);
    server = fake_server_new(serve_api, NULL, NULL, NULL, 0);
    client = fake_client_new(server, 0);
}

static void teardown(void)
{
    kube_apply_result_done(&result);
    kube_client_free(client);
    fake_server_free(server);
    pthread_mutex_destroy(&api.lock);
}

/* --- objects ---------------------------------------------------------------------------------- */

static json_t *crd(const char *kind, const char *plural, bool served)
{
    return json_pack("{s:s, s:s, s:{s:o}, s:{s:s, s:s, s:{s:s, s:s}, s:[{s:s, s:b, s:b}]}}",
                     "apiVersion", "apiextensions.k8s.io/v1", "kind", "CustomResourceDefinition",
                     "metadata", "name", json_sprintf("%s.x.io", plural), "spec", "group", "x.io",
                     "scope", "Cluster", "names", "kind", kind, "plural", plural, "versions",
                     "name", "v1", "served", served, "storage", 1);
}

static json_t *custom(const char *kind)
{
    return json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "x.io/v1", "kind", kind, "metadata",
                     "name", "one");
}

/* Two kinds of one group, and an object of each. */
static json_t *two_kinds(void)
{
    return json_pack("[o,o,o,o]", crd("A", "as", true), crd("B", "bs", true), custom("A"),
                     custom("B"));
}

static int apply(json_t *objects, int64_t ms)
{
    struct kube_apply_options o = {.client = client,
                                   .manager = "test",
                                   .set_id = "set",
                                   .what = "test",
                                   .objects = objects,
                                   .deadline = clock_deadline(ms)};
    int rc = kube_apply(&o, &result);

    json_decref(objects);
    return rc;
}

#define LISTS(kinds) "{\"kind\":\"APIResourceList\",\"resources\":[" kinds "]}"
#define KIND(plural) "{\"name\":\"" plural "\"}"

/* The document isn't there, then it lists the group's other kind, then both. */
START_TEST(a_kind_is_served_when_discovery_lists_it)
{
    static const char *const documents[] = {
        "", "", LISTS(KIND("bs")), LISTS(KIND("bs")), LISTS(KIND("bs") "," KIND("as")), NULL};

    api.documents = documents;
    ck_assert_int_eq(apply(two_kinds(), 60000), 0);
    ck_assert_uint_eq(result.ready, 4);
    ck_assert(result.complete);
    ck_assert_int_eq(api.patches, 4);
    ck_assert_int_eq(api.early, 0);
    ck_assert_int_eq(api.asked, 5);
    /* reading objects makes the API server build the kind's handler */
    ck_assert_int_eq(api.objects_read, 0);
}
END_TEST

/* Its answer may be older than the second CRD, which then asks once more. */
START_TEST(a_document_is_asked_for_once_at_a_time)
{
    static const char *const documents[] = {LISTS(KIND("as")), LISTS(KIND("bs") "," KIND("as")),
                                            NULL};

    api.documents = documents;
    api.overlap = true;
    ck_assert_int_eq(apply(two_kinds(), 60000), 0);
    ck_assert_uint_eq(result.ready, 4);
    ck_assert_int_eq(api.asked, 2);
    ck_assert_int_eq(api.asking_max, 1);
}
END_TEST

START_TEST(a_kind_that_isnt_served_is_told)
{
    static const char *const documents[] = {LISTS(KIND("bs")), NULL};

    api.documents = documents;
    ck_assert_int_eq(apply(two_kinds(), 700), ERR_TIMEOUT);
    ck_assert(!result.complete);
    ck_assert_int_eq(api.early, 0);
    ck_assert_uint_ge(result.problems.len, 1);
    ck_assert_ptr_nonnull(strstr(result.problems.at[0].text, "its kind isn't served yet"));
    ck_assert_ptr_nonnull(strstr(result.problems.at[0].key, "as.x.io"));
}
END_TEST

/* All that wait for the one answer fail with it, instead of waiting for the deadline. */
START_TEST(a_question_that_fails_is_everybodys)
{
    static const char *const documents[] = {"", NULL};
    int64_t start = clock_now_ms();
    int rc;

    api.documents = documents;
    api.overlap = api.refused = true;
    rc = apply(two_kinds(), 60000);
    ck_assert_msg(rc == ERR_DENIED, "%d: %s", rc, result.problems.at[0].text);
    ck_assert_int_lt(clock_now_ms() - start, 30000);
    ck_assert_uint_ge(result.problems.len, 2);
    for (size_t i = 0; i < 2; i++)
        ck_assert_ptr_nonnull(strstr(result.problems.at[i].text, "whether its kind is served"));
    ck_assert_int_eq(api.asked, 1);
}
END_TEST

START_TEST(a_kind_that_isnt_meant_to_be_served_is_ready)
{
    static const char *const documents[] = {"", NULL};

    api.documents = documents;
    ck_assert_int_eq(apply(json_pack("[o]", crd("A", "as", false)), 60000), 0);
    ck_assert_uint_eq(result.ready, 1);
    ck_assert_int_eq(api.asked, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kube/apply_served");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_kind_is_served_when_discovery_lists_it);
    tcase_add_test(t, a_document_is_asked_for_once_at_a_time);
    tcase_add_test(t, a_kind_that_isnt_served_is_told);
    tcase_add_test(t, a_question_that_fails_is_everybodys);
    tcase_add_test(t, a_kind_that_isnt_meant_to_be_served_is_ready);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
