/* Users, identity provider and address, read back from Dex's configuration. */
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"
#include "resources/kubeflow/components.h"
#include "resources/kubeflow/import_parts.h"

#include "lib/base/banned.h"

#define CONFIG_KEY "config.yaml"
#define DEPLOYMENT "apps/Deployment/auth/dex"
#define GATEWAY    "networking.istio.io/Gateway/kubeflow/kubeflow-gateway"

/* Dex's configuration in a ConfigMap; NULL when it isn't one. New reference. */
static json_t *config_of(const json_t *map)
{
    const char *text = krm_str(map, "data", CONFIG_KEY, NULL);
    json_t *config = NULL;

    if (!*text || yaml_parse(text, strlen(text), "ConfigMap auth/dex", &config, NULL))
        return NULL;
    if (json_is_object(config))
        return config;
    json_decref(config);
    return NULL;
}

/* --- local users -------------------------------------------------------------------------------- */

/* The profile that a user owns; "" for none. */
static const char *profile_of(const struct import_cluster *c, const char *email)
{
    const json_t *profile;
    size_t i;

    json_array_foreach (c->profiles, i, profile) {
        if (!strcmp(krm_str(profile, "spec", "owner", "name", NULL), email))
            return krm_str(profile, "metadata", "name", NULL);
    }
    return "";
}

/* Whether the values, so far, install the component. */
static bool has_component(const struct import_found *f, const char *name)
{
    json_auto_t *all = NULL;
    const char *attribute;
    const json_t *entry;
    size_t i;

    if (components_resolve(f->release, json_object_get(f->values, "components"),
                           json_object_get(f->values, "existing"), &all, &attribute, NULL))
        return false;
    json_array_foreach (all, i, entry) {
        if (!strcmp(json_string_value(entry), name))
            return true;
    }
    return false;
}

/* Whether users and the Secret with their hashes are the release's own. */
static bool is_default_login(const struct import_cluster *c, const json_t *config,
                             const json_t *shipped)
{
    const json_t *users = json_object_get(config, "staticPasswords");

    return json_array_size(users) &&
           json_equal(users, json_object_get(shipped, "staticPasswords")) &&
           json_equal(krm_get(json_object_get(c->live, IMPORT_PASSWORDS), "data", NULL),
                      krm_get(import_rendered(c, IMPORT_PASSWORDS), "data", NULL));
}

static void read_users(const struct import_cluster *c, struct import_found *f, const json_t *config,
                       const json_t *shipped)
{
    json_t *users = json_object();
    const json_t *entry;
    size_t i;

    if (is_default_login(c, config, shipped)) {
        json_object_set_new(f->values, "allow_default_login", json_true());
        import_note(f, "the default user logs in with the release's public password");
        json_decref(users);
        return;
    }
    json_array_foreach (json_object_get(config, "staticPasswords"), i, entry) {
        const char *email = krm_str(entry, "email", NULL), *profile = profile_of(c, email);
        json_t *user = json_object();

        if (*profile && has_component(f, "user-namespace"))
            json_object_set_new(user, "profile", json_string(profile));
        if (*email)
            json_object_set(users, email, user);
        json_decref(user);
    }
    if (json_object_size(users)) {
        json_object_set(f->values, "users", users);
        import_note(f, "passwords of users aren't read: give each its password_hash (what Secret "
                       "auth/dex-passwords, or Dex's configuration, has) or a new password_wo");
    }
    json_decref(users);
}

/* --- identity provider -------------------------------------------------------------------------- */

/* The Secret from which Dex gets the variable that the configuration names ("$X"); NULL when it doesn't.
 * New object. */
static json_t *secret_behind(const struct import_cluster *c, const char *text)
{
    const json_t *containers = krm_get(json_object_get(c->live, DEPLOYMENT), "spec", "template",
                                       "spec", "containers", NULL);
    const json_t *container, *variable;
    size_t i, j;

    if (text[0] != '$')
        return NULL;
    json_array_foreach (containers, i, container) {
        json_array_foreach (json_object_get(container, "env"), j, variable) {
            const json_t *from = krm_get(variable, "valueFrom", "secretKeyRef", NULL);

            if (!strcmp(krm_str(variable, "name", NULL), text + 1) && from)
                return json_pack("{s:s, s:s}", "name", krm_str(from, "name", NULL), "key",
                                 krm_str(from, "key", NULL));
        }
    }
    return NULL;
}

/* How Dex's members are called here. */
static const struct {
    const char *dexs, *ours;
} texts[] = {
    {"issuer", "issuer"},
    {"clientID", "client_id"},
    {"userNameKey", "username_claim"},
};
static const struct {
    const char *dexs, *ours;
} claims[] = {{"email", "email_claim"}, {"groups", "groups_claim"}};

static void copy_text(json_t *to, const char *name, const char *text)
{
    if (*text)
        json_object_set_new(to, name, json_string(text));
}

static void read_oidc(const struct import_cluster *c, struct import_found *f,
                      const json_t *connector)
{
    const json_t *config = json_object_get(connector, "config"), *scope;
    const char *name = krm_str(connector, "name", NULL);
    json_t *oidc = json_object(), *secret = secret_behind(c, krm_str(config, "clientSecret", NULL));
    size_t i;

    for (i = 0; i < ARRAY_LEN(texts); i++)
        copy_text(oidc, texts[i].ours, krm_str(config, texts[i].dexs, NULL));
    for (i = 0; i < ARRAY_LEN(claims); i++)
        copy_text(oidc, claims[i].ours, krm_str(config, "claimMapping", claims[i].dexs, NULL));
    copy_text(oidc, "name", name);
    if (json_is_true(json_object_get(config, "insecureSkipEmailVerified")))
        json_object_set_new(oidc, "insecure_skip_email_verified", json_true());
    json_array_foreach (json_object_get(config, "scopes"), i, scope) {
        if (!json_object_get(oidc, "scopes"))
            json_object_set_new(oidc, "scopes", json_array());
        if (json_is_string(scope))
            json_array_append(json_object_get(oidc, "scopes"), (json_t *)scope);
    }
    if (secret)
        json_object_set(oidc, "client_secret_ref", secret);
    else
        import_note(f, "the identity provider's client secret isn't read: give it in "
                       "oidc.client_secret_wo or oidc.client_secret_ref");
    json_object_set_new(f->values, "oidc", oidc);
    json_decref(secret);
}

static void read_connectors(const struct import_cluster *c, struct import_found *f,
                            const json_t *config)
{
    json_t *others = json_array();
    const json_t *connector;
    size_t i;

    json_array_foreach (json_object_get(config, "connectors"), i, connector) {
        const char *type = krm_str(connector, "type", NULL);

        if (!strcmp(type, "oidc") && !json_object_get(f->values, "oidc"))
            read_oidc(c, f, connector);
        else
            json_array_append_new(others,
                                  json_sprintf("%s (%s)", krm_str(connector, "name", NULL), type));
    }
    if (json_array_size(others))
        json_object_set(f->facts, "connectors", others);
    json_decref(others);
}

/* --- address ------------------------------------------------------------------------------------ */

/* The Secret of the gateway's certificate; "" without one. */
static const char *certificate(const struct import_cluster *c)
{
    const json_t *server;
    size_t i;

    json_array_foreach (krm_get(json_object_get(c->live, GATEWAY), "spec", "servers", NULL), i,
                        server) {
        const char *name = krm_str(server, "tls", "credentialName", NULL);

        if (*name)
            return name;
    }
    return "";
}

/* "https://kubeflow.example.com/dex" without its path; NULL for what is no address of people's. */
static char *address_of(const json_t *config, const json_t *shipped)
{
    const char *issuer = krm_str(config, "issuer", NULL), *host = strstr(issuer, "://"), *path;

    if (!host || !strcmp(issuer, krm_str(shipped, "issuer", NULL)))
        return NULL;
    path = strchr(host + 3, '/');
    return mem_strndup(issuer, path ? (size_t)(path - issuer) : strlen(issuer));
}

static void read_address(const struct import_cluster *c, struct import_found *f,
                         const json_t *config, const json_t *shipped)
{
    char *url CLEANUP(mem_cleanup) = address_of(config, shipped);
    const char *secret = certificate(c);
    json_t *gateway = json_incref(json_object_get(f->values, "gateway"));
    bool plain;

    if (!gateway)
        gateway = json_object();
    if (*secret)
        json_object_set_new(gateway, "tls", json_pack("{s:s}", "secret_name", secret));
    if (url && *secret)
        json_object_set_new(gateway, "hostname", json_string(strstr(url, "://") + 3));
    else if (url)
        json_object_set_new(gateway, "external_url", json_string(url));
    plain = url ? strncmp(url, "https://", 8) != 0
                : !strcmp(krm_str(gateway, "service_type", NULL), "LoadBalancer");
    if (plain && !*secret)
        json_object_set_new(gateway, "allow_plain_http", json_true());
    if (json_object_size(gateway))
        json_object_set(f->values, "gateway", gateway);
    json_decref(gateway);
}

void import_tell_login(const struct import_cluster *c, struct import_found *f)
{
    json_auto_t *config = config_of(json_object_get(c->live, IMPORT_DEX));
    json_auto_t *shipped = config_of(import_rendered(c, IMPORT_DEX));

    if (has_component(f, "dex") && config) {
        read_users(c, f, config, shipped);
        read_connectors(c, f, config);
    }
    read_address(c, f, config, shipped);
}
