#include <string.h>

#include "lib/base/hash.h"
#include "lib/base/mem.h"
#include "resources/kubeflow/components.h"
#include "resources/kubeflow/platform.h"
#include "resources/kubeflow/tfjson.h"

#include "lib/base/banned.h"

/* Attributes that are settings (settings.h), under their own names. */
static const char *const names[] = {
    "existing",         "users",      "oidc",          "allow_default_login",
    "gateway",          "storage",    "image_mirrors", "rotate",
    "namespace_labels", "scheduling", "culling",       "dashboard_links",
};

/* What stands for a secret: the version that the user gave, or a piece of the hash of a value that
 * state holds anyway (a hash of a password). */
static json_t *version_of(json_t *holder, const char *version, const char *clear)
{
    const json_t *number = json_object_get(holder, version);
    const char *text = clear ? json_string_value(json_object_get(holder, clear)) : NULL;
    char hex[HASH_HEX_SIZE];

    if (json_is_integer(number))
        return json_sprintf("%lld", (long long)json_integer_value(number));
    if (!text)
        return NULL;
    hash_sha256_hex(text, strlen(text), hex);
    return json_sprintf("h%.8s", hex);
}

/* Secrets' attributes out, what stands for them in. */
static void replace_secret(json_t *holder, const char *name, const char *write_only,
                           const char *version, const char *clear)
{
    json_t *stand_in = version_of(holder, version, clear);

    json_object_del(holder, write_only);
    json_object_del(holder, version);
    if (clear)
        json_object_del(holder, clear);
    if (stand_in)
        json_object_set_new(holder, name, stand_in);
}

static json_t *values_of(const struct tf_value *v)
{
    json_t *out = json_object(), *user;
    const char *email;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        json_t *value = tfjson_of(tf_get(v, names[i]));

        if (value)
            json_object_set_new(out, names[i], value);
    }
    json_object_foreach (json_object_get(out, "users"), email, user)
        replace_secret(user, "password", "password_wo", "password_wo_version", "password_hash");
    replace_secret(json_object_get(out, "oidc"), "client_secret", "client_secret_wo",
                   "client_secret_wo_version", NULL);
    return out;
}

int platform_settings_of(const struct tf_value *v, struct platform_settings *ret,
                         const char **ret_attribute, struct err *err)
{
    const char *release = tf_str(tf_get(v, "release"), "");
    json_auto_t *chosen = tfjson_of(tf_get(v, "components"));
    int rc;

    memset(ret, 0, sizeof(*ret));
    *ret_attribute = "release";
    rc = catalog_find_release(release, &ret->settings.release, err);
    if (rc)
        return rc;
    *ret_attribute = "target";
    rc = catalog_find_target(tf_str(tf_get(v, "target"), NULL), &ret->settings.target, err);
    if (rc)
        return rc;
    ret->values = values_of(v);
    rc = components_resolve(ret->settings.release, chosen, json_object_get(ret->values, "existing"),
                            &ret->components, ret_attribute, err);
    ret->settings.values = ret->values;
    ret->settings.components = ret->components;
    return rc;
}

void platform_settings_done(struct platform_settings *s)
{
    json_decref(s->values);
    json_decref(s->components);
    memset(s, 0, sizeof(*s));
}

json_t *platform_given_values(const struct tf_value *config)
{
    json_auto_t *users = tfjson_of(tf_get(config, "users"));
    json_auto_t *oidc = tfjson_of(tf_get(config, "oidc"));
    json_t *out = json_object(), *user, *value;
    const char *email;

    json_object_foreach (users, email, user) {
        char *name CLEANUP(mem_cleanup) = mem_printf("user_password/%s", email);

        value = json_object_get(user, "password_hash");
        value = value ? value : json_object_get(user, "password_wo");
        if (value)
            json_object_set(out, name, value);
    }
    value = json_object_get(oidc, "client_secret_wo");
    if (value)
        json_object_set(out, "oidc_connector_secret", value);
    return out;
}
