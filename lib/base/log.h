/* Logging: leveled messages with key/value fields, handed to one sink.
 *
 * Library code may log; it never writes to a descriptor itself. The program installs the sink
 * (hclog JSON when Terraform started us, plain text on a terminal) before any thread starts.
 * Secrets must not be logged: fields that could hold one are written with LOG_SENSITIVE. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attr.h"

enum log_level { LOG_TRACE, LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

struct log_field {
    const char *key;
    const char *value; /* NULL is printed as "" */
};

#define LOG_SENSITIVE "(sensitive)"

/* module is a dotted name such as "kube.apply"; fields has nfields entries. Called from any thread. */
typedef void log_sink(enum log_level level, const char *module, const char *message,
                      const struct log_field *fields, size_t nfields);

void log_setup(enum log_level level, log_sink *sink);
bool log_enabled(enum log_level level);

void log_msg(enum log_level level, const char *module, const struct log_field *fields,
             size_t nfields, const char *fmt, ...) PRINTF_FMT(5, 6);

/* log_info("kube.apply", "applied %d of %d", n, m) */
#define log_trace(module, ...) log_msg(LOG_TRACE, module, NULL, 0, __VA_ARGS__)
#define log_debug(module, ...) log_msg(LOG_DEBUG, module, NULL, 0, __VA_ARGS__)
#define log_info(module, ...)  log_msg(LOG_INFO, module, NULL, 0, __VA_ARGS__)
#define log_warn(module, ...)  log_msg(LOG_WARN, module, NULL, 0, __VA_ARGS__)
#define log_error(module, ...) log_msg(LOG_ERROR, module, NULL, 0, __VA_ARGS__)

/* "trace", "DEBUG", ... to a level; fallback for anything else. */
enum log_level log_level_parse(const char *name, enum log_level fallback);

#endif
