/* Any bytes as a field path, in both languages of paths: on a fixed object, reading changes nothing,
 * and what was made can be found again. The first line is a replacement's path, the second a field
 * spec's, the third a regular expression. */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/kustomize/context.h"
#include "lib/kustomize/fieldref.h"
#include "lib/kustomize/fieldspec.h"
#include "lib/kustomize/regex.h"
#include "tests/fuzz/fuzz.h"

#include "lib/base/banned.h"

#define SAMPLE                                                                                     \
    "{\"metadata\":{\"name\":\"n\",\"annotations\":{\"a.b/c\":\"d\"}},\"spec\":{\"list\":["        \
    "{\"name\":\"x\",\"value\":1},{\"name\":\"y\"},null],\"texts\":[\"one\",\"two\"],\"none\":"    \
    "null}}"

static void check_reference(const char *path, bool create)
{
    json_auto_t *object = json_loads(SAMPLE, 0, NULL);
    json_auto_t *before = json_deep_copy(object);
    json_auto_t *value = create ? json_string("made") : NULL;
    struct fieldref ref CLEANUP(fieldref_done) = {0};
    struct slots slots = {0};
    json_t *found;

    if (fieldref_parse(path, create, &ref, NULL))
        return;
    (void)!fieldref_lookup(&ref, object, &found, NULL);
    if (!json_equal(object, before))
        bug("reading changed the object");
    if (fieldref_match(&ref, object, value, &slots, NULL) == 0)
        for (size_t i = 0; i < slots.len; i++)
            if (slots.at[i].parent)
                slot_set(&slots.at[i], json_string("written"));
    vec_done(&slots);
    if (!create && json_array_size(json_object_get(json_object_get(object, "spec"), "list")) > 3)
        bug("matching made an element");
}

static int count(struct slot *slot UNUSED, void *arg, struct err *err UNUSED)
{
    ++*(int *)arg;
    return 0;
}

static void check_spec(struct context *ctx, const char *path)
{
    json_auto_t *object = json_loads(SAMPLE, 0, NULL);
    struct fieldspec spec;
    int made = 0, found = 0;

    fieldspec_make(ctx, "", "", "", path, true, &spec);
    if (fieldspec_walk(object, &spec, FIELDSPEC_CREATE_MAP, count, &made, NULL))
        return;
    spec.create = false;
    if (fieldspec_walk(object, &spec, FIELDSPEC_FIND, count, &found, NULL) || made != found)
        bug("%s: made %d, found %d", path, made, found);
}

static void check_regex(const char *pattern)
{
    struct regex re CLEANUP(regex_done) = {0};

    if (regex_init(&re, pattern, true, NULL) == 0)
        (void)regex_match(&re, "kubeflow-katib-controller.v1");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text CLEANUP(mem_cleanup) = mem_strndup((const char *)data, size), *save = NULL;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new();
    struct context ctx = {.arena = arena, .strings = intern_new(arena)};
    const char *line = strtok_r(text, "\n", &save);

    if (line && strlen(line) < 4096) {
        check_reference(line, false);
        check_reference(line, true);
    }
    line = line ? strtok_r(NULL, "\n", &save) : NULL;
    if (line && strlen(line) < 4096)
        check_spec(&ctx, line);
    line = line ? strtok_r(NULL, "\n", &save) : NULL;
    if (line && strlen(line) < 256)
        check_regex(line);
    return 0;
}
