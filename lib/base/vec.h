/* Growing arrays of any type, as macros.
 *
 *     VEC(struct thing) things = VEC_INIT;
 *     vec_push(&things, thing);
 *     for (size_t i = 0; i < things.len; i++) use(&things.at[i]);
 *     vec_done(&things);          frees the array, not what its elements own */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#define VEC(type)                                                                                  \
    struct {                                                                                       \
        type *at;                                                                                  \
        size_t len, cap;                                                                           \
    }

#define VEC_INIT                                                                                   \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

#define vec_push(v, x)                                                                             \
    do {                                                                                           \
        if ((v)->len == (v)->cap) {                                                                \
            (v)->cap = (v)->cap ? 2 * (v)->cap : 8;                                                \
            (v)->at = mem_realloc((v)->at, (v)->cap * sizeof(*(v)->at));                           \
        }                                                                                          \
        (v)->at[(v)->len++] = (x);                                                                 \
    } while (0)

#define vec_done(v)                                                                                \
    do {                                                                                           \
        free((v)->at);                                                                             \
        (v)->at = NULL;                                                                            \
        (v)->len = (v)->cap = 0;                                                                   \
    } while (0)

#endif
