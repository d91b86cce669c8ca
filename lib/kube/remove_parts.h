/* One removal, shared by its phases (remove.c), what stays (remove_decide.c), what it would take along
 * (remove_check.c) and the wait for what was deleted (remove_wait.c); private. */
#ifndef KUBE_REMOVE_PARTS_H
#define KUBE_REMOVE_PARTS_H

#include "lib/base/vec.h"
#include "lib/kube/remove.h"

#define REMOVE_MODULE       "kube.remove" /* in the log */
#define REMOVE_CUSTOM_PHASE 5             /* kube_graph_phase: custom resources */

struct removal {
    const struct kube_remove_options *o;
    struct kube_remove_result *result;
    struct kube_queue *queue;
    json_t *targets; /* o->targets, as they were seen last */
    json_t *owned;   /* kube_owned_namespaces, as of the phase that runs */
};

struct target {
    const char *key;    /* borrowed */
    const json_t *meta; /* borrowed */
    const struct kube_resource *resource;
    bool release; /* it stays */
    bool follows; /* goes with another target: isn't deleted, but waited for */
    bool failed;
    bool looking; /* it changed under its release: read anew */
    int looks;
};

typedef VEC(struct target) target_vec;

/* Whether it was there before us and is to stay for that. */
bool remove_is_adopted(const struct kube_remove_options *o, const json_t *meta);

/* Whether namespaces may belong to it, so that it takes them along. */
bool remove_may_own(const json_t *meta);

/* Whether objects of a CRD are users' work, whose instances then are those of `*ret_which`. */
bool remove_holds_work(const struct kube_remove_options *o, const char *crd_name,
                       enum kube_strangers *ret_which);

/* Namespaces that go with an object: key -> metadata, or NULL. Borrowed. */
json_t *remove_owned_by(const struct removal *r, const json_t *meta);

/* Whether it has to stay where a claim does, as far as users' data is to stay at all. */
bool remove_stays_with_data(const struct removal *r, const json_t *meta);

/* Whether the target stays in the cluster; says why in the log. Objects of later phases must be gone. */
int remove_must_release(const struct removal *r, const struct target *t, bool *ret_release,
                        struct err *err);

/* Waits until all that was deleted is gone. ERR_TIMEOUT with one problem for each that isn't. */
int remove_wait(struct removal *r, const target_vec *targets, struct err *err);

#endif
