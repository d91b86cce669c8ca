#include "tests/render/mirror.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/banned.h"

#define RELEASES "/releases/download/"

/* Takes what is before the next slash. */
static int take(const char **s, char *out, size_t size)
{
    size_t n = strcspn(*s, "/?");

    if (!n || n >= size)
        return -1;
    memcpy(out, *s, n);
    out[n] = 0;
    *s += n;
    while (**s == '/')
        (*s)++;
    return 0;
}

int mirror_resolve(void *arg, const char *url, struct loader **ret_loader, const char **ret_path,
                   struct err *err)
{
    struct mirror *m = arg;
    const char *s = strstr(url, "://"), *query = strchr(url, '?'), *release = strstr(url, RELEASES);
    char host[256], owner[256], repo[256], ref[256] = "HEAD";

    s = s ? s + 3 : url;
    if (take(&s, host, sizeof(host)) || take(&s, owner, sizeof(owner)) ||
        take(&s, repo, sizeof(repo)))
        return err_set(err, ERR_INVALID, "not host/owner/repository");
    if (release) {
        s = release + strlen(RELEASES);
        if (take(&s, ref, sizeof(ref)))
            return err_set(err, ERR_INVALID, "no release");
    } else if (query && strncmp(query, "?ref=", 5) == 0) {
        snprintf(ref, sizeof(ref), "%s", query + 5);
    }
    snprintf(m->path, sizeof(m->path), "%s/%s/%s/%s/%.*s", host, owner, repo, ref,
             (int)strcspn(s, "?"), s);
    *ret_loader = m->loader;
    *ret_path = m->path;
    return 0;
}
