/* Every setting of the table, alone and all together, in every release: what it says happens to the
 * objects that it says, and to no others.
 *
 * What differs is found by comparing with the release rendered without settings. "Together" must
 * change what the settings change alone, no more and no less. */
#include <fnmatch.h>

#include "tests/unit/kubeflow/settings_releases.h"

#include "lib/base/banned.h"

#define MAX_CHANGES 24

static const struct setting_row {
    const char *name, *releases; /* NULL: all have it */
    bool alone;
    const char *values;
    struct change {
        const char *objects, *text, *releases;
        bool some;
    } changes[MAX_CHANGES];
} rows[] = {
#define EACH(objects, text)                                                                        \
    {                                                                                              \
        objects, text, NULL, false                                                                 \
    }
#define SOME(objects, text)                                                                        \
    {                                                                                              \
        objects, text, NULL, true                                                                  \
    }
#define ONLY(releases, objects, text)                                                              \
    {                                                                                              \
        objects, text, releases, false                                                             \
    }
#define SETTING(name, values, ...)              {name, NULL, false, values, {__VA_ARGS__}},
#define SETTING_IN(releases, name, values, ...) {name, releases, false, values, {__VA_ARGS__}},
#define SETTING_ALONE(name, values, ...)        {name, NULL, true, values, {__VA_ARGS__}},
#include "tests/unit/kubeflow/settings_table.def"
};

/* --- comparing ---------------------------------------------------------------------------------- */

static bool among(const char *releases, const char *release)
{
    const char *at = releases ? strstr(releases, release) : NULL;

    return !releases || (at && strchr(" ", at[strlen(release)]));
}

/* Names of ConfigMaps and Secrets may end in a hash of what is in them. */
static char *key_of(const json_t *object)
{
    const char *kind = gvk_of(object).kind, *name = krm_str(object, "metadata", "name", NULL);
    size_t len = strlen(name);

    if ((!strcmp(kind, "ConfigMap") || !strcmp(kind, "Secret")) &&
        settings_fits(name, SETTINGS_NAME_MAX, "-[bcdfghkmt2456789]{10}$"))
        len -= 11;
    return mem_printf("%s/%s/%.*s", kind, krm_str(object, "metadata", "namespace", NULL), (int)len,
                      name);
}

static json_t *by_key(const json_t *objects)
{
    json_t *out = json_object(), *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        char *key CLEANUP(mem_cleanup) = key_of(object);
        const json_t *other = json_object_get(out, key);

        /* The same kind and name in two API groups (Knative's and KServe's "Service"s). */
        if (other) {
            char *longer CLEANUP(mem_cleanup) =
                mem_printf("%s (%s)", key, krm_str(object, "apiVersion", NULL));

            json_object_set(out, longer, object);
        } else {
            json_object_set(out, key, object);
        }
    }
    return out;
}

static void note_changed(json_t *out, const json_t *from, const json_t *to)
{
    const char *key;
    json_t *object;

    json_object_foreach ((json_t *)from, key, object) {
        if (!json_equal(object, json_object_get(to, key)))
            json_object_set_new(out, key, json_true());
    }
}

static bool has_text(const json_t *object, const char *text)
{
    char *dump CLEANUP(mem_cleanup) = object ? json_dumps(object, JSON_SORT_KEYS) : NULL;

    return dump && strstr(dump, text);
}

struct comparison {
    const char *row, *release;
    const json_t *before, *after; /* key -> object */
    const json_t *changed;        /* key -> true */
    json_t *explained;            /* the same of those that a row is about */
    struct buf *problems;         /* lines: one run tells of all */
};

static void __attribute__((format(printf, 2, 3)))
complain(const struct comparison *c, const char *format, ...)
{
    char *text CLEANUP(mem_cleanup) = NULL;
    va_list ap;

    va_start(ap, format);
    text = mem_vprintf(format, ap);
    va_end(ap);
    buf_printf(c->problems, "\n%s in %s %s", c->row, c->release, text);
}

static void check_text(const struct comparison *c, const char *key, const char *text)
{
    bool gone = text[0] == '-';

    text += gone;
    if (has_text(json_object_get(c->before, key), text) != gone ||
        has_text(json_object_get(c->after, key), text) == gone)
        complain(c, gone ? "doesn't take \"%s\" from %s" : "doesn't bring \"%s\" to %s", text, key);
}

static size_t check_objects(const struct comparison *c, const json_t *objects,
                            const struct change *change)
{
    size_t n = 0;
    const char *key;
    json_t *unused;

    json_object_foreach ((json_t *)objects, key, unused) {
        bool is_changed = json_object_get(c->changed, key) != NULL;

        if (fnmatch(change->objects, key, 0) != 0 || (change->some && !is_changed))
            continue;
        n++;
        json_object_set_new(c->explained, key, json_true());
        if (!is_changed)
            complain(c, "doesn't change %s", key);
        else if (change->text)
            check_text(c, key, change->text);
    }
    return n;
}

static void check_row(const struct comparison *c, const struct setting_row *row)
{
    for (const struct change *change = row->changes; change->objects; change++) {
        if (among(change->releases, c->release) &&
            !(check_objects(c, c->before, change) + check_objects(c, c->after, change)))
            complain(c, "(%s) finds no %s", row->name, change->objects);
    }
}

static void check_others(const struct comparison *c)
{
    const char *key;
    json_t *unused;

    json_object_foreach ((json_t *)c->changed, key, unused) {
        if (!json_object_get(c->explained, key))
            complain(c, "changes %s as well", key);
    }
}

/* --- rendering ---------------------------------------------------------------------------------- */

struct whole {
    const struct catalog_release *release;
    json_t *components, *plain; /* owned */
    struct buf problems;
};

static void whole_done(struct whole *w)
{
    json_decref(w->components);
    json_decref(w->plain);
    buf_done(&w->problems);
}

static int check_values(const struct whole *w, const json_t *values, struct err *err)
{
    json_auto_t *all = json_deep_copy(values);
    struct settings s = {.release = w->release, .components = w->components, .values = all};
    const char *attribute;

    if (!json_object_get(all, "users") && !json_object_get(all, "oidc"))
        json_object_set_new(all, "allow_default_login", json_true());
    return settings_check(&s, &attribute, err);
}

static void compare(struct whole *w, const char *name, const json_t *values,
                    const struct setting_row *from, size_t n)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *changed = json_object(), *explained = json_object(), *after = NULL;
    json_auto_t *objects = NULL;
    struct comparison c = {name,    w->release->name, w->plain,    NULL,
                           changed, explained,        &w->problems};

    if (check_values(w, values, &err)) {
        complain(&c, "is refused: %s", err_msg(&err));
        return;
    }
    objects = releases_render(w->release, CATALOG_GENERIC, w->components, values);
    c.after = after = by_key(objects);
    note_changed(changed, w->plain, after);
    note_changed(changed, after, w->plain);
    for (size_t i = 0; i < n; i++) {
        if ((n == 1 || !from[i].alone) && among(from[i].releases, w->release->name))
            check_row(&c, &from[i]);
    }
    check_others(&c);
}

static bool open_whole(int i, struct whole *ret)
{
    json_auto_t *none = json_object(), *objects = NULL;

    ret->release = releases_at(i);
    if (!ret->release)
        return false;
    ret->components = releases_components(ret->release);
    objects = releases_render(ret->release, CATALOG_GENERIC, ret->components, none);
    ret->plain = by_key(objects);
    return true;
}

START_TEST(alone)
{
    struct whole w CLEANUP(whole_done) = {.problems = BUF_INIT};

    if (!open_whole(_i, &w))
        return;
    for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
        json_auto_t *values = settings_json(rows[k].values);

        if (among(rows[k].releases, w.release->name))
            compare(&w, rows[k].name, values, &rows[k], 1);
        else if (check_values(&w, values, NULL) != ERR_INVALID)
            buf_printf(&w.problems, "\n%s isn't refused in %s", rows[k].name, w.release->name);
    }
    ck_assert_msg(!w.problems.len, "%s", buf_str(&w.problems));
}
END_TEST

START_TEST(together)
{
    struct whole w CLEANUP(whole_done) = {.problems = BUF_INIT};
    json_auto_t *values = json_object();

    if (!open_whole(_i, &w))
        return;
    for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
        json_auto_t *own = settings_json(rows[k].values);

        if (!rows[k].alone && among(rows[k].releases, w.release->name))
            ck_assert_int_eq(json_object_update_recursive(values, own), 0);
    }
    compare(&w, "all together", values, rows, ARRAY_LEN(rows));
    ck_assert_msg(!w.problems.len, "%s", buf_str(&w.problems));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kubeflow/settings_table");
    TCase *one = tcase_create("alone"), *all = tcase_create("together");
    SRunner *r;
    size_t len;
    int failed;

    catalog_releases(&len);
    tcase_set_timeout(one, 900);
    tcase_set_timeout(all, 300);
    tcase_add_checked_fixture(one, releases_setup, releases_teardown);
    tcase_add_checked_fixture(all, releases_setup, releases_teardown);
    tcase_add_loop_test(one, alone, 0, (int)len);
    tcase_add_loop_test(all, together, 0, (int)len);
    suite_add_tcase(s, one);
    suite_add_tcase(s, all);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
