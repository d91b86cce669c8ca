/* What libcurl says of a failed transfer, in a form to branch on and in words. */
#include <errno.h>
#include <openssl/x509_vfy.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/http_call.h"
#include "lib/base/mem.h"

#include "lib/base/banned.h"

static const int failure_codes[] = {
    [HTTP_FAIL_REQUEST] = ERR_INVALID,
    [HTTP_FAIL_DNS] = ERR_UNREACHABLE,
    [HTTP_FAIL_CONNECT] = ERR_UNREACHABLE,
    [HTTP_FAIL_PROXY] = ERR_UNREACHABLE,
    [HTTP_FAIL_CA_FILE] = ERR_INVALID,
    [HTTP_FAIL_CLIENT_CERT] = ERR_INVALID,
    [HTTP_FAIL_EXPIRED] = ERR_UNREACHABLE,
    [HTTP_FAIL_UNKNOWN_CA] = ERR_UNREACHABLE,
    [HTTP_FAIL_WRONG_HOST] = ERR_UNREACHABLE,
    [HTTP_FAIL_TLS] = ERR_UNREACHABLE,
    [HTTP_FAIL_LOST] = ERR_UNREACHABLE,
    [HTTP_FAIL_TIMEOUT] = ERR_TIMEOUT,
    [HTTP_FAIL_LIMIT] = ERR_LIMIT,
    [HTTP_FAIL_ABORTED] = ERR_CANCELLED,
};

int http_fail(struct http_call *c, enum http_failure failure, const char *fmt, ...)
{
    char *text CLEANUP(mem_cleanup) = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = mem_vprintf(fmt, ap);
    va_end(ap);
    c->failure = failure;
    return err_set(&c->err, failure_codes[failure], "%s", text);
}

/* How a code of libcurl is told. What isn't here means that the connection was lost on the way. */
static const struct {
    CURLcode code;
    enum http_failure failure;
    const char *what; /* followed by the origin */
} failures[] = {
    {CURLE_URL_MALFORMAT, HTTP_FAIL_REQUEST, "can't use the URL of"},
    {CURLE_UNSUPPORTED_PROTOCOL, HTTP_FAIL_REQUEST, "can't use the URL of"},
    {CURLE_COULDNT_RESOLVE_HOST, HTTP_FAIL_DNS, "looking up"},
    {CURLE_COULDNT_RESOLVE_PROXY, HTTP_FAIL_PROXY, "looking up the proxy for"},
    {CURLE_PROXY, HTTP_FAIL_PROXY, "going through the proxy to"},
    {CURLE_COULDNT_CONNECT, HTTP_FAIL_CONNECT, "connecting to"},
    {CURLE_INTERFACE_FAILED, HTTP_FAIL_CONNECT, "connecting to"},
    {CURLE_SSL_CACERT_BADFILE, HTTP_FAIL_CA_FILE, "the trusted certificates for"},
    {CURLE_SSL_CERTPROBLEM, HTTP_FAIL_CLIENT_CERT, "the client certificate for"},
    {CURLE_PEER_FAILED_VERIFICATION, HTTP_FAIL_TLS, "certificate of"},
    {CURLE_SSL_CONNECT_ERROR, HTTP_FAIL_TLS, "TLS with"},
    {CURLE_SSL_CIPHER, HTTP_FAIL_TLS, "TLS with"},
};

/* Reasons of X509_verify_cert that a user can do something about. */
static const struct {
    long result;
    enum http_failure failure;
    const char *text;
} verify_results[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, HTTP_FAIL_EXPIRED, "certificate has expired"},
    {X509_V_ERR_CERT_NOT_YET_VALID, HTTP_FAIL_EXPIRED,
     "certificate isn't valid yet (is the clock right?)"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, HTTP_FAIL_UNKNOWN_CA, "signed by an unknown authority"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, HTTP_FAIL_UNKNOWN_CA,
     "signed by an unknown authority"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, HTTP_FAIL_UNKNOWN_CA,
     "signed by an unknown authority"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, HTTP_FAIL_UNKNOWN_CA, "signed by an unknown authority"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, HTTP_FAIL_UNKNOWN_CA,
     "self-signed and not among the trusted certificates"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, HTTP_FAIL_UNKNOWN_CA,
     "signed by another authority of the same name"},
    {X509_V_ERR_HOSTNAME_MISMATCH, HTTP_FAIL_WRONG_HOST, "issued for another name"},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, HTTP_FAIL_WRONG_HOST, "issued for another address"},
};

static void fail_verification(struct http_call *c)
{
    long result = 0;

    curl_easy_getinfo(c->easy, CURLINFO_SSL_VERIFYRESULT, &result);
    for (size_t i = 0; i < ARRAY_LEN(verify_results); i++) {
        if (verify_results[i].result != result)
            continue;
        http_fail(c, verify_results[i].failure, "certificate of %s: %s", c->origin,
                  verify_results[i].text);
        return;
    }
    /* OpenSSL found nothing wrong (libcurl starts out with "unspecified"), and libcurl refused it
     * all the same: the name. */
    if (result == X509_V_OK || result == X509_V_ERR_UNSPECIFIED)
        http_fail(c, HTTP_FAIL_WRONG_HOST, "certificate of %s: %s", c->origin,
                  *c->curl_error ? c->curl_error : "issued for another name");
    else
        http_fail(c, HTTP_FAIL_TLS, "certificate of %s: %s", c->origin,
                  X509_verify_cert_error_string(result));
}

static void fail_timeout(struct http_call *c)
{
    curl_off_t sent = 0;

    curl_easy_getinfo(c->easy, CURLINFO_PRETRANSFER_TIME_T, &sent);
    if (!sent)
        http_fail(c, HTTP_FAIL_CONNECT, "connecting to %s: no answer", c->origin);
    else if (c->idled_out)
        http_fail(c, HTTP_FAIL_TIMEOUT, "waiting for %s: silent for %lld ms", c->origin,
                  (long long)c->idle_timeout_ms);
    else
        http_fail(c, HTTP_FAIL_TIMEOUT, "waiting for %s: no complete answer in time", c->origin);
}

void http_fail_curl(struct http_call *c, CURLcode code)
{
    const char *text = *c->curl_error ? c->curl_error : curl_easy_strerror(code);
    char number[128];
    long os = 0, proxy = 0;

    if (c->over_limit || c->header_limit) {
        http_fail(c, HTTP_FAIL_LIMIT, "%s: the answer's %s is longer than %zu bytes", c->origin,
                  c->over_limit ? "body" : "header",
                  c->over_limit ? c->body.max : HTTP_MAX_HEADER_BYTES);
        return;
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
        fail_verification(c);
        return;
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        fail_timeout(c);
        return;
    }
    curl_easy_getinfo(c->easy, CURLINFO_HTTP_CONNECTCODE, &proxy);
    if (proxy && proxy / 100 != 2) {
        http_fail(c, HTTP_FAIL_PROXY, "going through the proxy to %s: it answered %ld%s", c->origin,
                  proxy, proxy == 407 ? " (it wants a user and password in its URL)" : "");
        return;
    }
    curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &os);
    if (os && (code == CURLE_COULDNT_CONNECT))
        text = strerror_r((int)os, number, sizeof(number));
    for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
        if (failures[i].code != code)
            continue;
        http_fail(c, failures[i].failure, "%s %s: %s", failures[i].what, c->origin, text);
        return;
    }
    http_fail(c, HTTP_FAIL_LOST, "connection to %s lost: %s", c->origin, text);
}
