/* Image references: "[host[:port]/]path[:tag][@digest]". */
#ifndef KUSTOMIZE_IMAGE_H
#define KUSTOMIZE_IMAGE_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/kustomize/regex.h"

#define IMAGE_MAX_TEXT 65536 /* bytes of a reference or of a part of one: registries take 400 */

/* Which images an entry means: the name is a regular expression, as in the reference, which never
 * quotes it; almost always it is plain text. */
struct image_matcher {
    char *name; /* plain but for dots, which match any character */
    struct regex regex;
    bool is_regex;
};

int image_matcher_init(struct image_matcher *im, const char *name, struct err *err) WARN_UNUSED;
void image_matcher_done(struct image_matcher *im);
bool image_match(const struct image_matcher *im, const char *image);

/* What an entry of `images` says; "" where it says nothing. */
struct image_change {
    const char *new_name, *new_tag, *tag_suffix, *digest;
};

/* The changed reference, which the caller frees, or NULL when a part is longer than IMAGE_MAX_TEXT. */
char *image_apply(const char *image, const struct image_change *change) WARN_UNUSED;

#endif
