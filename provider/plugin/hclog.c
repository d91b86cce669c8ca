#include "provider/plugin/hclog.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/utf8.h"

#include "lib/base/banned.h"

#define MAX_MESSAGE ((size_t)32 << 10) /* of the line; the rest is for fields */
#define MAX_FIELD   ((size_t)8 << 10)
#define TAIL_ROOM   ((size_t)64) /* what closes a string and the line, a cut mark, an escape */

static const char *const level_names[] = {
    [LOG_TRACE] = "trace", [LOG_DEBUG] = "debug", [LOG_INFO] = "info",
    [LOG_WARN] = "warn",   [LOG_ERROR] = "error", [LOG_OFF] = "off",
};

enum log_level hclog_level(handshake_env *env, const char *provider_name)
{
    char own[64] = "TF_LOG_PROVIDER_";
    size_t len = strlen(own);
    const char *names[] = {own, "TF_LOG_PROVIDER", "TF_LOG"};

    for (const char *p = provider_name; *p && len < sizeof(own) - 1; p++)
        own[len++] = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = env(names[i]);

        if (value &&
            *value) /* "JSON" is trace in another form, and so is what Terraform doesn't know */
            return log_level_parse(value, LOG_TRACE);
    }
    return LOG_OFF;
}

static void put_char(struct buf *out, const char *s, size_t n)
{
    unsigned char c = (unsigned char)*s;

    if (!n)
        buf_puts(out, "\xEF\xBF\xBD");
    else if (c == '"' || c == '\\')
        buf_printf(out, "\\%c", c);
    else if (c == '\n')
        buf_puts(out, "\\n");
    else if (c == '\t')
        buf_puts(out, "\\t");
    else if (c < 0x20 || c == 0x7F)
        buf_printf(out, "\\u%04x", c);
    else
        buf_putn(out, s, n);
}

/* A JSON string that doesn't take the line beyond max bytes. */
static void put_string(struct buf *out, const char *s, size_t max)
{
    size_t len = strlen(s);

    buf_putc(out, '"');
    for (size_t i = 0; i < len;) {
        size_t n = utf8_sequence(s + i, len - i);

        if (out->len + TAIL_ROOM > max) {
            buf_puts(out, "...");
            break;
        }
        put_char(out, s + i, n);
        i += n ? n : 1;
    }
    buf_putc(out, '"');
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

void hclog_format(enum log_level level, const char *module, const char *message, const char *stamp,
                  const struct log_field *fields, size_t nfields, struct buf *out)
{
    size_t start = out->len, limit = start + HCLOG_MAX_LINE - TAIL_ROOM;

    buf_printf(out, "{\"@level\":\"%s\",\"@message\":", level_names[level]);
    put_string(out, message, start + MAX_MESSAGE);
    buf_puts(out, ",\"@module\":");
    put_string(out, module ? module : "", out->len + MAX_FIELD);
    buf_printf(out, ",\"@timestamp\":\"%s\"", stamp);
    for (size_t i = 0; i < nfields && out->len + 4 * TAIL_ROOM < limit; i++) {
        const char *key = fields[i].key;

        buf_putc(out, ',');
        /* A key of ours must not replace one of hclog's. */
        put_string(out, *key == '@' ? key + 1 : key, out->len + 2 * TAIL_ROOM);
        buf_putc(out, ':');
        put_string(out, fields[i].value ? fields[i].value : "",
                   smaller(out->len + MAX_FIELD, limit));
    }
    buf_puts(out, "}\n");
}

/* Lines longer than PIPE_BUF are not written atomically by the kernel, so writers take turns. */
static void write_line(const char *s, size_t len)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&lock);
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, s, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break; /* nobody reads any more: there is no place left to complain */
        s += n;
        len -= (size_t)n;
    }
    pthread_mutex_unlock(&lock);
}

void hclog_json_sink(enum log_level level, const char *module, const char *message,
                     const struct log_field *fields, size_t nfields)
{
    struct buf line CLEANUP(buf_done) = BUF_INIT;
    char stamp[CLOCK_STAMP_SIZE];

    clock_stamp(stamp);
    hclog_format(level, module, message, stamp, fields, nfields, &line);
    write_line(line.data, line.len);
}

void hclog_text_sink(enum log_level level, const char *module, const char *message,
                     const struct log_field *fields, size_t nfields)
{
    struct buf line CLEANUP(buf_done) = BUF_INIT;

    buf_printf(&line, "%-5s %s: %s", level_names[level], module ? module : "", message);
    for (size_t i = 0; i < nfields; i++)
        buf_printf(&line, " %s=%s", fields[i].key, fields[i].value ? fields[i].value : "");
    buf_putc(&line, '\n');
    write_line(line.data, line.len);
}
