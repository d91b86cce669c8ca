/* scheduling: what can't be, and what becomes of each release's pods. */
#include "lib/kube/applyset.h"
#include "tests/unit/kubeflow/settings_releases.h"

#include "lib/base/banned.h"

#define S(x) "{'scheduling': {" x "}}"
#define T(x) S("'tolerations': [{" x "}]")

static const struct settings_case cases[] = {
    {NULL, "[]", "{}", NULL},
    {NULL, "[]", S(""), NULL},
    {NULL, "[]", S("'node_selector': {'example.com/pool': 'system', 'empty': ''}"), NULL},
    {NULL, "[]", S("'node_selector': {'a b': 'x'}"), "scheduling.node_selector[\"a b\"]"},
    {NULL, "[]", S("'node_selector': {'a': 'x y'}"), "no node can have it"},
    {NULL, "[]", T("'key': 'a', 'value': 'b', 'effect': 'NoSchedule'"), NULL},
    {NULL, "[]", T("'operator': 'Exists'"), NULL},
    {NULL, "[]", T("'key': 'a', 'effect': 'NoExecute', 'toleration_seconds': 60"), NULL},
    {NULL, "[]", T("'value': 'b'"), "scheduling.tolerations[0] has no key"},
    {NULL, "[]", T("'key': '/'"), "isn't the key of a taint"},
    {NULL, "[]", T("'key': 'a', 'value': '/'"), "isn't the value of a taint"},
    {NULL, "[]", T("'key': 'a', 'operator': 'Exists', 'value': 'b'"), "remove one of them"},
    {NULL, "[]", T("'key': 'a', 'effect': 'NoSchedule', 'toleration_seconds': 60"), "NoExecute"},
    {NULL, "[]", S("'priority_class_name': 'system-cluster-critical'"), NULL},
    {NULL, "[]", S("'priority_class_name': 'Not One'"), "isn't the name of a PriorityClass"},
    {NULL, "['katib']", S("'per_component': {'katib': {'node_selector': {'a': 'b'}}}"), NULL},
    {NULL, "['katib']", S("'per_component': {'katib': {'node_selector': {'a': '/'}}}"),
     "scheduling.per_component[\"katib\"].node_selector[\"a\"]"},
    {NULL, "['katib']", S("'per_component': {'ray': {}}"), "isn't installed"},
    {NULL, "['katib']", S("'per_component': {'katyb': {}}"), "did you mean \"katib\"?"},
};

START_TEST(checks)
{
    settings_run_case(&cases[_i], "26.03", scheduling_check);
}
END_TEST

/* --- merging ------------------------------------------------------------------------------------ */

static void check_merged(const char *component, const char *pods, const char *want)
{
    json_auto_t *values = settings_json(
        S("'node_selector': {'pool': 'system', 'disk': 'ssd'}, 'priority_class_name': 'platform', "
          "'tolerations': [{'key': 'a', 'operator': 'Exists'}, {'key': 'b', 'effect': 'NoExecute', "
          "'toleration_seconds': 9, 'value': null}], 'per_component': {'katib': {'node_selector': "
          "{'pool': 'katib'}, 'priority_class_name': 'own', 'tolerations': [{'key': 'c', 'value': "
          "'d'}]}}"));
    char *text CLEANUP(mem_cleanup) =
        mem_printf("[{'kind': 'Deployment', 'spec': {'template': {'spec': %s}}}, {'kind': "
                   "'DaemonSet', 'spec': {'template': {'spec': {}}}}, {'kind': 'Rollout', 'spec': "
                   "{'template': {'spec': {}}}}]",
                   pods);
    json_auto_t *objects = settings_json(text);
    struct settings s = {.release = catalog_release("26.03"), .values = values};

    ck_assert_int_eq(scheduling_adjust(&s, component, objects, NULL), 0);
    settings_assert_same(krm_get(json_array_get(objects, 0), "spec", "template", "spec", NULL),
                         want);
    for (size_t i = 1; i < json_array_size(objects); i++)
        settings_assert_same(krm_get(json_array_get(objects, i), "spec", "template", "spec", NULL),
                             "{}");
}

START_TEST(merges_with_what_is_there)
{
    check_merged("pipelines", "{}",
                 "{'nodeSelector': {'pool': 'system', 'disk': 'ssd'}, 'priorityClassName': "
                 "'platform', 'tolerations': [{'key': 'a', 'operator': 'Exists'}, {'key': 'b', "
                 "'effect': 'NoExecute', 'tolerationSeconds': 9}]}");
    check_merged("pipelines",
                 "{'nodeSelector': {'kubernetes.io/os': 'linux', 'pool': 'x'}, "
                 "'priorityClassName': 'theirs', 'tolerations': [{'operator': 'Exists', 'key': "
                 "'a'}]}",
                 "{'nodeSelector': {'kubernetes.io/os': 'linux', 'pool': 'system', 'disk': 'ssd'}, "
                 "'priorityClassName': 'theirs', 'tolerations': [{'key': 'a', 'operator': "
                 "'Exists'}, {'key': 'b', 'effect': 'NoExecute', 'tolerationSeconds': 9}]}");
}
END_TEST

START_TEST(a_components_own_goes_over)
{
    check_merged("katib", "{'priorityClassName': 'theirs'}",
                 "{'nodeSelector': {'pool': 'katib', 'disk': 'ssd'}, 'priorityClassName': 'own', "
                 "'tolerations': [{'key': 'a', 'operator': 'Exists'}, {'key': 'b', 'effect': "
                 "'NoExecute', 'tolerationSeconds': 9}, {'key': 'c', 'value': 'd'}]}");
}
END_TEST

START_TEST(a_component_without_pods)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *values = settings_json(S("'per_component': {'istio-crds': {}}"));
    json_auto_t *objects = json_array();
    struct settings s = {.release = catalog_release("26.03"), .values = values};

    ck_assert_int_eq(scheduling_adjust(&s, "istio-crds", objects, &err), ERR_INVALID);
    ck_assert(strstr(err_msg(&err), "has no pods"));
}
END_TEST

/* --- releases ----------------------------------------------------------------------------------- */

/* What must be in each pod's spec, taken out of it again. */
static void take_out(json_t *object, json_t *pods, const char *pool)
{
    const char *name = krm_str(object, "metadata", "name", NULL);
    json_t *selector = json_object_get(pods, "nodeSelector");
    json_t *tolerations = json_object_get(pods, "tolerations");
    size_t last = json_array_size(tolerations) - 1;

    ck_assert_msg(!strcmp(krm_str(selector, "pool", NULL), pool), "%s", name);
    json_object_del(selector, "pool");
    if (!json_object_size(selector))
        json_object_del(pods, "nodeSelector");
    settings_assert_same(json_array_get(tolerations, last), "{'key': 'a', 'operator': 'Exists'}");
    json_array_remove(tolerations, last);
    if (!json_array_size(tolerations))
        json_object_del(pods, "tolerations");
    ck_assert_msg(*krm_str(pods, "priorityClassName", NULL), "%s", name);
    if (!strcmp(krm_str(pods, "priorityClassName", NULL), "platform"))
        json_object_del(pods, "priorityClassName");
}

/* A kind of pods that isn't known here would be left where it is. */
static bool has_pods(const json_t *object)
{
    return krm_get(object, "spec", "template", "spec", "containers", NULL) ||
           krm_get(object, "spec", "jobTemplate", NULL) || !strcmp(gvk_of(object).kind, "Pod");
}

START_TEST(all_pods_of_a_release_and_nothing_else)
{
    const struct catalog_release *r = releases_at(_i);
    json_auto_t *components = r ? releases_components(r) : NULL, *none = json_object();
    json_auto_t *values = settings_json(
        S("'node_selector': {'pool': 'system'}, 'tolerations': [{'key': 'a', 'operator': "
          "'Exists'}], 'priority_class_name': 'platform', 'per_component': {'katib': "
          "{'node_selector': {'pool': 'katib'}}}"));
    json_auto_t *before = NULL, *after = NULL;
    json_t *object;
    size_t i, n = 0;

    if (!r)
        return;
    before = releases_render(r, CATALOG_GENERIC, components, none);
    after = releases_render(r, CATALOG_GENERIC, components, values);
    ck_assert_uint_eq(json_array_size(before), json_array_size(after));
    json_array_foreach (after, i, object) {
        json_t *pods = krm_get(object, "spec", "template", "spec", NULL);
        bool is_agent = !strcmp(gvk_of(object).kind, "DaemonSet");

        if (has_pods(object) && !is_agent) {
            take_out(object, pods,
                     strcmp(applyset_component(object), "katib") ? "system" : "katib");
            n++;
        }
        ck_assert_msg(json_equal(object, json_array_get(before, i)), "%s: %s %s", r->name,
                      gvk_of(object).kind, krm_str(object, "metadata", "name", NULL));
    }
    ck_assert_uint_ge(n, 40);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kubeflow/settings_scheduling");
    TCase *t = tcase_create("scheduling"), *releases = tcase_create("releases");
    SRunner *r = srunner_create(s);
    size_t len;
    int failed;

    catalog_releases(&len);
    tcase_add_loop_test(t, checks, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(t, merges_with_what_is_there);
    tcase_add_test(t, a_components_own_goes_over);
    tcase_add_test(t, a_component_without_pods);
    suite_add_tcase(s, t);
    tcase_set_timeout(releases, 600);
    tcase_add_checked_fixture(releases, releases_setup, releases_teardown);
    tcase_add_loop_test(releases, all_pods_of_a_release_and_nothing_else, 0, (int)len);
    suite_add_tcase(s, releases);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
