#include "provider/rpc/host.h"

#include <pthread.h>
#include <stdlib.h>

#include "provider/rpc/rpc.h"

#include "lib/base/banned.h"

/* The lock is held while tokens fire: a call can't leave the list in between. Watchers of a token
 * don't block and don't call in here (cancel.h). */
struct rpc_host {
    const struct tf_provider *provider;
    pthread_mutex_t lock;
    void *session;
    struct rpc_entry *running;
    bool stopped;
};

struct rpc_host *rpc_host_new(const struct tf_provider *provider)
{
    struct rpc_host *h = mem_calloc(1, sizeof(*h));

    h->provider = provider;
    pthread_mutex_init(&h->lock, NULL);
    return h;
}

void rpc_host_free(struct rpc_host *h)
{
    if (!h)
        return;
    rpc_host_set_session(h, NULL);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

const struct tf_provider *rpc_host_provider(const struct rpc_host *h)
{
    return h->provider;
}

void rpc_host_cancel(struct rpc_host *h)
{
    pthread_mutex_lock(&h->lock);
    h->stopped = true;
    for (struct rpc_entry *e = h->running; e; e = e->next)
        cancel_fire(e->cancel);
    pthread_mutex_unlock(&h->lock);
}

void *rpc_host_enter(struct rpc_host *h, struct rpc_entry *e, struct cancel *cancel,
                     bool after_stop)
{
    void *session;

    pthread_mutex_lock(&h->lock);
    *e = (struct rpc_entry){h->running, &h->running, cancel};
    if (e->next)
        e->next->link = &e->next;
    h->running = e;
    if (h->stopped && !after_stop)
        cancel_fire(cancel);
    session = h->session;
    if (session)
        h->provider->session_ref(session);
    pthread_mutex_unlock(&h->lock);
    return session;
}

void rpc_host_leave(struct rpc_host *h, struct rpc_entry *e, void *session)
{
    pthread_mutex_lock(&h->lock);
    *e->link = e->next;
    if (e->next)
        e->next->link = e->link;
    pthread_mutex_unlock(&h->lock);
    if (session)
        h->provider->session_unref(session);
}

void rpc_host_resume(struct rpc_host *h)
{
    pthread_mutex_lock(&h->lock);
    h->stopped = false;
    pthread_mutex_unlock(&h->lock);
}

void rpc_host_set_session(struct rpc_host *h, void *session)
{
    void *old;

    pthread_mutex_lock(&h->lock);
    old = h->session;
    h->session = session;
    pthread_mutex_unlock(&h->lock);
    if (old)
        h->provider->session_unref(old);
}
