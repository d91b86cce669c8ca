#include "lib/kustomize/image.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"

#include "lib/base/banned.h"

#define TAG_CHARS "[a-zA-Z0-9_.{}-]*"

int image_matcher_init(struct image_matcher *im, const char *name, struct err *err)
{
    char *pattern CLEANUP(mem_cleanup) = NULL;

    *im = (struct image_matcher){0};
    im->is_regex = strpbrk(name, "\\+*?()|[]{}^$") != NULL;
    if (!im->is_regex) {
        im->name = mem_strdup(name);
        return 0;
    }
    pattern = mem_printf("^%s(:" TAG_CHARS ")?(@sha256:" TAG_CHARS ")?$", name);
    return regex_init(&im->regex, pattern, false, err);
}

void image_matcher_done(struct image_matcher *im)
{
    free(im->name);
    regex_done(&im->regex);
}

static const char *skip_tag(const char *s)
{
    while ((*s >= '0' && *s <= '9') || ((*s | 0x20) >= 'a' && (*s | 0x20) <= 'z') ||
           (*s && strchr("_.{}-", *s)))
        s++;
    return s;
}

bool image_match(const struct image_matcher *im, const char *image)
{
    const char *s = image;

    if (im->is_regex)
        return regex_match(&im->regex, image);
    for (const char *n = im->name; *n; n++, s++)
        if (!*s || (*n != '.' && *n != *s))
            return false;
    if (*s == ':')
        s = skip_tag(s + 1);
    if (strncmp(s, "@sha256:", 8) == 0)
        s = skip_tag(s + 8);
    return !*s;
}

/* Lengths of the parts of an image; a port is part of the name. */
struct parts {
    size_t name, tag, digest;
    const char *tag_at, *digest_at;
};

static struct parts split(const char *image)
{
    const char *slash = strchr(image, '/');
    const char *search = slash && slash > image ? slash : image;
    const char *at = strchr(search, '@'), *colon = strchr(search, ':');
    struct parts p = {.name = strlen(image), .tag_at = "", .digest_at = ""};

    if (at) {
        p.name = (size_t)(at - image);
        p.digest_at = at + 1;
        p.digest = strlen(p.digest_at);
    }
    if (colon && (!at || colon < at)) {
        p.tag_at = colon + 1;
        p.tag = (size_t)((at ? at : image + strlen(image)) - p.tag_at);
        p.name = (size_t)(colon - image);
    }
    return p;
}

static bool too_long(const char *image, const struct image_change *change)
{
    const char *const parts[] = {image, change->new_name, change->new_tag, change->tag_suffix,
                                 change->digest};

    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (strlen(parts[i]) > IMAGE_MAX_TEXT)
            return true;
    return false;
}

char *image_apply(const char *image, const struct image_change *change)
{
    struct parts p = split(image);
    struct buf tag CLEANUP(buf_done) = BUF_INIT, digest CLEANUP(buf_done) = BUF_INIT;
    struct buf out = BUF_INIT;

    if (too_long(image, change))
        return NULL;
    if (*change->new_tag || *change->digest) {
        buf_puts(&tag, change->new_tag);
        buf_puts(&digest, change->digest);
    } else {
        buf_putn(&tag, p.tag_at, p.tag);
        buf_puts(&tag, change->tag_suffix);
        if (!*change->tag_suffix)
            buf_putn(&digest, p.digest_at, p.digest);
    }
    if (*change->new_name)
        buf_puts(&out, change->new_name);
    else
        buf_putn(&out, image, p.name);
    if (tag.len)
        buf_printf(&out, ":%s", buf_str(&tag));
    if (digest.len)
        buf_printf(&out, "@%s", buf_str(&digest));
    return buf_take(&out);
}
