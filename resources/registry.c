#include "resources/registry.h"

#include "resources/kubeflow/component.h"
#include "resources/kubeflow/platform.h"
#include "resources/kubeflow/profile.h"
#include "resources/session.h"

#include "lib/base/banned.h"

static const struct tf_resource *const resources[] = {
    &component_resource,
    &platform_resource,
    &profile_resource,
    NULL,
};

static const struct tf_data_source *const data_sources[] = {NULL};
static const struct tf_function *const functions[] = {NULL};
static const struct tf_ephemeral *const ephemerals[] = {NULL};

static const struct tf_provider provider = {
    .name = "kubeflow",
    .version = PROVIDER_VERSION,
    .schema = &session_schema,
    .validate = session_validate,
    .configure = session_configure,
    .session_ref = session_ref,
    .session_unref = session_unref,
    .resources = resources,
    .data_sources = data_sources,
    .functions = functions,
    .ephemerals = ephemerals,
};

const struct tf_provider *registry_provider(void)
{
    return &provider;
}
