/* The `timeouts` block that every resource with long operations has. */
#ifndef TF_TIMEOUTS_H
#define TF_TIMEOUTS_H

#include "lib/tf/schema.h"

/* To put into a resource's block list: timeouts { create, update, delete }. The name is "timeouts",
 * nesting SINGLE, each member an optional duration string. */
#define TF_TIMEOUTS_BLOCK                                                                          \
    {                                                                                              \
        .name = "timeouts", .nesting = TF_NEST_SINGLE, .attributes = tf_timeouts_attributes,       \
        .description = "How long create, update and delete may take, such as `30m` or `1h30m`."    \
    }
extern const struct tf_attribute tf_timeouts_attributes[];

/* Milliseconds of timeouts.<operation> of a config, plan or state; fallback_ms when not set. */
int64_t tf_timeout_ms(const struct tf_value *object, const char *operation, int64_t fallback_ms);

#endif
