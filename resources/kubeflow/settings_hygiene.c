#include <string.h>

#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "resources/kubeflow/settings_parts.h"

#include "lib/base/attr.h"
#include "lib/base/banned.h"

/* Tells the Profile's name and owner to its kustomization and to nobody else; it names no namespace, so
 * it would be put into "default". */
int hygiene_adjust(const struct settings *s UNUSED, json_t *objects, struct err *err UNUSED)
{
    const json_t *left = settings_find(objects, "ConfigMap", NULL, "default-install-config"),
                 *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        if (object == left) {
            json_array_remove(objects, i);
            break;
        }
    }
    return 0;
}

/* Annotations whose value is left with a var of kustomize that nothing defines: 26.03's jobset CRD has
 * one, which in the release's own example gets the value of another component's var. */
static void drop_open_vars(json_t *object)
{
    json_t *annotations = krm_get(object, "metadata", "annotations", NULL), *value;
    const char *key;
    void *next;

    json_object_foreach_safe(annotations, next, key, value)
    {
        if (json_is_string(value) && !strncmp(json_string_value(value), "$(", 2))
            json_object_del(annotations, key);
    }
}

/* Istio's manifests let objects pass until istiod can look at them; then it sets Fail. Ours to say would
 * mean to take it back with each apply. While nobody has said anything it is Fail as well: what comes
 * too early is refused, and tried again. */
static void leave_policy_to_istiod(json_t *object)
{
    json_t *webhook;
    size_t i;

    if (strcmp(gvk_of(object).kind, "ValidatingWebhookConfiguration") != 0 ||
        strcmp(krm_str(object, "metadata", "name", NULL), "istio-validator-istio-system") != 0)
        return;
    json_array_foreach (json_object_get(object, "webhooks"), i, webhook)
        json_object_del(webhook, "failurePolicy");
}

int hygiene_finish(const struct settings *s UNUSED, json_t *objects, struct err *err UNUSED)
{
    json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        drop_open_vars(object);
        leave_policy_to_istiod(object);
    }
    return 0;
}
