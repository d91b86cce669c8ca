/* Values that the releases ship with public defaults ("minio123", "test", none at all): each is taken
 * out of its Secret, which is filled when it is applied, and whatever reads it follows.
 *
 * In the four releases everything that uses one of them reads its Secret, except for the server of
 * pipelines' MySQL, which starts without a password. Who reads is looked up in the finished objects,
 * so it needs no list. Not in the objects, and so out of reach: profile namespaces have copies of the object
 * store's keys (up to 1.10.2) or keys of their own, which pipelines' profile controller makes. */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "resources/kubeflow/secret_marks.h"
#include "resources/kubeflow/secret_recipes.h"
#include "resources/kubeflow/settings_parts.h"

#include "lib/base/banned.h"

#define FIRST_VERSION "1"
#define MYSQL_EMPTY   "MYSQL_ALLOW_EMPTY_PASSWORD" /* of MySQL's image */

static const struct shipped {
    const char *component, *secret, *key;
    const char *value; /* secret_recipes.h */
} shipped[] = {
    {"pipelines", "mlpipeline-minio-artifact", "accesskey", "object_store_access_key"},
    {"pipelines", "mlpipeline-minio-artifact", "secretkey", "object_store_secret_key"},
    {"pipelines", "mysql-secret", "password", "database_password"},
    {"katib", "katib-mysql-secrets", "MYSQL_ROOT_PASSWORD", "katib_database_password"},
    {"model-registry", "model-registry-db-secrets", "MYSQL_ROOT_PASSWORD",
     "model_registry_database_password"},
};

/* --- who reads a Secret ------------------------------------------------------------------------- */

static bool is_named(const json_t *reference, const char *member, const char *name)
{
    return !strcmp(krm_str(reference, member, NULL), name);
}

static bool container_reads(const json_t *container, const char *secret, const char *key)
{
    const json_t *entry;
    size_t i;

    json_array_foreach (json_object_get(container, "env"), i, entry) {
        const json_t *reference = krm_get(entry, "valueFrom", "secretKeyRef", NULL);

        if (is_named(reference, "name", secret) && is_named(reference, "key", key))
            return true;
    }
    json_array_foreach (json_object_get(container, "envFrom"), i, entry) {
        if (is_named(json_object_get(entry, "secretRef"), "name", secret))
            return true;
    }
    return false;
}

static bool volume_holds(const json_t *volume, const char *secret)
{
    const json_t *source;
    size_t i;

    if (is_named(json_object_get(volume, "secret"), "secretName", secret))
        return true;
    json_array_foreach (krm_get(volume, "projected", "sources", NULL), i, source) {
        if (is_named(json_object_get(source, "secret"), "name", secret))
            return true;
    }
    return false;
}

static bool workload_reads(const json_t *workload, const char *secret, const char *key)
{
    static const char *const lists[] = {"initContainers", "containers"};
    const json_t *pod = krm_get(workload, "spec", "template", "spec", NULL), *entry;
    size_t n;

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        json_array_foreach (json_object_get(pod, lists[i]), n, entry) {
            if (container_reads(entry, secret, key))
                return true;
        }
    }
    json_array_foreach (json_object_get(pod, "volumes"), n, entry) {
        if (volume_holds(entry, secret))
            return true;
    }
    return false;
}

/* --- marking ------------------------------------------------------------------------------------ */

static int mark(const struct settings *s, const struct shipped *row, json_t *objects,
                struct err *err)
{
    char *version CLEANUP(mem_cleanup) = settings_rotation(s, row->value);
    json_t *secret, *object;
    size_t i;
    int rc = settings_need(s, objects, "Secret", NULL, row->secret, &secret, err);

    if (rc)
        return rc;
    secret_mark(secret, row->key, row->value, version);
    /* The first value is the one that its readers started with, also where they were there before us. */
    json_array_foreach (objects, i, object) {
        if (strcmp(version, FIRST_VERSION) != 0 && workload_reads(object, row->secret, row->key))
            secret_mark_reader(object, row->value, version);
    }
    return 0;
}

static int mark_component(const struct settings *s, const char *component, json_t *objects,
                          struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(shipped); i++) {
        int rc = strcmp(shipped[i].component, component) ? 0 : mark(s, &shipped[i], objects, err);

        if (rc)
            return rc;
    }
    return 0;
}

/* The database's own container, without leave to start with an empty password. */
static int strict_mysql(const struct settings *s, json_t *objects, const char *deployment,
                        json_t **ret_env, struct err *err)
{
    json_t *object, *env, *entry;
    size_t i;
    int rc = settings_need(s, objects, "Deployment", NULL, deployment, &object, err);

    if (rc)
        return rc;
    object = json_array_get(krm_get(object, "spec", "template", "spec", "containers", NULL), 0);
    if (!object)
        return err_set(err, ERR_INVALID, "Deployment %s has no container", deployment);
    env = json_array();
    json_array_foreach (json_object_get(object, "env"), i, entry) {
        if (!is_named(entry, "name", MYSQL_EMPTY))
            json_array_append(env, entry);
    }
    json_object_set_new(object, "env", env);
    *ret_env = env;
    return 0;
}

int secrets_finish_pipelines(const struct settings *s, json_t *objects, struct err *err)
{
    json_t *env;
    int rc = strict_mysql(s, objects, "mysql", &env, err);

    if (rc)
        return rc;
    json_array_append_new(env, json_pack("{s:s, s:{s:{s:s, s:s}}}", "name", "MYSQL_ROOT_PASSWORD",
                                         "valueFrom", "secretKeyRef", "name", "mysql-secret", "key",
                                         "password"));
    return mark_component(s, "pipelines", objects, err);
}

int secrets_finish_katib(const struct settings *s, json_t *objects, struct err *err)
{
    json_t *env;
    int rc = strict_mysql(s, objects, "katib-mysql", &env, err);

    return rc ? rc : mark_component(s, "katib", objects, err);
}

/* Here the leave comes from a ConfigMap, and the password from all that is in the Secret: without it
 * the database would start open. */
int secrets_finish_model_registry(const struct settings *s, json_t *objects, struct err *err)
{
    json_t *parameters;
    int rc = settings_need(s, objects, "ConfigMap", NULL, "model-registry-db-parameters",
                           &parameters, err);

    if (rc)
        return rc;
    json_object_del(json_object_get(parameters, "data"), MYSQL_EMPTY);
    return mark_component(s, "model-registry", objects, err);
}

/* --- rotate ------------------------------------------------------------------------------------- */

/* The component without which nobody uses the value; NULL for a name that isn't one. */
static const char *component_of(const char *value)
{
    static const struct {
        const char *component, *value;
    } logins[] = {
        {"dex", "oidc_client_secret"},
        {"oauth2-proxy", "cookie_secret"},
    };

    for (size_t i = 0; i < ARRAY_LEN(logins); i++) {
        if (!strcmp(logins[i].value, value))
            return logins[i].component;
    }
    for (size_t i = 0; i < ARRAY_LEN(shipped); i++) {
        if (!strcmp(shipped[i].value, value))
            return shipped[i].component;
    }
    return NULL;
}

static int check_number(const struct settings *s, const char *name, const json_t *number,
                        struct err *err)
{
    const char *component = component_of(name);
    double n = json_number_value(number);
    const struct secret_recipe *r = secret_recipe(name);

    if (!r || !r->length) {
        char *known CLEANUP(mem_cleanup) = secret_recipes_rotated();

        return err_set(err, ERR_INVALID, "rotate: no secret is called \"%s\"; there are %s", name,
                       known);
    }
    if (!json_is_number(number) || n < 1 || n > SETTINGS_MAX_ROTATION || n != (double)(long)n)
        return err_set(err, ERR_INVALID,
                       "rotate: the number of %s must be a whole one from 1 to %d; the next higher "
                       "one makes a new secret",
                       name, SETTINGS_MAX_ROTATION);
    if (component && !settings_installs(s, component))
        return err_set(err, ERR_INVALID,
                       "rotate: %s belongs to the component %s, which isn't among the components: "
                       "add it, or leave %s out",
                       name, component, name);
    if (r->fixed && n > 1)
        return err_set(err, ERR_INVALID, "rotate: %s can't be renewed: %s", name, r->fixed);
    return 0;
}

int secrets_check_rotate(const struct settings *s, struct err *err)
{
    const char *name;
    json_t *number;

    json_object_foreach (settings_get(s, "rotate", NULL), name, number) {
        int rc = check_number(s, name, number, err);

        if (rc)
            return rc;
    }
    return 0;
}
