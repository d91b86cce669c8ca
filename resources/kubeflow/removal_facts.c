#include "resources/kubeflow/removal_facts.h"

#include <string.h>

#include "lib/base/attr.h"
#include "lib/krm/gvk.h"
#include "resources/kubeflow/secret_marks.h"
#include "resources/kubeflow/secret_recipes.h"

#include "lib/base/banned.h"

#define WAVES 6

static const struct {
    int wave;
    const char *crd;
} work[] = {
#define WORK(wave, crd) {wave, crd},
#include "resources/kubeflow/removal_facts.def"
};

static const struct {
    const char *finalizer, *who;
} clearing[] = {
#define CLEARS(finalizer, who) {finalizer, who},
#include "resources/kubeflow/removal_facts.def"
};

const char *removal_work(size_t i)
{
    return i < ARRAY_LEN(work) ? work[i].crd : NULL;
}

static int wave_of(const char *crd_name)
{
    for (size_t i = 0; i < ARRAY_LEN(work); i++)
        if (!strcmp(work[i].crd, crd_name))
            return work[i].wave;
    return 0;
}

static const char *clears(const char *finalizer)
{
    for (size_t i = 0; i < ARRAY_LEN(clearing); i++)
        if (!strcmp(clearing[i].finalizer, finalizer))
            return clearing[i].who;
    return NULL;
}

/* A database in a claim asks for the password that its Secret holds. */
static bool stays_with_data(const json_t *metadata_object)
{
    json_auto_t *marks =
        strcmp(gvk_of(metadata_object).kind, "Secret") ? NULL : secret_marks_of(metadata_object);
    const char *key;
    json_t *mark;

    json_object_foreach (marks, key, mark) {
        const struct secret_recipe *r = secret_recipe_of_mark(json_string_value(mark));

        if (r && r->with_data)
            return true;
    }
    return false;
}

const struct kube_remove_facts removal_facts = {
    .nwaves = WAVES,
    .wave_of = wave_of,
    .stays_with_data = stays_with_data,
    .clears = clears,
};
