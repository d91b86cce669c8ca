/* Credential plugins: a command that prints an ExecCredential (client.authentication.k8s.io).
 *
 * The command runs without a terminal: standard input is /dev/null, standard error is kept (bounded)
 * for the message of a failure, no descriptor of ours is inherited. It is killed when the token
 * fires, when it takes longer than KUBE_EXEC_TIMEOUT_MS and when it prints too much. */
#ifndef KUBE_EXEC_CREDENTIAL_H
#define KUBE_EXEC_CREDENTIAL_H

#include <jansson.h>
#include <stdint.h>

#include "lib/base/cancel.h"
#include "lib/base/err.h"
#include "lib/kube/config.h"

#define KUBE_EXEC_MAX_STDERR ((size_t)4 << 10)

struct exec_plugin {
    char *api_version, *command, *install_hint;
    char **args, **env; /* NULL-ended; may be NULL */
    json_t *cluster;    /* spec.cluster of KUBERNETES_EXEC_INFO, or NULL */
};
void exec_plugin_free(struct exec_plugin *p); /* accepts NULL */
DEFINE_CLEANUP(exec_plugin_cleanup, struct exec_plugin *, exec_plugin_free)

struct exec_credential {
    char *token, *cert_pem, *key_pem; /* a token, or a pair, or both */
    int64_t expires_ms;               /* wall clock (clock.h); 0 = not said */
};
void exec_credential_done(struct exec_credential *c); /* wipes */

/* ERR_INVALID for a plugin that can't be used at all: unknown API version, no command. */
int exec_plugin_check(const struct exec_plugin *p, struct err *err) WARN_UNUSED;

/* ERR_UNAUTHENTICATED when the command fails or prints nothing usable; ERR_NOT_FOUND when there is
 * no such command (the text holds the plugin's install hint); ERR_TIMEOUT, ERR_CANCELLED. */
int exec_credential_run(const struct exec_plugin *p, int64_t timeout_ms, struct cancel *cancel,
                        struct exec_credential *ret, struct err *err) WARN_UNUSED;

/* What the command printed. Pure. */
int exec_credential_parse(const char *text, size_t len, const char *api_version,
                          struct exec_credential *ret, struct err *err) WARN_UNUSED;

#endif
