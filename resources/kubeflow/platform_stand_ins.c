/* What stands for values that aren't known before the apply (a reserved address, a hash that is made
 * in the same run), so that a plan without a cluster still shows what it makes. */
#include <string.h>

#include "lib/tf/walk.h"
#include "resources/kubeflow/platform.h"

#include "lib/base/banned.h"

/* Attributes in which an unknown text changes fields of objects, not which objects there are. */
static const char *const holders[] = {
    "users", "oidc", "gateway", "storage", "namespace_labels", "image_mirrors"};

/* Texts that pass the checks of the member that they stand for; names end in RFC 6761's ".invalid",
 * addresses are RFC 5737's. */
static const struct {
    const char *holder, *member, *text;
} stand_ins[] = {
    {"gateway", "service_type", "ClusterIP"},
    {"gateway", "hostname", "unknown.invalid"},
    {"gateway", "external_url", "https://unknown.invalid"},
    {"gateway", "load_balancer_ip", "192.0.2.1"},
    {"oidc", "issuer", "https://unknown.invalid"},
    {"storage", "sizes", "1Gi"},
};
#define ANY_TEXT "unknown"

static const char *text_for(const char *holder, const char *member)
{
    for (size_t i = 0; i < ARRAY_LEN(stand_ins); i++) {
        if (!strcmp(stand_ins[i].holder, holder) && !strcmp(stand_ins[i].member, member))
            return stand_ins[i].text;
    }
    return ANY_TEXT;
}

/* v with every unknown text replaced, under the name of the member of the holder that it is (in). */
static const struct tf_value *fill(struct arena *a, const struct tf_value *v, const char *holder,
                                   const char *member)
{
    const struct tf_value **items;

    if (tf_is_unknown(v))
        return v->type->kind == TF_STRING ? tf_string(a, text_for(holder, member)) : v;
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
    for (size_t i = 0; i < ARRAY_LEN(holders); i++)
        v = tf_with(a, v, holders[i], fill(a, tf_get(v, holders[i]), holders[i], holders[i]));
    return v;
}
