#include <stdlib.h>

#include "lib/krm/path.h"
#include "tests/unit/kubeflow/settings_cases.h"

#include "lib/base/banned.h"

#define L(x)  "{'dashboard_links': [" x "]}"
#define NEEDS "['central-dashboard']"

static const struct settings_case cases[] = {
    {NULL, "[]", "{}", NULL},
    {NULL, "[]", L(""), NULL},
    {NULL, NEEDS, L("{'text': 'Grafana', 'link': '/grafana/'}"), NULL},
    {NULL, NEEDS,
     L("{'text': 'Grafana', 'link': '/grafana/', 'location': 'menu', 'icon': 'a:b-c'}"), NULL},
    {NULL, NEEDS, L("{'text': 'W', 'link': 'https://w.example', 'location': 'external'}"), NULL},
    {NULL, NEEDS,
     L("{'text': 'W', 'link': 'https://w.example/a?b#c', 'location': 'documentation', "
       "'description': 'd'}"),
     NULL},
    {NULL, NEEDS, L("{'text': 'W', 'link': '/jupyter/new', 'location': 'quick'}"), NULL},
    {NULL, "['pipelines']", L("{'text': 'W', 'link': '/w'}"), "or leave dashboard_links out"},
    {NULL, NEEDS, L("{'text': '', 'link': '/w'}"), "text has 1 to"},
    {NULL, NEEDS, L("{'text': 'W', 'link': 'https://w.example/'}"), "is \"external\""},
    {NULL, NEEDS, L("{'text': 'W', 'link': '/a b'}"), "dashboard_links[0].link"},
    {NULL, NEEDS, L("{'text': 'W', 'link': '/'}, {'text': 'W', 'link': ''}"),
     "dashboard_links[1].link"},
    {NULL, NEEDS, L("{'text': 'W', 'link': 'javascript:alert(1)', 'location': 'external'}"),
     "the address of a site"},
    {NULL, NEEDS, L("{'text': 'W', 'link': '/w', 'location': 'documentation'}"),
     "the address of a site"},
    {NULL, NEEDS, L("{'text': 'W', 'link': '/w', 'location': 'footer'}"),
     "it has \"menu\", \"external\", \"documentation\", \"quick\""},
    {NULL, NEEDS, L("{'text': 'W', 'link': '/w', 'icon': 'a b'}"),
     "isn't the name of an iron-icon"},
    {NULL, NEEDS, L("{'text': 'W', 'link': '/w', 'location': 'quick', 'icon': 'a'}"),
     "dashboard_links[0].icon: the dashboard shows none"},
    {NULL, NEEDS, L("{'text': 'W', 'link': '/w', 'description': 'a'}"),
     "dashboard_links[0].description: the dashboard shows none"},
};

START_TEST(checks)
{
    settings_run_case(&cases[_i], "26.03", dashboard_check);
}
END_TEST

START_TEST(there_is_an_end_to_it)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *components = settings_json(NEEDS);
    json_auto_t *values = json_pack("{s:[]}", "dashboard_links");
    struct settings s = {
        .release = catalog_release("26.03"), .components = components, .values = values};

    for (int i = 0; i < 101; i++)
        json_array_append_new(json_object_get(values, "dashboard_links"),
                              json_pack("{s:s, s:s}", "text", "W", "link", "/w"));
    ck_assert_int_eq(dashboard_check(&s, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "101 links; 100 at most"));
    json_array_remove(json_object_get(values, "dashboard_links"), 0);
    ck_assert_int_eq(dashboard_check(&s, NULL), 0);
}
END_TEST

static json_t *map_with(const char *links)
{
    char *copy CLEANUP(mem_cleanup) = mem_strdup(links);

    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    return json_pack("[{s:s, s:{s:s}, s:{s:s, s:s}}]", "kind", "ConfigMap", "metadata", "name",
                     "centraldashboard-config", "data", "settings", "kept", "links", copy);
}

/* What Kubeflow's page "Customize the Dashboard" asks for. */
START_TEST(links_come_behind_the_releases_own)
{
    json_auto_t *values = settings_json(
        L("{'text': 'G', 'link': '/g/'}, {'text': 'E', 'link': 'https://e.example', 'location': "
          "'external', 'icon': 'book'}, {'text': 'Q', 'link': '/q', 'location': 'quick', "
          "'description': 'd'}, {'text': 'D', 'link': 'https://d.example', 'location': "
          "'documentation'}"));
    json_auto_t *objects = map_with("{'menuLinks': [{'text': 'first'}], 'externalLinks': [], "
                                    "'documentationItems': [], 'quickLinks': [], 'other': 1}");
    json_auto_t *got = NULL;
    json_auto_t *want = settings_json(
        "{'menuLinks': [{'text': 'first'}, {'type': 'item', 'text': 'G', 'link': '/g/', 'icon': "
        "'launch'}], 'externalLinks': [{'type': 'item', 'iframe': false, 'text': 'E', 'link': "
        "'https://e.example', 'icon': 'book'}], 'documentationItems': [{'text': 'D', 'link': "
        "'https://d.example', 'desc': ''}], 'quickLinks': [{'text': 'Q', 'link': '/q', 'desc': "
        "'d'}], 'other': 1}");
    struct settings s = {.release = catalog_release("26.03"), .values = values};
    const json_t *map = json_array_get(objects, 0);

    ck_assert_int_eq(dashboard_adjust(&s, objects, NULL), 0);
    got = json_loads(krm_str(map, "data", "links", NULL), 0, NULL);
    ck_assert(json_equal(got, want));
    ck_assert_str_eq(krm_str(map, "data", "settings", NULL), "kept");
}
END_TEST

/* A fork without what is to be changed, or with something else in its place. */
START_TEST(what_is_missing_is_named)
{
    static const char *const wrong[] = {"", "[]", "{}", "{'menuLinks': {}}", "{"};
    json_auto_t *values = settings_json(L("{'text': 'G', 'link': '/g/'}"));
    struct settings s = {.release = catalog_release("26.03"), .values = values};
    json_auto_t *none = json_array();

    ck_assert_int_eq(dashboard_adjust(&s, none, NULL), ERR_INVALID);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct err err CLEANUP(err_done) = ERR_INIT;
        json_auto_t *objects = map_with(wrong[i]);

        ck_assert_int_eq(dashboard_adjust(&s, objects, &err), ERR_INVALID);
        ck_assert_ptr_nonnull(strstr(err_msg(&err), "no list \"menuLinks\""));
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kubeflow/settings_dashboard");
    TCase *t = tcase_create("dashboard_links");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, checks, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(t, there_is_an_end_to_it);
    tcase_add_test(t, links_come_behind_the_releases_own);
    tcase_add_test(t, what_is_missing_is_named);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
