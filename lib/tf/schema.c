#include "lib/tf/schema.h"

#include <stdlib.h>
#include <string.h>

#include "lib/tf/walk.h"

#include "lib/base/banned.h"

/* --- the implied type ------------------------------------------------------------------------ */

static const struct tf_type *level_type(struct arena *a, const struct tf_level *level);

static const struct tf_type *nested_type(struct arena *a, enum tf_nesting nesting,
                                         const struct tf_type *object)
{
    switch (nesting) {
    case TF_NEST_LIST:
        return tf_type_new_collection(a, TF_LIST, object);
    case TF_NEST_SET:
        return tf_type_new_collection(a, TF_SET, object);
    case TF_NEST_MAP:
        return tf_type_new_collection(a, TF_MAP, object);
    case TF_NEST_SINGLE:
    case TF_NEST_GROUP:
        break;
    }
    return object;
}

/* A list or map of blocks with something dynamic in them travels as a whole as dynamic, because
 * each element may have another type. */
const struct tf_type *tf_slot_type(struct arena *a, const struct tf_slot *slot)
{
    const struct tf_type *object;

    if (!slot->nesting)
        return slot->attribute->type;
    object = level_type(a, &slot->below);
    if (slot->block && (slot->nesting == TF_NEST_LIST || slot->nesting == TF_NEST_MAP) &&
        tf_type_has_dynamic(object))
        return &tf_type_dynamic;
    return nested_type(a, slot->nesting, object);
}

static const struct tf_type *level_type(struct arena *a, const struct tf_level *level)
{
    struct tf_member *members;
    struct tf_slot slot;
    size_t n = 0;

    for (size_t i = 0; tf_level_next(level, &i, &slot);)
        n++;
    members = arena_calloc(a, n, sizeof(*members));
    n = 0;
    for (size_t i = 0; tf_level_next(level, &i, &slot);) {
        members[n].name = slot.name;
        members[n++].type = tf_slot_type(a, &slot);
    }
    return tf_type_new_object(a, members, n);
}

const struct tf_type *tf_schema_type(struct arena *a, const struct tf_schema *s)
{
    struct tf_level level = tf_schema_level(s);

    return level_type(a, &level);
}

/* --- visiting -------------------------------------------------------------------------------- */

struct visit {
    struct arena *arena;
    tf_visit_fn *fn;
    void *arg;
};

static void visit_level(const struct visit *visit, const struct tf_level *level,
                        const struct tf_path *path, const struct tf_value *object)
{
    struct tf_slot slot;

    for (size_t i = 0; tf_level_next(level, &i, &slot);) {
        const struct tf_value *v = tf_get(object, slot.name);
        const struct tf_path *here;

        if (!v)
            continue;
        here = tf_path_attribute(visit->arena, path, slot.name);
        if (slot.attribute)
            visit->fn(slot.attribute, here, v, visit->arg);
        for (size_t n = 0; n < tf_nested_len(&slot, v); n++) {
            struct tf_path step = tf_nested_step(&slot, v, n, here);
            const struct tf_path *below = here;

            if (slot.nesting == TF_NEST_LIST)
                below = tf_path_index(visit->arena, here, step.index);
            else if (slot.nesting == TF_NEST_MAP)
                below = tf_path_key(visit->arena, here, step.name);
            visit_level(visit, &slot.below, below, tf_nested_at(&slot, v, n));
        }
    }
}

void tf_schema_visit(struct arena *a, const struct tf_schema *s, const struct tf_value *v,
                     tf_visit_fn *visit, void *arg)
{
    struct tf_level level = tf_schema_level(s);

    visit_level(&(const struct visit){a, visit, arg}, &level, NULL, v);
}
