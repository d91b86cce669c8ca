/* From what users write about a platform to changes of a release's objects.
 *
 *     values (HCL) -> checks that need no manifests (settings_check)
 *                  -> changes of each component's objects, before kustomize makes hashes, follows
 *                     references to names and fills in vars (settings_adjust): so a changed ConfigMap
 *                     gets another name, and what mounts it rolls
 *                  -> changes of the finished objects (settings_finish)
 *
 * Each setting is a row of the table in settings.c and a function in one of settings_*.c. Pure: the
 * same values and objects give the same result. Secrets' values are never among the values; what
 * stands for them is in secret_marks.h. */
#ifndef KUBEFLOW_SETTINGS_H
#define KUBEFLOW_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/err.h"
#include "resources/kubeflow/catalog.h"

struct settings {
    const struct catalog_release *release;
    enum catalog_target target;
    const json_t *components; /* array of the names that are installed, needed ones first */
    /* Attribute -> value, in the shape of the resource's schema (platform_schema.c); an attribute
     * that isn't set is absent or null. Write-only values and hashes of passwords are taken out; in
     * their places stand their versions: users.<e-mail>.password, oidc.client_secret, strings that
     * change when the value is another one; absent when there is none. */
    const json_t *values;
};

/* What can't be, whatever the manifests say: a setting that the release or the chosen components
 * can't do, values that contradict each other. ERR_INVALID with *ret_attribute (top level) to
 * blame; the message names the nested one and the remedy. */
int settings_check(const struct settings *s, const char **ret_attribute, struct err *err)
    WARN_UNUSED;

/* What can't be on a platform that is installed with the settings `before`: a claim that stays keeps
 * its storage class and never shrinks, and the API server would refuse it in the middle of the apply.
 * applied: key -> object as the last apply has left it, as far as that is known; or NULL. ERR_INVALID,
 * about attribute `storage`, names the claims and the way out. */
int storage_check_change(const struct settings *before, const struct settings *now,
                         const json_t *applied, struct err *err) WARN_UNUSED;

/* Changes the objects of one component: an array as in kustomize_options.adjust, names still without
 * hashes, vars not filled in. Objects are changed in place, taken out of the array, or appended.
 * ERR_INVALID as above, when what a setting is about isn't among the objects as it should be. */
int settings_adjust(const struct settings *s, const char *component, json_t *objects,
                    const char **ret_attribute, struct err *err) WARN_UNUSED;

/* Changes one component's finished objects, as they are to be applied. */
int settings_finish(const struct settings *s, const char *component, json_t *objects,
                    const char **ret_attribute, struct err *err) WARN_UNUSED;

/* The address that people use, "https://kubeflow.example.com", as far as the settings say; heap
 * string, NULL when only the cluster knows it. */
char *settings_url(const struct settings *s);

/* Whether that address, or one that only the cluster knows, is reached by TLS. */
bool settings_https(const struct settings *s);

#endif
