/* Names of container images in objects, wherever they hide: in fields "image", and in the strings in
 * which controllers are told what to start (arguments, variables, JSON, YAML and templates in
 * ConfigMaps, custom resources).
 *
 * A text is looked through word by word; a word is everything that a name may be made of, so what is
 * around it stays as it is. A word is an image
 *
 *     for certain   when it has the whole form of one ("kserve/agent:v0.15.2",
 *                   "gcr.io/x/y@sha256:..."), or comes after a name that ends in "image"
 *                   ("--executor-image", "TENSORBOARD_IMAGE", "cacheImage: ") and has a path or a tag;
 *     perhaps       when it only begins as one does, with a registry: "gcr.io/istio-release" is what
 *                   Istio makes names of images from, "serving.kserve.io/v1beta1" isn't one at all.
 *
 * Addresses ("https://...") are none. CRDs and Secrets aren't looked through, and neither are labels,
 * annotations and the key "_example" of ConfigMaps, in which Knative and KServe explain the others. */
#ifndef KUBEFLOW_IMAGE_REFS_H
#define KUBEFLOW_IMAGE_REFS_H

#include <jansson.h>
#include <stdbool.h>

#define IMAGE_REF_MAX 512 /* bytes; longer words are no images */

/* What shall stand in an image's place, as a heap string; NULL leaves it. */
typedef char *image_ref_fn(void *arg, const char *image, bool certain);

/* Calls fn for each image of an object, and changes what it wants changed. */
void image_refs_map(json_t *object, image_ref_fn *fn, void *arg);

/* The image with its registry: "mysql:8" is "docker.io/library/mysql:8". Heap string. */
char *image_ref_full(const char *image);

/* What the objects need pulled, as far as they say it: names with their registries, sorted, each once.
 * New array of strings. */
json_t *images_of(const json_t *objects);

#endif
