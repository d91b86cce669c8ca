/* Dex: who logs in how, under which address, and with which secrets.
 *
 * Its configuration is a YAML text in a ConfigMap; passwords' hashes and clients' secrets come to it
 * as environment variables that the text names. Neither ConfigMap nor Secrets have names with a hash:
 * an annotation on the pods makes them roll. */
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/hash.h"
#include "lib/base/mem.h"
#include "lib/krm/object.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"
#include "resources/kubeflow/secret_marks.h"
#include "resources/kubeflow/settings_parts.h"

#include "lib/base/banned.h"

#define NAMESPACE   "auth"
#define CONFIG_KEY  "config.yaml"
#define CONFIG_HASH APPLYSET_ANNOTATION("config") /* on the pods */

/* The identity provider's part. */
#define CONNECTOR_SECRET "dex-oidc-connector"
#define CONNECTOR_ENV    "OIDC_CONNECTOR_SECRET"
#define CONNECTOR_VALUE  "oidc_connector_secret"
#define CONNECTOR_CA     "oidc-ca.pem"
#define CONFIG_DIR       "/etc/dex/cfg"

/* --- its configuration -------------------------------------------------------------------------- */

struct dex {
    json_t *map;        /* the ConfigMap, borrowed */
    json_t *deployment; /* borrowed */
    json_t *config;     /* parsed */
};

static void dex_done(struct dex *d)
{
    json_decref(d->config);
}

static int dex_find(const struct settings *s, const json_t *objects, struct dex *d, struct err *err)
{
    const char *text;
    int rc = settings_need(s, objects, "ConfigMap", NAMESPACE, "dex", &d->map, err);

    if (!rc)
        rc = settings_need(s, objects, "Deployment", NAMESPACE, "dex", &d->deployment, err);
    if (rc)
        return rc;
    text = krm_str(d->map, "data", CONFIG_KEY, NULL);
    rc = yaml_parse(text, strlen(text), "ConfigMap auth/dex, " CONFIG_KEY, &d->config, err);
    if (rc || json_is_object(d->config))
        return rc;
    return err_set(err, ERR_INVALID,
                   "release %s has no configuration in ConfigMap auth/dex, key " CONFIG_KEY
                   ", which this setting changes",
                   s->release->name);
}

static int dex_write(struct dex *d, struct err *err)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT;
    int rc = yaml_write(d->config, YAML_KEEP_ORDER, &text, err);

    if (!rc)
        json_object_set_new(json_object_get(d->map, "data"), CONFIG_KEY, json_string(text.data));
    return rc;
}

/* --- local users -------------------------------------------------------------------------------- */

#define ID_DIGITS 32 /* of the e-mail's hash: what Dex calls a user by in its tokens */

/* Its environment variable has the first half of the same digits. */
static void add_user(struct dex *d, json_t *secret, json_t *passwords, const char *email,
                     const char *version)
{
    char *name CLEANUP(mem_cleanup) = mem_strndup(email, strcspn(email, "@"));
    char *value CLEANUP(mem_cleanup) = mem_printf("user_password/%s", email);
    char *env CLEANUP(mem_cleanup) = NULL;
    char id[HASH_HEX_SIZE];

    hash_sha256_hex(email, strlen(email), id);
    id[ID_DIGITS] = '\0';
    env = mem_printf("DEX_PASSWORD_%.*s", ID_DIGITS / 2, id);
    json_array_append_new(passwords, json_pack("{s:s, s:s, s:s, s:s}", "email", email,
                                               "hashFromEnv", env, "username", name, "userID", id));
    secret_mark(secret, env, value, version);
    secret_mark_reader(d->deployment, value, version);
}

/* Without local users Dex refuses to have passwords at all. */
static void set_passwords(struct dex *d, json_t *passwords)
{
    bool any = json_array_size(passwords) > 0;

    json_object_set_new(d->config, "enablePasswordDB", json_boolean(any));
    if (any)
        json_object_set(d->config, "staticPasswords", passwords);
    else
        json_object_del(d->config, "staticPasswords");
}

int login_adjust_dex_users(const struct settings *s, json_t *objects, struct err *err)
{
    struct dex d CLEANUP(dex_done) = {0};
    json_auto_t *passwords = json_array();
    json_t *secret, *user;
    const char *email;
    int rc;

    if (settings_true(s, "allow_default_login", NULL))
        return 0;
    rc = dex_find(s, objects, &d, err);
    if (!rc)
        rc = settings_need(s, objects, "Secret", NAMESPACE, "dex-passwords", &secret, err);
    if (rc)
        return rc;
    json_object_del(secret, "data"); /* the default user's */
    json_object_del(secret, "stringData");
    json_object_foreach (settings_get(s, "users", NULL), email, user) {
        const char *version = krm_str(user, "password", NULL);

        if (*version)
            add_user(&d, secret, passwords, email, version);
    }
    set_passwords(&d, passwords);
    return dex_write(&d, err);
}

/* --- the identity provider ---------------------------------------------------------------------- */

/* What of `oidc` goes into the connector's configuration as it is. */
static const struct {
    const char *ours, *map, *dexs; /* in which of its maps, or NULL */
} connector_members[] = {
    {"issuer", NULL, "issuer"},
    {"client_id", NULL, "clientID"},
    {"username_claim", NULL, "userNameKey"},
    {"insecure_skip_email_verified", NULL, "insecureSkipEmailVerified"},
    {"email_claim", "claimMapping", "email"},
    {"groups_claim", "claimMapping", "groups"},
};

/* Dex asks for openid itself, and for profile and email when it is told nothing else. */
static void set_scopes(const struct settings *s, json_t *config)
{
    json_auto_t *scopes = json_array();
    json_t *scope;
    size_t i;

    json_array_foreach (settings_get(s, "oidc", "scopes", NULL), i, scope) {
        if (strcmp(json_string_value(scope), "openid") != 0)
            json_array_append(scopes, scope);
    }
    if (json_array_size(scopes))
        json_object_set(config, "scopes", scopes);
}

static json_t *connector_config(const struct settings *s)
{
    char *url CLEANUP(mem_cleanup) = settings_url(s);
    json_t *config = json_object();

    json_object_set_new(config, "clientSecret", json_string("$" CONNECTOR_ENV));
    json_object_set_new(config, "redirectURI", json_sprintf("%s/dex/callback", url));
    set_scopes(s, config);
    for (size_t i = 0; i < ARRAY_LEN(connector_members); i++) {
        json_t *value = settings_get(s, "oidc", connector_members[i].ours, NULL), *to = config;

        if (!value)
            continue;
        if (connector_members[i].map) {
            to = json_object_get(config, connector_members[i].map);
            if (!to) {
                to = json_object();
                json_object_set_new(config, connector_members[i].map, to);
            }
            /* Else a token's own "email" would win over the claim that was asked for. */
            json_object_set_new(config, "overrideClaimMapping", json_true());
        }
        json_object_set(to, connector_members[i].dexs, value);
    }
    if (settings_get(s, "oidc", "groups_claim", NULL))
        json_object_set_new(config, "insecureEnableGroups", json_true());
    if (settings_get(s, "oidc", "ca_pem", NULL))
        json_object_set_new(config, "rootCAs", json_pack("[s]", CONFIG_DIR "/" CONNECTOR_CA));
    return config;
}

/* The element of a list that has the name. */
static json_t *named(const json_t *list, const char *name)
{
    json_t *element;
    size_t i;

    json_array_foreach (list, i, element) {
        if (!strcmp(krm_str(element, "name", NULL), name))
            return element;
    }
    return NULL;
}

/* Certificates lie beside the configuration: Dex 2.41 takes them from files only. */
static int add_ca(const struct settings *s, struct dex *d, struct err *err)
{
    json_t *ca = settings_get(s, "oidc", "ca_pem", NULL);
    json_t *volumes = krm_get(d->deployment, "spec", "template", "spec", "volumes", NULL);
    json_t *items = krm_get(named(volumes, "config"), "configMap", "items", NULL);

    if (!ca)
        return 0;
    if (!items)
        return err_set(err, ERR_INVALID,
                       "release %s mounts no items of ConfigMap auth/dex as volume config, which "
                       "oidc.ca_pem needs",
                       s->release->name);
    json_object_set(json_object_get(d->map, "data"), CONNECTOR_CA, ca);
    json_array_append_new(items,
                          json_pack("{s:s, s:s}", "key", CONNECTOR_CA, "path", CONNECTOR_CA));
    return 0;
}

/* The client's secret: in a Secret of ours, or in one that is there already. */
static int add_secret(const struct settings *s, struct dex *d, json_t *objects, struct err *err)
{
    const char *version = settings_str(s, "oidc", "client_secret", NULL);
    const char *name = settings_str(s, "oidc", "client_secret_ref", "name", NULL);
    const char *key = settings_str(s, "oidc", "client_secret_ref", "key", NULL);
    json_t *containers = krm_get(d->deployment, "spec", "template", "spec", "containers", NULL);
    json_t *env = krm_get(named(containers, "dex"), "env", NULL);

    if (!env)
        return err_set(err, ERR_INVALID,
                       "release %s has no environment for container dex of Deployment auth/dex, "
                       "which oidc adds to",
                       s->release->name);
    if (*version) {
        json_t *secret = json_pack("{s:s, s:s, s:{s:s, s:s}, s:s}", "apiVersion", "v1", "kind",
                                   "Secret", "metadata", "name", CONNECTOR_SECRET, "namespace",
                                   NAMESPACE, "type", "Opaque");

        name = CONNECTOR_SECRET;
        key = CONNECTOR_ENV;
        secret_mark(secret, key, CONNECTOR_VALUE, version);
        secret_mark_reader(d->deployment, CONNECTOR_VALUE, version);
        json_array_append_new(objects, secret);
    }
    json_array_append_new(env, json_pack("{s:s, s:{s:{s:s, s:s}}}", "name", CONNECTOR_ENV,
                                         "valueFrom", "secretKeyRef", "name", name, "key", key));
    return 0;
}

int login_adjust_dex_connector(const struct settings *s, json_t *objects, struct err *err)
{
    struct dex d CLEANUP(dex_done) = {0};
    const char *name = settings_str(s, "oidc", "name", NULL);
    int rc;

    if (!settings_get(s, "oidc", NULL))
        return 0;
    rc = dex_find(s, objects, &d, err);
    if (!rc)
        rc = add_secret(s, &d, objects, err);
    if (!rc)
        rc = add_ca(s, &d, err);
    if (rc)
        return rc;
    json_object_set_new(d.config, "connectors",
                        json_pack("[{s:s, s:s, s:s, s:o}]", "type", "oidc", "id", "oidc", "name",
                                  *name ? name : "OIDC", "config", connector_config(s)));
    return dex_write(&d, err);
}

/* --- address and client ------------------------------------------------------------------------- */

int login_adjust_dex_issuer(const struct settings *s, json_t *objects, struct err *err)
{
    struct dex d CLEANUP(dex_done) = {0};
    char *url CLEANUP(mem_cleanup) = settings_url(s);
    int rc;

    if (!url)
        return 0;
    rc = dex_find(s, objects, &d, err);
    if (rc)
        return rc;
    json_object_set_new(d.config, "issuer", json_sprintf("%s/dex", url));
    return dex_write(&d, err);
}

int login_adjust_dex_client(const struct settings *s, json_t *objects, struct err *err)
{
    char *version CLEANUP(mem_cleanup) = settings_rotation(s, "oidc_client_secret");
    json_t *secret, *deployment;
    int rc = settings_need(s, objects, "Secret", NAMESPACE, "dex-oidc-client", &secret, err);

    if (!rc)
        rc = settings_need(s, objects, "Deployment", NAMESPACE, "dex", &deployment, err);
    if (rc)
        return rc;
    secret_mark(secret, "OIDC_CLIENT_SECRET", "oidc_client_secret", version);
    secret_mark_reader(deployment, "oidc_client_secret", version);
    return 0;
}

/* When users' patches have had their say too. */
int login_finish_dex(const struct settings *s UNUSED, json_t *objects, struct err *err UNUSED)
{
    const json_t *data =
        krm_get(settings_find(objects, "ConfigMap", NAMESPACE, "dex"), "data", NULL);
    json_t *template =
        krm_get(settings_find(objects, "Deployment", NAMESPACE, "dex"), "spec", "template", NULL);
    char *text CLEANUP(mem_cleanup) = NULL;
    char hash[HASH_HEX_SIZE];

    if (!data || !template)
        return 0;
    text = krm_canonical_json(data);
    hash_sha256_hex(text, strlen(text), hash);
    krm_set_annotation(template, CONFIG_HASH, hash);
    return 0;
}
