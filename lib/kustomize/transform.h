/* Transformers: what changes the resources of a target.
 *
 * Each is one function and one row of the table in transform.c. Fields of the kustomization and
 * builtin plugins named under `transformers:` come here in the same form: `args` is the plugin's
 * configuration in its normal form. */
#ifndef KUSTOMIZE_TRANSFORM_H
#define KUSTOMIZE_TRANSFORM_H

#include "lib/kustomize/fieldspec.h"
#include "lib/kustomize/resmap.h"
#include "lib/kustomize/shape.h"
#include "lib/kustomize/target.h"

struct transform {
    const struct target *target;
    struct resmap *m;
    const json_t *args;
    struct fieldspecs specs;
};

typedef int transform_fn(const struct transform *x, struct err *err);

struct transformer {
    const char *kind; /* as a builtin plugin */
    const struct shape *shape;
    transform_fn *run;
};

/* NULL for an unknown kind. */
const struct transformer *transformer_find(const char *kind);

transform_fn transform_annotations; /* {annotations} */
transform_fn transform_hash;
transform_fn transform_images;     /* {imageTag} */
transform_fn transform_labels;     /* {labels} */
transform_fn transform_namespace;  /* {metadata: {namespace}, unsetOnly, setRoleBindingSubjects} */
transform_fn transform_patch;      /* an entry of `patches` */
transform_fn transform_patch_json; /* {target, path, jsonOp} */
transform_fn transform_patches_merge; /* {paths, patches} */
transform_fn transform_prefix;        /* {prefix} */
transform_fn transform_prefix_suffix;
transform_fn transform_suffix;       /* {suffix} */
transform_fn transform_replacements; /* {replacements} */
transform_fn transform_replicas;     /* {replica} */
transform_fn transform_value_add;    /* {value, targets, targetFilePath} */

/* The namespace transformer on one resource, for the value-add transformer. */
int namespace_set(struct context *ctx, struct resource *r, const char *namespace, struct err *err)
    WARN_UNUSED;

#endif
