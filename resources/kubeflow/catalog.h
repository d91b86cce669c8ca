/* The releases of Kubeflow that are known, and their components: data from catalog.def.
 *
 * A newer release is never chosen by itself; each is a block of rows there. */
#ifndef KUBEFLOW_CATALOG_H
#define KUBEFLOW_CATALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

enum catalog_target { CATALOG_GENERIC, CATALOG_GKE, CATALOG_EKS, CATALOG_TARGETS };

struct catalog_component {
    const char *name;    /* "katib" */
    const char *version; /* "0.18.0"; "" where the manifests have none (kubeflow-roles) */
    const char *group;   /* "common": what others build on; "app"; "experimental" */
    bool by_default;     /* part of the release's own `example` */
    const char *path[CATALOG_TARGETS]; /* of its kustomization for each target, never NULL */
    /* Names, NULL-ended, never NULL. needs: its objects can't be applied without (CRDs, namespaces,
     * webhooks that check them); runs_with: it is applied but doesn't do its work without. */
    const char *const *needs;
    const char *const *runs_with;
};

struct catalog_release {
    const char *name; /* "1.10.2" */
    const char *tag;  /* "v1.10.2" */
    const char *url;  /* of the archive of that tag */
    /* Content digest (source.h) of the tag's tree, or NULL: only a digest that was computed from the
     * release itself is pinned. Without one, the digest that a plan has seen is the lock. */
    const char *digest;
    const struct catalog_component *components; /* needed ones before those that need them */
    size_t ncomponents;
};

/* All releases, oldest first. */
const struct catalog_release *catalog_releases(size_t *ret_len);

/* By name ("26.03"; "v1.10.2" is accepted for "1.10.2"), or NULL. name may be NULL. */
const struct catalog_release *catalog_release(const char *name);

/* The same for what users write: ERR_INVALID says what it may have been meant to be, or which there
 * are. */
int catalog_find_release(const char *name, const struct catalog_release **ret_release,
                         struct err *err) WARN_UNUSED;
const struct catalog_component *catalog_component(const struct catalog_release *r,
                                                  const char *name);
int catalog_find_component(const struct catalog_release *r, const char *name,
                           const struct catalog_component **ret_component, struct err *err)
    WARN_UNUSED;

/* "generic", "gke", "eks"; NULL or "" is generic. -1 for anything else. */
int catalog_target(const char *name);
int catalog_find_target(const char *name, enum catalog_target *ret_target, struct err *err)
    WARN_UNUSED;

/* What a component is, in a few words: "Hyperparameter tuning"; "" for an unknown name. */
const char *catalog_title(const char *component);

/* The namespace for objects of the component that name none, or NULL when they all do. */
const char *catalog_namespace(const char *component);

/* A strategic merge patch that belongs to the component on that target, or NULL. */
const char *catalog_patch(const struct catalog_release *r, const char *component,
                          enum catalog_target target);

/* A PersistentVolumeClaim that a component of a release brings. */
struct catalog_claim {
    const char *release, *component, *name;
    const char *size; /* "20Gi", as the release asks for it */
};
const struct catalog_claim *catalog_claims(size_t *ret_len); /* of all releases */

/* The image to take for one of the release that can't be pulled any more, or NULL. Both have their
 * registry and tag. */
const char *catalog_image(const struct catalog_release *r, const char *image);

/* Minor versions of Kubernetes 1: the oldest that the release works on, and the newest that it was
 * tested with. False for a release without a row. */
bool catalog_kubernetes(const struct catalog_release *r, int *ret_oldest, int *ret_tested);

/* For "did you mean ...?": the name that is most alike, or NULL when none is near. */
const char *catalog_nearest_release(const char *name);
const char *catalog_nearest_component(const struct catalog_release *r, const char *name);

#endif
