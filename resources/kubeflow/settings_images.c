/* Images of the release that are gone are replaced before anything else; then mirrors move what is
 * left, each object once: ConfigMaps while their content still decides their names, so that what reads
 * them rolls, everything else at the end, with what users' patches have put there. */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "resources/kubeflow/image_refs.h"
#include "resources/kubeflow/rewrite.h"
#include "resources/kubeflow/settings_parts.h"

#include "lib/base/attr.h"
#include "lib/base/banned.h"

/* --- checks ------------------------------------------------------------------------------------- */

#define PREFIX     "^[A-Za-z0-9][A-Za-z0-9._/@:-]*$"
#define PREFIX_MAX 255 /* bytes: what a registry allows for a name */

static bool is_prefix(const char *text)
{
    return settings_fits(text, PREFIX_MAX, PREFIX) && !strstr(text, "//");
}

int images_check(const struct settings *s, struct err *err)
{
    const char *from;
    json_t *value;

    json_object_foreach (settings_get(s, "image_mirrors", NULL), from, value) {
        const char *to = json_string_value(value);

        if (!is_prefix(from) || !to || !is_prefix(to))
            return err_set(err, ERR_INVALID,
                           "image_mirrors[\"%s\"] = \"%s\" isn't a pair of image prefixes: write "
                           "them as \"docker.io/\" = \"registry.example.com/dockerhub/\", without "
                           "https://",
                           from, to ? to : "");
    }
    return 0;
}

/* --- changes ------------------------------------------------------------------------------------ */

static char *in_place_of_gone(void *release, const char *image, bool certain)
{
    char *full CLEANUP(mem_cleanup) = certain ? image_ref_full(image) : NULL;

    return full ? mem_strdup(catalog_image(release, full)) : NULL;
}

static bool is_config_map(const json_t *object)
{
    return !strcmp(gvk_of(object).kind, "ConfigMap");
}

static void move_to_mirrors(const struct settings *s, json_t *objects, bool config_maps)
{
    const json_t *mirrors = settings_get(s, "image_mirrors", NULL);
    json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        if (is_config_map(object) == config_maps)
            rewrite_images(object, mirrors);
    }
}

int images_adjust(const struct settings *s, json_t *objects, struct err *err UNUSED)
{
    json_t *object;
    size_t i;

    json_array_foreach (objects, i, object)
        image_refs_map(object, in_place_of_gone, (void *)s->release);
    move_to_mirrors(s, objects, true);
    return 0;
}

int images_finish(const struct settings *s, json_t *objects, struct err *err UNUSED)
{
    move_to_mirrors(s, objects, false);
    return 0;
}
