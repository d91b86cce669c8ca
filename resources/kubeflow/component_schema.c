#include "lib/tf/timeouts.h"
#include "resources/kubeflow/component.h"
#include "resources/kubeflow/installation_schema.h"

#include "lib/base/banned.h"

static const struct tf_pattern name_pattern = {
    "[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?",
    "a DNS label of at most 52 characters: lower-case letters, digits and '-'"};
static const struct tf_validator check_name[] = {{tf_check_pattern, &name_pattern},
                                                 TF_NO_VALIDATOR};

static const struct tf_attribute component_attributes[] = {
#include "resources/kubeflow/installation_attributes.def"
    {.name = "name",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL | TF_COMPUTED | TF_REQUIRES_REPLACE,
     .validators = check_name,
     .description =
         "Name of a component of the release's catalog, such as `katib`. With `path` or "
         "`url`: any name that is unique in the cluster; defaults to one made of the path."},
    {.name = "release",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description =
         "Kubeflow release that the component comes from: `1.9.1`, `1.10.2`, `1.11.0` or "
         "`26.03`."},
    {.name = "path",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "Directory of a kustomization to install instead of a catalog component, or "
                    "`archive.tar.gz//directory`."},
    {.name = "url",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "HTTPS address of an archive that holds a kustomization, with `//directory` "
                    "behind it where it isn't at the archive's root. Needs `manifests.digest`."},
    {.name = "platform",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description =
         "`id` of a `kubeflow_platform` that must be installed first; only for ordering."},
    {.name = "version",
     .type = &tf_type_string,
     .flags = TF_COMPUTED,
     .description = "Version of the component in the release; empty with `path` and `url`."},
    {.name = "objects",
     .type = &tf_type_string_map,
     .flags = TF_COMPUTED,
     .description = "Every object, as `group/Kind/namespace/name`, and the hash of its content."},
    TF_END,
};

static const struct tf_block component_blocks[] = {TF_TIMEOUTS_BLOCK, TF_END};

const struct tf_schema component_schema = {
    .block = {.attributes = component_attributes,
              .blocks = component_blocks,
              .description = "One component of a Kubeflow release, or any kustomization, installed "
                             "into a cluster and kept as it should be."},
};
