/* Folded block scalars (">") as they leave kustomize. */
#ifndef KRM_YAML_FOLD_H
#define KRM_YAML_FOLD_H

#include <stddef.h>

#include "lib/base/attr.h"

/* What a folded text becomes when kustomize's YAML library writes it and reads it again, which
 * kustomize does with every object. Caller frees; NUL-terminated behind *ret_len. */
char *yaml_fold_again(const char *text, size_t len, size_t *ret_len) WARN_UNUSED;

#endif
