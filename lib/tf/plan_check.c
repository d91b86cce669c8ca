/* Core's rules for plans (objchange.AssertPlanValid), checked before core does, so that a break is
 * reported on its path with the values.
 *
 * Where the configuration sets something, the plan must say the same, or keep the prior value
 * (when it is equivalent). Where it doesn't, only computed attributes may have a value. Lists and
 * maps have the configuration's elements; elements of sets can't be told apart and are trusted. */
#include <string.h>

#include "lib/tf/result.h"
#include "lib/tf/walk.h"

#include "lib/base/banned.h"

/* A value with its counterparts in config and prior state (NULL where there is none). */
struct trio {
    const struct tf_value *value, *config, *prior;
};

static void check_level(const struct tf_fix *fix, const struct tf_level *level,
                        const struct tf_path *path, const struct trio *object);

static void mismatch(const struct tf_fix *fix, const struct tf_path *path, const struct trio *at)
{
    struct buf where CLEANUP(buf_done) = BUF_INIT, config CLEANUP(buf_done) = BUF_INIT,
                     planned CLEANUP(buf_done) = BUF_INIT;

    tf_path_write(path, &where);
    tf_write_unless_sensitive(fix->schema, path, at->config, &config);
    tf_write_unless_sensitive(fix->schema, path, at->value, &planned);
    tf_error(fix->diags, path, fix->summary,
             "%s is %s in the configuration, but was planned as %s. This is a bug in the provider.",
             path ? buf_str(&where) : "The resource", buf_str(&config), buf_str(&planned));
}

static bool same_elements(const struct tf_slot *slot, const struct tf_value *a,
                          const struct tf_value *b)
{
    if (tf_nested_len(slot, a) != tf_nested_len(slot, b))
        return false;
    for (size_t i = 0; slot->nesting == TF_NEST_MAP && i < tf_nested_len(slot, a); i++)
        if (!tf_nested_like(slot, a, i, b))
            return false;
    return true;
}

static void check_elements(const struct tf_fix *fix, const struct tf_slot *slot,
                           const struct tf_path *path, const struct trio *at)
{
    if (!same_elements(slot, at->value, at->config)) {
        mismatch(fix, path, at);
        return;
    }
    for (size_t i = 0; slot->nesting != TF_NEST_SET && i < tf_nested_len(slot, at->value); i++) {
        struct tf_path here = tf_nested_step(slot, at->value, i, path);
        struct trio below = {tf_nested_at(slot, at->value, i),
                             tf_nested_like(slot, at->value, i, at->config),
                             tf_nested_like(slot, at->value, i, at->prior)};

        check_level(fix, &slot->below, &here, &below);
    }
}

static void check_attribute(const struct tf_fix *fix, const struct tf_slot *slot,
                            const struct tf_path *path, const struct trio *at)
{
    if (slot->flags & TF_WRITE_ONLY || tf_equal(at->value, at->config))
        return;
    if (slot->flags & TF_COMPUTED && (!(slot->flags & TF_OPTIONAL) || tf_is_null(at->config)))
        return;
    if (slot->nesting && tf_is_known(at->config) && tf_is_known(at->value)) {
        check_elements(fix, slot, path, at);
        return;
    }
    if (!tf_is_null(at->config) && !tf_is_null(at->prior) && tf_equal(at->value, at->prior))
        return;
    mismatch(fix, path, at);
}

static void check_block(const struct tf_fix *fix, const struct tf_slot *slot,
                        const struct tf_path *path, const struct trio *at)
{
    if (tf_equal(at->value, at->config))
        return;
    if (!tf_is_known(at->config) || !tf_is_known(at->value)) {
        mismatch(fix, path, at);
        return;
    }
    check_elements(fix, slot, path, at);
}

static void check_level(const struct tf_fix *fix, const struct tf_level *level,
                        const struct tf_path *path, const struct trio *object)
{
    struct tf_slot slot;

    if (!tf_is_known(object->value) || !tf_is_known(object->config)) {
        if (!tf_equal(object->value, object->config))
            mismatch(fix, path, object);
        return;
    }
    for (size_t i = 0; tf_level_next(level, &i, &slot);) {
        struct tf_path here = {path, TF_STEP_ATTRIBUTE, slot.name, 0};
        struct trio at = {tf_get(object->value, slot.name), tf_get(object->config, slot.name),
                          tf_get(object->prior, slot.name)};

        if (!at.value || !at.config)
            continue;
        if (slot.attribute)
            check_attribute(fix, &slot, &here, &at);
        else
            check_block(fix, &slot, &here, &at);
    }
}

void tf_check_plan(const struct tf_fix *fix, const struct tf_value *config,
                   const struct tf_value *prior, const struct tf_value *planned)
{
    struct tf_level level = tf_schema_level(fix->schema);

    check_level(fix, &level, NULL, &(const struct trio){planned, config, prior});
}
