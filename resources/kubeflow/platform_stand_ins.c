/* What stands for values that aren't known before the apply (a reserved address, a hash that is made
 * in the same run), so that a plan without a cluster still shows what it makes. */
#include <string.h>

#include "lib/tf/walk.h"
#include "resources/kubeflow/platform.h"

#include "lib/base/banned.h"

/* Texts that change fields of objects, not which objects there are, and what stands for them: it
 * passes for the real one wherever that is looked at. Names end in RFC 6761's ".invalid", addresses
 * are RFC 5737's. */
static const struct stand_in {
    const char *holder, *member, *text; /* member: the holder itself for its values */
} stand_ins[] = {
    {"gateway", "service_type", "ClusterIP"},
    {"gateway", "hostname", "unknown.invalid"},
    {"gateway", "external_url", "https://unknown.invalid"},
    {"gateway", "load_balancer_ip", "192.0.2.1"},
    {"gateway", "annotations", "unknown"},
    {"oidc", "issuer", "https://unknown.invalid"},
    {"oidc", "client_id", "unknown"},
    {"users", "password_hash", "unknown"},
    {"storage", "class_name", "unknown"},
    {"storage", "sizes", "1Gi"},
    {"dashboard_links", "text", "unknown"},
    {"dashboard_links", "link", "/unknown"},
    {"dashboard_links", "icon", "unknown"},
    {"dashboard_links", "description", "unknown"},
    {"namespace_labels", "namespace_labels", "unknown"},
    {"scheduling", "node_selector", "unknown"},
    {"scheduling", "priority_class_name", "unknown"},
    {"scheduling", "key", "unknown"},
    {"scheduling", "value", "unknown"},
    {"image_mirrors", "image_mirrors", "unknown"},
};

static const struct tf_value *stand_in_for(struct arena *a, const struct tf_value *v,
                                           const char *holder, const char *member)
{
    for (size_t i = 0; i < ARRAY_LEN(stand_ins) && v->type->kind == TF_STRING; i++) {
        if (!strcmp(stand_ins[i].holder, holder) && !strcmp(stand_ins[i].member, member))
            return tf_string(a, stand_ins[i].text);
    }
    return v;
}

/* v with unknown texts replaced, under the name of the member of the holder that it is (in). */
static const struct tf_value *fill(struct arena *a, const struct tf_value *v, const char *holder,
                                   const char *member)
{
    const struct tf_value **items;

    if (tf_is_unknown(v))
        return stand_in_for(a, v, holder, member);
    if (tf_is_null(v) || tf_wholly_known(v))
        return v;
    items = arena_alloc(a, v->items.len * sizeof(*items));
    for (size_t i = 0; i < v->items.len; i++) {
        bool named = v->type->kind == TF_OBJECT;

        items[i] = fill(a, v->items.at[i], holder, named ? v->type->members[i].name : member);
    }
    return tf_rebuild(a, v, items);
}

const struct tf_value *platform_stand_in(struct arena *a, const struct tf_value *v)
{
    const char *last = "";

    for (size_t i = 0; i < ARRAY_LEN(stand_ins); i++) {
        const char *holder = stand_ins[i].holder;

        if (strcmp(holder, last) != 0)
            v = tf_with(a, v, holder, fill(a, tf_get(v, holder), holder, holder));
        last = holder;
    }
    return v;
}
