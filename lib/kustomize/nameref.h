/* Name back-references: when an object got another name, what refers to it follows. */
#ifndef KUSTOMIZE_NAMEREF_H
#define KUSTOMIZE_NAMEREF_H

#include "lib/kustomize/config.h"
#include "lib/kustomize/resmap.h"

int nameref_fix(struct context *ctx, struct resmap *m, const struct config *config, struct err *err)
    WARN_UNUSED;

#endif
