#include "lib/kustomize/intern.h"

#include <stdint.h>

#include "lib/base/banned.h"

#define INTERN_FIRST_SIZE 1024 /* slots, a power of two */

struct entry {
    uint64_t hash;
    size_t len;
    const char *text;
};

struct intern {
    struct arena *arena;
    struct entry *slots;
    size_t nslots, used;
};

static void intern_free(void *arg)
{
    struct intern *in = arg;

    free(in->slots);
    free(in);
}

struct intern *intern_new(struct arena *arena)
{
    struct intern *in = mem_calloc(1, sizeof(*in));

    in->arena = arena;
    in->nslots = INTERN_FIRST_SIZE;
    in->slots = mem_calloc(in->nslots, sizeof(*in->slots));
    arena_defer(arena, intern_free, in);
    return in;
}

static uint64_t fnv1a(const char *s, size_t n)
{
    uint64_t hash = 14695981039346656037ULL;

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)s[i]) * 1099511628211ULL;
    return hash;
}

static void grow(struct intern *in)
{
    size_t n = 2 * in->nslots;
    struct entry *slots = mem_calloc(n, sizeof(*slots));

    for (size_t i = 0; i < in->nslots; i++) {
        const struct entry *e = &in->slots[i];
        size_t at = e->hash & (n - 1);

        if (!e->text)
            continue;
        while (slots[at].text)
            at = (at + 1) & (n - 1);
        slots[at] = *e;
    }
    free(in->slots);
    in->slots = slots;
    in->nslots = n;
}

const char *intern_n(struct intern *in, const char *s, size_t n)
{
    uint64_t hash = fnv1a(s, n);
    size_t at = hash & (in->nslots - 1);
    struct entry *e;

    for (e = &in->slots[at]; e->text; e = &in->slots[at]) {
        if (e->hash == hash && e->len == n && memcmp(e->text, s, n) == 0)
            return e->text;
        at = (at + 1) & (in->nslots - 1);
    }
    *e = (struct entry){.hash = hash, .len = n, .text = arena_strndup(in->arena, s, n)};
    s = e->text;
    if (2 * ++in->used > in->nslots)
        grow(in);
    return s;
}

const char *intern(struct intern *in, const char *s)
{
    return s ? intern_n(in, s, strlen(s)) : intern_n(in, "", 0);
}
