/* What the files of preflight share; nobody else includes this.
 *
 *     preflight.c           the table of checks
 *     preflight_needs.c     kinds and namespaces
 *     preflight_cluster.c   version, target
 *     preflight_storage.c   claims and storage classes
 *     preflight_secrets.c   Secrets that somebody else makes
 *     preflight_access.c    permissions
 *     preflight_capacity.c  requests against nodes
 */
#ifndef KUBEFLOW_PREFLIGHT_PARTS_H
#define KUBEFLOW_PREFLIGHT_PARTS_H

#include "resources/kubeflow/preflight.h"

#define PREFLIGHT_MODULE    "kubeflow.preflight"
#define PREFLIGHT_MAX_NAMED 10 /* things named in one message; the others are counted */

struct preflight {
    const struct preflight_request *r;
    struct kube_problems *problems;
    json_t *warnings;
    json_t *nodes; /* array, read once */
};

/* A check adds to problems and warnings. Its code and err are for what kept it from looking;
 * ERR_DENIED and ERR_NOT_FOUND skip it. */
typedef int preflight_fn(struct preflight *p, struct err *err);
preflight_fn preflight_needs, preflight_version, preflight_storage, preflight_secrets,
    preflight_access, preflight_target, preflight_capacity_check;

/* text is taken. */
void preflight_problem(struct preflight *p, int code, const char *key, char *text);
void preflight_warn(struct preflight *p, char *text);

/* All objects of a built-in kind. */
int preflight_list(struct preflight *p, const struct kube_resource *resource,
                   const char *field_selector, json_t **ret_items, struct err *err) WARN_UNUSED;

/* The cluster's nodes; borrowed. */
int preflight_nodes(struct preflight *p, const json_t **ret_nodes, struct err *err) WARN_UNUSED;

/* Appends a list's n-th member (from 0), named or, beyond PREFLIGHT_MAX_NAMED, not at all;
 * preflight_put_rest then says how many weren't. */
void preflight_put_named(struct buf *out, size_t n, const char *name);
void preflight_put_rest(struct buf *out, size_t n);

#endif
