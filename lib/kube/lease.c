/* Every write is a PUT of the object as it was last seen, with its uid and resourceVersion, so that
 * of two that take or renew a lease at the same time one gets a conflict and looks again. What is
 * written names the writer: after an answer that got lost, the next look tells whether it is ours.
 *
 *     waits ──free, expired or its holder dead──> held ──kube_lease_release──> deleted
 *                                                  └──somebody else's, gone, or not renewed
 *                                                     for keep_ms──> lost (the token fires)
 *
 * The expiry of somebody else's lease counts from when this process first saw its renewTime; our
 * own from before the request that renewed it was sent. So nobody's clock matters, and the holder
 * gives up before anyone takes. */
#include "lib/kube/lease.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/kube/lease_holder.h"
#include "lib/kube/lease_parts.h"

#include "lib/base/banned.h"

#define MODULE         "kube.lease"
#define MAX_DURATION_S 3600 /* whatever the lease of somebody else says */
#define RELEASE_TRIES  2
#define MAX_RACES      20 /* lost in a row */
#define MAX_UNANSWERED 5  /* writes whose answer got lost */

static const struct lease_times usual_times = {
    .duration_s = LEASE_SECONDS,
    .renew_ms = LEASE_RENEW_MS,
    .retry_ms = 3000,
    .keep_ms = LEASE_SECONDS * 1000 - LEASE_RENEW_MS,
    .try_ms = 10000,
    .poll_ms = 2000,
    .release_ms = 5000,
};

static const struct kube_resource lease_resource = {
    .group = "coordination.k8s.io",
    .version = "v1",
    .kind = "Lease",
    .plural = "leases",
    .namespaced = true,
};

struct kube_lease {
    struct kube_client *client;
    struct lease_times times;
    char *namespace, *name;
    char holder[LEASE_HOLDER_SIZE];

    json_t *object;       /* as last written; the renewing thread's while it runs */
    int64_t keep_until;   /* without another renewal; that thread's too */
    struct cancel *token; /* what users get */
    struct cancel *stop;  /* ends the renewing */
    pthread_t thread;
    bool running, lost;
    bool unsure; /* a write got no answer */
    int unanswered;
};

/* --- requests --------------------------------------------------------------------------------- */

/* One request, given up at the deadline. A lock that is being renewed waits for no turn among the
 * client's others, whose objects it guards. Returns the result's code. */
static int call(struct kube_lease *l, enum kube_verb verb, json_t *body, int64_t retry_ms,
                int64_t deadline, struct cancel *cancel, struct kube_result *r)
{
    struct kube_queue *q CLEANUP(kube_queue_cleanup) = kube_queue_new(l->client);
    struct kube_request req = {.verb = verb,
                               .resource = &lease_resource,
                               .namespace = l->namespace,
                               .name = verb == KUBE_CREATE ? NULL : l->name,
                               .body = body,
                               .timeout_ms = l->times.try_ms,
                               .retry_ms = retry_ms,
                               .urgent = true};
    int rc;

    memset(r, 0, sizeof(*r));
    kube_start(q, &req);
    rc = kube_next(q, deadline, cancel, r);
    if (rc)
        r->code = err_set(&r->err, rc, "lease %s/%s: %s", l->namespace, l->name,
                          rc == ERR_TIMEOUT ? "no answer in time" : "interrupted");
    return r->code;
}

static const char *holder_of(const json_t *object)
{
    return krm_str(object, "spec", "holderIdentity", NULL);
}

static void keep(struct kube_lease *l, struct kube_result *r)
{
    json_decref(l->object);
    l->object = json_incref(r->body);
}

/* Writes that we hold it now, over `seen` (NULL: it doesn't exist). What it is then is kept. */
static int write_held(struct kube_lease *l, const json_t *seen, int64_t retry_ms, int64_t deadline,
                      struct cancel *cancel, struct err *err)
{
    bool ours = !strcmp(holder_of(seen), l->holder);
    json_auto_t *object = NULL;
    char now[CLOCK_STAMP_SIZE];
    int64_t sent = clock_now_ms();
    struct kube_result r;
    json_t *spec;
    int rc;

    clock_stamp(now);
    object =
        seen ? json_deep_copy(seen)
             : json_pack("{s:s, s:s, s:{s:s, s:s}}", "apiVersion", "coordination.k8s.io/v1", "kind",
                         "Lease", "metadata", "namespace", l->namespace, "name", l->name);
    if (!json_is_object(json_object_get(object, "spec")))
        json_object_set_new(object, "spec", json_object());
    spec = json_object_get(object, "spec");
    json_object_set_new(spec, "renewTime", json_string(now));
    if (!ours) {
        json_int_t before = json_integer_value(json_object_get(spec, "leaseTransitions"));

        json_object_set_new(spec, "holderIdentity", json_string(l->holder));
        json_object_set_new(spec, "leaseDurationSeconds", json_integer(l->times.duration_s));
        json_object_set_new(spec, "acquireTime", json_string(now));
        json_object_set_new(spec, "leaseTransitions", json_integer(seen ? before + 1 : 0));
    }
    rc = call(l, seen ? KUBE_UPDATE : KUBE_CREATE, object, retry_ms, deadline, cancel, &r);
    if (!rc) {
        keep(l, &r);
        l->keep_until = sent + l->times.keep_ms;
    } else {
        l->unsure |= !r.status.http;
        err_move(err, &r.err);
    }
    kube_result_done(&r);
    return rc;
}

/* 0 with what is there, NULL when there is none. */
static int look(struct kube_lease *l, int64_t retry_ms, int64_t deadline, struct cancel *cancel,
                json_t **ret_object, struct err *err)
{
    struct kube_result r;
    int rc = call(l, KUBE_GET, NULL, retry_ms, deadline, cancel, &r);

    if (!rc)
        *ret_object = json_incref(r.body);
    else if (rc == ERR_NOT_FOUND)
        *ret_object = NULL;
    else
        err_move(err, &r.err);
    kube_result_done(&r);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* --- acquiring -------------------------------------------------------------------------------- */

/* Somebody else's lease, as it was first seen. */
struct rival {
    char *holder, *renewed, *acquired; /* heap */
    int64_t since;
};

static void rival_done(struct rival *r)
{
    free(r->holder);
    free(r->renewed);
    free(r->acquired);
    memset(r, 0, sizeof(*r));
}

static void rival_watch(struct rival *r, const json_t *object)
{
    const char *renewed = krm_str(object, "spec", "renewTime", NULL);

    if (r->holder && !strcmp(r->holder, holder_of(object)) && !strcmp(r->renewed, renewed))
        return;
    rival_done(r);
    r->holder = mem_strdup(holder_of(object));
    r->renewed = mem_strdup(renewed);
    r->acquired = mem_strdup(krm_str(object, "spec", "acquireTime", NULL));
    r->since = clock_now_ms();
}

static bool rival_expired(const struct rival *r, const json_t *object)
{
    json_int_t s = json_integer_value(krm_get(object, "spec", "leaseDurationSeconds", NULL));

    if (s <= 0 || s > MAX_DURATION_S)
        s = LEASE_SECONDS;
    return clock_now_ms() - r->since >= s * 1000;
}

static void rival_words(const struct rival *r, struct buf *out)
{
    lease_holder_words(r->holder, out);
    if (r->acquired[0])
        buf_printf(out, " since %s", r->acquired);
}

/* 0 when it is ours, or *ret_held, when the rival has it; ERR_RETRY when somebody was faster or the
 * answer got lost: look again; or the API's error. */
static int try_take(struct kube_lease *l, struct rival *rival, struct cancel *cancel,
                    bool *ret_held, struct err *err)
{
    json_auto_t *seen = NULL;
    const char *why = NULL;
    int rc = look(l, 0, INT64_MAX, cancel, &seen, err);

    *ret_held = false;
    if (rc)
        return rc;
    if (holder_of(seen)[0] && strcmp(holder_of(seen), l->holder) != 0) {
        rival_watch(rival, seen);
        if (lease_holder_gone(rival->holder)) {
            why = "which is gone";
        } else if (rival_expired(rival, seen)) {
            why = "which doesn't renew it any more";
        } else {
            *ret_held = true;
            return 0;
        }
    }
    rc = write_held(l, seen, l->times.keep_ms / 2, INT64_MAX, cancel, err);
    if (rc == ERR_CONFLICT || rc == ERR_EXISTS)
        return ERR_RETRY;
    if ((rc == ERR_UNREACHABLE || rc == ERR_TIMEOUT) && l->unanswered++ < MAX_UNANSWERED)
        return ERR_RETRY; /* done or not: the next look tells */
    if (!rc && why) {
        struct buf words CLEANUP(buf_done) = BUF_INIT;

        rival_words(rival, &words);
        log_warn(MODULE, "lease %s/%s taken over from %s, %s", l->namespace, l->name,
                 buf_str(&words), why);
    }
    return rc;
}

static int held_by(const struct kube_lease *l, const struct rival *r, struct err *err)
{
    struct buf words CLEANUP(buf_done) = BUF_INIT;

    rival_words(r, &words);
    return err_set(
        err, ERR_CONFLICT,
        "lease %s/%s is held by %s, last renewed %s: another apply is at work on the same "
        "objects. Try again when it has ended; after a crash the lease is free %d seconds "
        "after its last renewal, or at once with `kubectl -n %s delete lease %s`",
        l->namespace, l->name, buf_str(&words), r->renewed[0] ? r->renewed : "never",
        l->times.duration_s, l->namespace, l->name);
}

static int acquire(struct kube_lease *l, int64_t timeout_ms, struct cancel *cancel, struct err *err)
{
    int64_t deadline = clock_deadline(timeout_ms);
    struct rival rival CLEANUP(rival_done) = {NULL, NULL, NULL, 0};
    int64_t told = -1;

    for (int races = 0;; races++) {
        struct err problem CLEANUP(err_done) = ERR_INIT;
        bool held;
        int rc = try_take(l, &rival, cancel, &held, &problem);
        int64_t left = clock_left_ms(deadline);

        if (rc == ERR_RETRY && races < MAX_RACES)
            continue;
        if (rc)
            return err_move(err, &problem);
        if (!held)
            return 0;
        races = 0;
        if (left == 0)
            return held_by(l, &rival, err);
        if (told != rival.since) {
            struct buf words CLEANUP(buf_done) = BUF_INIT;

            rival_words(&rival, &words);
            log_info(MODULE, "waiting for lease %s/%s, held by %s", l->namespace, l->name,
                     buf_str(&words));
            told = rival.since;
        }
        if (cancel_sleep(cancel, left < l->times.poll_ms ? left : l->times.poll_ms))
            return err_set(err, ERR_CANCELLED, "interrupted while waiting for lease %s/%s",
                           l->namespace, l->name);
    }
}

/* --- renewing --------------------------------------------------------------------------------- */

/* 0; ERR_CONFLICT when it isn't ours any more; else it may work next time. */
static int renew(struct kube_lease *l, struct err *err)
{
    int64_t deadline = l->keep_until;
    json_auto_t *seen = NULL;
    int rc = write_held(l, l->object, -1, deadline, l->stop, err);

    if (rc != ERR_CONFLICT && rc != ERR_NOT_FOUND)
        return rc;
    /* Somebody wrote it, perhaps we in a try whose answer got lost. */
    if ((rc = look(l, -1, deadline, l->stop, &seen, err)))
        return rc;
    if (!seen)
        return err_set(err, ERR_CONFLICT, "it was deleted");
    if (strcmp(holder_of(seen), l->holder) != 0) {
        struct buf words CLEANUP(buf_done) = BUF_INIT;

        lease_holder_words(holder_of(seen), &words);
        return err_set(err, ERR_CONFLICT, "%s has it now", buf_str(&words));
    }
    rc = write_held(l, seen, -1, deadline, l->stop, err);
    return rc == ERR_CONFLICT ? ERR_RETRY : rc;
}

/* What it took to write the lease is off the time that is left for the next renewal. */
static int64_t next_renewal(const struct kube_lease *l)
{
    int64_t third = clock_left_ms(l->keep_until) / 3;

    return third < l->times.renew_ms ? third : l->times.renew_ms;
}

static void *renew_loop(void *arg)
{
    struct kube_lease *l = arg;
    int64_t pause = next_renewal(l);

    while (!cancel_sleep(l->stop, pause)) {
        struct err problem CLEANUP(err_done) = ERR_INIT;
        int rc = renew(l, &problem);
        int64_t left = clock_left_ms(l->keep_until);

        pause = next_renewal(l);
        if (!rc)
            continue;
        if (cancel_fired(l->stop))
            break;
        if (rc == ERR_CONFLICT || left == 0) {
            log_error(MODULE, "lease %s/%s is lost: %s", l->namespace, l->name, err_msg(&problem));
            __atomic_store_n(&l->lost, true, __ATOMIC_RELEASE);
            cancel_fire(l->token);
            break;
        }
        log_warn(MODULE, "lease %s/%s can't be renewed: %s", l->namespace, l->name,
                 err_msg(&problem));
        pause = left < l->times.retry_ms ? left : l->times.retry_ms;
    }
    return NULL;
}

/* --- the lease -------------------------------------------------------------------------------- */

/* Deletes it as it was seen to be ours; a conflict is looked at once, since the last renewal may
 * have been cut off by us. */
static void give_back(struct kube_lease *l)
{
    int64_t deadline = clock_deadline(l->times.release_ms);

    for (int i = 0; i < RELEASE_TRIES && l->object && !strcmp(holder_of(l->object), l->holder);
         i++) {
        json_auto_t *options =
            json_pack("{s:s, s:s, s:{s:s, s:s}}", "apiVersion", "v1", "kind", "DeleteOptions",
                      "preconditions", "uid", krm_str(l->object, "metadata", "uid", NULL),
                      "resourceVersion", krm_str(l->object, "metadata", "resourceVersion", NULL));
        json_t *seen = NULL;
        struct kube_result r;
        int rc = call(l, KUBE_DELETE, options, l->times.release_ms, deadline, NULL, &r);

        if (rc && rc != ERR_NOT_FOUND && rc != ERR_CONFLICT)
            log_warn(MODULE, "lease %s/%s stays until it expires: %s", l->namespace, l->name,
                     err_msg(&r.err));
        kube_result_done(&r);
        if (rc != ERR_CONFLICT || look(l, -1, deadline, NULL, &seen, NULL))
            break;
        json_decref(l->object);
        l->object = seen;
    }
}

static void lease_free(struct kube_lease *l)
{
    cancel_free(l->token);
    cancel_free(l->stop);
    json_decref(l->object);
    free(l->namespace);
    free(l->name);
    free(l);
}

int kube_lease_acquire_timed(const struct lease_times *times, struct kube_client *c,
                             const char *namespace, const char *name, int64_t timeout_ms,
                             struct cancel *parent, struct kube_lease **ret_lease, struct err *err)
{
    struct kube_lease *l = mem_calloc(1, sizeof(*l));
    int rc;

    l->client = c;
    l->times = *times;
    l->namespace = mem_strdup(namespace);
    l->name = mem_strdup(name);
    lease_holder_self(l->holder);
    if ((rc = acquire(l, timeout_ms, parent, err))) {
        if (l->unsure && !look(l, -1, clock_deadline(l->times.release_ms), NULL, &l->object, NULL))
            give_back(l);
        lease_free(l);
        return rc;
    }
    l->token = cancel_new(parent);
    l->stop = cancel_new(NULL);
    l->running = !pthread_create(&l->thread, NULL, renew_loop, l);
    if (!l->running) {
        kube_lease_release(l);
        return err_set(err, ERR_FAIL, "no thread to renew lease %s/%s with", namespace, name);
    }
    *ret_lease = l;
    return 0;
}

int kube_lease_acquire(struct kube_client *c, const char *namespace, const char *name,
                       int64_t timeout_ms, struct cancel *parent, struct kube_lease **ret_lease,
                       struct err *err)
{
    return kube_lease_acquire_timed(&usual_times, c, namespace, name, timeout_ms, parent, ret_lease,
                                    err);
}

struct cancel *kube_lease_token(struct kube_lease *l)
{
    return l->token;
}

bool kube_lease_lost(const struct kube_lease *l)
{
    return __atomic_load_n(&l->lost, __ATOMIC_ACQUIRE);
}

void kube_lease_release(struct kube_lease *l)
{
    if (!l)
        return;
    cancel_fire(l->stop);
    if (l->running)
        pthread_join(l->thread, NULL);
    if (!kube_lease_lost(l))
        give_back(l);
    lease_free(l);
}
