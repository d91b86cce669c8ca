#include <string.h>

#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "resources/kubeflow/settings_parts.h"

#include "lib/base/attr.h"
#include "lib/base/banned.h"

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

int hygiene_finish(const struct settings *s UNUSED, json_t *objects, struct err *err UNUSED)
{
    json_t *object;
    size_t i;

    json_array_foreach (objects, i, object)
        drop_open_vars(object);
    return 0;
}
