/* Which Kubeflow is installed in a cluster, by whatever means, and which settings it has: for
 * `terraform import`, for the plan after it, and for the command `import`. Nothing is written.
 *
 *     which release: what the provider recorded itself, else image tags of workloads (import_markers.def)
 *         -> which of its components are there (most of their objects exist), and whose they are
 *         -> settings that can be read back, in the shape of the resource's attributes
 *
 * Values of Secrets are looked at (is the password still the public one?) and told to nobody. */
#ifndef KUBEFLOW_IMPORT_H
#define KUBEFLOW_IMPORT_H

#include <jansson.h>

#include "lib/base/cancel.h"
#include "lib/base/err.h"
#include "lib/kube/client.h"
#include "resources/kubeflow/settings.h"
#include "resources/kubeflow/source.h"

#define IMPORT_AUTO "auto"

struct import_request {
    struct kube_client *client;
    struct source_cache *sources;
    const char *manager; /* our field manager */
    const char *id;      /* IMPORT_AUTO, a release, or "sha256:<digest of its tree>" */
    struct cancel *cancel;
};

struct import_found {
    const struct catalog_release *release;
    json_t *values; /* attribute -> value, as users would write it; "release" among them */
    json_t *facts;  /* what isn't a setting but must not be lost (import_check) */
    json_t *notes;  /* array of sentences: how the release was recognised, what to know */
};
void import_found_done(struct import_found *f);

/* ERR_INVALID: no such ID, or the release can't be told; ERR_NOT_FOUND: nothing of it is installed. */
int import_look(const struct import_request *r, struct import_found *ret, struct err *err)
    WARN_UNUSED;

/* What the configuration would silently undo: settings that the cluster has (before: values of the state
 * that the import made) and that the configuration (now) neither sets nor leaves to `patches` or
 * `ignore_fields`, and components that a tool such as Helm owns. planned: the whole configuration,
 * as JSON. New array of {"attribute": name, "text": sentence}. Pure. */
json_t *import_check(const json_t *before, const json_t *planned, const json_t *components,
                     const json_t *facts);

/* The HCL that matches, with an import block; heap string. */
char *import_hcl(const struct import_found *f);

#endif
