#include "lib/kustomize/regex.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"

#include "lib/base/banned.h"

#define SPECIAL "\\.+*?()|[]{}^$"

/* What {n} repeats: how often its innermost part is repeated already, and how many parts it has when
 * all is written out. */
struct extent {
    long product, size;
};

struct translator {
    const char *s;
    struct buf out;
    VEC(struct extent) open; /* groups, with the whole pattern as the first */
    struct extent last;      /* of what stands before */
    bool can_repeat;         /* something that * may follow stands before */
    bool icase;
};

/* --- character classes: as a set of bytes -------------------------------------------------------- */

struct byteset {
    bool has[256];
};

static void set_range(struct byteset *set, int from, int to)
{
    for (int c = from; c <= to; c++)
        set->has[c] = true;
}

static void set_invert(struct byteset *set)
{
    for (int c = 1; c < 256; c++)
        set->has[c] = !set->has[c];
    set->has[0] = false;
}

/* \d, \w, \s and their opposites; false for another letter. */
static bool set_class(struct byteset *set, char letter)
{
    struct byteset class = {{false}};

    switch (letter | 0x20) {
    case 'd':
        set_range(&class, '0', '9');
        break;
    case 'w':
        set_range(&class, '0', '9');
        set_range(&class, 'A', 'Z');
        set_range(&class, 'a', 'z');
        set_range(&class, '_', '_');
        break;
    case 's':
        for (const char *p = "\t\n\f\r "; *p; p++)
            class.has[(unsigned char)*p] = true;
        break;
    default:
        return false;
    }
    if (letter < 'a')
        set_invert(&class);
    for (int c = 0; c < 256; c++)
        set->has[c] |= class.has[c];
    return true;
}

/* A bracket expression, in the order that keeps ] [ ^ - from meaning anything. */
static void put_set(struct buf *out, const struct byteset *set)
{
    struct byteset left = *set;
    const char tail[] = {'[', '^', '-'};
    size_t start;

    buf_putc(out, '[');
    start = out->len;
    if (left.has[']'])
        buf_putc(out, ']');
    left.has[']'] = false;
    for (size_t i = 0; i < sizeof(tail); i++)
        left.has[(unsigned char)tail[i]] = false;
    for (int c = 1; c < 256; c++) {
        int last = c;

        if (!left.has[c])
            continue;
        while (last < 255 && left.has[last + 1])
            last++;
        buf_putc(out, (char)c);
        if (last > c + 1)
            buf_putc(out, '-');
        if (last > c)
            buf_putc(out, (char)last);
        c = last;
    }
    if (set->has['['])
        buf_putc(out, '[');
    if (set->has['^'] && out->len == start && set->has['-']) {
        out->len = start - 1;
        buf_puts(out, "(\\^|-)");
        return;
    }
    if (set->has['^'] && out->len == start) {
        out->len = start - 1;
        buf_puts(out, "\\^");
        return;
    }
    if (set->has['^'])
        buf_putc(out, '^');
    if (set->has['-'])
        buf_putc(out, '-');
    if (out->len == start) { /* the empty set: nothing matches */
        out->len = start - 1;
        buf_puts(out, "(a^)");
        return;
    }
    buf_putc(out, ']');
}

/* The character behind a backslash that stands for itself or a control character; -1 for others. */
static int escaped_char(char c)
{
    static const char names[] = "abfnrtv", chars[] = "\a\b\f\n\r\t\v";
    const char *at = c ? strchr(names, c) : NULL;

    if (at)
        return chars[at - names];
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || !c
               ? -1
               : (unsigned char)c;
}

static int class_char(struct translator *t, struct byteset *set, bool *ret_class, struct err *err)
{
    int c = (unsigned char)*t->s++;

    *ret_class = false;
    if (c == '[' && *t->s == ':')
        return err_set(err, ERR_UNSUPPORTED, "[[:name:]] classes");
    if (c != '\\')
        return c;
    if (set_class(set, *t->s)) {
        t->s++;
        *ret_class = true;
        return 0;
    }
    c = escaped_char(*t->s);
    if (c < 0)
        return err_set(err, ERR_UNSUPPORTED, "\\%c in a character class", *t->s);
    t->s++;
    return c;
}

static int put_class(struct translator *t, struct err *err)
{
    struct byteset set = {{false}};
    bool inverted = *t->s == '^', first = true, class;

    t->s += inverted;
    for (; *t->s && (*t->s != ']' || first); first = false) {
        int from = class_char(t, &set, &class, err), to = from;

        if (from < 0)
            return from;
        if (class)
            continue;
        if (t->s[0] == '-' && t->s[1] && t->s[1] != ']') {
            t->s++;
            to = class_char(t, &set, &class, err);
            if (to < 0)
                return to;
            if (class || to < from)
                return err_set(err, ERR_INVALID, "bad range in a character class");
        }
        set_range(&set, from, to);
    }
    if (!*t->s)
        return err_set(err, ERR_INVALID, "a [ without its ]");
    t->s++;
    if (inverted)
        set_invert(&set);
    put_set(&t->out, &set);
    return 0;
}

/* --- the rest ----------------------------------------------------------------------------------- */

static struct extent *group(struct translator *t)
{
    return &t->open.at[t->open.len - 1];
}

static void add_part(struct translator *t, struct extent part)
{
    t->last = part;
    group(t)->size += part.size;
    if (part.product > group(t)->product)
        group(t)->product = part.product;
    t->can_repeat = true;
}

static void add_single(struct translator *t)
{
    add_part(t, (struct extent){1, 1});
}

/* The last part, so many times. */
static int repeat(struct translator *t, long times, struct err *err)
{
    t->last.product *= times > 1 ? times : 1;
    if (times > 1)
        group(t)->size += t->last.size * (times - 1);
    if (t->last.product > group(t)->product)
        group(t)->product = t->last.product;
    if (t->last.product > REGEX_MAX_REPEAT)
        return err_set(err, ERR_INVALID, "repetitions in one another of more than %d times",
                       REGEX_MAX_REPEAT);
    return group(t)->size <= REGEX_MAX_SIZE
               ? 0
               : err_set(err, ERR_LIMIT, "more than %d parts, with repetitions written out",
                         REGEX_MAX_SIZE);
}

static void put_literal(struct translator *t, char c)
{
    if (strchr(SPECIAL, c) && c != ']' && c != '}')
        buf_putc(&t->out, '\\');
    buf_putc(&t->out, c);
    add_single(t);
}

static int put_escape(struct translator *t, struct err *err)
{
    struct byteset set = {{false}};
    char c = *t->s++;

    if (set_class(&set, c)) {
        put_set(&t->out, &set);
        add_single(t);
    } else if (c == 'b' || c == 'B') {
        buf_putc(&t->out, '\\');
        buf_putc(&t->out, c);
    } else if (c == 'A') {
        buf_putc(&t->out, '^');
    } else if (c == 'z') {
        buf_putc(&t->out, '$');
    } else if (c == 'Q') {
        while (*t->s && strncmp(t->s, "\\E", 2) != 0)
            put_literal(t, *t->s++);
        if (*t->s)
            t->s += 2;
    } else if (escaped_char(c) >= 0) {
        put_literal(t, (char)escaped_char(c));
    } else {
        return err_set(err, ERR_UNSUPPORTED, c ? "\\%c" : "a \\ at the end", c);
    }
    return 0;
}

/* Behind "(": a group of any kind, or flags for the whole pattern at its start. */
static int put_group(struct translator *t, bool at_start, struct err *err)
{
    if (*t->s == '?') {
        const char *name = strncmp(t->s, "?P<", 3) == 0  ? t->s + 3
                           : strncmp(t->s, "?<", 2) == 0 ? t->s + 2
                                                         : NULL;

        if (t->s[1] == ':') {
            t->s += 2;
        } else if (name && strchr(name, '>')) {
            t->s = strchr(name, '>') + 1;
        } else if (at_start && strncmp(t->s, "?i)", 3) == 0) {
            t->icase = true;
            t->s += 3;
            return 0;
        } else {
            return err_set(err, ERR_UNSUPPORTED, "(%.3s", t->s);
        }
    }
    vec_push(&t->open, ((struct extent){1, 0}));
    buf_putc(&t->out, '(');
    t->can_repeat = false;
    return 0;
}

/* "{n}", "{n,}", "{n,m}"; anything else is text. */
static int put_repeat(struct translator *t, struct err *err)
{
    char *end;
    long low, high;

    low = strtol(t->s, &end, 10);
    if (t->s[0] < '0' || t->s[0] > '9')
        goto literal;
    high = low;
    if (*end == ',' && end[1] == '}')
        high = 0;
    else if (*end == ',' && end[1] >= '0' && end[1] <= '9')
        high = strtol(end + 1, &end, 10);
    if (*end == ',')
        end++;
    if (*end != '}')
        goto literal;
    if (!t->can_repeat || low > REGEX_MAX_REPEAT || high > REGEX_MAX_REPEAT || (high && high < low))
        return err_set(err, ERR_INVALID, "bad repetition {%.8s", t->s);
    buf_putc(&t->out, '{');
    buf_putn(&t->out, t->s, (size_t)(end + 1 - t->s));
    t->s = end + 1 + (end[1] == '?');
    t->can_repeat = false;
    return repeat(t, high ? high : low, err);
literal:
    put_literal(t, '{');
    return 0;
}

static int put_next(struct translator *t, bool at_start, struct err *err)
{
    char c = *t->s++;

    switch (c) {
    case '\\':
        return put_escape(t, err);
    case '[':
        add_single(t);
        return put_class(t, err);
    case '(':
        return put_group(t, at_start, err);
    case ')':
        if (t->open.len == 1)
            return err_set(err, ERR_INVALID, "a ) without its (");
        buf_putc(&t->out, c);
        add_part(t, t->open.at[--t->open.len]);
        return 0;
    case '{':
        return put_repeat(t, err);
    case '*':
    case '+':
    case '?':
        if (!t->can_repeat)
            return err_set(err, ERR_INVALID, "nothing to repeat before %c", c);
        buf_putc(&t->out, c);
        t->s += *t->s == '?';
        t->can_repeat = false;
        return 0;
    case '.':
        buf_puts(&t->out, "[^\n]");
        add_single(t);
        return 0;
    case '|':
    case '^':
    case '$':
        buf_putc(&t->out, c);
        t->can_repeat = false;
        return 0;
    default:
        put_literal(t, c);
        return 0;
    }
}

static int translate(struct translator *t, const char *pattern, struct err *err)
{
    int rc;

    vec_push(&t->open, ((struct extent){1, 0}));
    for (t->s = pattern; *t->s;)
        if ((rc = put_next(t, t->s == pattern, err)))
            return rc;
    return t->open.len > 1 ? err_set(err, ERR_INVALID, "a ( without its )") : 0;
}

static int compile(struct regex *re, const char *pattern, bool whole, struct err *err)
{
    struct translator t = {.out = BUF_INIT};
    struct buf full CLEANUP(buf_done) = BUF_INIT;
    int rc = translate(&t, pattern, err);

    if (!rc) {
        buf_printf(&full, whole ? "^(%s)$" : "%s", buf_str(&t.out));
        rc = regcomp(&re->posix, buf_str(&full),
                     REG_EXTENDED | REG_NOSUB | (t.icase ? REG_ICASE : 0))
                 ? err_set(err, ERR_INVALID, "not understood")
                 : 0;
        re->compiled = !rc;
    }
    buf_done(&t.out);
    vec_done(&t.open);
    return rc;
}

int regex_init(struct regex *re, const char *pattern, bool whole, struct err *err)
{
    int rc;

    *re = (struct regex){.whole = whole};
    if (strlen(pattern) > REGEX_MAX_PATTERN)
        return err_set(err, ERR_LIMIT, "regular expression longer than %d bytes",
                       REGEX_MAX_PATTERN);
    if (!strpbrk(pattern, SPECIAL)) {
        re->literal = mem_strdup(pattern);
        return 0;
    }
    rc = compile(re, pattern, whole, err);
    return rc ? err_wrap(err, "regular expression \"%s\"", pattern) : 0;
}

void regex_done(struct regex *re)
{
    free(re->literal);
    if (re->compiled)
        regfree(&re->posix);
    *re = (struct regex){0};
}

bool regex_match(const struct regex *re, const char *text)
{
    if (re->literal)
        return re->whole ? strcmp(re->literal, text) == 0 : strstr(text, re->literal) != NULL;
    return regexec(&re->posix, text, 0, NULL, 0) == 0;
}
