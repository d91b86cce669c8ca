/* Schemas as const tables.
 *
 * A resource's schema is static data with designated initialisers; attribute and block lists end
 * with an entry without a name (TF_END). What Terraform core requires of schemas
 * (configschema/internal_validate.go) is checked by tf_schema_check in the unit tests of the
 * registry, so a bad table never ships. */
#ifndef TF_SCHEMA_H
#define TF_SCHEMA_H

#include "lib/tf/diag.h"
#include "lib/tf/type.h"
#include "lib/tf/value.h"

enum tf_nesting { TF_NEST_SINGLE = 1, TF_NEST_LIST, TF_NEST_SET, TF_NEST_MAP, TF_NEST_GROUP };

enum tf_attribute_flags {
    TF_REQUIRED = 1,
    TF_OPTIONAL = 2,
    TF_COMPUTED = 4,
    TF_SENSITIVE = 8,
    TF_WRITE_ONLY = 16,
    TF_REQUIRES_REPLACE = 32, /* a change of the value replaces the resource */
    TF_KEEP_STATE =
        64, /* computed: an unknown is planned as the prior value (use-state-for-unknown) */
};

/* A check of one configured value; called for known, non-null values only.
 * 0, or ERR_INVALID with a text that says what is allowed ("must be one of \"a\", \"b\""). */
struct tf_validator {
    int (*check)(const struct tf_value *v, const void *arg, struct err *err);
    const void *arg;
};

/* Ready-made checks with their argument. Lists end with TF_NO_VALIDATOR. */
#define TF_NO_VALIDATOR                                                                            \
    {                                                                                              \
        NULL, NULL                                                                                 \
    }
int tf_check_one_of(const struct tf_value *v, const void *strings,
                    struct err *err); /* const char *const[], NULL-ended */
struct tf_pattern {
    const char *regex;   /* POSIX extended; the whole text must match */
    const char *meaning; /* "a DNS label: lower case letters, digits and '-'" */
};
int tf_check_pattern(const struct tf_value *v, const void *tf_pattern, struct err *err);
struct tf_range {
    int64_t min, max;
};
int tf_check_range(const struct tf_value *v, const void *tf_range,
                   struct err *err); /* whole numbers */
int tf_check_length(const struct tf_value *v, const void *tf_range,
                    struct err *err); /* string bytes, items */
int tf_check_duration(const struct tf_value *v, const void *unused,
                      struct err *err); /* "30m", "1h30m", "90s" */

/* "1h30m" to milliseconds, as Go's time.ParseDuration (units h, m, s, ms). 0 or ERR_INVALID. */
int tf_parse_duration(const char *text, int64_t *ret_ms, struct err *err) WARN_UNUSED;

struct tf_attribute {
    const char *name;
    const struct tf_type *type;        /* or nested */
    const struct tf_attribute *nested; /* members of a nested attribute */
    enum tf_nesting nesting;           /* with nested: SINGLE, LIST, SET or MAP */
    unsigned flags;
    const char *description;               /* Markdown */
    const char *deprecated;                /* what to use instead; NULL = not deprecated */
    const char *default_json;              /* JSON of the default; implies optional and computed */
    const struct tf_validator *validators; /* or NULL */
    const struct tf_validator
        *item_validators; /* for each element of a list, set or map; or NULL */
};

/* The flags with what a default implies. */
static inline unsigned tf_attribute_flags(const struct tf_attribute *attr)
{
    return attr->flags | (attr->default_json ? TF_OPTIONAL | TF_COMPUTED : 0u);
}

struct tf_block {
    const char *name; /* of the nested block; NULL for the root */
    enum tf_nesting nesting;
    int64_t min_items, max_items;
    const struct tf_attribute *attributes;
    const struct tf_block *blocks;
    const char *description;
    const char *deprecated;
};

#define TF_END                                                                                     \
    {                                                                                              \
        .name = NULL                                                                               \
    }

/* Turns a state of `version` (as JSON, an object) into the next version's, in place. */
struct tf_upgrader {
    int64_t version;
    int (*upgrade)(json_t *state, struct err *err);
};

struct tf_schema {
    int64_t version;
    struct tf_block block;
    const struct tf_upgrader *upgraders; /* ends with {0, NULL}; NULL while version is 0 */
};

/* The object type that values of the schema have; built in the arena. */
const struct tf_type *tf_schema_type(struct arena *a, const struct tf_schema *s);

/* Breaks of core's rules, one diagnostic each. */
void tf_schema_check(const struct tf_schema *s, struct tf_diags *diags);

/* Calls visit for every attribute that the value has one for, outer ones first (nested attributes
 * per element), with the value there (maybe null or unknown) and its path. */
typedef void tf_visit_fn(const struct tf_attribute *attr, const struct tf_path *path,
                         const struct tf_value *v, void *arg);
void tf_schema_visit(struct arena *a, const struct tf_schema *s, const struct tf_value *v,
                     tf_visit_fn *visit, void *arg);

#endif
