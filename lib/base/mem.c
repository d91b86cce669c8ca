#include "lib/base/mem.h"

#include <stdint.h>
#include <stdio.h>

#include "lib/base/banned.h"

/* A request larger than this is a missing check in the caller, not a real need. */
#define MEM_MAX_ALLOC ((size_t)1 << 40)

#define ARENA_CHUNK_SIZE ((size_t)8192)
#define ARENA_ALIGN      ((size_t)16)

/* Terraform shows the user what a plugin writes behind "panic: ". */
void bug(const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    fprintf(stderr, "panic: internal error: %s\n", text);
    abort();
}

void *mem_realloc(void *p, size_t size)
{
    void *q;

    if (size > MEM_MAX_ALLOC)
        bug("allocation of %zu bytes", size);
    q = realloc(p, size ? size : 1);
    if (!q)
        bug("out of memory (%zu bytes)", size);
    return q;
}

void *mem_alloc(size_t size)
{
    return mem_realloc(NULL, size);
}

void *mem_calloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);

    if (!p)
        bug("out of memory (%zu times %zu bytes)", n, size);
    return p;
}

char *mem_strndup(const char *s, size_t n)
{
    char *p = mem_alloc(n + 1);

    memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

char *mem_strdup(const char *s)
{
    return s ? mem_strndup(s, strlen(s)) : NULL;
}

char *mem_vprintf(const char *fmt, va_list ap)
{
    va_list copy;
    int n;
    char *p;

    va_copy(copy, ap);
    n = vsnprintf(NULL, 0, fmt, copy);
    va_end(copy);
    if (n < 0)
        bug("format \"%s\" can't be printed", fmt);
    p = mem_alloc((size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    return p;
}

char *mem_printf(const char *fmt, ...)
{
    va_list ap;
    char *p;

    va_start(ap, fmt);
    p = mem_vprintf(fmt, ap);
    va_end(ap);
    return p;
}

void mem_wipe(void *p, size_t n)
{
    explicit_bzero(p, n);
}

void mem_free_secret(char *s)
{
    if (s)
        mem_wipe(s, strlen(s));
    free(s);
}

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, size;
    /* The data follows, at an offset that is a multiple of ARENA_ALIGN. */
};

struct arena_deferred {
    struct arena_deferred *next;
    void (*fn)(void *arg);
    void *arg;
};

struct arena {
    struct arena_chunk *chunks; /* the first is the one being filled */
    struct arena_deferred *deferred;
};

#define ARENA_HEADER ((sizeof(struct arena_chunk) + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1))

struct arena *arena_new(void)
{
    return mem_calloc(1, sizeof(struct arena));
}

void arena_free(struct arena *a)
{
    struct arena_deferred *d;
    struct arena_chunk *c;

    if (!a)
        return;
    for (d = a->deferred; d; d = d->next)
        d->fn(d->arg);
    while ((c = a->chunks)) {
        a->chunks = c->next;
        free(c);
    }
    free(a);
}

static struct arena_chunk *chunk_new(size_t size)
{
    struct arena_chunk *c;

    if (size > MEM_MAX_ALLOC)
        bug("arena allocation of %zu bytes", size);
    c = mem_calloc(1, ARENA_HEADER + size);
    c->size = size;
    return c;
}

void *arena_alloc(struct arena *a, size_t size)
{
    struct arena_chunk *c = a->chunks;
    void *p;

    if (size > MEM_MAX_ALLOC)
        bug("arena allocation of %zu bytes", size);
    size = (size + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
    if (size > ARENA_CHUNK_SIZE / 4) {
        /* A large block gets a chunk of its own, behind the one being filled. */
        c = chunk_new(size);
        if (a->chunks) {
            c->next = a->chunks->next;
            a->chunks->next = c;
        } else {
            a->chunks = c;
        }
    } else if (!c || c->size - c->used < size) {
        c = chunk_new(ARENA_CHUNK_SIZE);
        c->next = a->chunks;
        a->chunks = c;
    }
    p = (char *)c + ARENA_HEADER + c->used;
    c->used += size;
    return p;
}

void *arena_calloc(struct arena *a, size_t n, size_t size)
{
    if (size && n > MEM_MAX_ALLOC / size)
        bug("arena allocation of %zu times %zu bytes", n, size);
    return arena_alloc(a, n * size);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    char *p = arena_alloc(a, n + 1);

    memcpy(p, s, n);
    return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    char *text, *copy;
    va_list ap;

    va_start(ap, fmt);
    text = mem_vprintf(fmt, ap);
    va_end(ap);
    copy = arena_strdup(a, text);
    free(text);
    return copy;
}

void arena_defer(struct arena *a, void (*fn)(void *arg), void *arg)
{
    struct arena_deferred *d = arena_alloc(a, sizeof(*d));

    d->fn = fn;
    d->arg = arg;
    d->next = a->deferred;
    a->deferred = d;
}
