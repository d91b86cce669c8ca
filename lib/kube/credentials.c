#include "lib/kube/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "lib/base/mem.h"

#include "lib/base/banned.h"

struct kube_credentials {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool busy; /* one thread runs the plugin or callback, without the lock */

    struct exec_plugin *plugin;
    struct kube_token_source source;
    char *token_file;

    /* What is current. generation 0 = nothing was got yet. */
    char *authorization, *cert_pem, *key_pem;
    uint64_t generation;
    int64_t renew_at; /* wall clock; INT64_MAX = never */
    bool refused;     /* the current generation was */

    struct timespec file_mtime;
    int64_t file_looked_at; /* monotonic */

    struct err failure; /* of the last run */
    int64_t failure_until;
};

void kube_identity_free(struct kube_identity *id)
{
    if (!id)
        return;
    mem_free_secret(id->authorization);
    mem_free_secret(id->cert_pem);
    mem_free_secret(id->key_pem);
    free(id);
}

static char *bearer(const char *token)
{
    return token && *token ? mem_printf("Authorization: Bearer %s", token) : NULL;
}

static char *basic(const char *user, const char *password)
{
    char *pair = mem_printf("%s:%s", user ? user : "", password ? password : "");
    char *encoded = hash_base64(pair, strlen(pair));
    char *line = mem_printf("Authorization: Basic %s", encoded);

    mem_free_secret(pair);
    mem_free_secret(encoded);
    return line;
}

struct kube_credentials *kube_credentials_new(const struct kube_credentials_options *o)
{
    struct kube_credentials *c = mem_calloc(1, sizeof(*c));

    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->cond, NULL);
    c->plugin = o->plugin;
    c->source = o->source;
    c->token_file = mem_strdup(o->token_file);
    c->cert_pem = mem_strdup(o->cert_pem);
    c->key_pem = mem_strdup(o->key_pem);
    if (o->username || o->password)
        c->authorization = basic(o->username, o->password);
    else
        c->authorization = bearer(o->token);
    c->renew_at = INT64_MAX;
    if (!c->plugin && !c->source.fetch)
        c->generation = 1;
    return c;
}

void kube_credentials_free(struct kube_credentials *c)
{
    if (!c)
        return;
    exec_plugin_free(c->plugin);
    if (c->source.free)
        c->source.free(c->source.arg);
    free(c->token_file);
    mem_free_secret(c->authorization);
    mem_free_secret(c->cert_pem);
    mem_free_secret(c->key_pem);
    err_done(&c->failure);
    pthread_cond_destroy(&c->cond);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static struct kube_identity *snapshot(const struct kube_credentials *c)
{
    struct kube_identity *id = mem_calloc(1, sizeof(*id));

    id->authorization = mem_strdup(c->authorization);
    id->cert_pem = mem_strdup(c->cert_pem);
    id->key_pem = mem_strdup(c->key_pem);
    id->generation = c->generation;
    return id;
}

/* --- a token in a file -------------------------------------------------------------------------- */

/* One line, or NULL when it is none, or can't be read. */
static char *read_token(int fd)
{
    struct buf b;
    char chunk[4096], *text;
    bool good = true;
    ssize_t n;
    size_t len;

    buf_init(&b, KUBE_TOKEN_FILE_MAX);
    while (good && (n = read(fd, chunk, sizeof(chunk))) != 0)
        good = n > 0 && !buf_add(&b, chunk, (size_t)n);
    mem_wipe(chunk, sizeof(chunk));
    text = buf_take(&b);
    len = strlen(text);
    while (len && strchr(" \r\n\t", text[len - 1]))
        text[--len] = '\0';
    if (good && len && !strpbrk(text, "\r\n"))
        return text;
    mem_free_secret(text);
    return NULL;
}

/* Reads the file when it may have changed. A file that can't be read leaves what is known, as
 * client-go does: the file is often replaced at just that moment. */
static int look_at_file(struct kube_credentials *c, bool force, struct err *err)
{
    struct stat st;
    char *token = NULL;
    int fd, rc = 0;

    if (!force && c->file_looked_at &&
        clock_now_ms() - c->file_looked_at < KUBE_TOKEN_FILE_PERIOD_MS)
        return 0;
    c->file_looked_at = clock_now_ms();
    fd = open(c->token_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe isn't waited for */
    if (fd < 0 || fstat(fd, &st)) {
        rc = err_errno(err, ERR_UNAUTHENTICATED, "token file %s", c->token_file);
    } else if (force || st.st_mtim.tv_sec != c->file_mtime.tv_sec ||
               st.st_mtim.tv_nsec != c->file_mtime.tv_nsec) {
        token = read_token(fd);
        if (token)
            c->file_mtime = st.st_mtim;
        else
            rc = err_set(err, ERR_UNAUTHENTICATED, "token file %s holds no token", c->token_file);
    }
    if (fd >= 0)
        close(fd);
    if (token) {
        char *line = bearer(token);

        if (!c->authorization || strcmp(c->authorization, line))
            c->generation++;
        mem_free_secret(c->authorization);
        mem_free_secret(token);
        c->authorization = line;
    }
    return c->authorization ? 0 : rc;
}

/* --- plugin and callback ------------------------------------------------------------------------ */

static void wake_waiters(void *arg)
{
    struct kube_credentials *c = arg;

    pthread_mutex_lock(&c->lock);
    pthread_cond_broadcast(&c->cond);
    pthread_mutex_unlock(&c->lock);
}

static int run(struct kube_credentials *c, struct cancel *cancel, struct exec_credential *got,
               struct err *err)
{
    if (c->plugin)
        return exec_credential_run(c->plugin, KUBE_EXEC_TIMEOUT_MS, cancel, got, err);
    return c->source.fetch(c->source.arg, cancel, &got->token, &got->expires_ms, err);
}

static void adopt(struct kube_credentials *c, struct exec_credential *got)
{
    int64_t now = clock_wall_ms(), life = got->expires_ms - now, ahead = KUBE_RENEW_AHEAD_MS;

    mem_free_secret(c->authorization);
    mem_free_secret(c->cert_pem);
    mem_free_secret(c->key_pem);
    c->authorization = bearer(got->token);
    c->cert_pem = got->cert_pem;
    c->key_pem = got->key_pem;
    got->cert_pem = got->key_pem = NULL;
    /* A credential of a short life keeps three quarters of it. */
    if (ahead > life / 4)
        ahead = life > 0 ? life / 4 : 0;
    c->renew_at = got->expires_ms ? got->expires_ms - ahead : INT64_MAX;
    c->generation++;
    c->refused = false;
    exec_credential_done(got);
}

/* With the lock, which is given up meanwhile. */
static int renew(struct kube_credentials *c, struct cancel *cancel, struct err *err)
{
    struct exec_credential got = {0};
    struct err failure = ERR_INIT;
    int rc;

    c->busy = true;
    pthread_mutex_unlock(&c->lock);
    rc = run(c, cancel, &got, &failure);
    pthread_mutex_lock(&c->lock);
    c->busy = false;
    pthread_cond_broadcast(&c->cond);
    if (!rc) {
        adopt(c, &got);
        return 0;
    }
    err_set(err, rc, "%s", err_msg(&failure));
    if (rc == ERR_CANCELLED) {
        err_done(&failure); /* that one gave up; the next may try */
    } else {
        err_done(&c->failure);
        c->failure = failure;
        c->failure_until = clock_now_ms() + KUBE_FAILURE_MEMORY_MS;
    }
    return rc;
}

static bool is_stale(const struct kube_credentials *c)
{
    return !c->generation || c->refused || clock_wall_ms() >= c->renew_at;
}

static int get_renewed(struct kube_credentials *c, bool may_block, struct cancel *cancel,
                       struct err *err)
{
    int rc;

    while (is_stale(c)) {
        if (c->failure.code && clock_now_ms() < c->failure_until)
            return err_set(err, c->failure.code, "%s", err_msg(&c->failure));
        if (!may_block)
            return ERR_RETRY;
        if (cancel_fired(cancel))
            return err_set(err, ERR_CANCELLED, "cancelled");
        if (c->busy) {
            pthread_cond_wait(&c->cond, &c->lock);
            continue;
        }
        rc = renew(c, cancel, err);
        if (rc)
            return rc;
    }
    return 0;
}

int kube_credentials_get(struct kube_credentials *c, bool may_block, struct cancel *cancel,
                         struct kube_identity **ret, struct err *err)
{
    bool renews = c->plugin || c->source.fetch;
    uint64_t watch = 0;
    int rc = 0;

    if (renews && may_block && cancel)
        watch = cancel_watch(cancel, wake_waiters, c);
    pthread_mutex_lock(&c->lock);
    if (renews)
        rc = get_renewed(c, may_block, cancel, err);
    else if (c->token_file)
        rc = look_at_file(c, false, err);
    if (!rc)
        *ret = snapshot(c);
    pthread_mutex_unlock(&c->lock);
    if (watch)
        cancel_unwatch(cancel, watch);
    return rc;
}

bool kube_credentials_refused(struct kube_credentials *c, uint64_t generation)
{
    bool other;

    pthread_mutex_lock(&c->lock);
    if (c->generation == generation) {
        if (c->plugin || c->source.fetch)
            c->refused = true;
        else if (c->token_file)
            look_at_file(c, true, NULL);
    }
    other = c->refused || c->generation != generation;
    pthread_mutex_unlock(&c->lock);
    return other;
}
