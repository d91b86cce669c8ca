/* ConfigMaps and Secrets made of literals, files and environment files. */
#ifndef KUSTOMIZE_GENERATE_H
#define KUSTOMIZE_GENERATE_H

#include "lib/kustomize/resmap.h"
#include "lib/kustomize/shape.h"
#include "lib/kustomize/target.h"

#define GENERATE_MAX_KEYS    10000
#define GENERATE_MAX_OBJECTS 2000 /* in one render; each is looked up among all that are there */

typedef int generate_fn(const struct target *t, const json_t *args, struct resource **ret_resource,
                        struct err *err);

struct generator {
    const char *kind;  /* as a builtin plugin */
    const char *field; /* of a kustomization, or NULL */
    const struct shape *shape;
    generate_fn *run;
};

extern const struct generator
    generators[]; /* in the order in which they run; ends with kind NULL */

/* NULL for an unknown kind. */
const struct generator *generator_find(const char *kind);

/* generatorOptions under an entry's own options. New reference. */
json_t *generator_with_options(const json_t *entry, const json_t *global);

/* Puts a generated resource among the others: adds it, or merges it into or replaces the one of its
 * identity, as its behavior says. */
int generator_absorb(struct context *ctx, struct resmap *m, struct resource *r, struct err *err)
    WARN_UNUSED;

#endif
