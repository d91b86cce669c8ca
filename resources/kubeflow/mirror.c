#include "resources/kubeflow/mirror.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/mem.h"
#include "lib/base/vec.h"
#include "resources/kubeflow/source.h"

#include "lib/base/banned.h"

/* Where a directory of release archives has what the releases refer to. */
#define REMOTE_BASES "remote-bases"

struct rule {
    char *prefix; /* "" for a bare target: any https URL, without its scheme */
    char *target; /* without a final slash */
    bool is_url;
};

struct mirrors {
    VEC(struct rule) rules; /* longest prefix first, bare ones last */
};

/* --- rules -------------------------------------------------------------------------------------- */

static int add_rule(struct mirrors *m, const char *prefix, const char *target, struct err *err)
{
    struct rule rule = {NULL, NULL, strstr(target, "://") != NULL};
    size_t len = strlen(target);

    if (*prefix && strncmp(prefix, "https://", 8) != 0 && strncmp(prefix, "http://", 7) != 0)
        return err_set(err, ERR_INVALID,
                       "mirror \"%s\": the prefix must be the beginning of a URL, such as "
                       "\"https://github.com/\"",
                       prefix);
    if (!strncmp(target, "file://", 7)) {
        target += 7;
        len -= 7;
        rule.is_url = false;
    }
    if (rule.is_url && strncmp(target, "https://", 8) != 0 && strncmp(target, "http://", 7) != 0)
        return err_set(err, ERR_INVALID,
                       "mirror \"%s\": must be a directory, or a URL with https:// or http://",
                       target);
    if (!len)
        return err_set(err, ERR_INVALID, "mirror of \"%s\": the target is empty", prefix);
    if (m->rules.len >= SOURCE_MAX_MIRRORS)
        return err_set(err, ERR_INVALID, "more than %d mirrors", SOURCE_MAX_MIRRORS);
    while (len > 1 && target[len - 1] == '/')
        len--;
    rule.prefix = mem_strdup(prefix);
    rule.target = mem_strndup(target, len);
    vec_push(&m->rules, rule);
    return 0;
}

static bool is_directory(const char *path)
{
    struct stat st;

    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* "prefix=target" or a bare target. A URL prefix has no "=", so the first one is the border; a bare
 * directory with "=" in its name has none of a URL's beginning before it. */
static int add_item(struct mirrors *m, const char *item, struct err *err)
{
    const char *equals = strchr(item, '=');
    char *prefix CLEANUP(mem_cleanup) = NULL;

    if (!equals || strncmp(item, "http", 4) != 0)
        return add_rule(m, "", item, err);
    prefix = mem_strndup(item, (size_t)(equals - item));
    return add_rule(m, prefix, equals + 1, err);
}

static int add_environment(struct mirrors *m, const char *value, struct err *err)
{
    if (is_directory(value))
        return add_rule(m, "", value, err);
    for (;;) {
        char *item CLEANUP(mem_cleanup) = NULL;
        size_t n;
        int rc;

        value += strspn(value, " ,\t\n");
        n = strcspn(value, " ,\t\n");
        if (!n)
            return 0;
        item = mem_strndup(value, n);
        rc = add_item(m, item, err);
        if (rc) {
            err_wrap(err, MIRROR_ENVIRONMENT);
            return rc;
        }
        value += n;
    }
}

static int rule_cmp(const void *a, const void *b)
{
    size_t la = strlen(((const struct rule *)a)->prefix),
           lb = strlen(((const struct rule *)b)->prefix);

    return (la < lb) - (la > lb);
}

/* Insertion sort: stable, so that rules of one length stay in the order in which they were given. */
static void sort_rules(struct mirrors *m)
{
    for (size_t i = 1; i < m->rules.len; i++) {
        struct rule rule = m->rules.at[i];
        size_t at = i;

        for (; at && rule_cmp(&m->rules.at[at - 1], &rule) > 0; at--)
            m->rules.at[at] = m->rules.at[at - 1];
        m->rules.at[at] = rule;
    }
}

struct mirrors *mirrors_new(const json_t *configured, const char *environment, struct err *err)
{
    struct mirrors *m = mem_calloc(1, sizeof(*m));
    const char *prefix;
    json_t *target;
    int rc = 0;

    json_object_foreach ((json_t *)configured, prefix, target) {
        if (!rc)
            rc = add_rule(m, prefix, json_is_string(target) ? json_string_value(target) : "", err);
    }
    if (!rc && environment)
        rc = add_environment(m, environment, err);
    if (rc) {
        mirrors_free(m);
        return NULL;
    }
    sort_rules(m);
    return m;
}

void mirrors_free(struct mirrors *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->rules.len; i++) {
        free(m->rules.at[i].prefix);
        free(m->rules.at[i].target);
    }
    vec_done(&m->rules);
    free(m);
}

/* --- places ------------------------------------------------------------------------------------- */

struct places {
    VEC(struct mirror_place) list;
};

static PRINTF_FMT(3, 4) void add_place(struct places *p, enum mirror_kind kind, const char *fmt,
                                       ...)
{
    struct mirror_place place = {kind, NULL};
    va_list ap;

    va_start(ap, fmt);
    place.at = mem_vprintf(fmt, ap);
    va_end(ap);
    vec_push(&p->list, place);
}

/* What is left of url behind the rule's prefix, or NULL when it doesn't fit (a prefix ends where an
 * element of the URL does). */
static const char *rest_of(const struct rule *r, const char *url)
{
    size_t n = strlen(r->prefix);

    if (!n)
        return strncmp(url, "https://", 8) ? NULL : url + 8;
    if (strncmp(url, r->prefix, n) != 0)
        return NULL;
    if (url[n] && url[n] != '/' && r->prefix[n - 1] != '/')
        return NULL;
    return url + n + strspn(url + n, "/");
}

/* Places in a directory, below `root`. */
static void add_below(struct places *p, const struct rule *rule, const char *root,
                      const struct remote *wanted)
{
    const char *rest = rest_of(rule, wanted->url);
    const char *repo = wanted->repo ? rest_of(rule, wanted->repo) : NULL;

    if (repo && wanted->file)
        add_place(p, MIRROR_FILE, "%s/%s/%s/%s", root, repo, wanted->ref, wanted->file);
    else if (repo)
        add_place(p, MIRROR_TREE, "%s/%s/%s", root, repo, wanted->ref);
    if (rest)
        add_place(p, MIRROR_FILE, "%s/%s", root, rest);
}

static void add_directory(struct places *p, const struct rule *rule, const struct remote *wanted,
                          const char *release)
{
    char *bases CLEANUP(mem_cleanup) = mem_printf("%s/" REMOTE_BASES, rule->target);

    if (release && rest_of(rule, wanted->url))
        add_place(p, MIRROR_FILE, "%s/manifests-%s.tar.gz", rule->target, release);
    add_below(p, rule, rule->target, wanted);
    if (!*rule->prefix)
        add_below(p, rule, bases, wanted);
}

static void add_url(struct places *p, const struct rule *rule, const char *rest,
                    const char *release)
{
    if (release && !*rule->prefix)
        add_place(p, MIRROR_URL, "%s/manifests-%s.tar.gz", rule->target, release);
    add_place(p, MIRROR_URL, "%s/%s", rule->target, rest);
}

void mirrors_places(const struct mirrors *m, const struct remote *wanted, const char *release,
                    struct mirror_places *ret)
{
    struct places p = {VEC_INIT};

    for (size_t i = 0; i < m->rules.len; i++) {
        const struct rule *rule = &m->rules.at[i];
        const char *rest = rest_of(rule, wanted->url);

        if (!rule->is_url)
            add_directory(&p, rule, wanted, release);
        else if (rest)
            add_url(&p, rule, rest, release);
    }
    ret->at = p.list.at;
    ret->len = p.list.len;
}

void mirror_places_done(struct mirror_places *p)
{
    for (size_t i = 0; i < p->len; i++)
        free(p->at[i].at);
    free(p->at);
    p->at = NULL;
    p->len = 0;
}
