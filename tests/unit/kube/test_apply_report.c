/* What an apply says about itself: runs in given states, with pods from a scripted server. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/object.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"
#include "lib/kube/apply_run.h"
#include "lib/kube/applyset.h"
#include "lib/kube/discovery.h"
#include "lib/kube/members.h"
#include "unit/fake_client.h"

#include "lib/base/banned.h"

static const char objects_text[] =
    "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: "
    "tunes.example.com}, spec: {group: example.com, names: {kind: Tune, plural: tunes}}}\n---\n"
    "{apiVersion: v1, kind: Namespace, metadata: {name: n}}\n---\n"
    "{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: c, namespace: n}}\n---\n"
    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: n, annotations: "
    "{terraform-provider-kubeflow/component: pages}}, spec: {selector: {matchLabels: {app: web}}, "
    "template: {metadata: {labels: {app: web}}}}}\n---\n"
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: n}}\n---\n"
    "{apiVersion: example.com/v1, kind: Tune, metadata: {name: t, namespace: n}}\n";
enum { CRD, NAMESPACE, CERTIFICATE, DEPLOYMENT, CONFIG_MAP, TUNE, OBJECTS };

static const char pods_body[] =
    "{\"metadata\":{},\"items\":[{\"metadata\":{\"name\":\"web-1\",\"namespace\":\"n\",\"labels\":{"
    "\"app\":\"web\"}},\"status\":{\"phase\":\"Pending\",\"containerStatuses\":[{\"name\":\"main\","
    "\"ready\":false,\"state\":{\"waiting\":{\"reason\":\"ImagePullBackOff\",\"message\":\"no such "
    "image\"}}}]}}]}";

static struct fake_server *server;
static struct kube_client *client;
static json_t *objects;
static struct kube_apply_options options;
static struct kube_apply_result result;
static struct run r;

static void serve(struct fake_conn *c, const struct fake_request *req, void *user UNUSED)
{
    bool pods = strstr(req->path, "/namespaces/n/pods?") && strstr(req->path, "app%3Dweb");

    fake_reply(c, pods ? 200 : 404, "Content-Type: application/json\r\n", pods ? pods_body : "{}");
}

static void setup(void)
{
    struct err err CLEANUP(err_done) = ERR_INIT;

    server = fake_server_new(serve, NULL, NULL, NULL, 0);
    client = fake_client_new(server, 0);
    ck_assert_int_eq(yaml_parse_all(objects_text, strlen(objects_text), "test", &objects, &err), 0);
    options = (struct kube_apply_options){.client = client, .what = "all", .objects = objects};
    result = (struct kube_apply_result){.record = json_object()};
    r = (struct run){.o = &options,
                     .result = &result,
                     .graph = kube_graph_new(objects),
                     .queue = kube_queue_new(client),
                     .nodes = mem_calloc(OBJECTS, sizeof(*r.nodes)),
                     .nnodes = OBJECTS};
    for (int i = 0; i < OBJECTS; i++) {
        r.nodes[i].index = i;
        r.nodes[i].object = json_array_get(objects, (size_t)i);
        r.nodes[i].key = kube_key(r.nodes[i].object);
    }
    r.nodes[CRD].resource =
        kube_builtin_resource("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
}

static void teardown(void)
{
    for (int i = 0; i < OBJECTS; i++) {
        free(r.nodes[i].key);
        free(r.nodes[i].why);
    }
    free(r.nodes);
    kube_queue_free(r.queue);
    kube_graph_free(r.graph);
    kube_apply_result_done(&result);
    json_decref(objects);
    kube_client_free(client);
    fake_server_free(server);
}

/* Every node gets its state; what is done counts as ready. */
static void states(const enum node_state s[OBJECTS])
{
    for (int i = 0; i < OBJECTS; i++) {
        r.nodes[i].state = s[i];
        result.ready += s[i] == NODE_DONE;
        r.failed += s[i] == NODE_FAILED;
    }
}

static void assert_progress(const char *want)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT;

    apply_put_progress(&r, &out);
    ck_assert_str_eq(buf_str(&out), want);
}

START_TEST(workloads_come_first)
{
    static const enum node_state s[OBJECTS] = {NODE_SERVING, NODE_DONE, NODE_APPLIED,
                                               NODE_APPLIED, NODE_DONE, NODE_APPLIED};

    states(s);
    r.nodes[DEPLOYMENT].why = mem_strdup("0 of 1 replicas are available");
    r.nodes[CERTIFICATE].why = mem_strdup("isn't ready");
    assert_progress(
        "all: all 6 objects applied, 2 ready (0 of 1 components, pages 0/1); waiting "
        "for apps/Deployment/n/web (0 of 1 replicas are available; pod web-1: container "
        "main: ImagePullBackOff: no such image), cert-manager.io/Certificate/n/c (isn't ready) and "
        "2 "
        "more");
}
END_TEST

START_TEST(components_are_counted)
{
    static const enum node_state s[OBJECTS] = {NODE_DONE, NODE_DONE, NODE_DONE,
                                               NODE_DONE, NODE_DONE, NODE_APPLIED};
    static const struct {
        int node;
        const char *component;
    } rows[] = {{CRD, "tuner"}, {TUNE, "tuner"}, {CERTIFICATE, "pages"}, {CONFIG_MAP, "pages"}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        krm_set_annotation(r.nodes[rows[i].node].object, APPLYSET_COMPONENT, rows[i].component);
    states(s);
    assert_progress(
        "all: all 6 objects applied, 5 ready (1 of 2 components, tuner 1/2); waiting for "
        "example.com/Tune/n/t (not ready yet)");
}
END_TEST

/* Nothing is under way, and something has still to be sent: the one thing that it needs is said. */
START_TEST(what_the_rest_needs)
{
    static const enum node_state s[OBJECTS] = {NODE_SERVING, NODE_DONE, NODE_DONE,
                                               NODE_FAILED,  NODE_DONE, NODE_WAITING};

    states(s);
    while (kube_graph_take(r.graph) >= 0)
        continue;
    kube_graph_ready(r.graph, NAMESPACE);
    assert_progress(
        "all: sending, 4 of 6 objects applied, 3 ready, 1 failed (0 of 1 components, "
        "pages 0/1); next is example.com/Tune/n/t, which needs "
        "apiextensions.k8s.io/CustomResourceDefinition/tunes.example.com, which defines "
        "its kind");
}
END_TEST

START_TEST(timed_out)
{
    static const enum node_state s[OBJECTS] = {NODE_SERVING, NODE_DONE,     NODE_APPLIED,
                                               NODE_APPLIED, NODE_APPLYING, NODE_WAITING};
    const struct kube_problems *p = &result.problems;

    states(s);
    while (kube_graph_take(r.graph) >= 0)
        continue;
    kube_graph_ready(r.graph, NAMESPACE);
    r.nodes[DEPLOYMENT].why = mem_strdup("0 of 1 replicas are available");
    apply_report_unready(&r, "timed out");
    apply_report_unsent(&r);
    ck_assert_uint_eq(p->len, 5);
    ck_assert_str_eq(p->at[0].key, "apps/Deployment/n/web");
    ck_assert_str_eq(p->at[0].text, "timed out, not ready: 0 of 1 replicas are available\n"
                                    "  component pages\n"
                                    "  pod web-1: container main: ImagePullBackOff: no such image\n"
                                    "  look further: kubectl -n n describe deployment web\n");
    ck_assert_str_eq(p->at[1].key, "cert-manager.io/Certificate/n/c");
    ck_assert_str_eq(p->at[2].key, r.nodes[CRD].key);
    ck_assert_str_eq(p->at[3].text, "timed out, not applied: no answer yet");
    ck_assert_ptr_nonnull(strstr(p->at[4].text,
                                 "1 more objects weren't sent because they need what "
                                 "isn't ready; the first is example.com/Tune/n/t"));
    ck_assert(!result.complete);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("apply_report");
    TCase *t = tcase_create("apply_report");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, workloads_come_first);
    tcase_add_test(t, components_are_counted);
    tcase_add_test(t, what_the_rest_needs);
    tcase_add_test(t, timed_out);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
