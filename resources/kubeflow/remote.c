#include "resources/kubeflow/remote.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"

#include "lib/base/banned.h"

#define COMMIT_LEN 40

void remote_done(struct remote *r)
{
    free(r->url);
    free(r->repo);
    free(r->ref);
    free(r->path);
    free(r->file);
    memset(r, 0, sizeof(*r));
}

char *remote_shown(const char *url)
{
    size_t n = strcspn(url, "?#");

    return mem_printf("%.*s%s", (int)n, url, url[n] ? "?..." : "");
}

/* --- pieces of text ----------------------------------------------------------------------------- */

static bool starts(const char *s, const char *prefix)
{
    return !strncmp(s, prefix, strlen(prefix));
}

static bool ends(const char *s, size_t len, const char *suffix)
{
    size_t n = strlen(suffix);

    return len >= n && !memcmp(s + len - n, suffix, n);
}

/* Letters, digits and what refs, owners and paths have besides; nothing that means something to a
 * URL or a file system. */
static bool is_plain(const char *s)
{
    if (!*s || strstr(s, ".."))
        return false;
    for (; *s; s++) {
        if (!isalnum((unsigned char)*s) && !strchr("._-/+@", *s))
            return false;
    }
    return true;
}

static bool is_commit(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!isxdigit((unsigned char)s[i]))
            return false;
    }
    return len == COMMIT_LEN;
}

/* "v1.2", "1.2.3-rc.1", "release-1.2/v3.4.5": a version tag, by its last element. */
static bool is_version(const char *ref)
{
    const char *slash = strrchr(ref, '/'), *s = slash ? slash + 1 : ref;

    s += *s == 'v';
    if (!isdigit((unsigned char)*s))
        return false;
    s += strspn(s, "0123456789");
    return *s == '.' && isdigit((unsigned char)s[1]);
}

/* Host and path of a URL. */
static const char *behind_scheme(const char *url)
{
    const char *scheme = strstr(url, "://");

    return scheme ? scheme + 3 : url;
}

/* One whole element of the URL's path is a commit. */
static bool names_commit(const char *url)
{
    for (size_t n; *url; url += n + (url[n] == '/')) {
        size_t len;

        n = strcspn(url, "/");
        len = strspn(url, "0123456789abcdef");
        if (len <= n && is_commit(url, len) && (len == n || url[len] == '.'))
            return true;
    }
    return false;
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *at = strchr(digits, tolower((unsigned char)c));

    return c && at ? (int)(at - digits) : -1;
}

static char *percent_decode(const char *s, size_t len)
{
    struct buf out = BUF_INIT;

    for (size_t i = 0; i < len; i++) {
        if (s[i] == '%' && i + 2 < len && hex_digit(s[i + 1]) >= 0 && hex_digit(s[i + 2]) >= 0) {
            buf_putc(&out, (char)(hex_digit(s[i + 1]) * 16 + hex_digit(s[i + 2])));
            i += 2;
        } else {
            buf_putc(&out, s[i]);
        }
    }
    return buf_take(&out);
}

/* A parameter of the query ("?a=1&b=2"), decoded; NULL when it isn't there. */
static char *parameter(const char *query, const char *name)
{
    size_t len = strlen(name), n;

    for (; *query; query += n) {
        query += *query == '?' || *query == '&';
        n = strcspn(query, "&");
        if (n > len && !strncmp(query, name, len) && query[len] == '=')
            return percent_decode(query + len + 1, n - len - 1);
    }
    return NULL;
}

/* --- archives ----------------------------------------------------------------------------------- */

static bool to_this_machine(const char *url)
{
    static const char *const prefixes[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};

    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        size_t n = strlen(prefixes[i]);

        if (!strncmp(url, prefixes[i], n) && (!url[n] || strchr(":/", url[n])))
            return true;
    }
    return false;
}

static bool has_userinfo(const char *url)
{
    const char *host = behind_scheme(url);

    return memchr(host, '@', strcspn(host, "/?#"));
}

static int check_url(const char *url, struct err *err)
{
    if (strlen(url) > REMOTE_MAX_URL)
        return err_set(err, ERR_LIMIT, "URL of more than %d bytes", REMOTE_MAX_URL);
    for (const char *p = url; *p; p++) {
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
            return err_set(err, ERR_INVALID,
                           "URL with a blank or a byte that must be written as %%XX");
    }
    if (has_userinfo(url))
        return err_set(err, ERR_INVALID, "URL with a user name or password: they would be shown");
    if (strstr(url, "/../") || ends(url, strlen(url), "/.."))
        return err_set(err, ERR_INVALID, "%s: has \"..\" in its path", url);
    if (!starts(url, "https://") && !to_this_machine(url))
        return err_set(err, ERR_INVALID, "%s: must begin with https://", url);
    return 0;
}

/* Where "https://host/owner/name" ends in url, or NULL when it has no owner and name. */
static const char *end_of_repo(const char *url)
{
    const char *at = behind_scheme(url);

    for (int i = 0; i < 3; i++) {
        size_t n = strcspn(at, "/?");

        if (!n)
            return NULL;
        at += n;
        if (i < 2 && *at++ != '/')
            return NULL;
    }
    return at;
}

/* Fills in repo, ref and file of ".../archive/REF.tar.gz" and ".../releases/download/TAG/FILE". */
static void find_repo(struct remote *r)
{
    static const char *const extensions[] = {".tar.gz", ".tgz", ".zip", ".tar"};
    static const char download[] = "/releases/download/", archive[] = "/archive/";
    const char *end = end_of_repo(r->url), *rest, *slash;
    size_t len;

    if (!end)
        return;
    if (starts(end, download)) {
        rest = end + strlen(download);
        slash = strchr(rest, '/');
        if (slash && !strchr(slash + 1, '/')) {
            r->repo = mem_strndup(r->url, (size_t)(end - r->url));
            r->ref = mem_strndup(rest, (size_t)(slash - rest));
        }
        return;
    }
    if (!starts(end, archive))
        return;
    rest = end + strlen(archive);
    rest += starts(rest, "refs/tags/") ? strlen("refs/tags/") : 0;
    len = strlen(rest);
    for (size_t i = 0; i < ARRAY_LEN(extensions); i++) {
        if (!ends(rest, len, extensions[i]))
            continue;
        r->repo = mem_strndup(r->url, (size_t)(end - r->url));
        r->ref = mem_strndup(rest, len - strlen(extensions[i]));
        return;
    }
}

static void find_fixed(struct remote *r)
{
    r->fixed = strstr(r->url, "/refs/tags/") || strstr(r->url, "/releases/download/") ||
               names_commit(r->url) ||
               (r->ref && (is_version(r->ref) || is_commit(r->ref, strlen(r->ref))));
}

int remote_parse_archive(const char *url, struct remote *ret, struct err *err)
{
    struct remote r = {0};
    int rc = check_url(url, err);

    if (rc)
        return rc;
    r.url = mem_strdup(url);
    find_repo(&r);
    find_fixed(&r);
    *ret = r;
    return 0;
}

/* --- resources of kustomizations ---------------------------------------------------------------- */

/* The text as an https URL: without "git::", with a scheme, ssh's "git@host:" turned round. */
static char *as_https(const char *text)
{
    char *url, *colon;

    if (starts(text, "git::"))
        text += 5;
    if (starts(text, "https://") || starts(text, "http://"))
        return mem_strdup(text);
    if (starts(text, "ssh://"))
        text += 6;
    if (starts(text, "git@"))
        text += 4;
    url = mem_printf("https://%s", text);
    colon = url + strlen("https://") + strcspn(text, ":/");
    if (*colon == ':' && !isdigit((unsigned char)colon[1]))
        *colon = '/';
    return url;
}

/* Where a host serves a ref's archive. */
static char *archive_url(const char *repo, const char *ref)
{
    const char *host = behind_scheme(repo), *slash = strrchr(host, '/');
    const char *name = slash ? slash + 1 : host;

    if (starts(host, "bitbucket.org/"))
        return mem_printf("%s/get/%s.tar.gz", repo, ref);
    if (starts(host, "gitlab."))
        return mem_printf("%s/-/archive/%s/%s-%s.tar.gz", repo, ref, name, ref);
    return mem_printf("%s/archive/%s.tar.gz", repo, ref);
}

/* Cuts "https://host/owner/name[.git][/]/path" (without query) in two. */
static int split_repo(const char *url, size_t len, struct remote *r, struct err *err)
{
    char *whole CLEANUP(mem_cleanup) = mem_strndup(url, len);
    const char *from = behind_scheme(whole), *cut = strstr(from, "//"),
               *git = strstr(from, ".git/");
    const char *end = end_of_repo(whole);
    size_t repo_len;

    if (cut)
        repo_len = (size_t)(cut - whole);
    else if (git)
        repo_len = (size_t)(git - whole) + strlen(".git");
    else
        repo_len = end ? (size_t)(end - whole) : 0;
    if (!end || !repo_len)
        return err_set(err, ERR_INVALID, "names no repository (https://host/owner/name/...)");
    r->path = mem_strdup(whole + repo_len + strspn(whole + repo_len, "/"));
    while (*r->path && r->path[strlen(r->path) - 1] == '/')
        r->path[strlen(r->path) - 1] = '\0';
    if (ends(whole, repo_len, ".git"))
        repo_len -= strlen(".git");
    r->repo = mem_strndup(whole, repo_len);
    if (!is_plain(behind_scheme(r->repo)) || (*r->path && !is_plain(r->path)))
        return err_set(err, ERR_INVALID,
                       "owner, name or path with characters that have no place there");
    return 0;
}

static int parse_repo(const char *url, size_t len, char *ref, struct remote *r, struct err *err)
{
    int rc;

    r->ref = ref;
    if (!is_plain(ref))
        return err_set(err, ERR_INVALID, "ref with characters that have no place there");
    rc = split_repo(url, len, r, err);
    if (rc || !r->repo)
        return rc;
    r->url = archive_url(r->repo, ref);
    return 0;
}

static bool is_manifest(const char *url, size_t len)
{
    return ends(url, len, ".yaml") || ends(url, len, ".yml") || ends(url, len, ".json");
}

static int parse_file(const char *url, size_t len, struct remote *r, struct err *err)
{
    char *path CLEANUP(mem_cleanup) = mem_strndup(url, len);
    const char *slash = strrchr(path, '/');

    if (!is_manifest(url, len))
        return err_set(err, ERR_INVALID,
                       "needs \"?ref=\" with a tag or commit: what moves can't be planned");
    r->url = mem_strdup(url);
    r->file = mem_strdup(slash ? slash + 1 : path);
    find_repo(r);
    return 0;
}

int remote_parse_resource(const char *text, struct remote *ret, struct err *err)
{
    char *url CLEANUP(mem_cleanup) = as_https(text);
    struct remote r = {0};
    size_t len = strcspn(url, "?#");
    char *ref;
    int rc = check_url(url, err);

    if (rc)
        return rc;
    ref = parameter(url + len, "ref");
    if (!ref)
        ref = parameter(url + len, "version");
    rc = ref ? parse_repo(url, len, ref, &r, err) : parse_file(url, len, &r, err);
    if (rc || !r.url) {
        remote_done(&r);
        return rc;
    }
    find_fixed(&r);
    *ret = r;
    return 0;
}
