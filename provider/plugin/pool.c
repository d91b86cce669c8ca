#include "provider/plugin/pool.h"

#include <pthread.h>
#include <stdbool.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "provider/plugin/crash.h"

#include "lib/base/banned.h"

/* Rendering and JSON recurse with their documents' depth (limits in the hundreds); only touched
 * pages count. */
#define POOL_STACK_SIZE ((size_t)2 << 20)

struct work {
    struct work *next;
    void (*fn)(void *arg);
    void *arg;
};

/* Invariant: workers >= min(max, busy + queued) unless a thread couldn't be made. */
struct pool {
    pthread_mutex_t lock;
    pthread_cond_t work_or_end; /* for workers */
    pthread_cond_t worker_gone; /* for pool_free */
    struct work *first, **last;
    size_t queued, idle, workers, max;
    bool ending;
};

struct pool *pool_new(size_t max_workers)
{
    struct pool *p = mem_calloc(1, sizeof(*p));

    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work_or_end, NULL);
    pthread_cond_init(&p->worker_gone, NULL);
    p->last = &p->first;
    p->max = max_workers;
    return p;
}

/* Called and left with the lock held; NULL when the pool ends and nothing is left to do. */
static struct work *next_work(struct pool *p)
{
    struct work *w;

    p->idle++;
    while (!p->first && !p->ending)
        pthread_cond_wait(&p->work_or_end, &p->lock);
    p->idle--;
    w = p->first;
    if (!w)
        return NULL;
    p->first = w->next;
    if (!p->first)
        p->last = &p->first;
    p->queued--;
    return w;
}

static void *worker(void *arg)
{
    struct pool *p = arg;
    void *stack = crash_thread_enter();
    struct work *w;

    pthread_mutex_lock(&p->lock);
    while ((w = next_work(p))) {
        pthread_mutex_unlock(&p->lock);
        w->fn(w->arg);
        free(w);
        pthread_mutex_lock(&p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    crash_thread_leave(stack);
    pthread_mutex_lock(&p->lock);
    p->workers--;
    pthread_cond_signal(&p->worker_gone);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void add_worker(struct pool *p)
{
    pthread_attr_t attr;
    pthread_t thread;
    int rc;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, POOL_STACK_SIZE);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    rc = pthread_create(&thread, &attr, worker, p);
    pthread_attr_destroy(&attr);
    if (!rc)
        p->workers++;
    else if (!p->workers) /* nobody would ever do the work */
        bug("starting a thread: %s", strerror(rc));
    else
        log_warn("plugin", "starting a thread: %s; going on with %zu", strerror(rc), p->workers);
}

void pool_submit(struct pool *p, void (*fn)(void *arg), void *arg)
{
    struct work *w = mem_alloc(sizeof(*w));

    *w = (struct work){NULL, fn, arg};
    pthread_mutex_lock(&p->lock);
    *p->last = w;
    p->last = &w->next;
    p->queued++;
    if (p->queued > p->idle && p->workers < p->max)
        add_worker(p);
    pthread_cond_signal(&p->work_or_end);
    pthread_mutex_unlock(&p->lock);
}

size_t pool_workers(struct pool *p)
{
    size_t n;

    pthread_mutex_lock(&p->lock);
    n = p->workers;
    pthread_mutex_unlock(&p->lock);
    return n;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->ending = true;
    pthread_cond_broadcast(&p->work_or_end);
    while (p->workers)
        pthread_cond_wait(&p->worker_gone, &p->lock);
    pthread_mutex_unlock(&p->lock);
    pthread_cond_destroy(&p->worker_gone);
    pthread_cond_destroy(&p->work_or_end);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
