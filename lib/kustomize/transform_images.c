/* Images: those of `containers` and `initContainers` lists anywhere in any object but a
 * CustomResourceDefinition, then those that the field specs name. */
#include "lib/krm/path.h"
#include "lib/kustomize/image.h"
#include "lib/kustomize/transform.h"

#include "lib/base/banned.h"

struct retag {
    struct image_matcher matcher;
    struct image_change change;
};

static int set_image(struct slot *slot, void *arg, struct err *err)
{
    const struct retag *retag = arg;
    char *image CLEANUP(mem_cleanup) = NULL;

    if (json_is_object(slot->value) || json_is_array(slot->value))
        return err_set(err, ERR_INVALID, "an image must be a string");
    if (!json_is_string(slot->value) ||
        !image_match(&retag->matcher, json_string_value(slot->value)))
        return 0;
    image = image_apply(json_string_value(slot->value), &retag->change);
    if (!image)
        return err_set(err, ERR_LIMIT, "an image reference of more than %d bytes", IMAGE_MAX_TEXT);
    slot_set(slot, json_string(image));
    return 0;
}

static int set_containers(json_t *list, struct retag *retag, struct err *err)
{
    json_t *container;
    size_t i;
    int rc;

    json_array_foreach (list, i, container) {
        struct slot slot = {.parent = container, .key = "image"};

        if (json_is_null(container))
            continue;
        if (!json_is_object(container))
            return err_set(err, ERR_INVALID, "a list of containers that holds something else");
        slot.value = json_object_get(container, "image");
        if (slot.value && (rc = set_image(&slot, retag, err)))
            return rc;
    }
    return 0;
}

static int walk(json_t *node, struct retag *retag, struct err *err)
{
    const char *key;
    json_t *value;
    size_t i;
    int rc;

    if (json_is_array(node)) {
        json_array_foreach (node, i, value)
            if ((rc = walk(value, retag, err)))
                return rc;
        return 0;
    }
    json_object_foreach (node, key, value) {
        if (!json_is_object(value) && !json_is_array(value))
            continue;
        if ((rc = walk(value, retag, err)))
            return rc;
        if ((strcmp(key, "containers") == 0 || strcmp(key, "initContainers") == 0) &&
            json_is_array(value) && (rc = set_containers(value, retag, err)))
            return rc;
    }
    return 0;
}

static int retag_resource(const struct transform *x, struct resource *r, struct retag *retag,
                          struct err *err)
{
    struct context *ctx = x->target->ctx;
    struct rid id = resource_id(ctx, r);
    int rc;

    if (strcmp(id.kind, "CustomResourceDefinition") == 0)
        return 0;
    rc = walk(r->object, retag, err);
    for (size_t i = 0; i < x->specs.len && !rc; i++)
        if (rid_matches(&id, &x->specs.at[i].match))
            rc = fieldspec_walk(r->object, &x->specs.at[i], FIELDSPEC_FIND, set_image, retag, err);
    return rc ? err_wrap(err, "%s", rid_label(ctx, &id)) : 0;
}

int transform_images(const struct transform *x, struct err *err)
{
    const json_t *image = json_object_get(x->args, "imageTag");
    struct retag retag = {0};
    int rc = image_matcher_init(&retag.matcher, krm_str(image, "name", NULL), err);

    retag.change.new_name = krm_str(image, "newName", NULL);
    retag.change.new_tag = krm_str(image, "newTag", NULL);
    retag.change.tag_suffix = krm_str(image, "tagSuffix", NULL);
    retag.change.digest = krm_str(image, "digest", NULL);
    for (size_t i = 0; i < x->m->len && !rc; i++)
        rc = retag_resource(x, x->m->at[i], &retag, err);
    image_matcher_done(&retag.matcher);
    return rc;
}
