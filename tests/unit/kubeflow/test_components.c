/* Which components are installed: picked, needed, left out, refused. */
#include "resources/kubeflow/components.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "tests/unit/kubeflow/settings_cases.h"

#include "lib/base/banned.h"

static const struct {
    const char *chosen, *existing; /* JSON with ' for "; NULL = not set */
    const char *resolved;          /* names, in order, each with a space behind it; of 26.03 */
    const char *attribute, *message;
} cases[] = {
    {"['cert-manager']", NULL, "cert-manager ", NULL, NULL},
    /* what it needs to be applied, and what it runs with, needed ones first; what exists brings
     * nothing along */
    {"['user-namespace']", "['istio', 'pipelines']",
     "kubeflow-namespace kubeflow-roles profiles user-namespace ", NULL, NULL},
    {"['admission-webhook', 'cert-manager']", "['kubeflow-namespace', 'profiles']",
     "cert-manager admission-webhook ", NULL, NULL},
    {"['admission-webhook']", "['kubeflow-namespace', 'profiles', 'cert-manager']",
     "admission-webhook ", NULL, NULL},
    {"['katyb']", NULL, NULL, "components", "did you mean \"katib\""},
    {"['katib']", "['isto']", NULL, "existing", "no component \"isto\""},
    {"['katib']", "['katib']", NULL, "components", "in components and in existing"},
    {"[]", NULL, NULL, "components", "nothing is left"},
    {"[null]", NULL, NULL, "components", "no component \"\""},
    {NULL, "[null]", NULL, "existing", "no component \"\""},
};

START_TEST(are_resolved)
{
    json_auto_t *chosen = cases[_i].chosen ? settings_json(cases[_i].chosen) : NULL;
    json_auto_t *existing = cases[_i].existing ? settings_json(cases[_i].existing) : NULL;
    json_auto_t *components = NULL;
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct buf names CLEANUP(buf_done) = BUF_INIT;
    const char *attribute = NULL;
    const json_t *name;
    size_t i;
    int rc = components_resolve(catalog_release("26.03"), chosen, existing, &components, &attribute,
                                &err);

    ck_assert_msg(!rc == !cases[_i].message, "%s", err_msg(&err));
    if (cases[_i].message) {
        ck_assert_str_eq(attribute, cases[_i].attribute);
        ck_assert_msg(strstr(err_msg(&err), cases[_i].message) != NULL, "%s", err_msg(&err));
        return;
    }
    json_array_foreach (components, i, name)
        buf_printf(&names, "%s ", json_string_value(name));
    ck_assert_str_eq(buf_str(&names), cases[_i].resolved);
}
END_TEST

/* Nothing chosen: what the release installs by itself, of which nothing is missing. */
START_TEST(default_is_the_releases_own)
{
    size_t len, n;
    const struct catalog_release *all = catalog_releases(&len);

    for (size_t r = 0; r < len; r++) {
        json_auto_t *components = NULL;
        const char *attribute;

        n = 0;
        for (size_t i = 0; i < all[r].ncomponents; i++)
            n += all[r].components[i].by_default;
        ck_assert_int_eq(components_resolve(&all[r], NULL, NULL, &components, &attribute, NULL), 0);
        ck_assert_uint_eq(json_array_size(components), n);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kubeflow/components");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, are_resolved, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(t, default_is_the_releases_own);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
