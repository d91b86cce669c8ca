#include "lib/base/log.h"

#include <stdarg.h>
#include <strings.h>

#include "lib/base/mem.h"

#include "lib/base/banned.h"

/* Written once by log_setup before any thread starts, read afterwards. */
static enum log_level current_level = LOG_OFF;
static log_sink *current_sink;

static const char *const level_names[] = {
    [LOG_TRACE] = "trace", [LOG_DEBUG] = "debug", [LOG_INFO] = "info",
    [LOG_WARN] = "warn",   [LOG_ERROR] = "error", [LOG_OFF] = "off",
};

void log_setup(enum log_level level, log_sink *sink)
{
    current_level = level;
    current_sink = sink;
}

bool log_enabled(enum log_level level)
{
    return current_sink && level >= current_level && level < LOG_OFF;
}

void log_msg(enum log_level level, const char *module, const struct log_field *fields,
             size_t nfields, const char *fmt, ...)
{
    char *text CLEANUP(mem_cleanup) = NULL;
    va_list ap;

    if (!log_enabled(level))
        return;
    va_start(ap, fmt);
    text = mem_vprintf(fmt, ap);
    va_end(ap);
    current_sink(level, module, text, fields, nfields);
}

enum log_level log_level_parse(const char *name, enum log_level fallback)
{
    if (name)
        for (size_t i = 0; i < ARRAY_LEN(level_names); i++)
            if (!strcasecmp(name, level_names[i]))
                return (enum log_level)i;
    return fallback;
}
