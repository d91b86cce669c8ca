#include "lib/kube/describe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/quantity.h"

#include "lib/base/banned.h"

static void put_value(const json_t *v, bool secret, struct buf *out)
{
    char *text;
    size_t n;

    if (!v) {
        buf_puts(out, "(none)");
        return;
    }
    if (secret) {
        buf_puts(out, "(sensitive)");
        return;
    }
    text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    n = text ? strlen(text) : 0;
    if (n > DESCRIBE_MAX_VALUE) {
        n = DESCRIBE_MAX_VALUE;
        while (n && ((unsigned char)text[n] & 0xC0) == 0x80) /* not inside a character */
            n--;
        buf_putn(out, text, n);
        buf_puts(out, "...");
    } else if (text) {
        buf_puts(out, text);
    }
    free(text);
}

void kube_describe_leaf(const char *path, const json_t *before, const json_t *after, bool secret,
                        struct buf *out)
{
    buf_printf(out, "%s: ", path);
    put_value(before, secret, out);
    buf_puts(out, " -> ");
    put_value(after, secret, out);
}

struct lines {
    json_t *out;
    json_t *places; /* "<old> -> <new>" -> [index in out, how often more] */
    bool secret;
    size_t more;
};

/* The same change in another field of the object: a name with a new hash, say, in every variable that
 * a container takes from its ConfigMap. */
static bool is_repeated(struct lines *l, const char *change)
{
    json_t *place = json_object_get(l->places, change);

    if (place)
        json_array_set_new(place, 1,
                           json_integer(json_integer_value(json_array_get(place, 1)) + 1));
    return place != NULL;
}

static int add_line(const char *path, const json_t *before, const json_t *after, void *arg)
{
    struct lines *l = arg;
    struct buf text CLEANUP(buf_done) = BUF_INIT;
    bool hide = l->secret && (!strncmp(path, ".data", 5) || !strncmp(path, ".stringData", 11));
    const char *change;

    kube_describe_leaf(path, before, after, hide, &text);
    change = buf_str(&text) + strlen(path);
    if (!hide && is_repeated(l, change))
        return 0;
    if (json_array_size(l->out) >= DESCRIBE_MAX_LINES) {
        l->more++;
        return 0;
    }
    if (!hide)
        json_object_set_new(l->places, change, json_pack("[i,i]", (int)json_array_size(l->out), 0));
    json_array_append_new(l->out, json_string(buf_str(&text)));
    return 0;
}

static void add_places(struct lines *l)
{
    const char *change;
    json_t *place;

    json_object_foreach (l->places, change, place) {
        size_t at = (size_t)json_integer_value(json_array_get(place, 0));
        json_int_t n = json_integer_value(json_array_get(place, 1));

        if (n)
            json_array_set_new(l->out, at,
                               json_sprintf("%s (and in %d more place%s)",
                                            json_string_value(json_array_get(l->out, at)), (int)n,
                                            n == 1 ? "" : "s"));
    }
}

json_t *kube_describe_update(const json_t *before, const json_t *after)
{
    json_auto_t *places = json_object();
    struct lines l = {
        .out = json_array(), .places = places, .secret = !strcmp(gvk_of(after).kind, "Secret")};

    krm_diff(before, after, add_line, &l);
    add_places(&l);
    if (l.more)
        json_array_append_new(l.out, json_sprintf("and %zu more fields", l.more));
    return l.out;
}

/* Parts of paths below which the API's types have resource.Quantity. Elsewhere "1.10" and "1.1" are
 * two different strings. */
static const char *const quantity_fields[] = {
    ".limits",    ".requests", ".hard", ".capacity", ".storage",       ".divisor",
    ".sizeLimit", ".min",      ".max",  ".default",  ".defaultRequest"};

static bool holds_quantity(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(quantity_fields); i++)
        if (strstr(path, quantity_fields[i]))
            return true;
    return false;
}

bool kube_same_leaf(const char *path, const json_t *a, const json_t *b)
{
    double x, y;

    if (json_equal((json_t *)a, (json_t *)b))
        return true;
    if (!(json_is_number(a) && json_is_number(b)) && !holds_quantity(path))
        return false;
    return kube_quantity(a, &x) && kube_quantity(b, &y) &&
           fabs(x - y) <= 1e-12 * fmax(fabs(x), fabs(y));
}
