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
#include "lib/kube/ours.h"
#include "resources/kubeflow/removal_facts.h"
#include "resources/kubeflow/secret_values.h"

#include "lib/base/banned.h"

#define MODULE         "kubeflow.install"
#define LOCK_TRIES     3
#define REMEMBERED_MAX 4096 /* bytes of an object as JSON */

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

/* CRDs and a few others are too big to be remembered, Secrets too secret: they are rendered again
 * when need be. */
static bool is_remembered(const json_t *object)
{
    const char *kind = gvk_of(object).kind;

    return strcmp(kind, "CustomResourceDefinition") && strcmp(kind, "Secret") &&
           json_dumpb(object, NULL, 0, JSON_COMPACT) <= REMEMBERED_MAX;
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
    kube_problems_done(&o->problems);
    free(o->cluster_uid);
    json_decref(o->objects);
    json_decref(o->retained);
    json_decref(o->warnings);
    install_memory_done(&o->memory);
    memset(o, 0, sizeof(*o));
}

/* --- applying ----------------------------------------------------------------------------------- */

struct installing {
    const struct install_request *r;
    struct install_outcome *out;
    char set_id[APPLYSET_ID_SIZE];
    struct cancel *cancel; /* the lease's: fires with the request's, and when the lock is lost */
    struct applyset_parent parent;
    json_t *existing; /* key -> metadata of what stands under the wanted names */
    json_t *fills;    /* values of Secrets (secret_values.h) */
    bool other_cluster;
};

static bool is_platform(const struct install_request *r)
{
    return !strcmp(krm_str(r->info, APPLYSET_INFO_KIND, NULL), APPLYSET_KIND_PLATFORM);
}

/* An update that finds a set which another create has made its own. */
static int check_taken_over(const struct installing *s, struct err *err)
{
    const char *mine = s->r->install_id;

    if (!mine || !mine[0] || !s->parent.token[0] || !strcmp(s->parent.token, mine))
        return 0;
    return err_set(err, ERR_EXISTS,
                   "%s/%s was taken over by another configuration, or by a run with another state: "
                   "nothing was changed. Set adopt = true to take it back, or take it out of this "
                   "configuration (a destroy leaves what isn't its own)",
                   APPLYSET_NAMESPACE, s->r->set_name);
}

/* A create, or an update in another cluster, that finds a finished set: somebody else's, unless nothing would change by taking it
 * over (the answer of the create that made it was lost). */
static int check_finished(const struct installing *s, struct err *err)
{
    json_auto_t *hashes = install_hashes(s->r->objects);
    const char *key;
    json_t *hash;

    if (!s->parent.exists || !s->parent.installed || s->r->adopt)
        return 0;
    if (!s->r->create && !s->other_cluster)
        return check_taken_over(s, err);
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

/* Which cluster is this? How long an API server that doesn't answer is waited for is bounded by the
 * operation's own time, too. */
static int identify(struct installing *s, struct err *err)
{
    const struct install_request *r = s->r;
    int64_t left = clock_left_ms(r->deadline);
    int rc = kube_cluster_uid(r->client, left < KUBE_RETRY_MS ? left + 1 : KUBE_RETRY_MS, s->cancel,
                              &s->out->cluster_uid, err);

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
    return 0;
}

/* The objects that nobody else may have made. Namespaces that are there before a platform, in no
 * set, hold what it is to find in them (certificates, pull secrets): they are taken along, and
 * released when it goes. */
static json_t *exclusive_objects(const struct installing *s)
{
    json_t *out = json_array(), *object;
    size_t i;

    json_array_foreach (s->r->objects, i, object) {
        char *key CLEANUP(mem_cleanup) = kube_key(object);
        const char *set = krm_str(json_object_get(s->existing, key), "metadata", "labels",
                                  APPLYSET_MEMBER_LABEL, NULL);

        if (!is_platform(s->r) || strcmp(gvk_of(object).kind, "Namespace") != 0 || *set)
            json_array_append(out, object);
    }
    return out;
}

/* Whose objects stand under our names? Problems are reported; the code says that there are some. */
static int look_at_objects(struct installing *s)
{
    const struct install_request *r = s->r;
    struct err err CLEANUP(err_done) = ERR_INIT;
    char *foreign CLEANUP(mem_cleanup) = NULL;
    json_auto_t *exclusive = NULL;
    json_t *existing;
    int rc = kube_existing(r->client, r->objects, s->cancel, &existing, &err);

    if (rc)
        return kube_problems_add_err(&s->out->problems, &err);
    json_decref(s->existing);
    s->existing = existing;
    if (r->adopt)
        return 0;
    exclusive = exclusive_objects(s);
    foreign = kube_foreign_text(exclusive, s->existing, r->memory ? r->memory->record : NULL,
                                s->set_id, r->manager);
    if (!foreign)
        return 0;
    err_set(
        &err, ERR_EXISTS,
        "objects of it exist already and aren't part of this installation:\n%s"
        "Nothing was written. Set adopt = true to take these objects over (destroy then releases "
        "them instead of deleting them), or remove them",
        foreign);
    kube_problems_add_err(&s->out->problems, &err);
    return ERR_EXISTS;
}

/* Does anything stand in the way, and whose objects stand under our names? */
static int look_around(struct installing *s)
{
    const struct install_request *r = s->r;
    struct preflight_request p = {
        .client = r->client,
        .objects = r->objects,
        .needs = r->needs,
        .release = krm_str(r->info, "release", NULL),
        .target = r->target,
        .platform = is_platform(r),
        .update = !r->create,
        .capacity = r->capacity,
        .cancel = s->cancel,
    };
    int rc = preflight(&p, &s->out->problems, s->out->warnings);

    if (rc)
        return rc;
    rc = look_at_objects(s);
    return rc ? rc : kube_problems_code(&s->out->problems);
}

/* All that can be said without writing anything, not even the lock. An update looks around only once,
 * under the lock: it has written before. */
static int look_before(struct installing *s)
{
    struct err err CLEANUP(err_done) = ERR_INIT;

    if (identify(s, &err))
        return kube_problems_add_err(&s->out->problems, &err);
    return s->r->create ? look_around(s) : 0;
}

static int write_membership(struct installing *s, json_t *group_kinds, bool installed,
                            struct cancel *cancel, struct err *err)
{
    json_auto_t *info = s->r->info ? json_copy(s->r->info) : json_object();
    struct applyset_parent p = {.installed = installed, .group_kinds = group_kinds, .info = info};
    char count[24];
    int rc;

    snprintf(count, sizeof(count), "%zu", json_array_size(s->r->objects));
    json_object_set_new(info, INSTALL_INFO_OBJECTS, json_string(count));
    memcpy(p.token, s->out->install_id, sizeof(p.token));
    rc = applyset_write(s->r->client, s->r->manager, s->r->set_name, &p, cancel, err);
    json_decref(group_kinds);
    return rc;
}

/* Kinds that members may have: of the wanted objects, of those on the parent and, because somebody may
 * have deleted the parent, of those that were applied. New reference. */
static json_t *known_kinds(const struct installing *s, const json_t *wanted)
{
    json_auto_t *applied = s->r->memory ? install_kinds(s->r->memory->record) : NULL;
    json_auto_t *recorded = applyset_union(s->parent.group_kinds, applied);

    return applyset_union(wanted, recorded);
}

static int begin_membership(struct installing *s, struct err *err)
{
    const struct install_request *r = s->r;
    json_auto_t *kinds = applyset_group_kinds(r->objects);
    int rc;

    if (r->create || s->other_cluster || !r->install_id || !r->install_id[0])
        applyset_token(s->out->install_id);
    else
        snprintf(s->out->install_id, sizeof(s->out->install_id), "%s", r->install_id);
    /* A create whose answer is lost may have written it. An update has changed nothing until it gets
     * here: state and memory from before stay as they are when this fails. */
    s->out->started = r->create;
    rc =
        write_membership(s, known_kinds(s, kinds), !r->create && !s->other_cluster, s->cancel, err);
    s->out->started = s->out->started || !rc;
    if (rc && s->parent.exists) /* the token that is there still names it */
        memcpy(s->out->install_id, s->parent.token, sizeof(s->out->install_id));
    return rc;
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

/* The record of what was applied, with the entries of before for what this run didn't reach. New
 * reference. */
static json_t *still_recorded(const struct installing *s, const json_t *applied)
{
    json_t *out = json_copy((json_t *)applied), *entry;
    const char *key;

    if (s->r->memory && !s->other_cluster)
        json_object_foreach (s->r->memory->record, key, entry) {
            const json_t *there = json_object_get(s->existing, key);

            if (!json_object_get(out, key) && there &&
                !strcmp(krm_str(there, "metadata", "uid", NULL), krm_str(entry, "u", NULL)))
                json_object_set(out, key, entry);
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
                                   .fills = s->fills,
                                   .left = r->left,
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
        /* After an import nothing was ours before. */
        o.previous = before = r->memory->imported ? NULL : r->memory->content;
    }
    rc = kube_apply(&o, &result);
    json_decref(s->out->objects);
    s->out->objects = current_hashes(s, result.record);
    s->out->memory.content = remembered_content(r->objects, s->out->objects, before);
    s->out->memory.record = still_recorded(s, result.record);
    kube_problems_take(&s->out->problems, &result.problems);
    kube_apply_result_done(&result);
    return rc;
}

/* Members that aren't wanted any more go after the new ones are ready. */
static int prune(struct installing *s, struct err *err)
{
    const struct install_request *r = s->r;
    json_auto_t *kinds = applyset_group_kinds(r->objects);
    json_auto_t *all_kinds = known_kinds(s, kinds);
    json_auto_t *members = NULL, *others = json_object();
    struct kube_remove_options o = {.client = r->client,
                                    .manager = r->manager,
                                    .set_id = s->set_id,
                                    .what = r->what,
                                    .facts = &removal_facts,
                                    .crds = KUBE_CRDS_IF_UNUSED,
                                    .user_data = KUBE_DATA_KEEP,
                                    .deadline = r->deadline,
                                    .cancel = s->cancel};
    struct kube_remove_result result;
    json_t *object;
    size_t i;
    int rc = kube_members(r->client, s->set_id, all_kinds, s->cancel, &members, err);

    if (rc)
        return kube_problems_add_err(&s->out->problems, err);
    json_array_foreach (r->objects, i, object) {
        char *key CLEANUP(mem_cleanup) = kube_key(object);

        json_object_set(others, key, object);
        json_object_del(members, key);
    }
    if (!json_object_size(members))
        return 0;
    o.targets = members;
    o.others = others;
    rc = kube_remove(&o, &result);
    if (!rc)
        rc = install_sweep(&o, members, &result);
    json_array_extend(s->out->retained, result.retained);
    kube_problems_take(&s->out->problems, &result.problems);
    kube_remove_result_done(&result);
    return rc;
}

static void tell_kept(struct installing *s)
{
    json_auto_t *kept = secret_values_kept(s->fills);

    json_array_extend(s->out->warnings, kept);
}

static int run_locked(struct installing *s)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    /* again for a create: the lock may have been waited for */
    int rc = s->r->create ? look_at_objects(s) : look_around(s);

    if (rc)
        return rc;
    rc = applyset_read(s->r->client, s->r->set_name, s->cancel, &s->parent, &err);
    if (!rc)
        rc = check_finished(s, &err);
    if (!rc && s->r->memory && !s->other_cluster)
        rc = secret_values_check_lost(s->r->objects, s->existing, s->r->memory->record, &err);
    if (!rc) /* a value that isn't given ends it here, with nothing written */
        rc = secret_values_resolve(s->r->client, s->r->manager, s->r->objects, s->r->given,
                                   s->cancel, &s->fills, &err);
    if (rc)
        return kube_problems_add_err(&s->out->problems, &err);
    tell_kept(s);
    rc = begin_membership(s, &err);
    if (rc)
        return kube_problems_add_err(&s->out->problems, &err);
    rc = apply(s);
    if (!rc && (s->parent.exists || s->r->memory)) /* else there was nothing before */
        rc = prune(s, &err);
    if (rc)
        return rc;
    rc = write_membership(s, applyset_group_kinds(s->r->objects), true, s->cancel, &err);
    if (rc)
        return kube_problems_add_err(&s->out->problems, &err);
    s->out->finished = true;
    return 0;
}

/* The namespace may go between the two, when the last other set in it is being removed. */
int install_lock(struct kube_client *c, const char *manager, const char *set_name,
                 int64_t timeout_ms, struct cancel *cancel, struct kube_lease **ret_lease,
                 struct err *err)
{
    for (int i = 1;; i++) {
        int rc = applyset_prepare(c, manager, cancel, err);

        if (rc)
            return rc;
        rc =
            kube_lease_acquire(c, APPLYSET_NAMESPACE, set_name, timeout_ms, cancel, ret_lease, err);
        if (rc != ERR_NOT_FOUND || i == LOCK_TRIES)
            return rc;
        err_done(err);
    }
}

void install_lock_lost(const char *set_name, struct kube_problems *problems)
{
    struct err err CLEANUP(err_done) = ERR_INIT;

    err_set(&err, ERR_CONFLICT,
            "the lock %s/%s was lost to another run or couldn't be renewed, so this one stopped",
            APPLYSET_NAMESPACE, set_name);
    kube_problems_add_err(problems, &err);
}

static int run(struct installing *s)
{
    const struct install_request *r = s->r;
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct kube_lease *lease CLEANUP(kube_lease_cleanup) = NULL;
    int rc = look_before(s);

    if (rc)
        return rc;
    rc = install_lock(r->client, r->manager, r->set_name, r->lock_timeout_ms, s->cancel, &lease,
                      &err);
    if (rc)
        return kube_problems_add_err(&s->out->problems, &err);
    s->cancel = kube_lease_token(lease);
    rc = run_locked(s);
    if (rc && kube_lease_lost(lease))
        install_lock_lost(r->set_name, &s->out->problems);
    return rc;
}

int install_apply(const struct install_request *r, struct install_outcome *outcome)
{
    struct installing s = {.r = r, .out = outcome, .cancel = r->cancel};
    int rc;

    memset(outcome, 0, sizeof(*outcome));
    outcome->objects = json_object();
    outcome->retained = json_array();
    outcome->warnings = json_array();
    applyset_id(r->set_name, s.set_id);
    rc = run(&s);
    outcome->memory.unfinished = !outcome->finished;
    applyset_parent_done(&s.parent);
    json_decref(s.existing);
    secret_values_free(s.fills);
    return rc;
}
