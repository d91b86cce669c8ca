/* Generators and transformers of a target: those that its fields ask for, then those that are named
 * under `generators`, `transformers` and `validators`. Only builtin plugins exist: nothing is ever
 * executed. */
#ifndef KUSTOMIZE_PLUGINS_H
#define KUSTOMIZE_PLUGINS_H

#include "lib/kustomize/accumulate.h"

int plugins_generate(struct target *t, struct accumulator *acc, struct err *err) WARN_UNUSED;
int plugins_transform(struct target *t, struct accumulator *acc, struct err *err) WARN_UNUSED;
int plugins_validate(struct target *t, struct accumulator *acc, struct err *err) WARN_UNUSED;

#endif
