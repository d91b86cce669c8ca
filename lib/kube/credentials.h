/* As whom: credentials that renew themselves. Thread-safe.
 *
 * Kinds: none, fixed (token, basic, client certificate), a file that is read again when it changes,
 * a plugin (exec_credential.h), a callback (a cloud's token). A plugin or callback is run again
 * shortly before what it gave expires, and once when the server answers 401. While one thread runs
 * it, others wait; a failure is told to all who waited and remembered for a moment, so that a
 * hundred requests don't run a broken plugin a hundred times. */
#ifndef KUBE_CREDENTIALS_H
#define KUBE_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/cancel.h"
#include "lib/base/err.h"
#include "lib/kube/exec_credential.h"

#define KUBE_RENEW_AHEAD_MS       60000 /* before the expiry; less for credentials of a short life */
#define KUBE_FAILURE_MEMORY_MS    1000
#define KUBE_TOKEN_FILE_MAX       ((size_t)1 << 20)
#define KUBE_TOKEN_FILE_PERIOD_MS 5000 /* between looks at the file */

struct kube_credentials;

/* What one request carries; a snapshot. */
struct kube_identity {
    char *authorization; /* "Authorization: Bearer ...", or NULL */
    char *cert_pem, *key_pem;
    uint64_t generation;
};
void kube_identity_free(struct kube_identity *id); /* accepts NULL; wipes */
DEFINE_CLEANUP(kube_identity_cleanup, struct kube_identity *, kube_identity_free)

/* All copied, except plugin and source, which are taken. Nothing set = anonymous. */
struct kube_credentials_options {
    const char *token, *token_file, *username, *password, *cert_pem, *key_pem;
    struct exec_plugin *plugin;
    struct kube_token_source source;
};
struct kube_credentials *kube_credentials_new(const struct kube_credentials_options *o);
void kube_credentials_free(struct kube_credentials *c); /* accepts NULL; wipes */

/* The identity for the next request. may_block: run what must be run; otherwise ERR_RETRY says that
 * something must. Caller frees. */
int kube_credentials_get(struct kube_credentials *c, bool may_block, struct cancel *cancel,
                         struct kube_identity **ret, struct err *err) WARN_UNUSED;

/* The server refused an identity. True when the next get will bring another one, or has. */
bool kube_credentials_refused(struct kube_credentials *c, uint64_t generation);

#endif
