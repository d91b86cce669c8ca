/* oauth2-proxy and the gateway's check of tokens: the issuer that they expect, cookies, and what
 * oauth2-proxy keeps secret.
 *
 * Of an outside address only two things are told here: the issuer, which tokens name, and whether
 * cookies may travel without TLS. Everything else stays as releases have it. The browser is sent to
 * Dex and back by paths (login_url, relative_redirect_url), so it works under any name, through
 * kubectl port-forward too. Tokens are redeemed, and Dex's keys are fetched, within the cluster, because
 * pods may not reach the address that people use. */
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "resources/kubeflow/secret_marks.h"
#include "resources/kubeflow/settings_parts.h"

#include "lib/base/banned.h"

#define NAMESPACE "oauth2-proxy"

/* --- its configuration -------------------------------------------------------------------------- */

/* The line of a TOML text that gives the key a value; NULL when there is none. A line that continues
 * a list can't look like one: its elements are quoted. */
static const char *find_line(const char *text, const char *key)
{
    size_t len = strlen(key);

    while (text && *text) {
        const char *rest = text + len;

        if (!strncmp(text, key, len) && *(rest += strspn(rest, " \t")) == '=')
            return text;
        text = strchr(text, '\n');
        text += text != NULL;
    }
    return NULL;
}

/* value: has nothing to be escaped (address_check). */
static int set_line(const struct settings *s, json_t *map, const char *file, const char *key,
                    const char *value, struct err *err)
{
    const char *text = krm_str(map, "data", file, NULL), *line = find_line(text, key);
    struct buf out CLEANUP(buf_done) = BUF_INIT;

    if (!line)
        return err_set(err, ERR_INVALID,
                       "release %s has no line \"%s = ...\" in ConfigMap oauth2-proxy/%s, key %s, "
                       "which this setting changes",
                       s->release->name, key, krm_str(map, "metadata", "name", NULL), file);
    buf_putn(&out, text, (size_t)(line - text));
    buf_printf(&out, "%s = \"%s\"", key, value);
    buf_puts(&out, line + strcspn(line, "\n"));
    json_object_set_new(json_object_get(map, "data"), file, json_string(buf_str(&out)));
    return 0;
}

static int set_issuer(const struct settings *s, const json_t *objects, const char *issuer,
                      struct err *err)
{
    json_t *map;
    int rc = settings_need(s, objects, "ConfigMap", NAMESPACE, "oauth2-proxy", &map, err);

    return rc ? rc : set_line(s, map, "oauth2_proxy.cfg", "oidc_issuer_url", issuer, err);
}

/* Istio finds an issuer's keys by its address unless it is told where they are. */
static int set_token_issuer(const struct settings *s, const json_t *objects, const char *issuer,
                            struct err *err)
{
    json_t *check, *rule;
    int rc =
        settings_need(s, objects, "RequestAuthentication", "istio-system", "dex-jwt", &check, err);
    const char *inside;

    if (rc)
        return rc;
    rule = json_array_get(krm_get(check, "spec", "jwtRules", NULL), 0);
    inside = krm_str(rule, "issuer", NULL);
    if (!*inside)
        return err_set(err, ERR_INVALID,
                       "release %s names no issuer in RequestAuthentication istio-system/dex-jwt, "
                       "which this setting changes",
                       s->release->name);
    if (!json_object_get(rule, "jwksUri"))
        json_object_set_new(rule, "jwksUri", json_sprintf("%s/keys", inside));
    json_object_set_new(rule, "issuer", json_string(issuer));
    return 0;
}

/* Secure cookies are for https only: without it nobody could log in. */
static int set_cookies(const struct settings *s, const json_t *objects, struct err *err)
{
    json_t *map;
    int rc =
        settings_need(s, objects, "ConfigMap", NAMESPACE, "oauth2-proxy-parameters", &map, err);

    if (!rc)
        json_object_set_new(json_object_get(map, "data"), "FORCE_HTTPS",
                            json_string(settings_https(s) ? "true" : "false"));
    return rc;
}

/* A Dex that isn't ours has the issuer, and the client secret, that it has. */
int login_adjust_proxy_address(const struct settings *s, json_t *objects, struct err *err)
{
    char *url CLEANUP(mem_cleanup) = settings_url(s), *issuer CLEANUP(mem_cleanup) = NULL;
    int rc = set_cookies(s, objects, err);

    if (rc || !url || !settings_installs(s, "dex"))
        return rc;
    issuer = mem_printf("%s/dex", url);
    rc = set_issuer(s, objects, issuer, err);
    return rc ? rc : set_token_issuer(s, objects, issuer, err);
}

/* --- its secrets -------------------------------------------------------------------------------- */

static const struct {
    const char *key, *value;
    bool shared; /* with Dex */
} secrets[] = {
    {"client-secret", "oidc_client_secret", true},
    {"cookie-secret", "cookie_secret", false},
};

int login_adjust_proxy_secrets(const struct settings *s, json_t *objects, struct err *err)
{
    json_t *secret, *deployment;
    int rc = settings_need(s, objects, "Secret", NAMESPACE, "oauth2-proxy", &secret, err);

    if (!rc)
        rc = settings_need(s, objects, "Deployment", NAMESPACE, "oauth2-proxy", &deployment, err);
    if (rc)
        return rc;
    secret = secret_pin_name(objects, NAMESPACE, "oauth2-proxy");
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        char *version CLEANUP(mem_cleanup) = settings_rotation(s, secrets[i].value);

        if (secrets[i].shared && !settings_installs(s, "dex"))
            continue;
        secret_mark(secret, secrets[i].key, secrets[i].value, version);
        secret_mark_reader(deployment, secrets[i].value, version);
    }
    return 0;
}
