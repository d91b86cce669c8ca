/* Two YAML documents, a target and a patch: lists are JSON patches, objects strategic merges and
 * merge patches. A patch that fails must leave the target as it was. */
#include "lib/base/mem.h"
#include "lib/krm/patch.h"
#include "lib/krm/yaml.h"
#include "tests/fuzz/fuzz.h"

#include "lib/base/banned.h"

static void check_unchanged(const json_t *target, const json_t *before)
{
    if (!json_equal(target, before))
        bug("a failed patch has changed its target");
}

static void check_json_patch(const json_t *before, const json_t *patch)
{
    json_auto_t *target = json_deep_copy(before);

    if (krm_json_patch(&target, patch, NULL))
        check_unchanged(target, before);
}

static void check_strategic_merge(const json_t *before, const json_t *patch)
{
    json_auto_t *target = json_deep_copy(before);
    json_auto_t *given = json_deep_copy(patch);
    bool deleted = false;

    if (krm_strategic_merge(target, given, &deleted, NULL) || deleted)
        check_unchanged(target, before);
    check_unchanged(given, patch);
}

static void check_merge_patch(const json_t *before, const json_t *patch)
{
    json_auto_t *once = json_deep_copy(before);
    json_auto_t *twice = NULL;

    krm_merge_patch(once, patch);
    twice = json_deep_copy(once);
    krm_merge_patch(twice, patch);
    if (!json_equal(once, twice))
        bug("a merge patch isn't idempotent");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_auto_t *documents = NULL;
    const json_t *target, *patch;

    if (yaml_parse_all((const char *)data, size, "input", &documents, NULL))
        return 0;
    if (json_array_size(documents) != 2)
        return 0;
    target = json_array_get(documents, 0);
    patch = json_array_get(documents, 1);
    check_json_patch(target, patch);
    check_strategic_merge(target, patch);
    check_merge_patch(target, patch);
    return 0;
}
