/* The order of a set of objects: who must be there, established or ready before whom.
 *
 * The edges are those of needs.h (Namespace before its content, CRD established before its custom
 * resources, ServiceAccount before the workloads that name it, the workload behind a webhook ready
 * before what the webhook intercepts, ...). Objects without an edge between them may go at the same
 * time.
 *
 * Among those that may go, the ones with the longest way to the end go first: the way leads through
 * the edges, counts a workload's start for much (pods pull images while the rest is sent), and each
 * object for what it costs the API server (a big CRD as much as fifty ConfigMaps). So cert-manager's
 * and the mesh's Deployments start early because others wait for them, and big CRDs go before small
 * objects that nobody waits for.
 *
 * Cycles are broken at the weakest edge (needs.h) and said in the log; requests that then come too
 * early heal by being repeated.
 *
 * Pure: works on objects alone; no cluster. Deterministic: the same array gives the same order. */
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
/* The next object that may be applied now, most urgent first; -1 when none is (all done, or what is
 * left waits). A returned node counts as started. */
int kube_graph_take(struct kube_graph *g);

/* Both may be called more than once for a node, and also for one that wasn't taken (what is already
 * as it should be): it isn't returned by take any more. */
void kube_graph_applied(struct kube_graph *g, int node);
void kube_graph_ready(struct kube_graph *g, int node); /* implies applied */
bool kube_graph_all_applied(const struct kube_graph *g);

/* Whether somebody waits for this node's readiness (then it must be watched even with wait = false). */
bool kube_graph_needed_ready(const struct kube_graph *g, int node);

/* For messages: an unmet need of a node that isn't taken yet, preferably one that is under way; -1
 * when there is none. kube_graph_why says in constant words why node needs the other ("" when it
 * doesn't): "its namespace", "a webhook that intercepts it". */
int kube_graph_waits_for(const struct kube_graph *g, int node, enum kube_need *ret_need);
const char *kube_graph_why(const struct kube_graph *g, int node, int other);

/* A coarse number for progress and for deletion: 0 namespaces, 1 CRDs, 2 configuration and RBAC,
 * 3 workloads, 4 webhook configurations, 5 custom resources. Deletion goes from high to low, with
 * webhook configurations before the workloads behind them. apiVersion and kind suffice. */
int kube_graph_phase(const json_t *object);

#endif
