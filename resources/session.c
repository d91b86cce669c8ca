#include "resources/session.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/tf/codec.h"

#include "lib/base/banned.h"

#define LOCK_TIMEOUT    "3m"
#define MAX_PARALLELISM 256

struct session {
    pthread_mutex_t lock; /* guards refs, client, left and the arena once configured */
    unsigned refs;
    struct arena *arena; /* owns the configuration */
    const struct tf_value *config;
    enum session_connection connection;
    struct kube_client *client; /* made on first use */
    struct source_cache *sources;
    json_t *left; /* name -> text */
    int64_t lock_timeout_ms;
};

/* --- schema ------------------------------------------------------------------------------------- */

static const struct tf_range parallelism_range = {1, MAX_PARALLELISM};
static const struct tf_validator check_parallelism[] = {{tf_check_range, &parallelism_range},
                                                        TF_NO_VALIDATOR};
static const struct tf_validator check_lock_timeout[] = {{tf_check_duration, NULL},
                                                         TF_NO_VALIDATOR};
static const struct tf_pattern manager_pattern = {
    "[A-Za-z0-9]([-._A-Za-z0-9]{0,126}[A-Za-z0-9])?",
    "up to 128 letters, digits, '-', '.' and '_', starting and ending with a letter or digit"};
static const struct tf_validator check_manager[] = {{tf_check_pattern, &manager_pattern},
                                                    TF_NO_VALIDATOR};

static const struct tf_attribute manifests_attributes[] = {
    {.name = "cache_dir",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description =
         "Where downloaded manifests are kept. Defaults to `terraform-provider-kubeflow` "
         "in the user's cache directory."},
    {.name = "offline",
     .type = &tf_type_bool,
     .flags = TF_OPTIONAL,
     .description = "Never use the network for manifests: only the cache and mirrors."},
    {.name = "mirror",
     .type = &tf_type_string_map,
     .flags = TF_OPTIONAL,
     .description = "Where to look instead: URL prefix to URL prefix or directory, such as "
                    "`{ \"https://github.com/\" = \"https://mirror.example.com/github/\" }`. The "
                    "environment variable `KUBEFLOW_MANIFESTS_MIRROR` adds to it."},
    TF_END,
};

#define STRING_ATTRIBUTE(n, f, d)                                                                  \
    {                                                                                              \
        .name = (n), .type = &tf_type_string, .flags = TF_OPTIONAL | (f), .description = (d)       \
    }

static const struct tf_attribute provider_attributes[] = {
    STRING_ATTRIBUTE("host", 0, "URL of the Kubernetes API server. Environment: `KUBE_HOST`."),
    STRING_ATTRIBUTE("cluster_ca_certificate", 0,
                     "PEM of the certificates that the API server's is checked against. "
                     "Environment: `KUBE_CLUSTER_CA_CERT_DATA`."),
    STRING_ATTRIBUTE("token", TF_SENSITIVE, "Bearer token. Environment: `KUBE_TOKEN`."),
    STRING_ATTRIBUTE("client_certificate", 0,
                     "PEM of a client certificate. Environment: `KUBE_CLIENT_CERT_DATA`."),
    STRING_ATTRIBUTE("client_key", TF_SENSITIVE,
                     "PEM of the client certificate's key. Environment: `KUBE_CLIENT_KEY_DATA`."),
    {.name = "insecure",
     .type = &tf_type_bool,
     .flags = TF_OPTIONAL,
     .description = "Don't verify the API server's certificate. Environment: `KUBE_INSECURE`."},
    STRING_ATTRIBUTE("tls_server_name", 0,
                     "Name expected in the API server's certificate, when it isn't the host. "
                     "Environment: `KUBE_TLS_SERVER_NAME`."),
    STRING_ATTRIBUTE("proxy_url", 0,
                     "Proxy for the API server (http, https or socks5). Environment: "
                     "`KUBE_PROXY_URL`."),
    STRING_ATTRIBUTE("config_path", 0,
                     "Path of a kubeconfig file. Environment: `KUBE_CONFIG_PATH`. `KUBECONFIG` is "
                     "never read by itself."),
    {.name = "config_paths",
     .type = &tf_type_string_list,
     .flags = TF_OPTIONAL,
     .description = "Paths of several kubeconfig files, merged as kubectl does. Environment: "
                    "`KUBE_CONFIG_PATHS`, separated by colons."},
    STRING_ATTRIBUTE("config_context", 0, "Context of the kubeconfig. Environment: `KUBE_CTX`."),
    STRING_ATTRIBUTE("config_context_cluster", 0,
                     "Cluster to use instead of the context's. Environment: `KUBE_CTX_CLUSTER`."),
    STRING_ATTRIBUTE("config_context_auth_info", 0,
                     "User to use instead of the context's. Environment: `KUBE_CTX_AUTH_INFO`."),
    {.name = "in_cluster",
     .type = &tf_type_bool,
     .flags = TF_OPTIONAL,
     .description = "Use the service account of the pod that Terraform runs in. Never done unless "
                    "this is true."},
    {.name = "manifests",
     .nested = manifests_attributes,
     .nesting = TF_NEST_SINGLE,
     .flags = TF_OPTIONAL,
     .description = "Where releases' manifests come from: cache, mirrors, offline use."},
    {.name = "parallelism",
     .type = &tf_type_number,
     .flags = TF_OPTIONAL,
     .validators = check_parallelism,
     .description = "Requests in flight to the API server. Defaults to 32."},
    {.name = "field_manager",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .validators = check_manager,
     .description =
         "Field manager of server-side apply. Defaults to `" SESSION_FIELD_MANAGER "`. Changing "
         "it later makes every object's fields change hands."},
    {.name = "lock_timeout",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .validators = check_lock_timeout,
     .description =
         "How long to wait for another run's lock on the same installation. Defaults to "
         "`" LOCK_TIMEOUT "`. The lock of a run that was killed is free after a minute."},
    TF_END,
};

static const struct tf_attribute exec_attributes[] = {
    {.name = "api_version",
     .type = &tf_type_string,
     .flags = TF_REQUIRED,
     .description = "`client.authentication.k8s.io/v1` or `client.authentication.k8s.io/v1beta1`."},
    {.name = "command",
     .type = &tf_type_string,
     .flags = TF_REQUIRED,
     .description = "Program that prints an ExecCredential."},
    {.name = "args",
     .type = &tf_type_string_list,
     .flags = TF_OPTIONAL,
     .description = "Its arguments."},
    {.name = "env",
     .type = &tf_type_string_map,
     .flags = TF_OPTIONAL,
     .description = "Environment variables to add."},
    TF_END,
};

static const struct tf_block provider_blocks[] = {
    {.name = "exec",
     .nesting = TF_NEST_SINGLE,
     .attributes = exec_attributes,
     .description = "A program that gives credentials, as in a kubeconfig."},
    TF_END,
};

const struct tf_schema session_schema = {
    .block = {.attributes = provider_attributes,
              .blocks = provider_blocks,
              .description =
                  "Installs Kubeflow on Kubernetes. The connection's attributes are those "
                  "of the hashicorp/kubernetes provider."},
};

/* What decides which cluster, and as whom. */
static const char *const connection_attributes[] = {
    "host",
    "cluster_ca_certificate",
    "token",
    "client_certificate",
    "client_key",
    "insecure",
    "tls_server_name",
    "proxy_url",
    "config_path",
    "config_paths",
    "config_context",
    "config_context_cluster",
    "in_cluster",
    "config_context_auth_info",
    "exec",
};

/* --- validation --------------------------------------------------------------------------------- */

/* Pairs of attributes of which only one makes sense. */
static const struct {
    const char *a, *b;
} exclusive[] = {
    {"config_path", "config_paths"},        {"in_cluster", "host"},
    {"in_cluster", "config_path"},          {"in_cluster", "config_paths"},
    {"insecure", "cluster_ca_certificate"},
};

static bool is_set(const struct tf_value *config, const char *name)
{
    const struct tf_value *v = tf_get(config, name);

    return tf_is_known(v) && (v->type->kind != TF_BOOL || v->boolean);
}

void session_validate(struct tf_context *ctx, const struct tf_value *config)
{
    for (size_t i = 0; i < ARRAY_LEN(exclusive); i++)
        if (is_set(config, exclusive[i].a) && is_set(config, exclusive[i].b))
            tf_error(ctx->diags, TF_ATTR(exclusive[i].b), "Conflicting attributes",
                     "%s and %s can't be set together; remove one of them.", exclusive[i].a,
                     exclusive[i].b);
    if (is_set(config, "client_certificate") && tf_is_null(tf_get(config, "client_key")) &&
        !getenv("KUBE_CLIENT_KEY_DATA"))
        tf_error(ctx->diags, TF_ATTR("client_certificate"), "Missing client key",
                 "client_certificate needs client_key, the certificate's private key.");
}

/* --- making ------------------------------------------------------------------------------------- */

/* A NULL-ended array of a list's strings, in the arena; NULL when the list isn't set. */
static const char *const *string_list(struct arena *a, const struct tf_value *v)
{
    const char **out;
    size_t n = tf_len(v);

    if (!tf_is_known(v))
        return NULL;
    out = arena_calloc(a, n + 1, sizeof(*out));
    for (size_t i = 0; i < n; i++)
        out[i] = tf_str(v->items.at[i], "");
    return out;
}

static const char *const *env_list(struct arena *a, const struct tf_value *v)
{
    const char **out;
    size_t n = tf_len(v);

    if (!tf_is_known(v))
        return NULL;
    out = arena_calloc(a, n + 1, sizeof(*out));
    for (size_t i = 0; i < n; i++)
        out[i] = arena_printf(a, "%s=%s", v->items.keys[i], tf_str(v->items.at[i], ""));
    return out;
}

static const struct kube_exec *exec_of(struct arena *a, const struct tf_value *v)
{
    struct kube_exec *e;

    if (!tf_is_known(v))
        return NULL;
    e = arena_alloc(a, sizeof(*e));
    e->api_version = tf_str(tf_get(v, "api_version"), "");
    e->command = tf_str(tf_get(v, "command"), "");
    e->args = string_list(a, tf_get(v, "args"));
    e->env = env_list(a, tf_get(v, "env"));
    return e;
}

static struct kube_attributes attributes_of(struct arena *a, const struct tf_value *config)
{
    const struct tf_value *insecure = tf_get(config, "insecure");
    const char *config_path = tf_str(tf_get(config, "config_path"), NULL);
    struct kube_attributes attrs = {
        .host = tf_str(tf_get(config, "host"), NULL),
        .token = tf_str(tf_get(config, "token"), NULL),
        .cluster_ca_certificate = tf_str(tf_get(config, "cluster_ca_certificate"), NULL),
        .client_certificate = tf_str(tf_get(config, "client_certificate"), NULL),
        .client_key = tf_str(tf_get(config, "client_key"), NULL),
        .tls_server_name = tf_str(tf_get(config, "tls_server_name"), NULL),
        .proxy_url = tf_str(tf_get(config, "proxy_url"), NULL),
        .insecure = tf_is_known(insecure) ? tf_bool_or(insecure, false) : -1,
        .config_paths = string_list(a, tf_get(config, "config_paths")),
        .config_context = tf_str(tf_get(config, "config_context"), NULL),
        .config_context_cluster = tf_str(tf_get(config, "config_context_cluster"), NULL),
        .config_context_auth_info = tf_str(tf_get(config, "config_context_auth_info"), NULL),
        .exec = exec_of(a, tf_get(config, "exec")),
        .in_cluster = tf_bool_or(tf_get(config, "in_cluster"), false),
    };

    if (config_path) {
        const char **paths = arena_calloc(a, 2, sizeof(*paths));

        paths[0] = config_path;
        attrs.config_paths = paths;
    }
    return attrs;
}

/* The configuration in memory of the session's own. */
static const struct tf_value *keep(struct arena *a, const struct tf_value *config)
{
    struct buf encoded CLEANUP(buf_done) = BUF_INIT;
    struct err err CLEANUP(err_done) = ERR_INIT;
    const struct tf_type *type = tf_schema_type(a, &session_schema);
    const struct tf_value *kept;
    char *bytes;

    tf_msgpack_encode(config, type, &encoded);
    bytes = arena_alloc(a, encoded.len + 1);
    memcpy(bytes, buf_str(&encoded), encoded.len);
    if (tf_msgpack_decode(a, bytes, encoded.len, type, &kept, &err))
        bug("a configuration doesn't survive its own encoding: %s", err_msg(&err));
    return kept;
}

static struct source_cache *make_sources(const struct tf_value *config, struct err *err)
{
    const struct tf_value *manifests = tf_get(config, "manifests");
    const struct tf_value *mirror = tf_get(manifests, "mirror");
    json_auto_t *mirrors = json_object();
    struct source_cache_options o = {
        .cache_dir = tf_str(tf_get(manifests, "cache_dir"), NULL),
        .offline = tf_bool_or(tf_get(manifests, "offline"), false),
        .mirrors = mirrors,
    };

    for (size_t i = 0; i < tf_len(mirror); i++)
        json_object_set_new(mirrors, mirror->items.keys[i],
                            json_string(tf_str(mirror->items.at[i], "")));
    return source_cache_new(&o, err);
}

void *session_configure(struct tf_context *ctx, const struct tf_value *config,
                        const char *terraform_version)
{
    struct session *s = mem_calloc(1, sizeof(*s));
    struct err err CLEANUP(err_done) = ERR_INIT;

    s->refs = 1;
    pthread_mutex_init(&s->lock, NULL);
    s->arena = arena_new();
    s->config = keep(s->arena, config);
    for (size_t i = 0; i < ARRAY_LEN(connection_attributes); i++)
        if (!tf_wholly_known(tf_get(s->config, connection_attributes[i])))
            s->connection = SESSION_UNKNOWN;
    if (tf_parse_duration(tf_str(tf_get(s->config, "lock_timeout"), LOCK_TIMEOUT),
                          &s->lock_timeout_ms, &err)) {
        tf_error_from(ctx->diags, TF_ATTR("lock_timeout"), "Invalid duration", &err);
    } else {
        s->sources = make_sources(s->config, &err);
        if (!s->sources)
            tf_error_from(ctx->diags, TF_ATTR("manifests"), "Invalid manifests settings", &err);
    }
    if (tf_failed(ctx->diags)) {
        session_unref(s);
        return NULL;
    }
    log_debug("session", "configured by Terraform %s; connection %s", terraform_version,
              s->connection == SESSION_UNKNOWN ? "not known yet" : "known");
    return s;
}

void session_ref(void *session)
{
    struct session *s = session;

    pthread_mutex_lock(&s->lock);
    s->refs++;
    pthread_mutex_unlock(&s->lock);
}

void session_unref(void *session)
{
    struct session *s = session;
    unsigned left;

    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    left = --s->refs;
    pthread_mutex_unlock(&s->lock);
    if (left)
        return;
    kube_client_free(s->client);
    source_cache_free(s->sources);
    json_decref(s->left);
    arena_free(s->arena);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* --- using -------------------------------------------------------------------------------------- */

enum session_connection session_connection(const struct session *s)
{
    return s->connection;
}

struct source_cache *session_sources(struct session *s)
{
    return s->sources;
}

const char *session_field_manager(const struct session *s)
{
    return tf_str(tf_get(s->config, "field_manager"), SESSION_FIELD_MANAGER);
}

int64_t session_lock_timeout_ms(const struct session *s)
{
    return s->lock_timeout_ms;
}

/* With the lock held. */
static int connect_now(struct session *s, struct err *err)
{
    struct kube_attributes attrs = attributes_of(s->arena, s->config);
    struct kube_client_options o = {
        .parallelism = (int)tf_int_or(tf_get(s->config, "parallelism"), KUBE_PARALLELISM),
        .user_agent = "terraform-provider-kubeflow/" PROVIDER_VERSION,
    };
    int rc = kube_config_resolve(&attrs, NULL, &o.config, err);

    if (rc)
        return err_wrap(err, "connecting to the cluster");
    s->client = kube_client_new(&o, err);
    if (s->client)
        return 0;
    return err && err->code ? err->code : ERR_FAIL; /* a plan asks without wanting the text */
}

int session_client(struct session *s, struct kube_client **ret_client, struct err *err)
{
    int rc = 0;

    if (s->connection == SESSION_UNKNOWN)
        return err_set(err, ERR_UNREACHABLE,
                       "the provider's connection isn't known yet: it depends on something that is "
                       "made in the same apply");
    pthread_mutex_lock(&s->lock);
    if (!s->client)
        rc = connect_now(s, err);
    if (!rc)
        *ret_client = s->client;
    pthread_mutex_unlock(&s->lock);
    return rc;
}

void session_leave(struct session *s, const char *name, const char *text)
{
    pthread_mutex_lock(&s->lock);
    if (!s->left)
        s->left = json_object();
    json_object_set_new(s->left, name, json_string(text));
    pthread_mutex_unlock(&s->lock);
}

char *session_take(struct session *s, const char *name)
{
    char *text;

    pthread_mutex_lock(&s->lock);
    text = mem_strdup(json_string_value(json_object_get(s->left, name)));
    json_object_del(s->left, name);
    pthread_mutex_unlock(&s->lock);
    return text;
}
