/* Values that our own code made, before Terraform sees them: made to fit their schema, and held
 * against what was planned. */
#ifndef TF_RESULT_H
#define TF_RESULT_H

#include "lib/tf/schema.h"

/* How to make a value fit; what doesn't is reported under the summary. */
struct tf_fix {
    const struct tf_schema *schema;
    struct arena *arena;
    struct tf_diags *diags;
    const char *summary;
    bool keep_unknown;   /* plans */
    bool report_unknown; /* otherwise unknowns are replaced without a word */
};

/* v with every part that has the wrong type, and every unknown, replaced: by the planned value if
 * that is known, or by the prior one, or by null. planned and prior may be NULL. */
const struct tf_value *tf_fix_value(const struct tf_fix *fix, const struct tf_value *v,
                                    const struct tf_value *planned, const struct tf_value *prior);

/* Write-only members are null and blocks of a collection are never null, whatever v says. */
const struct tf_value *tf_settle(struct arena *a, const struct tf_schema *s,
                                 const struct tf_value *v);

/* An error for each write-only member that isn't null. */
void tf_report_write_only(const struct tf_fix *fix, const struct tf_value *v);

/* Core's rule for results: what was planned as known is so now. An error for each difference. */
void tf_check_result(const struct tf_fix *fix, const struct tf_value *planned,
                     const struct tf_value *actual);

/* Core's rules for plans: what differs from the configuration is computed, or what it was. */
void tf_check_plan(const struct tf_fix *fix, const struct tf_value *config,
                   const struct tf_value *prior, const struct tf_value *planned);

/* The value for a message, unless an attribute on its path is sensitive. */
void tf_write_unless_sensitive(const struct tf_schema *s, const struct tf_path *path,
                               const struct tf_value *v, struct buf *out);

#endif
