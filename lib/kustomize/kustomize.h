/* kustomize build: a directory of a loader becomes an ordered list of objects.
 *
 * Everything that a kustomization may say is done, but what would run another program: Helm charts,
 * containers and executables are ERR_UNSUPPORTED. Deliberately otherwise than the reference: it
 * crashes on one patch text that deletes several objects, which works here; lines of environment
 * files may be of any length; patterns know no Unicode classes; a name hash is made for ConfigMaps
 * and Secrets only.
 *
 * Pure: no network, no child process, no clock; the same files give the same objects. Held against
 * `kubectl kustomize` (kustomize 5.5.0) object by object, in order, in tests/golden and
 * `make check-render`. Thread-safe: one context per render. */
#ifndef KUSTOMIZE_KUSTOMIZE_H
#define KUSTOMIZE_KUSTOMIZE_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/kustomize/loader.h"
#include "lib/kustomize/parsed.h"

#define KUSTOMIZE_MAX_DEPTH   64 /* nested kustomizations */
#define KUSTOMIZE_MAX_OBJECTS 100000
#define KUSTOMIZE_MAX_PATH    65536 /* bytes of a path or URL that a kustomization names */
/* Kustomizations opened by one render, each as often as it is referred to: where two list the same
 * two below, every level doubles them. A whole release of Kubeflow opens a few hundred. */
#define KUSTOMIZE_MAX_TARGETS 4000
/* Nodes (krm_measure's) that replacements and vars may copy in one render: what is copied can hold
 * what is copied next, so that each step doubles it. 12 MB of text, hundreds of times what a release
 * of Kubeflow copies. */
#define KUSTOMIZE_MAX_COPIED ((size_t)400000)

/* Resources that are not below the root ("https://...", "github.com/..."): the resolver gives
 * another loader and the directory (or file) in it. Borrowed until the render is done.
 * Without a resolver each remote resource is an error that names it. */
struct kustomize_resolver {
    int (*resolve)(void *arg, const char *url, struct loader **ret_loader, const char **ret_path,
                   struct err *err);
    void *arg;
};

struct kustomize_options {
    struct loader *loader;
    const char *path;                          /* directory with the kustomization, "" = root */
    const struct kustomize_resolver *resolver; /* or NULL */
    struct parsed *parsed;                     /* what earlier renders parsed (parsed.h), or NULL */
    void (*warn)(void *arg, const char *message); /* deprecated fields and the like; or NULL */
    void *warn_arg;
    /* Called for each kustomization in a directory right below adjust_below (of the loader, no slash
     * at the end), with that directory's name and, in an array, the objects that its resources,
     * generators and components have made: before its own transformers (patches and the like) run
     * and before hashes, references to names and vars, so what it changes takes part in all of them.
     * It may change objects in place (setting members anew, not into strings that are there), take
     * some out of the array, and append new ones, whose names get no hash. A code but 0 ends the
     * render with it. Or NULL. */
    int (*adjust)(void *arg, const char *name, json_t *objects, struct err *err);
    void *adjust_arg;
    const char *adjust_below;
    bool
        strict_patches; /* a patch of the outermost kustomization whose target matches nothing is an
                            error, not nothing */
};

/* 0 and a new JSON array of objects in kustomize's order, or ERR_INVALID with a message that names
 * file, line or object, ERR_NOT_FOUND, ERR_LIMIT, ERR_UNSUPPORTED (helm, exec functions). */
int kustomize_build(const struct kustomize_options *options, json_t **ret_objects, struct err *err)
    WARN_UNUSED;

#endif
