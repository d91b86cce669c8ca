/* resource "kubeflow_platform": a whole release, or the chosen part of it. */
#ifndef KUBEFLOW_PLATFORM_H
#define KUBEFLOW_PLATFORM_H

#include "lib/tf/resource.h"
#include "resources/kubeflow/settings.h"

#define PLATFORM_SET_NAME "platform" /* there is one in a cluster */

extern const struct tf_schema platform_schema;
extern const struct tf_resource platform_resource;

/* The settings that a value of the resource stands for. */
struct platform_settings {
    struct settings settings;
    json_t *values, *components; /* owned */
};

/* Of a config, plan or state whose inputs are known. ERR_INVALID with *ret_attribute to blame: no such
 * release or component. *ret is to be released also after an error. */
int platform_settings_of(const struct tf_value *v, struct platform_settings *ret,
                         const char **ret_attribute, struct err *err) WARN_UNUSED;
void platform_settings_done(struct platform_settings *s);

/* v with stand-ins for texts that aren't known yet and don't decide which objects there are. */
const struct tf_value *platform_stand_in(struct arena *a, const struct tf_value *v);

/* terraform import, and what the plan after it must refuse (import.h). */
void platform_import(struct tf_context *ctx, struct tf_import *op);
void platform_check_import(struct tf_context *ctx, const struct tf_plan *p,
                           const struct settings *s);

/* Values of Secrets that users hand over in the configuration, under the names that
 * settings give them: "user_password/<e-mail>", "oidc_connector_secret". New object. */
json_t *platform_given_values(const struct tf_value *config);

#endif
