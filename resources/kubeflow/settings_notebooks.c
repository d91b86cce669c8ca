/* culling: notebooks that nobody uses are stopped; their volumes stay, and a click starts them again.
 *
 * The notebook controller reads its ConfigMap when it starts. The ConfigMap's name has a hash, so a
 * change rolls the controller by itself. */
#include "lib/krm/path.h"
#include "resources/kubeflow/settings_parts.h"

#include "lib/base/banned.h"

#define COMPONENT "notebook-controller"
#define MAP       "notebook-controller-config"

#define MAX_MINUTES (366 * 24 * 60) /* a year: more is as good as never */

static const struct minutes {
    const char *member, *key;
    long long standard; /* of the controller and of all releases */
} minutes[] = {
    {"idle_minutes", "CULL_IDLE_TIME", 1440},
    {"check_minutes", "IDLENESS_CHECK_PERIOD", 1},
};

static long long minutes_of(const struct settings *s, const struct minutes *m)
{
    const json_t *value = settings_get(s, "culling", m->member, NULL);

    return value ? (long long)json_number_value(value) : m->standard;
}

static int check_minutes(const struct settings *s, const struct minutes *m, struct err *err)
{
    const json_t *value = settings_get(s, "culling", m->member, NULL);
    double n = json_number_value(value);

    if (!value || (n >= 1 && n <= MAX_MINUTES && n == (double)(long)n))
        return 0;
    return err_set(err, ERR_INVALID,
                   "culling.%s must be a whole number of minutes from 1 to %d; leave it out for "
                   "%lld",
                   m->member, MAX_MINUTES, m->standard);
}

int culling_check(const struct settings *s, struct err *err)
{
    if (!settings_get(s, "culling", NULL))
        return 0;
    if (!settings_installs(s, COMPONENT))
        return err_set(err, ERR_INVALID,
                       "culling is the work of the component " COMPONENT
                       ", which isn't among the components: add it, or leave culling out");
    for (size_t i = 0; i < ARRAY_LEN(minutes); i++) {
        int rc = check_minutes(s, &minutes[i], err);

        if (rc)
            return rc;
    }
    if (minutes_of(s, &minutes[1]) > minutes_of(s, &minutes[0]))
        return err_set(
            err, ERR_INVALID,
            "culling.check_minutes (%lld) is longer than culling.idle_minutes (%lld), so "
            "notebooks would run on for longer than that says; lower it",
            minutes_of(s, &minutes[1]), minutes_of(s, &minutes[0]));
    return 0;
}

int culling_adjust(const struct settings *s, json_t *objects, struct err *err)
{
    json_t *map, *data;
    int rc;

    if (!settings_get(s, "culling", NULL))
        return 0;
    rc = settings_need(s, objects, "ConfigMap", NULL, MAP, &map, err);
    if (rc)
        return rc;
    data = krm_member(map, "data", NULL);
    json_object_set_new(
        data, "ENABLE_CULLING",
        json_string(settings_true(s, "culling", "enabled", NULL) ? "true" : "false"));
    for (size_t i = 0; i < ARRAY_LEN(minutes); i++)
        json_object_set_new(data, minutes[i].key, json_sprintf("%lld", minutes_of(s, &minutes[i])));
    return 0;
}
