/* What the schemas of kubeflow_component and kubeflow_platform share: the tables that
 * installation_attributes.def names. */
#ifndef KUBEFLOW_INSTALLATION_SCHEMA_H
#define KUBEFLOW_INSTALLATION_SCHEMA_H

#include "lib/tf/schema.h"

extern const struct tf_attribute installation_tree_attributes[], installation_patch_attributes[],
    installation_ignore_attributes[], installation_on_destroy_attributes[];
extern const struct tf_validator installation_check_target[];
extern const struct tf_type installation_string_list_map, installation_number_list;

#endif
