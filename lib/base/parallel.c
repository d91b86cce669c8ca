/* Each thread takes the next index that nobody has, until there is none left. */
#include "lib/base/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "lib/base/banned.h"

struct work {
    void (*fn)(void *arg, size_t i);
    void *arg;
    size_t n;
    atomic_size_t next;
};

static void *run(void *arg)
{
    struct work *w = arg;
    size_t i;

    while ((i = atomic_fetch_add(&w->next, 1)) < w->n)
        w->fn(w->arg, i);
    return NULL;
}

/* How many threads there are beside the caller's own. */
static size_t other_threads(size_t n)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t threads = processors > 1 ? (size_t)processors : 1;

    if (threads > PARALLEL_MAX_THREADS)
        threads = PARALLEL_MAX_THREADS;
    if (threads > n)
        threads = n;
    return threads ? threads - 1 : 0;
}

void parallel_for(size_t n, void (*fn)(void *arg, size_t i), void *arg)
{
    struct work w = {.fn = fn, .arg = arg, .n = n};
    pthread_t threads[PARALLEL_MAX_THREADS];
    size_t wanted = other_threads(n), started = 0;

    while (started < wanted && !pthread_create(&threads[started], NULL, run, &w))
        started++;
    run(&w);
    while (started)
        pthread_join(threads[--started], NULL);
}
