#include <check.h>
#include <pthread.h>

#include "lib/kube/discovery.h"
#include "tests/unit/fake_server.h"

#include "lib/base/banned.h"

static struct fake_server *server;
static struct kube_client *client;
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
}

static void teardown(void)
{
    kube_client_free(client);
    client = NULL;
    if (server)
        fake_server_free(server);
    server = NULL;
    err_done(&err);
}

static const struct kube_resource *find(const char *group, const char *version, const char *kind)
{
    const struct kube_resource *r = NULL;
    int rc = kube_discover(client, group, version, kind, NULL, &r, &err);

    ck_assert_msg(!rc == !!r, "%d", rc);
    return r;
}

static void assert_resource(const struct kube_resource *r, const char *version, const char *plural,
                            bool namespaced)
{
    ck_assert_msg(r, "%s", err_msg(&err));
    ck_assert_str_eq(r->version, version);
    ck_assert_str_eq(r->plural, plural);
    ck_assert_int_eq(r->namespaced, namespaced);
}

/* --- aggregated ------------------------------------------------------------------------------------ */

#define CORE                                                                                       \
    "{\"kind\":\"APIGroupDiscoveryList\",\"items\":[{\"metadata\":{},\"versions\":[{\"version\":"  \
    "\"v1\",\"resources\":[{\"resource\":\"pods\",\"responseKind\":{\"group\":\"\",\"version\":"   \
    "\"v1\",\"kind\":\"Pod\"},\"scope\":\"Namespaced\"},{\"resource\":\"nodes\",\"responseKind\":" \
    "{\"kind\":\"Node\"},\"scope\":\"Cluster\"}]}]}]}"

#define GROUPS(extra)                                                                              \
    "{\"kind\":\"APIGroupDiscoveryList\",\"items\":[{\"metadata\":{\"name\":\"kubeflow.org\"},"    \
    "\"versions\":[{\"version\":\"v1\",\"resources\":[{\"resource\":\"profiles\","                 \
    "\"responseKind\":{\"kind\":\"Profile\"},\"scope\":\"Cluster\"}]},{\"version\":\"v1beta1\","   \
    "\"resources\":[{\"resource\":\"profiles\",\"responseKind\":{\"kind\":\"Profile\"},"           \
    "\"scope\":\"Cluster\"},{\"resource\":\"experiments\",\"responseKind\":{\"kind\":"             \
    "\"Experiment\"},\"scope\":\"Namespaced\"}]}]}" extra "]}"

#define LATE                                                                                       \
    ",{\"metadata\":{\"name\":\"late.io\"},\"versions\":[{\"version\":\"v1\",\"resources\":[{"     \
    "\"resource\":\"things\",\"responseKind\":{\"kind\":\"Thing\"},\"scope\":\"Namespaced\"}]}]}"

static bool late; /* late.io is served by now */

static void aggregated(struct fake_conn *c, const struct fake_request *req, void *user)
{
    char *accept = fake_header(req, "Accept");

    (void)user;
    if (!accept || !strstr(accept, "application/json;g=apidiscovery.k8s.io;v=v2;as="
                                   "APIGroupDiscoveryList,"))
        fake_reply(c, 406, "", "");
    else if (!strcmp(req->path, "/api"))
        fake_reply(c, 200, "", CORE);
    else if (!strcmp(req->path, "/apis"))
        fake_reply(c, 200, "",
                   __atomic_load_n(&late, __ATOMIC_SEQ_CST) ? GROUPS(LATE) : GROUPS(""));
    else
        fake_reply(c, 404, "", "");
    free(accept);
}

START_TEST(two_requests_tell_all)
{
    late = false;
    serve(aggregated, NULL);
    assert_resource(find("", "v1", "Pod"), "v1", "pods", true);
    assert_resource(find("", "", "Node"), "v1", "nodes", false);
    assert_resource(find("kubeflow.org", "", "Profile"), "v1", "profiles", false);
    assert_resource(find("kubeflow.org", "v1beta1", "Profile"), "v1beta1", "profiles", false);
    assert_resource(find("kubeflow.org", "", "Experiment"), "v1beta1", "experiments", true);
    ck_assert_int_eq(fake_requests(server), 2);
}
END_TEST

START_TEST(unknown_kinds_are_looked_for_again)
{
    const struct kube_resource *pod, *again;

    late = false;
    serve(aggregated, NULL);
    pod = find("", "v1", "Pod");
    for (int i = 0; i < 10; i++)
        ck_assert_ptr_null(find("late.io", "v1", "Thing"));
    ck_assert_str_eq(err_msg(&err), "the cluster doesn't serve Thing of late.io/v1");
    ck_assert_int_le(fake_requests(server), 4); /* not ten times */
    late = true;
    usleep(1100000);
    assert_resource(find("late.io", "v1", "Thing"), "v1", "things", true);
    again = find("", "v1", "Pod");
    ck_assert_ptr_eq(pod, again);
}
END_TEST

START_TEST(invalidation)
{
    const struct kube_resource *thing;

    late = true;
    serve(aggregated, NULL);
    thing = find("late.io", "", "Thing");
    late = false;
    assert_resource(find("late.io", "", "Thing"), "v1", "things", true);
    kube_discovery_invalidate(client);
    ck_assert_ptr_null(find("late.io", "", "Thing"));
    ck_assert_str_eq(thing->plural, "things"); /* still there for those who hold it */
}
END_TEST

START_TEST(crds_are_known_at_once)
{
    json_t *crd CLEANUP(json_decrefp) = json_pack(
        "{s:{s:s, s:s, s:{s:s, s:s}, s:[{s:s, s:b}, {s:s, s:b}, {s:s, s:b}, {s:s, s:b}, {s:s, "
        "s:b}]}}",
        "spec", "group", "x.io", "scope", "Namespaced", "names", "kind", "Widget", "plural",
        "widgets", "versions", "name", "v1alpha1", "served", 1, "name", "v2", "served", 0, "name",
        "v1beta2", "served", 1, "name", "v1beta10", "served", 1, "name", "odd", "served", 1);

    late = false;
    serve(aggregated, NULL);
    kube_discovery_add_crd(client, crd);
    kube_discovery_add_crd(client, NULL);
    /* Kubernetes' version priority: v1beta10 > v1beta2 > v1alpha1 > odd; v2 isn't served. */
    assert_resource(find("x.io", "", "Widget"), "v1beta10", "widgets", true);
    assert_resource(find("x.io", "odd", "Widget"), "odd", "widgets", true);
    ck_assert_int_eq(fake_requests(server), 0);
    /* Discovery lags behind: reading it doesn't take the kind away. */
    ck_assert_ptr_nonnull(find("", "v1", "Pod"));
    ck_assert_ptr_nonnull(find("x.io", "v1alpha1", "Widget"));
    ck_assert_ptr_null(find("x.io", "v2", "Widget"));
}
END_TEST

static void *look(void *arg)
{
    const struct kube_resource *r = NULL;

    (void)arg;
    return kube_discover(client, "kubeflow.org", "v1", "Profile", NULL, &r, NULL) ? NULL
                                                                                  : (void *)client;
}

START_TEST(many_threads_read_once)
{
    pthread_t threads[8];

    late = false;
    serve(aggregated, NULL);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_create(&threads[i], NULL, look, NULL);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *found = NULL;

        pthread_join(threads[i], &found);
        ck_assert_ptr_nonnull(found);
    }
    ck_assert_int_eq(fake_requests(server), 2);
}
END_TEST

/* --- group by group -------------------------------------------------------------------------------- */

static void by_group(struct fake_conn *c, const struct fake_request *req, void *user)
{
    (void)user;
    if (!strcmp(req->path, "/api"))
        fake_reply(c, 200, "", "{\"kind\":\"APIVersions\",\"versions\":[\"v1\"]}");
    else if (!strcmp(req->path, "/api/v1"))
        fake_reply(c, 200, "",
                   "{\"kind\":\"APIResourceList\",\"groupVersion\":\"v1\",\"resources\":[{\"name\":"
                   "\"pods\",\"namespaced\":true,\"kind\":\"Pod\"},{\"name\":\"pods/status\","
                   "\"namespaced\":true,\"kind\":\"Pod\"}]}");
    else if (!strcmp(req->path, "/apis"))
        fake_reply(
            c, 200, "",
            "{\"kind\":\"APIGroupList\",\"groups\":[{\"name\":\"apps\",\"versions\":[{"
            "\"groupVersion\":\"apps/v1beta1\",\"version\":\"v1beta1\"},{\"groupVersion\":"
            "\"apps/v1\",\"version\":\"v1\"}],\"preferredVersion\":{\"version\":\"v1\"}},{"
            "\"name\":\"down.io\",\"versions\":[{\"groupVersion\":\"down.io/v1\",\"version\":"
            "\"v1\"}],\"preferredVersion\":{\"version\":\"v1\"}}]}");
    else if (!strcmp(req->path, "/apis/apps/v1") || !strcmp(req->path, "/apis/apps/v1beta1"))
        fake_sendf(
            c,
            "HTTP/1.1 200 X\r\nConnection: close\r\n\r\n{\"kind\":\"APIResourceList\","
            "\"groupVersion\":\"%s\",\"resources\":[{\"name\":\"deployments\",\"namespaced\":"
            "true,\"kind\":\"Deployment\"}]}",
            req->path + 6),
            fake_hang_up(c);
    else
        fake_reply(c, 404, "", "");
}

START_TEST(older_servers)
{
    serve(by_group, NULL);
    assert_resource(find("", "v1", "Pod"), "v1", "pods", true);
    assert_resource(find("apps", "", "Deployment"), "v1", "deployments", true);
    assert_resource(find("apps", "v1beta1", "Deployment"), "v1beta1", "deployments", true);
}
END_TEST

static void forbidden(struct fake_conn *c, const struct fake_request *req, void *user)
{
    (void)req;
    (void)user;
    fake_reply(c, 403, "", "{\"kind\":\"Status\",\"message\":\"no\"}");
}

START_TEST(failure_is_told)
{
    const struct kube_resource *r = NULL;

    serve(forbidden, NULL);
    ck_assert_int_eq(kube_discover(client, "", "v1", "Pod", NULL, &r, &err), ERR_DENIED);
    ck_assert_ptr_null(r);
}
END_TEST

START_TEST(built_in_kinds)
{
    const struct kube_resource *r = kube_builtin_resource("apps", "v1", "Deployment");

    assert_resource(r, "v1", "deployments", true);
    assert_resource(kube_builtin_resource("", "", "Namespace"), "v1", "namespaces", false);
    ck_assert_ptr_null(kube_builtin_resource("apps", "v1beta1", "Deployment"));
    ck_assert_ptr_null(kube_builtin_resource("", "v1", "Deployment"));
    ck_assert_ptr_null(kube_builtin_resource("kubeflow.org", "v1", "Profile"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kube/discovery");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, two_requests_tell_all);
    tcase_add_test(t, unknown_kinds_are_looked_for_again);
    tcase_add_test(t, invalidation);
    tcase_add_test(t, crds_are_known_at_once);
    tcase_add_test(t, many_threads_read_once);
    tcase_add_test(t, older_servers);
    tcase_add_test(t, failure_is_told);
    tcase_add_test(t, built_in_kinds);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
