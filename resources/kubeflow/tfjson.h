/* Terraform's values as JSON and back, for the parts of the code that speak JSON only. */
#ifndef KUBEFLOW_TFJSON_H
#define KUBEFLOW_TFJSON_H

#include <jansson.h>

#include "lib/tf/value.h"

/* New reference; NULL for a value that is NULL, null or unknown. Null members of objects are left
 * out. Numbers become integers where they are ones, else reals. */
json_t *tfjson_of(const struct tf_value *v);

/* The value of a type made of strings, numbers, bools, lists, sets, maps and objects; bug() when the
 * JSON doesn't fit. */
const struct tf_value *tfjson_value(struct arena *a, const json_t *json, const struct tf_type *t);

#endif
