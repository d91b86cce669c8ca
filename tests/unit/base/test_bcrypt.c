#include <check.h>
#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/bcrypt.h"
#include "lib/base/mem.h"

#include "lib/base/banned.h"

static bool verifies(const char *password, const char *hash)
{
    struct crypt_data *data = mem_calloc(1, sizeof(*data));
    const char *again = crypt_rn(password, hash, data, sizeof(*data));
    bool same = again && !strcmp(again, hash);

    free(data);
    return same;
}

START_TEST(hashes_verify_and_have_their_own_salt)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    char a[BCRYPT_HASH_SIZE], b[BCRYPT_HASH_SIZE];

    ck_assert_int_eq(bcrypt_hash("correct horse", a, &err), 0);
    ck_assert_int_eq(bcrypt_hash("correct horse", b, &err), 0);
    ck_assert_str_ne(a, b);
    ck_assert_int_eq(strncmp(a, "$2b$12$", 7), 0);
    ck_assert(verifies("correct horse", a));
    ck_assert(verifies("correct horse", b));
    ck_assert(!verifies("correct horsf", a));
    ck_assert_int_eq(bcrypt_check(a, &err), 0);
}
END_TEST

/* What bcrypt would cut off must not silently be no part of the password. */
START_TEST(passwords_have_a_length)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    char out[BCRYPT_HASH_SIZE], text[BCRYPT_MAX_PASSWORD + 2];

    memset(text, 'q', sizeof(text));
    text[BCRYPT_MAX_PASSWORD + 1] = '\0';
    ck_assert_int_eq(bcrypt_hash(text, out, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "73 bytes"));
    ck_assert_ptr_null(strstr(err_msg(&err), "qq"));
    text[BCRYPT_MAX_PASSWORD] = '\0';
    ck_assert_int_eq(bcrypt_hash(text, out, &err), 0);
    ck_assert_int_eq(bcrypt_hash("", out, &err), ERR_INVALID);
}
END_TEST

/* The first is that of all releases of Kubeflow, made by htpasswd of "12341234". */
static const struct {
    const char *hash;
    int rc;
} forms[] = {
    {"$2y$12$4K/VkmDd1q1Orb3xAt82zu8gk7Ad6ReFR4LCP9UeYE90NLiN9Df72", 0},
    {"$2a$10$4K/VkmDd1q1Orb3xAt82zu8gk7Ad6ReFR4LCP9UeYE90NLiN9Df72", 0},
    {"$2b$16$4K/VkmDd1q1Orb3xAt82zu8gk7Ad6ReFR4LCP9UeYE90NLiN9Df72", 0},
    {"$2b$09$4K/VkmDd1q1Orb3xAt82zu8gk7Ad6ReFR4LCP9UeYE90NLiN9Df72", ERR_INVALID},
    {"$2b$17$4K/VkmDd1q1Orb3xAt82zu8gk7Ad6ReFR4LCP9UeYE90NLiN9Df72", ERR_INVALID},
    {"$2x$12$4K/VkmDd1q1Orb3xAt82zu8gk7Ad6ReFR4LCP9UeYE90NLiN9Df72", ERR_INVALID},
    {"$2y$12$4K/VkmDd1q1Orb3xAt82zu8gk7Ad6ReFR4LCP9UeYE90NLiN9Df7", ERR_INVALID},
    {"$2y$12$4K/VkmDd1q1Orb3xAt82zu8gk7Ad6ReFR4LCP9UeYE90NLiN9Df722", ERR_INVALID},
    {"$2y$12$4K/VkmDd1q1Orb3xAt82zu8gk7Ad6ReFR4LCP9UeYE90NLiN9Df7+", ERR_INVALID},
    {"$2y$1a$4K/VkmDd1q1Orb3xAt82zu8gk7Ad6ReFR4LCP9UeYE90NLiN9Df72", ERR_INVALID},
    {"$2", ERR_INVALID},
    {"", ERR_INVALID},
};

START_TEST(hashes_have_a_form)
{
    struct err err CLEANUP(err_done) = ERR_INIT;

    ck_assert_int_eq(bcrypt_check(forms[_i].hash, &err), forms[_i].rc);
    if (forms[_i].rc)
        ck_assert_ptr_null(strstr(err_msg(&err), "4K/Vkm"));
}
END_TEST

START_TEST(libcrypt_and_htpasswd_agree)
{
    ck_assert(verifies("12341234", forms[0].hash));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bcrypt");
    TCase *t = tcase_create("bcrypt");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, hashes_verify_and_have_their_own_salt);
    tcase_add_test(t, passwords_have_a_length);
    tcase_add_loop_test(t, hashes_have_a_form, 0, (int)ARRAY_LEN(forms));
    tcase_add_test(t, libcrypt_and_htpasswd_agree);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
