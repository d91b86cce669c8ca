/* Which lists of built-in kinds a strategic merge merges by key (mergekeys.def). */
#ifndef KRM_MERGEKEYS_H
#define KRM_MERGEKEYS_H

#include <stddef.h>

#define MERGE_KEYS_MAX 2 /* merge keys of one list: port and protocol */

struct merge_field {
    const char *type, *name;
    const char *child; /* type of the field or of the list's elements; NULL: nothing below it */
    const char *keys;  /* NULL: no list; "": list of plain values; else "key" or "key,key" */
};

/* The type of a kind, or NULL. api_version is "apps/v1". */
const char *mergekeys_root(const char *api_version, const char *kind);

/* The field of a type, or NULL when nothing is known of it. type may be NULL. */
const struct merge_field *mergekeys_field(const char *type, const char *name);

/* Where a merge looks them up: the two functions above, or those of another schema. arg is given to
 * each. */
struct merge_schema {
    const char *(*root)(void *arg, const char *api_version, const char *kind);
    const struct merge_field *(*field)(void *arg, const char *type, const char *name);
    void *arg;
};

#endif
