/* What an import makes of a cluster: which release and components, which settings, what a plan must not
 * undo, and the HCL. Objects are as kubectl shows those of the releases; nothing is rendered. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"
#include "lib/kube/members.h"
#include "resources/kubeflow/import_parts.h"

#include "lib/base/banned.h"

static json_t *yaml(const char *text)
{
    struct err err = ERR_INIT;
    json_t *v;

    ck_assert_msg(!yaml_parse(text, strlen(text), "test", &v, &err), "%s", err_msg(&err));
    return v;
}

static void assert_json(const json_t *v, const char *expected)
{
    char *text CLEANUP(mem_cleanup) = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);

    ck_assert_str_eq(text ? text : "nothing", expected);
}

/* --- the release -------------------------------------------------------------------------------- */

#define RUNS(namespace, name, image)                                                               \
    "apps/Deployment/" namespace "/" name ": {spec: {template: {spec: {containers: [{image: "      \
                                 "'sidecar:1'}, {image: '" image "'}]}}}}\n"

static int tell(const char *live, const char **ret_name, char **ret_text)
{
    json_auto_t *objects = yaml(live);
    struct import_cluster c = {.live = objects};
    const struct catalog_release *release = NULL;
    struct err err = ERR_INIT;
    int rc = import_tell_release(&c, &release, ret_text, &err);

    *ret_name = release ? release->name : NULL;
    if (rc)
        *ret_text = mem_strdup(err_msg(&err));
    err_done(&err);
    return rc;
}

START_TEST(tells_the_release_by_tags)
{
    static const struct {
        const char *live, *release, *text;
    } cases[] = {
        {RUNS("auth", "dex", "ghcr.io/dexidp/dex:v2.39.1"), "1.9.1", "auth/dex 2.39.1"},
        /* a mirror with a port; no "v" */
        {RUNS("kubeflow", "ml-pipeline", "mirror:5000/kubeflow/kfp-api-server:2.15.0"), "1.11.0",
         "kubeflow/ml-pipeline 2.15.0"},
        /* one alone is of two releases, both together of one */
        {RUNS("kubeflow", "katib-controller", "ghcr.io/kubeflow/katib/katib-controller:v0.19.0")
             RUNS("kubeflow", "kserve-controller-manager", "kserve/kserve-controller:v0.16.0"),
         "26.03", "kserve-controller-manager 0.16.0"},
        /* one that was built at home says nothing */
        {RUNS("auth", "dex", "dexidp/dex:v2.41.1")
             RUNS("kubeflow", "katib-controller", "home/katib-controller:mine"),
         "1.10.2", "of no release: kubeflow/katib-controller mine"},
        {RUNS("kubeflow", "katib-controller", "katib-controller:v0.19.0"), NULL,
         "more than one release: 1.11.0, 26.03"},
        {RUNS("auth", "dex", "dex:v2.39.1")
             RUNS("kubeflow", "katib-controller", "katib-controller:v0.19.0"),
         NULL, "different releases"},
        {RUNS("auth", "dex", "dex:v9"), NULL, "no release that is known (auth/dex 9)"},
        {RUNS("auth", "dex", "dex@sha256:00"), NULL, "nothing of Kubeflow"},
        {"{}", NULL, "nothing of Kubeflow"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *name;
        char *text CLEANUP(mem_cleanup) = NULL;

        ck_assert_int_eq(!tell(cases[i].live, &name, &text), cases[i].release != NULL);
        if (cases[i].release)
            ck_assert_str_eq(name, cases[i].release);
        ck_assert_msg(strstr(text, cases[i].text), "%zu: %s", i, text);
    }
}
END_TEST

START_TEST(a_record_of_ours_counts_more)
{
    json_auto_t *live = yaml(RUNS("auth", "dex", "dex:v2.39.1")), *record = json_string("26.03");
    struct import_cluster c = {.live = live, .recorded = record};
    const struct catalog_release *release;
    char *why CLEANUP(mem_cleanup) = NULL;

    ck_assert(!import_tell_release(&c, &release, &why, NULL));
    ck_assert_str_eq(release->name, "26.03");
}
END_TEST

/* --- components --------------------------------------------------------------------------------- */

struct found {
    struct import_cluster c;
    struct import_found f;
};

/* objects: component -> list of names of ConfigMaps, those of "!" with Helm's mark, those of "-" not
 * there. */
static void found_init(struct found *x, const char *objects)
{
    json_auto_t *components = yaml(objects);
    const char *component;
    json_t *names;

    memset(x, 0, sizeof(*x));
    x->c.manager = "terraform-provider-kubeflow";
    x->c.live = json_object();
    x->c.classes = json_array();
    x->c.profiles = json_array();
    x->c.rendered = json_object();
    x->c.existing = json_object();
    x->f.release = catalog_release("1.10.2");
    x->f.values = json_object();
    x->f.facts = json_object();
    x->f.notes = json_array();
    json_object_foreach (components, component, names) {
        json_t *list = json_array(), *name;
        size_t i;

        json_array_foreach (names, i, name) {
            const char *text = json_string_value(name);
            json_t *object = json_pack("{s:s, s:s, s:{s:s, s:s, s:{}}}", "apiVersion", "v1", "kind",
                                       "ConfigMap", "metadata", "name", text + strspn(text, "!-"),
                                       "namespace", component, "annotations");
            char *key CLEANUP(mem_cleanup) = kube_key(object);

            if (*text == '!')
                json_object_set_new(krm_get(object, "metadata", "annotations", NULL),
                                    "meta.helm.sh/release-name", json_string("certs"));
            if (*text != '-')
                json_object_set(x->c.existing, key, object);
            json_array_append_new(list, object);
        }
        json_object_set_new(x->c.rendered, component, list);
    }
}

static void found_done(struct found *x)
{
    json_decref(x->c.live);
    json_decref(x->c.classes);
    json_decref(x->c.profiles);
    json_decref(x->c.rendered);
    json_decref(x->c.existing);
    import_found_done(&x->f);
}

START_TEST(components_are_those_whose_objects_are_there)
{
    struct found x CLEANUP(found_done);

    found_init(&x, "{cert-manager: ['!a', '!b', c], istio-crds: [a], kubeflow-namespace: [a], "
                   "notebook-controller: [a, -b], katib: [-a, -b, c]}");
    ck_assert(!import_tell_components(&x.c, &x.f, NULL));
    assert_json(x.f.facts, "{\"tools\":{\"cert-manager\":\"Helm release certs\"}}");
    assert_json(json_object_get(x.f.values, "components"),
                "[\"istio-crds\",\"notebook-controller\"]");
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(x.f.values, "existing"), 0)),
                     "cert-manager");
}
END_TEST

START_TEST(no_component_is_an_error)
{
    struct found x CLEANUP(found_done);
    struct err err CLEANUP(err_done) = ERR_INIT;

    found_init(&x, "{cert-manager: ['!a'], katib: [-a]}");
    ck_assert_int_eq(import_tell_components(&x.c, &x.f, &err), ERR_NOT_FOUND);
    ck_assert(strstr(err_msg(&err), "another tool's"));
}
END_TEST

/* --- settings ----------------------------------------------------------------------------------- */

static void set_live(struct found *x, const char *component, const char *live, const char *rendered)
{
    json_auto_t *object = yaml(live);
    char *key CLEANUP(mem_cleanup) = kube_key(object);

    json_object_set(x->c.live, key, object);
    json_object_set_new(x->c.rendered, component, json_pack("[o]", yaml(rendered)));
}

#define SERVICE                                                                                    \
    "apiVersion: v1\nkind: Service\nmetadata: {name: istio-ingressgateway, namespace: "            \
    "istio-system"
#define CLAIM                                                                                      \
    "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: katib-mysql, namespace: "       \
    "kubeflow"

START_TEST(reads_gateway_and_storage)
{
    struct found x CLEANUP(found_done);

    found_init(&x, "{}");
    set_live(&x, "istio-install",
             SERVICE ", annotations: {mine: a, clouds: b},\n  managedFields: [{manager: kubectl, "
                     "operation: Apply, fieldsV1: {'f:metadata': {'f:annotations': {'f:mine': "
                     "{}}}}}]}\nspec: {type: LoadBalancer, loadBalancerIP: 192.0.2.7}\n",
             SERVICE "}\nspec: {type: ClusterIP}\n");
    set_live(&x, "katib",
             CLAIM "}\nspec: {storageClassName: fast, resources: {requests: {storage: 20Gi}}}\n",
             CLAIM "}\nspec: {resources: {requests: {storage: 10Gi}}}\n");
    import_tell_gateway(&x.c, &x.f);
    import_tell_storage(&x.c, &x.f);
    import_tell_login(&x.c, &x.f);
    assert_json(
        x.f.values,
        "{\"gateway\":{\"service_type\":\"LoadBalancer\",\"load_balancer_ip\":\"192.0.2.7\","
        "\"annotations\":{\"mine\":\"a\"},\"allow_plain_http\":true},"
        "\"storage\":{\"class_name\":\"fast\",\"sizes\":{\"katib-mysql\":\"20Gi\"}}}");
}
END_TEST

/* The default class isn't said, unless the manifests did. */
START_TEST(the_default_class_is_none)
{
    static const char owned[] = ", managedFields: [{manager: kubectl, operation: Apply, fieldsV1: "
                                "{'f:spec': {'f:storageClassName': {}}}}]";

    for (int i = 0; i < 2; i++) {
        struct found x CLEANUP(found_done);
        char *live CLEANUP(mem_cleanup) =
            mem_printf(CLAIM "%s}\nspec: {storageClassName: standard}\n", i ? owned : "");

        found_init(&x, "{}");
        json_array_append_new(x.c.classes,
                              yaml("{metadata: {name: standard, annotations: "
                                   "{storageclass.kubernetes.io/is-default-class: 'true'}}}"));
        set_live(&x, "katib", live, CLAIM "}\n");
        import_tell_storage(&x.c, &x.f);
        assert_json(x.f.values, i ? "{\"storage\":{\"class_name\":\"standard\"}}" : "{}");
    }
}
END_TEST

#define DEX(config)                                                                                \
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: dex, namespace: auth}\ndata:\n"             \
    "  config.yaml: |\n    " config "\n"

START_TEST(reads_logins_and_no_passwords)
{
    struct found x CLEANUP(found_done);

    found_init(&x, "{}");
    json_array_append_new(x.c.profiles,
                          yaml("{metadata: {name: ml}, spec: {owner: {name: ml@example.com}}}"));
    json_object_set_new(x.c.rendered, "user-namespace",
                        yaml("[{kind: Profile, metadata: {name: p}}]"));
    set_live(&x, "dex",
             DEX("{issuer: 'https://k.example.com/dex', staticPasswords: [{email: ml@example.com, "
                 "hash: $2y$secret}, {hash: x}], connectors: [{type: github, name: GitHub}, {type: "
                 "oidc, name: IdP, config: {issuer: 'https://idp', clientID: c, clientSecret: "
                 "plain, scopes: [a], claimMapping: {groups: g}}}]}"),
             DEX("{issuer: 'http://dex.auth.svc/dex'}"));
    import_tell_login(&x.c, &x.f);
    assert_json(x.f.values, "{\"users\":{\"ml@example.com\":{\"profile\":\"ml\"}},"
                            "\"oidc\":{\"issuer\":\"https://idp\",\"client_id\":\"c\","
                            "\"groups_claim\":\"g\",\"name\":\"IdP\",\"scopes\":[\"a\"]},"
                            "\"gateway\":{\"external_url\":\"https://k.example.com\"}}");
    assert_json(x.f.facts, "{\"connectors\":[\"GitHub (github)\"]}");
    ck_assert_uint_eq(json_array_size(x.f.notes), 2); /* passwords, the client's secret */
}
END_TEST

/* A profile of a user needs the component that makes them. */
START_TEST(profiles_are_read_where_they_are_made)
{
    struct found x CLEANUP(found_done);

    found_init(&x, "{}");
    json_object_set_new(x.f.values, "components", yaml("[dex]"));
    json_array_append_new(x.c.profiles,
                          yaml("{metadata: {name: ml}, spec: {owner: {name: ml@example.com}}}"));
    set_live(&x, "dex", DEX("{staticPasswords: [{email: ml@example.com}]}"), DEX("{a: b}"));
    import_tell_login(&x.c, &x.f);
    assert_json(json_object_get(x.f.values, "users"), "{\"ml@example.com\":{}}");
}
END_TEST

START_TEST(the_public_password_is_the_default_login)
{
    for (int i = 0; i < 2; i++) {
        struct found x CLEANUP(found_done);
        json_t *secret = yaml("{apiVersion: v1, kind: Secret, metadata: {name: dex-passwords, "
                              "namespace: auth}, data: {DEX_USER_PASSWORD: cHVibGlj}}");

        found_init(&x, "{}");
        set_live(&x, "dex", DEX("{staticPasswords: [{email: user@example.com}]}"),
                 DEX("{staticPasswords: [{email: user@example.com}]}"));
        json_array_append_new(json_object_get(x.c.rendered, "dex"), json_deep_copy(secret));
        if (i) /* changed */
            json_object_set_new(json_object_get(secret, "data"), "DEX_USER_PASSWORD",
                                json_string("b3du"));
        json_object_set_new(x.c.live, IMPORT_PASSWORDS, secret);
        import_tell_login(&x.c, &x.f);
        assert_json(x.f.values,
                    i ? "{\"users\":{\"user@example.com\":{}}}" : "{\"allow_default_login\":true}");
    }
}
END_TEST

/* --- the plan ----------------------------------------------------------------------------------- */

START_TEST(nothing_is_undone_silently)
{
    static const struct {
        const char *before, *planned, *attribute;
    } cases[] = {
        {"{gateway: {service_type: LoadBalancer}}", "{}", "gateway"},
        {"{gateway: {service_type: LoadBalancer}}", "{gateway: {service_type: ClusterIP}}", NULL},
        {"{gateway: {service_type: LoadBalancer}}",
         "{patches: [{target: {kind: Service, name: istio-ingressgateway}}]}", NULL},
        {"{gateway: {service_type: LoadBalancer}}", "{patches: [{target: {kind: ConfigMap}}]}",
         "gateway"},
        {"{users: {a@b.c: {}}}", "{allow_default_login: true}", "users"},
        {"{users: {a@b.c: {}}}", "{users: {}}", NULL},
        {"{oidc: {issuer: 'https://idp'}}", "{}", "oidc"},
        {"{}", "{}", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_auto_t *before = yaml(cases[i].before), *planned = yaml(cases[i].planned);
        json_auto_t *problems = import_check(before, planned, NULL, NULL);

        ck_assert_uint_eq(json_array_size(problems), cases[i].attribute != NULL);
        ck_assert_str_eq(krm_str(json_array_get(problems, 0), "attribute", NULL),
                         cases[i].attribute ? cases[i].attribute : "");
    }
}
END_TEST

START_TEST(what_is_a_tools_stays_its_own)
{
    json_auto_t *facts =
        yaml("{tools: {cert-manager: Helm release certs}, connectors: [LDAP (ldap)]}");
    json_auto_t *components = yaml("[cert-manager, katib]"), *none = json_object();
    json_auto_t *adopt = yaml("{adopt: true, patches: [{target: {kind: ConfigMap, name: dex}}]}");
    json_auto_t *problems = import_check(none, none, components, facts);
    json_auto_t *allowed = import_check(none, adopt, components, facts);

    ck_assert_uint_eq(json_array_size(problems), 2);
    ck_assert(strstr(krm_str(json_array_get(problems, 0), "text", NULL), "LDAP (ldap)"));
    ck_assert(strstr(krm_str(json_array_get(problems, 1), "text", NULL),
                     "existing = [\"cert-manager\"]"));
    ck_assert_uint_eq(json_array_size(allowed), 0);
}
END_TEST

/* --- HCL ---------------------------------------------------------------------------------------- */

START_TEST(writes_hcl)
{
    struct import_found f = {
        .release = catalog_release("26.03"),
        .values = yaml("{release: '26.03', users: {ml@example.com: {profile: ml}}, gateway: "
                       "{annotations: {a.b/c: 'say \"${x}\"', d: 'on'}}, components: [a, b]}"),
        .facts = json_object(),
        .notes = yaml("[told]")};
    char *text CLEANUP(mem_cleanup) = import_hcl(&f);

    ck_assert_str_eq(text,
                     "# told\n"
                     "\n"
                     "import {\n"
                     "  to = kubeflow_platform.this\n"
                     "  id = \"26.03\"\n"
                     "}\n"
                     "\n"
                     "variable \"password_hash_ml_example_com\" {\n"
                     "  description = \"bcrypt hash of the password, as Dex has it or a new one\"\n"
                     "  type        = string\n"
                     "  sensitive   = true\n"
                     "}\n"
                     "\n"
                     "resource \"kubeflow_platform\" \"this\" {\n"
                     "  release = \"26.03\"\n"
                     "  users = {\n"
                     "    \"ml@example.com\" = {\n"
                     "      profile       = \"ml\"\n"
                     "      password_hash = var.password_hash_ml_example_com\n"
                     "    }\n"
                     "  }\n"
                     "  gateway = {\n"
                     "    annotations = {\n"
                     "      \"a.b/c\" = \"say \\\"$${x}\\\"\"\n"
                     "      d       = \"on\"\n"
                     "    }\n"
                     "  }\n"
                     "  components = [\"a\", \"b\"]\n"
                     "}\n");
    import_found_done(&f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("import");
    TCase *t = tcase_create("import");
    SRunner *r;
    int failed;

    tcase_add_test(t, tells_the_release_by_tags);
    tcase_add_test(t, a_record_of_ours_counts_more);
    tcase_add_test(t, components_are_those_whose_objects_are_there);
    tcase_add_test(t, no_component_is_an_error);
    tcase_add_test(t, reads_gateway_and_storage);
    tcase_add_test(t, the_default_class_is_none);
    tcase_add_test(t, reads_logins_and_no_passwords);
    tcase_add_test(t, profiles_are_read_where_they_are_made);
    tcase_add_test(t, the_public_password_is_the_default_login);
    tcase_add_test(t, nothing_is_undone_silently);
    tcase_add_test(t, what_is_a_tools_stays_its_own);
    tcase_add_test(t, writes_hcl);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
