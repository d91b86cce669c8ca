/* The orders that kustomize gives its output. */
#ifndef KRM_ORDER_H
#define KRM_ORDER_H

#include <jansson.h>
#include <stddef.h>

/* `sortOptions.legacySortOptions`: kinds that come first and last, each in the given order. */
struct krm_order {
    const char *const *first;
    size_t nfirst;
    const char *const *last;
    size_t nlast;
};

/* What `order: legacy` means without options: Namespace first, webhook configurations last. */
extern const struct krm_order krm_order_legacy;

/* Sorts an array of objects in place: by the place of their kind, then by group, version and kind,
 * then by namespace and name, as kustomize's legacy order does; objects that are equal in all of
 * these keep their order. `order: fifo` is not to call this. */
void krm_sort(json_t *objects, const struct krm_order *order);

#endif
