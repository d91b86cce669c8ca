/* dashboard_links: what the central dashboard shows beside the release's own links.
 *
 * Links are a JSON text in a ConfigMap that the dashboard reads each time a page asks for it, so nothing
 * has to roll. Ours come behind the release's. */
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "resources/kubeflow/settings_parts.h"

#include "lib/base/banned.h"

#define COMPONENT "central-dashboard"
#define MAP       "centraldashboard-config"
#define KEY       "links"

#define MAX_LINKS 100
#define TEXT_MAX  200 /* bytes of a label */
#define LINK_MAX  2000
#define ICON_MAX  100

#define PATH "^/[^[:space:]]*$"
#define URL  "^https?://[^[:space:]/]+(/[^[:space:]]*)?$"
#define ICON "^[A-Za-z0-9_-]+(:[A-Za-z0-9_-]+)?$"

/* Where a link may be, and what the dashboard wants it to look like there. */
static const struct place {
    const char *location, *list;
    bool item, outside; /* of the sidebar: it has an icon, and no description; another site's */
    const char *fits, *wants;
} places[] = {
    {"menu", "menuLinks", true, false, PATH,
     "a path on the platform's own gateway, such as \"/grafana/\"; the location for other sites is "
     "\"external\""},
    {"external", "externalLinks", true, true, URL,
     "the address of a site, such as \"https://wiki.example.com/\""},
    {"documentation", "documentationItems", false, true, URL,
     "the address of a site, such as \"https://wiki.example.com/\""},
    {"quick", "quickLinks", false, false, PATH,
     "a path on the platform's own gateway, such as \"/jupyter/new\""},
};

static const struct place *place_of(const json_t *link)
{
    const char *location = krm_str(link, "location", NULL);

    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (!strcmp(places[i].location, *location ? location : "menu"))
            return &places[i];
    }
    return NULL;
}

/* --- checks ------------------------------------------------------------------------------------- */

static int unknown_place(size_t n, const json_t *link, struct err *err)
{
    struct buf known CLEANUP(buf_done) = BUF_INIT;

    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        buf_printf(&known, "%s\"%s\"", known.len ? ", " : "", places[i].location);
    return err_set(err, ERR_INVALID,
                   "dashboard_links[%zu].location \"%s\": the dashboard has no such place; it has "
                   "%s",
                   n, krm_str(link, "location", NULL), buf_str(&known));
}

static int check_link(size_t n, const json_t *link, struct err *err)
{
    const struct place *place = place_of(link);
    const char *text = krm_str(link, "text", NULL), *to = krm_str(link, "link", NULL);
    const char *icon = krm_str(link, "icon", NULL), *about = krm_str(link, "description", NULL);

    if (!place)
        return unknown_place(n, link, err);
    if (!*text || strlen(text) > TEXT_MAX || strlen(about) > TEXT_MAX)
        return err_set(err, ERR_INVALID,
                       "dashboard_links[%zu]: text has 1 to %d bytes, and description at most as "
                       "many",
                       n, TEXT_MAX);
    if (!settings_fits(to, LINK_MAX, place->fits))
        return err_set(err, ERR_INVALID,
                       "dashboard_links[%zu].link \"%s\": with location \"%s\" it is %s", n, to,
                       place->location, place->wants);
    if (*icon && !settings_fits(icon, ICON_MAX, ICON))
        return err_set(err, ERR_INVALID,
                       "dashboard_links[%zu].icon \"%s\" isn't the name of an iron-icon: write it "
                       "as \"launch\", or \"social:mood\" with its set",
                       n, icon);
    if (place->item ? *about : *icon)
        return err_set(err, ERR_INVALID,
                       "dashboard_links[%zu].%s: the dashboard shows none with location \"%s\"; "
                       "remove it",
                       n, place->item ? "description" : "icon", place->location);
    return 0;
}

int dashboard_check(const struct settings *s, struct err *err)
{
    json_t *links = settings_get(s, "dashboard_links", NULL), *link;
    size_t i;

    if (!json_array_size(links))
        return 0;
    if (!settings_installs(s, COMPONENT))
        return err_set(err, ERR_INVALID,
                       "dashboard_links are shown by the component " COMPONENT
                       ", which isn't among the components: add it, or leave dashboard_links out");
    if (json_array_size(links) > MAX_LINKS)
        return err_set(err, ERR_INVALID, "dashboard_links has %zu links; %d at most are allowed",
                       json_array_size(links), MAX_LINKS);
    json_array_foreach (links, i, link) {
        int rc = check_link(i, link, err);

        if (rc)
            return rc;
    }
    return 0;
}

/* --- changes ------------------------------------------------------------------------------------ */

static json_t *entry_of(const json_t *link, const struct place *place)
{
    const char *icon = krm_str(link, "icon", NULL);
    json_t *entry = json_pack("{s:s, s:s}", "text", krm_str(link, "text", NULL), "link",
                              krm_str(link, "link", NULL));

    if (!place->item) {
        json_object_set_new(entry, "desc", json_string(krm_str(link, "description", NULL)));
        return entry;
    }
    json_object_set_new(entry, "type", json_string("item"));
    json_object_set_new(entry, "icon", json_string(*icon ? icon : "launch"));
    if (place->outside)
        json_object_set_new(entry, "iframe", json_false());
    return entry;
}

static int add_links(const struct settings *s, json_t *all, struct err *err)
{
    json_t *link;
    size_t i;

    json_array_foreach (settings_get(s, "dashboard_links", NULL), i, link) {
        const struct place *place = place_of(link);
        json_t *list = place ? json_object_get(all, place->list) : NULL;

        if (!json_is_array(list))
            return err_set(err, ERR_INVALID,
                           "dashboard_links[%zu]: release %s has no list \"%s\" in ConfigMap " MAP
                           ", key " KEY,
                           i, s->release->name, place ? place->list : "");
        json_array_append_new(list, entry_of(link, place));
    }
    return 0;
}

int dashboard_adjust(const struct settings *s, json_t *objects, struct err *err)
{
    json_auto_t *all = NULL;
    char *text CLEANUP(mem_cleanup) = NULL;
    json_t *map;
    int rc;

    if (!json_array_size(settings_get(s, "dashboard_links", NULL)))
        return 0;
    rc = settings_need(s, objects, "ConfigMap", NULL, MAP, &map, err);
    if (rc)
        return rc;
    all = json_loads(krm_str(map, "data", KEY, NULL), 0, NULL);
    rc = add_links(s, all, err);
    if (rc)
        return rc;
    text = json_dumps(all, JSON_INDENT(4));
    json_object_set_new(json_object_get(map, "data"), KEY, json_string(text));
    return 0;
}
