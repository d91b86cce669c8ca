/* Accumulation: the recursion over kustomizations.
 *
 * A target's resources, generators, components, transformers, validators and vars take effect in
 * that order; a kustomization below has an accumulator of its own that is merged into its parent's
 * when it is done, a component works on its parent's. */
#ifndef KUSTOMIZE_ACCUMULATE_H
#define KUSTOMIZE_ACCUMULATE_H

#include "lib/kustomize/config.h"
#include "lib/kustomize/resmap.h"
#include "lib/kustomize/target.h"

struct accumulator {
    struct resmap m;
    const struct config *config;
    json_t *vars; /* name → var in its normal form; owned */
};

void accumulator_init(struct accumulator *acc);
void accumulator_done(struct accumulator *acc);

int accumulate_target(struct target *t, struct accumulator *acc, struct err *err) WARN_UNUSED;

/* Files and directories, as under `resources`. field names the list, for messages. */
int accumulate_resources(struct target *t, struct accumulator *acc, const json_t *paths,
                         const char *field, struct err *err) WARN_UNUSED;

#endif
