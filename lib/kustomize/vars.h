/* Vars: "$(NAME)" in the fields that the configuration names, replaced by a field of an object. */
#ifndef KUSTOMIZE_VARS_H
#define KUSTOMIZE_VARS_H

#include "lib/kustomize/config.h"
#include "lib/kustomize/resmap.h"

/* ERR_INVALID when the name is taken. */
int vars_add(json_t *vars, const char *name, json_t *var, struct err *err) WARN_UNUSED;

/* Adds the vars of a kustomization and binds each to the object that it means now, so that later
 * changes of names don't matter. */
int vars_declare(struct context *ctx, struct resmap *m, json_t *vars, const json_t *list,
                 struct err *err) WARN_UNUSED;

/* Replaces them everywhere; ERR_INVALID for a var whose object or field is missing. */
int vars_resolve(struct context *ctx, struct resmap *m, const json_t *vars, struct fieldspecs specs,
                 struct err *err) WARN_UNUSED;

#endif
