/* Memory: allocation that can't fail, and arenas.
 *
 * Running out of memory aborts with a message: no caller could do anything better, and an
 * allocation size that comes from outside is checked against a named limit before it gets here.
 *
 * An arena owns many small allocations that die together (one arena per RPC). */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/attr.h"

void *mem_alloc(size_t size) WARN_UNUSED;
void *mem_calloc(size_t n, size_t size) WARN_UNUSED;
void *mem_realloc(void *p, size_t size) WARN_UNUSED;
char *mem_strdup(const char *s) WARN_UNUSED; /* NULL gives NULL */
char *mem_strndup(const char *s, size_t n) WARN_UNUSED;
char *mem_printf(const char *fmt, ...) PRINTF_FMT(1, 2) WARN_UNUSED;
char *mem_vprintf(const char *fmt, va_list ap) PRINTF_FMT(1, 0) WARN_UNUSED;

/* Overwrites memory that held a secret; never optimised away. */
void mem_wipe(void *p, size_t n);

/* Frees a string after wiping it. Accepts NULL. */
void mem_free_secret(char *s);

/* CLEANUP(mem_cleanup) on any pointer that came from malloc. */
static inline UNUSED void mem_cleanup(void *pp)
{
    free(*(void **)pp);
}

/* Prints the message to stderr and aborts: for broken invariants only (house rule 4). */
void bug(const char *fmt, ...) PRINTF_FMT(1, 2) NORETURN;

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a); /* accepts NULL */
DEFINE_CLEANUP(arena_cleanup, struct arena *, arena_free)

/* Zeroed memory aligned for any type; lives until arena_free. */
void *arena_alloc(struct arena *a, size_t size) WARN_UNUSED;
void *arena_calloc(struct arena *a, size_t n, size_t size) WARN_UNUSED;
char *arena_strdup(struct arena *a, const char *s) WARN_UNUSED; /* NULL gives NULL */
char *arena_strndup(struct arena *a, const char *s, size_t n) WARN_UNUSED;
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_FMT(2, 3) WARN_UNUSED;

/* Runs fn(arg) when the arena is freed, newest first: for objects with their own free function. */
void arena_defer(struct arena *a, void (*fn)(void *arg), void *arg);

#endif
