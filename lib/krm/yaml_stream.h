/* Many documents as one YAML stream, written on all processors. */
#ifndef KRM_YAML_STREAM_H
#define KRM_YAML_STREAM_H

#include <stdio.h>

#include "lib/krm/yaml.h"

/* Prints every element of an array as yaml_write does, with "---" between them, in the array's order.
 * Holds the whole text in memory until it is printed. 0, ERR_LIMIT (a document is too long; nothing
 * was printed) or ERR_FAIL (`out` refuses). The array must not change meanwhile. */
int yaml_print_documents(const json_t *documents, enum yaml_order order, FILE *out, struct err *err)
    WARN_UNUSED;

#endif
