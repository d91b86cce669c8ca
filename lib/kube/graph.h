/* The order of a set of objects: who must be there, established or ready before whom.
 *
 * Edges (design: "objects form a graph"):
 *   Namespace -> its content                                        (applied)
 *   CustomResourceDefinition -> custom resources of its kinds       (established)
 *   ServiceAccount, Role, ConfigMap, Secret, Service, ... -> the workloads of the namespace
 *   workload behind a webhook's Service -> objects of the kinds that the webhook intercepts, and
 *     the webhook configuration itself after that workload was applied (ready)
 *   conversion webhook's workload -> custom resources of that CRD   (ready)
 *   Issuer/ClusterIssuer -> Certificates that name it               (applied)
 * Objects without an edge between them may go at the same time. Among those that may go, the costly
 * ones (big CRDs) go first. Cycles are broken at the weakest edge and said in the log.
 *
 * Pure: works on objects alone; no cluster. */
#ifndef KUBE_GRAPH_H
#define KUBE_GRAPH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

struct kube_graph;

enum kube_need { KUBE_NEED_APPLIED, KUBE_NEED_READY }; /* established counts as ready for CRDs */

/* objects: a JSON array, borrowed for the graph's life; nodes are its indexes. */
struct kube_graph *kube_graph_new(json_t *objects);
void kube_graph_free(struct kube_graph *g); /* accepts NULL */
DEFINE_CLEANUP(kube_graph_cleanup, struct kube_graph *, kube_graph_free)

/* --- walking: a small scheduler state ---------------------------------------------------------- */
/* The next object that may be applied now, costly ones first; -1 when none is (all done, or what is
 * left waits). A returned node counts as started. */
int kube_graph_take(struct kube_graph *g);
void kube_graph_applied(struct kube_graph *g, int node);
void kube_graph_ready(struct kube_graph *g, int node); /* implies applied */
bool kube_graph_all_applied(const struct kube_graph *g);

/* Whether somebody waits for this node's readiness (then it must be watched even with wait = false). */
bool kube_graph_needed_ready(const struct kube_graph *g, int node);

/* For messages: an unmet need of a node that isn't taken yet; -1 when there is none. */
int kube_graph_waits_for(const struct kube_graph *g, int node, enum kube_need *ret_need);

/* A coarse number for progress and for deletion: 0 namespaces, 1 CRDs, 2 configuration and RBAC,
 * 3 workloads, 4 webhook configurations, 5 custom resources. Deletion goes from high to low, with
 * webhook configurations before the workloads behind them. */
int kube_graph_phase(const json_t *object);

#endif
