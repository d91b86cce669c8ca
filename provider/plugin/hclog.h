/* Log lines for Terraform: hclog's JSON on stderr, one object and one write per line.
 *
 *     {"@level":"info","@message":"...","@module":"kube.apply","@timestamp":"...Z","key":"value"}
 *
 * Terraform parses every line. One whose @level, @message or @timestamp isn't a JSON string crashes
 * Terraform itself, and a timestamp without exactly six digits makes it show the raw line; so
 * lines are only ever made here. */
#ifndef PLUGIN_HCLOG_H
#define PLUGIN_HCLOG_H

#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "provider/plugin/handshake.h"

/* Terraform cuts lines of 64 KiB and more into pieces. */
#define HCLOG_MAX_LINE ((size_t)60 << 10)

/* The level that the user asked Terraform for: TF_LOG_PROVIDER_<NAME>, TF_LOG_PROVIDER or TF_LOG,
 * the first that is set; LOG_OFF if none is. Filtering here saves the work; Terraform filters too.
 */
enum log_level hclog_level(handshake_env *env, const char *provider_name);

/* The line with its newline; at most HCLOG_MAX_LINE bytes, long texts are cut ("..."). */
void hclog_format(enum log_level level, const char *module, const char *message, const char *stamp,
                  const struct log_field *fields, size_t nfields, struct buf *out);

/* Sinks for log_setup: JSON for Terraform, text for a person. */
log_sink hclog_json_sink, hclog_text_sink;

#endif
