/* resource "kubeflow_profile": a user's or a team's workspace. */
#ifndef KUBEFLOW_PROFILE_H
#define KUBEFLOW_PROFILE_H

#include "lib/tf/resource.h"

extern const struct tf_schema profile_schema;
extern const struct tf_resource profile_resource;

#endif
