#include "lib/base/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"

#include "lib/base/banned.h"

size_t utf8_sequence(const char *s, size_t len)
{
    const uint8_t *p = (const uint8_t *)s;
    uint8_t low = 0x80, high = 0xBF; /* bounds of the second byte */
    size_t n;

    if (!len)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xC2 && p[0] <= 0xDF)
        n = 2;
    else if (p[0] >= 0xE0 && p[0] <= 0xEF)
        n = 3;
    else if (p[0] >= 0xF0 && p[0] <= 0xF4)
        n = 4;
    else
        return 0;
    if (p[0] == 0xE0)
        low = 0xA0;
    else if (p[0] == 0xED)
        high = 0x9F;
    else if (p[0] == 0xF0)
        low = 0x90;
    else if (p[0] == 0xF4)
        high = 0x8F;
    if (len < n || p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return n;
}

bool utf8_valid(const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t n = utf8_sequence(s + i, len - i);

        if (!n)
            return false;
        i += n;
    }
    return true;
}

char *utf8_sanitize(const char *s, size_t len)
{
    struct buf out;

    buf_init(&out, 3 * len + 1);
    for (size_t i = 0; i < len;) {
        size_t n = utf8_sequence(s + i, len - i);

        if (n) {
            buf_putn(&out, s + i, n);
            i += n;
        } else {
            buf_puts(&out, "\xEF\xBF\xBD");
            i++;
        }
    }
    return buf_take(&out);
}

void utf8_put_line(struct buf *out, const char *text, size_t max)
{
    size_t len = strlen(text), end;
    bool cut = len > max;
    char *line;

    if (cut) {
        for (len = max; len && ((unsigned char)text[len] & 0xC0) == 0x80;)
            len--;
    }
    line = utf8_sanitize(text, len);
    for (end = 0; line[end]; end++) {
        if ((unsigned char)line[end] < ' ' || line[end] == 0x7F)
            line[end] = ' ';
        /* U+0080 to U+009F, which terminals obey too */
        if ((unsigned char)line[end] == 0xC2 && (unsigned char)line[end + 1] < 0xA0)
            line[end] = line[end + 1] = ' ';
    }
    while (end && (line[end - 1] == ' ' || line[end - 1] == '.'))
        end--;
    buf_putn(out, line, end);
    if (cut)
        buf_puts(out, "...");
    free(line);
}
