#include "resources/kubeflow/install.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/object.h"
#include "lib/krm/path.h"
#include "lib/kube/lease.h"
#include "lib/kube/members.h"
#include "resources/kubeflow/preflight.h"

#include "lib/base/banned.h"

#define MODULE "kubeflow.install"

/* Reading happens in plans, whose user waits: an API server that is down is said soon. */
#define READ_RETRY_MS 10000

json_t *install_hashes(const json_t *objects)
{
    json_t *out = json_object(), *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        char *key CLEANUP(mem_cleanup) = kube_key(object);
        char hash[KRM_CONTENT_HASH_SIZE];

        krm_content_hash(object, hash);
        json_object_set_new(out, key, json_string(hash));
    }
    return out;
}

/* CRDs are too big to be remembered, Secrets too secret. */
static bool is_remembered(const json_t *object)
{
    const char *kind = gvk_of(object).kind;

    return strcmp(kind, "CustomResourceDefinition") && strcmp(kind, "Secret");
}

/* The content of what the record says is there: the wanted objects where they were applied, what was
 * remembered before where they weren't. */
static json_t *remembered_content(const json_t *objects, const json_t *hashes, const json_t *before)
{
    json_t *out = json_object(), *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        char *key CLEANUP(mem_cleanup) = kube_key(object);
        char hash[KRM_CONTENT_HASH_SIZE];
        json_t *old = json_object_get(before, key);

        if (!is_remembered(object))
            continue;
        krm_content_hash(object, hash);
        if (!strcmp(krm_str(hashes, key, NULL), hash))
            json_object_set(out, key, object);
        else if (old)
            json_object_set(out, key, old);
    }
    return out;
}

/* --- outcome ------------------------------------------------------------------------------------ */

void install_outcome_done(struct install_outcome *o)
{
    struct kube_apply_result list = {.problems = o->problems, .nproblems = o->nproblems};

    kube_apply_result_done(&list);
    free(o->cluster_uid);
    json_decref(o->objects);
    json_decref(o->retained);
    install_memory_done(&o->memory);
    memset(o, 0, sizeof(*o));
}

static int outcome_problem(struct install_outcome *o, int code, struct err *err)
{
    struct kube_apply_result list = {.problems = o->problems, .nproblems = o->nproblems};

    kube_problem_add(&list, code, "", mem_strdup(err_msg(err)));
    o->problems = list.problems;
    o->nproblems = list.nproblems;
    return code;
}

/* Takes the problems of one step over. */
static void take_problems(struct install_outcome *o, struct kube_problem **problems, size_t *n)
{
    o->problems = mem_realloc(o->problems, (o->nproblems + *n) * sizeof(*o->problems));
    for (size_t i = 0; i < *n; i++)
        o->problems[o->nproblems++] = (*problems)[i];
    free(*problems);
    *problems = NULL;
    *n = 0;
}

/* --- applying ----------------------------------------------------------------------------------- */

struct installing {
    const struct install_request *r;
    struct install_outcome *out;
    char set_id[APPLYSET_ID_SIZE];
    struct cancel *cancel; /* the lease's: fires with the request's, and when the lock is lost */
    struct applyset_parent parent;
    json_t *existing; /* key -> metadata of what stands under the wanted names */
    bool other_cluster;
};

/* A create that finds a finished set: somebody else's, unless nothing would change by taking it
 * over (the answer of the create that made it was lost). */
static int check_finished(const struct installing *s, struct err *err)
{
    json_auto_t *hashes = install_hashes(s->r->objects);
    const char *key;
    json_t *hash;

    if (!s->r->create || !s->parent.exists || !s->parent.installed || s->r->adopt)
        return 0;
    json_object_foreach (hashes, key, hash) {
        const json_t *there = json_object_get(s->existing, key);

        if (strcmp(krm_str(there, "metadata", "annotations", APPLYSET_CONTENT, NULL),
                   json_string_value(hash)))
            return err_set(
                err, ERR_EXISTS,
                "%s/%s is installed in this cluster already, by another configuration or "
                "with a state that was lost. Import it (see the resource's page), or set "
                "adopt = true to take it over",
                APPLYSET_NAMESPACE, s->r->set_name);
    }
    log_info(MODULE, "%s: an identical installation is taken over", s->r->what);
    return 0;
}

/* Looks before anything is written: which cluster, whose objects. */
static int look(struct installing *s, struct err *err)
{
    const struct install_request *r = s->r;
    int rc = kube_cluster_uid(r->client, 0, s->cancel, &s->out->cluster_uid, err);

    if (rc)
        return rc;
    s->other_cluster =
        r->cluster_uid && r->cluster_uid[0] && strcmp(r->cluster_uid, s->out->cluster_uid);
    if (s->other_cluster && !r->cluster_may_change)
        return err_set(err, ERR_CONFLICT,
                       "this is another cluster (%s) than the plan was made for (%s); plan again",
                       s->out->cluster_uid, r->cluster_uid);
    if (s->other_cluster)
        log_warn(MODULE, "%s: this is another cluster than before; installing anew", r->what);
    rc = applyset_read(r->client, r->set_name, s->cancel, &s->parent, err);
    if (!rc)
        rc = kube_existing(r->client, r->objects, s->cancel, &s->existing, err);
    if (!rc)
        rc = check_finished(s, err);
    if (!rc)
        rc = preflight_needs(r->client, r->objects, r->needs, s->cancel, err);
    return rc;
}

static int check_foreign(struct installing *s)
{
    struct kube_apply_result found = {0};

    if (s->r->adopt)
        return 0;
    kube_check_foreign(s->r->objects, s->existing, s->r->memory ? s->r->memory->record : NULL,
                       s->set_id, s->r->manager, &found);
    if (!found.nproblems)
        return 0;
    kube_problem_add(&found, ERR_EXISTS, "",
                     mem_strdup("nothing was written. Set adopt = true to take these objects over "
                                "(destroy then releases them instead of deleting them), or remove "
                                "them"));
    take_problems(s->out, &found.problems, &found.nproblems);
    return ERR_EXISTS;
}

static int write_membership(struct installing *s, json_t *group_kinds, bool installed,
                            struct cancel *cancel, struct err *err)
{
    struct applyset_parent p = {
        .installed = installed, .group_kinds = group_kinds, .info = s->r->info};
    int rc;

    memcpy(p.token, s->out->install_id, sizeof(p.token));
    rc = applyset_write(s->r->client, s->r->manager, s->r->set_name, &p, cancel, err);
    json_decref(group_kinds);
    return rc;
}

static int begin_membership(struct installing *s, struct err *err)
{
    const struct install_request *r = s->r;
    json_auto_t *kinds = applyset_group_kinds(r->objects);

    if (r->create || s->other_cluster || !r->install_id || !r->install_id[0])
        applyset_token(s->out->install_id);
    else
        snprintf(s->out->install_id, sizeof(s->out->install_id), "%s", r->install_id);
    s->out->started = true;
    return write_membership(s, applyset_union(kinds, s->parent.group_kinds),
                            !r->create && !s->other_cluster, s->cancel, err);
}

/* What the cluster has now of the wanted objects: applied ones with their new hash, others with the
 * hash that the live object carries, if it is a member. */
static json_t *current_hashes(const struct installing *s, const json_t *record)
{
    json_t *out = json_object(), *object;
    size_t i;

    json_array_foreach (s->r->objects, i, object) {
        char *key CLEANUP(mem_cleanup) = kube_key(object);
        const char *applied = krm_str(record, key, "c", NULL);
        const json_t *there = json_object_get(s->existing, key);
        const char *live = krm_str(there, "metadata", "annotations", APPLYSET_CONTENT, NULL);

        if (applied[0])
            json_object_set_new(out, key, json_string(applied));
        else if (live[0] &&
                 !strcmp(krm_str(there, "metadata", "labels", APPLYSET_MEMBER_LABEL, NULL),
                         s->set_id))
            json_object_set_new(out, key, json_string(live));
    }
    return out;
}

static int apply(struct installing *s)
{
    const struct install_request *r = s->r;
    struct kube_apply_options o = {.client = r->client,
                                   .manager = r->manager,
                                   .set_id = s->set_id,
                                   .what = r->what,
                                   .objects = r->objects,
                                   .existing = s->existing,
                                   .adopt = r->adopt,
                                   .force_conflicts = r->force_conflicts,
                                   .wait = r->wait,
                                   .deadline = r->deadline,
                                   .cancel = s->cancel};
    struct kube_apply_result result;
    const json_t *before = NULL;
    int rc;

    if (r->memory && !s->other_cluster) {
        o.record = r->memory->record;
        o.previous = before = r->memory->content;
    }
    rc = kube_apply(&o, &result);
    s->out->objects = current_hashes(s, result.record);
    s->out->memory.content = remembered_content(r->objects, s->out->objects, before);
    s->out->memory.record = json_incref(result.record);
    take_problems(s->out, &result.problems, &result.nproblems);
    kube_apply_result_done(&result);
    return rc;
}

/* Members that aren't wanted any more go after the new ones are ready. */
static int prune(struct installing *s, struct err *err)
{
    const struct install_request *r = s->r;
    json_auto_t *kinds = applyset_group_kinds(r->objects);
    json_auto_t *all_kinds = applyset_union(kinds, s->parent.group_kinds);
    json_auto_t *members = NULL;
    struct kube_remove_options o = {.client = r->client,
                                    .manager = r->manager,
                                    .set_id = s->set_id,
                                    .what = r->what,
                                    .crds = KUBE_CRDS_IF_UNUSED,
                                    .user_data = KUBE_DATA_KEEP,
                                    .deadline = r->deadline,
                                    .cancel = s->cancel};
    struct kube_remove_result result;
    json_t *object;
    size_t i;
    int rc = kube_members(r->client, s->set_id, all_kinds, s->cancel, &members, err);

    if (rc)
        return outcome_problem(s->out, rc, err);
    json_array_foreach (r->objects, i, object) {
        char *key CLEANUP(mem_cleanup) = kube_key(object);

        json_object_del(members, key);
    }
    if (!json_object_size(members))
        return 0;
    o.targets = members;
    rc = kube_remove(&o, &result);
    json_array_extend(s->out->retained, result.retained);
    take_problems(s->out, &result.problems, &result.nproblems);
    kube_remove_result_done(&result);
    return rc;
}

static int run_locked(struct installing *s)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    int rc = look(s, &err);

    if (rc)
        return outcome_problem(s->out, rc, &err);
    rc = check_foreign(s);
    if (rc)
        return rc;
    rc = begin_membership(s, &err);
    if (rc)
        return outcome_problem(s->out, rc, &err);
    rc = apply(s);
    if (!rc)
        rc = prune(s, &err);
    if (rc)
        return rc;
    rc = write_membership(s, applyset_group_kinds(s->r->objects), true, s->cancel, &err);
    if (rc)
        return outcome_problem(s->out, rc, &err);
    s->out->finished = true;
    return 0;
}

int install_apply(const struct install_request *r, struct install_outcome *outcome)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct kube_lease *lease CLEANUP(kube_lease_cleanup) = NULL;
    struct installing s = {.r = r, .out = outcome};
    int rc;

    memset(outcome, 0, sizeof(*outcome));
    outcome->retained = json_array();
    applyset_id(r->set_name, s.set_id);
    rc = applyset_prepare(r->client, r->manager, r->cancel, &err);
    if (!rc)
        rc = kube_lease_acquire(r->client, APPLYSET_NAMESPACE, r->set_name, r->lock_timeout_ms,
                                r->cancel, &lease, &err);
    if (rc)
        return outcome_problem(outcome, rc, &err);
    s.cancel = kube_lease_token(lease);
    rc = run_locked(&s);
    if (rc && kube_lease_lost(lease)) {
        err_set(
            &err, ERR_CONFLICT,
            "the lock %s/%s was lost to another run or couldn't be renewed, so this one stopped",
            APPLYSET_NAMESPACE, r->set_name);
        outcome_problem(outcome, ERR_CONFLICT, &err);
    }
    outcome->memory.unfinished = !outcome->finished;
    applyset_parent_done(&s.parent);
    json_decref(s.existing);
    return rc;
}

/* --- refresh ------------------------------------------------------------------------------------ */

void install_refreshed_done(struct install_refreshed *r)
{
    json_decref(r->drift);
    install_memory_done(&r->memory);
    memset(r, 0, sizeof(*r));
}

/* "Kind.group" of every key. */
static json_t *kinds_of_keys(const json_t *wanted)
{
    json_auto_t *stubs = json_array();
    const char *key;
    json_t *unused;

    json_object_foreach ((json_t *)wanted, key, unused) {
        json_t *stub = kube_stub_of_key(key);

        if (stub)
            json_array_append_new(stubs, stub);
    }
    return applyset_group_kinds(stubs);
}

static int refresh_here(struct kube_client *c, const char *manager, const char *set_name,
                        const json_t *wanted, const struct install_memory *memory,
                        struct cancel *cancel, struct install_refreshed *out, struct err *err)
{
    struct applyset_parent parent = {0};
    struct kube_refresh_result result;
    json_auto_t *state_kinds = kinds_of_keys(wanted), *kinds = NULL;
    char set_id[APPLYSET_ID_SIZE];
    int rc = applyset_read(c, set_name, cancel, &parent, err);

    if (rc)
        return rc;
    applyset_id(set_name, set_id);
    kinds = applyset_union(state_kinds, parent.group_kinds);
    memcpy(out->install_id, parent.token, sizeof(out->install_id));
    rc = kube_refresh(&(struct kube_refresh_options){.client = c,
                                                     .manager = manager,
                                                     .set_id = set_id,
                                                     .group_kinds = kinds,
                                                     .wanted = wanted,
                                                     .record = memory->record,
                                                     .content = memory->content,
                                                     .cancel = cancel},
                      &result, err);
    if (!rc) {
        out->gone = !parent.exists && !json_object_size(result.members);
        if (!parent.exists && !out->gone)
            json_object_set_new(result.drift, APPLYSET_NAMESPACE,
                                json_pack("[s]", "the record of the installation was deleted"));
        out->drift = json_incref(result.drift);
        out->memory.record = json_incref(result.record);
        kube_refresh_result_done(&result);
    }
    applyset_parent_done(&parent);
    return rc;
}

int install_refresh(struct kube_client *c, const char *manager, const char *set_name,
                    const char *cluster_uid, const json_t *wanted,
                    const struct install_memory *memory, struct cancel *cancel,
                    struct install_refreshed *ret, struct err *err)
{
    struct install_refreshed out = {0};
    char *uid CLEANUP(mem_cleanup) = NULL;
    int rc = kube_cluster_uid(c, READ_RETRY_MS, cancel, &uid, err);

    if (rc)
        return rc;
    if (cluster_uid[0] && strcmp(cluster_uid, uid)) {
        log_warn(MODULE, "%s: this is another cluster than before", set_name);
        out.gone = true;
    } else {
        rc = refresh_here(c, manager, set_name, wanted, memory, cancel, &out, err);
        if (rc)
            return rc;
        out.memory.content = json_incref(memory->content);
        out.memory.unfinished = memory->unfinished;
    }
    *ret = out;
    return 0;
}

/* --- import ------------------------------------------------------------------------------------- */

int install_survey(struct kube_client *c, const char *manager, const json_t *objects,
                   struct cancel *cancel, json_t **ret_existing, json_t **ret_drift,
                   struct err *err)
{
    json_auto_t *metadata = NULL;
    const char *key;
    json_t *unused, *existing;
    int rc = kube_existing(c, objects, cancel, &metadata, err);

    if (!rc)
        rc = kube_compare_all(c, manager, objects, metadata, cancel, ret_drift, err);
    if (rc)
        return rc;
    existing = json_object();
    json_object_foreach (metadata, key, unused)
        json_object_set_new(existing, key, json_string(INSTALL_IMPORTED));
    *ret_existing = existing;
    return 0;
}

/* --- removal ------------------------------------------------------------------------------------ */

struct removing {
    const struct install_removal *r;
    char set_id[APPLYSET_ID_SIZE];
    json_t *members; /* key -> metadata */
    bool elsewhere;  /* not ours to remove: another cluster, or taken over */
    bool recorded;   /* the parent is there */
};

static int find_members(struct removing *s, struct cancel *cancel, struct err *err)
{
    const struct install_removal *r = s->r;
    json_auto_t *state_kinds = kinds_of_keys(r->wanted), *kinds = NULL;
    struct applyset_parent parent = {0};
    char *uid CLEANUP(mem_cleanup) = NULL;
    int rc = kube_cluster_uid(r->client, READ_RETRY_MS, cancel, &uid, err);

    if (rc)
        return rc;
    applyset_id(r->set_name, s->set_id);
    if (r->cluster_uid[0] && strcmp(r->cluster_uid, uid)) {
        log_info(MODULE, "%s: the cluster it was in is gone; nothing to remove", r->what);
        s->elsewhere = true;
        return 0;
    }
    rc = applyset_read(r->client, r->set_name, cancel, &parent, err);
    if (rc)
        return rc;
    s->recorded = parent.exists;
    s->elsewhere = parent.exists && r->install_id[0] && strcmp(parent.token, r->install_id);
    if (s->elsewhere)
        log_info(MODULE, "%s: another create has taken the installation over; nothing to remove",
                 r->what);
    else
        kinds = applyset_union(state_kinds, parent.group_kinds);
    applyset_parent_done(&parent);
    return s->elsewhere ? 0 : kube_members(r->client, s->set_id, kinds, cancel, &s->members, err);
}

static struct kube_remove_options remove_options(const struct removing *s, struct cancel *cancel)
{
    const struct install_removal *r = s->r;

    return (struct kube_remove_options){.client = r->client,
                                        .manager = r->manager,
                                        .set_id = s->set_id,
                                        .what = r->what,
                                        .targets = s->members,
                                        .crds = r->crds,
                                        .user_data = r->user_data,
                                        .delete_adopted = r->delete_adopted,
                                        .deadline = r->deadline,
                                        .cancel = cancel};
}

int install_removal_check(const struct install_removal *r, enum kube_strangers which,
                          json_t **ret_user_data, struct err *err)
{
    struct removing s = {.r = r};
    struct kube_remove_options o;
    int rc;

    if (r->user_data != KUBE_DATA_REFUSE) {
        *ret_user_data = json_array();
        return 0;
    }
    rc = find_members(&s, r->cancel, err);
    if (!rc && s.elsewhere) {
        *ret_user_data = json_array();
    } else if (!rc) {
        o = remove_options(&s, r->cancel);
        rc = kube_remove_check(&o, which, ret_user_data, err);
    }
    json_decref(s.members);
    return rc;
}

static int remove_problem(struct kube_remove_result *result, int code, struct err *err)
{
    struct kube_apply_result list = {.problems = result->problems, .nproblems = result->nproblems};

    kube_problem_add(&list, code, "", mem_strdup(err_msg(err)));
    result->problems = list.problems;
    result->nproblems = list.nproblems;
    return code;
}

int install_remove(const struct install_removal *r, struct kube_remove_result *result)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct kube_lease *lease = NULL;
    struct removing s = {.r = r};
    struct kube_remove_options o;
    int rc;

    memset(result, 0, sizeof(*result));
    rc = find_members(&s, r->cancel, &err);
    if (!rc && (s.elsewhere || (!s.recorded && !json_object_size(s.members)))) {
        result->retained = json_array();
        json_decref(s.members);
        return 0;
    }
    if (!rc)
        rc = applyset_prepare(r->client, r->manager, r->cancel, &err);
    if (!rc)
        rc = kube_lease_acquire(r->client, APPLYSET_NAMESPACE, r->set_name, r->lock_timeout_ms,
                                r->cancel, &lease, &err);
    if (!rc) {
        o = remove_options(&s, kube_lease_token(lease));
        rc = kube_remove(&o, result);
    }
    if (rc && !result->nproblems)
        remove_problem(result, rc, &err);
    kube_lease_release(lease);
    if (!rc && (rc = applyset_remove(r->client, r->set_name, r->cancel, &err)))
        remove_problem(result, rc, &err);
    json_decref(s.members);
    return rc;
}
