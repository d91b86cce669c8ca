#include <string.h>

#include "lib/base/buf.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "resources/kubeflow/settings_parts.h"

#include "lib/base/attr.h"
#include "lib/base/banned.h"

/* A quantity of bytes that isn't zero. */
#define SIZE         "^(0*[1-9][0-9]*([.][0-9]*)?|0*[.]0*[1-9][0-9]*)([KMGTPE]i|[kMGTPE])?$"
#define SIZE_MAX_LEN 32

/* --- checks ------------------------------------------------------------------------------------- */

static bool brings(const struct settings *s, const struct catalog_claim *claim)
{
    return !strcmp(claim->release, s->release->name) && settings_installs(s, claim->component);
}

static bool is_claim(const struct settings *s, const char *name)
{
    size_t len;
    const struct catalog_claim *claims = catalog_claims(&len);

    for (size_t i = 0; i < len; i++) {
        if (brings(s, &claims[i]) && !strcmp(claims[i].name, name))
            return true;
    }
    return false;
}

static int unknown_claim(const struct settings *s, const char *name, struct err *err)
{
    struct buf known CLEANUP(buf_done) = BUF_INIT;
    size_t len;
    const struct catalog_claim *claims = catalog_claims(&len);

    for (size_t i = 0; i < len; i++) {
        if (brings(s, &claims[i]))
            buf_printf(&known, "%s%s", known.len ? ", " : "", claims[i].name);
    }
    return err_set(err, ERR_INVALID,
                   "storage.sizes[\"%s\"]: the chosen components of release %s have no "
                   "PersistentVolumeClaim of that name; they have %s",
                   name, s->release->name, known.len ? buf_str(&known) : "none");
}

int storage_check(const struct settings *s, struct err *err)
{
    const json_t *class = settings_get(s, "storage", "class_name", NULL);
    const char *name;
    json_t *value;

    if (class && !settings_fits(json_string_value(class), SETTINGS_NAME_MAX, SETTINGS_NAME))
        return err_set(err, ERR_INVALID,
                       "storage.class_name \"%s\" isn't the name of a StorageClass; leave it out "
                       "for the cluster's default",
                       json_string_value(class));
    json_object_foreach (settings_get(s, "storage", "sizes", NULL), name, value) {
        const char *size = json_string_value(value);

        if (!is_claim(s, name))
            return unknown_claim(s, name, err);
        if (!size || !settings_fits(size, SIZE_MAX_LEN, SIZE))
            return err_set(err, ERR_INVALID,
                           "storage.sizes[\"%s\"] = \"%s\" isn't a size: write it as \"50Gi\"",
                           name, size ? size : "");
    }
    return 0;
}

/* --- changes ------------------------------------------------------------------------------------ */

/* A PersistentVolumeClaim, or a template of some. */
static void change_claim(const struct settings *s, json_t *claim)
{
    json_t *class = settings_get(s, "storage", "class_name", NULL);
    json_t *size =
        settings_get(s, "storage", "sizes", krm_str(claim, "metadata", "name", NULL), NULL);

    if (class)
        json_object_set(krm_member(claim, "spec", NULL), "storageClassName", class);
    if (size)
        json_object_set(krm_member(claim, "spec", "resources", "requests", NULL), "storage", size);
}

int storage_adjust(const struct settings *s, json_t *objects, struct err *err UNUSED)
{
    json_t *object, *template;
    size_t i, k;

    json_array_foreach (objects, i, object) {
        if (!strcmp(gvk_of(object).kind, "PersistentVolumeClaim"))
            change_claim(s, object);
        json_array_foreach (krm_get(object, "spec", "volumeClaimTemplates", NULL), k, template)
            change_claim(s, template);
    }
    return 0;
}
