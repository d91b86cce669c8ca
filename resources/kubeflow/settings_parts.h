/* What the files of settings share; nobody else includes this.
 *
 *     settings.c             the table of settings, and walking it
 *     settings_address.c     the address that people use: what it is, and what it can't be
 *     settings_login.c       users, oidc, allow_default_login: what can't be
 *     settings_login_dex.c   the same in Dex: its local users, its connector, its issuer
 *     settings_login_proxy.c oauth2-proxy: issuer, cookies, and the secrets that Dex shares with it
 *     settings_login_profiles.c  who owns the first profiles, who may see everybody's
 *     settings_gateway.c     gateway: the Service, TLS, plain HTTP
 *     settings_storage.c     storage
 *     settings_notebooks.c   culling
 *     settings_dashboard.c   dashboard_links
 *     settings_namespaces.c  namespace_labels
 *     settings_scheduling.c  scheduling
 *     settings_images.c      image_mirrors, and images of the release that are gone
 *     settings_secrets.c     values that releases ship with public defaults; rotate
 *     settings_hygiene.c     what must not be applied as it is, whatever users set
 */
#ifndef KUBEFLOW_SETTINGS_PARTS_H
#define KUBEFLOW_SETTINGS_PARTS_H

#include <stdbool.h>

#include "resources/kubeflow/settings.h"

typedef int setting_check(const struct settings *s, struct err *err);
typedef int setting_adjust(const struct settings *s, json_t *objects, struct err *err);

typedef int setting_adjust_one(const struct settings *s, const char *component, json_t *objects,
                               struct err *err);

setting_check address_check;

setting_check login_check_users, login_check_oidc, login_check_default;
setting_adjust login_adjust_dex_users, login_adjust_dex_connector, login_adjust_dex_issuer,
    login_adjust_dex_client, login_finish_dex;
setting_adjust login_adjust_proxy_address, login_adjust_proxy_secrets;
setting_adjust login_adjust_admin, login_adjust_profiles;

setting_check gateway_check;
setting_adjust gateway_adjust_service, gateway_adjust_gateway, gateway_adjust_web_apps;

setting_check storage_check;
setting_adjust storage_adjust;

setting_check culling_check, dashboard_check;
setting_adjust culling_adjust, dashboard_adjust;

setting_check namespaces_check;
setting_adjust namespaces_adjust;

setting_check scheduling_check;
setting_adjust_one scheduling_adjust;

setting_check images_check;
setting_adjust images_adjust, images_finish;

setting_check secrets_check_rotate;
setting_adjust secrets_finish_pipelines, secrets_finish_katib, secrets_finish_model_registry;

setting_adjust hygiene_adjust, hygiene_finish;

/* --- looking into values and objects ------------------------------------------------------------- */

/* A member of values, at any depth; NULL-ended. NULL when absent or null. */
json_t *settings_get(const struct settings *s, ...) __attribute__((sentinel));
const char *settings_str(const struct settings *s, ...)
    __attribute__((sentinel)); /* "" when absent */
bool settings_true(const struct settings *s, ...) __attribute__((sentinel));
bool settings_installs(const struct settings *s, const char *component);

/* The version of a value that the provider makes ("cookie_secret"): its number in `rotate`, "1" when
 * it has none. Heap string. */
char *settings_rotation(const struct settings *s, const char *value);
#define SETTINGS_MAX_ROTATION 1000000

/* Whether text has at most max bytes and fits the POSIX extended regular expression. */
bool settings_fits(const char *text, size_t max, const char *regex);

/* What kinds and values must look like, for settings_fits. */
#define SETTINGS_LABEL_MAX 63 /* bytes of a DNS label */
#define SETTINGS_LABEL     "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
#define SETTINGS_LABEL_PART_MAX                                                                    \
    63 /* bytes of a Kubernetes label's name without its prefix, and of its value */
#define SETTINGS_NAME_MAX 253 /* bytes of a DNS name, and of an object's name */
#define SETTINGS_NAME     "^[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)*$"

/* The key and the value of a Kubernetes label, which are those of a taint as well. */
bool settings_is_label_key(const char *key);
bool settings_is_label_value(const char *value);

/* The object among objects, or NULL. namespace "" for a cluster-scoped one, NULL for any: namespaces
 * are what the kustomization says so far. */
json_t *settings_find(const json_t *objects, const char *kind, const char *namespace,
                      const char *name);
/* The spec of the pods that a Deployment, StatefulSet or DaemonSet makes; NULL for other kinds. */
json_t *settings_pods(const json_t *object);
/* The same for what must be there: ERR_INVALID says that this release doesn't have it. */
int settings_need(const struct settings *s, const json_t *objects, const char *kind,
                  const char *namespace, const char *name, json_t **ret_object, struct err *err)
    WARN_UNUSED;

#endif
