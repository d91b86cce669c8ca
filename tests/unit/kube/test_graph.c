#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/kube/graph.h"

#include "lib/base/banned.h"

/* A set under test: objects by the order of the text, whose apostrophes stand for quotation marks. */
static json_t *objects;
static struct kube_graph *graph;
static char warned[512];

static void remember_warning(enum log_level level, const char *module, const char *message,
                             const struct log_field *fields, size_t nfields)
{
    (void)module;
    (void)fields;
    (void)nfields;
    if (level == LOG_WARN)
        snprintf(warned, sizeof(warned), "%s", message);
}

static void setup(void)
{
    warned[0] = '\0';
    log_setup(LOG_WARN, remember_warning);
}

static void teardown(void)
{
    kube_graph_free(graph);
    json_decref(objects);
    graph = NULL;
    objects = NULL;
}

static void load(const char *text)
{
    char *json CLEANUP(mem_cleanup) = mem_printf("[%s]", text);
    json_error_t error;

    for (char *p = json; *p; p++) {
        if (*p == '\'')
            *p = '"';
    }
    objects = json_loads(json, 0, &error);
    ck_assert_msg(objects != NULL, "%s at %d", error.text, error.position);
    graph = kube_graph_new(objects);
}

/* The nodes that may go now, sorted, as text: "0 2 3". They count as started. */
static const char *wave(void)
{
    static char text[256];
    bool taken[64] = {false};
    int node;
    size_t len = 0;

    while ((node = kube_graph_take(graph)) >= 0)
        taken[node] = true;
    text[0] = '\0';
    for (int i = 0; i < 64; i++) {
        if (taken[i])
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%d", len ? " " : "", i);
    }
    return text;
}

static void check_waits(int node, int for_node, enum kube_need need, const char *why)
{
    enum kube_need got;

    ck_assert_int_eq(kube_graph_waits_for(graph, node, &got), for_node);
    ck_assert_int_eq(got, need);
    ck_assert_str_eq(kube_graph_why(graph, node, for_node), why);
}

#define NAMESPACE(name, labels)                                                                    \
    "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'" name "','labels':{" labels "}}}"
#define CORE(kind, name)                                                                           \
    "{'apiVersion':'v1','kind':'" kind "','metadata':{'name':'" name "','namespace':'n'}}"
#define CRD(group, kind, plural, more)                                                             \
    "{'apiVersion':'apiextensions.k8s.io/v1','kind':'CustomResourceDefinition','metadata':"        \
    "{'name':'" plural "." group "'},'spec':{'group':'" group "','names':{'kind':'" kind           \
    "','plural':'" plural "'}" more "}}"
#define OBJECT(api, kind, name, more)                                                              \
    "{'apiVersion':'" api "','kind':'" kind "','metadata':{'name':'" name                          \
    "','namespace':'n'}" more "}"
#define DEPLOYMENT(name, pod)                                                                      \
    "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'" name "','namespace':'n'},"  \
    "'spec':{'template':{'metadata':{'labels':{'app':'" name "'}},'spec':{" pod "}}}}"
#define SERVICE(name)                                                                              \
    "{'apiVersion':'v1','kind':'Service','metadata':{'name':'" name "','namespace':'n'},"          \
    "'spec':{'selector':{'app':'" name "'}}}"
#define HOOK(kind, name, service, rest)                                                            \
    "{'apiVersion':'admissionregistration.k8s.io/v1','kind':'" kind "WebhookConfiguration',"       \
    "'metadata':{'name':'" name "'},'webhooks':[{'name':'" name "','clientConfig':{'service':"     \
    "{'namespace':'n','name':'" service "'}}," rest "}]}"
#define RULE(group, resource)                                                                      \
    "'rules':[{'operations':['CREATE'],'apiGroups':['" group "'],'apiVersions':['v1'],"            \
    "'resources':['" resource "']}]"

START_TEST(empty_set)
{
    load("");
    ck_assert_int_eq(kube_graph_take(graph), -1);
    ck_assert(kube_graph_all_applied(graph));
}
END_TEST

START_TEST(namespace_before_content)
{
    enum kube_need need;

    load(CORE("ConfigMap", "c") "," NAMESPACE("n", "") "," NAMESPACE("other", ""));
    ck_assert_str_eq(wave(), "1 2");
    check_waits(0, 1, KUBE_NEED_APPLIED, "its namespace");
    ck_assert(!kube_graph_needed_ready(graph, 1));
    kube_graph_applied(graph, 2);
    ck_assert_str_eq(wave(), "");
    kube_graph_applied(graph, 1);
    ck_assert_int_eq(kube_graph_waits_for(graph, 0, &need), -1);
    ck_assert_str_eq(wave(), "0");
    ck_assert(!kube_graph_all_applied(graph));
    kube_graph_applied(graph, 0);
    ck_assert(kube_graph_all_applied(graph));
}
END_TEST

START_TEST(crd_established_before_its_objects)
{
    load(OBJECT("a.io/v1", "Thing", "t", "") "," CRD("a.io", "Thing", "things", "") ","
         /* The same kind in another group is another kind. */
         OBJECT("b.io/v1", "Thing", "t", "") "," OBJECT("a.io/v2", "Thing", "u", ""));
    ck_assert_str_eq(wave(), "1 2");
    ck_assert(kube_graph_needed_ready(graph, 1));
    ck_assert(!kube_graph_needed_ready(graph, 2));
    check_waits(0, 1, KUBE_NEED_READY, "which defines its kind");
    kube_graph_applied(graph, 1);
    ck_assert_str_eq(wave(), "");
    kube_graph_ready(graph, 1);
    ck_assert_str_eq(wave(), "0 3");
}
END_TEST

START_TEST(pods_after_what_they_name)
{
    load(DEPLOYMENT(
        "d",
        "'serviceAccountName':'sa','priorityClassName':'p','imagePullSecrets':"
        "[{'name':'pull'}],'volumes':[{'configMap':{'name':'v'}},{'projected':"
        "{'sources':[{'secret':{'name':'proj'}}]}},{'persistentVolumeClaim':"
        "{'claimName':'pvc'}}],'initContainers':[{'envFrom':[{'secretRef':"
        "{'name':'ef'}}]}],'containers':[{'env':[{'valueFrom':{'configMapKeyRef':"
        "{'name':'e'}}}]}]") "," CORE("ServiceAccount",
                                      "sa") ","
                                            "{'apiVersion':'scheduling.k8s.io/"
                                            "v1','kind':'PriorityClass','metadata':{'name':'p'}}"
                                            "," CORE("Secret", "pull") "," CORE("ConfigMap", "v") "," CORE(
                                                "Secret",
                                                "proj") "," CORE("PersistentVolumeClaim",
                                                                 "pvc") "," CORE("Secret",
                                                                                 "ef") "," CORE("Co"
                                                                                                "nf"
                                                                                                "ig"
                                                                                                "Ma"
                                                                                                "p",
                                                                                                "e") ","
         /* Not named by the pod: a Secret called like the ConfigMap, another account. */
         CORE("Secret", "v") "," CORE("ServiceAccount", "other"));
    ck_assert_str_eq(wave(), "1 2 3 4 5 6 7 8 9 10");
    for (int i = 1; i <= 8; i++) {
        check_waits(0, i, KUBE_NEED_APPLIED, "which its pods need");
        kube_graph_applied(graph, i);
    }
    ck_assert_str_eq(wave(), "0");
}
END_TEST

START_TEST(pods_after_their_rights)
{
    load(DEPLOYMENT(
        "d",
        "'serviceAccountName':'sa'") ","
                                     "{'apiVersion':'rbac.authorization.k8s.io/"
                                     "v1','kind':'ClusterRoleBinding','metadata':"
                                     "{'name':'b'},'roleRef':{'kind':'ClusterRole','name':'r'},'"
                                     "subjects':[{'kind':"
                                     "'ServiceAccount','name':'sa','namespace':'n'}]},"
                                     "{'apiVersion':'rbac.authorization.k8s.io/"
                                     "v1','kind':'ClusterRole','metadata':{'name':'r'}},"
                                     "{'apiVersion':'rbac.authorization.k8s.io/"
                                     "v1','kind':'RoleBinding','metadata':{'name':'c',"
                                     "'namespace':'n'},'roleRef':{'kind':'ClusterRole','name':'"
                                     "view'},'subjects':[{'kind':"
                                     "'ServiceAccount','name':'sa','namespace':'elsewhere'}]}");
    ck_assert_str_eq(wave(), "2 3");
    check_waits(1, 2, KUBE_NEED_APPLIED, "the role that it grants");
    kube_graph_applied(graph, 2);
    ck_assert_str_eq(wave(), "1");
    kube_graph_applied(graph, 1);
    ck_assert_str_eq(wave(), "0");
}
END_TEST

START_TEST(stateful_set_and_cron_job)
{
    load(
        OBJECT("apps/v1", "StatefulSet", "s", ",'spec':{'serviceName':'h','template':{}}") "," CORE(
            "Service", "h") "," OBJECT("batch/v1", "CronJob", "c",
                                       ",'spec':{'jobTemplate':{'spec':{'template':{'spec':{'"
                                       "serviceAccountName':'sa'}}}}}") "," CORE("ServiceAccount",
                                                                                 "sa"));
    ck_assert_str_eq(wave(), "1 3");
    kube_graph_applied(graph, 1);
    ck_assert_str_eq(wave(), "0");
    kube_graph_applied(graph, 3);
    ck_assert_str_eq(wave(), "2");
}
END_TEST

START_TEST(issuer_before_certificate_and_pods_of_the_certificate_dont_wait)
{
    load(OBJECT(
        "cert-manager.io/v1", "Certificate", "c",
        ",'spec':{'secretName':'tls','issuerRef':{'name':'i'}}") "," OBJECT("cert-manager.io/v1",
                                                                            "Issuer", "i",
                                                                            "") "," DEPLOYMENT("d",
                                                                                               "'vo"
                                                                                               "lum"
                                                                                               "es'"
                                                                                               ":[{"
                                                                                               "'se"
                                                                                               "cre"
                                                                                               "t':"
                                                                                               "{'"
                                                                                               "sec"
                                                                                               "ret"
                                                                                               "Nam"
                                                                                               "e':"
                                                                                               "'tl"
                                                                                               "s'}"
                                                                                               "}"
                                                                                               "]"));
    ck_assert_str_eq(wave(), "1 2");
    check_waits(0, 1, KUBE_NEED_APPLIED, "its issuer");
    ck_assert_str_eq(kube_graph_why(graph, 2, 0), "which makes its certificate");
    kube_graph_applied(graph, 1);
    ck_assert_str_eq(wave(), "0");
}
END_TEST

START_TEST(webhook_before_what_it_intercepts)
{
    load(OBJECT("a.io/v1", "Thing", "t", "") "," DEPLOYMENT("server", "") "," SERVICE(
        "server") "," HOOK("Validating", "h", "server",
                           RULE("a.io", "things")) "," OBJECT("a.io/v1", "Other", "o", ""));
    ck_assert_str_eq(wave(), "1 2 4");
    check_waits(3, 1, KUBE_NEED_APPLIED, "which answers it");
    check_waits(0, 1, KUBE_NEED_READY, "which checks or changes it on the way in");
    kube_graph_applied(graph, 1);
    ck_assert_str_eq(wave(), "");
    check_waits(3, 2, KUBE_NEED_APPLIED, "which answers it");
    kube_graph_applied(graph, 2);
    ck_assert_str_eq(wave(), "3");
    kube_graph_ready(graph, 1);
    ck_assert_str_eq(wave(), "");
    kube_graph_applied(graph, 3);
    ck_assert_str_eq(wave(), "");
    ck_assert(kube_graph_needed_ready(graph, 3));
    kube_graph_ready(graph, 3);
    ck_assert_str_eq(wave(), "0");
}
END_TEST

START_TEST(webhooks_that_let_pass_hold_up_nothing)
{
    load(
        OBJECT("a.io/v1", "Thing", "t", "") "," DEPLOYMENT("server", "") "," SERVICE("server") "," HOOK(
            "Validating", "ignoring", "server",
            "'failurePolicy':'Ignore'," RULE(
                "a.io",
                "things")) "," HOOK("Validating", "deletes", "server",
                                    "'rules':[{'operations':['DELETE'],'apiGroups':['*'],'"
                                    "resources':['"
                                    "*']}]") "," HOOK("Validating", "status", "server",
                                                      RULE("a.io",
                                                           "things/status")) "," HOOK("Validating",
                                                                                      "labelled",
                                                                                      "server",
                                                                                      "'objectSelec"
                                                                                      "tor':"
                                                                                      "{'"
                                                                                      "matchLabels'"
                                                                                      ":{'"
                                                                                      "x':'y'}}"
                                                                                      "," RULE(
                                                                                          "a.io",
                                                                                          "*/*")));
    ck_assert_str_eq(wave(), "0 1 2");
}
END_TEST

START_TEST(pod_webhooks_by_namespace_label)
{
    load(NAMESPACE("n", "'inject':'yes'") "," NAMESPACE(
        "plain",
        "") ","
            "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'server','namespace':"
            "'plain'},'spec':{'template':{'metadata':{'labels':{'app':'server'}}}}},"
            "{'apiVersion':'v1','kind':'Service','metadata':{'name':'server','namespace':'plain'},"
            "'spec':{'selector':{'app':'server'}}},"
            "{'apiVersion':'admissionregistration.k8s.io/v1','kind':'MutatingWebhookConfiguration',"
            "'metadata':{'name':'h'},'webhooks':[{'name':'h','clientConfig':{'service':{'namespace'"
            ":"
            "'plain','name':'server'}},'namespaceSelector':{'matchExpressions':[{'key':'inject',"
            "'operator':'In','values':['yes']}]},'objectSelector':{'matchExpressions':[{'key':'"
            "skip',"
            "'operator':'NotIn','values':['true']}]}," RULE("", "pods") "}]}," DEPLOYMENT(
                "inside",
                "") ","
                    "{'apiVersion':'apps/"
                    "v1','kind':'Deployment','metadata':{'name':'skipped','namespace':'n'},"
                    "'spec':{'template':{'metadata':{'labels':{'skip':'true'}}}}},"
                    /* A CNI plugin, which pods with sidecars need too. */
                    "{'apiVersion':'apps/"
                    "v1','kind':'DaemonSet','metadata':{'name':'cni','namespace':'plain'},"
                    "'spec':{'template':{'spec':{'volumes':[{'hostPath':{'path':'/etc/cni/"
                    "net.d'}}]}}}}");
    ck_assert_str_eq(wave(), "0 1");
    kube_graph_applied(graph, 0);
    kube_graph_applied(graph, 1);
    ck_assert_str_eq(wave(), "2 3 6 7");
    kube_graph_ready(graph, 2);
    kube_graph_applied(graph, 3);
    ck_assert_str_eq(wave(), "4");
    kube_graph_ready(graph, 4);
    ck_assert_str_eq(wave(), "");
    check_waits(5, 7, KUBE_NEED_READY, "which connects its pods");
    kube_graph_ready(graph, 7);
    ck_assert_str_eq(wave(), "5");
}
END_TEST

START_TEST(conversion_webhook_before_objects)
{
#define CONVERTED(versions)                                                                        \
    CRD("a.io", "Thing", "things",                                                                 \
        ",'versions':[" versions "],'conversion':{'strategy':'Webhook','webhook':{'clientConfig':" \
        "{'service':{'namespace':'n','name':'server'}}}}")
    load(CONVERTED("{},{}") "," OBJECT("a.io/v1", "Thing", "t",
                                       "") "," DEPLOYMENT("server", "") "," SERVICE("server"));
    ck_assert_str_eq(wave(), "0 2 3");
    kube_graph_ready(graph, 0);
    check_waits(1, 2, KUBE_NEED_READY, "which converts its versions");
    kube_graph_ready(graph, 2);
    ck_assert_str_eq(wave(), "1");
    teardown();
    /* One version: nothing to convert. */
    load(CONVERTED("{}") "," OBJECT("a.io/v1", "Thing", "t",
                                    "") "," DEPLOYMENT("server", "") "," SERVICE("server"));
    ck_assert_str_eq(wave(), "0 2 3");
    kube_graph_ready(graph, 0);
    ck_assert_str_eq(wave(), "1");
}
END_TEST

/* A webhook for everything: its own workload goes first, and so does what that needs. */
START_TEST(webhook_that_intercepts_its_own_needs)
{
    load(DEPLOYMENT("server", "'serviceAccountName':'sa'") "," CORE(
        "ServiceAccount",
        "sa") "," SERVICE("server") "," HOOK("Validating", "all", "server",
                                             "'rules':[{'operations':['*'],'apiGroups':['*'],'"
                                             "resources':['*']}]") "," CORE("ConfigMap", "c"));
    ck_assert_ptr_nonnull(strstr(warned, " waits for "));
    ck_assert_str_eq(wave(), "1");
    kube_graph_applied(graph, 1);
    ck_assert_str_eq(wave(), "0");
    kube_graph_ready(graph, 0);
    ck_assert_str_eq(wave(), "2");
    kube_graph_applied(graph, 2);
    ck_assert_str_eq(wave(), "3");
    kube_graph_ready(graph, 3);
    ck_assert_str_eq(wave(), "4");
}
END_TEST

/* The cycle runs through what nobody waits for with sending: the server can't be ready without the
 * Certificate, which its own webhook intercepts. */
START_TEST(cycle_through_a_certificate)
{
    load(DEPLOYMENT("server", "'volumes':[{'secret':{'secretName':'tls'}}]") "," SERVICE(
        "server") "," HOOK("Validating", "h", "server",
                           RULE("cert-manager.io",
                                "certificates")) "," OBJECT("cert-manager.io/v1", "Certificate",
                                                            "c", ",'spec':{'secretName':'tls'}"));
    ck_assert_str_ne(warned, "");
    ck_assert_str_eq(wave(), "0 1");
    kube_graph_applied(graph, 0);
    kube_graph_applied(graph, 1);
    ck_assert_str_eq(wave(), "2");
    /* The configuration can become ready once it is there; the certificate's only need left. */
    kube_graph_ready(graph, 2);
    ck_assert_str_eq(wave(), "3");
}
END_TEST

START_TEST(no_warning_without_a_cycle)
{
    load(NAMESPACE("n", "") "," DEPLOYMENT("d", ""));
    ck_assert_str_eq(warned, "");
}
END_TEST

START_TEST(costly_and_urgent_first)
{
    load(CRD("a.io", "Small", "smalls", "") "," CRD("a.io", "Big", "bigs", ",'versions':[{},{},{},{},{},{},{},{},{},{},{},{}]") "," CORE(
        "ConfigMap",
        "c") "," DEPLOYMENT("waited-for",
                            "") "," DEPLOYMENT("d",
                                               "") "," SERVICE("waited-for") "," HOOK("Validating",
                                                                                      "h",
                                                                                      "waited-for",
                                                                                      RULE(
                                                                                          "a.io",
                                                                                          "bigs")) "," OBJECT("a.io/v1",
                                                                                                              "Big",
                                                                                                              "b",
                                                                                                              ""));
    /* The workload that a custom resource waits for, the other workload, the Service that its
     * webhook waits for, CRDs by size, the rest. */
    ck_assert_int_eq(kube_graph_take(graph), 3);
    ck_assert_int_eq(kube_graph_take(graph), 4);
    ck_assert_int_eq(kube_graph_take(graph), 5);
    ck_assert_int_eq(kube_graph_take(graph), 1);
    ck_assert_int_eq(kube_graph_take(graph), 0);
    ck_assert_int_eq(kube_graph_take(graph), 2);
    ck_assert_int_eq(kube_graph_take(graph), -1);
}
END_TEST

START_TEST(events_may_come_twice_and_untaken)
{
    load(NAMESPACE("n", "") "," CORE("ConfigMap", "a") "," CORE("ConfigMap", "b"));
    kube_graph_ready(graph, 0);
    kube_graph_applied(graph, 0);
    kube_graph_ready(graph, 0);
    kube_graph_applied(graph, 1);
    ck_assert_str_eq(wave(), "2");
    kube_graph_applied(graph, 2);
    ck_assert(kube_graph_all_applied(graph));
}
END_TEST

START_TEST(replicas_zero_answers_nothing)
{
    load("{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'server','namespace':'n'},"
         "'spec':{'replicas':0,'template':{'metadata':{'labels':{'app':'server'}}}}}," SERVICE(
             "server") "," HOOK("Validating", "h", "server",
                                RULE("a.io", "things")) "," OBJECT("a.io/v1", "Thing", "t", ""));
    ck_assert_str_eq(wave(), "0 1");
    kube_graph_applied(graph, 1);
    ck_assert_str_eq(wave(), "2");
    check_waits(3, 2, KUBE_NEED_READY, "which checks or changes it on the way in");
}
END_TEST

START_TEST(phases)
{
    static const struct {
        const char *api, *kind;
        int phase;
    } cases[] = {
        {"v1", "Namespace", 0},
        {"apiextensions.k8s.io/v1", "CustomResourceDefinition", 1},
        {"v1", "ConfigMap", 2},
        {"rbac.authorization.k8s.io/v1", "ClusterRole", 2},
        {"networking.k8s.io/v1", "NetworkPolicy", 2},
        {"apps/v1", "Deployment", 3},
        {"batch/v1", "Job", 3},
        {"admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", 4},
        {"kubeflow.org/v1", "Profile", 5},
        {"metacontroller.k8s.io/v1alpha1", "DecoratorController", 5},
        {"jobset.x-k8s.io/v1alpha2", "JobSet", 5},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *o = json_pack("{s:s,s:s}", "apiVersion", cases[i].api, "kind", cases[i].kind);

        ck_assert_msg(kube_graph_phase(o) == cases[i].phase, "%s", cases[i].kind);
        json_decref(o);
    }
}
END_TEST

START_TEST(odd_objects_do_no_harm)
{
    load("{},[],1,null,'x',{'kind':1,'metadata':[]},"
         "{'apiVersion':'apps/v1','kind':'Deployment','spec':{'template':[]}},"
         "{'apiVersion':'admissionregistration.k8s.io/v1','kind':'ValidatingWebhookConfiguration',"
         "'webhooks':[1,{'rules':[{'apiGroups':'*'}]}]},"
         "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'n','namespace':'n'}},"
         "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'n'}}");
    ck_assert_str_eq(wave(), "0 1 2 3 4 5 6 7 8 9");
}
END_TEST

/* --- any set at all ----------------------------------------------------------------------------- */

#define RANDOM_NODES 60
#define RANDOM_SETS  100

static unsigned random_state;

static unsigned random_below(unsigned n)
{
    random_state = random_state * 1103515245 + 12345;
    return (random_state >> 16) % n;
}

/* Namespaces, CRDs, objects, accounts, workloads, Services and webhooks for random resources, all
 * with names from a small pool so that they refer to each other, often in circles. */
static json_t *random_object(void)
{
    static const char *const groups[] = {"", "a.io", "b.io", "*"};
    static const char *const plurals[] = {"pods", "serviceaccounts", "things", "services", "*"};
    char name[8], other[8], ns[8];

    snprintf(name, sizeof(name), "x%u", random_below(4));
    snprintf(other, sizeof(other), "x%u", random_below(4));
    snprintf(ns, sizeof(ns), "n%u", random_below(3));
    switch (random_below(7)) {
    case 0:
        return json_pack("{s:s,s:s,s:{s:s}}", "apiVersion", "v1", "kind", "Namespace", "metadata",
                         "name", ns);
    case 1:
        return json_pack("{s:s,s:s,s:{s:s},s:{s:s,s:{s:s,s:s}}}", "apiVersion",
                         "apiextensions.k8s.io/v1", "kind", "CustomResourceDefinition", "metadata",
                         "name", name, "spec", "group", groups[1 + random_below(2)], "names",
                         "kind", "Thing", "plural", "things");
    case 2:
        return json_pack("{s:s,s:s,s:{s:s,s:s}}", "apiVersion",
                         random_below(2) ? "a.io/v1" : "b.io/v1", "kind", "Thing", "metadata",
                         "name", name, "namespace", ns);
    case 3:
        return json_pack("{s:s,s:s,s:{s:s,s:s}}", "apiVersion", "v1", "kind", "ServiceAccount",
                         "metadata", "name", name, "namespace", ns);
    case 4:
        return json_pack("{s:s,s:s,s:{s:s,s:s},s:{s:{s:{s:{s:s}},s:{s:s,s:[{s:{s:s}}]}}}}",
                         "apiVersion", "apps/v1", "kind", "Deployment", "metadata", "name", name,
                         "namespace", ns, "spec", "template", "metadata", "labels", "app", name,
                         "spec", "serviceAccountName", other, "volumes", "secret", "secretName",
                         other);
    case 5:
        return json_pack("{s:s,s:s,s:{s:s,s:s},s:{s:{s:s}}}", "apiVersion", "v1", "kind", "Service",
                         "metadata", "name", name, "namespace", ns, "spec", "selector", "app",
                         other);
    default:
        return json_pack("{s:s,s:s,s:{s:s},s:[{s:{s:{s:s,s:s}},s:[{s:[s],s:[s],s:[s]}]}]}",
                         "apiVersion", "admissionregistration.k8s.io/v1", "kind",
                         "MutatingWebhookConfiguration", "metadata", "name", name, "webhooks",
                         "clientConfig", "service", "namespace", ns, "name", other, "rules",
                         "apiGroups", groups[random_below(4)], "resources",
                         plurals[random_below(5)], "operations", "*");
    }
}

/* Walks by chance: some take long to be applied, some to become ready. What is taken has no unmet
 * need, and the walk ends with everything applied. */
static void walk_at_random(void)
{
    int state[RANDOM_NODES] = {0}, left = RANDOM_NODES, node;
    enum kube_need need;

    while (left) {
        int i = (int)random_below(RANDOM_NODES);

        while ((node = kube_graph_take(graph)) >= 0) {
            ck_assert_int_eq(state[node], 0);
            ck_assert_int_eq(kube_graph_waits_for(graph, node, &need), -1);
            state[node] = 1;
        }
        if (state[i] == 0 && (node = kube_graph_waits_for(graph, i, &need)) >= 0) {
            ck_assert_int_le(state[node], need == KUBE_NEED_READY ? 2 : 1);
            ck_assert_str_ne(kube_graph_why(graph, i, node), "");
            i = node;
        }
        if (state[i] == 1) {
            kube_graph_applied(graph, i);
            state[i] = 2;
            left--;
        } else if (state[i] == 2) {
            kube_graph_ready(graph, i);
            state[i] = 3;
        }
    }
    ck_assert(kube_graph_all_applied(graph));
}

START_TEST(every_set_has_an_order)
{
    random_state = (unsigned)_i;
    objects = json_array();
    for (int i = 0; i < RANDOM_NODES; i++)
        json_array_append_new(objects, random_object());
    graph = kube_graph_new(objects);
    walk_at_random();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kube/graph");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, empty_set);
    tcase_add_test(t, namespace_before_content);
    tcase_add_test(t, crd_established_before_its_objects);
    tcase_add_test(t, pods_after_what_they_name);
    tcase_add_test(t, pods_after_their_rights);
    tcase_add_test(t, stateful_set_and_cron_job);
    tcase_add_test(t, issuer_before_certificate_and_pods_of_the_certificate_dont_wait);
    tcase_add_test(t, webhook_before_what_it_intercepts);
    tcase_add_test(t, webhooks_that_let_pass_hold_up_nothing);
    tcase_add_test(t, pod_webhooks_by_namespace_label);
    tcase_add_test(t, conversion_webhook_before_objects);
    tcase_add_test(t, webhook_that_intercepts_its_own_needs);
    tcase_add_test(t, cycle_through_a_certificate);
    tcase_add_test(t, no_warning_without_a_cycle);
    tcase_add_test(t, costly_and_urgent_first);
    tcase_add_test(t, events_may_come_twice_and_untaken);
    tcase_add_test(t, replicas_zero_answers_nothing);
    tcase_add_test(t, phases);
    tcase_add_test(t, odd_objects_do_no_harm);
    tcase_add_loop_test(t, every_set_has_an_order, 0, RANDOM_SETS);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
