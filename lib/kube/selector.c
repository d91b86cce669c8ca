#include "lib/kube/selector.h"

#include <string.h>

#include "lib/krm/path.h"

#include "lib/base/banned.h"

static bool labels_match(const json_t *wanted, const json_t *labels)
{
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)wanted, key, value) {
        if (!json_equal(json_object_get(labels, key), value))
            return false;
    }
    return true;
}

static bool is_among(const json_t *value, const json_t *values)
{
    const json_t *v;
    size_t i;

    json_array_foreach (values, i, v) {
        if (json_equal(v, value))
            return true;
    }
    return false;
}

static bool requirement_holds(const json_t *requirement, const json_t *labels)
{
    const char *op = krm_str(requirement, "operator", NULL);
    const json_t *value = json_object_get(labels, krm_str(requirement, "key", NULL));
    const json_t *values = json_object_get(requirement, "values");

    if (!strcmp(op, "In"))
        return value && is_among(value, values);
    if (!strcmp(op, "NotIn"))
        return !value || !is_among(value, values);
    if (!strcmp(op, "Exists"))
        return value;
    return !strcmp(op, "DoesNotExist") && !value;
}

bool kube_selector_matches(const json_t *selector, const json_t *labels)
{
    const json_t *requirement;
    size_t i;

    if (!labels_match(json_object_get(selector, "matchLabels"), labels))
        return false;
    json_array_foreach (json_object_get(selector, "matchExpressions"), i, requirement) {
        if (!requirement_holds(requirement, labels))
            return false;
    }
    return true;
}
