/* Compiler attributes and scope-bound cleanup.
 *
 * CLEANUP(fn) runs fn(&variable) when the variable goes out of scope, so that an early return is
 * the normal error path (house rule 5). Each type defines its own cleanup function beside its
 * free function, made with DEFINE_CLEANUP. */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#include <stddef.h>

#define CLEANUP(fn)      __attribute__((cleanup(fn)))
#define PRINTF_FMT(f, a) __attribute__((format(printf, f, a)))
#define WARN_UNUSED      __attribute__((warn_unused_result))
#define NORETURN         __attribute__((noreturn))
#define HIDDEN_SYMBOL    __attribute__((visibility("hidden")))
#define UNUSED           __attribute__((unused))
#define ARRAY_LEN(a)     (sizeof(a) / sizeof((a)[0]))

/* Defines `static inline void NAME(TYPE *p)` that calls FREE(*p) for a non-NULL value. */
#define DEFINE_CLEANUP(NAME, TYPE, FREE)                                                           \
    static inline UNUSED void NAME(TYPE *p)                                                        \
    {                                                                                              \
        if (*p)                                                                                    \
            FREE(*p);                                                                              \
    }

#endif
