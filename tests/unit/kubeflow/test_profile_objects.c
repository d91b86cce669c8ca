/* A workspace as objects, and back. Names and content of contributors' objects are what Kubeflow's
 * access management API makes (kubeflow/dashboard, components/access-management/kfam/bindings.go). */
#include "resources/kubeflow/profile_objects.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"

#include "lib/base/banned.h"

/* JSON with ' for ". */
static json_t *parse(const char *text)
{
    char *quoted CLEANUP(mem_cleanup) = mem_strdup(text);
    json_t *out;

    for (char *p = quoted; *p; p++)
        if (*p == '\'')
            *p = '"';
    out = json_loads(quoted, JSON_DECODE_ANY, NULL);
    ck_assert_msg(out != NULL, "not JSON: %s", text);
    return out;
}

static void check_json(json_t *got, const char *expected)
{
    json_auto_t *wanted = parse(expected), *mine = got;
    char *text CLEANUP(mem_cleanup) = mine ? json_dumps(mine, JSON_SORT_KEYS) : mem_strdup("NULL");

    ck_assert_msg(json_equal(mine, wanted), "%s instead of %s", text, expected);
}

static const struct {
    const char *user, *role, *name;
} names[] = {
    {"ann@example.com", "edit", "user-ann-example-com-clusterrole-edit"},
    {"Bob.B+x@Example.COM", "view", "user-bob-b-x-example-com-clusterrole-view"},
    {"_j\xc3\xb6rg_", "admin", "user-j-rg-clusterrole-admin"},
};

START_TEST(contributors_are_named_as_by_the_dashboard)
{
    char *name CLEANUP(mem_cleanup) = profile_contributor_name(names[_i].user, names[_i].role);

    ck_assert_str_eq(name, names[_i].name);
}
END_TEST

START_TEST(contributors_objects)
{
    check_json(profile_role_binding("team", "ann@example.com", "edit"),
               "{'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'RoleBinding', 'metadata': "
               "{'name': 'user-ann-example-com-clusterrole-edit', 'namespace': 'team', "
               "'annotations': {'user': 'ann@example.com', 'role': 'edit'}}, 'roleRef': "
               "{'apiGroup': 'rbac.authorization.k8s.io', 'kind': 'ClusterRole', 'name': "
               "'kubeflow-edit'}, 'subjects': [{'apiGroup': 'rbac.authorization.k8s.io', 'kind': "
               "'User', 'name': 'ann@example.com'}]}");
    check_json(
        profile_policy("security.istio.io/v1", "team", "ann@example.com", "edit"),
        "{'apiVersion': 'security.istio.io/v1', 'kind': 'AuthorizationPolicy', 'metadata': "
        "{'name': 'user-ann-example-com-clusterrole-edit', 'namespace': 'team', 'annotations': "
        "{'user': 'ann@example.com', 'role': 'edit'}}, 'spec': {'rules': [{'from': [{'source': "
        "{'principals': "
        "['cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account', "
        "'cluster.local/ns/kubeflow/sa/ml-pipeline-ui']}}], 'when': [{'key': "
        "'request.headers[kubeflow-userid]', 'values': ['ann@example.com']}]}]}}");
}
END_TEST

START_TEST(the_profile)
{
    json_auto_t *least = parse("{'name': 'team', 'owner': 'o@example.com', 'contributors': []}");
    json_auto_t *all =
        parse("{'name': 'team', 'owner': 'o@example.com', 'labels': {'a': 'b'}, 'resource_quota': "
              "{'requests.nvidia.com/gpu': '2'}, 'plugins': [{'kind': 'K', 'spec': '{}'}]}");

    check_json(profile_object(least, false),
               "{'apiVersion': 'kubeflow.org/v1', 'kind': 'Profile', 'metadata': {'name': 'team', "
               "'annotations': {'terraform-provider-kubeflow/created': 'false'}}, 'spec': "
               "{'owner': {'kind': 'User', 'name': 'o@example.com'}}}");
    check_json(profile_object(all, true),
               "{'apiVersion': 'kubeflow.org/v1', 'kind': 'Profile', 'metadata': {'name': 'team', "
               "'annotations': {'terraform-provider-kubeflow/created': 'true'}, 'labels': {'a': "
               "'b'}}, 'spec': {'owner': {'kind': 'User', 'name': 'o@example.com'}, "
               "'resourceQuotaSpec': {'hard': {'requests.nvidia.com/gpu': '2'}}, 'plugins': "
               "[{'kind': 'K', 'spec': {}}]}}");
}
END_TEST

#define LIVE                                                                                       \
    "{'metadata': {'labels': {'a': '1', 'foreign': '2'}}, 'spec': {'owner': {'kind': 'User', "     \
    "'name': 'o@example.com'}, 'resourceQuotaSpec': {'hard': {'cpu': 4, 'pods': '9'}}, "           \
    "'plugins': [{'kind': 'K', 'spec': {'b': 1, 'a': 2}}]}}"

static const struct {
    const char *value, *prior, *patch; /* patch NULL: nothing to take away */
} trims[] = {
    {"{}", "{}", NULL}, /* what was never managed stays */
    {"{}", "null", NULL},
    {"{'resource_quota': {'cpu': '4', 'pods': '9'}}", "null", NULL},
    {"{'resource_quota': {'cpu': '4'}}", "null",
     "{'spec': {'resourceQuotaSpec': {'hard': {'pods': null}}}}"},
    {"{}", "{'resource_quota': {'cpu': '4'}}", "{'spec': {'resourceQuotaSpec': null}}"},
    {"{}", "{'labels': {'a': '1', 'gone': '1'}}", "{'metadata': {'labels': {'a': null}}}"},
    {"{'labels': {'a': '2'}}", "{'labels': {'a': '1'}}", NULL},
    {"{}", "{'plugins': []}", "{'spec': {'plugins': null}}"},
    {"{'plugins': []}", "{'plugins': []}", NULL},
};

START_TEST(what_is_no_longer_wanted_is_taken_away)
{
    json_auto_t *value = parse(trims[_i].value), *prior = parse(trims[_i].prior);
    json_auto_t *live = parse(LIVE);
    json_t *patch = profile_trim(value, prior, live);

    if (trims[_i].patch)
        check_json(patch, trims[_i].patch);
    else
        ck_assert_ptr_null(patch);
}
END_TEST

static const struct {
    const char *namespace, *before;
    bool whole;
    const char *value;
} values[] = {
    {"null", "{}", false, "{'owner': 'o@example.com'}"},
    {"null", "{}", true,
     "{'owner': 'o@example.com', 'labels': {'a': '1', 'foreign': '2'}, 'resource_quota': {'cpu': "
     "'4', 'pods': '9'}, 'plugins': [{'kind': 'K', 'spec': '{\\'a\\':2,\\'b\\':1}'}]}"},
    /* the same in other words keeps its words; others' labels are theirs */
    {"null",
     "{'labels': {'a': '0', 'lost': '1'}, 'resource_quota': {'cpu': '4000m'}, 'plugins': [{'kind': "
     "'K', 'spec': '{\\'b\\': 1, \\'a\\': 2}'}]}",
     false,
     "{'owner': 'o@example.com', 'labels': {'a': '1'}, 'resource_quota': {'cpu': '4000m', 'pods': "
     "'9'}, 'plugins': [{'kind': 'K', 'spec': '{\\'b\\': 1, \\'a\\': 2}'}]}"},
    /* while the namespace notes another owner, that one has it */
    {"{'metadata': {'annotations': {'owner': 'old@example.com'}}}", "{}", false,
     "{'owner': 'old@example.com'}"},
};

START_TEST(values_are_read_back)
{
    json_auto_t *live = parse(LIVE), *namespace = parse(values[_i].namespace);
    json_auto_t *before = parse(values[_i].before);

    check_json(profile_value(live, namespace, before, values[_i].whole), values[_i].value);
}
END_TEST

#define ANN  "'annotations': {'user': 'ann@example.com', 'role': 'edit'}"
#define NAME "'name': 'user-ann-example-com-clusterrole-edit'"
#define BINDING(subject)                                                                           \
    "{'metadata': {" NAME ", " ANN "}, 'roleRef': {'kind': 'ClusterRole', 'name': "                \
    "'kubeflow-edit'}, 'subjects': [{'kind': 'User', 'name': '" subject "'}]}"
#define POLICY(users)                                                                              \
    "{'metadata': {" NAME ", " ANN "}, 'spec': {'rules': [{'when': [{'key': "                      \
    "'request.headers[kubeflow-userid]', 'values': [" users "]}]}]}}"
#define OWNERS                                                                                     \
    "{'metadata': {'name': 'namespaceAdmin', 'annotations': {'user': 'o@example.com', 'role': "    \
    "'admin'}}, 'roleRef': {'kind': 'ClusterRole', 'name': 'kubeflow-admin'}, 'subjects': "        \
    "[{'kind': 'User', 'name': 'o@example.com'}]}"
#define SHOWN "[{'user': 'ann@example.com', 'role': 'edit'}]"

static const struct {
    const char *bindings, *policies, *people, *shown;
} shows[] = {
    {"[" OWNERS "]", "[]", "[]", "[]"},
    {"[" BINDING("ann@example.com") "]", "[" POLICY("'ann@example.com'") "]", "null", SHOWN},
    /* half of somebody's access: not in place for those who should have it, too much for others */
    {"[" BINDING("ann@example.com") "]", "[]", "['user-ann-example-com-clusterrole-edit']", "[]"},
    {"[" BINDING("ann@example.com") "]", "[]", "[]", SHOWN},
    {"[]", "[" POLICY("'ann@example.com'") "]", "[]", SHOWN},
    /* not what it says */
    {"[" BINDING("eve@example.com") "]", "[" POLICY("'ann@example.com'") "]",
     "['user-ann-example-com-clusterrole-edit']", "[]"},
    {"[" BINDING("ann@example.com") "]", "[" POLICY("'ann@example.com', 'eve@example.com'") "]",
     "['user-ann-example-com-clusterrole-edit']", "[]"},
};

START_TEST(contributors_are_shown_as_they_are)
{
    json_auto_t *bindings = parse(shows[_i].bindings), *policies = parse(shows[_i].policies);
    json_auto_t *people = parse(shows[_i].people);

    check_json(profile_shown_contributors(bindings, policies, people), shows[_i].shown);
}
END_TEST

START_TEST(a_quota_holds_in_any_words)
{
    json_auto_t *value = parse("{'resource_quota': {'cpu': '1000m', 'memory': '1Gi'}}");
    json_auto_t *same = parse("{'spec': {'hard': {'cpu': '1', 'memory': '1024Mi', 'pods': '1'}}}");
    json_auto_t *less = parse("{'spec': {'hard': {'cpu': '1'}}}");

    ck_assert(profile_quota_holds(value, same));
    ck_assert(!profile_quota_holds(value, less));
    ck_assert(!profile_quota_holds(value, NULL));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kubeflow/profile_objects");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, contributors_are_named_as_by_the_dashboard, 0, (int)ARRAY_LEN(names));
    tcase_add_test(t, contributors_objects);
    tcase_add_test(t, the_profile);
    tcase_add_loop_test(t, what_is_no_longer_wanted_is_taken_away, 0, (int)ARRAY_LEN(trims));
    tcase_add_loop_test(t, values_are_read_back, 0, (int)ARRAY_LEN(values));
    tcase_add_loop_test(t, contributors_are_shown_as_they_are, 0, (int)ARRAY_LEN(shows));
    tcase_add_test(t, a_quota_holds_in_any_words);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
