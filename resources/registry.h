/* Everything that users can write in HCL: the table of all resources, data sources, functions and
 * ephemeral resources. */
#ifndef RESOURCES_REGISTRY_H
#define RESOURCES_REGISTRY_H

#include "lib/tf/resource.h"

const struct tf_provider *registry_provider(void);

#endif
