/* go-plugin's AutoMTLS: each side makes a certificate for the life of the process, hands it to the
 * other over the pipe that only parent and child have, and trusts that one alone. */
#ifndef PLUGIN_MTLS_H
#define PLUGIN_MTLS_H

#include "lib/base/err.h"
#include "lib/base/mem.h"

struct mtls_identity {
    char *key_pem; /* secret */
    char *cert_pem;
    char *cert_base64; /* DER for the handshake line: standard alphabet, no padding */
};

/* A fresh P-256 key and a certificate for "localhost". 0 or ERR_FAIL. */
int mtls_identity_new(struct mtls_identity *ret_identity, struct err *err) WARN_UNUSED;
void mtls_identity_done(struct mtls_identity *id);

#endif
