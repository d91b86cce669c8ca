/* Which cluster, and as whom: provider attributes, environment, kubeconfig files, in-cluster.
 *
 * Precedence is the hashicorp/kubernetes provider's: explicit attributes override what the
 * kubeconfig's context gives; each attribute falls back on its environment variable (KUBE_HOST,
 * KUBE_TOKEN, KUBE_CONFIG_PATH, KUBE_CONFIG_PATHS, KUBE_CTX, KUBE_CTX_CLUSTER, KUBE_CTX_AUTH_INFO,
 * KUBE_CLUSTER_CA_CERT_DATA, KUBE_CLIENT_CERT_DATA, KUBE_CLIENT_KEY_DATA, KUBE_INSECURE,
 * KUBE_TLS_SERVER_NAME, KUBE_PROXY_URL). KUBECONFIG and a pod's service account are never used by
 * themselves: in_cluster says so in words. */
#ifndef KUBE_CONFIG_H
#define KUBE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/cancel.h"
#include "lib/base/err.h"

#define KUBECONFIG_MAX_BYTES ((size_t)4 << 20)
#define KUBE_EXEC_TIMEOUT_MS 60000
#define KUBE_EXEC_MAX_OUTPUT ((size_t)1 << 20)

struct kube_exec {
    const char *api_version; /* client.authentication.k8s.io/v1 or v1beta1 */
    const char *command;
    const char *const *args; /* NULL-ended */
    const char *const *env;  /* "NAME=value", NULL-ended */
    bool provide_cluster_info;
};

/* A bearer token from elsewhere, such as a cloud's: fetched before the first request, again shortly
 * before it expires, and once when the server refuses it. Called from any thread, one at a time. */
struct kube_token_source {
    /* ret_expires_ms: wall clock (clock.h), 0 = never. The token is the caller's. */
    int (*fetch)(void *arg, struct cancel *cancel, char **ret_token, int64_t *ret_expires_ms,
                 struct err *err);
    void (*free)(void *arg); /* or NULL */
    void *arg;
};

/* What the provider block says; NULL, 0 and false are "not set". Borrowed strings. */
struct kube_attributes {
    const char *host, *token, *cluster_ca_certificate, *client_certificate, *client_key;
    const char *tls_server_name, *proxy_url;
    int insecure;                    /* -1 = not set */
    const char *const *config_paths; /* NULL-ended; NULL = not set */
    const char *config_context, *config_context_cluster, *config_context_auth_info;
    const struct kube_exec *exec;
    const struct kube_token_source *token_source; /* taken on success; instead of the other ways */
    bool in_cluster;
};

/* A resolved connection: server, trust, and a source of credentials that renews itself. */
struct kube_config;

/* getenv is handed in for tests; NULL = the process's. Reads files, runs nothing yet.
 * ERR_INVALID names attribute or file and line; ERR_NOT_FOUND when nothing says which cluster. */
int kube_config_resolve(const struct kube_attributes *attrs, const char *(*getenv_fn)(const char *),
                        struct kube_config **ret_config, struct err *err) WARN_UNUSED;
void kube_config_free(struct kube_config *c); /* accepts NULL; wipes secrets */
DEFINE_CLEANUP(kube_config_cleanup, struct kube_config *, kube_config_free)

const char *kube_config_server(
    const struct kube_config *c); /* "https://host:port", no final slash */

#endif
