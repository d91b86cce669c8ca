/* The engine: one thread drives libcurl's multi handle, any thread talks to it.
 *
 * A call goes NEW -> (WAITING ->) ACTIVE -> FINISHED, and only the engine thread moves it. Other
 * threads leave two kinds of notes under the engine's lock and wake it: "start this" (inbox) and
 * "forget this" (aborted). Invariants:
 *   - a call's easy handle belongs to http_start until the call is in the inbox, then to the
 *     engine thread, which frees it when the call finishes;
 *   - an event is posted under the queue's lock, and only while the call isn't detached;
 *   - who frees a call: http_call_free after HTTP_DONE was taken; otherwise, after http_abort, the
 *     engine thread, or http_abort itself when the call had finished;
 *   - a queue lives until its last call has let go of it (refs), so the engine thread may always
 *     take its lock.
 * Lock order: a cancel token's, then a queue's, then the engine's. */
#include "lib/base/http.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/dynload.h"
#include "lib/base/http_call.h"
#include "lib/base/mem.h"

#include "lib/base/banned.h"

/* The longest sleep of the engine thread; anything that matters wakes it. */
#define POLL_MAX_MS 60000

/* The shortest one, see engine(). */
#define NAP_MIN_MS 1

/* So that a connect that times out is told by the call that made it. */
#define SHARED_CONNECT_GRACE_MS 200

struct http {
    CURLM *multi;
    pthread_t thread;
    char *ca_file, *ca_dir; /* the system's trust; NULL = what libcurl was built with */

    pthread_mutex_t lock;
    struct http_call *inbox, **inbox_end;
    struct http_call *aborted;
    bool stop, sweep;

    /* The engine thread's. */
    struct http_call *waiting, **waiting_end;
    VEC(struct http_call *) active;
};

struct http_queue {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    size_t refs; /* the owner's and one per call */
    bool woken;
    struct http_call *ready, **ready_end; /* calls with news */
    struct http_call *all;
};

struct http_limit {
    int max, in_flight; /* in_flight is the engine thread's */
};

struct http_limit *http_limit_new(int max)
{
    struct http_limit *l = mem_calloc(1, sizeof(*l));

    l->max = max > 0 ? max : 1;
    return l;
}

void http_limit_free(struct http_limit *l)
{
    free(l);
}

/* --- queue -------------------------------------------------------------------------------------
 */

struct http_queue *http_queue_new(void)
{
    struct http_queue *q = mem_calloc(1, sizeof(*q));
    pthread_condattr_t attr;

    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&q->cond, &attr);
    pthread_condattr_destroy(&attr);
    q->refs = 1;
    q->ready_end = &q->ready;
    return q;
}

static void queue_unref(struct http_queue *q)
{
    bool last;

    pthread_mutex_lock(&q->lock);
    last = --q->refs == 0;
    pthread_mutex_unlock(&q->lock);
    if (!last)
        return;
    pthread_cond_destroy(&q->cond);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

void http_queue_free(struct http_queue *q)
{
    if (!q)
        return;
    for (;;) {
        struct http_call *c;

        pthread_mutex_lock(&q->lock);
        c = q->all;
        pthread_mutex_unlock(&q->lock);
        if (!c)
            break;
        http_abort(c);
    }
    queue_unref(q);
}

void http_queue_wake(struct http_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->woken = true;
    pthread_cond_broadcast(&q->cond);
    pthread_mutex_unlock(&q->lock);
}

/* With the queue's lock. */
static void make_ready(struct http_call *c)
{
    struct http_queue *q = c->queue;

    if (c->ready || c->detached)
        return;
    c->ready = true;
    c->ready_next = NULL;
    *q->ready_end = c;
    q->ready_end = &c->ready_next;
    pthread_cond_signal(&q->cond);
}

static struct http_call *pop_ready(struct http_queue *q)
{
    struct http_call *c = q->ready;

    q->ready = c->ready_next;
    if (!q->ready)
        q->ready_end = &q->ready;
    c->ready = false;
    return c;
}

static void unlink_ready(struct http_queue *q, struct http_call *c)
{
    struct http_call **p = &q->ready;

    if (!c->ready)
        return;
    while (*p != c)
        p = &(*p)->ready_next;
    *p = c->ready_next;
    if (!*p)
        q->ready_end = p;
    c->ready = false;
}

static enum http_event take_event(struct http_call *c)
{
    enum http_event event = HTTP_DONE;

    if (c->head_news) {
        c->head_news = false;
        event = HTTP_HEAD;
    } else if (c->data_news) {
        c->data_news = false;
        event = HTTP_DATA;
    } else {
        c->done_news = false;
    }
    if (c->head_news || c->data_news || c->done_news)
        make_ready(c);
    return event;
}

static void cancel_wake(void *arg)
{
    struct http_queue *q = arg;

    pthread_mutex_lock(&q->lock);
    pthread_cond_broadcast(&q->cond);
    pthread_mutex_unlock(&q->lock);
}

int http_queue_next(struct http_queue *q, int64_t deadline, struct cancel *cancel,
                    enum http_event *ret_event, struct http_call **ret_call)
{
    struct timespec until = clock_timespec(deadline);
    enum http_event event = HTTP_NONE;
    uint64_t watch = 0;
    int rc = 0;

    if (cancel)
        watch = cancel_watch(cancel, cancel_wake, q);
    pthread_mutex_lock(&q->lock);
    for (;;) {
        if (cancel_fired(cancel)) {
            rc = ERR_CANCELLED;
            break;
        }
        if (q->ready) {
            struct http_call *c = pop_ready(q);

            event = take_event(c);
            *ret_call = c;
            break;
        }
        if (q->woken || clock_left_ms(deadline) <= 0)
            break;
        pthread_cond_timedwait(&q->cond, &q->lock, &until);
    }
    q->woken = false;
    pthread_mutex_unlock(&q->lock);
    if (cancel)
        cancel_unwatch(cancel, watch);
    if (!rc)
        *ret_event = event;
    return rc;
}

/* --- calls -------------------------------------------------------------------------------------
 */

/* Everything that only a running call needs. */
static void release_transfer(struct http_call *c)
{
    if (c->easy)
        curl_easy_cleanup(c->easy);
    c->easy = NULL;
    curl_slist_free_all(c->headers);
    c->headers = NULL;
    curl_slist_free_all(c->connect_to);
    c->connect_to = NULL;
}

static void call_free(struct http_call *c)
{
    release_transfer(c);
    queue_unref(c->queue);
    buf_done(&c->header);
    buf_done(&c->body);
    err_done(&c->err);
    free(c->url);
    free(c->origin);
    free(c);
}

static void join_queue(struct http_call *c, struct http_queue *q)
{
    pthread_mutex_lock(&q->lock);
    c->queue = q;
    q->refs++;
    c->all_next = q->all;
    if (q->all)
        q->all->all_prev = c;
    q->all = c;
    pthread_mutex_unlock(&q->lock);
}

/* With the queue's lock. */
static void leave_queue(struct http_call *c)
{
    struct http_queue *q = c->queue;

    unlink_ready(q, c);
    if (c->all_prev)
        c->all_prev->all_next = c->all_next;
    else
        q->all = c->all_next;
    if (c->all_next)
        c->all_next->all_prev = c->all_prev;
}

void http_abort(struct http_call *c)
{
    struct http *h = c->http;
    bool done;

    pthread_mutex_lock(&c->queue->lock);
    leave_queue(c);
    c->detached = true;
    done = c->done;
    pthread_mutex_unlock(&c->queue->lock);
    if (done) {
        call_free(c);
        return;
    }
    pthread_mutex_lock(&h->lock);
    c->abort_next = h->aborted;
    h->aborted = c;
    pthread_mutex_unlock(&h->lock);
    curl_multi_wakeup(h->multi);
}

void http_call_free(struct http_call *c)
{
    http_abort(c);
}

void *http_call_user(const struct http_call *c)
{
    return c->user;
}

int http_call_status(const struct http_call *c)
{
    int status;

    pthread_mutex_lock(&c->queue->lock);
    status = c->status;
    pthread_mutex_unlock(&c->queue->lock);
    return status;
}

const char *http_call_header(const struct http_call *c, const char *name)
{
    size_t n = strlen(name);
    const char *line = buf_str(&c->header), *end = line + c->header.len;

    for (; line < end; line += strlen(line) + 1)
        if (!strncasecmp(line, name, n) && line[n] == ':')
            return line + n + 1 + strspn(line + n + 1, " \t");
    return NULL;
}

const char *http_call_body(const struct http_call *c, size_t *ret_len)
{
    if (ret_len)
        *ret_len = c->body.len;
    return buf_str(&c->body);
}

void http_call_take(struct http_call *c, struct buf *out)
{
    struct buf swapped;

    pthread_mutex_lock(&c->queue->lock);
    swapped = c->body;
    buf_init(&c->body, swapped.max);
    pthread_mutex_unlock(&c->queue->lock);
    buf_done(out);
    *out = swapped;
}

int http_call_error(const struct http_call *c, struct err *err)
{
    return c->err.code ? err_set(err, c->err.code, "%s", err_msg(&c->err)) : 0;
}

enum http_failure http_call_failure(const struct http_call *c)
{
    return c->failure;
}

/* --- bytes that arrive (engine thread) ----------------------------------------------------------
 */

void http_call_restart(struct http_call *c)
{
    buf_clear(&c->body);
    buf_clear(&c->header);
    c->in_body = c->redirecting = false;
}

static void head_complete(struct http_call *c)
{
    long status = 0;

    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    /* 1xx and what a proxy says to CONNECT come before the answer's own head. */
    if (status < 200 || c->in_body)
        return;
    c->redirecting = c->follows && status >= 300 && status < 400;
    if (c->redirecting)
        return;
    pthread_mutex_lock(&c->queue->lock);
    c->status = (int)status;
    if (c->stream) {
        c->head_news = true;
        make_ready(c);
    }
    pthread_mutex_unlock(&c->queue->lock);
}

static size_t on_header(char *data, size_t size, size_t n, void *user)
{
    struct http_call *c = user;
    size_t len = size * n;

    c->last_byte = clock_now_ms();
    if (c->in_body) /* trailers */
        return len;
    if (len >= 5 && !memcmp(data, "HTTP/", 5)) {
        buf_clear(&c->header);
        return len;
    }
    while (len && (data[len - 1] == '\r' || data[len - 1] == '\n'))
        len--;
    if (!len)
        head_complete(c);
    else if (buf_add(&c->header, data, len) || buf_add(&c->header, "", 1)) {
        c->header_limit = true;
        return 0;
    }
    return size * n;
}

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
    struct http_call *c = user;
    size_t len = size * n;
    int rc;

    c->last_byte = clock_now_ms();
    c->in_body = true;
    if (c->redirecting && c->stream)
        return len;
    pthread_mutex_lock(&c->queue->lock);
    rc = buf_add(&c->body, data, len);
    if (!rc && c->stream && len) {
        c->data_news = true;
        make_ready(c);
    }
    pthread_mutex_unlock(&c->queue->lock);
    if (rc) {
        c->over_limit = true;
        return 0;
    }
    return len;
}

/* --- engine thread ------------------------------------------------------------------------------
 */

static void finish(struct http_call *c)
{
    struct http_queue *q = c->queue;

    release_transfer(c);
    c->state = CALL_FINISHED;
    /* Once done is visible, the owner may free the call: nothing of it is touched after unlock. */
    pthread_mutex_lock(&q->lock);
    if (c->failure)
        c->status = 0;
    c->done = c->done_news = true;
    make_ready(c);
    pthread_mutex_unlock(&q->lock);
}

static void activate(struct http *h, struct http_call *c)
{
    CURLMcode code;

    curl_easy_setopt(c->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c->easy, CURLOPT_HEADERDATA, c);
    curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
    c->activated = c->last_byte = clock_now_ms();
    c->sent = false;
    code = curl_multi_add_handle(h->multi, c->easy);
    if (code != CURLM_OK)
        bug("curl_multi_add_handle: %s", curl_multi_strerror(code));
    c->state = CALL_ACTIVE;
    c->active_index = h->active.len;
    vec_push(&h->active, c);
    if (c->limit)
        c->limit->in_flight++;
}

static void deactivate(struct http *h, struct http_call *c)
{
    struct http_call *last = h->active.at[h->active.len - 1];

    curl_multi_remove_handle(h->multi, c->easy);
    h->active.at[c->active_index] = last;
    last->active_index = c->active_index;
    h->active.len--;
    if (c->limit)
        c->limit->in_flight--;
}

static void wait_for_place(struct http *h, struct http_call *c)
{
    c->state = CALL_WAITING;
    c->next = NULL;
    *h->waiting_end = c;
    h->waiting_end = &c->next;
}

/* Calls fn for each waiting call; it leaves the list when fn says so. */
static void filter_waiting(struct http *h,
                           bool (*leaves)(struct http *, struct http_call *, void *), void *arg)
{
    struct http_call **p = &h->waiting, *c;

    while ((c = *p)) {
        struct http_call *next = c->next;

        if (leaves(h, c, arg))
            *p = next; /* c may be gone */
        else
            p = &c->next;
    }
    h->waiting_end = p;
}

static bool leaves_for_place(struct http *h, struct http_call *c, void *arg)
{
    (void)arg;
    if (c->limit->in_flight >= c->limit->max)
        return false;
    activate(h, c);
    return true;
}

static bool leaves_when_dropped(struct http *h, struct http_call *c, void *arg)
{
    (void)h;
    (void)arg;
    if (!__atomic_load_n(&c->drop, __ATOMIC_ACQUIRE))
        return false;
    http_fail(c, HTTP_FAIL_ABORTED, "not sent");
    finish(c);
    return true;
}

static bool leaves_when_it_is(struct http *h, struct http_call *c, void *arg)
{
    (void)h;
    return c == arg;
}

static void forget(struct http *h, struct http_call *c)
{
    if (c->state == CALL_ACTIVE)
        deactivate(h, c);
    else if (c->state == CALL_WAITING)
        filter_waiting(h, leaves_when_it_is, c);
    call_free(c);
}

/* Reads the notes of other threads. Returns false when the engine is to stop. */
static bool read_notes(struct http *h)
{
    struct http_call *started, *aborted, *c;
    bool stop, sweep;

    pthread_mutex_lock(&h->lock);
    started = h->inbox;
    h->inbox = NULL;
    h->inbox_end = &h->inbox;
    aborted = h->aborted;
    h->aborted = NULL;
    stop = h->stop;
    sweep = h->sweep;
    h->sweep = false;
    pthread_mutex_unlock(&h->lock);

    while ((c = started)) {
        started = c->next;
        if (c->limit)
            wait_for_place(h, c);
        else
            activate(h, c);
    }
    while ((c = aborted)) {
        aborted = c->abort_next;
        forget(h, c);
    }
    if (sweep)
        filter_waiting(h, leaves_when_dropped, NULL);
    if (h->waiting)
        filter_waiting(h, leaves_for_place, NULL);
    return !stop;
}

/* A 3xx that leads nowhere is an answer like any other. Of a stream its body is gone. */
static void end_unfollowed(struct http_call *c)
{
    long status = 0;

    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    pthread_mutex_lock(&c->queue->lock);
    c->status = (int)status;
    c->head_news = c->stream;
    pthread_mutex_unlock(&c->queue->lock);
}

static void complete(struct http *h, struct http_call *c, CURLcode code)
{
    int rc = 1;

    deactivate(h, c);
    if (code != CURLE_OK)
        http_fail_curl(c, code);
    else if (c->follows)
        rc = http_setup_redirect(c);
    if (rc == 0) {
        activate(h, c);
    } else {
        if (rc == 1 && c->redirecting)
            end_unfollowed(c);
        finish(c);
    }
}

static void collect(struct http *h)
{
    bool any = false;
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(h->multi, &left))) {
        struct http_call *c = NULL;
        CURLcode code = m->data.result;

        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
        complete(h, c, code);
        any = true;
    }
    if (any && h->waiting)
        filter_waiting(h, leaves_for_place, NULL);
}

/* libcurl's own connect time-out is the first call's; those that wait to share its connection would
 * each have theirs in turn, one after the other. Here all have the same. */
static int64_t connect_time_left(struct http_call *c, int64_t now)
{
    int64_t left = c->activated + HTTP_CONNECT_TIMEOUT_MS + SHARED_CONNECT_GRACE_MS - now;
    curl_off_t sent = 0;

    if (c->sent)
        return INT64_MAX;
    if (left > 0)
        return left;
    curl_easy_getinfo(c->easy, CURLINFO_PRETRANSFER_TIME_T, &sent);
    c->sent = sent > 0;
    return c->sent ? INT64_MAX : 0;
}

static int64_t silence_left(struct http_call *c, int64_t now)
{
    int64_t left = c->last_byte + c->idle_timeout_ms - now;

    if (!c->idle_timeout_ms)
        return INT64_MAX;
    c->idled_out = left <= 0;
    return c->idled_out ? 0 : left;
}

/* Ends calls that got no connection, or were silent, for too long; returns how long the thread may
 * sleep. */
static int check_timers(struct http *h)
{
    int64_t now = clock_now_ms(), sleep = POLL_MAX_MS;

    for (size_t i = h->active.len; i-- > 0;) {
        struct http_call *c = h->active.at[i];
        int64_t connect = connect_time_left(c, now), silence = silence_left(c, now);

        if (!connect || !silence) {
            complete(h, c, CURLE_OPERATION_TIMEDOUT);
            continue;
        }
        if (connect < sleep)
            sleep = connect;
        if (silence < sleep)
            sleep = silence;
    }
    return (int)sleep;
}

static void finish_all(struct http *h)
{
    struct http_call *c;

    while (h->active.len) {
        c = h->active.at[h->active.len - 1];
        deactivate(h, c);
        http_fail(c, HTTP_FAIL_ABORTED, "cancelled");
        finish(c);
    }
    while ((c = h->waiting)) {
        h->waiting = c->next;
        http_fail(c, HTTP_FAIL_ABORTED, "cancelled");
        finish(c);
    }
    h->waiting_end = &h->waiting;
}

/* libcurl (7.88, HTTP/2) may hold bytes that it has read but not handled, of another stream or of a
 * TLS record, without asking to be called: no descriptor tells of them. So after something has
 * happened it is called again at once, and then at intervals that double while nothing happens. */
static void *engine(void *arg)
{
    struct http *h = arg;
    int nap = NAP_MIN_MS;

    while (read_notes(h)) {
        int running = 0, events = 0, timer;

        curl_multi_perform(h->multi, &running);
        collect(h);
        timer = check_timers(h);
        curl_multi_poll(h->multi, NULL, 0, running && nap < timer ? nap : timer, &events);
        nap = events ? NAP_MIN_MS : nap < POLL_MAX_MS / 2 ? 2 * nap : POLL_MAX_MS;
    }
    finish_all(h);
    return NULL;
}

/* --- life --------------------------------------------------------------------------------------
 */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void init_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        bug("libcurl can't be initialised");
}

/* Where systems keep the roots that they trust, for a libcurl that was built elsewhere. */
static const char *const ca_files[] = {
    "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Ubuntu, Arch, Gentoo */
    "/etc/pki/tls/certs/ca-bundle.crt",                  /* Fedora, RHEL 6 */
    "/etc/ssl/ca-bundle.pem",                            /* openSUSE */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* RHEL 7 and later */
    "/etc/ssl/cert.pem",                                 /* Alpine, macOS */
};

static void find_trust(struct http *h)
{
    const char *file = getenv("SSL_CERT_FILE"), *dir = getenv("SSL_CERT_DIR");

    for (size_t i = 0; (!file || !*file) && i < ARRAY_LEN(ca_files); i++)
        if (!access(ca_files[i], R_OK))
            file = ca_files[i];
    h->ca_file = file && *file ? mem_strdup(file) : NULL;
    h->ca_dir = dir && *dir ? mem_strdup(dir) : NULL;
}

static int start_thread(struct http *h)
{
    sigset_t all, old;
    int rc;

    /* A peer that went away must not raise SIGPIPE, and the program's signals are for its own
     * threads; the thread inherits the mask. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&h->thread, NULL, engine, h);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

struct http *http_new(struct err *err)
{
    struct http *h;

    if (dynload_curl(err))
        return NULL;
    pthread_once(&curl_once, init_curl);
    h = mem_calloc(1, sizeof(*h));
    h->inbox_end = &h->inbox;
    h->waiting_end = &h->waiting;
    h->multi = curl_multi_init();
    if (!h->multi)
        bug("out of memory");
    curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    curl_multi_setopt(h->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)HTTP_MAX_STREAMS);
    pthread_mutex_init(&h->lock, NULL);
    find_trust(h);
    if (start_thread(h)) {
        pthread_mutex_destroy(&h->lock);
        curl_multi_cleanup(h->multi);
        free(h->ca_file);
        free(h->ca_dir);
        free(h);
        err_set(err, ERR_FAIL, "the HTTP thread can't be started");
        return NULL;
    }
    return h;
}

void http_free(struct http *h)
{
    if (!h)
        return;
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    pthread_mutex_unlock(&h->lock);
    curl_multi_wakeup(h->multi);
    pthread_join(h->thread, NULL);
    curl_multi_cleanup(h->multi);
    pthread_mutex_destroy(&h->lock);
    vec_done(&h->active);
    free(h->ca_file);
    free(h->ca_dir);
    free(h);
}

struct http_call *http_start(struct http *h, struct http_queue *q, const struct http_request *req)
{
    struct http_call *c = mem_calloc(1, sizeof(*c));
    bool wake;

    c->http = h;
    c->user = req->user;
    c->limit = req->limit;
    buf_init(&c->header, HTTP_MAX_HEADER_BYTES);
    buf_init(&c->body, req->max_response ? req->max_response : BUF_MAX_DOCUMENT);
    join_queue(c, q);
    if (http_setup(c, req, h->ca_file, h->ca_dir)) {
        finish(c);
        return c;
    }
    pthread_mutex_lock(&h->lock);
    wake = !h->inbox;
    c->next = NULL;
    *h->inbox_end = c;
    h->inbox_end = &c->next;
    pthread_mutex_unlock(&h->lock);
    if (wake)
        curl_multi_wakeup(h->multi);
    return c;
}

void http_queue_drop_waiting(struct http_queue *q)
{
    struct http *h = NULL;

    pthread_mutex_lock(&q->lock);
    for (struct http_call *c = q->all; c; c = c->all_next) {
        if (!c->done)
            __atomic_store_n(&c->drop, true, __ATOMIC_RELEASE);
        h = c->http;
    }
    if (h) {
        pthread_mutex_lock(&h->lock);
        h->sweep = true;
        pthread_mutex_unlock(&h->lock);
        curl_multi_wakeup(h->multi);
    }
    pthread_mutex_unlock(&q->lock);
}

int http_do(struct http *h, const struct http_request *req, struct cancel *cancel,
            struct http_call **ret_call, struct err *err)
{
    struct http_queue *q = http_queue_new();
    struct http_call *c = http_start(h, q, req), *got = NULL;
    enum http_event event = HTTP_NONE;
    int rc;

    do
        rc = http_queue_next(q, INT64_MAX, cancel, &event, &got);
    while (!rc && event != HTTP_DONE);
    if (rc)
        err_set(err, rc, "cancelled");
    else
        rc = http_call_error(c, err);
    if (rc) {
        http_queue_free(q);
        return rc;
    }
    /* The call keeps the queue alive until it is freed. */
    queue_unref(q);
    *ret_call = c;
    return 0;
}
