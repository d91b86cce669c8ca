/* Inside of a resolved configuration: for client.c and the tests. */
#ifndef KUBE_CONFIG_PARTS_H
#define KUBE_CONFIG_PARTS_H

#include <jansson.h>

#include "lib/kube/config.h"
#include "lib/kube/credentials.h"

#define KUBE_SERVICE_ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

struct kube_config {
    char *server;
    char *ca_pem, *tls_server_name, *proxy_url; /* NULL = not set */
    bool insecure, disable_compression;
    bool secure;    /* https: credentials are only sent then, as client-go does */
    char **headers; /* impersonation: "Name: value", NULL-ended; or NULL */
    struct kube_credentials *credentials;
};

/* As kube_config_resolve with the service account elsewhere. */
int kube_config_resolve_at(const struct kube_attributes *attrs,
                           const char *(*getenv_fn)(const char *), const char *service_account_dir,
                           struct kube_config **ret_config, struct err *err) WARN_UNUSED;

#endif
