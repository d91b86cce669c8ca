/* Labels and annotations. */
#include "lib/krm/path.h"
#include "lib/kustomize/alias.h"
#include "lib/kustomize/transform.h"

#include "lib/base/banned.h"

static int set_all(struct slot *slot, void *arg, struct err *err)
{
    json_t *pairs = arg, *value;
    const char *key;

    if (json_is_null(slot->value))
        return 0; /* only without "create" */
    if (!json_is_object(slot->value))
        return err_set(err, ERR_INVALID, "expected a map to put labels or annotations into");
    json_object_foreach (pairs, key, value)
        alias_share(slot->value, key, value);
    return 0;
}

static int set_in_all(const struct transform *x, const char *field, struct err *err)
{
    struct context *ctx = x->target->ctx;
    json_t *pairs = json_object_get(x->args, field);
    int rc;

    if (!json_object_size(pairs))
        return 0;
    for (size_t i = 0; i < x->m->len; i++) {
        struct resource *r = x->m->at[i];
        struct rid id = resource_id(ctx, r);
        json_auto_t *own = json_deep_copy(pairs); /* shared within this object only */

        r->aliased = true;
        for (size_t j = 0; j < x->specs.len; j++) {
            if (!rid_matches(&id, &x->specs.at[j].match))
                continue;
            rc =
                fieldspec_walk(r->object, &x->specs.at[j], FIELDSPEC_CREATE_MAP, set_all, own, err);
            if (rc)
                return err_wrap(err, "%s", rid_label(ctx, &id));
        }
    }
    return 0;
}

int transform_labels(const struct transform *x, struct err *err)
{
    return set_in_all(x, "labels", err);
}

int transform_annotations(const struct transform *x, struct err *err)
{
    return set_in_all(x, "annotations", err);
}
