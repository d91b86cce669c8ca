/* What is known of Kubeflow when it is taken away: data from removal_facts.def. */
#ifndef KUBEFLOW_REMOVAL_FACTS_H
#define KUBEFLOW_REMOVAL_FACTS_H

#include "lib/kube/remove.h"

extern const struct kube_remove_facts removal_facts;

/* The CRDs of what users work with, one by one; NULL behind the last. */
const char *removal_work(size_t i);

#endif
