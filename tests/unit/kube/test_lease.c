/* A small API server that knows one Lease: uids, resourceVersions and preconditions as the real one
 * has them (tried on Kubernetes 1.34: a PUT of a deleted object with its uid is a 409). */
#include "lib/kube/lease.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/kube/lease_holder.h"
#include "lib/kube/lease_parts.h"
#include "unit/fake_client.h"

#include "lib/base/banned.h"

#define ELSEWHERE                                                                                  \
    "elsewhere/11111111-2222-3333-4444-555555555555/4026531836/77/1234/0123456789abcdef"

/* Renews and looks often, and is as patient as before: a loaded machine loses no lease. */
static const struct lease_times fast = {
    .duration_s = 12,
    .renew_ms = 50,
    .retry_ms = 20,
    .keep_ms = 10000,
    .try_ms = 5000,
    .poll_ms = 20,
    .release_ms = 5000,
};
#define SOON_MS 10000

static struct api {
    pthread_mutex_t lock;
    json_t *lease; /* NULL = there is none */
    int version, writes;
    int status;        /* answer to everything, when not 0 */
    int lost_answers;  /* of so many writes that are done the answer doesn't come */
    int hang;          /* so many writes are done and never answered */
    int slow, let_go;  /* whether "/slow" has come, and is answered */
    const char *sneak; /* somebody takes the lease just before the next PUT */
} api;
static struct fake_server *server;
static struct kube_client *client;

/* --- the API server --------------------------------------------------------------------------- */

static void stamp(json_t *lease)
{
    char text[32];

    snprintf(text, sizeof(text), "%d", ++api.version);
    json_object_set_new(json_object_get(lease, "metadata"), "resourceVersion", json_string(text));
}

static void put_locked(const char *holder, const char *renewed, int seconds)
{
    char uid[32];

    snprintf(uid, sizeof(uid), "uid-%d", api.version);
    json_decref(api.lease);
    api.lease = json_pack("{s:s,s:s,s:{s:s,s:s,s:s},s:{s:s,s:s,s:s,s:i,s:i}}", "apiVersion",
                          "coordination.k8s.io/v1", "kind", "Lease", "metadata", "namespace", "ns",
                          "name", "lock", "uid", uid, "spec", "holderIdentity", holder, "renewTime",
                          renewed, "acquireTime", "2026-01-02T03:04:05.000000Z",
                          "leaseDurationSeconds", seconds, "leaseTransitions", 4);
    stamp(api.lease);
}

static void put(const char *holder, const char *renewed, int seconds)
{
    pthread_mutex_lock(&api.lock);
    put_locked(holder, renewed, seconds);
    pthread_mutex_unlock(&api.lock);
}

static void drop(void)
{
    pthread_mutex_lock(&api.lock);
    json_decref(api.lease);
    api.lease = NULL;
    pthread_mutex_unlock(&api.lock);
}

static void refuse(struct fake_conn *c, int status, const char *reason)
{
    char *body CLEANUP(mem_cleanup) = mem_printf(
        "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"reason\":\"%s\","
        "\"message\":\"no: %s\",\"code\":%d}",
        reason, reason, status);

    fake_reply(c, status, "Content-Type: application/json\r\n", body);
}

static bool same(const json_t *a, const char *name, const json_t *b)
{
    return !strcmp(krm_str(a, "metadata", name, NULL), krm_str(b, "metadata", name, NULL));
}

/* Does the write; 0 or the status of the refusal. */
static int write_lease(const struct fake_request *req, const json_t *body)
{
    if (!strcmp(req->method, "POST")) {
        if (api.lease)
            return 409;
        put_locked("", "", 0);
        json_object_set(api.lease, "spec", json_object_get(body, "spec"));
        return 0;
    }
    if (!strcmp(req->method, "PUT")) {
        if (api.sneak) {
            put_locked(api.sneak, "x", 1);
            api.sneak = NULL;
        }
        if (!api.lease || !same(body, "uid", api.lease) ||
            !same(body, "resourceVersion", api.lease))
            return 409;
        json_decref(api.lease);
        api.lease = json_deep_copy(body);
        stamp(api.lease);
        return 0;
    }
    if (!api.lease)
        return 404;
    if (strcmp(krm_str(body, "preconditions", "uid", NULL),
               krm_str(api.lease, "metadata", "uid", NULL)) ||
        strcmp(krm_str(body, "preconditions", "resourceVersion", NULL),
               krm_str(api.lease, "metadata", "resourceVersion", NULL)))
        return 409;
    json_decref(api.lease);
    api.lease = NULL;
    return 0;
}

static const char *reason_of(int status, const char *method)
{
    switch (status) {
    case 403:
        return "Forbidden";
    case 404:
        return "NotFound";
    case 409:
        return strcmp(method, "POST") != 0 ? "Conflict" : "AlreadyExists";
    default:
        return "InternalError";
    }
}

static int number(const int *field)
{
    int n;

    pthread_mutex_lock(&api.lock);
    n = *field;
    pthread_mutex_unlock(&api.lock);
    return n;
}

static void set(int *field, int n)
{
    pthread_mutex_lock(&api.lock);
    *field = n;
    pthread_mutex_unlock(&api.lock);
}

static void serve(struct fake_conn *c, const struct fake_request *req, void *user UNUSED)
{
    static const char path[] = "/apis/coordination.k8s.io/v1/namespaces/ns/leases";
    char *answer CLEANUP(mem_cleanup) = NULL;
    bool write = strcmp(req->method, "GET") != 0, silent = false, hang = false;
    int status = 0;

    if (!strcmp(req->path, "/slow")) {
        set(&api.slow, 1);
        while (!number(&api.let_go) && !__atomic_load_n(&server->stop, __ATOMIC_ACQUIRE))
            fake_sleep(c, 1);
    }
    pthread_mutex_lock(&api.lock);
    if (strncmp(req->path, path, strlen(path)) != 0) {
        status = 404;
    } else if (api.status) {
        status = api.status;
    } else if (write) {
        json_auto_t *body = json_loads(req->body, 0, NULL);

        api.writes++;
        status = write_lease(req, body);
        silent = !status && api.lost_answers && api.lost_answers--;
        hang = !status && api.hang && api.hang--;
    } else if (!api.lease) {
        status = 404;
    }
    if (!status)
        answer = api.lease ? json_dumps(api.lease, 0) : mem_strdup("{\"kind\":\"Status\"}");
    pthread_mutex_unlock(&api.lock);
    if (hang)
        fake_sleep(c, SOON_MS);
    if (silent) /* half of one, or curl asks again by itself */
        fake_sendf(c, "HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n{");
    if (silent || hang)
        fake_hang_up(c);
    else if (status)
        refuse(c, status, reason_of(status, req->method));
    else
        fake_reply(c, 200, "Content-Type: application/json\r\n", answer);
}

static char *holder(void)
{
    char *h;

    pthread_mutex_lock(&api.lock);
    h = mem_strdup(krm_str(api.lease, "spec", "holderIdentity", NULL));
    pthread_mutex_unlock(&api.lock);
    return h;
}

static void connect_with(int parallelism)
{

    client = fake_client_new(server, parallelism);
}

static void setup(void)
{
    memset(&api, 0, sizeof(api));
    pthread_mutex_init(&api.lock, NULL);
    server = fake_server_new(serve, NULL, NULL, NULL, 0);
    connect_with(0);
}

static void teardown(void)
{
    kube_client_free(client);
    fake_server_free(server);
    json_decref(api.lease);
    pthread_mutex_destroy(&api.lock);
}

static int take(int64_t timeout_ms, struct cancel *cancel, struct kube_lease **ret, struct err *err)
{
    return kube_lease_acquire_timed(&fast, client, "ns", "lock", timeout_ms, cancel, ret, err);
}

static bool fires_soon(struct cancel *token)
{
    return cancel_sleep(token, SOON_MS) == ERR_CANCELLED;
}

/* --- taking ----------------------------------------------------------------------------------- */

START_TEST(takes_and_gives_back)
{
    struct kube_lease *l = NULL;
    char *h CLEANUP(mem_cleanup) = NULL;

    ck_assert_int_eq(kube_lease_acquire(client, "ns", "lock", 0, NULL, &l, NULL), 0);
    h = holder();
    ck_assert(h[0] && !lease_holder_gone(h));
    ck_assert_int_eq(json_integer_value(krm_get(api.lease, "spec", "leaseDurationSeconds", NULL)),
                     LEASE_SECONDS);
    ck_assert_uint_eq(strlen(krm_str(api.lease, "spec", "renewTime", NULL)),
                      strlen("2026-01-02T03:04:05.000000Z"));
    ck_assert(!cancel_fired(kube_lease_token(l)));
    ck_assert(!kube_lease_lost(l));
    kube_lease_release(l);
    ck_assert_ptr_null(api.lease);
    kube_lease_release(NULL);
}
END_TEST

START_TEST(refused_while_held)
{
    struct kube_lease *l = NULL;
    struct err err CLEANUP(err_done) = ERR_INIT;

    put(ELSEWHERE, "2026-01-02T03:05:05.000000Z", 60);
    ck_assert_int_eq(take(100, NULL, &l, &err), ERR_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "process 77 on elsewhere since "
                                                "2026-01-02T03:04:05.000000Z"));
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "kubectl -n ns delete lease lock"));
    ck_assert_int_eq(number(&api.writes), 0);
}
END_TEST

static void *drop_later(void *arg UNUSED)
{
    usleep(200000);
    drop();
    return NULL;
}

START_TEST(waits_until_free)
{
    struct kube_lease *l = NULL;
    pthread_t other;

    put(ELSEWHERE, "2026-01-02T03:05:05.000000Z", 60);
    pthread_create(&other, NULL, drop_later, NULL);
    ck_assert_int_eq(take(SOON_MS, NULL, &l, NULL), 0);
    pthread_join(other, NULL);
    kube_lease_release(l);
}
END_TEST

START_TEST(two_of_one_process)
{
    struct kube_lease *first = NULL, *second = NULL;

    ck_assert_int_eq(take(0, NULL, &first, NULL), 0);
    ck_assert_int_eq(take(100, NULL, &second, NULL), ERR_CONFLICT);
    kube_lease_release(first);
    ck_assert_int_eq(take(0, NULL, &second, NULL), 0);
    kube_lease_release(second);
}
END_TEST

/* Its renewTime is old by any clock, and yet it counts from when it was first seen. */
START_TEST(expired_by_own_clock)
{
    struct kube_lease *l = NULL;
    int64_t began = clock_now_ms();

    put(ELSEWHERE, "2001-01-02T03:05:05.000000Z", 1);
    ck_assert_int_eq(take(SOON_MS, NULL, &l, NULL), 0);
    ck_assert_int_ge(clock_now_ms() - began, 1000);
    ck_assert_int_eq(json_integer_value(krm_get(api.lease, "spec", "leaseTransitions", NULL)), 5);
    kube_lease_release(l);
}
END_TEST

static void *renew_elsewhere(void *arg)
{
    for (int i = 0; !cancel_sleep(arg, 50); i++) {
        char time[32];

        snprintf(time, sizeof(time), "2026-01-02T03:05:05.%06dZ", i);
        put(ELSEWHERE, time, 1);
    }
    return NULL;
}

START_TEST(renewed_elsewhere)
{
    struct cancel *stop = cancel_new(NULL);
    struct kube_lease *l = NULL;
    pthread_t other;

    put(ELSEWHERE, "x", 1);
    pthread_create(&other, NULL, renew_elsewhere, stop);
    ck_assert_int_eq(take(1500, NULL, &l, NULL), ERR_CONFLICT);
    cancel_fire(stop);
    pthread_join(other, NULL);
    cancel_free(stop);
}
END_TEST

/* A child process's holder, once that has ended. */
static void child_holder(bool reap, pid_t *ret_pid, char out[LEASE_HOLDER_SIZE])
{
    int fd[2];

    ck_assert_int_eq(pipe(fd), 0);
    *ret_pid = fork();
    if (*ret_pid == 0) {
        lease_holder_self(out);
        _exit(write(fd[1], out, LEASE_HOLDER_SIZE) != LEASE_HOLDER_SIZE);
    }
    ck_assert_int_eq(read(fd[0], out, LEASE_HOLDER_SIZE), LEASE_HOLDER_SIZE);
    close(fd[0]);
    close(fd[1]);
    if (reap) {
        waitpid(*ret_pid, NULL, 0);
    } else {
        siginfo_t info;

        waitid(P_PID, (id_t)*ret_pid, &info, WEXITED | WNOWAIT);
    }
}

START_TEST(dead_on_this_machine)
{
    char dead[LEASE_HOLDER_SIZE];
    struct kube_lease *l = NULL;
    pid_t pid;

    child_holder(true, &pid, dead);
    put(dead, "2026-01-02T03:05:05.000000Z", 3600);
    ck_assert_int_eq(take(0, NULL, &l, NULL), 0);
    kube_lease_release(l);
}
END_TEST

START_TEST(race_for_it)
{
    struct kube_lease *l = NULL;

    put("", "", 60); /* held by nobody */
    api.sneak = ELSEWHERE;
    ck_assert_int_eq(take(100, NULL, &l, NULL), ERR_CONFLICT);
}
END_TEST

START_TEST(answer_lost)
{
    struct kube_lease *l = NULL;

    api.lost_answers = 1;
    ck_assert_int_eq(take(0, NULL, &l, NULL), 0);
    ck_assert_ptr_nonnull(api.lease);
    kube_lease_release(l);
    ck_assert_ptr_null(api.lease);
}
END_TEST

static void *fire_later(void *arg)
{
    usleep(200000);
    cancel_fire(arg);
    return NULL;
}

START_TEST(cancelled)
{
    struct cancel *cancel = cancel_new(NULL);
    struct kube_lease *l = NULL;
    int64_t began = clock_now_ms();
    pthread_t other;

    put(ELSEWHERE, "2026-01-02T03:05:05.000000Z", 60);
    pthread_create(&other, NULL, fire_later, cancel);
    ck_assert_int_eq(take(10 * SOON_MS, cancel, &l, NULL), ERR_CANCELLED);
    ck_assert_int_lt(clock_now_ms() - began, SOON_MS);
    pthread_join(other, NULL);
    cancel_free(cancel);
}
END_TEST

/* The write is done, its answer doesn't come, the user stops: nothing is left behind. */
START_TEST(cancelled_in_a_write)
{
    struct cancel *cancel = cancel_new(NULL);
    struct lease_times patient = fast;
    struct kube_lease *l = NULL;
    pthread_t other;

    api.hang = 1;
    patient.try_ms = 10 * SOON_MS;
    pthread_create(&other, NULL, fire_later, cancel);
    ck_assert_int_eq(
        kube_lease_acquire_timed(&patient, client, "ns", "lock", SOON_MS, cancel, &l, NULL),
        ERR_CANCELLED);
    pthread_join(other, NULL);
    ck_assert_ptr_null(api.lease);
    ck_assert_int_eq(number(&api.writes), 2);
    cancel_free(cancel);
}
END_TEST

START_TEST(not_allowed)
{
    struct kube_lease *l = NULL;
    struct err err CLEANUP(err_done) = ERR_INIT;

    api.status = 403;
    ck_assert_int_eq(take(SOON_MS, NULL, &l, &err), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "Lease ns/lock"));
    /* an answer that makes no sense to a GET isn't taken for a holder */
    api.status = 409;
    ck_assert_int_lt(take(SOON_MS, NULL, &l, &err), 0);
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "Lease ns/lock"));
}
END_TEST

/* --- holding ---------------------------------------------------------------------------------- */

static void assert_renewals(void)
{
    int64_t deadline = clock_deadline(SOON_MS);
    int version = number(&api.version);

    while (number(&api.version) < version + 4 && clock_left_ms(deadline))
        usleep(10000);
    ck_assert_int_ge(number(&api.version), version + 4);
}

START_TEST(renews)
{
    struct kube_lease *l = NULL;

    ck_assert_int_eq(take(0, NULL, &l, NULL), 0);
    assert_renewals();
    ck_assert(!cancel_fired(kube_lease_token(l)));
    kube_lease_release(l);
    ck_assert_ptr_null(api.lease);
}
END_TEST

/* One request in flight is all that the client may have, and that one takes its time. */
START_TEST(renews_while_the_client_is_busy)
{
    struct kube_request slow = {
        .verb = KUBE_RAW_GET, .path = "/slow", .timeout_ms = SOON_MS, .retry_ms = -1};
    struct kube_queue *q;
    struct kube_result result;
    struct kube_lease *l = NULL;

    kube_client_free(client);
    connect_with(1);
    q = kube_queue_new(client);
    kube_start(q, &slow);
    while (!number(&api.slow))
        ck_assert_int_eq(kube_next(q, clock_deadline(10), NULL, &result), ERR_TIMEOUT);
    ck_assert_int_eq(take(0, NULL, &l, NULL), 0);
    assert_renewals();
    kube_lease_release(l);
    ck_assert_int_eq(kube_next(q, clock_now_ms(), NULL, &result),
                     ERR_TIMEOUT); /* still in flight */
    set(&api.let_go, 1);
    kube_queue_free(q);
}
END_TEST

START_TEST(lost_to_somebody)
{
    struct kube_lease *l = NULL;
    char *h CLEANUP(mem_cleanup) = NULL;

    ck_assert_int_eq(take(0, NULL, &l, NULL), 0);
    put(ELSEWHERE, "2026-01-02T03:05:05.000000Z", 60);
    ck_assert(fires_soon(kube_lease_token(l)));
    ck_assert(kube_lease_lost(l));
    kube_lease_release(l);
    h = holder(); /* theirs still */
    ck_assert_str_eq(h, ELSEWHERE);
}
END_TEST

START_TEST(lost_by_deletion)
{
    struct kube_lease *l = NULL;

    ck_assert_int_eq(take(0, NULL, &l, NULL), 0);
    drop();
    ck_assert(fires_soon(kube_lease_token(l)));
    ck_assert(kube_lease_lost(l));
    kube_lease_release(l);
    ck_assert_ptr_null(api.lease);
}
END_TEST

/* Given up before anybody else may take it. */
START_TEST(lost_by_silence)
{
    struct lease_times hasty = fast;
    struct kube_lease *l = NULL;
    int64_t began, took;

    hasty.keep_ms = 600;
    ck_assert_int_eq(kube_lease_acquire_timed(&hasty, client, "ns", "lock", 0, NULL, &l, NULL), 0);
    set(&api.status, 500);
    began = clock_now_ms();
    ck_assert(fires_soon(kube_lease_token(l)));
    took = clock_now_ms() - began;
    ck_assert_int_ge(took, hasty.keep_ms / 2);
    ck_assert_int_lt(took, hasty.duration_s * 1000);
    ck_assert(kube_lease_lost(l));
    kube_lease_release(l);
}
END_TEST

START_TEST(survives_an_outage)
{
    struct kube_lease *l = NULL;
    int version;

    ck_assert_int_eq(take(0, NULL, &l, NULL), 0);
    set(&api.status, 503);
    usleep(300000);
    set(&api.status, 0);
    version = number(&api.version);
    while (number(&api.version) < version + 2 && !kube_lease_lost(l))
        usleep(10000);
    ck_assert(!kube_lease_lost(l));
    kube_lease_release(l);
}
END_TEST

/* Written to by others, and still ours. */
START_TEST(survives_other_writers)
{
    struct kube_lease *l = NULL;
    int version;

    ck_assert_int_eq(take(0, NULL, &l, NULL), 0);
    pthread_mutex_lock(&api.lock);
    json_object_set_new(json_object_get(api.lease, "metadata"), "labels",
                        json_pack("{s:s}", "a", "b"));
    stamp(api.lease);
    version = api.version;
    pthread_mutex_unlock(&api.lock);
    while (number(&api.version) < version + 2 && !kube_lease_lost(l))
        usleep(10000);
    ck_assert(!kube_lease_lost(l));
    ck_assert_str_eq(krm_str(api.lease, "metadata", "labels", "a", NULL), "b");
    kube_lease_release(l);
    ck_assert_ptr_null(api.lease);
}
END_TEST

/* The work is being stopped: it ends under the lease. */
START_TEST(parent_fires)
{
    struct cancel *parent = cancel_new(NULL);
    struct kube_lease *l = NULL;
    int version;

    ck_assert_int_eq(take(0, parent, &l, NULL), 0);
    cancel_fire(parent);
    ck_assert(cancel_fired(kube_lease_token(l)));
    version = number(&api.version);
    while (number(&api.version) < version + 2 && !kube_lease_lost(l))
        usleep(10000);
    ck_assert(!kube_lease_lost(l));
    kube_lease_release(l);
    ck_assert_ptr_null(api.lease);
    cancel_free(parent);
}
END_TEST

/* --- holders ---------------------------------------------------------------------------------- */

START_TEST(holders)
{
    static const char *const unknown[] = {
        "", "kubectl", ELSEWHERE, "a/b/c/d/e/f", "a/b/1/1/1/", "a/b/1/-1/1/0", "a/b/1/1/1/0/0"};
    char self[LEASE_HOLDER_SIZE], again[LEASE_HOLDER_SIZE], zombie[LEASE_HOLDER_SIZE];
    struct buf words CLEANUP(buf_done) = BUF_INIT;
    char *start;
    pid_t pid;

    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        ck_assert_msg(!lease_holder_gone(unknown[i]), "%s", unknown[i]);
    lease_holder_self(self);
    lease_holder_self(again);
    ck_assert_str_ne(self, again);
    ck_assert(!lease_holder_gone(self));
    lease_holder_words("argo", &words);
    ck_assert_str_eq(buf_str(&words), "argo");

    /* our pid, but of a process that started at another time */
    start = strrchr(self, '/');
    ck_assert_ptr_nonnull(start);
    start[-1] = start[-1] == '1' ? '2' : '1';
    ck_assert(lease_holder_gone(self));
    /* on another boot it could be anything */
    again[strcspn(again, "/") + 1] ^= 1;
    ck_assert(!lease_holder_gone(again));

    child_holder(false, &pid, zombie);
    ck_assert(lease_holder_gone(zombie));
    waitpid(pid, NULL, 0);
    ck_assert(lease_holder_gone(zombie));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lease");
    TCase *t = tcase_create("lease");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, takes_and_gives_back);
    tcase_add_test(t, refused_while_held);
    tcase_add_test(t, waits_until_free);
    tcase_add_test(t, two_of_one_process);
    tcase_add_test(t, expired_by_own_clock);
    tcase_add_test(t, renewed_elsewhere);
    tcase_add_test(t, dead_on_this_machine);
    tcase_add_test(t, race_for_it);
    tcase_add_test(t, answer_lost);
    tcase_add_test(t, cancelled);
    tcase_add_test(t, cancelled_in_a_write);
    tcase_add_test(t, not_allowed);
    tcase_add_test(t, renews);
    tcase_add_test(t, renews_while_the_client_is_busy);
    tcase_add_test(t, lost_to_somebody);
    tcase_add_test(t, lost_by_deletion);
    tcase_add_test(t, lost_by_silence);
    tcase_add_test(t, survives_an_outage);
    tcase_add_test(t, survives_other_writers);
    tcase_add_test(t, parent_fires);
    tcase_add_test(t, holders);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
