/* A resolver over a directory that stands for the network: <host>/<owner>/<repo>/<ref>/<path>. */
#ifndef RENDER_MIRROR_H
#define RENDER_MIRROR_H

#include "lib/kustomize/kustomize.h"

struct mirror {
    struct loader *loader;
    char path[4096]; /* of the last answer */
};

int mirror_resolve(void *arg, const char *url, struct loader **ret_loader, const char **ret_path,
                   struct err *err);

#endif
