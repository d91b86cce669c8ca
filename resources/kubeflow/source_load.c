#include "resources/kubeflow/source_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/archive.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "resources/kubeflow/disk_cache.h"
#include "resources/kubeflow/source.h"

#include "lib/base/banned.h"

#define LOG           "kubeflow.manifests"
#define BACKOFF_MS    500
#define MAX_REDIRECTS 5
#define READ_SIZE     ((size_t)64 << 10)

/* One search: what is wanted, and what was found out on the way. */
struct search {
    struct source_settings *settings;
    const struct remote *wanted;
    const char *expected;
    struct cancel *cancel;
    struct source_tree *result;
    struct buf failures; /* "<place>: <reason>; <place>: <reason>" */
    int code;            /* of the failure that says most */
};

/* --- reading and checking ----------------------------------------------------------------------- */

int source_read_file(const char *path, struct buf *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
    char *piece CLEANUP(mem_cleanup) = NULL;

    if (fd < 0)
        return err_errno(err, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_FAIL, "%s",
                         path);
    piece = mem_alloc(READ_SIZE);
    out->max = SOURCE_MAX_DOWNLOAD;
    for (;;) {
        ssize_t n = read(fd, piece, READ_SIZE);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = err_errno(err, ERR_FAIL, "%s", path);
        else if (n > 0 && buf_add(out, piece, (size_t)n))
            rc = err_set(err, ERR_LIMIT, "%s: larger than %zu bytes", path, SOURCE_MAX_DOWNLOAD);
        if (rc || n == 0)
            break;
    }
    close(fd);
    return rc;
}

/* A sign-in or error page that came instead of a manifest. */
static bool is_web_page(const char *data)
{
    data += strspn(data, " \t\r\n");
    return !strncasecmp(data, "<!doctype html", 14) || !strncasecmp(data, "<html", 5);
}

static int unpack(const struct search *s, const struct buf *content, const char *place,
                  struct filetree *ret, struct err *err)
{
    struct filetree_builder *b CLEANUP(filetree_builder_cleanup) = NULL;
    int rc;

    if (!s->wanted->file)
        return archive_unpack(buf_str(content), content->len, place, true, ret, err);
    if (is_web_page(buf_str(content)))
        return err_set(err, ERR_INVALID, "%s: is a web page, not a manifest", place);
    b = filetree_builder_new();
    rc = filetree_add_file(b, s->wanted->file, buf_str(content), content->len, err);
    return rc ? rc : filetree_build(b, false, ret, err);
}

/* Takes the tree if its content is what is expected. */
static int accept_tree(struct search *s, struct filetree *tree, const char *place, struct err *err)
{
    struct source_tree *t = s->result;

    filetree_digest(tree, t->digest);
    if (s->expected && strcmp(s->expected, t->digest) != 0) {
        filetree_done(tree);
        return err_set(err, ERR_INVALID, "%s: its content has digest %s, not %s", place, t->digest,
                       s->expected);
    }
    t->files = *tree;
    t->origin = mem_strdup(place);
    log_info(LOG, "%s: %zu files, %s", place, t->files.len, t->digest);
    return 0;
}

static int accept_content(struct search *s, const struct buf *content, const char *place,
                          struct err *err)
{
    struct filetree tree = FILETREE_INIT;
    int rc = unpack(s, content, place, &tree, err);

    return rc ? rc : accept_tree(s, &tree, place, err);
}

/* --- places ------------------------------------------------------------------------------------- */

static int try_file(struct search *s, const char *path, struct err *err)
{
    struct buf content CLEANUP(buf_done) = BUF_INIT;
    int rc = source_read_file(path, &content, err);

    return rc ? rc : accept_content(s, &content, path, err);
}

static int try_tree(struct search *s, const char *dir, struct err *err)
{
    struct filetree tree = FILETREE_INIT;
    int rc = filetree_read_dir(dir, &tree, err);

    return rc ? rc : accept_tree(s, &tree, dir, err);
}

static int try_cached(struct search *s, struct err *err)
{
    struct buf content CLEANUP(buf_done) = BUF_INIT;
    char *shown CLEANUP(mem_cleanup) = remote_shown(s->wanted->url);

    if (disk_cache_get(s->settings->cache_dir, s->wanted->url, &content))
        return err_set(err, ERR_NOT_FOUND, "not in the cache");
    return accept_content(s, &content, shown, err);
}

static struct http *http_of(struct source_settings *settings, struct err *err)
{
    struct http *h;

    pthread_mutex_lock(&settings->lock);
    if (!settings->http)
        settings->http = http_new(err);
    h = settings->http;
    pthread_mutex_unlock(&settings->lock);
    return h;
}

/* What an HTTP status that isn't 200 means. */
static int status_error(const char *url, int status, struct err *err)
{
    static const struct {
        int status, code;
        const char *text;
    } known[] = {
        {401, ERR_DENIED, "asks for a login (HTTP 401)"}, {403, ERR_DENIED, "forbidden (HTTP 403)"},
        {404, ERR_NOT_FOUND, "not found (HTTP 404)"},     {410, ERR_NOT_FOUND, "gone (HTTP 410)"},
        {429, ERR_RETRY, "too many requests (HTTP 429)"},
    };

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (known[i].status == status)
            return err_set(err, known[i].code, "%s: %s", url, known[i].text);
    }
    return err_set(err, status >= 500 ? ERR_RETRY : ERR_FAIL, "%s: HTTP %d", url, status);
}

static int fetch_once(struct http *h, const char *url, const char *shown, struct cancel *cancel,
                      struct buf *out, struct err *err)
{
    static const char *const headers[] = {
        "User-Agent: terraform-provider-kubeflow/" PROVIDER_VERSION, NULL};
    struct http_request r = {.method = "GET",
                             .url = url,
                             .headers = headers,
                             .timeout_ms = SOURCE_TIMEOUT_MS,
                             .idle_timeout_ms = SOURCE_IDLE_MS,
                             .max_response = SOURCE_MAX_DOWNLOAD,
                             .max_redirects = MAX_REDIRECTS};
    struct http_call *call;
    const char *body;
    size_t len;
    int rc = http_do(h, &r, cancel, &call, err);

    if (rc) {
        err_wrap(err, "%s", shown);
        return rc;
    }
    body = http_call_body(call, &len);
    if (http_call_status(call) != 200) {
        rc = status_error(shown, http_call_status(call), err);
    } else {
        out->max = SOURCE_MAX_DOWNLOAD;
        buf_clear(out);
        rc = buf_add(out, body, len);
    }
    http_call_free(call);
    return rc;
}

static bool heals(int code)
{
    return code == ERR_RETRY || code == ERR_UNREACHABLE || code == ERR_TIMEOUT;
}

static int fetch(struct search *s, const char *url, const char *shown, struct buf *out,
                 struct err *err)
{
    struct http *h = http_of(s->settings, err);
    int64_t start = clock_now_ms();
    int rc = h ? ERR_RETRY : ERR_FAIL;

    log_info(LOG, "downloading %s", shown);
    for (int i = 0; i < SOURCE_TRIES && heals(rc); i++) {
        if (i && cancel_sleep(s->cancel, (int64_t)BACKOFF_MS << i))
            return err_set(err, ERR_CANCELLED, "%s: cancelled", shown);
        rc = fetch_once(h, url, shown, s->cancel, out, err);
        if (rc && heals(rc))
            log_info(LOG, "%s", err_msg(err));
    }
    if (!rc)
        log_info(LOG, "downloaded %s: %.1f MB in %.1f s", shown, (double)out->len / 1e6,
                 (double)(clock_now_ms() - start) / 1e3);
    return rc == ERR_RETRY ? ERR_UNREACHABLE : rc;
}

/* What comes from a mirror is kept under the name of what was wanted. Only what proved to be right
 * is kept. */
static int try_url(struct search *s, const char *url, struct err *err)
{
    struct buf content CLEANUP(buf_done) = BUF_INIT;
    char *shown CLEANUP(mem_cleanup) = remote_shown(url);
    int rc = fetch(s, url, shown, &content, err);

    if (!rc)
        rc = accept_content(s, &content, shown, err);
    if (!rc)
        disk_cache_put(s->settings->cache_dir, s->wanted->url, buf_str(&content), content.len);
    return rc;
}

/* --- searching ---------------------------------------------------------------------------------- */

/* Notes why a place had nothing. Not found says least, wrong content most. */
static int note(struct search *s, int rc, const struct err *err)
{
    if (rc == ERR_NOT_FOUND && s->code)
        return rc;
    if (s->failures.len)
        buf_puts(&s->failures, "; ");
    buf_puts(&s->failures, err_msg(err));
    if (!s->code || s->code == ERR_NOT_FOUND || rc == ERR_INVALID)
        s->code = rc;
    return rc;
}

static int try_place(struct search *s, const struct mirror_place *place)
{
    static int (*const tries[])(struct search *, const char *, struct err *) = {
        [MIRROR_TREE] = try_tree, [MIRROR_FILE] = try_file, [MIRROR_URL] = try_url};
    struct err err CLEANUP(err_done) = ERR_INIT;
    int rc = tries[place->kind](s, place->at, &err);

    /* A mirror isn't expected to have everything. */
    if (rc == ERR_NOT_FOUND)
        log_debug(LOG, "%s", err_msg(&err));
    else if (rc)
        note(s, rc, &err);
    return rc;
}

static int try_mirrors(struct search *s, const struct mirror_places *places, bool urls)
{
    int rc = ERR_NOT_FOUND;

    for (size_t i = 0; i < places->len && rc && rc != ERR_CANCELLED; i++) {
        if ((places->at[i].kind == MIRROR_URL) == urls)
            rc = try_place(s, &places->at[i]);
    }
    return rc;
}

static int try_cache(struct search *s)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    int rc = try_cached(s, &err);

    return rc && rc != ERR_NOT_FOUND ? note(s, rc, &err) : rc;
}

static int try_network(struct search *s)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    int rc = try_url(s, s->wanted->url, &err);

    return rc ? note(s, rc, &err) : 0;
}

static int search_places(struct search *s, const struct mirror_places *places)
{
    bool fixed = s->wanted->fixed || s->expected || s->settings->offline;
    int rc = try_mirrors(s, places, false);

    if (rc && fixed)
        rc = try_cache(s);
    if (rc)
        rc = try_mirrors(s, places, true);
    if (rc && rc != ERR_CANCELLED && !s->settings->offline)
        rc = try_network(s);
    if (rc && rc != ERR_CANCELLED && !fixed)
        rc = try_cache(s);
    return rc;
}

/* The whole story, and what to do about it. */
static int give_up(const struct search *s, const char *release, size_t places, struct err *err)
{
    char *url CLEANUP(mem_cleanup) = remote_shown(s->wanted->url);
    struct buf text CLEANUP(buf_done) = BUF_INIT;

    buf_printf(&text, "%s%s can't be had: ", release ? "the manifests of release " : "",
               release ? release : url);
    buf_puts(&text, buf_str(&s->failures));
    if (s->settings->offline)
        buf_printf(&text,
                   "%smanifests.offline is set, and neither the cache%s%s nor a mirror has %s",
                   s->failures.len ? "; " : "", s->settings->cache_dir ? " in " : "",
                   s->settings->cache_dir ? s->settings->cache_dir : "", url);
    else if (places)
        buf_printf(&text, "; %zu places of the mirrors were looked at before", places);
    if (s->code != ERR_INVALID)
        buf_puts(&text, ". Set manifests.mirror in the provider block, or " MIRROR_ENVIRONMENT
                        ", to a directory or URL that has it");
    return err_set(err, s->code ? s->code : ERR_NOT_FOUND, "%s", buf_str(&text));
}

int source_load(struct source_settings *settings, const struct remote *wanted, const char *release,
                const char *expected, struct cancel *cancel, struct source_tree *ret,
                struct err *err)
{
    struct mirror_places places CLEANUP(mirror_places_done) = {NULL, 0};
    struct source_tree result = {FILETREE_INIT, "", NULL};
    struct search s = {settings, wanted, expected, cancel, &result, BUF_INIT, 0};
    int rc;

    mirrors_places(settings->mirrors, wanted, release, &places);
    rc = search_places(&s, &places);
    if (!rc)
        *ret = result;
    else if (rc == ERR_CANCELLED)
        err_set(err, rc, "cancelled while getting manifests");
    else
        rc = give_up(&s, release, places.len, err);
    buf_done(&s.failures);
    return rc;
}
