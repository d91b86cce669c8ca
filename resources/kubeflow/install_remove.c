#include "resources/kubeflow/install.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/kube/aggregation.h"
#include "lib/kube/drift.h"
#include "lib/kube/lease.h"
#include "lib/kube/members.h"
#include "resources/kubeflow/leftovers.h"
#include "resources/kubeflow/removal_facts.h"

#include "lib/base/banned.h"

#define MODULE "kubeflow.install"

struct removing {
    const struct install_removal *r;
    char set_id[APPLYSET_ID_SIZE];
    json_t *members; /* key -> metadata */
    json_t *kinds;   /* of the members */
    bool elsewhere;  /* not ours to remove: another cluster, or taken over */
    bool taken_over;
    bool recorded; /* the parent is there */
};

static void removing_done(struct removing *s)
{
    json_decref(s->members);
    json_decref(s->kinds);
}

/* Is it there, and ours? */
static int find_record(struct removing *s, struct cancel *cancel, struct err *err)
{
    const struct install_removal *r = s->r;
    json_auto_t *state_kinds = install_kinds(r->wanted);
    struct applyset_parent parent = {0};
    char *uid CLEANUP(mem_cleanup) = NULL;
    int rc = kube_cluster_uid(r->client, INSTALL_READ_RETRY_MS, cancel, &uid, err);

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
    /* Of something unfinished the last token may never have reached the state. */
    s->taken_over = parent.exists && r->install_id[0] && strcmp(parent.token, r->install_id) &&
                    (parent.installed || !r->unfinished);
    s->elsewhere = s->taken_over;
    if (s->elsewhere)
        log_info(MODULE, "%s: another create has taken the installation over; nothing to remove",
                 r->what);
    json_decref(s->kinds);
    s->kinds = applyset_union(state_kinds, parent.group_kinds);
    applyset_parent_done(&parent);
    return 0;
}

static int find_members(struct removing *s, struct cancel *cancel, struct err *err)
{
    int rc = find_record(s, cancel, err);

    if (rc || s->elsewhere)
        return rc;
    json_decref(s->members);
    s->members = NULL;
    return kube_members(s->r->client, s->set_id, s->kinds, cancel, &s->members, err);
}

static struct kube_remove_options remove_options(const struct removing *s, struct cancel *cancel)
{
    const struct install_removal *r = s->r;

    return (struct kube_remove_options){.client = r->client,
                                        .manager = r->manager,
                                        .set_id = s->set_id,
                                        .what = r->what,
                                        .targets = s->members,
                                        .facts = &removal_facts,
                                        .crds = r->crds,
                                        .user_data = r->user_data,
                                        .delete_adopted = r->delete_adopted,
                                        .deadline = r->deadline,
                                        .cancel = cancel};
}

void install_removal_findings_done(struct install_removal_findings *f)
{
    json_decref(f->user_data);
    memset(f, 0, sizeof(*f));
}

int install_removal_check(const struct install_removal *r, enum kube_strangers which,
                          struct install_removal_findings *ret, struct err *err)
{
    struct removing s CLEANUP(removing_done) = {.r = r};
    bool refuses = r->user_data == KUBE_DATA_REFUSE;
    json_t *user_data = NULL;
    int rc = refuses ? find_members(&s, r->cancel, err) : find_record(&s, r->cancel, err);

    if (!rc && refuses && !s.elsewhere) {
        struct kube_remove_options o = remove_options(&s, r->cancel);

        rc = kube_remove_check(&o, which, &user_data, err);
    }
    if (!rc)
        *ret = (struct install_removal_findings){user_data, s.taken_over};
    return rc;
}

/* Without those that live on: released, or members of another set by now. A role that only its
 * controller has written is one that came back. */
static int really_gone(const struct kube_remove_options *o, const json_t *keys, json_t **ret_gone,
                       struct err *err)
{
    json_auto_t *stubs = json_array(), *alive = NULL;
    json_t *gone = json_copy((json_t *)keys), *object, *unused;
    const char *key;
    int rc;

    json_object_foreach (gone, key, unused)
        json_array_append_new(stubs, kube_stub_of_key(key));
    rc = kube_existing(o->client, stubs, o->cancel, &alive, err);
    json_object_foreach (alive, key, object) {
        if (!kube_is_only_aggregated(object))
            json_object_del(gone, key);
    }
    if (rc)
        json_decref(gone);
    else
        *ret_gone = gone;
    return rc;
}

int install_sweep(const struct kube_remove_options *o, const json_t *keys,
                  struct kube_remove_result *result)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct kube_remove_options sweep = *o;
    struct kube_remove_result swept;
    json_auto_t *gone = NULL, *left = NULL;
    int rc = really_gone(o, keys, &gone, &err);

    if (!rc)
        rc = leftovers_find(o->client, gone, result->retained, o->cancel, &left, &err);

    if (rc)
        return kube_problems_add_err(&result->problems, &err);
    if (!json_object_size(left))
        return 0;
    sweep.targets = left;
    rc = kube_remove(&sweep, &swept);
    result->deleted += swept.deleted;
    json_array_extend(result->retained, swept.retained);
    kube_problems_take(&result->problems, &swept.problems);
    kube_remove_result_done(&swept);
    return rc;
}

/* What is there is looked at again: whoever had the lock while it was waited for may have added
 * members, removed all, or taken the installation over. */
static int remove_locked(struct removing *s, struct cancel *cancel,
                         struct kube_remove_result *result, struct err *err)
{
    struct kube_remove_options o;
    int rc;

    rc = find_members(s, cancel, err);
    if (rc || s->elsewhere)
        return rc;
    o = remove_options(s, cancel);
    kube_remove_result_done(result);
    rc = kube_remove(&o, result);
    if (!rc) { /* state knows also what an earlier try has removed */
        json_auto_t *gone = json_copy((json_t *)s->r->wanted);

        json_object_update(gone, s->members);
        rc = install_sweep(&o, gone, result);
    }
    return rc ? rc : applyset_remove(s->r->client, s->r->set_name, cancel, err);
}

int install_remove(const struct install_removal *r, struct kube_remove_result *result)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct kube_lease *lease = NULL;
    struct removing s CLEANUP(removing_done) = {.r = r};
    int rc;

    memset(result, 0, sizeof(*result));
    result->retained = json_array();
    rc = find_members(&s, r->cancel, &err);
    if (!rc && (s.elsewhere || (!s.recorded && !json_object_size(s.members))))
        return 0;
    if (!rc)
        rc = install_lock(r->client, r->manager, r->set_name, r->lock_timeout_ms, r->cancel, &lease,
                          &err);
    if (!rc) {
        rc = remove_locked(&s, kube_lease_token(lease), result, &err);
        if (rc && kube_lease_lost(lease))
            install_lock_lost(r->set_name, &result->problems);
    }
    if (rc && !result->problems.len)
        kube_problems_add_err(&result->problems, &err);
    kube_lease_release(lease);
    if (!rc)
        applyset_tidy(r->client, r->cancel);
    return rc;
}
