/* What goes with a removal, in which order, what stays, and what is refused before. */
#include "lib/kube/remove.h"

#include "lib/base/clock.h"
#include "unit/fake_api.h"

#include "lib/base/banned.h"

#define OURS "labels: {" APPLYSET_MEMBER_LABEL ": set}"

static const struct fake_kind kinds[] = {
    {"", "v1", "Namespace", "namespaces", false},
    {"", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", true},
    {"", "v1", "Secret", "secrets", true},
    {"apps", "v1", "Deployment", "deployments", true},
    {"apps", "v1", "StatefulSet", "statefulsets", true},
    {"apps", "v1", "DaemonSet", "daemonsets", true},
    {"batch", "v1", "CronJob", "cronjobs", true},
    {"batch", "v1", "Job", "jobs", true},
    {"apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", false},
    {"jobs.example.com", "v1", "Job", "jobs", true},
    {"plans.example.com", "v1", "Plan", "plans", true},
    {"teams.example.com", "v1", "Team", "teams", false},
    {"odds.example.com", "v1", "Odd", "odds", true},
    {NULL, NULL, NULL, NULL, false},
};

/* --- facts ---------------------------------------------------------------------------------------- */

static int wave_of(const char *crd)
{
    static const char *const order[] = {"plans.plans.example.com", "jobs.jobs.example.com",
                                        "teams.teams.example.com"};

    for (int i = 0; i < 3; i++)
        if (!strcmp(crd, order[i]))
            return i + 1;
    return 0;
}

static bool stays(const json_t *meta)
{
    return !strcmp(krm_str(meta, "metadata", "name", NULL), "password");
}

static const char *clears(const char *finalizer)
{
    return strcmp(finalizer, "example.com/team") ? NULL : "Deployment system/controller";
}

static const struct kube_remove_facts facts = {
    .nwaves = 3, .wave_of = wave_of, .stays_with_data = stays, .clears = clears};

/* --- the cluster ---------------------------------------------------------------------------------- */

#define CRD(plural, kind, scope)                                                                   \
    "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: "             \
    "{name: " plural "." plural ".example.com, " OURS "}, spec: {group: " plural                   \
    ".example.com, scope: " scope ", names: {kind: " kind ", plural: " plural                      \
    "}, versions: [{name: v1}]}}\n---\n"

static const char system_objects[] =
    "{apiVersion: v1, kind: Namespace, metadata: {name: system, " OURS "}}\n---\n"
    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: controller, namespace: system, " OURS
    "}}\n---\n" CRD("jobs", "Job", "Namespaced") CRD("plans", "Plan", "Namespaced")
        CRD("teams", "Team", "Cluster") CRD("odds", "Odd", "Namespaced");

#define PLAN                                                                                       \
    "{apiVersion: plans.example.com/v1, kind: Plan, metadata: {name: p, namespace: t}}\n---\n"
#define JOB(more)                                                                                  \
    "{apiVersion: jobs.example.com/v1, kind: Job, metadata: {name: j, namespace: t" more "}}\n---" \
    "\n"
#define TEAM(more)                                                                                 \
    "{apiVersion: teams.example.com/v1, kind: Team, metadata: {name: team" more "}}\n---\n"
#define TEAM_SPACE                                                                                 \
    "{apiVersion: v1, kind: Namespace, metadata: {name: t, annotations: {lingers: '2'}, "          \
    "ownerReferences: [{kind: Team, uid: team}]}}\n---\n"
#define ODD "{apiVersion: odds.example.com/v1, kind: Odd, metadata: {name: o, namespace: t}}\n---\n"

static struct fake_api *api;

static void cluster(const char *more)
{
    char *all CLEANUP(mem_cleanup) = mem_printf("%s%s", system_objects, more);

    api = fake_api_new(kinds, all);
}

static void teardown(void)
{
    fake_api_free(api);
}

static struct kube_remove_options options(const json_t *targets, enum kube_crd_policy crds,
                                          enum kube_data_policy data)
{
    return (struct kube_remove_options){.client = api->client,
                                        .manager = "m",
                                        .set_id = "set",
                                        .what = "test",
                                        .targets = targets,
                                        .facts = &facts,
                                        .crds = crds,
                                        .user_data = data,
                                        .deadline = clock_deadline(20000)};
}

static void removes(enum kube_crd_policy crds, enum kube_data_policy data)
{
    json_auto_t *targets = fake_api_members(api, "set");
    struct kube_remove_options o = options(targets, crds, data);
    struct kube_remove_result result;
    int rc = kube_remove(&o, &result);

    ck_assert_msg(!rc, "%s: %s", result.problems.at[0].key, result.problems.at[0].text);
    kube_remove_result_done(&result);
}

/* A removal of all members but some, whose keys are given with a space after each. */
static void prunes_all_but(const char *stay)
{
    json_auto_t *targets = fake_api_members(api, "set"), *others = json_object();
    struct kube_remove_options o = options(targets, KUBE_CRDS_IF_UNUSED, KUBE_DATA_KEEP);
    struct kube_remove_result result;
    const char *end;

    for (; (end = strchr(stay, ' ')); stay = end + 1) {
        char *key CLEANUP(mem_cleanup) = mem_strndup(stay, (size_t)(end - stay));

        ck_assert_int_eq(json_object_set(others, key, json_object_get(targets, key)), 0);
        json_object_del(targets, key);
    }
    o.others = others;
    ck_assert_int_eq(kube_remove(&o, &result), 0);
    kube_remove_result_done(&result);
}

static void assert_order(const char *const *lines)
{
    const char *at = buf_str(&api->log);

    for (; *lines; lines++) {
        at = strstr(at, *lines);
        ck_assert_msg(at, "\"%s\" doesn't come where it should in:\n%s", *lines,
                      buf_str(&api->log));
        at += strlen(*lines);
    }
}

static json_t *annotations_of(const char *name)
{
    json_t *object;
    size_t i;

    json_array_foreach (api->objects, i, object) {
        if (!strcmp(krm_str(object, "metadata", "name", NULL), name))
            return krm_get(object, "metadata", "annotations", NULL);
    }
    return NULL;
}

static bool happened(const char *line)
{
    return strstr(buf_str(&api->log), line) != NULL;
}

/* --- order ---------------------------------------------------------------------------------------- */

/* What makes others goes before what it makes, and is gone before that goes; all of it, and the
 * namespaces of teams, before the controller. */
START_TEST(users_work_goes_first_in_waves)
{
    static const char *const order[] = {"delete plans.example.com/Plan/t/p",
                                        "delete jobs.example.com/Job/t/j",
                                        "gone jobs.example.com/Job/t/j",
                                        "delete teams.example.com/Team/team",
                                        "gone teams.example.com/Team/team",
                                        "gone Namespace/t",
                                        "delete apps/Deployment/system/controller",
                                        "CustomResourceDefinition/",
                                        "delete Namespace/system",
                                        NULL};

    cluster(TEAM(", annotations: {lingers: '1'}") TEAM_SPACE JOB(", annotations: {lingers: '2'}")
                PLAN);
    removes(KUBE_CRDS_IF_UNUSED, KUBE_DATA_DELETE);
    assert_order(order);
    ck_assert_uint_eq(json_array_size(api->objects), 0);
}
END_TEST

/* A team of ours goes with our custom resources, and its namespace is waited for as well. */
START_TEST(a_members_namespace_is_waited_for)
{
    static const char *const order[] = {"delete teams.example.com/Team/team", "gone Namespace/t",
                                        "delete apps/Deployment/system/controller", NULL};

    cluster(TEAM(", " OURS) TEAM_SPACE);
    removes(KUBE_CRDS_IF_UNUSED, KUBE_DATA_REFUSE);
    assert_order(order);
}
END_TEST

/* --- what isn't touched --------------------------------------------------------------------------- */

/* Objects of a CRD that isn't about users' work keep it, unless it goes in any case. */
START_TEST(other_custom_resources_keep_their_crd)
{
    cluster(ODD);
    removes(KUBE_CRDS_IF_UNUSED, KUBE_DATA_DELETE);
    ck_assert(!happened("Odd/t/o"));
    ck_assert(happened("release apiextensions.k8s.io/CustomResourceDefinition/odds.odds"));
}
END_TEST

START_TEST(other_custom_resources_go_with_their_crd)
{
    static const char *const order[] = {"delete odds.example.com/Odd/t/o",
                                        "delete apps/Deployment/system/controller", NULL};

    cluster(ODD);
    removes(KUBE_CRDS_DELETE, KUBE_DATA_DELETE);
    assert_order(order);
}
END_TEST

/* Another installation's custom resources are its own. */
START_TEST(other_sets_work_stays)
{
    cluster(JOB(", labels: {" APPLYSET_MEMBER_LABEL ": other}"));
    removes(KUBE_CRDS_IF_UNUSED, KUBE_DATA_DELETE);
    ck_assert(!happened("jobs.example.com/Job/t/j"));
    ck_assert(happened("release apiextensions.k8s.io/CustomResourceDefinition/jobs."));
}
END_TEST

/* The password of the database in the claim stays with it; so does their namespace, not the rest. */
START_TEST(kept_data_keeps_its_password)
{
    cluster("{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: db, namespace: "
            "system, " OURS
            "}}\n---\n{apiVersion: v1, kind: Secret, metadata: {name: password, namespace: "
            "system, " OURS "}}\n---\n{apiVersion: v1, kind: Secret, metadata: {name: other, "
            "namespace: system, " OURS "}}\n");
    removes(KUBE_CRDS_IF_UNUSED, KUBE_DATA_KEEP);
    ck_assert(happened("release PersistentVolumeClaim/system/db"));
    ck_assert(happened("release Secret/system/password"));
    ck_assert(happened("release Namespace/system"));
    ck_assert(happened("delete Secret/system/other"));
}
END_TEST

START_TEST(a_password_without_a_claim_goes)
{
    cluster("{apiVersion: v1, kind: Secret, metadata: {name: password, namespace: system, " OURS
            "}}\n---\n{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: db, "
            "namespace: elsewhere, " OURS "}}\n");
    removes(KUBE_CRDS_IF_UNUSED, KUBE_DATA_KEEP);
    ck_assert(happened("delete Secret/system/password"));
}
END_TEST

/* A run that fails at the password leaves the claim a member, so that the next one sees it. */
START_TEST(an_interrupted_removal_keeps_the_password)
{
    struct kube_remove_result result;
    struct kube_remove_options o;
    json_auto_t *targets = NULL;

    cluster("{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: db, namespace: "
            "system, " OURS
            "}}\n---\n{apiVersion: v1, kind: Secret, metadata: {name: password, namespace: "
            "system, annotations: {refuses: 'yes'}, " OURS "}}\n");
    targets = fake_api_members(api, "set");
    o = options(targets, KUBE_CRDS_IF_UNUSED, KUBE_DATA_KEEP);
    ck_assert_int_eq(kube_remove(&o, &result), ERR_DENIED);
    kube_remove_result_done(&result);
    json_object_clear(annotations_of("password"));
    removes(KUBE_CRDS_IF_UNUSED, KUBE_DATA_KEEP);
    ck_assert(happened("release PersistentVolumeClaim/system/db"));
    ck_assert(happened("release Secret/system/password"));
    ck_assert(!happened("delete Secret/system/password"));
}
END_TEST

/* A team of ours stays with its namespace whatever is in that, if people's work is to be kept: here
 * nothing that counts as content. */
START_TEST(a_team_stays_with_its_namespace)
{
    cluster(TEAM(", " OURS) TEAM_SPACE ODD);
    removes(KUBE_CRDS_IF_UNUSED, KUBE_DATA_KEEP);
    ck_assert(happened("release teams.example.com/Team/team"));
    ck_assert(!happened("gone Namespace/t"));
}
END_TEST

START_TEST(a_team_without_a_namespace_goes)
{
    cluster(TEAM(", " OURS));
    removes(KUBE_CRDS_IF_UNUSED, KUBE_DATA_KEEP);
    ck_assert(happened("delete teams.example.com/Team/team"));
}
END_TEST

/* What has come since the check also keeps it. */
START_TEST(a_team_with_content_stays)
{
    cluster(TEAM(", " OURS) TEAM_SPACE "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: "
                                       "notebook, namespace: t}}\n");
    removes(KUBE_CRDS_IF_UNUSED, KUBE_DATA_REFUSE);
    ck_assert(happened("release teams.example.com/Team/team"));
    ck_assert(!happened("gone Namespace/t"));
    ck_assert(happened("release apiextensions.k8s.io/CustomResourceDefinition/teams."));
}
END_TEST

/* --- what a prune leaves --------------------------------------------------------------------------- */

#define CONTROLLER "apps/Deployment/system/controller "

static const struct {
    const char *more;   /* objects */
    const char *stay;   /* what is still wanted */
    const char *happen; /* a line */
} prunes[] = {
    {"", "", "delete apiextensions.k8s.io/CustomResourceDefinition/jobs.jobs.example.com"},
    {"", "", "delete Namespace/system"},
    /* members that stay: of a CRD, in a namespace, and in one without being a workload */
    {JOB(", " OURS), "jobs.example.com/Job/t/j ",
     "release apiextensions.k8s.io/CustomResourceDefinition/jobs.jobs.example.com"},
    {JOB(", " OURS), "jobs.example.com/Job/t/j ",
     "delete apiextensions.k8s.io/CustomResourceDefinition/plans.plans.example.com"},
    {JOB(", " OURS), "",
     "delete apiextensions.k8s.io/CustomResourceDefinition/jobs.jobs.example.com"},
    {"", CONTROLLER, "release Namespace/system"},
    {"{apiVersion: odds.example.com/v1, kind: Odd, metadata: {name: o, namespace: system, " OURS
     "}}\n",
     "odds.example.com/Odd/system/o ", "release Namespace/system"},
    /* somebody's certificate, and what Kubernetes itself puts beside it */
    {"{apiVersion: v1, kind: Secret, metadata: {name: tls, namespace: system}}\n", "",
     "release Namespace/system"},
    {"{apiVersion: v1, kind: Secret, metadata: {name: token, namespace: system, annotations: "
     "{kubernetes.io/service-account.name: default}}}\n",
     "", "delete Namespace/system"},
};

START_TEST(a_prune_leaves_what_wanted_members_need)
{
    cluster(prunes[_i].more);
    prunes_all_but(prunes[_i].stay);
    ck_assert_msg(happened(prunes[_i].happen), "not \"%s\" but:\n%s", prunes[_i].happen,
                  buf_str(&api->log));
}
END_TEST

/* --- what is refused ------------------------------------------------------------------------------ */

#define MADE_FOR_ALL                                                                               \
    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: ui, namespace: t, ownerReferences: " \
    "[{kind: Namespace, uid: t}]}}\n---\n"

static const struct {
    const char *objects;
    enum kube_crd_policy crds;
    const char *sentences; /* as JSON */
} checks[] = {
    {"", KUBE_CRDS_IF_UNUSED, "[]"},
    {JOB("") PLAN, KUBE_CRDS_IF_UNUSED,
     "[\"custom resources of jobs.jobs.example.com: jobs.example.com/Job/t/j\","
     "\"custom resources of plans.plans.example.com: plans.example.com/Plan/t/p\"]"},
    {JOB(""), KUBE_CRDS_KEEP,
     "[\"custom resources of jobs.jobs.example.com: jobs.example.com/Job/t/j\"]"},
    {ODD, KUBE_CRDS_IF_UNUSED, "[]"},
    {ODD, KUBE_CRDS_DELETE,
     "[\"custom resources of odds.odds.example.com: odds.example.com/Odd/t/o\"]"},
    {TEAM(", " OURS) TEAM_SPACE MADE_FOR_ALL, KUBE_CRDS_IF_UNUSED, "[]"},
    {TEAM(", " OURS) TEAM_SPACE "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: "
                                "work, namespace: t}}",
     KUBE_CRDS_IF_UNUSED,
     "[\"in namespace t, which goes with teams.example.com/Team/team: "
     "PersistentVolumeClaim/t/work\"]"},
};

START_TEST(what_would_be_lost_is_listed)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *targets = NULL, *found = NULL;
    struct kube_remove_options o;
    char *text CLEANUP(mem_cleanup) = NULL;

    cluster(checks[_i].objects);
    targets = fake_api_members(api, "set");
    o = options(targets, checks[_i].crds, KUBE_DATA_REFUSE);
    ck_assert_msg(!kube_remove_check(&o, KUBE_NOT_OF_ANY, &found, &err), "%s", err_msg(&err));
    text = json_dumps(found, JSON_COMPACT);
    ck_assert_str_eq(text, checks[_i].sentences);
    ck_assert_uint_eq(api->log.len, 0);
}
END_TEST

/* --- what doesn't go ------------------------------------------------------------------------------ */

START_TEST(a_finalizer_is_named_with_its_controller)
{
    json_auto_t *targets = NULL;
    struct kube_remove_options o;
    struct kube_remove_result result;

    cluster(TEAM(", finalizers: [example.com/team, example.com/other], annotations: "
                 "{lingers: '-1'}"));
    targets = fake_api_members(api, "set");
    o = options(targets, KUBE_CRDS_IF_UNUSED, KUBE_DATA_DELETE);
    o.deadline = clock_deadline(500);
    ck_assert_int_eq(kube_remove(&o, &result), ERR_TIMEOUT);
    ck_assert_str_eq(result.problems.at[0].key, "teams.example.com/Team/team");
    ck_assert_ptr_nonnull(strstr(result.problems.at[0].text,
                                 "example.com/team (cleared by Deployment system/controller), "
                                 "example.com/other"));
    /* without the others, what belongs to it would be left behind */
    ck_assert_ptr_nonnull(
        strstr(result.problems.at[0].text, "remove its own finalizer by hand, and no other"));
    /* the controller still has work to do */
    ck_assert(!happened("delete apps/Deployment/system/controller"));
    kube_remove_result_done(&result);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kube/remove");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, users_work_goes_first_in_waves);
    tcase_add_test(t, a_members_namespace_is_waited_for);
    tcase_add_test(t, other_custom_resources_keep_their_crd);
    tcase_add_test(t, other_custom_resources_go_with_their_crd);
    tcase_add_test(t, other_sets_work_stays);
    tcase_add_test(t, kept_data_keeps_its_password);
    tcase_add_test(t, a_password_without_a_claim_goes);
    tcase_add_test(t, an_interrupted_removal_keeps_the_password);
    tcase_add_test(t, a_team_stays_with_its_namespace);
    tcase_add_test(t, a_team_without_a_namespace_goes);
    tcase_add_test(t, a_team_with_content_stays);
    tcase_add_loop_test(t, a_prune_leaves_what_wanted_members_need, 0, (int)ARRAY_LEN(prunes));
    tcase_add_loop_test(t, what_would_be_lost_is_listed, 0, (int)ARRAY_LEN(checks));
    tcase_add_test(t, a_finalizer_is_named_with_its_controller);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
