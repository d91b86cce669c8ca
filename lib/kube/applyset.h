/* Membership: which objects in a cluster belong to one installation (KEP-3659, ApplySet).
 *
 * A set has a parent, a ConfigMap in APPLYSET_NAMESPACE, and members that carry its id as a label.
 * The parent lists the kinds that members may have; it is written with the union of old and new
 * kinds before the first member is, and shrunk only after pruning, so a killed apply never orphans
 * an object: whoever comes next finds every member by label. `kubectl` understands the set.
 *
 * Our own annotations on the parent say whether the installation was finished, and hold a token
 * that changes when another create takes the set over (create_before_destroy). */
#ifndef KUBE_APPLYSET_H
#define KUBE_APPLYSET_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/cancel.h"
#include "lib/kube/client.h"

#define APPLYSET_NAMESPACE     "kubeflow-terraform"
#define APPLYSET_MEMBER_LABEL  "applyset.kubernetes.io/part-of"
#define APPLYSET_ID_SIZE       64
#define APPLYSET_TOKEN_SIZE    33
#define APPLYSET_ANNOTATION(x) "terraform-provider-kubeflow/" x

/* On members: "v1:<hash of what we applied>", "true" on what was there before us; on Secrets which
 * values are wanted in them, and which were put in (kube_apply_options.fills). */
#define APPLYSET_CONTENT APPLYSET_ANNOTATION("content")
#define APPLYSET_ADOPTED APPLYSET_ANNOTATION("adopted")
#define APPLYSET_VALUES  APPLYSET_ANNOTATION("values")
#define APPLYSET_FILLED  APPLYSET_ANNOTATION("filled")

/* On objects to apply: "never" = ready when applied, whatever their status says. For what becomes ready
 * only by something that comes after the apply, such as a DNS record. */
#define APPLYSET_WAIT APPLYSET_ANNOTATION("wait")

/* On members of a set of several components: which one. */
#define APPLYSET_COMPONENT APPLYSET_ANNOTATION("component")

/* Whether its readiness is waited for, where its kind has any. */
bool applyset_is_waited_for(const json_t *object);

/* The component that an object names, "" when it names none. Borrowed. */
const char *applyset_component(const json_t *object);

/* The label value for the set whose parent is APPLYSET_NAMESPACE/name. */
void applyset_id(const char *name, char out[APPLYSET_ID_SIZE]);

/* A fresh random token. */
void applyset_token(char out[APPLYSET_TOKEN_SIZE]);

/* "Deployment.apps", "Namespace" for each kind among the objects; new sorted array of strings. */
json_t *applyset_group_kinds(const json_t *objects);

/* Union of two such arrays, sorted; either may be NULL. New reference. */
json_t *applyset_union(const json_t *a, const json_t *b);

struct applyset_parent {
    bool exists;
    bool installed;                  /* the create that made it was finished */
    char token[APPLYSET_TOKEN_SIZE]; /* "" when there is none */
    json_t *group_kinds;             /* array of strings */
    json_t *info; /* the ConfigMap's data: what is installed, for import and status */
};
void applyset_parent_done(struct applyset_parent *p);

/* 0 with exists = false when there is none. */
int applyset_read(struct kube_client *c, const char *name, struct cancel *cancel,
                  struct applyset_parent *ret, struct err *err) WARN_UNUSED;

/* Every set in the cluster, by name; none when the namespace isn't there. */
struct applyset_list {
    struct applyset_listed {
        char *name;
        struct applyset_parent parent;
    } * at;
    size_t len;
};
int applyset_list(struct kube_client *c, struct cancel *cancel, struct applyset_list *ret,
                  struct err *err) WARN_UNUSED;
void applyset_list_done(struct applyset_list *l);

/* The value of data key APPLYSET_INFO_KIND of a whole platform's parent. */
#define APPLYSET_INFO_KIND     "kind"
#define APPLYSET_KIND_PLATFORM "platform"

/* Makes sure that APPLYSET_NAMESPACE exists and isn't about to go (a destroy of the last other set
 * may be deleting it: then waits until it is gone and makes it again). */
int applyset_prepare(struct kube_client *c, const char *manager, struct cancel *cancel,
                     struct err *err) WARN_UNUSED;

/* Writes the parent as given (exists is ignored). applyset_prepare must have succeeded. */
int applyset_write(struct kube_client *c, const char *manager, const char *name,
                   const struct applyset_parent *p, struct cancel *cancel, struct err *err)
    WARN_UNUSED;

/* Deletes the parent. To be called under the set's lock, so that no other run has begun anew. */
int applyset_remove(struct kube_client *c, const char *name, struct cancel *cancel, struct err *err)
    WARN_UNUSED;

/* Deletes APPLYSET_NAMESPACE when no set and no lock is left in it, nobody else has made or written to
 * it, and nobody has touched it since we looked. Best effort: a refusal leaves it for later. */
void applyset_tidy(struct kube_client *c, struct cancel *cancel);

#endif
