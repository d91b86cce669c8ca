#include "resources/kubeflow/settings.h"

#include <regex.h>
#include <stdarg.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "resources/kubeflow/settings_parts.h"

#include "lib/base/attr.h"
#include "lib/base/banned.h"

/* --- the table ---------------------------------------------------------------------------------- */

/* A setting and what it changes: rows run in this order; of one attribute there may be several. */
static const struct setting {
    const char *attribute; /* to blame */
    const char *component; /* whose objects are changed; NULL = every one's */
    setting_check *check;
    setting_adjust *adjust, *finish;
    setting_adjust_one *adjust_one; /* as adjust, for what differs from component to component */
} settings[] = {
    {.attribute = "release", .adjust = hygiene_adjust, .finish = hygiene_finish},
    {.attribute = "gateway", .check = gateway_check},
    {.attribute = "users", .check = login_check_users},
    {.attribute = "oidc", .check = login_check_oidc},
    {.attribute = "allow_default_login", .check = login_check_default},
    {.attribute = "users",
     .component = "dex",
     .adjust = login_adjust_dex_users,
     .finish = login_finish_dex},
    {.attribute = "oidc", .component = "dex", .adjust = login_adjust_dex_connector},
    {.attribute = "gateway", .component = "dex", .adjust = login_adjust_dex_issuer},
    {.attribute = "rotate", .component = "dex", .adjust = login_adjust_dex_client},
    {.attribute = "gateway", .component = "oauth2-proxy", .adjust = login_adjust_proxy_address},
    {.attribute = "rotate", .component = "oauth2-proxy", .adjust = login_adjust_proxy_secrets},
    {.attribute = "users", .component = "profiles", .adjust = login_adjust_admin},
    {.attribute = "users", .component = "user-namespace", .adjust = login_adjust_profiles},
    {.attribute = "rotate", .check = secrets_check_rotate},
    {.attribute = "release", .component = "pipelines", .finish = secrets_finish_pipelines},
    {.attribute = "release", .component = "katib", .finish = secrets_finish_katib},
    {.attribute = "release",
     .component = "model-registry",
     .finish = secrets_finish_model_registry},
    {.attribute = "gateway", .component = "istio-install", .adjust = gateway_adjust_service},
    {.attribute = "gateway",
     .component = "kubeflow-istio-resources",
     .adjust = gateway_adjust_gateway},
    {.attribute = "gateway", .adjust = gateway_adjust_web_apps},
    {.attribute = "storage", .check = storage_check, .adjust = storage_adjust},
    {.attribute = "culling", .check = culling_check},
    {.attribute = "culling", .component = "notebook-controller", .adjust = culling_adjust},
    {.attribute = "dashboard_links", .check = dashboard_check},
    {.attribute = "dashboard_links", .component = "central-dashboard", .adjust = dashboard_adjust},
    {.attribute = "namespace_labels", .check = namespaces_check, .adjust = namespaces_adjust},
    {.attribute = "scheduling", .check = scheduling_check, .adjust_one = scheduling_adjust},
    {.attribute = "image_mirrors",
     .check = images_check,
     .adjust = images_adjust,
     .finish = images_finish},
};

/* --- walking it --------------------------------------------------------------------------------- */

int settings_check(const struct settings *s, const char **ret_attribute, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        int rc = settings[i].check ? settings[i].check(s, err) : 0;

        *ret_attribute = settings[i].attribute;
        if (rc)
            return rc;
    }
    return 0;
}

static bool is_about(const struct setting *row, const char *component)
{
    return !row->component || !strcmp(row->component, component);
}

int settings_adjust(const struct settings *s, const char *component, json_t *objects,
                    const char **ret_attribute, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        int rc = settings[i].adjust && is_about(&settings[i], component)
                     ? settings[i].adjust(s, objects, err)
                     : 0;

        if (!rc && settings[i].adjust_one)
            rc = settings[i].adjust_one(s, component, objects, err);
        *ret_attribute = settings[i].attribute;
        if (rc)
            return rc;
    }
    return 0;
}

int settings_finish(const struct settings *s, const char *component, json_t *objects,
                    const char **ret_attribute, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        int rc = settings[i].finish && is_about(&settings[i], component)
                     ? settings[i].finish(s, objects, err)
                     : 0;

        *ret_attribute = settings[i].attribute;
        if (rc)
            return rc;
    }
    return 0;
}

/* --- looking into values and objects ------------------------------------------------------------ */

static json_t *dig(const struct settings *s, va_list ap)
{
    const json_t *v = s->values;
    const char *name;

    while ((name = va_arg(ap, const char *)))
        v = json_object_get(v, name);
    return json_is_null(v) ? NULL : (json_t *)v;
}

json_t *settings_get(const struct settings *s, ...)
{
    va_list ap;
    json_t *v;

    va_start(ap, s);
    v = dig(s, ap);
    va_end(ap);
    return v;
}

const char *settings_str(const struct settings *s, ...)
{
    const char *text;
    va_list ap;

    va_start(ap, s);
    text = json_string_value(dig(s, ap));
    va_end(ap);
    return text ? text : "";
}

bool settings_true(const struct settings *s, ...)
{
    const json_t *v;
    va_list ap;

    va_start(ap, s);
    v = dig(s, ap);
    va_end(ap);
    return json_is_true(v);
}

bool settings_installs(const struct settings *s, const char *component)
{
    const json_t *name;
    size_t i;

    json_array_foreach (s->components, i, name) {
        if (!strcmp(json_string_value(name), component))
            return true;
    }
    return false;
}

char *settings_rotation(const struct settings *s, const char *value)
{
    const json_t *number = settings_get(s, "rotate", value, NULL);

    return mem_printf("%lld", json_is_integer(number) ? (long long)json_integer_value(number) : 1);
}

bool settings_fits(const char *text, size_t max, const char *regex)
{
    regex_t compiled;
    bool fits;

    if (strlen(text) > max)
        return false;
    if (regcomp(&compiled, regex, REG_EXTENDED | REG_NOSUB))
        bug("not a regular expression: %s", regex);
    fits = !regexec(&compiled, text, 0, NULL, 0);
    regfree(&compiled);
    return fits;
}

#define PART "[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?"

bool settings_is_label_key(const char *key)
{
    const char *slash = strchr(key, '/');

    if (!slash)
        return settings_fits(key, SETTINGS_LABEL_PART_MAX, "^" PART "$");
    return settings_fits(slash + 1, SETTINGS_LABEL_PART_MAX, "^" PART "$") &&
           settings_fits(key, SETTINGS_NAME_MAX + 1 + SETTINGS_LABEL_PART_MAX,
                         "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?/[^/]*$");
}

bool settings_is_label_value(const char *value)
{
    return settings_fits(value, SETTINGS_LABEL_PART_MAX, "^(" PART ")?$");
}

json_t *settings_find(const json_t *objects, const char *kind, const char *namespace,
                      const char *name)
{
    json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        if (!strcmp(gvk_of(object).kind, kind) &&
            !strcmp(krm_str(object, "metadata", "name", NULL), name) &&
            (!namespace || !strcmp(krm_str(object, "metadata", "namespace", NULL), namespace)))
            return object;
    }
    return NULL;
}

json_t *settings_pods(const json_t *object)
{
    static const char *const kinds[] = {"Deployment", "StatefulSet", "DaemonSet"};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!strcmp(gvk_of(object).kind, kinds[i]))
            return krm_get(object, "spec", "template", "spec", NULL);
    }
    return NULL;
}

int settings_need(const struct settings *s, const json_t *objects, const char *kind,
                  const char *namespace, const char *name, json_t **ret_object, struct err *err)
{
    *ret_object = settings_find(objects, kind, namespace, name);
    if (*ret_object)
        return 0;
    return err_set(err, ERR_INVALID, "release %s has no %s %s%s%s, which this setting changes",
                   s->release->name, kind, namespace ? namespace : "", namespace ? "/" : "", name);
}
