/* Regular expressions in the syntax that kustomize's users write (Go's, RE2), matched by the C
 * library: the pattern is translated to a POSIX extended one. Only whether a text matches is ever
 * asked, so lazy and greedy repetition are the same. What has no POSIX form (Unicode classes, flags
 * in the middle) is refused. Case and classes are ASCII. */
#ifndef KUSTOMIZE_REGEX_H
#define KUSTOMIZE_REGEX_H

#include <regex.h>
#include <stdbool.h>

#include "lib/base/err.h"

#define REGEX_MAX_PATTERN 2048  /* bytes */
#define REGEX_MAX_REPEAT  1000  /* as in Go: also of repetitions in one another */
#define REGEX_MAX_SIZE    20000 /* parts, with repetitions written out: what compiling costs */

struct regex {
    char *literal; /* the pattern has no special characters: compared as text */
    bool whole;
    bool compiled;
    regex_t posix;
};

/* whole: the pattern must match all of the text. ERR_INVALID, ERR_LIMIT, ERR_UNSUPPORTED. */
int regex_init(struct regex *re, const char *pattern, bool whole, struct err *err) WARN_UNUSED;
void regex_done(struct regex *re);
bool regex_match(const struct regex *re, const char *text);

#endif
