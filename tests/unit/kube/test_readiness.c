/* Expected answers come from kstatus' rules (cli-utils v0.37.2) and from the differences that
 * readiness.h lists. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/mem.h"
#include "lib/kube/readiness.h"

#include "lib/base/banned.h"

/* Apostrophes stand for quotation marks. */
static json_t *object_of(const char *text)
{
    char *json CLEANUP(mem_cleanup) = mem_strdup(text);
    json_error_t error;
    json_t *object;

    for (char *p = json; *p; p++) {
        if (*p == '\'')
            *p = '"';
    }
    object = json_loads(json, 0, &error);
    ck_assert_msg(object != NULL, "%s in %s", error.text, json);
    return object;
}

struct expected {
    const char *object;
    enum kube_readiness readiness;
    const char *why;
};

static void check_all(const struct expected *cases, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        json_t *object = object_of(cases[i].object);
        struct buf why CLEANUP(buf_done) = BUF_INIT;
        enum kube_readiness r = kube_readiness_of(object, &why);

        ck_assert_msg(r == cases[i].readiness && !strcmp(buf_str(&why), cases[i].why),
                      "%s\ngives %d \"%s\"\ninstead of %d \"%s\"", cases[i].object, r,
                      buf_str(&why), cases[i].readiness, cases[i].why);
        ck_assert_int_eq(kube_readiness_of(object, NULL), r);
        json_decref(object);
    }
}

START_TEST(generic)
{
    static const struct expected cases[] = {
        {"{'apiVersion':'v1','kind':'ConfigMap'}", KUBE_READY, ""},
        {"{}", KUBE_READY, ""},
        {"[]", KUBE_READY, ""},
        {"{'apiVersion':'v1','kind':'Secret','metadata':{'deletionTimestamp':'2026-01-01T00:00:00Z'"
         "}}",
         KUBE_TERMINATING, "is being deleted"},
        {"{'apiVersion':'x.io/"
         "v1','kind':'X','metadata':{'deletionTimestamp':'2026-01-01T00:00:00Z',"
         "'finalizers':['a/b','c']}}",
         KUBE_TERMINATING, "is being deleted, held by finalizer a/b, c"},
        {"{'apiVersion':'x.io/v1','kind':'X','metadata':{'generation':3},"
         "'status':{'observedGeneration':2,'conditions':[{'type':'Ready','status':'True'}]}}",
         KUBE_IN_PROGRESS, "its controller hasn't looked at the change yet"},
        {"{'apiVersion':'x.io/v1','kind':'X','metadata':{'generation':2},"
         "'status':{'observedGeneration':2,'conditions':[{'type':'Ready','status':'True'}]}}",
         KUBE_READY, ""},
        {"{'apiVersion':'x.io/v1','kind':'X','status':{'conditions':[{'type':'Ready',"
         "'status':'False','reason':'NoDatabase','message':'no route.\\nto host.'}]}}",
         KUBE_IN_PROGRESS, "isn't ready: NoDatabase: no route. to host"},
        {"{'apiVersion':'x.io/v1','kind':'X','status':{'conditions':[{'type':'Ready',"
         "'status':'Unknown'}]}}",
         KUBE_IN_PROGRESS, "isn't ready"},
        {"{'apiVersion':'x.io/v1','kind':'X','status':{'conditions':[{'type':'Stalled',"
         "'status':'True','reason':'BadSpec'}]}}",
         KUBE_FAILED, "has stalled: BadSpec"},
        {"{'apiVersion':'x.io/v1','kind':'X','status':{'conditions':[{'type':'Reconciling',"
         "'status':'True','message':'half way'},{'type':'Ready','status':'True'}]}}",
         KUBE_IN_PROGRESS, "is being reconciled: half way"},
        {"{'apiVersion':'x.io/v1','kind':'X','status':{'conditions':[{'type':'Stalled',"
         "'status':'False'},{'type':'Reconciling','status':'False'}]}}",
         KUBE_READY, ""},
        {"{'apiVersion':'policy/v1','kind':'PodDisruptionBudget','metadata':{'generation':1},"
         "'status':{'observedGeneration':1}}",
         KUBE_READY, ""},
    };

    check_all(cases, ARRAY_LEN(cases));
}
END_TEST

#define DEPLOYMENT "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'generation':1},"
#define DEADLINE   "'progressDeadlineSeconds':600"
#define COMPLETE                                                                                   \
    "'conditions':[{'type':'Available','status':'True'},{'type':'Progressing','status':'True',"    \
    "'reason':'NewReplicaSetAvailable'}]"

START_TEST(deployments)
{
    static const struct expected cases[] = {
        {DEPLOYMENT "'spec':{'replicas':0}}", KUBE_IN_PROGRESS,
         "its controller hasn't looked at it yet"},
        {DEPLOYMENT "'spec':{'replicas':2," DEADLINE "},'status':{'observedGeneration':1,"
                    "'replicas':1}}",
         KUBE_IN_PROGRESS, "1 of 2 replicas exist"},
        {DEPLOYMENT
         "'spec':{'replicas':1," DEADLINE "},'status':{'observedGeneration':1,"
         "'conditions':[{'type':'ReplicaFailure','status':'True','reason':'FailedCreate',"
         "'message':'pods \\\"a\\\" is forbidden: violates PodSecurity'}]}}",
         KUBE_IN_PROGRESS,
         "0 of 1 replicas exist: FailedCreate: pods \"a\" is forbidden: violates PodSecurity"},
        {DEPLOYMENT "'spec':{'replicas':2},'status':{'observedGeneration':1,'replicas':2,"
                    "'updatedReplicas':1}}",
         KUBE_IN_PROGRESS, "1 of 2 replicas are updated"},
        {DEPLOYMENT "'spec':{},'status':{'observedGeneration':1,'replicas':2,'updatedReplicas':1}}",
         KUBE_IN_PROGRESS, "waiting for 1 former replica to end"},
        {DEPLOYMENT "'spec':{'replicas':2},'status':{'observedGeneration':1,'replicas':2,"
                    "'updatedReplicas':2,'availableReplicas':1,'readyReplicas':2}}",
         KUBE_IN_PROGRESS, "1 of 2 replicas are available"},
        {DEPLOYMENT "'spec':{'replicas':1," DEADLINE "},'status':{'observedGeneration':1,"
                    "'replicas':1,'updatedReplicas':1,'availableReplicas':1,'readyReplicas':1,"
                    "'conditions':[{'type':'Available','status':'True'},{'type':'Progressing',"
                    "'status':'True','reason':'ReplicaSetUpdated'}]}}",
         KUBE_IN_PROGRESS, "its rollout isn't complete"},
        {DEPLOYMENT
         "'spec':{'replicas':1," DEADLINE "},'status':{'observedGeneration':1,"
         "'replicas':1,'updatedReplicas':1,'availableReplicas':1,'readyReplicas':1," COMPLETE "}}",
         KUBE_READY, ""},
        {DEPLOYMENT "'spec':{'replicas':0," DEADLINE "},'status':{'observedGeneration':1," COMPLETE
                    "}}",
         KUBE_READY, ""},
        {DEPLOYMENT "'spec':{'replicas':1},'status':{'observedGeneration':1,'replicas':1,"
                    "'updatedReplicas':1,'availableReplicas':1,'readyReplicas':1}}",
         KUBE_IN_PROGRESS, "it isn't available"},
        {DEPLOYMENT "'spec':{'replicas':1,'paused':true},'status':{'observedGeneration':1,"
                    "'replicas':1}}",
         KUBE_IN_PROGRESS, "0 of 1 replicas are updated (its rollout is paused)"},
        {DEPLOYMENT "'spec':{'replicas':2},'status':{'observedGeneration':1,'replicas':2,"
                    "'updatedReplicas':2,'availableReplicas':1,'conditions':[{'type':'Progressing',"
                    "'status':'False','reason':'ProgressDeadlineExceeded','message':'x'}]}}",
         KUBE_FAILED, "1 of 2 replicas are available and its progress deadline has passed"},
    };

    check_all(cases, ARRAY_LEN(cases));
}
END_TEST

#define REPLICA_SET  "{'apiVersion':'apps/v1','kind':'ReplicaSet',"
#define STATEFUL_SET "{'apiVersion':'apps/v1','kind':'StatefulSet',"
#define DAEMON_SET   "{'apiVersion':'apps/v1','kind':'DaemonSet',"

START_TEST(other_workloads)
{
    static const struct expected cases[] = {
        {REPLICA_SET "'spec':{'replicas':2},'status':{'observedGeneration':1,'replicas':2,"
                     "'fullyLabeledReplicas':2,'availableReplicas':1}}",
         KUBE_IN_PROGRESS, "1 of 2 replicas are available"},
        {REPLICA_SET "'spec':{'replicas':1},'status':{'observedGeneration':1,'replicas':1,"
                     "'fullyLabeledReplicas':1,'availableReplicas':1,'readyReplicas':1}}",
         KUBE_READY, ""},
        {STATEFUL_SET "'spec':{'replicas':0}}", KUBE_IN_PROGRESS,
         "its controller hasn't looked at it yet"},
        {STATEFUL_SET "'spec':{'replicas':3},'status':{'observedGeneration':1,'replicas':2}}",
         KUBE_IN_PROGRESS, "2 of 3 replicas exist"},
        {STATEFUL_SET "'spec':{'replicas':2},'status':{'observedGeneration':1,'replicas':2,"
                      "'readyReplicas':1}}",
         KUBE_IN_PROGRESS, "1 of 2 replicas are ready"},
        {STATEFUL_SET "'spec':{'replicas':2},'status':{'observedGeneration':1,'replicas':2,"
                      "'readyReplicas':2,'updatedReplicas':1,'currentRevision':'a',"
                      "'updateRevision':'b'}}",
         KUBE_IN_PROGRESS, "1 of 2 replicas are updated"},
        {STATEFUL_SET "'spec':{'replicas':2},'status':{'observedGeneration':1,'replicas':2,"
                      "'readyReplicas':2,'updatedReplicas':2,'currentReplicas':2,"
                      "'currentRevision':'b',"
                      "'updateRevision':'b'}}",
         KUBE_READY, ""},
        {STATEFUL_SET "'spec':{'replicas':2},'status':{'observedGeneration':1,'replicas':2,"
                      "'readyReplicas':2,'updatedReplicas':2,'currentReplicas':1,"
                      "'currentRevision':'b','updateRevision':'b'}}",
         KUBE_IN_PROGRESS, "1 of 2 replicas are of the current revision"},
        {STATEFUL_SET "'spec':{'replicas':3,'updateStrategy':{'type':'RollingUpdate',"
                      "'rollingUpdate':{'partition':2}}},'status':{'observedGeneration':1,"
                      "'replicas':3,'readyReplicas':3,'updatedReplicas':0,'currentRevision':'a',"
                      "'updateRevision':'b'}}",
         KUBE_IN_PROGRESS, "0 of 1 replicas are updated"},
        {STATEFUL_SET "'spec':{'replicas':3,'updateStrategy':{'type':'RollingUpdate',"
                      "'rollingUpdate':{'partition':2}}},'status':{'observedGeneration':1,"
                      "'replicas':3,'readyReplicas':3,'updatedReplicas':1,'currentRevision':'a',"
                      "'updateRevision':'b'}}",
         KUBE_READY, ""},
        {STATEFUL_SET "'spec':{'replicas':1,'updateStrategy':{'type':'OnDelete'}},"
                      "'status':{'observedGeneration':1,'replicas':1,'readyReplicas':1,"
                      "'currentRevision':'a','updateRevision':'b'}}",
         KUBE_READY, ""},
        {DAEMON_SET "'status':{}}", KUBE_IN_PROGRESS, "its controller hasn't looked at it yet"},
        {DAEMON_SET "'status':{'observedGeneration':1,'desiredNumberScheduled':0}}", KUBE_READY,
         ""},
        {DAEMON_SET "'status':{'observedGeneration':1,'desiredNumberScheduled':3,"
                    "'currentNumberScheduled':3,'updatedNumberScheduled':3,'numberAvailable':2}}",
         KUBE_IN_PROGRESS, "2 of 3 pods are available"},
        {DAEMON_SET "'status':{'observedGeneration':1,'desiredNumberScheduled':3,"
                    "'currentNumberScheduled':1}}",
         KUBE_IN_PROGRESS, "1 of 3 nodes have its pod"},
        {DAEMON_SET "'status':{'observedGeneration':1,'desiredNumberScheduled':1,"
                    "'currentNumberScheduled':1,'updatedNumberScheduled':1,'numberAvailable':1,"
                    "'numberReady':1}}",
         KUBE_READY, ""},
    };

    check_all(cases, ARRAY_LEN(cases));
}
END_TEST

#define JOB "{'apiVersion':'batch/v1','kind':'Job',"

START_TEST(jobs)
{
    static const struct expected cases[] = {
        {JOB "'spec':{}}", KUBE_IN_PROGRESS, "the job hasn't started"},
        {JOB "'spec':{'completions':3},'status':{'startTime':'x','succeeded':1,'failed':2}}",
         KUBE_IN_PROGRESS, "1 of 3 completions (2 failed tries)"},
        {JOB "'spec':{'suspend':true}}", KUBE_READY, ""},
        {JOB "'spec':{},'status':{'startTime':'x','conditions':[{'type':'Complete',"
             "'status':'True'}]}}",
         KUBE_READY, ""},
        {JOB "'spec':{},'status':{'startTime':'x','conditions':[{'type':'Failed','status':'True',"
             "'reason':'BackoffLimitExceeded'}]}}",
         KUBE_FAILED, "the job has failed: BackoffLimitExceeded"},
        {"{'apiVersion':'batch/v1','kind':'CronJob'}", KUBE_READY, ""},
    };

    check_all(cases, ARRAY_LEN(cases));
}
END_TEST

#define CRD "{'apiVersion':'apiextensions.k8s.io/v1','kind':'CustomResourceDefinition','status':"

START_TEST(infrastructure)
{
    static const struct expected cases[] = {
        {"{'apiVersion':'v1','kind':'Service','spec':{'type':'ClusterIP'}}", KUBE_READY, ""},
        {"{'apiVersion':'v1','kind':'Service','spec':{'type':'LoadBalancer','clusterIP':'10.0.0.1'}"
         "}",
         KUBE_IN_PROGRESS, "waiting for a load balancer address"},
        {"{'apiVersion':'v1','kind':'Service','spec':{'type':'LoadBalancer'},'status':"
         "{'loadBalancer':{'ingress':[{'hostname':'a.example'}]}}}",
         KUBE_READY, ""},
        {"{'apiVersion':'v1','kind':'PersistentVolumeClaim','status':{'phase':'Pending'}}",
         KUBE_READY, ""},
        {"{'apiVersion':'v1','kind':'PersistentVolumeClaim','status':{'phase':'Lost'}}",
         KUBE_FAILED, "the claim has lost its volume"},
        {"{'apiVersion':'v1','kind':'Namespace'}", KUBE_IN_PROGRESS,
         "the namespace isn't active yet"},
        {"{'apiVersion':'v1','kind':'Namespace','status':{'phase':'Active'}}", KUBE_READY, ""},
        {CRD "{}}", KUBE_IN_PROGRESS, "it isn't established yet"},
        {CRD "{'conditions':[{'type':'NamesAccepted','status':'True'},{'type':'Established',"
             "'status':'True'}]}}",
         KUBE_READY, ""},
        {CRD "{'conditions':[{'type':'Established','status':'False','reason':'Installing'}]}}",
         KUBE_IN_PROGRESS, "it isn't established yet"},
        {CRD "{'conditions':[{'type':'NamesAccepted','status':'False','reason':'ListKindConflict',"
             "'message':'in use'}]}}",
         KUBE_FAILED, "its names aren't accepted: ListKindConflict: in use"},
        {CRD "{'conditions':[{'type':'Established','status':'False','reason':'NotAccepted'}]}}",
         KUBE_FAILED, "it can't be established: NotAccepted"},
        {"{'apiVersion':'apiregistration.k8s.io/v1','kind':'APIService'}", KUBE_IN_PROGRESS,
         "the API isn't available"},
        {"{'apiVersion':'apiregistration.k8s.io/v1','kind':'APIService','status':{'conditions':"
         "[{'type':'Available','status':'False','reason':'MissingEndpoints'}]}}",
         KUBE_IN_PROGRESS, "the API isn't available: MissingEndpoints"},
        {"{'apiVersion':'cert-manager.io/v1','kind':'Certificate'}", KUBE_IN_PROGRESS,
         "its controller hasn't looked at it yet"},
        {"{'apiVersion':'cert-manager.io/"
         "v1','kind':'Issuer','status':{'conditions':[{'type':'Ready',"
         "'status':'True'}]}}",
         KUBE_READY, ""},
        /* Another group's Certificate that no controller may ever look at. */
        {"{'apiVersion':'networking.internal.knative.dev/v1alpha1','kind':'Certificate'}",
         KUBE_READY, ""},
    };

    check_all(cases, ARRAY_LEN(cases));
}
END_TEST

#define HOOKS                                                                                      \
    "{'apiVersion':'admissionregistration.k8s.io/v1','kind':'ValidatingWebhookConfiguration',"     \
    "'webhooks':"
/* base64 of "-----BEGIN CERTIFICATE-----" and of "\n", "\\n" as the releases have them */
#define BUNDLE "'caBundle':'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t'"

START_TEST(webhook_configurations)
{
    static const struct expected cases[] = {
        {HOOKS "[]}", KUBE_READY, ""},
        {HOOKS "[{'name':'a','clientConfig':{'service':{'name':'s'}}}]}", KUBE_IN_PROGRESS,
         "waiting for the CA certificate of webhook a"},
        {HOOKS "[{'name':'a','clientConfig':{'service':{'name':'s'}," BUNDLE "}}]}", KUBE_READY,
         ""},
        {HOOKS "[{'name':'a','clientConfig':{'service':{'name':'s'}," BUNDLE "}},"
               "{'name':'b','clientConfig':{'service':{'name':'s'},'caBundle':'Cg=='}},"
               "{'name':'c','clientConfig':{'service':{'name':'s'},'caBundle':'XG4='}}]}",
         KUBE_IN_PROGRESS, "waiting for the CA certificate of webhook b and 1 more"},
        {HOOKS "[{'name':'a','clientConfig':{'service':{'name':'s'},'caBundle':''}}]}",
         KUBE_IN_PROGRESS, "waiting for the CA certificate of webhook a"},
        {HOOKS "[{'name':'a','clientConfig':{'url':'https://hooks.example'}}]}", KUBE_READY, ""},
        {HOOKS "[{'name':'a','clientConfig':{'url':'https://hooks.example','caBundle':'Cg=='}}]}",
         KUBE_IN_PROGRESS, "waiting for the CA certificate of webhook a"},
        {HOOKS "[{'name':'a','clientConfig':{'service':{'name':'s'},'caBundle':'?'}}]}",
         KUBE_IN_PROGRESS, "waiting for the CA certificate of webhook a"},
    };

    check_all(cases, ARRAY_LEN(cases));
}
END_TEST

#define POD(status) "{'apiVersion':'v1','kind':'Pod','status':" status "}"

START_TEST(pods)
{
    static const struct expected cases[] = {
        {POD("{}"), KUBE_IN_PROGRESS, "the pod hasn't started"},
        {POD("{'phase':'Succeeded'}"), KUBE_READY, ""},
        {POD("{'phase':'Running','conditions':[{'type':'Ready','status':'True'}]}"), KUBE_READY,
         ""},
        {POD("{'phase':'Running','conditions':[{'type':'Ready','status':'False'}]}"),
         KUBE_IN_PROGRESS, "the pod runs but isn't ready"},
        {POD("{'phase':'Failed','reason':'Evicted','message':'The node was low on memory.'}"),
         KUBE_FAILED, "Evicted: The node was low on memory"},
        {POD("{'phase':'Failed'}"), KUBE_FAILED, "the pod has failed"},
        {POD("{'phase':'Pending','conditions':[{'type':'PodScheduled','status':'False',"
             "'reason':'Unschedulable','message':'0/3 nodes are available: 3 Insufficient "
             "cpu.'}]}"),
         KUBE_IN_PROGRESS, "Unschedulable: 0/3 nodes are available: 3 Insufficient cpu"},
        {POD("{'phase':'Running','containerStatuses':[{'name':'manager','ready':false,'state':"
             "{'waiting':{'reason':'CrashLoopBackOff','message':'back-off 10s'}},'lastState':"
             "{'terminated':{'exitCode':1,'reason':'Error'}}}]}"),
         KUBE_IN_PROGRESS, "container manager: CrashLoopBackOff: back-off 10s (last exit: code 1)"},
        {POD("{'phase':'Running','containerStatuses':[{'name':'a','ready':false,'state':{'waiting':"
             "{'reason':'CrashLoopBackOff'}},'lastState':{'terminated':{'exitCode':137,"
             "'reason':'OOMKilled'}}},{'name':'b','ready':false,'state':{'running':{}}},"
             "{'name':'c','ready':true,'state':{'running':{}}}]}"),
         KUBE_IN_PROGRESS,
         "container a: CrashLoopBackOff (last exit: OOMKilled, code 137);"
         " container b runs but isn't ready"},
        {POD("{'phase':'Pending','initContainerStatuses':[{'name':'i','ready':false,'state':"
             "{'waiting':{'reason':'ImagePullBackOff','message':'Back-off pulling image'}}}],"
             "'containerStatuses':[{'name':'c','ready':false,'state':{'waiting':"
             "{'reason':'PodInitializing'}}}]}"),
         KUBE_IN_PROGRESS, "init container i: ImagePullBackOff: Back-off pulling image"},
        {POD("{'phase':'Pending','containerStatuses':[{'name':'c','ready':false,'state':{'waiting':"
             "{'reason':'CreateContainerConfigError','message':'container has runAsNonRoot and "
             "image"
             " will run as root'}}}]}"),
         KUBE_IN_PROGRESS,
         "container c: CreateContainerConfigError: container has runAsNonRoot and image will run as"
         " root"},
        {POD("{'phase':'Failed','initContainerStatuses':[{'name':'i','state':{'terminated':"
             "{'exitCode':0}}}],'containerStatuses':[{'name':'c','state':{'terminated':"
             "{'exitCode':2,'reason':'Error','message':'no such file'}}}]}"),
         KUBE_FAILED, "container c ended with exit code 2: Error: no such file"},
    };

    check_all(cases, ARRAY_LEN(cases));
}
END_TEST

START_TEST(long_messages_are_cut_at_a_character)
{
    char message[READINESS_MAX_MESSAGE + 40];
    json_t *object;
    struct buf why CLEANUP(buf_done) = BUF_INIT;

    memset(message, 'x', sizeof(message));
    memcpy(message + READINESS_MAX_MESSAGE - 1, "\xe2\x82\xac", 3); /* crosses the limit */
    message[sizeof(message) - 1] = '\0';
    object =
        json_pack("{s:s,s:s,s:{s:[{s:s,s:s,s:s}]}}", "apiVersion", "x.io/v1", "kind", "X", "status",
                  "conditions", "type", "Ready", "status", "False", "message", message);
    ck_assert_int_eq(kube_readiness_of(object, &why), KUBE_IN_PROGRESS);
    ck_assert_uint_eq(why.len, strlen("isn't ready: ") + READINESS_MAX_MESSAGE - 1 + 3);
    ck_assert_str_eq(why.data + why.len - 5, "xx...");
    json_decref(object);
}
END_TEST

START_TEST(what_matters)
{
    ck_assert(kube_readiness_matters("apps", "Deployment"));
    ck_assert(kube_readiness_matters("", "Namespace"));
    ck_assert(kube_readiness_matters("", "Service"));
    ck_assert(kube_readiness_matters("apiextensions.k8s.io", "CustomResourceDefinition"));
    ck_assert(
        kube_readiness_matters("admissionregistration.k8s.io", "MutatingWebhookConfiguration"));
    ck_assert(kube_readiness_matters("cert-manager.io", "Certificate"));
    ck_assert(kube_readiness_matters("serving.knative.dev", "Service"));
    ck_assert(!kube_readiness_matters("", "ConfigMap"));
    ck_assert(!kube_readiness_matters("rbac.authorization.k8s.io", "Role"));
    ck_assert(!kube_readiness_matters("policy", "PodDisruptionBudget"));
    ck_assert(!kube_readiness_matters("networking.istio.io", "VirtualService"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kube/readiness");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, generic);
    tcase_add_test(t, deployments);
    tcase_add_test(t, other_workloads);
    tcase_add_test(t, jobs);
    tcase_add_test(t, infrastructure);
    tcase_add_test(t, webhook_configurations);
    tcase_add_test(t, pods);
    tcase_add_test(t, long_messages_are_cut_at_a_character);
    tcase_add_test(t, what_matters);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
