/* Each thread takes the next document that nobody has, until there is none left; whoever called
 * takes part, so it also works where no thread can be started. */
#include "lib/krm/yaml_stream.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "lib/base/mem.h"

#include "lib/base/banned.h"

/* However many processors a machine has. */
#define MAX_THREADS 8

struct work {
    const json_t *documents;
    enum yaml_order order;
    struct buf *texts; /* one for each document */
    atomic_size_t next;
};

struct writer {
    struct work *work;
    pthread_t thread;
    struct err err;
};

static void write_documents(struct writer *w)
{
    struct work *work = w->work;
    size_t len = json_array_size(work->documents), i;
    int rc = 0;

    while (!rc && (i = atomic_fetch_add(&work->next, 1)) < len) {
        buf_init(&work->texts[i], BUF_MAX_DOCUMENT);
        rc = yaml_write(json_array_get(work->documents, i), work->order, &work->texts[i], &w->err);
    }
}

static void *run(void *arg)
{
    write_documents(arg);
    return NULL;
}

static int print(const struct work *work, FILE *out, struct err *err)
{
    for (size_t i = 0; i < json_array_size(work->documents); i++)
        if (fprintf(out, "%s%s", i ? "---\n" : "", buf_str(&work->texts[i])) < 0)
            return err_set(err, ERR_FAIL, "writing the output failed");
    return 0;
}

/* How many threads there are beside the caller's own. */
static size_t other_threads(const json_t *documents)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = processors > 1 ? (size_t)processors : 1;

    if (n > MAX_THREADS)
        n = MAX_THREADS;
    if (n > json_array_size(documents))
        n = json_array_size(documents);
    return n ? n - 1 : 0;
}

static int write_all(struct work *work, struct err *err)
{
    struct writer writers[MAX_THREADS] = {{.work = work, .err = ERR_INIT}};
    size_t n = other_threads(work->documents), started = 0;
    int rc;

    for (size_t i = 1; i <= n; i++) {
        writers[i] = (struct writer){.work = work, .err = ERR_INIT};
        if (pthread_create(&writers[i].thread, NULL, run, &writers[i]))
            break;
        started++;
    }
    write_documents(&writers[0]);
    rc = err_move(err, &writers[0].err);
    for (size_t i = 1; i <= started; i++) {
        pthread_join(writers[i].thread, NULL);
        if (!rc)
            rc = err_move(err, &writers[i].err);
        err_done(&writers[i].err);
    }
    return rc;
}

int yaml_print_documents(const json_t *documents, enum yaml_order order, FILE *out, struct err *err)
{
    size_t len = json_array_size(documents);
    struct work work = {
        .documents = documents, .order = order, .texts = mem_calloc(len, sizeof(*work.texts))};
    int rc = write_all(&work, err);

    if (!rc)
        rc = print(&work, out, err);
    for (size_t i = 0; i < len; i++)
        buf_done(&work.texts[i]);
    free(work.texts);
    return rc;
}
