/* Status from what a cluster says: counting, reasons, the lock. */
#include "resources/kubeflow/status.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/krm/yaml.h"
#include "lib/kube/members.h"

#include "lib/base/banned.h"

static struct status status;

static json_t *yaml_all(const char *text)
{
    struct err err = ERR_INIT;
    json_t *v;

    ck_assert_msg(!yaml_parse_all(text, strlen(text), "test", &v, &err), "%s", err_msg(&err));
    return v;
}

static json_t *yaml(const char *text)
{
    json_auto_t *all = yaml_all(text);

    return json_incref(json_array_get(all, 0));
}

static const char members_text[] =
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: b}}\n---\n"
    "{apiVersion: v1, kind: Namespace, metadata: {name: b}, status: {phase: Active}}\n---\n"
    "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: x.y}}"
    "\n---\n"
    "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: a, deletionTimestamp: t}}\n---\n"
    "{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: z, namespace: b}}\n---\n"
    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: b, generation: 1}, "
    "spec: {selector: {matchLabels: {app: web}}}, status: {observedGeneration: 1}}\n";

static const char pods_text[] =
    "[{metadata: {name: web-1, namespace: b, labels: {app: web}, creationTimestamp: '1'}, status: "
    "{phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable, "
    "message: old}]}}, {metadata: {name: web-2, namespace: b, labels: {app: web}, "
    "creationTimestamp: '2'}, status: {phase: Pending, conditions: [{type: PodScheduled, status: "
    "'False', reason: Unschedulable, message: no node fits}]}}, {metadata: {name: web-3, "
    "namespace: elsewhere, labels: {app: web}, creationTimestamp: '3'}, status: {phase: Pending}}]";

static void build(const char *info, bool installed, const char *objects, const char *lease_text)
{
    json_auto_t *list = yaml_all(objects), *members = json_object(), *pods = yaml(pods_text);
    json_auto_t *lease = lease_text ? yaml(lease_text) : NULL;
    char name[] = "component-web";
    struct applyset_listed set = {.name = name, .parent = {.exists = true, .installed = installed}};
    const json_t *object;
    size_t i;

    set.parent.info = yaml(info);
    json_array_foreach (list, i, object) {
        char *key CLEANUP(mem_cleanup) = kube_key(object);

        json_object_set(members, key, (json_t *)object);
    }
    status_build(&set, members, pods, lease, &status);
    json_decref(set.parent.info);
}

static void teardown(void)
{
    status_done(&status);
}

static void assert_group(size_t i, enum status_by by, const char *name, size_t ready, size_t total)
{
    ck_assert_uint_lt(i, status.ngroups);
    ck_assert_int_eq(status.groups[i].by, by);
    ck_assert_str_eq(status.groups[i].name, name);
    ck_assert_uint_eq(status.groups[i].ready, ready);
    ck_assert_uint_eq(status.groups[i].total, total);
}

START_TEST(without_components)
{
    build("{component: web, version: '1.2', release: '26.03'}", true, members_text, NULL);
    ck_assert_str_eq(status.title, "web 1.2");
    ck_assert_str_eq(status.release, "26.03");
    ck_assert_str_eq(status.lock, "");
    ck_assert_uint_eq(status.ngroups, 4);
    assert_group(0, STATUS_NAMESPACE, "a", 0, 1);
    assert_group(1, STATUS_NAMESPACE, "b", 1, 3);
    assert_group(2, STATUS_KIND, "CustomResourceDefinition", 1, 1);
    assert_group(3, STATUS_KIND, "Namespace", 1, 1);
    ck_assert_uint_eq(status.ready, 3);
    ck_assert_uint_eq(status.total, 6);
    ck_assert(!status_is_ready(&status));
    ck_assert_str_eq(status.groups[0].troubles[0].why, "is being deleted");
}
END_TEST

/* Workloads come first, with the newest pod of their own that has something to say. */
START_TEST(reasons)
{
    const struct status_group *g;

    build("{}", true, members_text, NULL);
    g = &status.groups[1];
    ck_assert_uint_eq(g->ntroubles, 2);
    ck_assert_str_eq(g->troubles[0].key, "apps/Deployment/b/web");
    ck_assert_str_eq(g->troubles[0].why,
                     "0 of 1 replicas exist; pod web-2: Unschedulable: no node fits");
    ck_assert_str_eq(g->troubles[1].key, "cert-manager.io/Certificate/b/z");
}
END_TEST

START_TEST(by_component)
{
    build("{kind: platform, release: '26.03', components: '{\"z\": {\"version\": \"2.0\", "
          "\"objects\": 3}, \"a\": {\"version\": \"\", \"objects\": 1}}'}",
          true,
          "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: n, annotations: "
          "{terraform-provider-kubeflow/component: z}}}\n---\n"
          "{apiVersion: v1, kind: ConfigMap, metadata: {name: d, namespace: n, annotations: "
          "{terraform-provider-kubeflow/component: a}}}\n---\n"
          "{apiVersion: v1, kind: ConfigMap, metadata: {name: e, namespace: n, annotations: "
          "{terraform-provider-kubeflow/component: a}}}\n---\n"
          "{apiVersion: v1, kind: ConfigMap, metadata: {name: f, namespace: n}}\n",
          NULL);
    ck_assert_str_eq(status.title, "Kubeflow 26.03");
    ck_assert_uint_eq(status.ngroups, 3);
    assert_group(0, STATUS_COMPONENT, "z", 1, 3); /* two are missing */
    ck_assert_str_eq(status.groups[0].version, "2.0");
    ck_assert_uint_eq(status.groups[0].there, 1);
    assert_group(1, STATUS_COMPONENT, "a", 2, 2); /* one more than was recorded */
    assert_group(2, STATUS_NAMESPACE, "n", 1, 1);
    ck_assert(!status_is_ready(&status));
}
END_TEST

/* More objects are wanted than are there: an apply is under way, or somebody has deleted some. */
START_TEST(what_is_wanted_counts)
{
    build("{objects: '8'}", true, members_text, NULL);
    ck_assert_uint_eq(status.ready, 3);
    ck_assert_uint_eq(status.there, 6);
    ck_assert_uint_eq(status.total, 8);
    status_done(&status);
    build("{objects: '-1'}", true, "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}", NULL);
    ck_assert(status_is_ready(&status));
    status_done(&status);
    build("{objects: none}", true, "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}", NULL);
    ck_assert(status_is_ready(&status));
}
END_TEST

START_TEST(components_that_are_nonsense)
{
    static const char *const infos[] = {"{components: '{'}", "{components: '[1]'}",
                                        "{components: '{\"a\": 1, \"b\": {\"objects\": -5}}'}"};

    for (size_t i = 0; i < ARRAY_LEN(infos); i++) {
        build(infos[i], true, members_text, NULL);
        ck_assert_uint_eq(status.total, 6);
        status_done(&status);
    }
}
END_TEST

START_TEST(unfinished_is_not_ready)
{
    static const char one[] =
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: b}}";

    build("{}", false, one, NULL);
    ck_assert_uint_eq(status.ready, status.total);
    ck_assert(!status_is_ready(&status));
    status_done(&status);
    build("{}", true, one, NULL);
    ck_assert(status_is_ready(&status));
}
END_TEST

/* What no apply waits for keeps nothing from being ready. */
START_TEST(never_waited_for)
{
    build("{}", true,
          "{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: z, namespace: b, "
          "annotations: {terraform-provider-kubeflow/wait: never}}}",
          NULL);
    ck_assert(status_is_ready(&status));
}
END_TEST

START_TEST(who_holds_the_lock)
{
    char now[CLOCK_STAMP_SIZE];
    char *fresh CLEANUP(mem_cleanup) = NULL;

    clock_stamp(now);
    fresh = mem_printf("{spec: {holderIdentity: somebody, acquireTime: '2026-01-01T00:00:00Z', "
                       "renewTime: '%s'}}",
                       now);
    build("{}", true, members_text, fresh);
    ck_assert_str_eq(status.lock, "somebody since 2026-01-01T00:00:00Z");
    status_done(&status);
    build("{}", true, members_text,
          "{spec: {holderIdentity: host-a/boot/12/42/7/ff, renewTime: '2020-01-01T00:00:00Z'}}");
    ck_assert_ptr_nonnull(strstr(status.lock, "process 42 on host-a, without a sign of life for"));
    status_done(&status);
    build("{}", true, members_text, "{spec: {}}");
    ck_assert_str_eq(status.lock, "");
}
END_TEST

START_TEST(finding)
{
    char katib[] = "component-katib", platform[] = "platform-this", odd[] = "katib-2";
    struct applyset_listed at[] = {{.name = katib}, {.name = odd}, {.name = platform}};
    struct applyset_list list = {at, ARRAY_LEN(at)};

    ck_assert_ptr_eq(status_find(&list, "katib"), &at[0]);
    ck_assert_ptr_eq(status_find(&list, "component-katib"), &at[0]);
    ck_assert_ptr_eq(status_find(&list, "katib-2"), &at[1]);
    ck_assert_ptr_eq(status_find(&list, "platform-this"), &at[2]);
    ck_assert_ptr_null(status_find(&list, "this"));
    ck_assert_ptr_null(status_find(&list, ""));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("status");
    TCase *t = tcase_create("status");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_add_test(t, without_components);
    tcase_add_test(t, reasons);
    tcase_add_test(t, by_component);
    tcase_add_test(t, what_is_wanted_counts);
    tcase_add_test(t, components_that_are_nonsense);
    tcase_add_test(t, unfinished_is_not_ready);
    tcase_add_test(t, never_waited_for);
    tcase_add_test(t, who_holds_the_lock);
    tcase_add_test(t, finding);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
