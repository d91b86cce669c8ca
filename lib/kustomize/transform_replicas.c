/* Replica counts by name. */
#include "lib/krm/path.h"
#include "lib/kustomize/transform.h"

#include "lib/base/banned.h"

static int set_count(struct slot *slot, void *arg, struct err *err)
{
    if (json_is_object(slot->value) || json_is_array(slot->value))
        return err_set(err, ERR_INVALID, "a replica count must be a number");
    slot_set(slot, json_incref(arg));
    return 0;
}

/* Whether it has or had the name, under a kind of the spec. */
static bool is_named(struct context *ctx, const struct resource *r, const char *name,
                     const struct fieldspec *spec)
{
    struct rid id = resource_id(ctx, r);

    if (id.name == name && rid_matches(&id, &spec->match))
        return true;
    for (size_t i = 0; i < r->previous.len; i++) {
        struct rid previous = r->previous.at[i];

        previous.group = id.group;
        previous.version = id.version;
        if (previous.name == name && rid_matches(&previous, &spec->match))
            return true;
    }
    return false;
}

int transform_replicas(const struct transform *x, struct err *err)
{
    struct context *ctx = x->target->ctx;
    const json_t *replica = json_object_get(x->args, "replica");
    const char *name = intern(ctx->strings, krm_str(replica, "name", NULL));
    json_t *given = json_object_get(replica, "count");
    json_auto_t *count = given ? json_incref(given) : json_integer(0);
    bool found = false;
    int rc;

    for (size_t i = 0; i < x->specs.len; i++) {
        for (size_t j = 0; j < x->m->len; j++) {
            struct resource *r = x->m->at[j];
            struct rid id = resource_id(ctx, r);

            if (!is_named(ctx, r, name, &x->specs.at[i]))
                continue;
            found = true;
            if (!rid_matches(&id, &x->specs.at[i].match))
                continue;
            rc = fieldspec_walk(r->object, &x->specs.at[i], FIELDSPEC_CREATE_SCALAR, set_count,
                                count, err);
            if (rc)
                return err_wrap(err, "%s", rid_label(ctx, &id));
        }
    }
    if (!found)
        return err_set(err, ERR_INVALID, "nothing that has replicas is called \"%s\"", name);
    return 0;
}
