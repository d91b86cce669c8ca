#include "provider/cli/status_table.h"

#include <string.h>

#include "lib/base/utf8.h"

#include "lib/base/banned.h"

#define ANY_WIDTH 4096 /* a line's end where nobody set one */
#define BAR       20
#define MAX_NAME  32 /* of a group; longer ones are cut */
#define ELLIPSIS  3

struct table {
    struct buf *out;
    size_t width, lines;
};

/* Every line goes through here. */
static void put_line(struct table *t, const struct buf *line)
{
    size_t max = t->width > ELLIPSIS ? t->width - ELLIPSIS : ANY_WIDTH;

    utf8_put_line(t->out, buf_str(line), max);
    buf_putc(t->out, '\n');
    t->lines++;
}

static void put_bar(struct buf *line, size_t ready, size_t total)
{
    size_t full = total ? ready * BAR / total : BAR;

    buf_putc(line, '[');
    for (size_t i = 0; i < BAR; i++)
        buf_putc(line, i < full ? '#' : '.');
    buf_printf(line, "] %3zu/%zu", ready, total);
}

static void put_name(struct buf *line, const char *name, size_t width)
{
    size_t before = line->len;

    utf8_put_line(line, name, MAX_NAME);
    while (line->len - before < width)
        buf_putc(line, ' ');
}

/* --- the parts ----------------------------------------------------------------------------------- */

static void put_head(struct table *t, const struct status *s)
{
    struct buf line CLEANUP(buf_done) = BUF_INIT;

    buf_printf(&line, "%s (%s/%s)", s->title, APPLYSET_NAMESPACE, s->name);
    if (s->release[0])
        buf_printf(&line, ", release %s", s->release);
    buf_puts(&line, s->installed ? ", installed" : ", unfinished");
    put_line(t, &line);
    if (!s->lock[0])
        return;
    buf_clear(&line);
    buf_printf(&line, "at work on it: %s", s->lock);
    put_line(t, &line);
}

static const char *const by_words[] = {
    [STATUS_COMPONENT] = "", [STATUS_NAMESPACE] = "namespace ", [STATUS_KIND] = ""};

static size_t name_width(const struct status *s)
{
    size_t width = 0;

    for (size_t i = 0; i < s->ngroups; i++) {
        size_t n = strlen(by_words[s->groups[i].by]) + strlen(s->groups[i].name);

        if (n > width)
            width = n;
    }
    return width < MAX_NAME ? width : MAX_NAME;
}

static void put_group(struct table *t, const struct status_group *g, size_t width)
{
    struct buf line CLEANUP(buf_done) = BUF_INIT, name CLEANUP(buf_done) = BUF_INIT;

    buf_printf(&name, "%s%s", by_words[g->by], g->name);
    buf_puts(&line, "  ");
    put_name(&line, buf_str(&name), width);
    buf_puts(&line, "  ");
    put_bar(&line, g->ready, g->total);
    if (g->version[0])
        buf_printf(&line, "  %s", g->version);
    put_line(t, &line);
}

static void put_troubles(struct table *t, const struct status_group *g, size_t max)
{
    for (size_t i = 0; i < g->ntroubles && i < max; i++) {
        struct buf line CLEANUP(buf_done) = BUF_INIT;

        buf_printf(&line, "      %s: %s", g->troubles[i].key, g->troubles[i].why);
        put_line(t, &line);
    }
    if ((g->ntroubles > max || g->there < g->total) && max) {
        struct buf line CLEANUP(buf_done) = BUF_INIT;
        const char *before = "      ";

        if (g->ntroubles > max)
            buf_printf(&line, "%sand %zu more that aren't ready", before, g->ntroubles - max);
        if (g->there < g->total)
            buf_printf(&line, "%s%zu that aren't there", line.len ? ", " : before,
                       g->total - g->there);
        put_line(t, &line);
    }
}

static bool is_complete(const struct status_group *g)
{
    return g->ready == g->total;
}

/* How much is shown, most first. */
static const struct detail {
    bool folded; /* what is ready is only counted */
    size_t troubles;
} details[] = {{false, 10}, {true, 5}, {true, 1}, {true, 0}};

static void put_groups(struct table *t, const struct status *s, const struct detail *d)
{
    struct buf line CLEANUP(buf_done) = BUF_INIT;
    size_t width = name_width(s), folded = 0;

    for (size_t i = 0; i < s->ngroups; i++) {
        folded += d->folded && is_complete(&s->groups[i]);
        if (d->folded && is_complete(&s->groups[i]))
            continue;
        put_group(t, &s->groups[i], width);
        put_troubles(t, &s->groups[i], d->troubles);
    }
    buf_printf(&line, "%zu of %zu objects ready", s->ready, s->total);
    if (s->there < s->total)
        buf_printf(&line, ", %zu not there", s->total - s->there);
    if (folded)
        buf_printf(&line, " (not shown: %zu rows without trouble)", folded);
    put_line(t, &line);
}

/* Appends the first lines of a text that is too long, and its last. */
static void put_cut(const char *text, size_t height, struct buf *out)
{
    const char *p = text, *last = text;

    for (const char *q = text; (q = strchr(q, '\n')) && q[1];)
        last = ++q;
    for (size_t n = 1; n < height; n++)
        p = strchr(p, '\n') + 1;
    buf_putn(out, text, (size_t)(p - text));
    buf_puts(out, last);
}

size_t status_table(const struct status *s, const struct status_screen *screen, struct buf *out)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT;

    for (size_t i = 0; i < ARRAY_LEN(details); i++) {
        struct table t = {.out = &text, .width = screen->width};

        buf_clear(&text);
        put_head(&t, s);
        put_groups(&t, s, &details[i]);
        if (!screen->height || t.lines <= screen->height) {
            buf_puts(out, buf_str(&text));
            return t.lines;
        }
    }
    put_cut(buf_str(&text), screen->height, out);
    return screen->height;
}

size_t status_summary(const struct status *all, size_t n, const struct status_screen *screen,
                      struct buf *out)
{
    struct table t = {.out = out, .width = screen->width};
    size_t width = 0;

    for (size_t i = 0; i < n; i++)
        if (strlen(all[i].name) > width)
            width = strlen(all[i].name);
    for (size_t i = 0; i < n && (!screen->height || i < screen->height); i++) {
        struct buf line CLEANUP(buf_done) = BUF_INIT;

        put_name(&line, all[i].name, width < MAX_NAME ? width : MAX_NAME);
        buf_puts(&line, "  ");
        put_bar(&line, all[i].ready, all[i].total);
        buf_printf(&line, "  %s%s%s%s", all[i].title, all[i].installed ? "" : ", unfinished",
                   all[i].lock[0] ? ", at work on it: " : "", all[i].lock);
        put_line(&t, &line);
    }
    return t.lines;
}

void status_line(const struct status *s, struct buf *out)
{
    struct table t = {.out = out};
    struct buf line CLEANUP(buf_done) = BUF_INIT;
    const struct status_trouble *first = NULL;
    size_t troubles = 0;

    buf_printf(&line, "%s: %zu of %zu objects ready%s", s->title, s->ready, s->total,
               s->installed ? "" : ", unfinished");
    for (size_t i = 0; i < s->ngroups; i++) {
        troubles += s->groups[i].ntroubles;
        if (!first && s->groups[i].ntroubles)
            first = &s->groups[i].troubles[0];
    }
    if (first)
        buf_printf(&line, "; not ready: %s: %s", first->key, first->why);
    if (troubles > 1)
        buf_printf(&line, " and %zu more", troubles - 1);
    put_line(&t, &line);
}
