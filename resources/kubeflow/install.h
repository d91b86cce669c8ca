/* Installing a set of rendered objects, keeping it, and taking it away again: what
 * kubeflow_component and kubeflow_platform have in common.
 *
 * An installation is an ApplySet (lib/kube/applyset.h) with a lock, a record of what was applied
 * (kept in Terraform's private state: struct install_memory), and rules for what may be touched:
 *
 *     preflight, whose are the objects? -> lock -> values of Secrets -> membership -> apply, wait
 *          -> prune -> membership final
 *
 * A create that failed or was killed left membership behind, marked unfinished; the next create
 * continues it. Nothing here knows Terraform's values. */
#ifndef KUBEFLOW_INSTALL_H
#define KUBEFLOW_INSTALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/cancel.h"
#include "lib/kube/apply.h"
#include "lib/kube/applyset.h"
#include "lib/kube/drift.h"
#include "lib/kube/lease.h"
#include "lib/kube/remove.h"
#include "resources/kubeflow/preflight.h"

/* The key of a parent's data that says how many objects are wanted. */
#define INSTALL_INFO_OBJECTS "objects"

/* Reading happens in plans, whose user waits: an API server that is down is said soon. */
#define INSTALL_READ_RETRY_MS 10000

/* The member of install_memory.found that is kube_comparison.goes. */
#define INSTALL_FOUND_GOES "goes"

/* What private state remembers between runs. NULL members: not known. */
struct install_memory {
    json_t *record;  /* as kube_apply made it */
    json_t *content; /* key -> object as applied; without big ones (CRDs) and Secrets */
    bool imported;   /* nothing has been applied by us yet: content is live objects that differ */
    json_t *found;   /* what an import found besides (import.h) */
    bool unfinished; /* the last update didn't get everything applied and ready */
};
void install_memory_load(const json_t *private_state, struct install_memory *ret);
json_t *install_memory_save(const struct install_memory *m); /* new reference */
void install_memory_done(struct install_memory *m);

struct install_request {
    struct kube_client *client;
    const char *manager;
    const char *set_name; /* the parent's name */
    const char *what;     /* for people: "katib 0.18.0" */
    json_t *objects;      /* wanted, normalised */
    json_t *info;         /* object of strings to keep on the parent (release, digest, ...) */
    const json_t *given;  /* name -> value for marked Secrets (secret_values.h), or NULL */
    const struct install_memory *memory; /* NULL on create */
    const json_t *left;                  /* key -> fields that users leave to others */
    const json_t *needs;                 /* names of components that must be there; for messages */
    const char *target;                  /* as in preflight_request */
    enum preflight_capacity capacity;
    const char *cluster_uid; /* that state has; NULL or "" on create */
    bool cluster_may_change; /* the plan said that the cluster is looked at again */
    const char *install_id;  /* that state has; NULL or "" on create */
    bool create;
    bool adopt, force_conflicts, wait;
    int64_t deadline, lock_timeout_ms;
    struct cancel *cancel;
};

struct install_outcome {
    struct kube_problems problems;
    bool started;  /* membership was, or may have been, written: state is to say so */
    bool finished; /* everything applied, ready (if asked for) and pruned */
    char *cluster_uid;
    char install_id[APPLYSET_TOKEN_SIZE];
    json_t *objects;  /* key -> content hash of what is there as applied by us */
    json_t *retained; /* array of keys that pruning kept */
    json_t *warnings; /* array of sentences that users should see */
    struct install_memory memory;
};

/* 0, or the first problem's code; outcome is initialised by the callee and valid in any case. */
int install_apply(const struct install_request *r, struct install_outcome *outcome);
void install_outcome_done(struct install_outcome *o);

/* The lock of a set, in a namespace that is made for it. To be given back with kube_lease_release.
 * install_lock_lost: says why a run that lost it stopped. */
int install_lock(struct kube_client *c, const char *manager, const char *set_name,
                 int64_t timeout_ms, struct cancel *cancel, struct kube_lease **ret_lease,
                 struct err *err) WARN_UNUSED;
void install_lock_lost(const char *set_name, struct kube_problems *problems);

struct install_refresh_request {
    const char *manager, *set_name;
    const char *cluster_uid; /* of state */
    const json_t *wanted;    /* state's objects */
    const struct install_memory *memory;
    /* As in kube_refresh_options: what memory doesn't hold. */
    const json_t *(*find_content)(void *arg, const char *key);
    void *find_arg;
};

struct install_refreshed {
    bool gone;     /* not in this cluster: another uid, or neither parent nor members */
    json_t *drift; /* key -> lines */
    struct install_memory memory;
    char install_id[APPLYSET_TOKEN_SIZE]; /* the parent's token */
};
int install_refresh(struct kube_client *c, const struct install_refresh_request *r,
                    struct cancel *cancel, struct install_refreshed *ret, struct err *err)
    WARN_UNUSED;
void install_refreshed_done(struct install_refreshed *r);

/* What state's objects say of an object that was there before an import. */
#define INSTALL_IMPORTED "imported"

/* For an import: which of the objects exist, and how they differ from what is wanted. */
struct install_survey {
    json_t *existing; /* key -> INSTALL_IMPORTED */
    struct kube_comparison differs;
};
int install_survey(struct kube_client *c, const char *manager, const json_t *objects,
                   struct cancel *cancel, struct install_survey *ret, struct err *err) WARN_UNUSED;
void install_survey_done(struct install_survey *s);

/* What the first plan after an import compares. */
struct install_adoption {
    const json_t *existing;    /* key -> INSTALL_IMPORTED */
    const json_t *read;        /* key -> object as the settings that were read back render it */
    const json_t *goes, *live; /* as in kube_comparison: between those and the cluster */
    const json_t *left;        /* key -> fields that stay as they are */
};

/* The lines of `changes` for it: what becomes of the cluster when objects are applied. */
json_t *install_adoption_changes(const struct install_adoption *a, json_t *objects);

struct install_removal {
    struct kube_client *client;
    const char *manager, *set_name, *what;
    const char *cluster_uid; /* of state: another cluster's objects are never touched */
    const char *install_id;  /* of state: a set that another create took over isn't ours any more */
    bool unfinished;         /* state says that its create wasn't finished */
    const json_t *wanted;    /* state's objects */
    enum kube_crd_policy crds;
    enum kube_data_policy user_data;
    bool delete_adopted;
    int64_t deadline, lock_timeout_ms;
    struct cancel *cancel;
};

/* What there is to be said before a destroy. user_data: new array of sentences, what it would refuse
 * to delete; in a plan (KUBE_NOT_OF_ANY), what other installations keep in our namespaces doesn't
 * count: they may be destroyed before. taken_over: the set has another install_id, so nothing would
 * be removed. */
struct install_removal_findings {
    json_t *user_data;
    bool taken_over;
};
int install_removal_check(const struct install_removal *r, enum kube_strangers which,
                          struct install_removal_findings *ret, struct err *err) WARN_UNUSED;
void install_removal_findings_done(struct install_removal_findings *f);

/* Removes what is left of what was removed (leftovers.h): of the objects with these keys, as far as
 * they are gone. o: as for kube_remove, with other targets. Adds to result. */
int install_sweep(const struct kube_remove_options *o, const json_t *keys,
                  struct kube_remove_result *result);

/* 0 when all is gone; problems as in kube_remove. */
int install_remove(const struct install_removal *r, struct kube_remove_result *result);

/* The lines of `changes` for an update: what turns `before` (key -> hash) into `objects`.
 * content: key -> object before, where known. drift: what the last refresh found, or NULL. */
json_t *install_changes(const json_t *before, const json_t *content, json_t *objects,
                        const json_t *drift);

/* "Kind.group" of every key, sorted. New reference. */
json_t *install_kinds(const json_t *wanted);

/* key -> content hash of the objects. New reference. */
json_t *install_hashes(const json_t *objects);

#endif
