/* The pure parts of installing: ApplySet identity, private memory, the plan's lines, rewriting of
 * rendered objects, webhook ports, and the words of differences. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/yaml.h"
#include "lib/kube/applyset.h"
#include "lib/kube/describe.h"
#include "lib/kube/drift.h"
#include "lib/kube/members.h"
#include "resources/kubeflow/install.h"
#include "resources/kubeflow/manifests.h"
#include "resources/kubeflow/rewrite.h"

#include "lib/base/banned.h"

static json_t *yaml(const char *text)
{
    struct err err = ERR_INIT;
    json_t *v;

    ck_assert_msg(!yaml_parse(text, strlen(text), "test", &v, &err), "%s", err_msg(&err));
    return v;
}

static json_t *yaml_all(const char *text)
{
    struct err err = ERR_INIT;
    json_t *v;

    ck_assert_msg(!yaml_parse_all(text, strlen(text), "test", &v, &err), "%s", err_msg(&err));
    return v;
}

static void assert_json(const json_t *v, const char *expected)
{
    char *text CLEANUP(mem_cleanup) = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);

    ck_assert_str_eq(text, expected);
}

/* printf '%s' component-katib.kubeflow-terraform.ConfigMap. | sha256, base64url (KEP-3659). */
START_TEST(applyset_id_is_the_keps)
{
    char id[APPLYSET_ID_SIZE];

    applyset_id("component-katib", id);
    ck_assert_str_eq(id, "applyset-yFLDTuTBmbc4PWK1tZ7bIu25HiBrbCO0XF6TXg0E5SM-v1");
}
END_TEST

START_TEST(group_kinds_are_sorted_and_once)
{
    json_auto_t *objects = yaml_all("{apiVersion: v1, kind: Service}\n---\n"
                                    "{apiVersion: apps/v1, kind: Deployment}\n---\n"
                                    "{apiVersion: v1, kind: Service}\n");
    json_auto_t *kinds = applyset_group_kinds(objects);
    json_auto_t *old = yaml("[Job.batch, Service]");
    json_auto_t *both = applyset_union(kinds, old);

    assert_json(kinds, "[\"Deployment.apps\",\"Service\"]");
    assert_json(both, "[\"Deployment.apps\",\"Job.batch\",\"Service\"]");
}
END_TEST

START_TEST(a_key_becomes_a_stub_with_the_same_key)
{
    static const char *const keys[] = {"Namespace/kubeflow", "Service/kubeflow/katib-ui",
                                       "apps/Deployment/kubeflow/katib-ui",
                                       "rbac.authorization.k8s.io/ClusterRole/katib"};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        json_auto_t *stub = kube_stub_of_key(keys[i]);
        char *key CLEANUP(mem_cleanup) = kube_key(stub);

        ck_assert_str_eq(key, keys[i]);
    }
    ck_assert_ptr_null(kube_stub_of_key("nonsense"));
    ck_assert_ptr_null(kube_stub_of_key(""));
}
END_TEST

START_TEST(memory_survives_its_own_form)
{
    struct install_memory m = {.unfinished = true}, back;
    json_auto_t *saved = NULL;

    m.record = yaml("{Service/a/b: {u: x, c: y, o: z}}");
    m.content = yaml("{Service/a/b: {spec: {ports: [1, 2, 3]}}}");
    saved = install_memory_save(&m);
    install_memory_load(saved, &back);
    ck_assert(json_equal(m.record, back.record));
    ck_assert(json_equal(m.content, back.content));
    ck_assert(back.unfinished && !back.imported);
    install_memory_done(&m);
    install_memory_done(&back);
}
END_TEST

/* Private state comes from outside: whatever it holds, the answer is "nothing remembered". */
START_TEST(memory_takes_no_harm)
{
    static const char *const broken[] = {"null",
                                         "{v: 2, record: {}}",
                                         "{v: 1, content: {z: '!!', n: 4}}",
                                         "{v: 1, content: {z: AAAA, n: 4}}",
                                         "{v: 1, content: {z: AAAA, n: 999999999999}}",
                                         "{v: 1, content: {z: AAAA, n: -1}}",
                                         "{v: 1, record: [1]}"};

    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        json_auto_t *private_state = yaml(broken[i]);
        struct install_memory m;

        install_memory_load(private_state, &m);
        ck_assert_ptr_null(m.record);
        ck_assert_ptr_null(m.content);
        install_memory_done(&m);
    }
}
END_TEST

static const char *const two_objects =
    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: n}, spec: {replicas: "
    "2}}\n"
    "---\n{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: n}, data: {k: bmV3}}\n";

START_TEST(changes_name_fields_and_hide_secrets)
{
    json_auto_t *objects = yaml_all(two_objects);
    json_auto_t *before =
        yaml("{apps/Deployment/n/a: 'v1:old', Secret/n/s: 'v1:old', Service/n/gone: 'v1:x'}");
    json_auto_t *content =
        yaml("{apps/Deployment/n/a: {apiVersion: apps/v1, kind: Deployment, metadata: {name: a, "
             "namespace: n}, spec: {replicas: 1}}, Secret/n/s: {apiVersion: v1, kind: Secret, "
             "metadata: {name: s, namespace: n}, data: {k: b2xk}}}");
    json_auto_t *lines = install_changes(before, content, objects, NULL);

    assert_json(lines, "[\"~ apps/Deployment/n/a .spec.replicas: 1 -> 2\","
                       "\"~ Secret/n/s .data.k: (sensitive) -> (sensitive)\","
                       "\"- Service/n/gone\"]");
}
END_TEST

/* A generated ConfigMap has a new name for each content. */
START_TEST(changes_follow_a_generated_name)
{
    json_auto_t *objects = yaml_all(
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c-bbbbbbbbbb, namespace: n}, "
        "data: {k: new}}\n---\n"
        "{apiVersion: v1, kind: Secret, metadata: {name: s-bbbbbbbbbb, namespace: n}}\n---\n"
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: d-bbbbbbbbbb, namespace: n}}\n");
    json_auto_t *before =
        yaml("{ConfigMap/n/c-kkkkkkkkkk: 'v1:x', Secret/n/s-kkkkkkkkkk: 'v1:x', "
             "ConfigMap/n/d-kkkkkkkkkk: 'v1:x', ConfigMap/n/d-mmmmmmmmmm: 'v1:x'}");
    json_auto_t *content = yaml("{ConfigMap/n/c-kkkkkkkkkk: {apiVersion: v1, kind: ConfigMap, "
                                "metadata: {name: c-kkkkkkkkkk, namespace: n}, data: {k: old}}}");
    json_auto_t *lines = install_changes(before, content, objects, NULL);

    assert_json(lines,
                "[\"~ ConfigMap/n/c-bbbbbbbbbb (was c-kkkkkkkkkk) .data.k: \\\"old\\\" -> "
                "\\\"new\\\"\",\"~ Secret/n/s-bbbbbbbbbb (was s-kkkkkkkkkk) (content changes)\","
                "\"+ ConfigMap/n/d-bbbbbbbbbb\",\"- ConfigMap/n/d-kkkkkkkkkk\","
                "\"- ConfigMap/n/d-mmmmmmmmmm\"]");
}
END_TEST

START_TEST(changes_repair_drift)
{
    json_auto_t *objects = yaml_all(two_objects), *before = install_hashes(objects);
    json_auto_t *drift = yaml("{apps/Deployment/n/a: ['.spec.replicas: 2 -> 3 (by kubectl-edit)'], "
                              "Job/n/left: [left behind by an interrupted apply]}");
    json_auto_t *lines = install_changes(before, NULL, objects, drift);

    assert_json(lines,
                "[\"! apps/Deployment/n/a .spec.replicas: 2 -> 3 (by kubectl-edit): set back\","
                "\"- Job/n/left (left behind by an interrupted apply)\"]");
}
END_TEST

/* The first plan after an import: what differs is told from the cluster's side, what the settings that
 * were read back had otherwise too, and what only gets a label is counted. */
START_TEST(an_adoption_says_what_becomes_of_objects)
{
    json_auto_t *objects = yaml_all(two_objects);
    json_auto_t *existing =
        yaml("{apps/Deployment/n/a: imported, Secret/n/s: imported, x: imported}");
    json_auto_t *live =
        yaml("{apps/Deployment/n/a: {apiVersion: apps/v1, kind: Deployment, metadata: "
             "{name: a, namespace: n}, spec: {replicas: 3, paused: true}}}");
    json_auto_t *goes = yaml("{apps/Deployment/n/a: {.spec.paused: '.spec.paused: true -> (none)', "
                             ".spec.replicas: no}}");
    json_auto_t *read = json_pack("{s:O, s:O}", "apps/Deployment/n/a", json_array_get(objects, 0),
                                  "Secret/n/s", json_array_get(objects, 1));
    struct install_adoption a = {.existing = existing, .read = read, .live = live, .goes = goes};
    json_auto_t *lines = install_adoption_changes(&a, objects);

    assert_json(lines,
                "[\"~ apps/Deployment/n/a .spec.replicas: 3 -> 2\","
                "\"~ apps/Deployment/n/a .spec.paused: true -> (none)\","
                "\"= 1 object is as wanted; only a label is added\","
                "\"= 1 object is there that the configuration doesn't have: what this provider "
                "didn't apply stays\"]");
}
END_TEST

/* Not what is there: what another configuration than the settings that were read back makes of it. */
START_TEST(an_adoption_compares_with_what_was_read_back)
{
    json_auto_t *objects = yaml_all(two_objects);
    json_auto_t *existing = yaml("{apps/Deployment/n/a: imported}");
    json_auto_t *read =
        yaml("{apps/Deployment/n/a: {apiVersion: apps/v1, kind: Deployment, metadata: "
             "{name: a, namespace: n}, spec: {replicas: 7}}}");
    struct install_adoption a = {.existing = existing, .read = read};
    json_auto_t *lines = install_adoption_changes(&a, objects);

    assert_json(lines, "[\"~ apps/Deployment/n/a .spec.replicas: 7 -> 2\",\"+ Secret/n/s\"]");
}
END_TEST

/* They are kept by rule, so nothing is said of setting them back. */
START_TEST(changed_values_are_not_set_back)
{
    json_auto_t *objects = yaml_all(two_objects), *before = install_hashes(objects);
    json_auto_t *drift = yaml("{Secret/n/s: [" KUBE_DRIFT_VALUES " by somebody, '.type: X -> Y']}");
    json_auto_t *lines = install_changes(before, NULL, objects, drift);

    assert_json(lines, "[\"! Secret/n/s values that we put in were changed or taken away by "
                       "somebody\",\"! Secret/n/s .type: X -> Y: set back\"]");
}
END_TEST

START_TEST(images_move_to_their_mirrors)
{
    json_auto_t *mirrors = yaml("{docker.io/: r.example/hub/, ghcr.io/kubeflow: r.example/kf}");
    json_auto_t *pod =
        yaml("{kind: Pod, spec: {containers: [{image: 'mysql:8.0.29'}, "
             "{image: 'ghcr.io/kubeflow/katib/ui:v1'}, {image: 'ghcr.io/kubeflowx/a'}, "
             "{image: 'istio/proxy@sha256:1'}, {image: 'localhost/x'}]}}");

    rewrite_images(pod, mirrors);
    assert_json(pod, "{\"kind\":\"Pod\",\"spec\":{\"containers\":["
                     "{\"image\":\"r.example/hub/library/mysql:8.0.29\"},"
                     "{\"image\":\"r.example/kf/katib/ui:v1\"},{\"image\":\"ghcr.io/kubeflowx/a\"},"
                     "{\"image\":\"r.example/hub/istio/proxy@sha256:1\"},"
                     "{\"image\":\"localhost/x\"}]}}");
}
END_TEST

START_TEST(ignored_fields_go)
{
    json_auto_t *rules = yaml("[{target: {kind: Deployment, name: a}, fields: [.spec.replicas, "
                              "'.spec.containers[name=x].image', .spec.nothing.here]}, "
                              "{target: {kind: Service}, fields: [.metadata]}]");
    json_auto_t *object = yaml("{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: "
                               "{replicas: 1, containers: [{name: x, image: y}]}}");
    json_auto_t *bad = yaml("[{target: {kind: Deployment}, fields: ['spec[']}]");
    struct err err CLEANUP(err_done) = ERR_INIT;

    ck_assert_int_eq(rewrite_ignore(object, rules, &err), 0);
    assert_json(json_object_get(object, "spec"), "{\"containers\":[{\"name\":\"x\"}]}");
    ck_assert_int_eq(rewrite_ignore(object, bad, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "spec["));
}
END_TEST

START_TEST(webhook_ports_are_the_containers)
{
    json_auto_t *objects = yaml_all(
        "{apiVersion: v1, kind: Service, metadata: {name: w, namespace: n}, spec: {selector: {a: "
        "b}, "
        "ports: [{port: 443, targetPort: https}, {port: 8443, targetPort: 9443}]}}\n---\n"
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: n}, spec: "
        "{template: "
        "{metadata: {labels: {a: b}}, spec: {containers: [{name: c, ports: [{name: https, "
        "containerPort: 10250}]}]}}}}\n---\n"
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, "
        "metadata: "
        "{name: v}, webhooks: [{clientConfig: {service: {name: w, namespace: n}}}, {clientConfig: "
        "{service: {name: w, namespace: n, port: 8443}}}, {clientConfig: {url: 'https://x'}}]}\n");
    json_auto_t *ports = manifests_webhook_ports(objects);

    assert_json(ports, "[9443,10250]");
}
END_TEST

START_TEST(quantities_are_compared_as_such_only_where_they_are)
{
    static const struct {
        const char *path, *a, *b;
        bool same;
    } cases[] = {
        {".spec.containers[0].resources.limits.cpu", "1000m", "1", true},
        {".spec.resources.requests.storage", "1Gi", "1024Mi", true},
        {".spec.resources.requests.storage", "1G", "1Gi", false},
        {".metadata.labels.version", "1.10", "1.1", false},
        {".spec.resources.limits.cpu", "0x10", "16", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_auto_t *a = json_string(cases[i].a), *b = json_string(cases[i].b);

        ck_assert_msg(kube_same_leaf(cases[i].path, a, b) == cases[i].same, "%s: %s and %s",
                      cases[i].path, cases[i].a, cases[i].b);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("install");
    TCase *t = tcase_create("install");
    SRunner *r;
    int failed;

    tcase_add_test(t, applyset_id_is_the_keps);
    tcase_add_test(t, group_kinds_are_sorted_and_once);
    tcase_add_test(t, a_key_becomes_a_stub_with_the_same_key);
    tcase_add_test(t, memory_survives_its_own_form);
    tcase_add_test(t, memory_takes_no_harm);
    tcase_add_test(t, changes_name_fields_and_hide_secrets);
    tcase_add_test(t, changes_follow_a_generated_name);
    tcase_add_test(t, changes_repair_drift);
    tcase_add_test(t, an_adoption_says_what_becomes_of_objects);
    tcase_add_test(t, an_adoption_compares_with_what_was_read_back);
    tcase_add_test(t, changed_values_are_not_set_back);
    tcase_add_test(t, images_move_to_their_mirrors);
    tcase_add_test(t, ignored_fields_go);
    tcase_add_test(t, webhook_ports_are_the_containers);
    tcase_add_test(t, quantities_are_compared_as_such_only_where_they_are);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
