/* Whose the first profiles are, and who may see everybody's. */
#include <string.h>

#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "resources/kubeflow/settings_parts.h"

#include "lib/base/banned.h"

int login_adjust_admin(const struct settings *s, json_t *objects, struct err *err)
{
    json_t *users = settings_get(s, "users", NULL), *user, *map;
    const char *email;

    json_object_foreach (users, email, user) {
        int rc;

        if (!json_is_true(json_object_get(user, "cluster_admin")))
            continue;
        rc = settings_need(s, objects, "ConfigMap", "kubeflow", "profiles-config", &map, err);
        if (!rc)
            json_object_set_new(json_object_get(map, "data"), "ADMIN", json_string(email));
        return rc;
    }
    return 0;
}

static json_t *profile_of(const json_t *model, const char *name, const char *owner)
{
    json_t *profile = json_deep_copy(model);

    json_object_set_new(json_object_get(profile, "metadata"), "name", json_string(name));
    json_object_set_new(krm_get(profile, "spec", "owner", NULL), "name", json_string(owner));
    return profile;
}

/* Takes away the release's Profile for its default user and returns it, NULL when there is none. New
 * reference. */
static json_t *take_default(json_t *objects)
{
    json_t *profile = NULL;

    for (size_t i = json_array_size(objects); i-- > 0;) {
        json_t *object = json_array_get(objects, i);

        if (strcmp(gvk_of(object).kind, "Profile") != 0)
            continue;
        if (!profile)
            profile = json_incref(object);
        json_array_remove(objects, i);
    }
    return profile;
}

/* Without the default user nobody could enter its profile. */
int login_adjust_profiles(const struct settings *s, json_t *objects, struct err *err)
{
    json_t *users = settings_get(s, "users", NULL), *user;
    json_auto_t *model = NULL;
    const char *email;

    if (settings_true(s, "allow_default_login", NULL) || !settings_installs(s, "dex"))
        return 0;
    model = take_default(objects);
    if (!json_is_object(krm_get(model, "spec", "owner", NULL)))
        return err_set(err, ERR_INVALID,
                       "release %s has no Profile with an owner in the component user-namespace, "
                       "which this setting changes",
                       s->release->name);
    json_object_foreach (users, email, user) {
        const char *name = krm_str(user, "profile", NULL);

        if (*name)
            json_array_append_new(objects, profile_of(model, name, email));
    }
    return 0;
}
