#include "provider/plugin/mtls.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/base/hash.h"

#include "lib/base/banned.h"

#define SERIAL_BITS   128
#define BACKDATE_SECS 30L /* the host's clock may tick a little behind */
#define VALID_SECS                                                                                 \
    (10L * 365 * 86400) /* -debug processes may live long; the key never leaves memory */
#define CURVE "P-256"   /* the fastest of those that Go accepts */

DEFINE_CLEANUP(x509_cleanup, X509 *, X509_free)
DEFINE_CLEANUP(pkey_cleanup, EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(bio_cleanup, BIO *, BIO_free_all)
DEFINE_CLEANUP(bignum_cleanup, BIGNUM *, BN_free)
DEFINE_CLEANUP(extension_cleanup, X509_EXTENSION *, X509_EXTENSION_free)

/* What Go's verifier looks at: the name in the SAN (it ignores CN) and, because the certificate is
 * its own root, that it may be one. */
static const struct {
    int nid;
    const char *value;
} extensions[] = {
    {NID_basic_constraints, "critical,CA:TRUE"},
    {NID_key_usage, "critical,digitalSignature,keyEncipherment,keyAgreement,keyCertSign"},
    {NID_ext_key_usage, "clientAuth,serverAuth"},
    {NID_subject_alt_name, "DNS:localhost"},
};

static int openssl_error(struct err *err, const char *what)
{
    char text[256];

    ERR_error_string_n(ERR_get_error(), text, sizeof(text));
    return err_set(err, ERR_FAIL, "%s: %s", what, text);
}

static int add_extensions(X509 *cert)
{
    for (size_t i = 0; i < ARRAY_LEN(extensions); i++) {
        X509_EXTENSION *ext CLEANUP(extension_cleanup) =
            X509V3_EXT_conf_nid(NULL, NULL, extensions[i].nid, extensions[i].value);

        if (!ext || !X509_add_ext(cert, ext, -1))
            return ERR_FAIL;
    }
    return 0;
}

static int set_serial(X509 *cert)
{
    BIGNUM *serial CLEANUP(bignum_cleanup) = BN_new();

    if (!serial || !BN_rand(serial, SERIAL_BITS - 1, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) ||
        !BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert)))
        return ERR_FAIL;
    return 0;
}

static int set_name(X509 *cert)
{
    X509_NAME *name = X509_get_subject_name(cert);

    if (!X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost",
                                    -1, -1, 0) ||
        !X509_set_issuer_name(cert, name))
        return ERR_FAIL;
    return 0;
}

static X509 *self_signed(EVP_PKEY *key)
{
    X509 *cert CLEANUP(x509_cleanup) = X509_new();
    X509 *ret;

    if (!cert || !X509_set_version(cert, X509_VERSION_3) || set_serial(cert) || set_name(cert) ||
        !X509_gmtime_adj(X509_getm_notBefore(cert), -BACKDATE_SECS) ||
        !X509_gmtime_adj(X509_getm_notAfter(cert), VALID_SECS) || !X509_set_pubkey(cert, key) ||
        add_extensions(cert) || !X509_sign(cert, key, EVP_sha256()))
        return NULL;
    ret = cert;
    cert = NULL;
    return ret;
}

static char *bio_text(BIO *bio)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);

    return mem_strndup(data, (size_t)len);
}

static int encode(EVP_PKEY *key, X509 *cert, struct mtls_identity *id)
{
    BIO *key_bio CLEANUP(bio_cleanup) = BIO_new(BIO_s_secmem());
    BIO *cert_bio CLEANUP(bio_cleanup) = BIO_new(BIO_s_mem());
    unsigned char *der = NULL;
    int len;

    if (!key_bio || !cert_bio ||
        !PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) ||
        !PEM_write_bio_X509(cert_bio, cert) || (len = i2d_X509(cert, &der)) < 0)
        return ERR_FAIL;
    id->cert_base64 = hash_base64(der, (size_t)len);
    OPENSSL_free(der);
    id->cert_base64[strcspn(id->cert_base64, "=")] = '\0'; /* Go reads it without padding only */
    id->key_pem = bio_text(key_bio);
    id->cert_pem = bio_text(cert_bio);
    return 0;
}

int mtls_identity_new(struct mtls_identity *ret_identity, struct err *err)
{
    EVP_PKEY *key CLEANUP(pkey_cleanup) = EVP_EC_gen(CURVE);
    X509 *cert CLEANUP(x509_cleanup) = NULL;

    if (!key)
        return openssl_error(err, "generating a key");
    cert = self_signed(key);
    if (!cert)
        return openssl_error(err, "making a certificate");
    if (encode(key, cert, ret_identity))
        return openssl_error(err, "encoding the certificate");
    return 0;
}

void mtls_identity_done(struct mtls_identity *id)
{
    mem_free_secret(id->key_pem);
    free(id->cert_pem);
    free(id->cert_base64);
    *id = (struct mtls_identity){NULL, NULL, NULL};
}
