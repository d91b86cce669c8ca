/* Which resources a patch or a replacement means. */
#ifndef KUSTOMIZE_SELECTOR_H
#define KUSTOMIZE_SELECTOR_H

#include "lib/kustomize/regex.h"
#include "lib/kustomize/resmap.h"

/* --- label expressions: "app=x,tier in (a, b),!legacy" ------------------------------------------- */

enum label_op {
    LABEL_EXISTS,
    LABEL_MISSING,
    LABEL_IN, /* "=" and "==" too */
    LABEL_NOT_IN,
    LABEL_GREATER,
    LABEL_LESS,
};

struct label_rule {
    enum label_op op;
    char *key;
    char **values;
    size_t nvalues;
};

struct label_rules {
    struct label_rule *at;
    size_t len, cap;
};

/* An empty text matches everything. ERR_INVALID. */
int label_rules_parse(const char *text, struct label_rules *ret_rules, struct err *err) WARN_UNUSED;
void label_rules_done(struct label_rules *rules);

/* labels: an object whose values are scalars, or NULL. */
bool label_rules_match(const struct label_rules *rules, const json_t *labels);

/* --- targets of patches --------------------------------------------------------------------------- */

struct selector {
    struct regex group, version, kind, name, namespace;
    bool has_group, has_version, has_kind, has_name, has_namespace;
    struct label_rules labels, annotations;
};

/* From the normal form of a selector; every part is a regular expression for the whole text. */
int selector_init(struct selector *s, const json_t *spec, struct err *err) WARN_UNUSED;
void selector_done(struct selector *s);
bool selector_match(struct context *ctx, const struct selector *s, const struct resource *r);

#endif
