/* Who may log in: what can't be. Dex knows local users (`users` with a password) and one identity
 * provider (`oidc`); a user's key is what everything in Kubeflow calls that person by. */
#include <ctype.h>
#include <string.h>

#include "lib/base/mem.h"
#include "resources/kubeflow/settings_parts.h"

#include "lib/base/banned.h"

/* A Secret's marks stand in its annotations twice, as what is wanted and as what was filled in, and an
 * object's annotations have 256 KiB at most. A user with the longest address and version takes
 *     "DEX_PASSWORD_0123456789abcdef":"user_password/<254>#<20>",    31 + 1 + 2 + 14 + 254 + 1 + 20 + 1
 * 324 bytes: 400 users twice are 259200 of 262144. */
#define MAX_USERS 400
#define MAX_EMAIL 254 /* bytes; RFC 5321 */

/* Narrower than RFC 5322: owners of profiles become values of Istio's policies, where "*" at an end
 * stands for anybody, and arguments in which "$(" starts a variable. */
#define EMAIL                                                                                      \
    "^[A-Za-z0-9._%+'-]+@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"                                   \
    "([.][A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$"

/* A profile is a namespace that its controller makes, so it can't be one that is there already. */
#define SYSTEM_NAMESPACE                                                                           \
    "^(default|kube-.*|kubeflow|kubeflow-system|kubeflow-terraform|auth|oauth2-proxy|istio-"       \
    "system|"                                                                                      \
    "cert-manager|knative-.*)$"

/* --- users -------------------------------------------------------------------------------------- */

struct seen {
    json_t *profiles, *emails; /* name, e-mail in lower case -> the user that had it first */
    const char *admin;         /* NULL while there is none */
};

static char *lower_case(const char *text)
{
    char *copy = mem_strdup(text);

    for (char *c = copy; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

/* Notes that `email` has the key; whose it was already, or NULL. */
static const char *note(json_t *map, const char *key, const char *email)
{
    const char *first = json_string_value(json_object_get(map, key));

    if (!first)
        json_object_set_new(map, key, json_string(email));
    return first;
}

/* Dex takes what people type in any case and hands on the e-mail as it is configured, but owners and
 * contributors of profiles are compared letter by letter: there must be one spelling that everybody
 * guesses. What an identity provider says is another matter. */
static int check_email(const struct settings *s, const char *email, struct seen *seen,
                       struct err *err)
{
    char *lower CLEANUP(mem_cleanup) = lower_case(email);
    const char *first;

    if (!settings_fits(email, MAX_EMAIL, EMAIL))
        return err_set(err, ERR_INVALID,
                       "users: \"%s\" isn't an e-mail address; each key is one, like "
                       "ml@example.com (letters, digits and ._%%+'- before the @)",
                       email);
    if (*settings_str(s, "users", email, "password", NULL) && strcmp(email, lower) != 0)
        return err_set(err, ERR_INVALID,
                       "users: write \"%s\" in lower case: people may log in with any spelling, "
                       "but Kubeflow compares e-mail addresses letter by letter afterwards",
                       email);
    first = note(seen->emails, lower, email);
    if (first)
        return err_set(err, ERR_INVALID, "users: \"%s\" and \"%s\" are one address to Dex", first,
                       email);
    return 0;
}

static int check_password(const struct settings *s, const char *email, struct err *err)
{
    if (*settings_str(s, "users", email, "password", NULL) || settings_get(s, "oidc", NULL))
        return 0;
    return err_set(err, ERR_INVALID,
                   "users[\"%s\"] can't log in: give it a password (password_wo or password_hash), "
                   "or set oidc, where the identity provider knows it",
                   email);
}

static int check_profile(const struct settings *s, const char *email, struct seen *seen,
                         struct err *err)
{
    const char *profile = settings_str(s, "users", email, "profile", NULL), *first;

    if (!settings_get(s, "users", email, "profile", NULL))
        return 0;
    if (!settings_fits(profile, SETTINGS_LABEL_MAX, SETTINGS_LABEL))
        return err_set(err, ERR_INVALID,
                       "users[\"%s\"].profile \"%s\" can't be the name of a namespace: use lower "
                       "case letters, digits and '-', 63 at most",
                       email, profile);
    if (settings_fits(profile, SETTINGS_LABEL_MAX, SYSTEM_NAMESPACE))
        return err_set(err, ERR_INVALID,
                       "users[\"%s\"].profile \"%s\" is a namespace of the system: choose another",
                       email, profile);
    if (!settings_installs(s, "user-namespace"))
        return err_set(err, ERR_INVALID,
                       "users[\"%s\"].profile needs the component user-namespace, which isn't "
                       "among the components: add it, or use kubeflow_profile",
                       email);
    first = note(seen->profiles, profile, email);
    if (first)
        return err_set(
            err, ERR_INVALID,
            "users[\"%s\"] and users[\"%s\"] have the profile \"%s\" both: a profile has "
            "one owner; make the other a contributor with kubeflow_profile",
            first, email, profile);
    return 0;
}

static int check_admin(const struct settings *s, const char *email, struct seen *seen,
                       struct err *err)
{
    if (!settings_true(s, "users", email, "cluster_admin", NULL))
        return 0;
    if (!settings_installs(s, "profiles"))
        return err_set(
            err, ERR_INVALID,
            "users[\"%s\"].cluster_admin needs the component profiles, which isn't among "
            "the components",
            email);
    if (seen->admin)
        return err_set(err, ERR_INVALID,
                       "users[\"%s\"] and users[\"%s\"] are cluster_admin both: Kubeflow knows one",
                       seen->admin, email);
    seen->admin = email;
    return 0;
}

static int check_user(const struct settings *s, const char *email, struct seen *seen,
                      struct err *err)
{
    int rc = check_email(s, email, seen, err);

    if (!rc)
        rc = check_password(s, email, err);
    if (!rc)
        rc = check_profile(s, email, seen, err);
    return rc ? rc : check_admin(s, email, seen, err);
}

/* Logins are Dex's. */
static int need_dex(const struct settings *s, const char *attribute, struct err *err)
{
    if (settings_installs(s, "dex"))
        return 0;
    return err_set(err, ERR_INVALID,
                   "%s sets up the component dex, which isn't among the components: add it, or "
                   "leave %s out",
                   attribute, attribute);
}

int login_check_users(const struct settings *s, struct err *err)
{
    json_t *users = settings_get(s, "users", NULL), *user;
    json_auto_t *profiles = json_object(), *emails = json_object();
    struct seen seen = {profiles, emails, NULL};
    const char *email;
    int rc;

    if (!json_object_size(users))
        return 0;
    rc = need_dex(s, "users", err);
    if (rc)
        return rc;
    if (json_object_size(users) > MAX_USERS)
        return err_set(err, ERR_LIMIT,
                       "users has %zu entries, %d at most: for so many people set oidc",
                       json_object_size(users), MAX_USERS);
    json_object_foreach (users, email, user) {
        rc = check_user(s, email, &seen, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* --- oidc --------------------------------------------------------------------------------------- */

#define MAX_OIDC_TEXT 2048 /* bytes of a member */
#define MAX_OIDC_CA                                                                                \
    ((size_t)128 << 10) /* bytes; it lies in a ConfigMap, beside the configuration */

#define CLAIM "^[^$[:cntrl:]]+$", "the name of a claim (without \"$\")"

/* Dex replaces $NAME in all that its connector is given by its environment. */
static const struct oidc_member {
    const char *name;
    bool needed;
    size_t max;
    const char *regex, *meaning;
} oidc_members[] = {
    {"issuer", true, MAX_OIDC_TEXT, "^https?://[^$[:space:]]+$",
     "an address of the identity provider that starts with https:// (exactly as its tokens say it, "
     "without \"$\")"},
    {"client_id", true, MAX_OIDC_TEXT, "^[^$[:cntrl:]]+$",
     "the id of Dex's client there (without \"$\")"},
    {"username_claim", false, MAX_OIDC_TEXT, CLAIM},
    {"email_claim", false, MAX_OIDC_TEXT, CLAIM},
    {"groups_claim", false, MAX_OIDC_TEXT, CLAIM},
    {"ca_pem", false, MAX_OIDC_CA, "^-----BEGIN CERTIFICATE-----", "a list of certificates in PEM"},
};

static int check_member(const struct settings *s, const struct oidc_member *m, struct err *err)
{
    const char *text = settings_str(s, "oidc", m->name, NULL);

    if (!m->needed && !settings_get(s, "oidc", m->name, NULL))
        return 0;
    if (!*text)
        return err_set(err, ERR_INVALID, "oidc.%s is missing: %s", m->name, m->meaning);
    if (!settings_fits(text, m->max, m->regex))
        return err_set(err, ERR_INVALID, "oidc.%s isn't %s", m->name, m->meaning);
    return 0;
}

static int check_scopes(const struct settings *s, struct err *err)
{
    const json_t *scope;
    size_t i;

    json_array_foreach (settings_get(s, "oidc", "scopes", NULL), i, scope) {
        const char *text = json_is_string(scope) ? json_string_value(scope) : "";

        if (!settings_fits(text, MAX_OIDC_TEXT, "^[^$[:cntrl:][:space:]]+$"))
            return err_set(err, ERR_INVALID,
                           "oidc.scopes[%zu] isn't a scope: one word, without \"$\"", i);
    }
    return 0;
}

/* The secret is handed over, or it is in the cluster, where Dex's pods can read it. */
static int check_client_secret(const struct settings *s, struct err *err)
{
    bool value = *settings_str(s, "oidc", "client_secret", NULL);
    const char *name = settings_str(s, "oidc", "client_secret_ref", "name", NULL);
    const char *key = settings_str(s, "oidc", "client_secret_ref", "key", NULL);
    const char *namespace = settings_str(s, "oidc", "client_secret_ref", "namespace", NULL);

    if (value == (settings_get(s, "oidc", "client_secret_ref", NULL) != NULL))
        return err_set(err, ERR_INVALID,
                       "oidc needs the secret of its client: either client_secret_wo, or "
                       "client_secret_ref with name and key of a Secret in namespace auth%s",
                       value ? ", not both" : "");
    if (value)
        return 0;
    if (*namespace && strcmp(namespace, "auth") != 0)
        return err_set(
            err, ERR_INVALID,
            "oidc.client_secret_ref.namespace is \"%s\", but Dex's pods can read Secrets "
            "of namespace auth only: put the Secret there",
            namespace);
    if (!settings_fits(name, SETTINGS_NAME_MAX, SETTINGS_NAME) ||
        !settings_fits(key, SETTINGS_NAME_MAX, "^[A-Za-z0-9._-]+$"))
        return err_set(err, ERR_INVALID,
                       "oidc.client_secret_ref needs the name of a Secret in namespace auth, and "
                       "the key in it");
    return 0;
}

int login_check_oidc(const struct settings *s, struct err *err)
{
    char *url CLEANUP(mem_cleanup) = settings_url(s);
    int rc;

    if (!settings_get(s, "oidc", NULL))
        return 0;
    rc = need_dex(s, "oidc", err);
    for (size_t i = 0; i < ARRAY_LEN(oidc_members) && !rc; i++)
        rc = check_member(s, &oidc_members[i], err);
    if (!rc)
        rc = check_scopes(s, err);
    if (!rc)
        rc = check_client_secret(s, err);
    if (rc || url)
        return rc;
    return err_set(err, ERR_INVALID,
                   "oidc needs to know the address that people use, because the identity provider "
                   "sends them back to it: set gateway.external_url, or gateway.hostname with "
                   "gateway.tls (or allow_plain_http); \"<address>/dex/callback\" is what the "
                   "provider has to allow");
}

/* --- allow_default_login ------------------------------------------------------------------------ */

int login_check_default(const struct settings *s, struct err *err)
{
    bool users = json_object_size(settings_get(s, "users", NULL)) > 0;

    if (settings_true(s, "allow_default_login", NULL)) {
        if (users)
            return err_set(err, ERR_INVALID,
                           "allow_default_login keeps the release's only user, user@example.com "
                           "with the public password 12341234, and users replaces it: set one of "
                           "the two");
        return 0;
    }
    if (users || settings_get(s, "oidc", NULL) || !settings_installs(s, "dex"))
        return 0;
    return err_set(err, ERR_INVALID,
                   "nobody could log in: set users = { \"you@example.com\" = { password_wo = ..., "
                   "profile = ... } }, or oidc, or, for a try, allow_default_login = true, which "
                   "keeps the release's user@example.com with the public password 12341234");
}
