/* The library's writer looks at the wrong place when it decides whether a line break must be doubled
 * to survive folding: at the first line of the text, not at the next line. So a break before an
 * indented line becomes two; and when the text begins with an indented line, breaks between lines
 * that aren't indented are lost. Its reader then folds by the rules. Texts that can't be block scalars
 * are quoted by the writer and stay as they are. */
#include "lib/krm/yaml_fold.h"

#include <stdbool.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"

#include "lib/base/banned.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool written_as_block(const char *s, size_t len)
{
    if (!len || s[len - 1] == ' ')
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];

        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
            return false;
        if (c == ' ' && i + 1 < len && s[i + 1] == '\n')
            return false;
    }
    return true;
}

static void put_breaks(struct buf *out, size_t n)
{
    while (n--)
        buf_putc(out, '\n');
}

/* What n breaks between two lines are read as; `last`: nothing follows them. */
static void put_folded(struct buf *out, size_t n, bool indented, bool next_indented, bool last)
{
    if (indented || next_indented || last)
        put_breaks(out, n);
    else if (n == 1)
        buf_putc(out, ' ');
    else
        put_breaks(out, n - 1);
}

char *yaml_fold_again(const char *text, size_t len, size_t *ret_len)
{
    struct buf out;
    size_t first = 0, i;
    bool doubles, indented = false;

    buf_init(&out, len * 2 + 2 > BUF_MAX_DOCUMENT ? len * 2 + 2 : BUF_MAX_DOCUMENT);
    while (first < len && text[first] == '\n')
        first++;
    doubles = first < len && !is_blank(text[first]);
    if (!written_as_block(text, len) || first == len) {
        buf_putn(&out, text, len);
        *ret_len = len;
        return buf_take(&out);
    }
    put_breaks(&out, first);
    for (i = first; i < len;) {
        size_t start = i, n = 0;

        indented = is_blank(text[i]);
        while (i < len && text[i] != '\n')
            i++;
        buf_putn(&out, text + start, i - start);
        while (i < len && text[i] == '\n') {
            i++;
            n++;
        }
        if (!n)
            break;
        /* A single break at the end is clipped to one again, however often it was written. */
        if (doubles && !indented && !(i == len && n == 1))
            n++;
        put_folded(&out, n, indented, i < len && is_blank(text[i]), i == len);
    }
    *ret_len = out.len;
    return buf_take(&out);
}
