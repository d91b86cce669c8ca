/* What an unquoted YAML scalar means.
 *
 * The rules are those of kustomize's YAML library (go-yaml v3), seen through the JSON that it
 * makes of them; the writer uses the same rules to decide what needs quotes. */
#ifndef KRM_YAML_SCALAR_H
#define KRM_YAML_SCALAR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum yaml_kind {
    YAML_STRING,
    YAML_NULL,
    YAML_BOOL,
    YAML_INT,
    YAML_FLOAT, /* may be infinite or not a number, which JSON has no word for */
    YAML_TIMESTAMP,
};

#define YAML_STAMP_SIZE 64

struct yaml_scalar {
    enum yaml_kind kind;
    bool boolean;
    json_int_t integer;
    double real;
    char stamp[YAML_STAMP_SIZE]; /* a timestamp in RFC 3339 form */
};

/* Reads text (NUL-terminated behind len). Whole numbers within int64 are YAML_INT however they
 * are written ("1.0" and "1e3" too), since JSON tells no difference; all others are YAML_FLOAT.
 * A number too large for a double, and one of more than 256 characters, is a string. */
void yaml_scalar_resolve(const char *text, size_t len, struct yaml_scalar *out);

/* Whether a YAML 1.1 reader takes this for a boolean ("yes", "off", "n"): a string here, but to be
 * quoted when written. */
bool yaml_scalar_is_old_bool(const char *text, size_t len);

#endif
