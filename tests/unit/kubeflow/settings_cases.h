/* Cases of settings' checks: a table of values, and what is said of them. Header-only because each
 * test is one program. */
#ifndef TESTS_SETTINGS_CASES_H
#define TESTS_SETTINGS_CASES_H

#include <check.h>
#include <string.h>

#include "lib/base/mem.h"
#include "resources/kubeflow/settings_parts.h"

struct settings_case {
    const char *target, *components, *values; /* JSON with ' for " */
    const char *message;                      /* part of it; NULL when nothing is wrong */
};

static inline json_t *settings_json(const char *text)
{
    char *copy CLEANUP(mem_cleanup) = mem_strdup(text);
    json_t *json;

    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json = json_loads(copy, JSON_DECODE_ANY, NULL);
    ck_assert_msg(json != NULL, "%s", text);
    return json;
}

static inline void settings_run_case(const struct settings_case *c, const char *release,
                                     setting_check *check)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *components = settings_json(c->components), *values = settings_json(c->values);
    struct settings s = {.release = catalog_release(release),
                         .target = (enum catalog_target)catalog_target(c->target),
                         .components = components,
                         .values = values};
    int rc = check(&s, &err);

    ck_assert_msg(rc == (c->message ? ERR_INVALID : 0), "%s: %d %s", c->values, rc, err_msg(&err));
    ck_assert_msg(!c->message || strstr(err_msg(&err), c->message), "%s: %s", c->values,
                  err_msg(&err));
}

#endif
