/* Samples are what a Kubernetes 1.34.4 API server answered (tests/golden/managed_fields): `sent` was
 * applied by terraform-provider-kubeflow, then changed by kubectl scale, set image, patch and
 * label; `live` is the object then, `conflict` the answer to applying `sent` again. autoscaler.json
 * was applied by kubectl as autoscaling/v1 and then as v2; `union` is what
 * structured-merge-diff v6.3.0 (Set.Union) makes of the kubectl entries. */
#include "lib/kube/managed_fields.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/kube/field_path.h"

#include "lib/base/banned.h"

#define OURS "terraform-provider-kubeflow"

static json_t *sample(const char *name)
{
    char *path CLEANUP(mem_cleanup) = mem_printf("tests/golden/managed_fields/%s.json", name);
    json_error_t error;
    json_t *value = json_load_file(path, 0, &error);

    ck_assert_msg(value != NULL, "%s: %s", path, error.text);
    return value;
}

/* JSON with ' for ". */
static json_t *parse(const char *text)
{
    char *quoted CLEANUP(mem_cleanup) = mem_strdup(text);
    json_error_t error;
    json_t *value;

    for (char *p = quoted; (p = strchr(p, '\'')); p++)
        *p = '"';
    value = json_loads(quoted, JSON_DECODE_ANY, &error);

    ck_assert_msg(value != NULL, "%s: %s", text, error.text);
    return value;
}

static json_t *entry_of(const json_t *object, const char *manager)
{
    json_t *entry;
    size_t i;

    json_array_foreach (krm_get(object, "metadata", "managedFields", NULL), i, entry) {
        if (!strcmp(krm_str(entry, "manager", NULL), manager))
            return entry;
    }
    ck_abort_msg("no entry of %s", manager);
}

/* --- hash ------------------------------------------------------------------------------------- */

/* sha256 of the entry's fieldsV1 as compact JSON with sorted keys, made with another program. */
START_TEST(hash_is_of_our_entry)
{
    static const struct {
        const char *sample, *hash;
    } cases[] = {
        {"deployment", "v1:74c60805c09ced96cf26e209fb6826d8"},
        {"service", "v1:208bd3520427a03d30e9f0f21c2fea02"},
        {"configmap", "v1:c9f9834168e12ff45689b2b68b52fd7d"},
    };
    char hash[MANAGED_FIELDS_HASH_SIZE];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_auto_t *s = sample(cases[i].sample);

        managed_fields_hash(json_object_get(s, "live"), OURS, hash);
        ck_assert_str_eq(hash, cases[i].hash);
    }
}
END_TEST

START_TEST(hash_ignores_order_and_others)
{
    json_auto_t *a = parse("{'metadata':{'managedFields':[{'manager':'m','operation':'Apply',"
                           "'fieldsV1':{'f:a':{},'f:b':{}},'time':'2026-01-01T00:00:00Z'}]}}");
    json_auto_t *b = parse("{'metadata':{'managedFields':["
                           "{'manager':'m','operation':'Update','fieldsV1':{'f:x':{}}},"
                           "{'manager':'m','operation':'Apply','subresource':'status',"
                           "'fieldsV1':{'f:y':{}}},"
                           "{'manager':'m','operation':'Apply','apiVersion':'v2',"
                           "'fieldsV1':{'f:b':{},'f:a':{}},'time':'2026-01-02T00:00:00Z'}]}}");
    json_auto_t *c = parse("{'metadata':{'managedFields':[{'manager':'m','operation':'Apply',"
                           "'fieldsV1':{'f:a':{}}}]}}");
    char ha[MANAGED_FIELDS_HASH_SIZE], hb[MANAGED_FIELDS_HASH_SIZE], hc[MANAGED_FIELDS_HASH_SIZE];

    managed_fields_hash(a, "m", ha);
    managed_fields_hash(b, "m", hb);
    managed_fields_hash(c, "m", hc);
    ck_assert_str_eq(ha, hb);
    ck_assert_str_ne(ha, hc);
    managed_fields_hash(a, "somebody-else", ha);
    ck_assert_str_eq(ha, "");
    managed_fields_hash(NULL, "m", ha);
    ck_assert_str_eq(ha, "");
}
END_TEST

START_TEST(applied_by)
{
    json_auto_t *s = sample("deployment");
    const json_t *live = json_object_get(s, "live");

    ck_assert(managed_fields_applied_by(live, OURS));
    ck_assert(!managed_fields_applied_by(live, "kubectl-set")); /* an Update */
    ck_assert(!managed_fields_applied_by(live, "kubectl"));
    ck_assert(!managed_fields_applied_by(json_object_get(s, "sent"), OURS));
}
END_TEST

/* --- owners ----------------------------------------------------------------------------------- */

START_TEST(owners)
{
    static const struct {
        const char *sample, *path, *except, *want;
    } cases[] = {
        {"deployment", ".spec.replicas", OURS, "kubectl"},
        {"deployment", ".spec.template.spec.containers[name=main].image", OURS, "kubectl-set"},
        {"deployment", ".spec.template.spec.containers[name=main].args", OURS, "kubectl-patch"},
        /* in an atomic list */
        {"deployment", ".spec.template.spec.containers[name=main].args[1]", OURS, "kubectl-patch"},
        {"deployment", ".spec.template.spec.containers[name=main]", OURS,
         "kubectl-patch, kubectl-set"},
        {"deployment", ".spec.template.spec.containers[name=other].image", OURS, ""},
        {"deployment", ".spec.template.spec.containers[name=main].env[name=A].value", NULL, OURS},
        {"deployment", ".metadata.labels.team", OURS, "kubectl-label"},
        {"deployment", ".metadata.labels[\"app.kubernetes.io/name\"]", NULL, OURS},
        {"deployment", ".metadata.labels[\"app.kubernetes.io/name\"]", OURS, ""},
        {"deployment", ".metadata.labels.nobody", NULL, ""},
        /* our selector is atomic: whoever owns it owns what is in it */
        {"deployment", ".spec.selector.matchLabels.app", NULL, OURS},
        {"deployment", ".status", NULL, "exe"},
        {"deployment", ".metadata.labels", NULL, "kubectl-label, " OURS},
        {"deployment", ".spec[", NULL, ""},
        {"deployment", "spec", NULL, ""},
        /* named by other members than the API server's keys */
        {"service", ".spec.ports[name=http].targetPort", OURS, "kubectl-patch"},
        {"service", ".spec.ports[port=80].targetPort", OURS, "kubectl-patch"},
        {"service", ".spec.ports[0].targetPort", OURS, "kubectl-patch"},
        {"service", ".spec.ports[name=dns].port", NULL, OURS},
        {"service", ".spec.ports[name=dns].port", OURS, ""},
        {"configmap", ".data[\"a.b\"]", OURS, "kubectl-patch"},
        {"configmap", ".data.c", NULL, OURS},
        {"configmap", ".metadata.finalizers[0]", OURS, "kubectl-patch"},
        {"configmap", ".metadata.finalizers[=example.com/other]", OURS, "kubectl-patch"},
        {"configmap", ".metadata.finalizers[1]", NULL, ""},
        {"configmap", "", NULL, "kubectl-patch, " OURS},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_auto_t *s = sample(cases[i].sample);
        struct buf out CLEANUP(buf_done) = BUF_INIT;

        managed_fields_owners(json_object_get(s, "live"), cases[i].path, cases[i].except, &out);
        ck_assert_msg(!strcmp(buf_str(&out), cases[i].want), "%s %s: %s, not %s", cases[i].sample,
                      cases[i].path, buf_str(&out), cases[i].want);
    }
}
END_TEST

START_TEST(owners_of_what_is_not_there)
{
    json_auto_t *s = sample("deployment");
    json_t *live = json_object_get(s, "live");
    struct buf out CLEANUP(buf_done) = BUF_INIT;

    /* from metadata alone, the item can be named by the API server's own key only */
    json_object_del(live, "spec");
    managed_fields_owners(live, ".spec.template.spec.containers[name=main].image", OURS, &out);
    ck_assert_str_eq(buf_str(&out), "kubectl-set");
    buf_clear(&out);
    managed_fields_owners(live, ".spec.template.spec.containers[image=web:2].image", OURS, &out);
    ck_assert_str_eq(buf_str(&out), "");
    managed_fields_owners(NULL, ".spec", OURS, &out);
    ck_assert_str_eq(buf_str(&out), "");
}
END_TEST

START_TEST(last_writer)
{
    json_auto_t *s = sample("deployment");
    const json_t *live = json_object_get(s, "live");

    ck_assert_str_eq(managed_fields_last_writer(live, OURS), "kubectl-patch");
    ck_assert_str_eq(managed_fields_last_writer(live, NULL), "kubectl-patch");
    ck_assert_str_eq(managed_fields_last_writer(live, "kubectl-patch"), "kubectl-label");
    ck_assert_str_eq(managed_fields_last_writer(json_object_get(s, "sent"), OURS), "");
}
END_TEST

/* --- conflicts -------------------------------------------------------------------------------- */

START_TEST(conflicts_of_the_api_server)
{
    static const struct {
        const char *sample;
        const char *managers[4], *fields[4];
    } cases[] = {
        {"deployment",
         {"kubectl-patch", "kubectl", "kubectl-set"},
         {".spec.template.spec.containers[name=\"main\"].args", ".spec.replicas",
          ".spec.template.spec.containers[name=\"main\"].image"}},
        {"service", {"kubectl-patch"}, {".spec.ports[port=80,protocol=\"TCP\"].targetPort"}},
        {"configmap", {"kubectl-patch"}, {".data.a.b"}},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_auto_t *s = sample(cases[i].sample);
        const json_t *causes = krm_get(s, "conflict", "details", "causes", NULL), *cause;
        size_t n;

        json_array_foreach (causes, n, cause) {
            struct managed_fields_conflict c;

            ck_assert_int_eq(managed_fields_parse_conflict(cause, &c, NULL), 0);
            ck_assert_str_eq(c.manager, cases[i].managers[n]);
            ck_assert_str_eq(c.field, cases[i].fields[n]);
            /* each of them is in what was sent */
            ck_assert_msg(managed_fields_object_has(json_object_get(s, "sent"), c.field), "%s",
                          c.field);
            managed_fields_conflict_done(&c);
        }
        ck_assert_ptr_null(cases[i].managers[n]);
        ck_assert_uint_gt(n, 0);
    }
}
END_TEST

START_TEST(conflict_messages)
{
    static const struct {
        const char *cause, *manager;
    } cases[] = {
        {"{'reason':'FieldManagerConflict','field':'.a',"
         "'message':'conflict with \\\"foo\\\" using v1 at 2001-02-03T04:05:06Z'}",
         "foo"},
        {"{'reason':'FieldManagerConflict','field':'.a','message':'conflict with \\\"bar\\\"'}",
         "bar"},
        {"{'reason':'FieldManagerConflict','field':'.a',"
         "'message':'conflict with \\\"a \\\\\\\"b\\\\\\\" \\\\u00e9\\\" with subresource "
         "\\\"scale\\\" using v1'}",
         "a \"b\" \xc3\xa9"},
        {"{'reason':'FieldManagerConflict','field':'.a','message':'conflict with foo'}", NULL},
        {"{'reason':'FieldManagerConflict','field':'.a','message':'conflict with \\\"foo'}", NULL},
        {"{'reason':'FieldManagerConflict','field':'.a','message':'con'}", NULL},
        {"{'reason':'FieldManagerConflict','message':'conflict with \\\"foo\\\"'}", NULL},
        {"{'reason':'FieldValueInvalid','field':'.a','message':'conflict with \\\"foo\\\"'}", NULL},
        {"[]", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_auto_t *cause = parse(cases[i].cause);
        struct managed_fields_conflict c = {NULL, NULL};
        struct err err CLEANUP(err_done) = ERR_INIT;
        int rc = managed_fields_parse_conflict(cause, &c, &err);

        ck_assert_int_eq(rc, cases[i].manager ? 0 : ERR_INVALID);
        ck_assert_int_eq(!c.manager, !cases[i].manager);
        if (c.manager)
            ck_assert_str_eq(c.manager, cases[i].manager);
        managed_fields_conflict_done(&c);
    }
}
END_TEST

START_TEST(object_has)
{
    static const char object_text[] =
        "{'a':{'b.c':1,'b':{'c':null,'d':2},'':{'e':3},'b.c[x]':4},"
        " 'ports':[{'containerPort':53},{'containerPort':53,'protocol':'UDP','hostPort':1},"
        "          {'containerPort':80,'name':'a,b]c'}],"
        " 'set':['x','y',3,true,1000000,0.5], 'list':[[1],{'k':'v'}]}";
    static const struct {
        const char *path;
        bool has;
    } cases[] = {
        {".a", true},
        {".a.b.c", true}, /* the member "b.c" */
        {".a.b.d", true},
        {".a.b.e", false},
        {".a.b.c[x]", true},
        {".a..e", true},
        {".a.b.c.d", false},
        {".aa", false},
        {".ports[containerPort=53,protocol=\"TCP\"]", true},
        {".ports[containerPort=53,protocol=\"TCP\"].hostPort", false},
        {".ports[containerPort=53,protocol=\"UDP\"].hostPort", true},
        {".ports[containerPort=54,protocol=\"TCP\"]", false},
        {".ports[protocol=\"TCP\"]", false}, /* nothing that it is known by */
        {".ports[name=\"a,b]c\"].containerPort", true},
        {".set[=\"x\"]", true},
        {".set[=\"z\"]", false},
        {".set[=3]", true},
        {".set[=true]", true},
        {".set[=false]", false},
        {".set[=1e+06]", true},
        {".set[=0.5]", true},
        {".list[0]", true},
        {".list[0][0]", true},
        {".list[0][1]", false},
        {".list[1].k", true},
        {".list[2]", false},
        {".list[99999999999999999999999]", false},
        {".list[-1]", false},
        {".list[", false},
        {".list[0", false},
        {".list[]", false},
        {".list[=]", false},
        {".list[=\"]", false},
        {".list[k]", false},
        {".list[k=]", false},
        {".list[=\"\\q\"]", false},
        {".list[=\"\\u12\"]", false},
        {".list[0]k", false},
        {"a", false},
        {"", true},
    };
    json_auto_t *object = parse(object_text);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_msg(managed_fields_object_has(object, cases[i].path) == cases[i].has, "%s",
                      cases[i].path);
    ck_assert(!managed_fields_object_has(NULL, ".a"));
}
END_TEST

/* Names that were chosen so that every dot can be read in two ways. */
START_TEST(object_has_ends)
{
    json_auto_t *object = json_object();
    char path[4 * FIELD_PATH_MAX_DEPTH + 8] = "";
    json_t *at = object;

    for (int i = 0; i < FIELD_PATH_MAX_DEPTH; i++) {
        json_t *next = json_object();

        json_object_set_new(at, "", next);
        json_object_set(at, ".", next);
        json_object_set(at, "..", next);
        at = next;
        memcpy(path + strlen(path), "....", 5);
    }
    memcpy(path + strlen(path), "x", 2);
    ck_assert(!managed_fields_object_has(object, path));
}
END_TEST

START_TEST(unquote)
{
    static const struct {
        const char *quoted, *want, *rest;
    } cases[] = {
        {"\"a\\\\\\\"\\n\\t\\a\\x41\\u20ac\\U0001f600\" x",
         "a\\\"\n\t\aA\xe2\x82\xac\xf0\x9f\x98\x80", " x"},
        {"\"\"", "", ""},
        {"\"\\xff\"", "\xef\xbf\xbd", ""}, /* never invalid UTF-8 */
        {"\"\\ud800\"", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", ""},
        {"\"\\U00110000\"", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", ""},
        {"a", NULL, "a"},
        {"\"a", NULL, "\"a"},
        {"\"\\", NULL, "\"\\"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *p = cases[i].quoted;
        char *got CLEANUP(mem_cleanup) = field_path_unquote(&p);

        if (cases[i].want)
            ck_assert_str_eq(got, cases[i].want);
        else
            ck_assert_ptr_null(got);
        ck_assert_str_eq(p, cases[i].rest);
    }
}
END_TEST

/* --- taking over ------------------------------------------------------------------------------ */

START_TEST(take_over_from_kubectl)
{
    json_auto_t *s = sample("autoscaler");
    json_t *live = json_object_get(s, "live");
    json_auto_t *before = json_deep_copy(live);
    json_auto_t *taken = managed_fields_take_over(live, OURS, NULL, NULL);
    json_auto_t *after = json_pack("{s:{s:O}}", "metadata", "managedFields", taken);
    const json_t *ours;

    /* kubectl-label's and the controller's entries stay as they are */
    ck_assert_uint_eq(json_array_size(taken), 3);
    ck_assert(json_equal(entry_of(after, "kubectl-label"), entry_of(live, "kubectl-label")));
    ck_assert(json_equal(entry_of(after, "exe"), entry_of(live, "exe")));
    ours = entry_of(after, OURS);
    ck_assert_str_eq(krm_str(ours, "operation", NULL), "Apply");
    ck_assert_str_eq(krm_str(ours, "apiVersion", NULL), "autoscaling/v2");
    ck_assert_str_eq(krm_str(ours, "fieldsType", NULL), "FieldsV1");
    ck_assert(json_equal(json_object_get(ours, "fieldsV1"), json_object_get(s, "union")));
    ck_assert(json_equal(live, before));
}
END_TEST

START_TEST(take_over_into_our_entry)
{
    json_auto_t *object = parse(
        "{'apiVersion':'v1','metadata':{'managedFields':["
        "{'manager':'kubectl','operation':'Apply','apiVersion':'v1','fieldsV1':{'f:data':{'f:a':{}}"
        "}},"
        "{'manager':'us','operation':'Apply','apiVersion':'v1','time':'2026-01-01T00:00:00Z',"
        "'fieldsV1':{'f:data':{'f:b':{}}}},"
        "{'manager':'them','operation':'Update','fieldsV1':{'f:data':{}}},"
        "{'manager':'them','operation':'Update','subresource':'status','fieldsV1':{'f:status':{}}}"
        "]}}");
    static const char *const others[] = {"them", NULL};
    json_auto_t *want = parse(
        "[{'manager':'us','operation':'Apply','apiVersion':'v1','time':'2026-01-01T00:00:00Z',"
        "'fieldsV1':{'f:data':{'.':{},'f:a':{},'f:b':{}}}},"
        "{'manager':'them','operation':'Update','subresource':'status','fieldsV1':{'f:status':{}}}"
        "]");
    json_auto_t *got = managed_fields_take_over(object, "us", others, NULL);

    ck_assert(json_equal(got, want));
}
END_TEST

/* They would go with the next apply, which doesn't have them. */
START_TEST(ignored_fields_are_left_to_their_owner)
{
    json_auto_t *object = parse(
        "{'apiVersion':'v1','spec':{'replicas':2,'list':[{'name':'x','image':'i'}]},'metadata':"
        "{'managedFields':[{'manager':'kubectl','operation':'Apply','apiVersion':'v1','fieldsV1':"
        "{'f:spec':{'f:replicas':{},'f:type':{},'f:list':{'k:{\\'name\\':\\'x\\'}':{'f:image':{}}}}"
        "}}]}"
        "}");
    json_auto_t *left = parse("['.spec.replicas','.spec.list[name=x].image','.spec.none']");
    json_auto_t *want = parse(
        "[{'manager':'us','operation':'Apply','apiVersion':'v1','fieldsV1':{'f:spec':{'f:type':{}}}"
        "},{'manager':'kubectl','operation':'Apply','apiVersion':'v1','fieldsV1':{'f:spec':"
        "{'f:replicas':{},'f:list':{'k:{\\'name\\':\\'x\\'}':{'f:image':{}}}}}}]");
    json_auto_t *got = managed_fields_take_over(object, "us", NULL, left);

    ck_assert(json_equal(got, want));
}
END_TEST

START_TEST(take_over_once)
{
    json_auto_t *s = sample("deployment");
    json_t *live = json_object_get(s, "live");
    json_auto_t *taken = NULL;

    /* of the six entries only kubectl-patch's is taken */
    taken = managed_fields_take_over(live, OURS, NULL, NULL);
    ck_assert_uint_eq(json_array_size(taken), 5);
    json_object_set(json_object_get(live, "metadata"), "managedFields", taken);
    ck_assert_ptr_null(managed_fields_take_over(live, OURS, NULL, NULL));
    ck_assert_ptr_null(managed_fields_take_over(json_object_get(s, "sent"), OURS, NULL, NULL));
    ck_assert_ptr_null(managed_fields_take_over(NULL, OURS, NULL, NULL));
}
END_TEST

/* Deeper than any object: refused rather than half done. */
START_TEST(take_over_too_deep)
{
    json_auto_t *deep = json_object();
    json_auto_t *object = NULL;

    for (int i = 0; i <= MANAGED_FIELDS_MAX_DEPTH; i++) {
        json_t *around = json_object();

        json_object_set_new(around, "f:a", deep);
        deep = around;
    }
    object = json_pack("{s:{s:[{s:s,s:s,s:O},{s:s,s:s,s:O}]}}", "metadata", "managedFields",
                       "manager", "us", "operation", "Apply", "fieldsV1", deep, "manager",
                       "kubectl", "operation", "Apply", "fieldsV1", deep);
    ck_assert_ptr_nonnull(object);
    ck_assert_ptr_null(managed_fields_take_over(object, "us", NULL, NULL));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("managed_fields");
    TCase *t = tcase_create("managed_fields");
    SRunner *runner;
    int failed;

    tcase_add_test(t, hash_is_of_our_entry);
    tcase_add_test(t, hash_ignores_order_and_others);
    tcase_add_test(t, applied_by);
    tcase_add_test(t, owners);
    tcase_add_test(t, owners_of_what_is_not_there);
    tcase_add_test(t, last_writer);
    tcase_add_test(t, conflicts_of_the_api_server);
    tcase_add_test(t, conflict_messages);
    tcase_add_test(t, object_has);
    tcase_add_test(t, object_has_ends);
    tcase_add_test(t, unquote);
    tcase_add_test(t, take_over_from_kubectl);
    tcase_add_test(t, take_over_into_our_entry);
    tcase_add_test(t, ignored_fields_are_left_to_their_owner);
    tcase_add_test(t, take_over_once);
    tcase_add_test(t, take_over_too_deep);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
