/* Any text as a kustomization's remote resource, an archive's URL and a list of mirrors: what is
 * understood must be safe to ask for and to look for below a directory. */
#include <string.h>

#include "lib/base/mem.h"
#include "resources/kubeflow/mirror.h"
#include "tests/fuzz/fuzz.h"

#include "lib/base/banned.h"

static bool leaves(const char *path)
{
    size_t len = strlen(path);

    return strstr(path, "/../") || !strncmp(path, "../", 3) ||
           (len >= 3 && !strcmp(path + len - 3, "/.."));
}

static void check_places(const struct remote *r)
{
    struct mirrors *m = mirrors_new(NULL, "/mirror,https://mirror.example", NULL);
    struct mirror_places places;

    mirrors_places(m, r, "1.0", &places);
    for (size_t i = 0; i < places.len; i++) {
        const char *at = places.at[i].at;

        if (places.at[i].kind == MIRROR_URL ? strncmp(at, "https://mirror.example/", 23) != 0
                                            : strncmp(at, "/mirror/", 8) != 0 || leaves(at))
            bug("a place outside the mirror: %s", at);
    }
    mirror_places_done(&places);
    mirrors_free(m);
}

static void check(const struct remote *r)
{
    if (strncmp(r->url, "https://", 8) != 0 && strncmp(r->url, "http://", 7) != 0)
        bug("not a web URL: %s", r->url);
    for (const char *p = r->url; *p; p++) {
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
            bug("URL with an odd byte: %s", r->url);
    }
    if (r->path && (*r->path == '/' || leaves(r->path)))
        bug("path leaves the repository: %s", r->path);
    check_places(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text CLEANUP(mem_cleanup) = mem_strndup((const char *)data, size);
    struct remote r;

    if (!remote_parse_resource(text, &r, NULL)) {
        check(&r);
        remote_done(&r);
    }
    if (!remote_parse_archive(text, &r, NULL)) {
        check(&r);
        remote_done(&r);
    }
    mirrors_free(mirrors_new(NULL, text, NULL));
    return 0;
}
