#include "lib/kube/aggregation.h"

#include <string.h>

#include "lib/krm/gvk.h"
#include "lib/krm/path.h"

#include "lib/base/banned.h"

#define CONTROLLER "clusterrole-aggregation-controller" /* its field manager */

static const json_t *managers_of(const json_t *metadata_object)
{
    return krm_get(metadata_object, "metadata", "managedFields", NULL);
}

bool kube_is_aggregated(const json_t *metadata_object)
{
    const json_t *entry;
    size_t i;

    if (strcmp(gvk_of(metadata_object).kind, "ClusterRole") != 0)
        return false;
    json_array_foreach (managers_of(metadata_object), i, entry)
        if (!strcmp(krm_str(entry, "manager", NULL), CONTROLLER))
            return true;
    return false;
}

bool kube_is_only_aggregated(const json_t *metadata_object)
{
    return json_array_size(managers_of(metadata_object)) == 1 &&
           kube_is_aggregated(metadata_object);
}
