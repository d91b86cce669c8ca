/* Whether the kinds of CRDs that were just applied are served.
 *
 * "Established" alone says less: it is written before the API server that answers has seen it. A
 * kind's place in the discovery document of its group and version comes from the same cache as the
 * decision to serve it, so what is listed is served. One document tells of all kinds of the group,
 * and costs nothing: a LIST of the kind, which would prove the same, makes the API server build the
 * kind's handler, 0.1 s of its processor time for a big schema, for each of dozens of kinds. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/kube/apply_run.h"

#include "lib/base/banned.h"

/* An API server takes a moment, which grows with what else it has to do. */
#define FIRST_PAUSE_MS 50
#define MAX_PAUSE_MS   200

/* The first version that is meant to be served, or NULL. */
static const char *served_version(const json_t *crd)
{
    const json_t *version;
    size_t i;

    json_array_foreach (krm_get(crd, "spec", "versions", NULL), i, version)
        if (json_is_true(json_object_get(version, "served")))
            return krm_str(version, "name", NULL);
    return NULL;
}

static const char *group_of(const struct node *n)
{
    return krm_str(n->object, "spec", "group", NULL);
}

static bool same_document(const struct node *a, const struct node *b)
{
    return a->state == NODE_SERVING && b->state == NODE_SERVING &&
           !strcmp(group_of(a), group_of(b)) &&
           !strcmp(served_version(a->object), served_version(b->object));
}

void apply_await_served(struct run *r, struct node *n)
{
    if (!served_version(n->object)) { /* that is what was asked for */
        apply_node_ready(r, n);
        return;
    }
    n->state = NODE_SERVING;
    n->pause_ms = FIRST_PAUSE_MS;
    n->look_at = clock_deadline(n->pause_ms);
    free(n->why);
    n->why = mem_strdup("its kind isn't served yet");
}

static bool is_asked_for(const struct run *r, const struct node *n)
{
    for (size_t i = 0; i < r->nnodes; i++)
        if (same_document(n, &r->nodes[i]) && r->nodes[i].look_at == INT64_MAX)
            return true;
    return false;
}

void apply_ask_served(struct run *r, struct node *n)
{
    char *path CLEANUP(mem_cleanup) =
        mem_printf("/apis/%s/%s", group_of(n), served_version(n->object));
    struct kube_request req = {.verb = KUBE_RAW_GET, .path = path, .user = n};

    if (!is_asked_for(r, n))
        kube_start(r->queue, &req);
    n->look_at = INT64_MAX;
}

static bool is_listed(const json_t *document, const struct node *n)
{
    const char *plural = krm_str(n->object, "spec", "names", "plural", NULL);
    const json_t *resource;
    size_t i;

    json_array_foreach (krm_get(document, "resources", NULL), i, resource)
        if (!strcmp(krm_str(resource, "name", NULL), plural))
            return true;
    return false;
}

/* A document that isn't there yet lists nothing. */
void apply_on_discovery(struct run *r, struct node *n, const struct kube_result *res)
{
    const struct node asked = *n;

    for (size_t i = 0; i < r->nnodes; i++) {
        struct node *other = &r->nodes[i];

        if (!same_document(&asked, other))
            continue;
        if (!res->code && is_listed(res->body, other)) {
            apply_node_ready(r, other);
            continue;
        }
        other->pause_ms *= 2;
        if (other->pause_ms > MAX_PAUSE_MS)
            other->pause_ms = MAX_PAUSE_MS;
        other->look_at = clock_deadline(other->pause_ms);
    }
}

void apply_discovery_failed(struct run *r, struct node *n, const struct kube_result *res)
{
    const struct node asked = *n;

    for (size_t i = 0; i < r->nnodes; i++) {
        struct node *other = &r->nodes[i];

        if (same_document(&asked, other))
            apply_node_failed(r, other, res->code,
                              mem_printf("it was applied, but whether its kind is served can't be "
                                         "found out: %s",
                                         err_msg(&res->err)));
    }
}
