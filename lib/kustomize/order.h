/* The fixed order of kinds: of field specs, and of the objects of a finished render. */
#ifndef KUSTOMIZE_ORDER_H
#define KUSTOMIZE_ORDER_H

#include <jansson.h>

#include "lib/kustomize/intern.h"
#include "lib/kustomize/resmap.h"

struct gvk_match;

/* <0 for kinds that come first, >0 for those that come last, else 0. */
int order_of_kind(const char *kind);

/* "group_version_kind", with the words that kustomize writes for missing parts. Interned. */
const char *order_gvk_key(struct intern *strings, const struct gvk_match *gvk);

/* sortOptions in its normal form, or NULL for the default (legacy) order. */
int order_sort(struct context *ctx, struct resmap *m, const json_t *options, struct err *err)
    WARN_UNUSED;

#endif
