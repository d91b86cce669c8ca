#include "lib/base/cancel.h"

#include <pthread.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"

#include "lib/base/banned.h"

struct watcher {
    uint64_t id;
    void (*fn)(void *arg);
    void *arg;
};

/* The mutex is held while watchers run: that is what lets cancel_unwatch promise that fn isn't
 * running any more. Parent before child is the only lock order. */
struct cancel {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool fired;
    uint64_t next_id;
    VEC(struct watcher) watchers;
    struct cancel *parent;
    uint64_t parent_watch;
};

static void fire_child(void *arg)
{
    cancel_fire(arg);
}

struct cancel *cancel_new(struct cancel *parent)
{
    struct cancel *c = mem_calloc(1, sizeof(*c));
    pthread_condattr_t attr;

    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->cond, &attr);
    pthread_condattr_destroy(&attr);
    c->next_id = 1;
    c->parent = parent;
    if (parent)
        c->parent_watch = cancel_watch(parent, fire_child, c);
    return c;
}

void cancel_free(struct cancel *c)
{
    if (!c)
        return;
    if (c->parent)
        cancel_unwatch(c->parent, c->parent_watch);
    pthread_cond_destroy(&c->cond);
    pthread_mutex_destroy(&c->lock);
    vec_done(&c->watchers);
    free(c);
}

void cancel_fire(struct cancel *c)
{
    pthread_mutex_lock(&c->lock);
    if (!c->fired) {
        __atomic_store_n(&c->fired, true, __ATOMIC_RELEASE);
        for (size_t i = 0; i < c->watchers.len; i++)
            c->watchers.at[i].fn(c->watchers.at[i].arg);
        pthread_cond_broadcast(&c->cond);
    }
    pthread_mutex_unlock(&c->lock);
}

bool cancel_fired(const struct cancel *c)
{
    return c && __atomic_load_n(&c->fired, __ATOMIC_ACQUIRE);
}

uint64_t cancel_watch(struct cancel *c, void (*fn)(void *arg), void *arg)
{
    struct watcher w = {.fn = fn, .arg = arg};

    pthread_mutex_lock(&c->lock);
    w.id = c->next_id++;
    if (c->fired)
        fn(arg);
    else
        vec_push(&c->watchers, w);
    pthread_mutex_unlock(&c->lock);
    return w.id;
}

void cancel_unwatch(struct cancel *c, uint64_t id)
{
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->watchers.len; i++) {
        if (c->watchers.at[i].id == id) {
            c->watchers.at[i] = c->watchers.at[--c->watchers.len];
            break;
        }
    }
    pthread_mutex_unlock(&c->lock);
}

int cancel_sleep(struct cancel *c, int64_t ms)
{
    int64_t deadline = clock_deadline(ms);
    struct timespec until = clock_timespec(deadline);
    bool fired;

    if (!c) {
        while (clock_left_ms(deadline) > 0)
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        return 0;
    }
    pthread_mutex_lock(&c->lock);
    while (!c->fired && clock_left_ms(deadline) > 0)
        pthread_cond_timedwait(&c->cond, &c->lock, &until);
    fired = c->fired;
    pthread_mutex_unlock(&c->lock);
    return fired ? ERR_CANCELLED : 0;
}
