#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "resources/kubeflow/settings_parts.h"

#include "lib/base/attr.h"
#include "lib/base/banned.h"

/* --- checks ------------------------------------------------------------------------------------- */

static int check_toleration(const json_t *toleration, const char *where, size_t i, struct err *err)
{
    bool exists = !strcmp(krm_str(toleration, "operator", NULL), "Exists");
    const char *key = krm_str(toleration, "key", NULL);

    if (!*key && !exists)
        return err_set(err, ERR_INVALID,
                       "%s.tolerations[%zu] has no key; name one, or set operator = \"Exists\" to "
                       "tolerate every taint",
                       where, i);
    if (*key && !settings_is_label_key(key))
        return err_set(err, ERR_INVALID, "%s.tolerations[%zu].key \"%s\" isn't the key of a taint",
                       where, i, key);
    if (exists && *krm_str(toleration, "value", NULL))
        return err_set(err, ERR_INVALID,
                       "%s.tolerations[%zu] has operator = \"Exists\" and a value; remove one of "
                       "them",
                       where, i);
    if (!settings_is_label_value(krm_str(toleration, "value", NULL)))
        return err_set(err, ERR_INVALID,
                       "%s.tolerations[%zu].value \"%s\" isn't the value of a taint", where, i,
                       krm_str(toleration, "value", NULL));
    if (json_is_integer(json_object_get(toleration, "toleration_seconds")) &&
        strcmp(krm_str(toleration, "effect", NULL), "NoExecute") != 0)
        return err_set(err, ERR_INVALID,
                       "%s.tolerations[%zu].toleration_seconds needs effect = \"NoExecute\": only "
                       "that one ends pods that run",
                       where, i);
    return 0;
}

/* The three of `scheduling` itself, or of one component. */
static int check_three(const json_t *three, const char *where, struct err *err)
{
    const char *class = krm_str(three, "priority_class_name", NULL), *key;
    json_t *value;
    size_t i;
    int rc;

    json_object_foreach (json_object_get(three, "node_selector"), key, value) {
        const char *text = json_string_value(value);

        if (!settings_is_label_key(key) || !text || !settings_is_label_value(text))
            return err_set(err, ERR_INVALID,
                           "%s.node_selector[\"%s\"] isn't a label: no node can have it", where,
                           key);
    }
    json_array_foreach (json_object_get(three, "tolerations"), i, value) {
        rc = check_toleration(value, where, i, err);
        if (rc)
            return rc;
    }
    if (*class && !settings_fits(class, SETTINGS_NAME_MAX, SETTINGS_NAME))
        return err_set(err, ERR_INVALID,
                       "%s.priority_class_name \"%s\" isn't the name of a PriorityClass", where,
                       class);
    return 0;
}

static int unknown_component(const struct settings *s, const char *name, struct err *err)
{
    const char *near = catalog_nearest_component(s->release, name);
    bool known = catalog_component(s->release, name) != NULL;

    if (known)
        return err_set(err, ERR_INVALID,
                       "scheduling.per_component[\"%s\"]: that component isn't installed; remove "
                       "it here, or add it to components",
                       name);
    return err_set(err, ERR_INVALID,
                   "scheduling.per_component[\"%s\"]: release %s has no component of that name%s%s"
                   "%s",
                   name, s->release->name, near ? "; did you mean \"" : "", near ? near : "",
                   near ? "\"?" : "");
}

int scheduling_check(const struct settings *s, struct err *err)
{
    const char *name;
    json_t *three;
    int rc = check_three(settings_get(s, "scheduling", NULL), "scheduling", err);

    if (rc)
        return rc;
    json_object_foreach (settings_get(s, "scheduling", "per_component", NULL), name, three) {
        char *where CLEANUP(mem_cleanup) = NULL;

        if (!settings_installs(s, name))
            return unknown_component(s, name, err);
        where = mem_printf("scheduling.per_component[\"%s\"]", name);
        rc = check_three(three, where, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* --- changes ------------------------------------------------------------------------------------ */

/* As Kubernetes writes it. */
static json_t *toleration_of(const json_t *toleration)
{
    static const struct {
        const char *ours, *theirs;
    } fields[] = {
        {"key", "key"},
        {"operator", "operator"},
        {"value", "value"},
        {"effect", "effect"},
        {"toleration_seconds", "tolerationSeconds"},
    };
    json_t *out = json_object();

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        json_t *value = json_object_get(toleration, fields[i].ours);

        if (value && !json_is_null(value))
            json_object_set(out, fields[i].theirs, value);
    }
    return out;
}

static bool has(const json_t *array, const json_t *wanted)
{
    const json_t *one;
    size_t i;

    json_array_foreach (array, i, one) {
        if (json_equal(one, wanted))
            return true;
    }
    return false;
}

static void add_tolerations(json_t *pods, const json_t *tolerations)
{
    json_t *there = json_object_get(pods, "tolerations");
    const json_t *one;
    size_t i;

    json_array_foreach (tolerations, i, one) {
        json_auto_t *wanted = toleration_of(one);

        if (!json_is_array(there)) {
            there = json_array();
            json_object_set_new(pods, "tolerations", there);
        }
        if (!has(there, wanted))
            json_array_append(there, wanted);
    }
}

static void change_pods(json_t *pods, const json_t *three)
{
    json_t *selector = json_object_get(three, "node_selector");

    if (json_object_size(selector))
        json_object_update(krm_member(pods, "nodeSelector", NULL), selector);
    add_tolerations(pods, json_object_get(three, "tolerations"));
}

int scheduling_adjust(const struct settings *s, const char *component, json_t *objects,
                      struct err *err)
{
    const json_t *general = settings_get(s, "scheduling", NULL);
    const json_t *own = settings_get(s, "scheduling", "per_component", component, NULL);
    json_t *class = json_object_get(general, "priority_class_name");
    json_t *own_class = json_object_get(own, "priority_class_name"), *object;
    size_t i, found = 0;

    json_array_foreach (objects, i, object) {
        json_t *pods = settings_pods(object);

        /* A node's agent is for every node. */
        if (!pods || !strcmp(gvk_of(object).kind, "DaemonSet"))
            continue;
        found++;
        change_pods(pods, general);
        change_pods(pods, own);
        if (json_is_string(own_class))
            json_object_set(pods, "priorityClassName", own_class);
        else if (json_is_string(class) && !*krm_str(pods, "priorityClassName", NULL))
            json_object_set(pods, "priorityClassName", class);
    }
    if (own && !found)
        return err_set(err, ERR_INVALID,
                       "scheduling.per_component[\"%s\"]: that component of release %s has no pods "
                       "that this could be about; remove it",
                       component, s->release->name);
    return 0;
}
