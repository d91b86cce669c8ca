/* Taking members out of a cluster: pruning after an update, and destroying.
 *
 * What users made goes first, while all controllers run; then custom resources before their
 * controllers, webhook configurations before the services behind them, workloads before what they
 * use, CRDs and namespaces last; each phase is waited for. Every delete carries the uid that was
 * seen, so a new object under an old name is never hit. What is released instead (adopted, kept)
 * loses our label, annotations and field ownership, and stays. */
#ifndef KUBE_REMOVE_H
#define KUBE_REMOVE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/cancel.h"
#include "lib/kube/client.h"
#include "lib/kube/problems.h"
#include "lib/kube/user_data.h"

enum kube_crd_policy { KUBE_CRDS_IF_UNUSED, KUBE_CRDS_DELETE, KUBE_CRDS_KEEP };
enum kube_data_policy { KUBE_DATA_REFUSE, KUBE_DATA_KEEP, KUBE_DATA_DELETE };

/* What is known of the software whose objects these are. */
struct kube_remove_facts {
    /* Custom resources in which users' work is: they go in waves 1, 2, ... nwaves, each waited for,
     * before anything else. 0 for a CRD ("notebooks.kubeflow.org") whose objects aren't users'. */
    int nwaves;
    int (*wave_of)(const char *crd_name);
    /* Whether an object has to stay where a claim in its namespace does. Metadata only. */
    bool (*stays_with_data)(const json_t *metadata_object);
    /* Whose work a finalizer waits for: "Deployment kubeflow/katib-controller"; NULL when unknown. */
    const char *(*clears)(const char *finalizer);
};

struct kube_remove_options {
    struct kube_client *client;
    const char *manager;
    const char *set_id;
    const char *what;                      /* for the log */
    const json_t *targets;                 /* key -> metadata, members that are to go; borrowed */
    const json_t *others;                  /* of a prune, the members that stay; else NULL */
    const struct kube_remove_facts *facts; /* or NULL: nothing is known */
    enum kube_crd_policy crds;
    /* With KUBE_DATA_DELETE, objects of the targets' CRDs that users made go, too: those with a wave,
     * unless another set has them; all of them with KUBE_CRDS_DELETE. */
    enum kube_data_policy user_data; /* KEEP: no object goes to which a namespace belongs, either */
    bool delete_adopted;
    int64_t deadline;
    struct cancel *cancel;
};

/* What is in the way of a destroy: users' data that would go with the targets or be left without its
 * controllers (claims, what others keep in our namespaces and in those that belong to our objects,
 * custom resources that users made). New array of sentences; empty when nothing is. */
int kube_remove_check(const struct kube_remove_options *o, enum kube_strangers which,
                      json_t **ret_user_data, struct err *err) WARN_UNUSED;

struct kube_remove_result {
    json_t *retained; /* array of keys that were kept or released */
    struct kube_problems problems;
    size_t deleted;
};

/* 0 when all targets are gone or released, else the first problem's code. result is initialised by
 * the callee. Objects that are gone already are no problem: a second run continues the first. */
int kube_remove(const struct kube_remove_options *o, struct kube_remove_result *result);
void kube_remove_result_done(struct kube_remove_result *r);

#endif
