#include "lib/tf/timeouts.h"

#include "lib/base/banned.h"

static const struct tf_validator duration[] = {{tf_check_duration, NULL}, TF_NO_VALIDATOR};

const struct tf_attribute tf_timeouts_attributes[] = {
    {
        .name = "create",
        .type = &tf_type_string,
        .flags = TF_OPTIONAL,
        .description = "Time for creating.",
        .validators = duration,
    },
    {
        .name = "update",
        .type = &tf_type_string,
        .flags = TF_OPTIONAL,
        .description = "Time for changing in place.",
        .validators = duration,
    },
    {
        .name = "delete",
        .type = &tf_type_string,
        .flags = TF_OPTIONAL,
        .description = "Time for deleting.",
        .validators = duration,
    },
    TF_END,
};

int64_t tf_timeout_ms(const struct tf_value *object, const char *operation, int64_t fallback_ms)
{
    const char *text = tf_str(tf_dig(object, "timeouts", operation, NULL), NULL);
    int64_t ms;

    if (!text || tf_parse_duration(text, &ms, NULL))
        return fallback_ms;
    return ms;
}
