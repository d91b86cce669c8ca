/* Preflight against a scripted cluster: what it says, where it keeps silent, how much it asks. */
#include "resources/kubeflow/preflight.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"
#include "unit/fake_client.h"

#include "lib/base/banned.h"

#define JSON_TYPE "Content-Type: application/json\r\n"

static struct fake_server *server;
static struct kube_client *client;
static struct kube_problems problems;
static json_t *warnings;

/* The cluster: path -> items of a list, or an object; "refused", "missing" -> paths that answer 403, 404; "may" -> what
 * access reviews allow, as "verb plural.group namespace", "*" for everything. */
static json_t *world;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int reviews;

static bool is_listed(const char *list, const char *what)
{
    const json_t *item;
    size_t i;

    json_array_foreach (json_object_get(world, list), i, item)
        if (!strcmp(json_string_value(item), "*") || !strcmp(json_string_value(item), what))
            return true;
    return false;
}

static void review(struct fake_conn *c, const struct fake_request *req)
{
    json_auto_t *asked = json_loadb(req->body, req->body_len, 0, NULL);
    json_t *a = krm_get(asked, "spec", "resourceAttributes", NULL);
    char *what CLEANUP(mem_cleanup) =
        mem_printf("%s %s.%s %s", krm_str(a, "verb", NULL), krm_str(a, "resource", NULL),
                   krm_str(a, "group", NULL), krm_str(a, "namespace", NULL));

    pthread_mutex_lock(&lock);
    reviews++;
    pthread_mutex_unlock(&lock);
    fake_reply(c, 201, JSON_TYPE,
               is_listed("may", what) ? "{\"status\":{\"allowed\":true}}"
                                      : "{\"status\":{\"allowed\":false}}");
}

static void serve(struct fake_conn *c, const struct fake_request *req, void *user UNUSED)
{
    char *path CLEANUP(mem_cleanup) = mem_strndup(req->path, strcspn(req->path, "?"));
    const json_t *there = json_object_get(world, path);
    json_auto_t *list = json_pack("{s:{}, s:O?}", "metadata", "items", there);
    char *body CLEANUP(mem_cleanup) =
        json_dumps(json_is_object(there) ? there : list, JSON_COMPACT);

    if (strstr(path, "selfsubjectaccessreviews"))
        review(c, req);
    else if (is_listed("missing", path))
        fake_reply(c, 404, JSON_TYPE,
                   "{\"kind\":\"Status\",\"message\":\"none\",\"reason\":\"NotFound\","
                   "\"details\":{\"name\":\"x\",\"kind\":\"secrets\"},\"code\":404}");
    else if (is_listed("refused", path))
        fake_reply(c, 403, JSON_TYPE, "{\"kind\":\"Status\",\"message\":\"no\",\"code\":403}");
    else
        fake_reply(c, 200, JSON_TYPE, body);
}

static void setup(void)
{
    server = fake_server_new(serve, NULL, NULL, NULL, 0);
    client = fake_client_new(server, 0);
    warnings = json_array();
    reviews = 0;
}

static void teardown(void)
{
    kube_client_free(client);
    fake_server_free(server);
    kube_problems_done(&problems);
    json_decref(warnings);
    json_decref(world);
    world = NULL;
}

static json_t *yaml(const char *text)
{
    struct err err = ERR_INIT;
    json_t *v;

    ck_assert_msg(!yaml_parse(text, strlen(text), "test", &v, &err), "%s", err_msg(&err));
    return v;
}

static const char deployment[] =
    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: default}, spec: "
    "{replicas: 2, template: {spec: {containers: [{name: c, resources: {requests: {cpu: 500m, "
    "memory: 1Gi}}}]}}}}";
static const char one_node[] =
    "{metadata: {name: n}, spec: {providerID: 'gce://p/z/n'}, status: {conditions: [{type: Ready, "
    "status: 'True'}], allocatable: {cpu: '4', memory: 8Gi, pods: '10'}}}";

/* A cluster in which everything is well but for the members that `more` sets. */
static void build(const char *more)
{
    json_auto_t *changes = yaml(more);

    json_decref(world);
    world = yaml("{may: ['*'], /version: {major: '1', minor: '34', gitVersion: v1.34.1}, "
                 "/api/v1/namespaces: [{metadata: {name: default}}]}");
    json_object_set_new(world, "/api/v1/nodes", json_pack("[o]", yaml(one_node)));
    json_object_update(world, changes);
}

static int run(struct preflight_request r, const char *objects)
{
    char *text CLEANUP(mem_cleanup) = mem_printf("[%s]", objects);
    json_auto_t *array = yaml(text);

    r.client = client;
    r.objects = array;
    return preflight(&r, &problems, warnings);
}

static void assert_clean(void)
{
    ck_assert_msg(!problems.len, "%s", problems.len ? problems.at[0].text : "");
    ck_assert_uint_eq(json_array_size(warnings), 0);
}

static void assert_problem(size_t i, int code, const char *part)
{
    ck_assert_uint_gt(problems.len, i);
    ck_assert_int_eq(problems.at[i].code, code);
    ck_assert_msg(strstr(problems.at[i].text, part) != NULL, "%s", problems.at[i].text);
}

static void assert_warning(const char *part)
{
    ck_assert_uint_eq(json_array_size(warnings), 1);
    ck_assert_msg(strstr(json_string_value(json_array_get(warnings, 0)), part) != NULL, "%s",
                  json_string_value(json_array_get(warnings, 0)));
}

START_TEST(nothing_in_the_way)
{
    build("{}");
    ck_assert_int_eq(
        run((struct preflight_request){.release = "26.03", .target = "gke", .platform = true},
            deployment),
        0);
    assert_clean();
    ck_assert_int_eq(reviews, 1); /* an administrator is asked for once */
}
END_TEST

START_TEST(all_problems_at_once)
{
    build("{/version: {major: '1', minor: 28+, gitVersion: v1.28.4-eks-1}, may: []}");
    ck_assert_int_eq(run((struct preflight_request){.release = "26.03", .target = "eks"},
                         "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c, "
                         "namespace: kubeflow}, spec: {}}"),
                     0);
    ck_assert_uint_eq(problems.len, 5);
    assert_problem(0, ERR_NOT_FOUND, "namespace kubeflow");
    assert_problem(1, ERR_UNSUPPORTED, "needs Kubernetes 1.33 or newer; this cluster has v1.28.4");
    assert_problem(2, ERR_NOT_FOUND, "no default StorageClass");
    ck_assert_str_eq(problems.at[2].key, "PersistentVolumeClaim/kubeflow/c");
    assert_problem(3, ERR_DENIED, "may not ");
    assert_problem(4, ERR_CONFLICT, "target = \"eks\", but the nodes are of Google Cloud");
}
END_TEST

START_TEST(namespaces_on_their_way_out)
{
    build("{/api/v1/namespaces: [{metadata: {name: default, deletionTimestamp: "
          "'2026-01-01T00:00:00Z'}}]}");
    ck_assert_int_eq(run((struct preflight_request){.update = true}, deployment), 0);
    assert_problem(0, ERR_NOT_FOUND, "namespace default (it is being deleted)");
}
END_TEST

/* An installation's own namespace may be on its way out: the apply makes it again. */
START_TEST(own_namespaces_may_be)
{
    build("{/api/v1/namespaces: [{metadata: {name: default, deletionTimestamp: "
          "'2026-01-01T00:00:00Z'}}]}");
    ck_assert_int_eq(run((struct preflight_request){.update = true},
                         "{apiVersion: v1, kind: Namespace, metadata: {name: default}}"),
                     0);
    assert_clean();
}
END_TEST

/* --- storage ------------------------------------------------------------------------------------- */

static const char claim[] = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c, "
                            "namespace: default}, spec: {storageClassName: fast}}";
static const char bare_claim[] = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: "
                                 "c, namespace: default}, spec: {}}";

START_TEST(claims)
{
    static const struct {
        const char *world, *objects, *says; /* NULL: all is well */
    } cases[] = {
        {"{}", claim, "no StorageClass \"fast\""},
        {"{}", bare_claim, "no default StorageClass"},
        {"{/apis/storage.k8s.io/v1/storageclasses: [{metadata: {name: fast}}]}", claim, NULL},
        {"{/apis/storage.k8s.io/v1/storageclasses: [{metadata: {name: fast}}]}", bare_claim,
         "no default StorageClass"},
        {"{/apis/storage.k8s.io/v1/storageclasses: [{metadata: {name: x, annotations: "
         "{storageclass.kubernetes.io/is-default-class: 'true'}}}]}",
         bare_claim, NULL},
        /* made by hand */
        {"{/api/v1/persistentvolumes: [{spec: {storageClassName: fast}, status: {phase: "
         "Available}}]}",
         claim, NULL},
        {"{/api/v1/persistentvolumes: [{spec: {storageClassName: fast}, status: {phase: Bound}}]}",
         claim, "no StorageClass \"fast\""},
        /* it is there already, with the class that it got */
        {"{/api/v1/namespaces/default/persistentvolumeclaims: [{metadata: {name: c, namespace: "
         "default}}]}",
         bare_claim, NULL},
        {"{}",
         "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: s, namespace: default}, spec: "
         "{volumeClaimTemplates: [{metadata: {name: data}, spec: {}}]}}",
         "claim data names no storage class"},
        {"{refused: [/apis/storage.k8s.io/v1/storageclasses]}", claim, NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        build(cases[i].world);
        ck_assert_int_eq(run((struct preflight_request){.update = true}, cases[i].objects), 0);
        ck_assert_msg(problems.len == (cases[i].says ? 1 : 0), "case %zu", i);
        if (cases[i].says)
            assert_problem(0, ERR_NOT_FOUND, cases[i].says);
        kube_problems_done(&problems);
    }
}
END_TEST

/* --- access -------------------------------------------------------------------------------------- */

START_TEST(rights_in_namespaces_suffice)
{
    build("{may: [create deployments.apps default, "
          "patch deployments.apps default, create configmaps. kubeflow-terraform, "
          "patch configmaps. kubeflow-terraform, create leases.coordination.k8s.io "
          "kubeflow-terraform, patch leases.coordination.k8s.io kubeflow-terraform]}");
    json_array_append_new(json_object_get(world, "may"), json_string("create namespaces. "));
    json_array_append_new(json_object_get(world, "may"), json_string("patch namespaces. "));
    ck_assert_int_eq(run((struct preflight_request){0}, deployment), 0);
    assert_clean();
}
END_TEST

START_TEST(what_is_refused_is_named)
{
    build("{may: [create deployments.apps default, create configmaps. kubeflow-terraform, "
          "patch configmaps. kubeflow-terraform]}");
    ck_assert_int_eq(run((struct preflight_request){0}, deployment), 0);
    ck_assert_uint_eq(problems.len, 1);
    assert_problem(0, ERR_DENIED, "patch deployments.apps in namespace default");
    assert_problem(0, ERR_DENIED, "create leases.coordination.k8s.io in namespace");
    assert_problem(0, ERR_DENIED, "cluster-admin");
    ck_assert_ptr_null(strstr(problems.at[0].text, "create deployments.apps"));
    ck_assert_ptr_null(strstr(problems.at[0].text, "configmaps"));
}
END_TEST

/* A kind whose CRD is among the objects is known to nobody else yet. */
START_TEST(rights_on_kinds_that_come_along)
{
    build("{may: []}");
    ck_assert_int_eq(
        run((struct preflight_request){0},
            "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: "
            "{name: tunes.example.com}, spec: {group: example.com, scope: Cluster, names: {kind: "
            "Tune, plural: tunes}}}, {apiVersion: example.com/v1, kind: Tune, metadata: {name: "
            "t}}"),
        0);
    assert_problem(0, ERR_DENIED, "create tunes.example.com");
}
END_TEST

/* --- what cluster it is --------------------------------------------------------------------------- */

START_TEST(targets)
{
    static const struct {
        const char *target, *ids[2];
        bool conflict;
    } cases[] = {
        {"gke", {"gce://p/z/n", "gce://p/z/m"}, false},
        {"gke", {"aws:///z/i-1", "aws:///z/i-2"}, true},
        {"eks", {"gce://p/z/n", "aws:///z/i-2"}, false},
        {"eks", {"kind://docker/k/n", ""}, true},
        {"eks", {"", "else://x"}, false},
        {"generic", {"aws:///z/i-1", "gce://p/z/n"}, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        build("{}");
        json_object_set_new(world, "/api/v1/nodes",
                            json_pack("[{s:{s:s}}, {s:{s:s}}]", "spec", "providerID",
                                      cases[i].ids[0], "spec", "providerID", cases[i].ids[1]));
        ck_assert_int_eq(run((struct preflight_request){.target = cases[i].target,
                                                        .capacity = PREFLIGHT_CAPACITY_OFF},
                             deployment),
                         0);
        ck_assert_msg(problems.len == (cases[i].conflict ? 1 : 0), "case %zu", i);
        kube_problems_done(&problems);
    }
}
END_TEST

/* --- Secrets that others make -------------------------------------------------------------------- */

static const char gateway[] =
    "{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {name: g, namespace: kubeflow}, "
    "spec: {servers: [{port: {number: 80}}, {port: {number: 443}, tls: {credentialName: tls}}]}}";
static const char reader[] =
    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: default}, spec: "
    "{replicas: 0, template: {spec: {containers: [{name: c, env: ["
    "{name: A, valueFrom: {secretKeyRef: {name: client, key: k}}}, "
    "{name: B, valueFrom: {secretKeyRef: {name: perhaps, key: k, optional: true}}}]}]}}}}";
static const char both_missing[] = "{missing: [/api/v1/namespaces/istio-system/secrets/tls, "
                                   "/api/v1/namespaces/default/secrets/client, "
                                   "/api/v1/namespaces/default/secrets/perhaps]}";

START_TEST(secrets_that_others_make)
{
    build(both_missing);
    ck_assert_int_eq(run((struct preflight_request){.platform = true}, reader), 0);
    ck_assert_uint_eq(problems.len, 1);
    assert_problem(0, ERR_NOT_FOUND, "Secret default/client isn't there");
    kube_problems_done(&problems);
    /* an installation of the user's own may bring it in ways of its own */
    ck_assert_int_eq(run((struct preflight_request){.platform = false}, reader), 0);
    assert_clean();
    build("{}");
    ck_assert_int_eq(run((struct preflight_request){.platform = true}, reader), 0);
    assert_clean();
}
END_TEST

START_TEST(certificates_of_gateways)
{
    static const char kinds[] =
        "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: "
        "gateways.networking.istio.io}, spec: {group: networking.istio.io, scope: Namespaced, "
        "names: {kind: Gateway, plural: gateways}, versions: [{name: v1, served: true}]}}, "
        "{apiVersion: v1, kind: Namespace, metadata: {name: kubeflow}}, "
        "{apiVersion: v1, kind: Namespace, metadata: {name: istio-system}}";
    static const char certificate[] =
        "{apiVersion: v1, kind: Secret, metadata: {name: tls, namespace: istio-system}}";
    char *without CLEANUP(mem_cleanup) = mem_printf("%s, %s", kinds, gateway);
    char *with CLEANUP(mem_cleanup) = mem_printf("%s, %s, %s", kinds, gateway, certificate);

    build(both_missing);
    ck_assert_int_eq(run((struct preflight_request){.platform = true}, without), 0);
    ck_assert_uint_eq(problems.len, 1);
    assert_problem(0, ERR_NOT_FOUND, "Secret istio-system/tls isn't there");
    assert_problem(0, ERR_NOT_FOUND, "networking.istio.io/Gateway/kubeflow/g needs it");
    kube_problems_done(&problems);
    ck_assert_int_eq(run((struct preflight_request){.platform = true}, with), 0);
    assert_clean();
}
END_TEST

/* --- capacity ------------------------------------------------------------------------------------ */

static const char *const busy = "{/api/v1/pods: [{spec: {nodeName: n, initContainers: [{name: i, "
                                "resources: {requests: {cpu: 3500m}}}], containers: [{name: c, "
                                "resources: {requests: {cpu: 200m, memory: 6500Mi}}}]}}]}";

START_TEST(too_small)
{
    build(busy);
    ck_assert_int_eq(run((struct preflight_request){.platform = true}, deployment), 0);
    ck_assert_uint_eq(problems.len, 0);
    assert_warning("it asks for 1.0 CPUs, of which 0.5 are free; for 2.0 GiB of memory, of which "
                   "1.7 are free, on the 1 node that take any pod");
}
END_TEST

START_TEST(too_small_may_be_an_error)
{
    build(busy);
    ck_assert_int_eq(
        run((struct preflight_request){.capacity = PREFLIGHT_CAPACITY_ERROR}, deployment), 0);
    ck_assert_uint_eq(json_array_size(warnings), 0);
    assert_problem(0, ERR_LIMIT, "it asks for 1.0 CPUs");
}
END_TEST

/* It isn't too small, not asked for, or nobody can tell. */
START_TEST(no_word_of_capacity)
{
    static const struct {
        const char *world;
        struct preflight_request r;
    } cases[] = {
        {"{}", {.capacity = PREFLIGHT_CAPACITY_ERROR}},
        {NULL, {.capacity = PREFLIGHT_CAPACITY_OFF}},
        {NULL, {.update = true}},
        {"{refused: [/api/v1/nodes]}", {.capacity = PREFLIGHT_CAPACITY_ERROR}},
        {"{refused: [/api/v1/pods]}", {.capacity = PREFLIGHT_CAPACITY_ERROR}},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        build(cases[i].world ? cases[i].world : busy);
        ck_assert_int_eq(run(cases[i].r, deployment), 0);
        assert_clean();
    }
}
END_TEST

/* What runs already isn't counted twice when an apply goes on where it stopped. */
START_TEST(own_pods_count_once)
{
    build(busy);
    json_object_set_new(
        world, "/apis/apps/v1/namespaces/default/deployments",
        json_pack("[{s:{s:s, s:s}}]", "metadata", "name", "d", "namespace", "default"));
    ck_assert_int_eq(run((struct preflight_request){0}, deployment), 0);
    assert_clean();
}
END_TEST

START_TEST(no_node_at_all)
{
    static const char *const worlds[] = {
        "{/api/v1/nodes: []}",
        "{/api/v1/nodes: [{metadata: {name: gpu}, spec: {taints: [{key: nvidia.com/gpu, effect: "
        "NoSchedule}]}, status: {conditions: [{type: Ready, status: 'True'}]}}]}",
        "{/api/v1/nodes: [{metadata: {name: new}, status: {conditions: [{type: Ready, status: "
        "'False'}]}}]}",
    };

    for (size_t i = 0; i < ARRAY_LEN(worlds); i++) {
        build(worlds[i]);
        ck_assert_int_eq(
            run((struct preflight_request){.capacity = PREFLIGHT_CAPACITY_ERROR}, deployment), 0);
        ck_assert_uint_eq(problems.len, 0);
        assert_warning("no node of the cluster is ready");
        json_array_clear(warnings);
    }
}
END_TEST

START_TEST(a_cluster_that_does_not_answer)
{
    struct cancel *cancel = cancel_new(NULL);

    build("{}");
    cancel_fire(cancel);
    ck_assert_int_eq(run((struct preflight_request){.cancel = cancel}, deployment), ERR_CANCELLED);
    ck_assert_uint_eq(problems.len, 1);
    cancel_free(cancel);
}
END_TEST

START_TEST(capacity_policies)
{
    ck_assert_int_eq(preflight_capacity(NULL), PREFLIGHT_CAPACITY_WARN);
    ck_assert_int_eq(preflight_capacity("error"), PREFLIGHT_CAPACITY_ERROR);
    ck_assert_int_eq(preflight_capacity("off"), PREFLIGHT_CAPACITY_OFF);
    ck_assert_int_eq(preflight_capacity("maybe"), -1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("preflight");
    TCase *t = tcase_create("preflight");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, nothing_in_the_way);
    tcase_add_test(t, all_problems_at_once);
    tcase_add_test(t, namespaces_on_their_way_out);
    tcase_add_test(t, own_namespaces_may_be);
    tcase_add_test(t, claims);
    tcase_add_test(t, rights_in_namespaces_suffice);
    tcase_add_test(t, what_is_refused_is_named);
    tcase_add_test(t, rights_on_kinds_that_come_along);
    tcase_add_test(t, targets);
    tcase_add_test(t, secrets_that_others_make);
    tcase_add_test(t, certificates_of_gateways);
    tcase_add_test(t, too_small);
    tcase_add_test(t, too_small_may_be_an_error);
    tcase_add_test(t, no_word_of_capacity);
    tcase_add_test(t, own_pods_count_once);
    tcase_add_test(t, no_node_at_all);
    tcase_add_test(t, a_cluster_that_does_not_answer);
    tcase_add_test(t, capacity_policies);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_set_fork_status(r, CK_NOFORK);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
