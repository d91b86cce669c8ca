#include "provider/rpc/host.h"

#include <pthread.h>
#include <stdlib.h>

#include "provider/rpc/rpc.h"

#include "lib/base/banned.h"

struct client {
    struct client *next;
    const void *peer;
    void *session;
    bool stopped;
};

/* The lock is held while tokens fire: a call can't leave the list in between. Watchers of a token
 * don't block and don't call in here (cancel.h). */
struct rpc_host {
    const struct tf_provider *provider;
    pthread_mutex_t lock;
    struct client *clients; /* the one that was configured last is the first */
    struct rpc_entry *running;
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
    while (h->clients)
        rpc_host_forget(h, h->clients->peer);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

const struct tf_provider *rpc_host_provider(const struct rpc_host *h)
{
    return h->provider;
}

/* What points to the connection's record; to the list's end if it has none. */
static struct client **find_client(struct rpc_host *h, const void *peer)
{
    struct client **link = &h->clients;

    while (*link && (*link)->peer != peer)
        link = &(*link)->next;
    return link;
}

static struct client *get_client(struct rpc_host *h, const void *peer)
{
    struct client **link = find_client(h, peer);

    if (!*link) {
        *link = mem_calloc(1, sizeof(**link));
        (*link)->peer = peer;
    }
    return *link;
}

static void unref_session(struct rpc_host *h, void *session)
{
    if (session)
        h->provider->session_unref(session);
}

void *rpc_host_enter(struct rpc_host *h, struct rpc_entry *e, struct cancel *cancel,
                     const void *peer, bool after_stop)
{
    const struct client *c;
    void *session;

    pthread_mutex_lock(&h->lock);
    *e = (struct rpc_entry){h->running, &h->running, cancel, peer};
    if (e->next)
        e->next->link = &e->next;
    h->running = e;
    c = *find_client(h, peer);
    if (c && c->stopped && !after_stop)
        cancel_fire(cancel);
    if (!c)
        c = h->clients;
    session = c ? c->session : NULL;
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
    unref_session(h, session);
}

void rpc_host_stop(struct rpc_host *h, const void *peer)
{
    pthread_mutex_lock(&h->lock);
    get_client(h, peer)->stopped = true;
    for (struct rpc_entry *e = h->running; e; e = e->next)
        if (e->peer == peer)
            cancel_fire(e->cancel);
    pthread_mutex_unlock(&h->lock);
}

void rpc_host_cancel(struct rpc_host *h)
{
    pthread_mutex_lock(&h->lock);
    for (struct client *c = h->clients; c; c = c->next)
        c->stopped = true;
    for (struct rpc_entry *e = h->running; e; e = e->next)
        cancel_fire(e->cancel);
    pthread_mutex_unlock(&h->lock);
}

void rpc_host_resume(struct rpc_host *h, const void *peer)
{
    pthread_mutex_lock(&h->lock);
    get_client(h, peer)->stopped = false;
    pthread_mutex_unlock(&h->lock);
}

void rpc_host_set_session(struct rpc_host *h, const void *peer, void *session)
{
    struct client **link, *c;
    void *old;

    pthread_mutex_lock(&h->lock);
    c = get_client(h, peer);
    link = find_client(h, peer);
    *link = c->next; /* to the front */
    c->next = h->clients;
    h->clients = c;
    old = c->session;
    c->session = session;
    pthread_mutex_unlock(&h->lock);
    unref_session(h, old);
}

void rpc_host_forget(struct rpc_host *h, const void *peer)
{
    struct client **link, *c;

    pthread_mutex_lock(&h->lock);
    link = find_client(h, peer);
    c = *link;
    if (c)
        *link = c->next;
    pthread_mutex_unlock(&h->lock);
    if (!c)
        return;
    unref_session(h, c->session);
    free(c);
}
