/* resource.Quantity: "500m", "2Gi", "1e3", 4. Pure. */
#ifndef KUBE_QUANTITY_H
#define KUBE_QUANTITY_H

#include <jansson.h>
#include <stdbool.h>

/* The value as a number of units (CPUs, bytes, pods); false for what isn't a quantity, with
 * *ret untouched. v may be NULL. */
bool kube_quantity(const json_t *v, double *ret);

#endif
