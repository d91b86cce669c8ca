#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/hash.h"
#include "lib/base/mem.h"
#include "lib/kube/config_parts.h"
#include "lib/kube/kubeconfig.h"

#include "lib/base/banned.h"

static char dir[64];
static struct kube_config *config;
static struct err err;

static const char *env[16][2];

static const char *fake_getenv(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(env) && env[i][0]; i++)
        if (!strcmp(env[i][0], name))
            return env[i][1];
    return NULL;
}

static void set_env(const char *name, const char *value)
{
    size_t i = 0;

    while (env[i][0])
        i++;
    env[i][0] = name;
    env[i][1] = value;
}

static void setup(void)
{
    snprintf(dir, sizeof(dir), "/tmp/test-config-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    memset(env, 0, sizeof(env));
}

static void teardown(void)
{
    char *command CLEANUP(mem_cleanup) = mem_printf("%s/", dir);
    static const char *const names[] = {"a",       "b",          "c",     "ca.pem",
                                        "crt.pem", "key",        "token", "ca.crt",
                                        ".kube",   "bin/plugin", "bin",   "missing"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *path CLEANUP(mem_cleanup) = mem_printf("%s%s", command, names[i]);

        if (unlink(path))
            rmdir(path);
    }
    rmdir(dir);
    kube_config_free(config);
    config = NULL;
    err_done(&err);
}

/* Writes a file of the test's directory; returns its path. */
static const char *put(const char *name, const char *text)
{
    static char paths[4][128];
    static size_t next;
    char *path = paths[next++ % ARRAY_LEN(paths)];
    FILE *f;

    snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
    return path;
}

#define NOTHING ((struct kube_attributes){.insecure = -1})

static int resolve(struct kube_attributes a)
{
    kube_config_free(config);
    config = NULL;
    err_done(&err);
    return kube_config_resolve_at(&a, fake_getenv, dir, &config, &err);
}

/* Resolves one kubeconfig file with this text, over which the attributes lie. */
static int resolve_text(const char *text, struct kube_attributes a)
{
    const char *const paths[] = {put("a", text), NULL};

    a.config_paths = paths;
    return resolve(a);
}

static void assert_says(const char *part)
{
    ck_assert_msg(strstr(err_msg(&err), part), "\"%s\" doesn't say \"%s\"", err_msg(&err), part);
}

static const char *authorization(void)
{
    static char line[256];
    struct kube_identity *id CLEANUP(kube_identity_cleanup) = NULL;

    ck_assert_int_eq(kube_credentials_get(config->credentials, true, NULL, &id, &err), 0);
    snprintf(line, sizeof(line), "%s", id->authorization ? id->authorization : "");
    return line;
}

#define HEAD    "apiVersion: v1\nkind: Config\ncurrent-context: x\n"
#define CONTEXT "contexts: [{name: x, context: {cluster: c, user: u, namespace: n}}]\n"
#define CLUSTER "clusters: [{name: c, cluster: {server: 'https://k.test:6443'}}]\n"
#define USER    "users: [{name: u, user: {token: t}}]\n"

/* --- files ----------------------------------------------------------------------------------------- */

START_TEST(plain_file)
{
    ck_assert_int_eq(resolve_text(HEAD CONTEXT CLUSTER USER, NOTHING), 0);
    ck_assert_str_eq(kube_config_server(config), "https://k.test:6443");
    ck_assert_str_eq(authorization(), "Authorization: Bearer t");
    ck_assert_ptr_null(config->ca_pem);
    ck_assert(!config->insecure);
    ck_assert(config->secure);
}
END_TEST

/* JSON is what some tools write. */
START_TEST(json_file)
{
    ck_assert_int_eq(
        resolve_text(
            "{\"kind\":\"Config\",\"current-context\":\"x\",\"contexts\":[{\"name\":\"x\","
            "\"context\":{\"cluster\":\"c\",\"user\":\"u\"}}],\"clusters\":[{\"name\":\"c\","
            "\"cluster\":{\"server\":\"https://j.test\"}}],\"users\":[{\"name\":\"u\","
            "\"user\":{\"username\":\"me\",\"password\":\"pw\"}}]}",
            NOTHING),
        0);
    ck_assert_str_eq(kube_config_server(config), "https://j.test");
    ck_assert_str_eq(authorization(), "Authorization: Basic bWU6cHc="); /* RFC 7617: me:pw */
}
END_TEST

START_TEST(data_members)
{
    ck_assert_int_eq(resolve_text(HEAD CONTEXT
                                  "clusters: [{name: c, cluster: {server: 'https://k.test', "
                                  "certificate-authority-data: Y2E=, tls-server-name: sni.test, "
                                  "proxy-url: 'socks5://p:1', disable-compression: true}}]\n"
                                  "users: [{name: u, user: {client-certificate-data: Y3J0, "
                                  "client-key-data: a2V5}}]\n",
                                  NOTHING),
                     0);
    ck_assert_str_eq(config->ca_pem, "ca");
    ck_assert_str_eq(config->tls_server_name, "sni.test");
    ck_assert_str_eq(config->proxy_url, "socks5://p:1");
    ck_assert(config->disable_compression);
    {
        struct kube_identity *id CLEANUP(kube_identity_cleanup) = NULL;

        ck_assert_int_eq(kube_credentials_get(config->credentials, false, NULL, &id, NULL), 0);
        ck_assert_str_eq(id->cert_pem, "crt");
        ck_assert_str_eq(id->key_pem, "key");
        ck_assert_ptr_null(id->authorization);
    }
}
END_TEST

/* References are relative to the file's own directory. */
START_TEST(file_members)
{
    put("ca.pem", "the ca");
    put("crt.pem", "the crt");
    put("key", "the key");
    ck_assert_int_eq(resolve_text(HEAD CONTEXT
                                  "clusters: [{name: c, cluster: {server: 'https://k.test', "
                                  "certificate-authority: ca.pem}}]\n"
                                  "users: [{name: u, user: {client-certificate: ./crt.pem, "
                                  "client-key: key}}]\n",
                                  NOTHING),
                     0);
    ck_assert_str_eq(config->ca_pem, "the ca");
    {
        struct kube_identity *id CLEANUP(kube_identity_cleanup) = NULL;

        ck_assert_int_eq(kube_credentials_get(config->credentials, false, NULL, &id, NULL), 0);
        ck_assert_str_eq(id->cert_pem, "the crt");
        ck_assert_str_eq(id->key_pem, "the key");
    }
}
END_TEST

/* clientcmd: "only values from the first file's red-user are used". */
START_TEST(first_file_wins)
{
    const char *const paths[] = {
        put("a", "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
                 "users: [{name: u, user: {token: first}}]\n"),
        "/nonexistent/kubeconfig", "",
        put("b", "current-context: y\n" CLUSTER
                 "users: [{name: u, user: {token: second, tokenFile: /nonexistent}}]\n"
                 "contexts: [{name: x, context: {cluster: other, user: other}}]\n"),
        NULL};
    struct kube_attributes a = NOTHING;

    a.config_paths = paths;
    ck_assert_int_eq(resolve(a), 0);
    ck_assert_str_eq(kube_config_server(config), "https://k.test:6443");
    ck_assert_str_eq(authorization(), "Authorization: Bearer first");
}
END_TEST

START_TEST(current_context_of_a_later_file)
{
    const char *const paths[] = {put("a", CLUSTER USER), put("b", HEAD CONTEXT), NULL};
    struct kube_attributes a = NOTHING;

    a.config_paths = paths;
    ck_assert_int_eq(resolve(a), 0);
    ck_assert_str_eq(kube_config_server(config), "https://k.test:6443");
}
END_TEST

START_TEST(single_file_must_exist)
{
    const char *const paths[] = {"/nonexistent/kubeconfig", NULL};
    struct kube_attributes a = NOTHING;

    a.config_paths = paths;
    ck_assert_int_eq(resolve(a), ERR_INVALID);
    assert_says("/nonexistent/kubeconfig: No such file or directory");
}
END_TEST

START_TEST(tilde_is_home)
{
    const char *const paths[] = {"~/a", NULL};
    struct kube_attributes a = NOTHING;

    put("a", HEAD CONTEXT CLUSTER USER);
    set_env("HOME", dir);
    a.config_paths = paths;
    ck_assert_int_eq(resolve(a), 0);
}
END_TEST

START_TEST(bad_files)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"a: [", "line "},
        {"- a\n", "not a kubeconfig"},
        {"kind: Deployment\napiVersion: apps/v1\n", "not a kubeconfig"},
        {"clusters: {}\n", "clusters must be a list"},
        {"clusters: [{cluster: {}}]\n", "clusters[0] has no name"},
        {"clusters: [{name: c, cluster: 7}]\n", "clusters[\"c\"].cluster must be a map"},
        {"clusters: [{name: c}, {name: c}]\n", "clusters: two are named \"c\""},
        {"clusters: [{name: c, cluster: {server: 7}}]\n",
         "clusters[\"c\"].server must be a string"},
        {"clusters: [{name: c, cluster: {insecure-skip-tls-verify: 'yes'}}]\n",
         "clusters[\"c\"].insecure-skip-tls-verify must be true or false"},
        {"users: [{name: u, user: {exec: 7}}]\n", "users[\"u\"].exec must be a map"},
        {"users: [{name: u, user: {exec: {args: [1]}}}]\n",
         "users[\"u\"].exec.args must be a list of strings"},
        {"users: [{name: u, user: {exec: {env: [{name: x}]}}}]\n",
         "users[\"u\"].exec.env[0] must have a name and a value"},
        {"users: [{name: u, user: {as-user-extra: {k: v}}}]\n",
         "users[\"u\"].as-user-extra must be a map of string lists"},
        {"current-context: []\n", "current-context must be a string"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_int_eq(resolve_text(cases[i].text, NOTHING), ERR_INVALID);
        assert_says(cases[i].says);
        assert_says("/a");
    }
}
END_TEST

START_TEST(null_members_are_absent)
{
    ck_assert_int_eq(resolve_text(HEAD CONTEXT
                                  "clusters: [{name: c, cluster: {server: 'https://k.test', "
                                  "certificate-authority-data: null, proxy-url: }}]\n"
                                  "users: [{name: u, user: {exec: null, token: t, as-groups: }}]\n",
                                  NOTHING),
                     0);
}
END_TEST

/* --- choosing -------------------------------------------------------------------------------------- */

#define TWO                                                                                        \
    HEAD "contexts: [{name: x, context: {cluster: c, user: u}}, {name: y, context: {cluster: d, "  \
         "user: v}}]\nclusters: [{name: c, cluster: {server: 'https://c.test'}}, {name: d, "       \
         "cluster: {server: 'https://d.test'}}]\n"                                                 \
         "users: [{name: u, user: {token: tu}}, {name: v, user: {token: tv}}]\n"

START_TEST(chosen_context)
{
    struct kube_attributes a = NOTHING;

    ck_assert_int_eq(resolve_text(TWO, a), 0);
    ck_assert_str_eq(kube_config_server(config), "https://c.test");
    a.config_context = "y";
    ck_assert_int_eq(resolve_text(TWO, a), 0);
    ck_assert_str_eq(kube_config_server(config), "https://d.test");
    ck_assert_str_eq(authorization(), "Authorization: Bearer tv");
    a.config_context_auth_info = "u";
    ck_assert_int_eq(resolve_text(TWO, a), 0);
    ck_assert_str_eq(kube_config_server(config), "https://d.test");
    ck_assert_str_eq(authorization(), "Authorization: Bearer tu");
    a.config_context = NULL;
    a.config_context_cluster = "d";
    ck_assert_int_eq(resolve_text(TWO, a), 0);
    ck_assert_str_eq(kube_config_server(config), "https://d.test");
}
END_TEST

START_TEST(missing_names)
{
    struct kube_attributes a = NOTHING;

    a.config_context = "z";
    ck_assert_int_eq(resolve_text(TWO, a), ERR_INVALID);
    assert_says("no context \"z\"");
    a.config_context = NULL;
    a.config_context_cluster = "z";
    ck_assert_int_eq(resolve_text(TWO, a), ERR_INVALID);
    assert_says("no cluster \"z\"");
    a.config_context_cluster = NULL;
    a.config_context_auth_info = "z";
    ck_assert_int_eq(resolve_text(TWO, a), ERR_INVALID);
    assert_says("no user \"z\"");
    ck_assert_int_eq(resolve_text(HEAD CONTEXT USER, NOTHING), ERR_INVALID);
    assert_says("no cluster \"c\"");
    ck_assert_int_eq(resolve_text(CLUSTER USER CONTEXT, NOTHING), ERR_NOT_FOUND);
    assert_says("no current-context");
    ck_assert_int_eq(resolve_text(HEAD CONTEXT "clusters: [{name: c}]\n" USER, NOTHING),
                     ERR_INVALID);
    assert_says("cluster \"c\" has no server");
}
END_TEST

START_TEST(nothing_says_which)
{
    ck_assert_int_eq(resolve(NOTHING), ERR_NOT_FOUND);
    assert_says("config_path");
    /* KUBECONFIG and being in a pod say nothing. */
    set_env("KUBECONFIG", put("a", TWO));
    set_env("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    set_env("KUBERNETES_SERVICE_PORT", "443");
    ck_assert_int_eq(resolve(NOTHING), ERR_NOT_FOUND);
}
END_TEST

/* --- environment ----------------------------------------------------------------------------------- */

START_TEST(environment_is_the_default)
{
    struct kube_attributes a = NOTHING;

    set_env("KUBE_CONFIG_PATH", put("a", TWO));
    set_env("KUBE_CTX", "y");
    ck_assert_int_eq(resolve(a), 0);
    ck_assert_str_eq(kube_config_server(config), "https://d.test");
    a.config_context = "x";
    ck_assert_int_eq(resolve(a), 0);
    ck_assert_str_eq(kube_config_server(config), "https://c.test");
    a.host = "https://h.test";
    a.token = "th";
    ck_assert_int_eq(resolve(a), 0);
    ck_assert_str_eq(kube_config_server(config), "https://h.test");
    ck_assert_str_eq(authorization(), "Authorization: Bearer th");
}
END_TEST

START_TEST(environment_alone)
{
    set_env("KUBE_HOST", "h.test:8443");
    set_env("KUBE_TOKEN", "te");
    set_env("KUBE_INSECURE", "true");
    set_env("KUBE_TLS_SERVER_NAME", "sni");
    set_env("KUBE_PROXY_URL", "http://p.test");
    ck_assert_int_eq(resolve(NOTHING), 0);
    ck_assert_str_eq(kube_config_server(config), "https://h.test:8443");
    ck_assert_str_eq(authorization(), "Authorization: Bearer te");
    ck_assert(config->insecure);
    ck_assert_str_eq(config->tls_server_name, "sni");
    ck_assert_str_eq(config->proxy_url, "http://p.test");
}
END_TEST

START_TEST(list_of_paths)
{
    char *list CLEANUP(mem_cleanup) = NULL;

    put("a", CLUSTER USER);
    put("b", HEAD CONTEXT);
    list = mem_printf("/nonexistent::%s/a:%s/b", dir, dir);
    set_env("KUBE_CONFIG_PATHS", list);
    ck_assert_int_eq(resolve(NOTHING), 0);
}
END_TEST

START_TEST(bad_boolean)
{
    set_env("KUBE_HOST", "h.test");
    set_env("KUBE_INSECURE", "maybe");
    ck_assert_int_eq(resolve(NOTHING), ERR_INVALID);
    assert_says("KUBE_INSECURE");
}
END_TEST

/* --- laying over each other ------------------------------------------------------------------------ */

#define GUARDED                                                                                    \
    HEAD CONTEXT USER "clusters: [{name: c, cluster: {server: 'https://k.test', "                  \
                      "certificate-authority-data: Y2E=, tls-server-name: sni}}]\n"

START_TEST(trust_from_above_replaces_both)
{
    struct kube_attributes a = NOTHING;

    a.insecure = 1;
    ck_assert_int_eq(resolve_text(GUARDED, a), 0);
    ck_assert_ptr_null(config->ca_pem);
    ck_assert(config->insecure);
    a.insecure = -1;
    a.cluster_ca_certificate = "other ca";
    ck_assert_int_eq(resolve_text(HEAD CONTEXT USER
                                  "clusters: [{name: c, cluster: {server: 'https://k.test', "
                                  "insecure-skip-tls-verify: true}}]\n",
                                  a),
                     0);
    ck_assert_str_eq(config->ca_pem, "other ca");
    ck_assert(!config->insecure);
}
END_TEST

START_TEST(host_drops_the_server_name)
{
    struct kube_attributes a = NOTHING;

    ck_assert_int_eq(resolve_text(GUARDED, a), 0);
    ck_assert_str_eq(config->tls_server_name, "sni");
    a.host = "https://other.test";
    ck_assert_int_eq(resolve_text(GUARDED, a), 0);
    ck_assert_ptr_null(config->tls_server_name);
    ck_assert_str_eq(config->ca_pem, "ca");
    a.tls_server_name = "mine";
    ck_assert_int_eq(resolve_text(GUARDED, a), 0);
    ck_assert_str_eq(config->tls_server_name, "mine");
}
END_TEST

START_TEST(ca_and_insecure_exclude_each_other)
{
    struct kube_attributes a = NOTHING;

    ck_assert_int_eq(resolve_text(HEAD CONTEXT USER
                                  "clusters: [{name: c, cluster: {server: 'https://k.test', "
                                  "certificate-authority-data: Y2E=, "
                                  "insecure-skip-tls-verify: true}}]\n",
                                  a),
                     ERR_INVALID);
    assert_says("exclude each other");
    a.host = "https://k.test";
    a.cluster_ca_certificate = "ca";
    a.insecure = 1;
    ck_assert_int_eq(resolve(a), ERR_INVALID);
}
END_TEST

START_TEST(login_from_above_replaces_all)
{
    static const char with_exec[] =
        HEAD CONTEXT CLUSTER "users: [{name: u, user: {exec: {apiVersion: "
                             "client.authentication.k8s.io/v1, command: /nonexistent/plugin, "
                             "interactiveMode: Never}}}]\n";
    struct kube_attributes a = NOTHING;

    a.token = "mine";
    ck_assert_int_eq(resolve_text(with_exec, a), 0);
    ck_assert_str_eq(authorization(), "Authorization: Bearer mine");
    /* Then the kubeconfig's user needn't even be there. */
    ck_assert_int_eq(resolve_text(HEAD CONTEXT CLUSTER, a), 0);
    a.token = NULL;
    a.client_certificate = "crt";
    ck_assert_int_eq(resolve_text(with_exec, a), ERR_INVALID);
    assert_says("client_certificate needs client_key");
}
END_TEST

static int fetch_token(void *arg, struct cancel *cancel, char **ret_token, int64_t *ret_expires_ms,
                       struct err *e)
{
    (void)cancel;
    (void)e;
    *ret_token = mem_strdup(arg);
    *ret_expires_ms = 0;
    return 0;
}

START_TEST(token_source)
{
    char token[] = "from the cloud";
    struct kube_token_source source = {.fetch = fetch_token, .arg = token};
    struct kube_attributes a = NOTHING;

    a.host = "https://k.test";
    a.token_source = &source;
    ck_assert_int_eq(resolve(a), 0);
    ck_assert_str_eq(authorization(), "Authorization: Bearer from the cloud");
}
END_TEST

START_TEST(servers)
{
    static const struct {
        const char *host, *server;
    } cases[] = {
        {"https://k.test", "https://k.test"},
        {"https://k.test/", "https://k.test"},
        {"k.test", "https://k.test"},
        {"10.0.0.1:6443", "https://10.0.0.1:6443"},
        {"https://k.test/k8s/clusters/c-1/", "https://k.test/k8s/clusters/c-1"},
        {"https://k.test?x=1#f", "https://k.test"},
        {"http://127.0.0.1:8001", "http://127.0.0.1:8001"},
        {"https://[::1]:6443", "https://[::1]:6443"},
        {"ftp://k.test", NULL},
        {"https://", NULL},
        {"https:///", NULL},
        {"https://me:pw@k.test", NULL},
        {"https://a b", NULL},
        {"unix:///run/k.sock", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct kube_attributes a = NOTHING;
        int rc;

        a.host = cases[i].host;
        rc = resolve(a);
        ck_assert_msg(rc == (cases[i].server ? 0 : ERR_INVALID), "%s: %d", cases[i].host, rc);
        if (!rc)
            ck_assert_str_eq(kube_config_server(config), cases[i].server);
    }
}
END_TEST

START_TEST(proxies)
{
    struct kube_attributes a = NOTHING;

    a.host = "https://k.test";
    a.proxy_url = "ftp://p.test";
    ck_assert_int_eq(resolve(a), ERR_INVALID);
    a.proxy_url = "proxy.test:3128";
    ck_assert_int_eq(resolve(a), ERR_INVALID);
    a.proxy_url = "https://u:p@proxy.test:3128";
    ck_assert_int_eq(resolve(a), 0);
}
END_TEST

/* --- users ----------------------------------------------------------------------------------------- */

static int resolve_user(const char *user)
{
    char *text CLEANUP(mem_cleanup) =
        mem_printf(HEAD CONTEXT CLUSTER "users: [{name: u, user: %s}]\n", user);

    return resolve_text(text, NOTHING);
}

START_TEST(refused_users)
{
    static const struct {
        const char *user, *says;
        int code;
    } cases[] = {
        {"{auth-provider: {name: gcp}}", "auth-provider \"gcp\"", ERR_UNSUPPORTED},
        {"{token: t, username: n, password: p}", "token and username/password", ERR_INVALID},
        {"{client-certificate-data: Y3J0}", "needs a client-key", ERR_INVALID},
        {"{client-certificate-data: Y3J0, client-certificate: /x}", "both given", ERR_INVALID},
        {"{client-certificate-data: '*'}", "isn't base64", ERR_INVALID},
        {"{client-certificate: /nonexistent}", "/nonexistent: No such file", ERR_INVALID},
        {"{client-certificate: /dev}", "/dev: not a regular file", ERR_INVALID},
        {"{as-groups: [g]}", "need a user to act as", ERR_INVALID},
        {"{as: \"a\\r\\nb\"}", "one line", ERR_INVALID},
        {"{token: \"a\\nb\"}", "more than one line", ERR_INVALID},
        {"{exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}}",
         "v1alpha1\" isn't supported", ERR_INVALID},
        {"{exec: {command: x}}", "apiVersion must be given", ERR_INVALID},
        {"{exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never}}",
         "needs a command", ERR_INVALID},
        {"{exec: {apiVersion: client.authentication.k8s.io/v1, command: x}}",
         "interactiveMode must be", ERR_INVALID},
        {"{exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: "
         "Maybe}}",
         "interactiveMode must be", ERR_INVALID},
        {"{exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: "
         "Always}}",
         "nobody can answer", ERR_INVALID},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_msg(resolve_user(cases[i].user) == cases[i].code, "%s: %s", cases[i].user,
                      err_msg(&err));
        assert_says(cases[i].says);
        ck_assert_ptr_null(config);
    }
}
END_TEST

START_TEST(impersonation)
{
    static const char *const expected[] = {"Impersonate-User: jane",
                                           "Impersonate-Uid: 7",
                                           "Impersonate-Group: dev",
                                           "Impersonate-Group: ops",
                                           "Impersonate-Extra-acme.com%2fscope: a",
                                           "Impersonate-Extra-acme.com%2fscope: b"};

    ck_assert_int_eq(resolve_user("{token: t, as: jane, as-uid: '7', as-groups: [dev, ops], "
                                  "as-user-extra: {Acme.com/Scope: [a, b]}}"),
                     0);
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        ck_assert_ptr_nonnull(config->headers[i]);
        ck_assert_msg(!strcasecmp(config->headers[i], expected[i]), "%s", config->headers[i]);
    }
    ck_assert_ptr_null(config->headers[ARRAY_LEN(expected)]);
}
END_TEST

/* What a plugin learns of the cluster, and how it is found. */
START_TEST(plugin_from_kubeconfig)
{
    char *path CLEANUP(mem_cleanup) = mem_printf("%s/bin", dir);

    mkdir(path, 0700);
    chmod(
        put("bin/plugin",
            "#!/bin/sh\n[ \"$A\" = 1 ] && [ \"$1\" = x ] || exit 1\n"
            "case $KUBERNETES_EXEC_INFO in *'\"config\":{\"k\":\"v\"}'*) ;; *) exit 2;; esac\n"
            "case $KUBERNETES_EXEC_INFO in *'\"certificate-authority-data\":\"Y2E=\"'*) ;; "
            "*) exit 3;; esac\n"
            "case $KUBERNETES_EXEC_INFO in *'\"server\":\"https://k.test\"'*) ;; *) exit 4;; esac\n"
            "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":"
            "\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"tp\"}}'\n"),
        0700);
    ck_assert_int_eq(
        resolve_text(HEAD CONTEXT
                     "clusters: [{name: c, cluster: {server: 'https://k.test', "
                     "certificate-authority-data: Y2E=, extensions: [{name: other, extension: 1}, "
                     "{name: client.authentication.k8s.io/exec, extension: {k: v}}]}}]\n"
                     "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, "
                     "command: bin/plugin, args: [x], env: [{name: A, value: '1'}], "
                     "provideClusterInfo: true, interactiveMode: IfAvailable}}}]\n",
                     NOTHING),
        0);
    ck_assert_str_eq(authorization(), "Authorization: Bearer tp");
}
END_TEST

START_TEST(exec_attribute)
{
    static const char *const args[] = {
        "-c",
        "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/"
        "v1beta1\",\"status\":{\"token\":\"'$T'\"}}'",
        NULL};
    static const char *const vars[] = {"T=ta", NULL};
    struct kube_exec exec = {.api_version = "client.authentication.k8s.io/v1beta1",
                             .command = "sh",
                             .args = args,
                             .env = vars};
    struct kube_attributes a = NOTHING;

    a.host = "https://k.test";
    a.exec = &exec;
    ck_assert_int_eq(resolve(a), 0);
    ck_assert_str_eq(authorization(), "Authorization: Bearer ta");
    exec.api_version = "client.authentication.k8s.io/v2";
    ck_assert_int_eq(resolve(a), ERR_INVALID);
}
END_TEST

/* --- in the cluster -------------------------------------------------------------------------------- */

START_TEST(in_cluster)
{
    struct kube_attributes a = NOTHING;

    a.in_cluster = true;
    ck_assert_int_eq(resolve(a), ERR_NOT_FOUND);
    assert_says("isn't a pod");
    set_env("KUBERNETES_SERVICE_HOST", "fd00::1");
    set_env("KUBERNETES_SERVICE_PORT", "443");
    ck_assert_int_eq(resolve(a), ERR_INVALID);
    assert_says("service account");
    put("token", "sa\n");
    put("ca.crt", "sa ca");
    ck_assert_int_eq(resolve(a), 0);
    ck_assert_str_eq(kube_config_server(config), "https://[fd00::1]:443");
    ck_assert_str_eq(config->ca_pem, "sa ca");
    ck_assert_str_eq(authorization(), "Authorization: Bearer sa");
    /* An environment for other tools doesn't turn it into something else; a path does. */
    set_env("KUBE_CONFIG_PATH", "/nonexistent");
    ck_assert_int_eq(resolve(a), 0);
    ck_assert_int_eq(resolve_text(TWO, a), ERR_INVALID);
    assert_says("exclude each other");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kube/config");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, plain_file);
    tcase_add_test(t, json_file);
    tcase_add_test(t, data_members);
    tcase_add_test(t, file_members);
    tcase_add_test(t, first_file_wins);
    tcase_add_test(t, current_context_of_a_later_file);
    tcase_add_test(t, single_file_must_exist);
    tcase_add_test(t, tilde_is_home);
    tcase_add_test(t, bad_files);
    tcase_add_test(t, null_members_are_absent);
    tcase_add_test(t, chosen_context);
    tcase_add_test(t, missing_names);
    tcase_add_test(t, nothing_says_which);
    tcase_add_test(t, environment_is_the_default);
    tcase_add_test(t, environment_alone);
    tcase_add_test(t, list_of_paths);
    tcase_add_test(t, bad_boolean);
    tcase_add_test(t, trust_from_above_replaces_both);
    tcase_add_test(t, host_drops_the_server_name);
    tcase_add_test(t, ca_and_insecure_exclude_each_other);
    tcase_add_test(t, login_from_above_replaces_all);
    tcase_add_test(t, token_source);
    tcase_add_test(t, servers);
    tcase_add_test(t, proxies);
    tcase_add_test(t, refused_users);
    tcase_add_test(t, impersonation);
    tcase_add_test(t, plugin_from_kubeconfig);
    tcase_add_test(t, exec_attribute);
    tcase_add_test(t, in_cluster);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
