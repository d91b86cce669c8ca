#include "resources/kubeflow/components.h"

#include <stdbool.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/mem.h"

#include "lib/base/banned.h"

/* What one word in `existing` may stand for. */
static const struct {
    const char *word, *component;
} words[] = {
    {"istio", "istio-crds"},
    {"istio", "istio-namespace"},
    {"istio", "istio-install"},
    {"knative", "knative-serving"},
};

enum mark { MARK_NONE, MARK_EXISTS, MARK_CHOSEN };

struct resolving {
    const struct catalog_release *release;
    enum mark *marks; /* by position in the release */
};

/* Whether the word stands for components of the release. */
static bool mark_word(struct resolving *r, const char *word)
{
    bool found = false;

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        const struct catalog_component *c = catalog_component(r->release, words[i].component);

        if (!strcmp(words[i].word, word) && c) {
            r->marks[c - r->release->components] = MARK_EXISTS;
            found = true;
        }
    }
    return found;
}

/* "" for what is no string: no component is called so. */
static const char *text_of(const json_t *name)
{
    return json_is_string(name) ? json_string_value(name) : "";
}

static int mark_existing(struct resolving *r, const json_t *existing, struct err *err)
{
    const json_t *name;
    size_t i;

    json_array_foreach (existing, i, name) {
        const char *text = text_of(name);
        const struct catalog_component *c;
        int rc;

        if (mark_word(r, text))
            continue;
        rc = catalog_find_component(r->release, text, &c, err);
        if (rc)
            return rc;
        r->marks[c - r->release->components] = MARK_EXISTS;
    }
    return 0;
}

/* A component and what it needs, as far as it isn't there. Each is entered once. */
static void choose(struct resolving *r, const struct catalog_component *c)
{
    enum mark *mark = &r->marks[c - r->release->components];

    if (*mark != MARK_NONE)
        return;
    *mark = MARK_CHOSEN;
    for (size_t i = 0; c->needs[i]; i++)
        choose(r, catalog_component(r->release, c->needs[i]));
    for (size_t i = 0; c->runs_with[i]; i++)
        choose(r, catalog_component(r->release, c->runs_with[i]));
}

static int choose_all(struct resolving *r, const json_t *chosen, struct err *err)
{
    const json_t *name;
    size_t i;

    for (i = 0; i < r->release->ncomponents && !chosen; i++) {
        if (r->release->components[i].by_default)
            choose(r, &r->release->components[i]);
    }
    json_array_foreach (chosen, i, name) {
        const char *text = text_of(name);
        const struct catalog_component *c;
        int rc = catalog_find_component(r->release, text, &c, err);

        if (rc)
            return rc;
        if (r->marks[c - r->release->components] == MARK_EXISTS)
            return err_set(err, ERR_INVALID,
                           "\"%s\" is in components and in existing; remove it from one of them",
                           text);
        choose(r, c);
    }
    return 0;
}

int components_resolve(const struct catalog_release *r, const json_t *chosen,
                       const json_t *existing, json_t **ret_components, const char **ret_attribute,
                       struct err *err)
{
    enum mark *marks CLEANUP(mem_cleanup) = mem_calloc(r->ncomponents, sizeof(*marks));
    struct resolving resolving = {r, marks};
    json_t *out;
    int rc;

    *ret_attribute = "existing";
    if ((rc = mark_existing(&resolving, existing, err)))
        return rc;
    *ret_attribute = "components";
    if ((rc = choose_all(&resolving, chosen, err)))
        return rc;
    out = json_array();
    for (size_t i = 0; i < r->ncomponents; i++) {
        if (marks[i] == MARK_CHOSEN)
            json_array_append_new(out, json_string(r->components[i].name));
    }
    if (!json_array_size(out)) {
        json_decref(out);
        return err_set(err, ERR_INVALID, "nothing is left to install; choose a component");
    }
    *ret_components = out;
    return 0;
}
