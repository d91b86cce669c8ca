/* The orders are those of `sortOptions` in kustomize 5.5.0. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/krm/order.h"
#include "lib/krm/path.h"

#include "lib/base/banned.h"

static json_t *objects(void)
{
    static const char *const rows[][4] = {
        {"v1", "Service", "ab", "b"},
        {"v1", "Service", "a", "z"},
        {"v1", "Service", NULL, "a"},
        {"admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", NULL, "v"},
        {"admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", NULL, "m"},
        {"x.io/v1", "Thing", NULL, "t"},
        {"x.io/v1", "Other", NULL, "t"},
        {"v1", "Pod", NULL, "p"},
        {"apps/v1", "Deployment", NULL, "d"},
        {"zother.io/v1", "Namespace", NULL, "o"},
        {"other.io/v1", "Namespace", NULL, "o"},
        {"v1", "Namespace", NULL, "n"},
        {"rbac.authorization.k8s.io/v1", "ClusterRole", NULL, "c"},
    };
    json_t *list = json_array();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:{s:s*, s:s}}", "apiVersion", rows[i][0],
                                              "kind", rows[i][1], "metadata", "namespace",
                                              rows[i][2], "name", rows[i][3]));
    return list;
}

static void expect(const struct krm_order *order, const char *want)
{
    json_auto_t *list = objects();
    struct buf got = BUF_INIT;
    json_t *o;
    size_t i;

    krm_sort(list, order);
    json_array_foreach (list, i, o) {
        buf_printf(&got, "%s/%s ", krm_str(o, "kind", NULL), krm_str(o, "metadata", "name", NULL));
    }
    ck_assert_str_eq(buf_str(&got), want);
    buf_done(&got);
}

START_TEST(sorts_as_legacy)
{
    expect(&krm_order_legacy,
           "Namespace/n Namespace/o Namespace/o ClusterRole/c Service/b Service/z Service/a "
           "Deployment/d Other/t Thing/t Pod/p MutatingWebhookConfiguration/m "
           "ValidatingWebhookConfiguration/v ");
}
END_TEST

START_TEST(sorts_by_given_kinds)
{
    static const char *const first[] = {"Pod", "Thing"}, *const last[] = {"Namespace", "Service"};
    struct krm_order order = {first, ARRAY_LEN(first), last, ARRAY_LEN(last)};

    expect(&order, "Pod/p Thing/t MutatingWebhookConfiguration/m ValidatingWebhookConfiguration/v "
                   "Deployment/d ClusterRole/c Other/t Namespace/n Namespace/o Namespace/o "
                   "Service/b Service/z Service/a ");
}
END_TEST

START_TEST(takes_a_kind_s_last_place)
{
    static const char *const first[] = {"Pod", "Thing", "Service", "Pod"}, *const last[] = {
                                                                               "Thing"};
    struct krm_order order = {first, ARRAY_LEN(first), last, ARRAY_LEN(last)};
    json_auto_t *list = objects();

    krm_sort(list, &order);
    ck_assert_str_eq(krm_str(json_array_get(list, 3), "kind", NULL), "Pod");
    ck_assert_str_eq(krm_str(json_array_get(list, 12), "kind", NULL), "Thing");
}
END_TEST

START_TEST(sorts_nothing)
{
    json_auto_t *list = json_array();

    krm_sort(list, &krm_order_legacy);
    ck_assert_uint_eq(json_array_size(list), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("order");
    TCase *t = tcase_create("order");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, sorts_as_legacy);
    tcase_add_test(t, sorts_by_given_kinds);
    tcase_add_test(t, takes_a_kind_s_last_place);
    tcase_add_test(t, sorts_nothing);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
