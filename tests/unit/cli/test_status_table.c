/* What `status` prints: whole, narrow, low, and of a cluster that means ill. */
#include "provider/cli/status_table.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#include "lib/base/banned.h"

static char key[] = "apps/Deployment/istio-system/istiod";
static char why[] = "0 of 1 replicas are available";
static struct status_trouble one[] = {{key, why}};
static struct status_trouble twelve[12];

static struct status_group groups[] = {
    {STATUS_COMPONENT, (char[]){"cert-manager"}, (char[]){"1.19.4"}, 49, 49, 49, NULL, 0},
    {STATUS_COMPONENT, (char[]){"istio-install"}, (char[]){"1.29.0"}, 12, 37, 30, one, 1},
    {STATUS_NAMESPACE, (char[]){"kubeflow"}, (char[]){""}, 0, 12, 12, twelve, 12},
};

static struct status status = {.name = (char[]){"platform-this"},
                               .title = (char[]){"Kubeflow 26.03"},
                               .release = (char[]){"26.03"},
                               .lock = (char[]){"process 42 on host-a"},
                               .ready = 61,
                               .total = 98,
                               .there = 91,
                               .groups = groups,
                               .ngroups = 3};

static void setup(void)
{
    static char texts[12][8];

    for (size_t i = 0; i < 12; i++) {
        snprintf(texts[i], sizeof(texts[i]), "Job/%zu", i);
        twelve[i] = (struct status_trouble){texts[i], why};
    }
}

static size_t count(const char *text, char c)
{
    size_t n = 0;

    for (; *text; text++)
        n += *text == c;
    return n;
}

START_TEST(whole)
{
    struct status_screen screen = {0};
    struct buf out CLEANUP(buf_done) = BUF_INIT;
    size_t lines = status_table(&status, &screen, &out);
    static const char start[] =
        "Kubeflow 26.03 (kubeflow-terraform/platform-this), release 26.03, unfinished\n"
        "at work on it: process 42 on host-a\n"
        "  cert-manager        [####################]  49/49  1.19.4\n"
        "  istio-install       [######..............]  12/37  1.29.0\n"
        "      apps/Deployment/istio-system/istiod: 0 of 1 replicas are available\n"
        "      7 that aren't there\n"
        "  namespace kubeflow  [....................]   0/12\n"
        "      Job/0: 0 of 1 replicas are available\n";

    ck_assert_msg(!strncmp(buf_str(&out), start, sizeof(start) - 1), "%s", buf_str(&out));
    ck_assert_ptr_nonnull(strstr(buf_str(&out), "      and 2 more that aren't ready\n"));
    ck_assert_ptr_nonnull(strstr(buf_str(&out), "\n61 of 98 objects ready, 7 not there\n"));
    ck_assert_uint_eq(lines, count(buf_str(&out), '\n'));
}
END_TEST

/* The number of lines is what is drawn over the next time: it must be right, and fit. */
START_TEST(low)
{
    for (size_t height = 1; height <= 30; height++) {
        struct status_screen screen = {.height = height};
        struct buf out CLEANUP(buf_done) = BUF_INIT;
        size_t lines = status_table(&status, &screen, &out);

        ck_assert_uint_le(lines, height);
        ck_assert_uint_eq(lines, count(buf_str(&out), '\n'));
        ck_assert_ptr_nonnull(strstr(buf_str(&out), "61 of 98 objects ready"));
        if (height >= 6) /* trouble is shown before what is well */
            ck_assert_ptr_nonnull(strstr(buf_str(&out), "istio-install"));
        if (height == 10) {
            ck_assert_ptr_null(strstr(buf_str(&out), "cert-manager"));
            ck_assert_ptr_nonnull(strstr(buf_str(&out), "(not shown: 1 rows without trouble)"));
        }
    }
}
END_TEST

START_TEST(narrow)
{
    struct status_screen screen = {.width = 40};
    struct buf out CLEANUP(buf_done) = BUF_INIT;

    status_table(&status, &screen, &out);
    for (const char *p = buf_str(&out); *p; p += strcspn(p, "\n") + 1)
        ck_assert_uint_le(strcspn(p, "\n"), 40);
}
END_TEST

START_TEST(hostile)
{
    struct status_screen screen = {0};
    struct status_trouble trouble = {key, (char[]){"\x1b[2J\nroot# \xc2\x9b"}};
    struct status_group group = {
        STATUS_COMPONENT, (char[]){"\x1b]0;x\x07"}, (char[]){"\r1"}, 0, 1, 1, &trouble, 1};
    struct status s = status;
    struct buf out CLEANUP(buf_done) = BUF_INIT;
    size_t lines;

    s.title = s.lock = s.release = (char[]){"a\x1b\n"};
    s.groups = &group;
    s.ngroups = 1;
    lines = status_table(&s, &screen, &out);
    lines += status_summary(&s, 1, &screen, &out);
    status_line(&s, &out);
    ck_assert_uint_eq(count(buf_str(&out), '\n'), lines + 1);
    ck_assert_ptr_null(strpbrk(buf_str(&out), "\x1b\x07\r"));
    ck_assert_ptr_null(strstr(buf_str(&out), "\xc2\x9b"));
}
END_TEST

START_TEST(several)
{
    struct status_screen screen = {0};
    struct status all[] = {status,
                           {.name = (char[]){"component-x"},
                            .title = (char[]){"x 1"},
                            .installed = true,
                            .lock = (char[]){""},
                            .ready = 3,
                            .total = 3}};
    struct buf out CLEANUP(buf_done) = BUF_INIT;

    ck_assert_uint_eq(status_summary(all, 2, &screen, &out), 2);
    ck_assert_str_eq(buf_str(&out),
                     "platform-this  [############........]  61/98  Kubeflow 26.03, unfinished, at "
                     "work on it: process 42 on host-a\n"
                     "component-x    [####################]   3/3  x 1\n");
}
END_TEST

START_TEST(one_line)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT;

    status_line(&status, &out);
    ck_assert_str_eq(buf_str(&out),
                     "Kubeflow 26.03: 61 of 98 objects ready, unfinished; not ready: "
                     "apps/Deployment/istio-system/istiod: 0 of 1 replicas are available and 12 "
                     "more\n");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("status_table");
    TCase *t = tcase_create("status_table");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, whole);
    tcase_add_test(t, low);
    tcase_add_test(t, narrow);
    tcase_add_test(t, hostile);
    tcase_add_test(t, several);
    tcase_add_test(t, one_line);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
