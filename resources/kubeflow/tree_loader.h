/* A filetree as a kustomize loader. Immutable, so any number of threads may use it. */
#ifndef KUBEFLOW_TREE_LOADER_H
#define KUBEFLOW_TREE_LOADER_H

#include "lib/base/filetree.h"
#include "lib/kustomize/loader.h"

/* Takes the tree. */
struct loader *tree_loader_new(struct filetree *tree);

#endif
