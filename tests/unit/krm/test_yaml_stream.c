/* Many documents as one stream. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/yaml_stream.h"

#include "lib/base/banned.h"

static char *printed(const json_t *documents)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    ck_assert_int_eq(yaml_print_documents(documents, YAML_SORT_KEYS, out, &err), 0);
    fclose(out);
    return text;
}

START_TEST(separates_documents)
{
    json_auto_t *documents = json_pack("[{s:i,s:i},{s:s}]", "b", 2, "a", 1, "c", "text");
    char *text CLEANUP(mem_cleanup) = printed(documents);

    ck_assert_str_eq(text, "a: 1\nb: 2\n---\nc: text\n");
}
END_TEST

START_TEST(of_nothing_is_nothing)
{
    json_auto_t *documents = json_array();
    char *text CLEANUP(mem_cleanup) = printed(documents);

    ck_assert_str_eq(text, "");
}
END_TEST

/* Whichever thread wrote which of them. */
START_TEST(keeps_the_order_of_many)
{
    struct buf expected CLEANUP(buf_done);
    json_auto_t *documents = json_array();
    char *text CLEANUP(mem_cleanup) = NULL;

    buf_init(&expected, BUF_MAX_DOCUMENT);
    for (int i = 0; i < 5000; i++) {
        json_array_append_new(documents,
                              json_pack("{s:i,s:[s,s]}", "number", i, "list", "one", "two"));
        buf_printf(&expected, "%slist:\n- one\n- two\nnumber: %d\n", i ? "---\n" : "", i);
    }
    text = printed(documents);
    ck_assert(!strcmp(text, buf_str(&expected))); /* too long to be shown */
}
END_TEST

START_TEST(says_that_the_output_is_full)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *documents = json_pack("[{s:s}]", "key", "value");
    FILE *full = fopen("/dev/full", "w");

    setvbuf(full, NULL, _IONBF, 0);
    ck_assert_int_eq(yaml_print_documents(documents, YAML_KEEP_ORDER, full, &err), ERR_FAIL);
    fclose(full);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("core");
    Suite *s = suite_create("yaml_stream");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(tc, separates_documents);
    tcase_add_test(tc, of_nothing_is_nothing);
    tcase_add_test(tc, keeps_the_order_of_many);
    tcase_add_test(tc, says_that_the_output_is_full);
    suite_add_tcase(s, tc);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
