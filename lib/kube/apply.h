/* Bringing a set of objects into a cluster: server-side apply in the order of the graph, as many at
 * once as the client allows, each object's need met before it is sent, and readiness waited for.
 *
 * What is already as it should be isn't sent: the live object carries our content hash, its uid is
 * the recorded one, and the hash of our own managedFields entry hasn't moved since.
 *
 * One object's failure doesn't stop the others: what doesn't depend on it goes on, so one run shows
 * every problem and does all that can be done. A fired token stops new requests; what is in flight
 * is waited for (a few seconds), so the record says what really happened. */
#ifndef KUBE_APPLY_H
#define KUBE_APPLY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/cancel.h"
#include "lib/kube/client.h"
#include "lib/kube/problems.h"

struct kube_apply_options {
    struct kube_client *client;
    const char *manager;    /* field manager */
    const char *set_id;     /* label value of the members */
    const char *what;       /* "katib": for the log */
    json_t *objects;        /* array, normalised (krm_normalize); borrowed, not changed */
    const json_t *existing; /* key -> metadata, from kube_existing */
    /* key -> {"u": uid, "c": content hash, "o": hash of our entry, "v": of the one with values}, or
     * NULL */
    const json_t *record;
    const json_t *previous; /* key -> the object as applied before, or NULL: decides whose a
                               conflicting field was */
    /* What goes into Secrets and isn't part of the objects: key -> {"data": {name: base64, ...},
     * "annotations": {...}, "there": true when all that is in the existing object}; or NULL. Without
     * data and annotations, what was put in before is taken away. Written by a field manager of its
     * own (kube_values_manager), and owned by it alone. */
    const json_t *fills;
    const json_t *left; /* key -> array of paths that stay with their owners when an object is taken
                           over (managed_fields_take_over), or NULL */
    bool adopt;         /* take over what exists and isn't a member */
    bool force_conflicts;
    bool wait;
    int64_t deadline;
    struct cancel *cancel;
};

struct kube_apply_result {
    json_t *record; /* of every object that is now as it should be */
    struct kube_problems problems;
    size_t sent, unchanged, filled, ready;
    bool complete; /* everything was applied (perhaps not everything became ready) */
};

/* Runs to the end and reports in result (initialised by the callee). The return value is 0 when
 * there is no problem, else the first problem's code. */
int kube_apply(const struct kube_apply_options *o, struct kube_apply_result *result);

void kube_apply_result_done(struct kube_apply_result *r);

#endif
