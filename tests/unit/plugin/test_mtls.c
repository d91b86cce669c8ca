#include <check.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "lib/base/hash.h"
#include "provider/plugin/mtls.h"

#include "lib/base/banned.h"

static struct mtls_identity id;
static X509 *cert; /* as the host reads it, from the handshake's field */

static void setup(void)
{
    uint8_t *der;
    const uint8_t *p;
    size_t len;

    ck_assert_int_eq(mtls_identity_new(&id, NULL), 0);
    ck_assert_int_eq(hash_base64_decode(id.cert_base64, strlen(id.cert_base64), &der, &len), 0);
    p = der;
    cert = d2i_X509(NULL, &p, (long)len);
    ck_assert_ptr_nonnull(cert);
    ck_assert_ptr_eq(p, der + len); /* one certificate, nothing behind it */
    free(der);
}

static void teardown(void)
{
    X509_free(cert);
    mtls_identity_done(&id);
}

/* What Go's base64.RawStdEncoding takes. */
START_TEST(field_is_raw_base64)
{
    ck_assert_uint_gt(strlen(id.cert_base64), 50);
    ck_assert_uint_eq(strspn(id.cert_base64, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                             "0123456789+/"),
                      strlen(id.cert_base64));
}
END_TEST

START_TEST(certificate_is_for_localhost)
{
    ck_assert_int_eq(
        X509_check_host(cert, "localhost", 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL), 1);
    ck_assert_int_eq(X509_check_host(cert, "example.com", 0, 0, NULL), 0);
}
END_TEST

START_TEST(certificate_is_its_own_root)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);

    ck_assert_int_eq(X509_verify(cert, key), 1);
    ck_assert_int_ne(X509_check_ca(cert), 0);
    ck_assert_int_eq(X509_check_purpose(cert, X509_PURPOSE_SSL_SERVER, 0), 1);
    ck_assert_int_eq(X509_check_purpose(cert, X509_PURPOSE_SSL_CLIENT, 0), 1);
    ck_assert_uint_eq(X509_get_key_usage(cert), KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT |
                                                    KU_KEY_AGREEMENT | KU_KEY_CERT_SIGN);
}
END_TEST

START_TEST(certificate_is_valid_now)
{
    time_t before = time(NULL) - 5, later = time(NULL) + 86400;

    ck_assert_int_lt(X509_cmp_time(X509_get0_notBefore(cert), &before), 0);
    ck_assert_int_gt(X509_cmp_time(X509_get0_notAfter(cert), &later), 0);
}
END_TEST

START_TEST(key_belongs_to_it)
{
    BIO *bio = BIO_new_mem_buf(id.key_pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO *cert_bio = BIO_new_mem_buf(id.cert_pem, -1);
    X509 *from_pem = PEM_read_bio_X509(cert_bio, NULL, NULL, NULL);

    ck_assert_int_eq(X509_check_private_key(cert, key), 1);
    ck_assert_int_eq(X509_cmp(cert, from_pem), 0);
    X509_free(from_pem);
    EVP_PKEY_free(key);
    BIO_free(cert_bio);
    BIO_free(bio);
}
END_TEST

START_TEST(each_process_has_another)
{
    struct mtls_identity other;

    ck_assert_int_eq(mtls_identity_new(&other, NULL), 0);
    ck_assert_str_ne(id.key_pem, other.key_pem);
    ck_assert_str_ne(id.cert_base64, other.cert_base64);
    mtls_identity_done(&other);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("mtls");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, field_is_raw_base64);
    tcase_add_test(t, certificate_is_for_localhost);
    tcase_add_test(t, certificate_is_its_own_root);
    tcase_add_test(t, certificate_is_valid_now);
    tcase_add_test(t, key_belongs_to_it);
    tcase_add_test(t, each_process_has_another);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
