/* resource "kubeflow_component": one component of a release, or any kustomization. */
#ifndef KUBEFLOW_COMPONENT_H
#define KUBEFLOW_COMPONENT_H

#include "lib/tf/resource.h"

extern const struct tf_schema component_schema;
extern const struct tf_resource component_resource;

#endif
