#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/mem.h"

#include "lib/base/banned.h"

/* FIPS 180-4's examples. */
START_TEST(sha256)
{
    static const struct {
        const char *text, *hex;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char hex[HASH_HEX_SIZE];

        hash_sha256_hex(cases[i].text, strlen(cases[i].text), hex);
        ck_assert_str_eq(hex, cases[i].hex);
    }
}
END_TEST

START_TEST(running_hash_is_the_same_and_reusable)
{
    struct hash *h CLEANUP(hash_cleanup) = hash_new();
    uint8_t sum[HASH_SIZE], whole[HASH_SIZE];

    hash_sha256("abc", 3, whole);
    for (int i = 0; i < 2; i++) {
        hash_add(h, "a", 1);
        hash_add(h, NULL, 0);
        hash_add(h, "bc", 2);
        hash_end(h, sum);
        ck_assert_mem_eq(sum, whole, HASH_SIZE);
    }
    hash_free(NULL);
}
END_TEST

/* RFC 4648, section 10. */
static const struct {
    const char *plain, *encoded;
} base64_cases[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

START_TEST(base64)
{
    for (size_t i = 0; i < ARRAY_LEN(base64_cases); i++) {
        const char *plain = base64_cases[i].plain;
        char *text = hash_base64(plain, strlen(plain));
        uint8_t *back = NULL;
        size_t len = 99;

        ck_assert_str_eq(text, base64_cases[i].encoded);
        ck_assert_int_eq(hash_base64_decode(text, strlen(text), &back, &len), 0);
        ck_assert_uint_eq(len, strlen(plain));
        ck_assert_str_eq((char *)back, plain);
        free(back);
        free(text);
    }
}
END_TEST

START_TEST(base64url)
{
    char *text = hash_base64url("\xfb\xff\xfe", 3), *standard = hash_base64("\xfb\xff\xfe", 3);

    ck_assert_str_eq(text, "-__-");
    ck_assert_str_eq(standard, "+//+");
    free(text);
    free(standard);
    text = hash_base64url("f", 1);
    ck_assert_str_eq(text, "Zg");
    free(text);
}
END_TEST

START_TEST(base64_decoding_is_lenient_on_space_and_padding_only)
{
    static const char *const good[] = {"Zm9vYg==", "Zm9vYg", "Zm9v\nYg==\n",
                                       " Zm9vYg = =", "Zm9vYg="};
    static const char *const bad[] = {"Zm9vY", "Zm9v-g==", "Zg==Zg==", "====", "Zm9v*", "Z"};

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        uint8_t *data = NULL;
        size_t len = 0;

        ck_assert_msg(!hash_base64_decode(good[i], strlen(good[i]), &data, &len), "%s", good[i]);
        ck_assert_str_eq((char *)data, "foob");
        free(data);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        uint8_t *data = NULL;
        size_t len = 0;

        ck_assert_msg(hash_base64_decode(bad[i], strlen(bad[i]), &data, &len) == ERR_INVALID, "%s",
                      bad[i]);
        ck_assert_ptr_null(data);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/hash");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, sha256);
    tcase_add_test(t, running_hash_is_the_same_and_reusable);
    tcase_add_test(t, base64);
    tcase_add_test(t, base64url);
    tcase_add_test(t, base64_decoding_is_lenient_on_space_and_padding_only);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
