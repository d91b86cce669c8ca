#include "resources/kubeflow/rewrite.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/field_path.h"
#include "lib/kube/members.h"
#include "resources/kubeflow/image_refs.h"

#include "lib/base/banned.h"

/* --- images ------------------------------------------------------------------------------------- */

/* Whether the prefix ends where a part of the image does. What is no image, but the beginning of many,
 * may also be the whole prefix without the slash at its end. */
static bool prefix_fits(const char *image, const char *prefix, bool certain)
{
    size_t n = strlen(prefix);

    if (!n)
        return false;
    if (!certain && prefix[n - 1] == '/' && strlen(image) == n - 1)
        return !strncmp(image, prefix, n - 1);
    return !strncmp(image, prefix, n) &&
           (prefix[n - 1] == '/' || !image[n] || strchr("/:@", image[n]));
}

/* The mirror's prefix and the rest of the image, with one slash between them where there was one. */
static char *moved(const char *image, const char *prefix, const char *mirror)
{
    size_t n = strlen(prefix), mirror_len = strlen(mirror);
    bool slash = prefix[n - 1] == '/' && strlen(image) >= n;

    while (mirror_len && mirror[mirror_len - 1] == '/')
        mirror_len--;
    return mem_printf("%.*s%s%s", (int)mirror_len, mirror, slash ? "/" : "",
                      strlen(image) >= n ? image + n : "");
}

/* The image at its mirror, or NULL. */
static char *mirrored(void *mirrors, const char *image, bool certain)
{
    char *full CLEANUP(mem_cleanup) = image_ref_full(image);
    const char *prefix, *best = NULL, *best_on = NULL;
    const json_t *to = NULL;
    json_t *value;

    json_object_foreach ((json_t *)mirrors, prefix, value) {
        const char *on = prefix_fits(image, prefix, certain)  ? image
                         : prefix_fits(full, prefix, certain) ? full
                                                              : NULL;

        if (on && (!best || strlen(prefix) > strlen(best))) {
            best = prefix;
            best_on = on;
            to = value;
        }
    }
    return best ? moved(best_on, best, json_string_value(to)) : NULL;
}

void rewrite_images(json_t *object, const json_t *mirrors)
{
    if (json_object_size(mirrors))
        image_refs_map(object, mirrored, (void *)mirrors);
}

/* --- ignored fields ----------------------------------------------------------------------------- */

static bool target_fits(const json_t *target, const json_t *object)
{
    struct resid id = resid_of(object);
    const struct {
        const char *name, *value;
    } members[] = {
        {"group", id.group}, {"kind", id.kind}, {"name", id.name}, {"namespace", id.namespace}};

    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const json_t *wanted = json_object_get(target, members[i].name);

        if (wanted && strcmp(json_string_value(wanted), members[i].value))
            return false;
    }
    return true;
}

/* The member or item that a step leads to. */
static json_t *follow(const json_t *v, const struct field_step *step)
{
    switch (step->kind) {
    case FIELD_STEP_MEMBER:
        return json_object_get(v, step->name[0]);
    case FIELD_STEP_INDEX:
        return json_array_get(v, step->index);
    case FIELD_STEP_VALUE:
    case FIELD_STEP_KEYS:
        break;
    }
    return (json_t *)field_step_item(v, step);
}

static void delete_step(json_t *v, const struct field_step *step)
{
    json_t *item = follow(v, step), *other;
    size_t i;

    if (!item)
        return;
    if (step->kind == FIELD_STEP_MEMBER) {
        json_object_del(v, step->name[0]);
        return;
    }
    json_array_foreach (v, i, other) {
        if (other == item) {
            json_array_remove(v, i);
            return;
        }
    }
}

static int ignore_field(json_t *object, const char *text, struct err *err)
{
    struct field_path path = {0};
    json_t *v = object;

    if (field_path_parse(text, &path) || !path.len) {
        field_path_done(&path);
        return err_set(err, ERR_INVALID,
                       "\"%s\" isn't the path of a field; write it like .spec.replicas or "
                       ".spec.template.spec.containers[name=manager].image",
                       text);
    }
    for (size_t i = 0; v && i + 1 < path.len; i++)
        v = follow(v, &path.step[i]);
    if (v)
        delete_step(v, &path.step[path.len - 1]);
    field_path_done(&path);
    return 0;
}

int rewrite_ignore(json_t *object, const json_t *ignore, struct err *err)
{
    const json_t *rule, *field;
    size_t i, k;

    json_array_foreach (ignore, i, rule) {
        if (!target_fits(json_object_get(rule, "target"), object))
            continue;
        json_array_foreach (json_object_get(rule, "fields"), k, field) {
            int rc = ignore_field(object, json_string_value(field), err);

            if (rc)
                return rc;
        }
    }
    return 0;
}

json_t *rewrite_ignored(const json_t *objects, const json_t *ignore)
{
    json_t *out = json_object();
    const json_t *object, *rule;
    size_t i, k;

    json_array_foreach (ignore, i, rule) {
        json_array_foreach (objects, k, object) {
            char *key CLEANUP(mem_cleanup) = NULL;

            if (!target_fits(json_object_get(rule, "target"), object))
                continue;
            key = kube_key(object);
            if (!json_object_get(out, key))
                json_object_set_new(out, key, json_array());
            json_array_extend(json_object_get(out, key), json_object_get(rule, "fields"));
        }
    }
    return out;
}
