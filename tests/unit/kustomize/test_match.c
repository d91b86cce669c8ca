/* What chooses: regular expressions, label selectors, image names. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/kustomize/image.h"
#include "lib/kustomize/regex.h"
#include "lib/kustomize/selector.h"

#include "lib/base/banned.h"

/* --- regular expressions ------------------------------------------------------------------------- */

static const struct {
    const char *pattern, *text;
    bool whole, want;
} regexes[] = {
    {"web", "web", true, true},
    {"web", "webs", true, false},
    {"web", "a-web-b", false, true},
    {"w.b", "web", true, true},
    {"w.b", "w\nb", true, false},
    {"a|b", "ab", true, false},
    {"a|b", "b", true, true},
    {"(a|b)+", "abba", true, true},
    {"(?:a|b){2}", "ab", true, true},
    {"(?:a|b){2}", "abb", true, false},
    {"(?P<name>x)y", "xy", true, true},
    {"(?<name>x)y", "xy", true, true},
    {"(?i)WEB", "web", true, true},
    {"a.*?b", "axxb", true, true},
    {"a+?", "aaa", true, true},
    {"a??b", "b", true, true},
    {"\\d+", "2024", true, true},
    {"\\d+", "2o24", true, false},
    {"\\D", "x", true, true},
    {"\\w+", "a_9", true, true},
    {"\\W", "-", true, true},
    {"\\s\\S", " x", true, true},
    {"a\\.b", "a.b", true, true},
    {"a\\.b", "axb", true, false},
    {"\\Qa.b\\E+", "a.bb", true, true},
    {"[a-c]x", "bx", true, true},
    {"[^a-c]x", "bx", true, false},
    {"[]a]+", "]a", true, true},
    {"[^]a]", "]", true, false},
    {"[a\\]b]", "]", true, true},
    {"[\\d.]+", "1.2", true, true},
    {"[\\^-]", "^", true, true},
    {"[-a]", "-", true, true},
    {"[[]", "[", true, true},
    {"[\\D]", "5", true, false},
    {"x{", "x{", true, true},
    {"x{a}", "x{a}", true, true},
    {"x{2,}", "xxx", true, true},
    {"x{2,3}", "xxxx", true, false},
    {"a{0}b", "b", true, true},
    {"^web$", "web", true, true},
    {"\\Aweb\\z", "web", true, true},
    {"\\bweb\\b", "a web b", false, true},
    {"", "", true, true},
    {"a]b}", "a]b}", true, true},
    {"controller-manager.*", "controller-manager-x", true, true},
};

START_TEST(matches)
{
    struct regex re CLEANUP(regex_done) = {0};
    struct err err CLEANUP(err_done) = ERR_INIT;
    int rc = regex_init(&re, regexes[_i].pattern, regexes[_i].whole, &err);

    ck_assert_msg(!rc, "%s", err_msg(&err));
    ck_assert_msg(regex_match(&re, regexes[_i].text) == regexes[_i].want, "%s on %s",
                  regexes[_i].pattern, regexes[_i].text);
}
END_TEST

static const struct {
    const char *pattern;
    int want;
} bad_regexes[] = {
    {"a(b", ERR_INVALID},
    {"a)b", ERR_INVALID},
    {"*a", ERR_INVALID},
    {"a**", ERR_INVALID},
    {"[a", ERR_INVALID},
    {"[z-a]", ERR_INVALID},
    {"a{1001}", ERR_INVALID},
    {"a{3,2}", ERR_INVALID},
    {"a|*b", ERR_INVALID},
    {"\\pL", ERR_UNSUPPORTED},
    {"(?s)a", ERR_UNSUPPORTED},
    {"[[:alpha:]]", ERR_UNSUPPORTED},
    {"((a{1000}){1000}){1000}", ERR_INVALID},
    {"(a{32}b|c){32}", ERR_INVALID},
    {"(abcdefghijklmnopqrstu){1000}", ERR_LIMIT},
    {"a\\", ERR_UNSUPPORTED},
    {"\\1", ERR_UNSUPPORTED},
    {"[\\pL]", ERR_UNSUPPORTED},
};

START_TEST(refuses_patterns)
{
    struct regex re CLEANUP(regex_done) = {0};
    struct err err CLEANUP(err_done) = ERR_INIT;

    ck_assert_msg(regex_init(&re, bad_regexes[_i].pattern, true, &err) == bad_regexes[_i].want,
                  "%s: %s", bad_regexes[_i].pattern, err_msg(&err));
    ck_assert_ptr_nonnull(strstr(err_msg(&err), bad_regexes[_i].pattern));
}
END_TEST

START_TEST(repeats_in_one_another)
{
    struct regex re CLEANUP(regex_done) = {0};

    ck_assert_int_eq(regex_init(&re, "(a{10}){100}", true, NULL), 0);
    ck_assert(!regex_match(&re, "aaaaaaaaaa"));
}
END_TEST

START_TEST(limits_patterns)
{
    struct regex re CLEANUP(regex_done) = {0};
    char pattern[REGEX_MAX_PATTERN + 2];

    memset(pattern, 'a', sizeof(pattern) - 1);
    pattern[sizeof(pattern) - 1] = 0;
    ck_assert_int_eq(regex_init(&re, pattern, true, NULL), ERR_LIMIT);
}
END_TEST

/* --- label selectors ------------------------------------------------------------------------------ */

static const struct {
    const char *rules, *labels;
    int want; /* 1, 0, or an error */
} selectors[] = {
    {"", "{}", 1},
    {"a=b", "{\"a\": \"b\"}", 1},
    {"a==b", "{\"a\": \"b\"}", 1},
    {"a=b", "{\"a\": \"c\"}", 0},
    {"a=b", "{}", 0},
    {"a!=b", "{}", 1},
    {"a!=b", "{\"a\": \"b\"}", 0},
    {"a", "{\"a\": \"\"}", 1},
    {"!a", "{\"a\": \"\"}", 0},
    {"!a,b", "{\"b\": \"\"}", 1},
    {"a=b,c=d", "{\"a\": \"b\", \"c\": \"d\"}", 1},
    {"a=b,c=d", "{\"a\": \"b\"}", 0},
    {" a in ( x , y ) ", "{\"a\": \"y\"}", 1},
    {"a in (x,y)", "{\"a\": \"z\"}", 0},
    {"a notin (x,y)", "{}", 1},
    {"a notin (x,y)", "{\"a\": \"x\"}", 0},
    {"a in (x,)", "{\"a\": \"\"}", 1},
    {"a=", "{\"a\": \"\"}", 1},
    {"a=,b", "{\"a\": \"\", \"b\": \"1\"}", 1},
    {"a>3", "{\"a\": \"4\"}", 1},
    {"a>3", "{\"a\": \"3\"}", 0},
    {"a<3", "{\"a\": \"x\"}", 0},
    {"example.com/a=b", "{\"example.com/a\": \"b\"}", 1},
    {"a=1", "{\"a\": 1}", 1},
    {"a=b,", "{}", ERR_INVALID},
    {"a=b c", "{}", ERR_INVALID},
    {"=b", "{}", ERR_INVALID},
    {"a in x", "{}", ERR_INVALID},
    {"a in (x", "{}", ERR_INVALID},
    {"!a=b", "{}", ERR_INVALID},
    {"a>x", "{}", ERR_INVALID},
    {"-a=b", "{}", ERR_INVALID},
    {"a=b_", "{}", ERR_INVALID},
    {"a=x y=z", "{}", ERR_INVALID},
};

START_TEST(selects_by_labels)
{
    struct label_rules rules = {0};
    json_auto_t *labels = json_loads(selectors[_i].labels, 0, NULL);
    struct err err CLEANUP(err_done) = ERR_INIT;
    int rc = label_rules_parse(selectors[_i].rules, &rules, &err);

    if (selectors[_i].want < 0) {
        ck_assert_msg(rc == selectors[_i].want, "%s", selectors[_i].rules);
        return;
    }
    ck_assert_msg(!rc, "%s", err_msg(&err));
    ck_assert_msg(label_rules_match(&rules, labels) == (selectors[_i].want == 1), "%s on %s",
                  selectors[_i].rules, selectors[_i].labels);
    label_rules_done(&rules);
}
END_TEST

/* --- images --------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *image;
    bool want;
} image_names[] = {
    {"nginx", "nginx", true},
    {"nginx", "nginx:1", true},
    {"nginx", "nginx@sha256:abc", true},
    {"nginx", "nginx:1@sha256:abc", true},
    {"nginx", "nginx:", true},
    {"nginx", "nginx-extra", false},
    {"nginx", "library/nginx", false},
    {"nginx", "nginx:1/2", false},
    {"nginx", "nginx@md5:abc", false},
    {"host:5000/a", "host:5000/a:v1", true},
    {"gcr.io/a", "gcrXio/a", true}, /* names are regular expressions in the reference */
    {"a|b", "xb:1", true},          /* and not grouped */
    {"(a|b)", "b:1", true},
    {"a{2}", "aa:{TAG}", true},
};

START_TEST(matches_images)
{
    struct image_matcher im;

    ck_assert_int_eq(image_matcher_init(&im, image_names[_i].name, NULL), 0);
    ck_assert_msg(image_match(&im, image_names[_i].image) == image_names[_i].want, "%s on %s",
                  image_names[_i].name, image_names[_i].image);
    image_matcher_done(&im);
}
END_TEST

static const struct {
    const char *image;
    struct image_change change;
    const char *want;
} image_changes[] = {
    {"a:1", {"", "", "", ""}, "a:1"},
    {"a", {"b", "", "", ""}, "b"},
    {"a:1@sha256:x", {"b", "", "", ""}, "b:1@sha256:x"},
    {"a:1@sha256:x", {"", "2", "", ""}, "a:2"},
    {"a:1@sha256:x", {"", "", "", "sha256:y"}, "a@sha256:y"},
    {"a:1", {"", "2", "", "sha256:y"}, "a:2@sha256:y"},
    {"a:1", {"", "", "-x", ""}, "a:1-x"},
    {"a@sha256:x", {"", "", "-x", ""}, "a:-x"},
    {"a:1", {"", "2", "-x", ""}, "a:2"},
    {"h:5000/a", {"", "2", "", ""}, "h:5000/a:2"},
    {"h:5000/a:1", {"n/b", "", "", ""}, "n/b:1"},
};

START_TEST(changes_images)
{
    char *got CLEANUP(mem_cleanup) =
        image_apply(image_changes[_i].image, &image_changes[_i].change);

    ck_assert_str_eq(got, image_changes[_i].want);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("match");
    TCase *tcase = tcase_create("match");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tcase, matches, 0, ARRAY_LEN(regexes));
    tcase_add_test(tcase, repeats_in_one_another);
    tcase_add_loop_test(tcase, refuses_patterns, 0, ARRAY_LEN(bad_regexes));
    tcase_add_test(tcase, limits_patterns);
    tcase_add_loop_test(tcase, selects_by_labels, 0, ARRAY_LEN(selectors));
    tcase_add_loop_test(tcase, matches_images, 0, ARRAY_LEN(image_names));
    tcase_add_loop_test(tcase, changes_images, 0, ARRAY_LEN(image_changes));
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
