#include "resources/kubeflow/image_refs.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/applyset.h"

#include "lib/base/banned.h"

#define MAX_DEPTH 128
#define MAX_TEXT  ((size_t)4 << 20) /* bytes; no object of that size can be stored */
#define TAG_MAX   128

#define LOWER   "abcdefghijklmnopqrstuvwxyz"
#define UPPER   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"
#define WORD    LOWER UPPER DIGITS "._-/:@"
#define BETWEEN " \t\"'=," /* what may stand, besides a colon, between a name and its value */

struct visitor {
    image_ref_fn *fn;
    void *arg;
};

/* --- one word ----------------------------------------------------------------------------------- */

/* Bytes of a registry at the beginning, its slash included; 0 when the first part is none. */
static size_t registry_len(const char *image)
{
    size_t n = strcspn(image, "/");
    bool local = n == strlen("localhost") && !strncmp(image, "localhost", n);

    if (!image[n] || (!local && !memchr(image, '.', n) && !memchr(image, ':', n)))
        return 0;
    return n + 1;
}

/* Bytes of a part of a path: lower case, no dot or dash at its ends. 0 when it isn't one. */
static size_t part_len(const char *s)
{
    size_t n = strspn(s, LOWER DIGITS "._-");

    return n && strchr(LOWER DIGITS, s[0]) && strchr(LOWER DIGITS, s[n - 1]) ? n : 0;
}

/* Goes behind a tag and a digest; false when there is something else. */
static bool pass_version(const char *s, bool *ret_has_version)
{
    static const char algorithm[] = "@sha256:";

    *ret_has_version = *s != '\0';
    if (*s == ':') {
        size_t n = strspn(++s, LOWER UPPER DIGITS "._-");

        if (!n || n > TAG_MAX)
            return false;
        s += n;
    }
    if (!strncmp(s, algorithm, strlen(algorithm))) {
        s += strlen(algorithm);
        if (strspn(s, DIGITS "abcdef") != 64)
            return false;
        s += 64;
    }
    return !*s;
}

/* Whether a word has the form of an image; after a name that says so, less will do. */
static bool is_image(const char *word, bool named)
{
    const char *p = word + registry_len(word);
    bool path = p != word, version;
    size_t n;

    while ((n = part_len(p)) && p[n] == '/') {
        path = true;
        p += n + 1;
    }
    if (!n || !pass_version(p + n, &version))
        return false;
    return named ? path || version : path && version;
}

/* What shall stand in a word's place, or NULL. */
static char *replaced(const struct visitor *v, const char *word, size_t len, bool named)
{
    char image[IMAGE_REF_MAX + 1];
    bool certain;

    if (len > IMAGE_REF_MAX || (!named && !memchr(word, '/', len)))
        return NULL;
    memcpy(image, word, len);
    image[len] = '\0';
    certain = is_image(image, named);
    if (!certain && (!registry_len(image) || strstr(image, "//")))
        return NULL;
    return v->fn(v->arg, image, certain);
}

/* --- a text ------------------------------------------------------------------------------------- */

static bool names_image(const char *name, size_t len)
{
    static const char image[] = "image";

    while (len && name[len - 1] == ':')
        len--;
    return len >= strlen(image) && !memchr(name, '/', len) &&
           !strncasecmp(name + len - strlen(image), image, strlen(image));
}

/* The text with what is wanted changed, or NULL when nothing is. named: its name says that it is an
 * image. */
static char *scan(const struct visitor *v, const char *text, bool named)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT;
    const char *copied = text, *p = text;
    bool fits = strlen(text) <= MAX_TEXT;

    buf_init(&out, BUF_MAX_DOCUMENT);
    while (*p && fits) {
        size_t len = strspn(p, WORD);
        char *to CLEANUP(mem_cleanup) = len ? replaced(v, p, len, named) : NULL;

        if (to) {
            fits = !buf_add(&out, copied, (size_t)(p - copied)) && !buf_add(&out, to, strlen(to));
            copied = p + len;
        }
        if (!len)
            named = named && strchr(BETWEEN, *p);
        else if (strspn(p, ":") < len)
            named = names_image(p, len);
        p += len ? len : 1;
    }
    if (copied == text || !fits || buf_add(&out, copied, (size_t)(p - copied)))
        return NULL;
    return buf_take(&out);
}

/* --- an object ---------------------------------------------------------------------------------- */

static void walk(const struct visitor *v, json_t *node, const char *name, int depth);

/* A string that is changed, or NULL. */
static json_t *changed(const struct visitor *v, const json_t *string, const char *name)
{
    const char *text = json_string_value(string);
    char *to CLEANUP(mem_cleanup) = NULL;

    if (!*text)
        return NULL;
    /* There a name alone is an image, too. */
    to = strcmp(name, "image") != 0 ? scan(v, text, names_image(name, strlen(name)))
                                    : v->fn(v->arg, text, true);
    return to ? json_string(to) : NULL;
}

/* Items of arguments: "--image", "name". */
static void walk_array(const struct visitor *v, json_t *array, const char *name, int depth)
{
    json_t *item;
    size_t i;

    json_array_foreach (array, i, item) {
        const char *before = i ? json_string_value(json_array_get(array, i - 1)) : NULL;
        json_t *to = json_is_string(item) ? changed(v, item, before ? before : name) : NULL;

        if (to)
            json_array_set_new(array, i, to);
        else
            walk(v, item, name, depth + 1);
    }
}

/* Members; of a variable ({name, value}) the value has its name. */
static void walk_object(const struct visitor *v, json_t *object, int depth)
{
    const char *variable = json_string_value(json_object_get(object, "name")), *key;
    json_t *member;
    void *next;

    json_object_foreach_safe(object, next, key, member)
    {
        const char *name = variable && !strcmp(key, "value") ? variable : key;
        json_t *to = NULL;

        if (!strcmp(key, "_example"))
            continue;
        if (json_is_string(member))
            to = changed(v, member, name);
        if (to)
            json_object_set_new(object, key, to);
        else
            walk(v, member, name, depth + 1);
    }
}

static void walk(const struct visitor *v, json_t *node, const char *name, int depth)
{
    if (depth > MAX_DEPTH)
        return;
    if (json_is_array(node))
        walk_array(v, node, name, depth);
    else if (json_is_object(node))
        walk_object(v, node, depth);
}

void image_refs_map(json_t *object, image_ref_fn *fn, void *arg)
{
    struct visitor v = {fn, arg};
    const char *kind = gvk_of(object).kind, *key;
    json_t *member;

    if (!strcmp(kind, "CustomResourceDefinition") || !strcmp(kind, "Secret"))
        return;
    json_object_foreach (object, key, member) {
        if (strcmp(key, "metadata") != 0)
            walk(&v, member, key, 0);
    }
}

/* --- what is there ------------------------------------------------------------------------------ */

char *image_ref_full(const char *image)
{
    if (registry_len(image))
        return mem_strdup(image);
    return mem_printf(strchr(image, '/') ? "docker.io/%s" : "docker.io/library/%s", image);
}

static char *collect(void *arg, const char *image, bool certain)
{
    char *full CLEANUP(mem_cleanup) = certain ? image_ref_full(image) : NULL;

    if (full)
        json_object_set_new(arg, full, json_null());
    return NULL;
}

/* Istio puts the names of its sidecars together: <hub>/<image>:<tag>. */
static void collect_sidecar(json_t *out, const json_t *object)
{
    const char *text = krm_str(object, "data", "values", NULL);
    json_auto_t *values = json_loads(text, 0, NULL);
    const json_t *global = json_object_get(values, "global");
    const char *hub = krm_str(global, "hub", NULL), *tag = krm_str(global, "tag", NULL);
    const char *image = krm_str(global, "proxy", "image", NULL);
    char *name CLEANUP(mem_cleanup) = NULL;

    if (!*hub || !*tag || !*image || strchr(image, '/'))
        return;
    name = mem_printf("%s/%s:%s", hub, image, tag);
    collect(out, name, true);
}

json_t *images_of(const json_t *objects)
{
    json_auto_t *set = json_object(), *list = json_array();
    json_t *object, *unused;
    const char *image;
    size_t i;

    json_array_foreach (objects, i, object) {
        image_refs_map(object, collect, set);
        if (!strcmp(gvk_of(object).kind, "ConfigMap") &&
            !strcmp(krm_str(object, "metadata", "name", NULL), "istio-sidecar-injector"))
            collect_sidecar(set, object);
    }
    json_object_foreach (set, image, unused)
        json_array_append_new(list, json_string(image));
    return applyset_union(list, NULL);
}
