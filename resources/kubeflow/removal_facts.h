/* What is known of Kubeflow when it is taken away: data from removal_facts.def. */
#ifndef KUBEFLOW_REMOVAL_FACTS_H
#define KUBEFLOW_REMOVAL_FACTS_H

#include "lib/kube/remove.h"

extern const struct kube_remove_facts removal_facts;

#endif
