/* Removal runs in phases from the outermost objects to the innermost. Each phase: decide for every
 * target (delete, release), send all deletes at once, then list the members by label (metadata
 * only) until the phase's targets are gone. A fired token or the deadline ends the wait; what is
 * left is named, and a later run starts over with what is still there. */
#include "lib/kube/remove.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/applyset.h"
#include "lib/kube/explain.h"
#include "lib/kube/graph.h"
#include "lib/kube/members.h"
#include "lib/kube/ours.h"
#include "lib/kube/reborn.h"
#include "lib/kube/user_data.h"

#include "lib/base/banned.h"

#define MODULE            "kube.remove"
#define STEP(phase)       (2 * (phase)) /* odd numbers: before the phase with the number below */
#define LAST_STEP         STEP(5)       /* kube_graph_phase: custom resources */
#define WORKLOAD_STEP     STEP(3)
#define POLL_FIRST_MS     100
#define POLL_MAX_MS       2000
#define PROGRESS_EVERY_MS 5000
#define MAX_NAMED         5 /* user data that a refusal names one by one */
#define MAX_INSTANCES     1000
#define MAX_LOOKS         5 /* at an object that changes while it is released */

struct removal {
    const struct kube_remove_options *o;
    struct kube_remove_result *result;
    struct kube_queue *queue;
    json_t *targets; /* o->targets, perhaps with the instances of its CRDs */
};

struct target {
    const char *key;    /* borrowed */
    const json_t *meta; /* borrowed */
    const struct kube_resource *resource;
    bool release;
    bool failed;
    bool looking; /* it changed under its release: read anew */
    int looks;
};

typedef VEC(struct target) target_vec;

void kube_remove_result_done(struct kube_remove_result *r)
{
    kube_problems_done(&r->problems);
    json_decref(r->retained);
    memset(r, 0, sizeof(*r));
}

static const char *kind_of(const json_t *meta)
{
    return gvk_of(meta).kind;
}

static const char *name_of(const json_t *meta)
{
    return krm_str(meta, "metadata", "name", NULL);
}

static bool is_adopted(const json_t *meta)
{
    return !strcmp(krm_str(meta, "metadata", "annotations", APPLYSET_ADOPTED, NULL), "true");
}

/* --- what users would lose ----------------------------------------------------------------------
 */

/* Appends a sentence "<what>: a, b, c and more" for a list of objects. */
static void add_sentence(json_t *out, const char *what, const json_t *objects)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT;
    const json_t *object;
    size_t i, n = json_array_size(objects);

    if (!n)
        return;
    buf_printf(&text, "%s: ", what);
    json_array_foreach (objects, i, object) {
        char *key CLEANUP(mem_cleanup) = kube_key(object);

        if (i < MAX_NAMED)
            buf_printf(&text, "%s%s", i ? ", " : "", key);
    }
    if (n > MAX_NAMED)
        buf_puts(&text, " and more");
    json_array_append_new(out, json_string(buf_str(&text)));
}

static int user_data_of(const struct kube_remove_options *o, enum kube_strangers which,
                        json_t *meta, json_t *claims, json_t *out, struct err *err)
{
    json_auto_t *found = NULL;
    char *what CLEANUP(mem_cleanup) = NULL;
    const char *kind = kind_of(meta);
    int rc = 0;

    if (is_adopted(meta) && !o->delete_adopted)
        return 0;
    if (!strcmp(kind, "PersistentVolumeClaim")) {
        json_array_append(claims, meta);
    } else if (!strcmp(kind, "Namespace")) {
        rc = kube_namespace_content(o->client, name_of(meta), o->set_id, which, MAX_NAMED + 1,
                                    o->cancel, &found, err);
        what = mem_printf("in namespace %s, not of this installation", name_of(meta));
    } else if (!strcmp(kind, "CustomResourceDefinition") && o->crds == KUBE_CRDS_DELETE) {
        rc = kube_crd_instances(o->client, name_of(meta), o->set_id, which, MAX_NAMED + 1,
                                o->cancel, &found, err);
        what = mem_printf("custom resources of %s", name_of(meta));
    }
    if (!rc && found)
        add_sentence(out, what, found);
    return rc;
}

int kube_remove_check(const struct kube_remove_options *o, enum kube_strangers which,
                      json_t **ret_user_data, struct err *err)
{
    json_auto_t *out = json_array(), *claims = json_array();
    json_t *meta;
    const char *key;

    json_object_foreach ((json_t *)o->targets, key, meta) {
        int rc = user_data_of(o, which, meta, claims, out, err);

        if (rc)
            return rc;
    }
    add_sentence(out, "claims with data", claims);
    *ret_user_data = json_incref(out);
    return 0;
}

/* --- deciding -----------------------------------------------------------------------------------
 */

/* Whether the target stays in the cluster; says why in the log. */
static int must_release(const struct removal *r, const struct target *t, bool *ret_release,
                        struct err *err)
{
    const struct kube_remove_options *o = r->o;
    json_auto_t *found = NULL;
    const char *kind = kind_of(t->meta), *why = NULL;
    bool keep_data = o->user_data != KUBE_DATA_DELETE;
    int rc = 0;

    if (is_adopted(t->meta) && !o->delete_adopted) {
        why = "it was there before and was adopted";
    } else if (!strcmp(kind, "CustomResourceDefinition")) {
        if (o->crds == KUBE_CRDS_KEEP)
            why = "crds = \"keep\"";
        else if (o->crds == KUBE_CRDS_IF_UNUSED || keep_data)
            rc = kube_crd_instances(o->client, name_of(t->meta), o->set_id, KUBE_NOT_OF_SET, 1,
                                    o->cancel, &found, err);
        if (json_array_size(found))
            why = "objects of its kind exist";
    } else if (!strcmp(kind, "PersistentVolumeClaim") && keep_data) {
        why = "it holds data";
    } else if (!strcmp(kind, "Namespace") && keep_data) {
        rc = kube_namespace_content(o->client, name_of(t->meta), o->set_id, KUBE_NOT_OF_SET, 1,
                                    o->cancel, &found, err);
        if (json_array_size(found))
            why = "others keep something in it";
    }
    if (rc)
        return rc;
    if (why)
        log_info(MODULE, "%s stays: %s", t->key, why);
    *ret_release = why != NULL;
    return 0;
}

/* --- sending ------------------------------------------------------------------------------------
 */

static void send_delete(struct removal *r, struct target *t, int step)
{
    /* A workload goes only after its pods, so that what they use isn't pulled from under them. */
    json_auto_t *options =
        json_pack("{s:s, s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind", "DeleteOptions",
                  "propagationPolicy", step == WORKLOAD_STEP ? "Foreground" : "Background",
                  "preconditions", "uid", krm_str(t->meta, "metadata", "uid", NULL));
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

/* --- waiting ------------------------------------------------------------------------------------
 */

/* Lists what is left of the targets that were deleted; new object key -> metadata. */
static int still_there(struct removal *r, const target_vec *targets, json_t **ret_left,
                       struct err *err)
{
    json_auto_t *objects = json_array(), *found = NULL, *left = json_object();
    int rc;

    for (size_t i = 0; i < targets->len; i++)
        if (!targets->at[i].release && !targets->at[i].failed)
            json_array_append(objects, (json_t *)targets->at[i].meta);
    rc = kube_existing(r->o->client, objects, r->o->cancel, &found, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < targets->len; i++) {
        const struct target *t = &targets->at[i];
        json_t *now = json_object_get(found, t->key);

        if (now && !t->release && !t->failed &&
            !strcmp(krm_str(now, "metadata", "uid", NULL),
                    krm_str(t->meta, "metadata", "uid", NULL)))
            json_object_set(left, t->key, now);
    }
    *ret_left = json_incref(left);
    return 0;
}

static void report_left(struct removal *r, json_t *left, const char *how)
{
    const char *key;
    json_t *meta;

    json_object_foreach (left, key, meta) {
        struct buf text = BUF_INIT;
        const json_t *finalizers = krm_get(meta, "metadata", "finalizers", NULL), *f;
        size_t i;

        buf_printf(&text, "%s while it was being deleted", how);
        json_array_foreach (finalizers, i, f)
            buf_printf(&text, "%s%s",
                       i ? ", " : "; it waits for its finalizers: ", json_string_value(f));
        if (json_array_size(finalizers))
            buf_puts(&text, ". The controller that clears them has to run; if it is gone for good, "
                            "remove the finalizers by hand");
        kube_problems_add(&r->result->problems, ERR_TIMEOUT, key, buf_take(&text));
    }
}

static int wait_gone(struct removal *r, const target_vec *targets, struct err *err)
{
    int64_t pause = POLL_FIRST_MS, next_progress = clock_deadline(PROGRESS_EVERY_MS);

    while (true) {
        json_auto_t *left = NULL;
        int rc = still_there(r, targets, &left, err);

        if (rc || !json_object_size(left))
            return rc;
        if (!clock_left_ms(r->o->deadline)) {
            report_left(r, left, "timed out");
            return err_set(err, ERR_TIMEOUT, "timed out");
        }
        if (clock_now_ms() >= next_progress) {
            next_progress = clock_deadline(PROGRESS_EVERY_MS);
            log_info(MODULE, "%s: waiting until %zu objects are gone, among them %s", r->o->what,
                     json_object_size(left), json_object_iter_key(json_object_iter(left)));
        }
        if (cancel_sleep(r->o->cancel, pause))
            return err_set(err, ERR_CANCELLED, "interrupted");
        pause = pause * 2 < POLL_MAX_MS ? pause * 2 : POLL_MAX_MS;
    }
}

/* --- steps --------------------------------------------------------------------------------------
 */

/* With crds = delete and user_data = delete, the custom resources that users made go too, first,
 * while their controllers still run: they join the targets. */
static int add_instances(struct removal *r, struct err *err)
{
    const char *key;
    json_t *meta;

    json_object_foreach ((json_t *)r->o->targets, key, meta) {
        json_auto_t *found = NULL;
        json_t *object;
        size_t i;
        int rc;

        if (strcmp(kind_of(meta), "CustomResourceDefinition"))
            continue;
        rc = kube_crd_instances(r->o->client, name_of(meta), r->o->set_id, KUBE_NOT_OF_SET,
                                MAX_INSTANCES, r->o->cancel, &found, err);
        if (rc)
            return rc;
        json_array_foreach (found, i, object) {
            char *name CLEANUP(mem_cleanup) = kube_key(object);

            json_object_set(r->targets, name, object);
        }
    }
    return 0;
}

static int step_of(const json_t *meta)
{
    int step = STEP(kube_graph_phase(meta));

    return kube_is_aggregated(meta) ? step + 1 : step;
}

static int run_step(struct removal *r, int step, struct err *err)
{
    target_vec targets = VEC_INIT;
    const char *key;
    json_t *meta;
    int rc = 0;

    json_object_foreach (r->targets, key, meta) {
        struct gvk gvk = gvk_of(meta);
        struct target t = {.key = key, .meta = meta};

        if (rc || step_of(meta) != step)
            continue;
        rc = kube_resource_for(r->o->client, gvk.group, gvk.version, gvk.kind, r->o->cancel,
                               &t.resource, err);
        if (rc == ERR_NOT_FOUND) { /* its CRD is gone, and it with it */
            rc = 0;
            continue;
        }
        if (!rc)
            rc = must_release(r, &t, &t.release, err);
        if (!rc)
            vec_push(&targets, t);
    }
    for (size_t i = 0; !rc && i < targets.len; i++) {
        if (targets.at[i].release) {
            json_array_append_new(r->result->retained, json_string(targets.at[i].key));
            send_release(r, &targets.at[i]);
        } else {
            send_delete(r, &targets.at[i], step);
        }
    }
    if (!rc && targets.len)
        rc = collect(r, err);
    if (!rc && targets.len)
        rc = wait_gone(r, &targets, err);
    vec_done(&targets);
    return rc;
}

int kube_remove(const struct kube_remove_options *o, struct kube_remove_result *result)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct removal r = {.o = o, .result = result, .queue = kube_queue_new(o->client)};
    int rc = 0;

    r.targets = json_copy((json_t *)o->targets);
    memset(result, 0, sizeof(*result));
    result->retained = json_array();
    log_info(MODULE, "%s: removing %zu objects", o->what, json_object_size(o->targets));
    if (o->crds == KUBE_CRDS_DELETE && o->user_data == KUBE_DATA_DELETE)
        rc = add_instances(&r, &err);
    for (int step = LAST_STEP; !rc && !result->problems.len && step >= 0; step--)
        rc = run_step(&r, step, &err);
    if (!rc && !result->problems.len)
        rc = kube_delete_reborn(o->client, r.targets, o->cancel, &err);
    if (rc && !result->problems.len)
        kube_problems_add_err(&result->problems, &err);
    kube_queue_free(r.queue);
    json_decref(r.targets);
    log_info(MODULE, "%s: %zu deleted, %zu kept, %zu problems", o->what, result->deleted,
             json_array_size(result->retained), result->problems.len);
    return kube_problems_code(&result->problems);
}
