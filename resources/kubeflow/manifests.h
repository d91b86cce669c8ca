/* From what users write (a release's components with their settings, one component, or a path or URL)
 * to the objects to apply.
 *
 *     source (verified tree) -> overlay: a kustomization per component (settings change its objects),
 *     one above them with the user's patches -> kustomize -> image mirrors, ignored fields,
 *     normalisation -> objects in order
 *
 * A pure function of the request and the manifests' content. */
#ifndef KUBEFLOW_MANIFESTS_H
#define KUBEFLOW_MANIFESTS_H

#include <jansson.h>

#include "lib/base/cancel.h"
#include "lib/base/err.h"
#include "lib/kube/applyset.h"
#include "resources/kubeflow/settings.h"
#include "resources/kubeflow/source.h"

struct manifests_request {
    const struct settings *settings; /* a platform: its components, with settings; or NULL */
    const char *component;           /* catalog name, or NULL with path or url */
    const char *release;             /* with component */
    const char *target;              /* "generic", "gke", "eks"; NULL = generic */
    const char *path;                /* of a kustomization on disk (its bases may be anywhere), or
                              "archive.tar.gz//dir", "directory//dir"; or NULL */
    const char *url;                 /* of an archive, with "//dir" behind it; or NULL */
    const char *tree_path, *tree_url, *tree_digest; /* manifests = { path, url, digest }; or NULL */
    const json_t *patches;       /* array of {"patch": text, "target": {...}}; or NULL */
    const json_t *image_mirrors; /* prefix -> prefix; or NULL. A platform's are in its settings */
    const json_t *ignore_fields; /* array of {"target": {...}, "fields": [...]}; or NULL */
};

struct manifests {
    json_t *objects;    /* array, normalised, every namespaced object with its namespace */
    char *version;      /* the component's version; "" when not from the catalog */
    char *digest;       /* of the manifests' content: "sha256:..." */
    json_t *needs;      /* array of names of catalog components that must be there; may be empty */
    json_t *components; /* of a platform, needed ones first: name -> {"version", "objects"}; else
                           NULL */
};

void manifests_done(struct manifests *m);

/* On failure *ret_attribute names the attribute to blame ("release", "path", "patches", ...). */
int manifests_render(struct source_cache *sources, const struct manifests_request *r,
                     struct cancel *cancel, struct manifests *ret, const char **ret_attribute,
                     struct err *err) WARN_UNUSED;

/* What `kustomize build` would print, before anything of this provider's is done to it; the digest is
 * NULL for a directory on disk. Warnings of kustomizations (deprecated fields and the like) go to
 * w->warn. */
struct manifests_warnings {
    void (*warn)(void *arg, const char *message); /* or NULL */
    void *arg;
};
int manifests_build(struct source_cache *sources, const struct manifests_request *r,
                    const struct manifests_warnings *w, struct cancel *cancel,
                    struct manifests *ret, const char **ret_attribute, struct err *err) WARN_UNUSED;

/* Ports on which the objects' webhooks listen on nodes' side (the pods' target ports), sorted, each
 * once: what a private cluster's firewall must let through. New array of integers. */
json_t *manifests_webhook_ports(const json_t *objects);

#endif
