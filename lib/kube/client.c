#include "lib/kube/client.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/vec.h"
#include "lib/kube/client_parts.h"

#include "lib/base/banned.h"

static bool is_loopback(const char *server)
{
    static const char *const near[] = {"https://127.",  "https://localhost:", "https://localhost/",
                                       "https://[::1]", "http://127.",        "http://localhost:"};

    for (size_t i = 0; i < ARRAY_LEN(near); i++)
        if (!strncmp(server, near[i], strlen(near[i])))
            return true;
    return false;
}

struct kube_client *kube_client_new(const struct kube_client_options *o, struct err *err)
{
    struct kube_client *c;
    struct http *http = http_new(err);

    if (!http) {
        kube_config_free(o->config);
        return NULL;
    }
    c = mem_calloc(1, sizeof(*c));
    c->http = http;
    c->config = o->config;
    c->limit = http_limit_new(o->parallelism > 0 ? o->parallelism : KUBE_PARALLELISM);
    c->discovery = kube_discovery_new();
    c->user_agent = mem_printf("User-Agent: %s", o->user_agent ? o->user_agent : "kubeflow");
    c->compress = !c->config->disable_compression && !is_loopback(c->config->server);
    return c;
}

void kube_client_free(struct kube_client *c)
{
    if (!c)
        return;
    http_free(c->http);
    http_limit_free(c->limit);
    kube_discovery_free(c->discovery);
    kube_config_free(c->config);
    free(c->user_agent);
    free(c);
}

uint64_t kube_request_count(const struct kube_client *c)
{
    return __atomic_load_n(&c->requests, __ATOMIC_RELAXED);
}

struct http_call *kube_client_send(struct kube_client *c, struct http_queue *q,
                                   const struct kube_prepared *p, const struct kube_identity *id,
                                   const struct kube_send_options *o)
{
    const struct kube_config *config = c->config;
    char *accept CLEANUP(mem_cleanup) = mem_printf("Accept: %s", p->accept);
    char *type CLEANUP(mem_cleanup) = NULL;
    struct http_tls tls = {.ca_pem = config->ca_pem,
                           .server_name = config->tls_server_name,
                           .insecure = config->insecure,
                           .cert_pem = id->cert_pem,
                           .key_pem = id->key_pem};
    struct http_request req = {.method = p->method,
                               .url = p->url,
                               .body = p->body,
                               .body_len = p->body_len,
                               .tls = config->secure ? &tls : NULL,
                               .proxy = config->proxy_url,
                               .timeout_ms = o->timeout_ms,
                               .idle_timeout_ms = o->idle_timeout_ms,
                               .max_response = KUBE_MAX_RESPONSE,
                               .http2 = true,
                               .stream = o->stream,
                               .compressed = p->is_list && c->compress,
                               .limit = o->stream || o->urgent ? NULL : c->limit,
                               .user = o->user};
    VEC(const char *) headers = VEC_INIT;
    struct http_call *call;

    vec_push(&headers, c->user_agent);
    vec_push(&headers, accept);
    if (p->content_type) {
        type = mem_printf("Content-Type: %s", p->content_type);
        vec_push(&headers, type);
    }
    if (config->secure && id->authorization)
        vec_push(&headers, id->authorization);
    for (size_t i = 0; config->headers && config->headers[i]; i++)
        vec_push(&headers, config->headers[i]);
    vec_push(&headers, NULL);
    req.headers = headers.at;
    call = http_start(c->http, q, &req);
    vec_done(&headers);
    __atomic_add_fetch(&c->requests, 1, __ATOMIC_RELAXED);
    return call;
}

int kube_client_failure(const struct http_call *call, struct err *err)
{
    static const char ca_file[] = "cluster_ca_certificate (certificate-authority in a kubeconfig) "
                                  "must hold certificates in PEM form";
    static const char unknown_ca[] = "cluster_ca_certificate (certificate-authority in a "
                                     "kubeconfig) must hold the one that signed it";
    static const char wrong_host[] = "connect by a name that is in the certificate, or set "
                                     "tls_server_name to one";
    static const char *const advice[] = {
        [HTTP_FAIL_CA_FILE] = ca_file,
        [HTTP_FAIL_CLIENT_CERT] = "client_certificate and client_key must be a pair in PEM form",
        [HTTP_FAIL_EXPIRED] = "the API server needs a new one",
        [HTTP_FAIL_UNKNOWN_CA] = unknown_ca,
        [HTTP_FAIL_WRONG_HOST] = wrong_host,
        [HTTP_FAIL_ABORTED] = NULL, /* the last of the enum */
    };
    const char *more = advice[http_call_failure(call)];
    int rc = http_call_error(call, err);

    if (more && err) {
        struct err told CLEANUP(err_done) = ERR_INIT;

        err_move(&told, err);
        err_set(err, rc, "%s; %s", err_msg(&told), more);
    }
    return rc;
}
