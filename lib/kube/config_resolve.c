/* From what the user says to one connection.
 *
 * Three layers, later ones over earlier ones: what the kubeconfig's context names, the environment,
 * the provider's attributes (the last two are one by the time: an attribute that isn't set is read
 * from its variable). They are laid over each other as client-go's overrides are:
 *   - a CA, or insecure, from above replaces both of the kubeconfig's;
 *   - a server from above drops the kubeconfig's tls-server-name;
 *   - a way to log in from above (token, exec, certificate, callback) replaces all of the kubeconfig's. */
#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/buf.h"
#include "lib/base/hash.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"
#include "lib/kube/config_parts.h"
#include "lib/kube/file.h"
#include "lib/kube/kubeconfig.h"

#include "lib/base/banned.h"

#define CLUSTER_EXTENSION "client.authentication.k8s.io/exec"
#define PEM_MAX_BYTES     ((size_t)1 << 20)

/* Everything that is being put together; strings are owned. */
struct settings {
    char *server, *ca_pem, *tls_server_name, *proxy_url;
    char *token, *token_file, *username, *password, *cert_pem, *key_pem;
    bool insecure, disable_compression;
    char *server_from; /* for messages: "host", "cluster \"x\"" */
    struct exec_plugin *plugin;
    bool cluster_info; /* the plugin wants to know the cluster */
    json_t *extension; /* of the cluster, for plugins */
    struct kube_token_source source;
    VEC(char *) headers;
};

struct resolver {
    struct kube_attributes attrs; /* with the environment's values filled in */
    const char *(*getenv_fn)(const char *);
    const char *service_account_dir;
    char **env_paths; /* of KUBE_CONFIG_PATHS */
};

static void settings_done(struct settings *s)
{
    char **const secrets[] = {&s->token, &s->username, &s->password, &s->cert_pem, &s->key_pem};
    char **const plain[] = {&s->server,    &s->ca_pem,     &s->tls_server_name,
                            &s->proxy_url, &s->token_file, &s->server_from};

    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        mem_free_secret(*secrets[i]);
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        free(*plain[i]);
    for (size_t i = 0; i < s->headers.len; i++)
        free(s->headers.at[i]);
    vec_done(&s->headers);
    exec_plugin_free(s->plugin);
    json_decref(s->extension);
}

static void replace(char **field, const char *value)
{
    mem_free_secret(*field);
    *field = mem_strdup(value);
}

static bool given(const char *s)
{
    return s && *s;
}

/* --- environment -------------------------------------------------------------------------------- */

static const char *process_env(const char *name)
{
    return getenv(name);
}

static const struct {
    const char *variable;
    size_t field;
} variables[] = {
    {"KUBE_HOST", offsetof(struct kube_attributes, host)},
    {"KUBE_TOKEN", offsetof(struct kube_attributes, token)},
    {"KUBE_CLUSTER_CA_CERT_DATA", offsetof(struct kube_attributes, cluster_ca_certificate)},
    {"KUBE_CLIENT_CERT_DATA", offsetof(struct kube_attributes, client_certificate)},
    {"KUBE_CLIENT_KEY_DATA", offsetof(struct kube_attributes, client_key)},
    {"KUBE_TLS_SERVER_NAME", offsetof(struct kube_attributes, tls_server_name)},
    {"KUBE_PROXY_URL", offsetof(struct kube_attributes, proxy_url)},
    {"KUBE_CTX", offsetof(struct kube_attributes, config_context)},
    {"KUBE_CTX_CLUSTER", offsetof(struct kube_attributes, config_context_cluster)},
    {"KUBE_CTX_AUTH_INFO", offsetof(struct kube_attributes, config_context_auth_info)},
};

/* The words that Go's strconv.ParseBool knows. */
static int parse_bool(const char *text)
{
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
    static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};

    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (!strcmp(text, yes[i]))
            return 1;
        if (!strcmp(text, no[i]))
            return 0;
    }
    return -1;
}

static void split_paths(struct resolver *r, const char *list)
{
    VEC(char *) paths = VEC_INIT;
    const char *end;

    for (; *list; list = *end ? end + 1 : end) {
        end = strchrnul(list, ':');
        if (end > list)
            vec_push(&paths, mem_strndup(list, (size_t)(end - list)));
    }
    vec_push(&paths, NULL);
    r->env_paths = paths.at;
}

static void resolver_done(struct resolver *r)
{
    for (size_t i = 0; r->env_paths && r->env_paths[i]; i++)
        free(r->env_paths[i]);
    free(r->env_paths);
}

static int read_environment(struct resolver *r, struct err *err)
{
    const char *value;

    for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
        const char **field = (const char **)((char *)&r->attrs + variables[i].field);

        if (!given(*field))
            *field = r->getenv_fn(variables[i].variable);
    }
    if (r->attrs.insecure < 0 && given(value = r->getenv_fn("KUBE_INSECURE"))) {
        r->attrs.insecure = parse_bool(value);
        if (r->attrs.insecure < 0)
            return err_set(err, ERR_INVALID, "KUBE_INSECURE must be true or false, not \"%s\"",
                           value);
    }
    if (r->attrs.config_paths && r->attrs.config_paths[0])
        return 0;
    r->attrs.config_paths = NULL;
    if (r->attrs.in_cluster)
        return 0;
    if (given(value = r->getenv_fn("KUBE_CONFIG_PATH"))) {
        r->env_paths = mem_calloc(2, sizeof(*r->env_paths));
        r->env_paths[0] = mem_strdup(value);
    } else if (given(value = r->getenv_fn("KUBE_CONFIG_PATHS"))) {
        split_paths(r, value);
    }
    r->attrs.config_paths = (const char *const *)r->env_paths;
    return 0;
}

/* --- data and files ----------------------------------------------------------------------------- */

static int decode(const char *base64, const char *what, char **ret, struct err *err)
{
    uint8_t *data = NULL;
    size_t len = 0;

    if (hash_base64_decode(base64, strlen(base64), &data, &len))
        return err_set(err, ERR_INVALID, "%s isn't base64", what);
    if (strlen((const char *)data) != len) {
        mem_wipe(data, len);
        free(data);
        return err_set(err, ERR_INVALID, "%s isn't text", what);
    }
    mem_free_secret(*ret);
    *ret = (char *)data;
    return 0;
}

/* "x-data" (base64) or "x" (a file); both is an error, as in client-go. */
static int data_or_file(const json_t *entry, const char *name, const char *where, char **ret,
                        struct err *err)
{
    char *data_name CLEANUP(mem_cleanup) = mem_printf("%s-data", name);
    const char *data = kubeconfig_str(entry, data_name), *path = kubeconfig_str(entry, name);
    char *what CLEANUP(mem_cleanup) = NULL;
    size_t len;
    int rc;

    if (*data && *path)
        return err_set(err, ERR_INVALID, "%s: %s and %s are both given; use one of them", where,
                       name, data_name);
    if (*data) {
        what = mem_printf("%s: %s", where, data_name);
        return decode(data, what, ret, err);
    }
    if (!*path)
        return 0;
    mem_free_secret(*ret);
    *ret = NULL;
    rc = kube_read_file(path, PEM_MAX_BYTES, ret, &len, err);
    if (rc) {
        err_wrap(err, "%s: %s", where, name);
        return err_set(err, ERR_INVALID, "%s", err_msg(err));
    }
    return 0;
}

/* --- kubeconfig --------------------------------------------------------------------------------- */

static int read_cluster(const json_t *cluster, const char *name, struct settings *s,
                        struct err *err)
{
    char *where CLEANUP(mem_cleanup) = mem_printf("kubeconfig cluster \"%s\"", name);
    json_t *extensions = json_object_get(cluster, "extensions"), *e;
    size_t i;

    replace(&s->server, kubeconfig_str(cluster, "server"));
    replace(&s->server_from, where);
    replace(&s->tls_server_name, kubeconfig_str(cluster, "tls-server-name"));
    replace(&s->proxy_url, kubeconfig_str(cluster, "proxy-url"));
    s->insecure = json_is_true(json_object_get(cluster, "insecure-skip-tls-verify"));
    s->disable_compression = json_is_true(json_object_get(cluster, "disable-compression"));
    json_array_foreach (extensions, i, e) {
        if (strcmp(kubeconfig_str(e, "name"), CLUSTER_EXTENSION))
            continue;
        json_decref(s->extension);
        s->extension = json_incref(json_object_get(e, "extension"));
    }
    return data_or_file(cluster, "certificate-authority", where, &s->ca_pem, err);
}

static char **string_list(const json_t *list)
{
    size_t n = json_array_size(list);
    char **out = mem_calloc(n + 1, sizeof(*out));

    for (size_t i = 0; i < n; i++)
        out[i] = mem_strdup(json_string_value(json_array_get(list, i)));
    return out;
}

static char **env_list(const json_t *list)
{
    size_t n = json_array_size(list);
    char **out = mem_calloc(n + 1, sizeof(*out));

    for (size_t i = 0; i < n; i++) {
        const json_t *e = json_array_get(list, i);

        out[i] = mem_printf("%s=%s", kubeconfig_str(e, "name"), kubeconfig_str(e, "value"));
    }
    return out;
}

static int read_exec(const json_t *exec, const char *where, struct settings *s, struct err *err)
{
    const char *mode = kubeconfig_str(exec, "interactiveMode");
    struct exec_plugin *p = mem_calloc(1, sizeof(*p));
    int rc;

    exec_plugin_free(s->plugin);
    s->plugin = p;
    p->api_version = mem_strdup(kubeconfig_str(exec, "apiVersion"));
    p->command = mem_strdup(kubeconfig_str(exec, "command"));
    if (*kubeconfig_str(exec, "installHint"))
        p->install_hint = mem_strdup(kubeconfig_str(exec, "installHint"));
    p->args = string_list(json_object_get(exec, "args"));
    p->env = env_list(json_object_get(exec, "env"));
    s->cluster_info = json_is_true(json_object_get(exec, "provideClusterInfo"));
    rc = exec_plugin_check(p, err);
    if (rc)
        return err_wrap(err, "%s", where);
    if (!strcmp(mode, "Always"))
        return err_set(err, ERR_INVALID,
                       "%s: credential plugin %s wants to ask questions (interactiveMode: Always), "
                       "and nobody can answer here",
                       where, p->command);
    if (*mode ? strcmp(mode, "Never") && strcmp(mode, "IfAvailable")
              : !strcmp(p->api_version, "client.authentication.k8s.io/v1"))
        return err_set(err, ERR_INVALID,
                       "%s: exec.interactiveMode must be Never, IfAvailable or Always, not \"%s\"",
                       where, mode);
    return 0;
}

/* A header's value can't hold line ends; what comes from the file could. */
static int add_header(struct settings *s, const char *name, const char *value, const char *where,
                      struct err *err)
{
    if (strpbrk(value, "\r\n"))
        return err_set(err, ERR_INVALID, "%s: impersonation values must be one line", where);
    vec_push(&s->headers, mem_printf("%s: %s", name, value));
    return 0;
}

/* Keys of as-user-extra become part of a header's name, percent-encoded outside RFC 7230's tokens. */
static char *extra_header(const char *key)
{
    struct buf b = BUF_INIT;

    buf_puts(&b, "Impersonate-Extra-");
    for (; *key; key++) {
        if (isalnum((unsigned char)*key) || strchr("!#$&'*+-.^_`|~", *key))
            buf_putc(&b, (char)tolower((unsigned char)*key));
        else
            buf_printf(&b, "%%%02X", (unsigned char)*key);
    }
    return buf_take(&b);
}

static int read_impersonation(const json_t *user, const char *where, struct settings *s,
                              struct err *err)
{
    const char *as = kubeconfig_str(user, "as"), *uid = kubeconfig_str(user, "as-uid");
    json_t *groups = json_object_get(user, "as-groups"), *group, *values, *value;
    json_t *extra = json_object_get(user, "as-user-extra");
    const char *key;
    size_t i;
    int rc = 0;

    if (!*as) {
        if (*uid || json_array_size(groups) || json_object_size(extra))
            return err_set(err, ERR_INVALID,
                           "%s: as-uid, as-groups and as-user-extra need a user to act as (as)",
                           where);
        return 0;
    }
    rc = add_header(s, "Impersonate-User", as, where, err);
    if (!rc && *uid)
        rc = add_header(s, "Impersonate-Uid", uid, where, err);
    json_array_foreach (groups, i, group)
        if (!rc)
            rc = add_header(s, "Impersonate-Group", json_string_value(group), where, err);
    json_object_foreach (extra, key, values) {
        char *name CLEANUP(mem_cleanup) = extra_header(key);

        json_array_foreach (values, i, value)
            if (!rc)
                rc = add_header(s, name, json_string_value(value), where, err);
    }
    return rc;
}

static int check_user(const json_t *user, const char *where, struct err *err)
{
    bool basic = *kubeconfig_str(user, "username") || *kubeconfig_str(user, "password");
    const json_t *provider = json_object_get(user, "auth-provider");

    if (provider)
        return err_set(err, ERR_UNSUPPORTED,
                       "%s: auth-provider \"%s\" isn't supported any more (client-go dropped it "
                       "too); use a credential plugin (exec) instead",
                       where, kubeconfig_str(provider, "name"));
    if (basic && (*kubeconfig_str(user, "token") || *kubeconfig_str(user, "tokenFile")))
        return err_set(err, ERR_INVALID,
                       "%s: token and username/password are both given; use one of them", where);
    return 0;
}

static int read_user(const json_t *user, const char *name, struct settings *s, struct err *err)
{
    char *where CLEANUP(mem_cleanup) = mem_printf("kubeconfig user \"%s\"", name);
    const json_t *exec = json_object_get(user, "exec");
    int rc = check_user(user, where, err);

    if (!rc)
        rc = data_or_file(user, "client-certificate", where, &s->cert_pem, err);
    if (!rc)
        rc = data_or_file(user, "client-key", where, &s->key_pem, err);
    if (rc)
        return rc;
    if (s->cert_pem && !s->key_pem)
        return err_set(err, ERR_INVALID, "%s: a client certificate needs a client-key", where);
    replace(&s->token, kubeconfig_str(user, "token"));
    replace(&s->token_file, kubeconfig_str(user, "tokenFile"));
    if (*kubeconfig_str(user, "username") || *kubeconfig_str(user, "password")) {
        replace(&s->username, kubeconfig_str(user, "username"));
        replace(&s->password, kubeconfig_str(user, "password"));
    }
    if (exec)
        rc = read_exec(exec, where, s, err);
    return rc ? rc : read_impersonation(user, where, s, err);
}

/* Whether the kubeconfig's way to log in is replaced by another. */
static bool brings_login(const struct kube_attributes *a)
{
    return given(a->token) || given(a->client_certificate) || given(a->client_key) || a->exec ||
           a->token_source;
}

static int pick(const json_t *config, enum kubeconfig_part part, const char *what, const char *name,
                const char *context, json_t **ret, struct err *err)
{
    *ret = *name ? kubeconfig_entry(config, part, name) : NULL;
    if (*ret)
        return 0;
    if (!*name)
        return err_set(err, ERR_INVALID, "kubeconfig: context \"%s\" names no %s", context, what);
    return err_set(err, ERR_INVALID, "kubeconfig: there is no %s \"%s\"", what, name);
}

static int read_kubeconfig(const struct resolver *r, const json_t *config, struct settings *s,
                           struct err *err)
{
    const struct kube_attributes *a = &r->attrs;
    const char *context_name =
        given(a->config_context) ? a->config_context : kubeconfig_str(config, "current-context");
    const char *cluster_name, *user_name;
    json_t *context = NULL, *cluster = NULL, *user = NULL;
    bool needs_cluster = !given(a->host);
    int rc;

    if (*context_name) {
        context = kubeconfig_entry(config, KUBECONFIG_CONTEXT, context_name);
        if (!context)
            return err_set(err, ERR_INVALID, "kubeconfig: there is no context \"%s\"",
                           context_name);
    }
    cluster_name = given(a->config_context_cluster) ? a->config_context_cluster
                                                    : kubeconfig_str(context, "cluster");
    user_name = given(a->config_context_auth_info) ? a->config_context_auth_info
                                                   : kubeconfig_str(context, "user");
    if (!*context_name && !*cluster_name && needs_cluster)
        return err_set(err, ERR_NOT_FOUND,
                       "the kubeconfig has no current-context; set config_context");
    if (*cluster_name || needs_cluster) {
        rc = pick(config, KUBECONFIG_CLUSTER, "cluster", cluster_name, context_name, &cluster, err);
        if (!rc)
            rc = read_cluster(cluster, cluster_name, s, err);
        if (rc)
            return rc;
    }
    if (!*user_name)
        return 0;
    user = kubeconfig_entry(config, KUBECONFIG_USER, user_name);
    if (!user && brings_login(a))
        return 0;
    rc = pick(config, KUBECONFIG_USER, "user", user_name, context_name, &user, err);
    return rc ? rc : read_user(user, user_name, s, err);
}

/* --- in the cluster ----------------------------------------------------------------------------- */

static int read_service_account(const struct resolver *r, struct settings *s, struct err *err)
{
    const char *host = r->getenv_fn("KUBERNETES_SERVICE_HOST");
    const char *port = r->getenv_fn("KUBERNETES_SERVICE_PORT");
    char *ca CLEANUP(mem_cleanup) = mem_printf("%s/ca.crt", r->service_account_dir);
    char *token CLEANUP(mem_cleanup) = mem_printf("%s/token", r->service_account_dir);
    char *text = NULL;
    size_t len = 0;

    if (!given(host) || !given(port))
        return err_set(err, ERR_NOT_FOUND,
                       "in_cluster is set, but this isn't a pod (KUBERNETES_SERVICE_HOST and "
                       "KUBERNETES_SERVICE_PORT aren't set)");
    if (kube_read_file(token, KUBE_TOKEN_FILE_MAX, &text, &len, err) ||
        kube_read_file(ca, PEM_MAX_BYTES, &s->ca_pem, &len, err)) {
        mem_free_secret(text);
        err_wrap(err, "in_cluster: the pod's service account");
        return ERR_INVALID;
    }
    mem_free_secret(text);
    free(s->server);
    s->server = mem_printf(strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host, port);
    replace(&s->server_from, "in_cluster");
    replace(&s->token_file, token);
    return 0;
}

/* --- attributes --------------------------------------------------------------------------------- */

static char **copy_list(const char *const *list)
{
    VEC(char *) out = VEC_INIT;

    for (size_t i = 0; list && list[i]; i++)
        vec_push(&out, mem_strdup(list[i]));
    vec_push(&out, NULL);
    return out.at;
}

static void drop_login(struct settings *s)
{
    char **const fields[] = {&s->token,    &s->token_file, &s->username,
                             &s->password, &s->cert_pem,   &s->key_pem};

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        mem_free_secret(*fields[i]);
        *fields[i] = NULL;
    }
    exec_plugin_free(s->plugin);
    s->plugin = NULL;
    s->cluster_info = false;
}

static int overlay_exec(const struct kube_exec *e, struct settings *s, struct err *err)
{
    struct exec_plugin *p = mem_calloc(1, sizeof(*p));

    s->plugin = p;
    p->api_version = mem_strdup(e->api_version);
    p->command = mem_strdup(e->command);
    p->args = copy_list(e->args);
    p->env = copy_list(e->env);
    s->cluster_info = e->provide_cluster_info;
    return exec_plugin_check(p, err) ? err_wrap(err, "exec") : 0;
}

static int overlay_login(const struct kube_attributes *a, struct settings *s, struct err *err)
{
    if (!brings_login(a))
        return 0;
    if (given(a->client_certificate) != given(a->client_key))
        return err_set(err, ERR_INVALID, "%s needs %s beside it",
                       given(a->client_key) ? "client_key" : "client_certificate",
                       given(a->client_key) ? "client_certificate" : "client_key");
    drop_login(s);
    if (given(a->token))
        replace(&s->token, a->token);
    if (given(a->client_certificate)) {
        replace(&s->cert_pem, a->client_certificate);
        replace(&s->key_pem, a->client_key);
    }
    if (a->token_source)
        s->source = *a->token_source;
    return a->exec ? overlay_exec(a->exec, s, err) : 0;
}

static int overlay(const struct kube_attributes *a, struct settings *s, struct err *err)
{
    if (given(a->cluster_ca_certificate) || a->insecure == 1) {
        replace(&s->ca_pem, a->cluster_ca_certificate);
        s->insecure = a->insecure == 1;
    } else if (a->insecure == 0) {
        s->insecure = false;
    }
    if (given(a->host)) {
        replace(&s->server, a->host);
        replace(&s->server_from, "host");
        replace(&s->tls_server_name, NULL);
    }
    if (given(a->tls_server_name))
        replace(&s->tls_server_name, a->tls_server_name);
    if (given(a->proxy_url))
        replace(&s->proxy_url, a->proxy_url);
    return overlay_login(a, s, err);
}

/* --- the whole ---------------------------------------------------------------------------------- */

/* Adds a scheme, drops query, fragment and final slashes. */
static int normalize_server(struct settings *s, struct err *err)
{
    char *url =
        strstr(s->server, "://") ? mem_strdup(s->server) : mem_printf("https://%s", s->server);
    const char *host = strstr(url, "://") + 3;
    size_t n;

    url[strcspn(url, "?#")] = '\0';
    n = strlen(url);
    while (n && url[n - 1] == '/')
        url[--n] = '\0';
    free(s->server);
    s->server = url;
    if ((strncasecmp(url, "https://", 8) && strncasecmp(url, "http://", 7)) ||
        n <= (size_t)(host - url) || strpbrk(url, " \t\r\n\"<>\\") ||
        strcspn(host, "@") < strcspn(host, "/"))
        return err_set(err, ERR_INVALID, "%s: \"%s\" isn't the URL of an API server",
                       s->server_from, url);
    return 0;
}

static int check_proxy(const struct settings *s, struct err *err)
{
    static const char *const schemes[] = {"http://", "https://", "socks5://"};

    if (!given(s->proxy_url))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (!strncasecmp(s->proxy_url, schemes[i], strlen(schemes[i])) &&
            s->proxy_url[strlen(schemes[i])])
            return 0;
    return err_set(err, ERR_INVALID, "proxy_url must be an http, https or socks5 URL");
}

static int check(struct settings *s, struct err *err)
{
    int rc;

    if (!given(s->server))
        return s->server_from
                   ? err_set(err, ERR_INVALID, "%s has no server", s->server_from)
                   : err_set(err, ERR_NOT_FOUND,
                             "nothing says which cluster: set config_path, host, or in_cluster");
    rc = normalize_server(s, err);
    if (!rc)
        rc = check_proxy(s, err);
    if (rc)
        return rc;
    if (s->insecure && given(s->ca_pem))
        return err_set(err, ERR_INVALID,
                       "%s: a CA certificate and insecure (no verification) exclude each other",
                       s->server_from);
    if (s->token && strpbrk(s->token, "\r\n"))
        return err_set(err, ERR_INVALID, "the token has more than one line");
    return 0;
}

/* spec.cluster of KUBERNETES_EXEC_INFO. */
static json_t *describe_cluster(const struct settings *s)
{
    json_t *cluster = json_pack("{s:s}", "server", s->server);

    if (given(s->tls_server_name))
        json_object_set_new(cluster, "tls-server-name", json_string(s->tls_server_name));
    if (s->insecure)
        json_object_set_new(cluster, "insecure-skip-tls-verify", json_true());
    if (given(s->ca_pem)) {
        char *encoded CLEANUP(mem_cleanup) = hash_base64(s->ca_pem, strlen(s->ca_pem));

        json_object_set_new(cluster, "certificate-authority-data", json_string(encoded));
    }
    if (given(s->proxy_url))
        json_object_set_new(cluster, "proxy-url", json_string(s->proxy_url));
    if (s->disable_compression)
        json_object_set_new(cluster, "disable-compression", json_true());
    if (s->extension)
        json_object_set(cluster, "config", s->extension);
    return cluster;
}

static char *take(char **field)
{
    char *value = *field;

    *field = NULL;
    if (value && !*value) {
        free(value);
        value = NULL;
    }
    return value;
}

static struct kube_config *build(struct settings *s)
{
    struct kube_config *c = mem_calloc(1, sizeof(*c));
    struct kube_credentials_options o = {.token = s->token,
                                         .token_file = given(s->token_file) ? s->token_file : NULL,
                                         .username = s->username,
                                         .password = s->password,
                                         .cert_pem = s->cert_pem,
                                         .key_pem = s->key_pem,
                                         .source = s->source};

    /* A login that is given as such makes a plugin needless (client-go). */
    if (s->plugin && !given(s->token) && !o.token_file && !s->username && !s->cert_pem) {
        if (s->cluster_info)
            s->plugin->cluster = describe_cluster(s);
        o.plugin = s->plugin;
        s->plugin = NULL;
    }
    c->secure = !strncasecmp(s->server, "https://", 8);
    c->server = take(&s->server);
    c->ca_pem = take(&s->ca_pem);
    c->tls_server_name = take(&s->tls_server_name);
    c->proxy_url = take(&s->proxy_url);
    c->insecure = s->insecure;
    c->disable_compression = s->disable_compression;
    vec_push(&s->headers, NULL);
    c->headers = s->headers.at;
    memset(&s->headers, 0, sizeof(s->headers));
    c->credentials = kube_credentials_new(&o);
    return c;
}

static int gather(struct resolver *r, struct settings *s, struct err *err)
{
    json_t *config = NULL;
    int rc = read_environment(r, err);

    if (rc)
        return rc;
    if (r->attrs.in_cluster && r->attrs.config_paths)
        return err_set(err, ERR_INVALID, "in_cluster and config_path exclude each other");
    if (r->attrs.in_cluster) {
        rc = read_service_account(r, s, err);
    } else if (r->attrs.config_paths) {
        rc = kubeconfig_load(r->attrs.config_paths, r->getenv_fn("HOME"), &config, err);
        if (rc == ERR_NOT_FOUND)
            rc = err_set(err, ERR_INVALID, "config_path: %s", err_msg(err));
        if (!rc)
            rc = read_kubeconfig(r, config, s, err);
        json_decref(config);
    }
    if (!rc)
        rc = overlay(&r->attrs, s, err);
    return rc ? rc : check(s, err);
}

int kube_config_resolve_at(const struct kube_attributes *attrs,
                           const char *(*getenv_fn)(const char *), const char *service_account_dir,
                           struct kube_config **ret_config, struct err *err)
{
    struct resolver r CLEANUP(resolver_done) = {.attrs = *attrs,
                                                .getenv_fn = getenv_fn ? getenv_fn : process_env,
                                                .service_account_dir = service_account_dir};
    struct settings s CLEANUP(settings_done) = {0};
    int rc = gather(&r, &s, err);

    if (!rc)
        *ret_config = build(&s);
    return rc;
}

int kube_config_resolve(const struct kube_attributes *attrs, const char *(*getenv_fn)(const char *),
                        struct kube_config **ret_config, struct err *err)
{
    return kube_config_resolve_at(attrs, getenv_fn, KUBE_SERVICE_ACCOUNT_DIR, ret_config, err);
}

void kube_config_free(struct kube_config *c)
{
    if (!c)
        return;
    free(c->server);
    free(c->ca_pem);
    free(c->tls_server_name);
    mem_free_secret(c->proxy_url); /* may hold a password */
    for (size_t i = 0; c->headers && c->headers[i]; i++)
        free(c->headers[i]);
    free(c->headers);
    kube_credentials_free(c->credentials);
    free(c);
}

const char *kube_config_server(const struct kube_config *c)
{
    return c->server;
}
