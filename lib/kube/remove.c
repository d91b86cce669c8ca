/* Removal runs in phases from the outermost objects to the innermost. Each phase: decide for every
 * target (delete, release), send all deletes at once, then read the metadata of what is left until
 * the phase's targets are gone, and the namespaces that belong to them. A fired token or the
 * deadline ends the wait; what is left is named, and a later run starts over with what is still
 * there. Users' work goes first, in waves that are phases of their own. */
#include "lib/kube/remove.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/aggregation.h"
#include "lib/kube/applyset.h"
#include "lib/kube/graph.h"
#include "lib/kube/members.h"
#include "lib/kube/ours.h"
#include "lib/kube/remove_parts.h"

#include "lib/base/banned.h"

#define STEP(phase)   (2 * (phase)) /* odd numbers: before the phase with the number below */
#define LAST_STEP     STEP(REMOVE_CUSTOM_PHASE)
#define WORKLOAD_STEP STEP(3)
#define MAX_INSTANCES 1000 /* of one CRD at once */
#define MAX_LOOKS     5    /* at an object that changes while it is released */

void kube_remove_result_done(struct kube_remove_result *r)
{
    kube_problems_done(&r->problems);
    json_decref(r->retained);
    memset(r, 0, sizeof(*r));
}

static const char *name_of(const json_t *meta)
{
    return krm_str(meta, "metadata", "name", NULL);
}

/* --- sending ------------------------------------------------------------------------------------
 */

static void send_delete(struct removal *r, struct target *t, bool foreground)
{
    json_auto_t *options =
        json_pack("{s:s, s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind", "DeleteOptions",
                  "propagationPolicy", foreground ? "Foreground" : "Background", "preconditions",
                  "uid", krm_str(t->meta, "metadata", "uid", NULL));
    struct kube_request req = {.verb = KUBE_DELETE,
                               .resource = t->resource,
                               .namespace = krm_str(t->meta, "metadata", "namespace", NULL),
                               .name = name_of(t->meta),
                               .body = options,
                               .user = t};

    kube_start(r->queue, &req);
}

/* A patch that takes away all annotations of ours. New reference. */
static json_t *annotations_off(const json_t *meta)
{
    json_t *out = json_object(), *value;
    const char *key;

    json_object_foreach (krm_get(meta, "metadata", "annotations", NULL), key, value) {
        if (!strncmp(key, APPLYSET_ANNOTATION(""), strlen(APPLYSET_ANNOTATION(""))))
            json_object_set_new(out, key, json_null());
    }
    return out;
}

/* Our label, annotations and claim to fields go; everything else stays as it is. An apply of an
 * empty object under our manager removes exactly what only we own, so ownership is dropped from
 * managedFields instead, and the marks with it. */
static void send_release(struct removal *r, struct target *t)
{
    json_auto_t *body = NULL;
    char *values CLEANUP(mem_cleanup) = kube_values_manager(r->o->manager);
    json_t *fields = json_array(), *entry;
    struct kube_request req = {.verb = KUBE_MERGE_PATCH,
                               .resource = t->resource,
                               .namespace = krm_str(t->meta, "metadata", "namespace", NULL),
                               .name = name_of(t->meta),
                               .field_manager = r->o->manager,
                               .user = t};
    size_t i;

    json_array_foreach (krm_get(t->meta, "metadata", "managedFields", NULL), i, entry)
        if (strcmp(krm_str(entry, "manager", NULL), r->o->manager) &&
            strcmp(krm_str(entry, "manager", NULL), values))
            json_array_append(fields, entry);
    /* An empty list would mean "reset": the API server wants [{}] for that. */
    if (!json_array_size(fields))
        json_array_append_new(fields, json_object());
    body = json_pack("{s:{s:s, s:{s:n}, s:o, s:o}}", "metadata", "resourceVersion",
                     krm_str(t->meta, "metadata", "resourceVersion", NULL), "labels",
                     APPLYSET_MEMBER_LABEL, "annotations", annotations_off(t->meta),
                     "managedFields", fields);
    req.body = body;
    kube_start(r->queue, &req);
}

/* The release named a version that isn't there any more: controllers write status all the time. */
static void look_anew(struct removal *r, struct target *t)
{
    struct kube_request req = {.verb = KUBE_GET,
                               .resource = t->resource,
                               .namespace = krm_str(t->meta, "metadata", "namespace", NULL),
                               .name = name_of(t->meta),
                               .metadata_only = true,
                               .user = t};

    t->looks++;
    t->looking = true;
    kube_start(r->queue, &req);
}

static void on_looked(struct removal *r, struct target *t, const json_t *body)
{
    json_t *meta = kube_metadata_object(t->resource, body);

    t->looking = false;
    if (!meta || strcmp(krm_str(meta, "metadata", "uid", NULL),
                        krm_str(t->meta, "metadata", "uid", NULL)) != 0) {
        json_decref(meta); /* another object has taken the name */
        return;
    }
    json_object_set_new(r->targets, t->key, meta);
    t->meta = meta;
    send_release(r, t);
}

/* Takes all answers of the step. Gone already is as good as deleted. */
static int collect(struct removal *r, struct err *err)
{
    while (kube_pending(r->queue)) {
        struct kube_result res;
        struct target *t;
        int rc = kube_next(r->queue, r->o->deadline, r->o->cancel, &res);

        if (rc)
            return err_set(err, rc, rc == ERR_TIMEOUT ? "timed out" : "interrupted");
        t = res.user;
        if (res.code == ERR_NOT_FOUND || (res.code == ERR_CONFLICT && !t->release)) {
            /* not there any more, or another object has taken the name */
        } else if (res.code == ERR_CONFLICT && !t->looking && t->looks < MAX_LOOKS) {
            look_anew(r, t);
        } else if (res.code) {
            t->failed = true;
            kube_problems_add(&r->result->problems, res.code, t->key,
                              mem_strdup(err_msg(&res.err)));
        } else if (t->looking) {
            on_looked(r, t, res.body);
        } else if (!t->release) {
            r->result->deleted++;
        }
        kube_result_done(&res);
    }
    return 0;
}

/* --- steps --------------------------------------------------------------------------------------
 */

/* What stays for the sake of a claim is released before the claim is: whoever comes after a removal
 * that was cut short in between finds both, or the claim alone. */
static bool is_before_its_phase(const struct removal *r, const json_t *meta)
{
    return kube_is_aggregated(meta) || remove_stays_with_data(r, meta);
}

static int step_of(const struct removal *r, const json_t *meta)
{
    int step = STEP(kube_graph_phase(meta));

    return is_before_its_phase(r, meta) ? step + 1 : step;
}

/* Adds one object, and what is to be done with it. */
static int add_target(struct removal *r, target_vec *targets, const char *key, const json_t *meta,
                      bool users, struct err *err)
{
    struct gvk gvk = gvk_of(meta);
    struct target t = {.key = key, .meta = meta};
    int rc = kube_resource_for(r->o->client, gvk.group, gvk.version, gvk.kind, r->o->cancel,
                               &t.resource, err);

    if (rc == ERR_NOT_FOUND) { /* its CRD is gone, and it with it */
        err_done(err);
        return 0;
    }
    if (!rc && !users)
        rc = remove_must_release(r, &t, &t.release, err);
    if (!rc)
        vec_push(targets, t);
    return rc;
}

/* Adds the namespaces that belong to what is deleted. */
static int add_followers(struct removal *r, target_vec *targets, struct err *err)
{
    struct target t = {.follows = true};
    size_t n = targets->len;
    json_t *namespace;
    int rc = 0;

    for (size_t i = 0; !rc && i < n; i++) {
        if (targets->at[i].release || !remove_owned_by(r, targets->at[i].meta))
            continue;
        rc = kube_resource_for(r->o->client, "", "v1", "Namespace", r->o->cancel, &t.resource, err);
        json_object_foreach (remove_owned_by(r, targets->at[i].meta), t.key, namespace) {
            t.meta = namespace;
            vec_push(targets, t);
        }
    }
    return rc;
}

static void send(struct removal *r, struct target *t, bool foreground)
{
    if (t->release) {
        json_array_append_new(r->result->retained, json_string(t->key));
        send_release(r, t);
    } else if (!t->follows) {
        send_delete(r, t, foreground);
    }
}

/* Which namespaces belong to some of these objects is looked up when they are about to go. */
static int look_for_owned(struct removal *r, const json_t *set, struct err *err)
{
    const char *key;
    json_t *meta;

    json_decref(r->owned);
    r->owned = NULL;
    json_object_foreach ((json_t *)set, key, meta) {
        if (remove_may_own(meta))
            return kube_owned_namespaces(r->o->client, r->o->cancel, &r->owned, err);
    }
    return 0;
}

/* One phase: all objects of a set (key -> metadata). users: nothing of it is ours to release.
 * foreground: they are gone when all that belongs to them is. */
static int run_phase(struct removal *r, const json_t *set, bool foreground, bool users,
                     struct err *err)
{
    target_vec targets = VEC_INIT;
    const char *key;
    json_t *meta;
    int rc = look_for_owned(r, set, err);

    json_object_foreach ((json_t *)set, key, meta) {
        if (!rc)
            rc = add_target(r, &targets, key, meta, users, err);
    }
    if (!rc)
        rc = add_followers(r, &targets, err);
    for (size_t i = 0; !rc && i < targets.len; i++)
        send(r, &targets.at[i], foreground);
    if (!rc && targets.len)
        rc = collect(r, err);
    if (!rc && targets.len)
        rc = remove_wait(r, &targets, err);
    vec_done(&targets);
    return rc;
}

static int run_step(struct removal *r, int step, struct err *err)
{
    json_auto_t *set = json_object();
    const char *key;
    json_t *meta;

    json_object_foreach (r->targets, key, meta) {
        if (step_of(r, meta) == step)
            json_object_set(set, key, meta);
    }
    /* A workload goes only after its pods, so that what they use isn't pulled from under them. */
    return run_phase(r, set, step == WORKLOAD_STEP, false, err);
}

/* --- users' work -------------------------------------------------------------------------------- */

/* Adds what users made of one CRD, if it is of this wave. */
static int add_work(struct removal *r, const char *crd_name, int wave, json_t *set, struct err *err)
{
    const struct kube_remove_facts *facts = r->o->facts;
    int own = facts ? facts->wave_of(crd_name) : 0;
    enum kube_strangers which;
    json_auto_t *found = NULL;
    json_t *object;
    size_t i;
    int rc;

    if (!remove_holds_work(r->o, crd_name, &which) || own != wave)
        return 0;
    rc = kube_crd_instances(r->o->client, crd_name, NULL, r->o->set_id, which, MAX_INSTANCES,
                            r->o->cancel, &found, err);
    json_array_foreach (found, i, object) {
        char *key CLEANUP(mem_cleanup) = kube_key(object);

        json_object_set(set, key, object);
    }
    return rc;
}

static int find_work(struct removal *r, int wave, json_t *set, struct err *err)
{
    const char *key;
    json_t *meta;
    int rc = 0;

    json_object_foreach ((json_t *)r->o->targets, key, meta) {
        if (!rc && !strcmp(gvk_of(meta).kind, "CustomResourceDefinition") &&
            !remove_is_adopted(r->o, meta))
            rc = add_work(r, name_of(meta), wave, set, err);
    }
    return rc;
}

/* What is there is looked up wave by wave: those that went before may have made more. */
static int run_wave(struct removal *r, int wave, struct err *err)
{
    while (true) {
        json_auto_t *set = json_object();
        size_t n;
        int rc = find_work(r, wave, set, err);

        n = json_object_size(set);
        if (rc || !n)
            return rc;
        log_info(REMOVE_MODULE, "%s: first %zu objects that users made", r->o->what, n);
        /* With all that was made of them, which may need the controllers, too. */
        rc = run_phase(r, set, true, true, err);
        if (rc || r->result->problems.len || n < MAX_INSTANCES)
            return rc;
    }
}

/* CRDs without a wave have their turn last: wave 0. */
static int remove_work(struct removal *r, struct err *err)
{
    int n = r->o->facts ? r->o->facts->nwaves : 0, rc = 0;

    for (int wave = 1; !rc && !r->result->problems.len && wave <= n; wave++)
        rc = run_wave(r, wave, err);
    return rc || r->result->problems.len ? rc : run_wave(r, 0, err);
}

int kube_remove(const struct kube_remove_options *o, struct kube_remove_result *result)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct removal r = {.o = o, .result = result, .queue = kube_queue_new(o->client)};
    int rc = 0;

    r.targets = json_copy((json_t *)o->targets);
    memset(result, 0, sizeof(*result));
    result->retained = json_array();
    log_info(REMOVE_MODULE, "%s: removing %zu objects", o->what, json_object_size(o->targets));
    if (o->user_data == KUBE_DATA_DELETE)
        rc = remove_work(&r, &err);
    for (int step = LAST_STEP; !rc && !result->problems.len && step >= 0; step--)
        rc = run_step(&r, step, &err);
    if (rc && !result->problems.len)
        kube_problems_add_err(&result->problems, &err);
    kube_queue_free(r.queue);
    json_decref(r.targets);
    json_decref(r.owned);
    log_info(REMOVE_MODULE, "%s: %zu deleted, %zu kept, %zu problems", o->what, result->deleted,
             json_array_size(result->retained), result->problems.len);
    return kube_problems_code(&result->problems);
}
