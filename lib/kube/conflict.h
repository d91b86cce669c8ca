/* Whose is it? Conflicts of server-side apply, and objects that were there before us, in words. */
#ifndef KUBE_CONFLICT_H
#define KUBE_CONFLICT_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/kube/client.h"

/* Whether every field that a 409 names was part of `before`, the object as we applied it last: then
 * others changed what was ours. false when before is NULL or a cause can't be read. */
bool kube_conflict_was_ours(const struct kube_status *status, const json_t *before);

/* "these fields belong to others: .spec.replicas (kubectl-edit), ...; set <force_attribute> to take
 * them, or leave them out with ignore_fields". Heap string. */
char *kube_conflict_text(const struct kube_status *status, const char *force_attribute);

/* The tool that marked an object as its own: "Helm release istio", "Argo CD application kubeflow", ...;
 * heap string, NULL when none has. */
char *kube_tool_text(const json_t *metadata_object);

/* Who an existing object belongs to, from its metadata: "Helm release istio in namespace x",
 * "Argo CD application kubeflow", "Flux kustomization x", "another installation of this provider
 * (set ...)", "its controller (Deployment x)", or "made by kubectl". Heap string. */
char *kube_owner_text(const json_t *metadata_object, const char *manager);

#endif
