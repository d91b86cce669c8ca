/* What a render does with files that somebody made to hurt it: an error that names what is wrong,
 * soon, in little memory, with nothing secret in it. */
#include <check.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/kustomize/kustomize.h"

#include "lib/base/banned.h"

#define CONFIG_MAP "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n"

static struct loader *files;

static void start(void)
{
    files = loader_new_memory();
}

static void stop(void)
{
    loader_free(files);
}

static void add(const char *path, const char *text)
{
    ck_assert_int_eq(loader_add(files, path, text, strlen(text), NULL), 0);
}

static int build(json_t **ret_objects, struct err *err)
{
    struct kustomize_options options = {.loader = files, .path = ""};

    return kustomize_build(&options, ret_objects, err);
}

static void refused(int code, const char *message)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_t *objects = NULL;
    int rc = build(&objects, &err);

    ck_assert_msg(rc == code, "%d: %s", rc, err_msg(&err));
    ck_assert_msg(strstr(err_msg(&err), message), "%s", err_msg(&err));
    ck_assert_ptr_null(objects);
}

/* --- schemas ------------------------------------------------------------------------------------- */

/* "#7" is what the renderer calls a type itself. */
START_TEST(schemas_have_no_types_of_strange_names)
{
    json_auto_t *objects = NULL;
    struct err err CLEANUP(err_done) = ERR_INIT;

    add("one.yaml", CONFIG_MAP);
    add("kustomization.yaml", "resources: [one.yaml, sub]\n");
    add("sub/schema.json",
        "{\"definitions\": {\"x\": {\n"
        "  \"x-kubernetes-group-version-kind\": [{\"group\": \"e\", \"version\": \"v1\", \"kind\": "
        "\"X\"}],\n"
        "  \"properties\": {\"spec\": {\"$ref\": "
        "\"#/definitions/io.k8s.api.#4000000000000\"}}}}}\n");
    add("sub/x.yaml", "apiVersion: e/v1\nkind: X\nmetadata: {name: x}\nspec: {a: {b: 1}}\n");
    add("sub/kustomization.yaml", "openapi: {path: schema.json}\n"
                                  "resources: [x.yaml]\n"
                                  "patches:\n"
                                  "- patch: |\n"
                                  "    apiVersion: e/v1\n"
                                  "    kind: X\n"
                                  "    metadata: {name: x}\n"
                                  "    spec: {a: {b: 2}}\n");
    ck_assert_msg(!build(&objects, &err), "%s", err_msg(&err));
    ck_assert_int_eq(
        json_integer_value(krm_get(json_array_get(objects, 1), "spec", "a", "b", NULL)), 2);
}
END_TEST

/* --- copies -------------------------------------------------------------------------------------- */

#define OWN "apiVersion: e/v1\nkind: Own\nmetadata: {name: a}\n"

/* Adds a kustomization with n replacements from a field of the only object into a field of it. */
static void add_replacements(const char *object, size_t n, const char *from, const char *to,
                             const char *options)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT;

    buf_puts(&text, "resources: [a.yaml]\nreplacements:\n");
    for (size_t i = 0; i < n; i++)
        buf_printf(&text,
                   "- source: {kind: Own, fieldPath: %s}\n"
                   "  targets: [{select: {kind: Own}, fieldPaths: [%s%zu], options: {%s}}]\n",
                   from, to, i, options);
    add("a.yaml", object);
    add("kustomization.yaml", buf_str(&text));
}

START_TEST(replacements_cannot_double_values)
{
    add_replacements(OWN "d: {x: y}\n", 40, "d", "d.n", "create: true");
    refused(ERR_LIMIT, "replacements and vars copy more than 400000 values");
}
END_TEST

START_TEST(replacements_cannot_nest_without_end)
{
    struct buf path CLEANUP(buf_done) = BUF_INIT;

    buf_puts(&path, "d");
    for (size_t i = 0; i < 60; i++)
        buf_puts(&path, ".n");
    add_replacements(OWN "d: {x: y}\n", 6, "d", buf_str(&path), "create: true");
    refused(ERR_LIMIT, "values would be nested more than 256 deep");
}
END_TEST

START_TEST(replacements_cannot_double_texts)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT;

    buf_puts(&text, "resources: [a.yaml]\nreplacements:\n");
    for (size_t i = 0; i < 40; i++)
        buf_puts(&text, "- source: {kind: Own, fieldPath: d}\n"
                        "  targets: [{select: {kind: Own}, fieldPaths: [d], "
                        "options: {delimiter: \",\", index: -1}}]\n");
    add("a.yaml", OWN "d: abcdefgh\n");
    add("kustomization.yaml", buf_str(&text));
    refused(ERR_LIMIT, "field d: replacements and vars copy more than");
}
END_TEST

START_TEST(vars_cannot_multiply_texts)
{
    char *value CLEANUP(mem_cleanup) = mem_alloc((1 << 20) + 1);
    struct buf text CLEANUP(buf_done) = BUF_INIT;

    memset(value, 'v', 1 << 20);
    value[1 << 20] = 0;
    buf_printf(&text, "%sdata: {k: %s}\n---\n", CONFIG_MAP, value);
    buf_puts(&text, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
                    "spec: {containers: [{name: c, command: [\"");
    for (size_t i = 0; i < 300; i++)
        buf_puts(&text, "$(A)");
    buf_puts(&text, "\"]}]}\n");
    add("a.yaml", buf_str(&text));
    add("kustomization.yaml", "resources: [a.yaml]\n"
                              "vars:\n"
                              "- name: A\n"
                              "  objref: {apiVersion: v1, kind: ConfigMap, name: one}\n"
                              "  fieldref: {fieldPath: data.k}\n");
    refused(ERR_LIMIT, "Pod p: field spec/containers/command: replacements and vars copy more");
}
END_TEST

/* --- secrets ------------------------------------------------------------------------------------- */

static const struct {
    const char *kustomization, *want;
} secrets[] = {
    {"secretGenerator: [{name: s, literals: [a=b, hunter2]}]\n",
     "Secret s: literals[1]: must be key=value"},
    {"resources: [a.yaml]\n"
     "replacements:\n"
     "- source: {kind: Secret, fieldPath: stringData.password}\n"
     "  targets: [{select: {kind: Deployment}, fieldPaths: [spec.replicas]}]\n",
     "Deployment d: field spec.replicas: the text to write can't stand where a number stands"},
    {"resources: [a.yaml]\n"
     "replacements:\n"
     "- source: {kind: Secret, fieldPath: stringData.password, options: {delimiter: ':', index: "
     "4}}\n"
     "  targets: [{select: {kind: Deployment}, fieldPaths: [metadata.name]}]\n",
     "source: field stringData.password has no part 4 between \":\""},
};

START_TEST(messages_hold_no_secrets)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_t *objects = NULL;

    add("a.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"
                  "stringData: {password: hunter2}\n---\n"
                  "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n"
                  "spec: {replicas: 1}\n");
    add("kustomization.yaml", secrets[_i].kustomization);
    ck_assert_int_eq(build(&objects, &err), ERR_INVALID);
    ck_assert_msg(strstr(err_msg(&err), secrets[_i].want), "%s", err_msg(&err));
    ck_assert_msg(!strstr(err_msg(&err), "hunter2"), "%s", err_msg(&err));
}
END_TEST

/* --- work ---------------------------------------------------------------------------------------- */

START_TEST(kustomizations_are_counted)
{
    for (int level = 0; level < 16; level++) {
        for (int side = 0; side < 2; side++) {
            char *path CLEANUP(mem_cleanup) =
                mem_printf("l%d%c/kustomization.yaml", level, "ab"[side]);
            char *text CLEANUP(mem_cleanup) =
                level == 15 ? mem_strdup("namePrefix: x-\n")
                            : mem_printf("resources: [../l%da, ../l%db]\n", level + 1, level + 1);

            add(path, text);
        }
    }
    add("kustomization.yaml", "resources: [l0a]\n");
    refused(ERR_LIMIT, "the render opens more than 4000 kustomizations");
}
END_TEST

/* Definitions d0, d1, ... that each refer twice to the next; those of root have what makes a kind. */
static void add_crds(int n, const char *extension)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT;

    for (int i = 0; i < n; i++)
        buf_printf(&text,
                   "%s\"d%d\": {\"schema\": {\"properties\": {%s%s"
                   "\"a\": {\"$ref\": \"d%d\"}, \"b\": {\"$ref\": \"d%d\"}}}}",
                   i ? ",\n" : "{", i, extension,
                   i ? "" : "\"kind\": {}, \"apiVersion\": {}, \"metadata\": {}, ", i + 1, i + 1);
    buf_puts(&text, "}\n");
    add("a.yaml", CONFIG_MAP);
    add("crds.json", buf_str(&text));
    add("kustomization.yaml", "resources: [a.yaml]\ncrds: [crds.json]\n");
}

START_TEST(definitions_are_counted)
{
    add_crds(30, "");
    refused(ERR_LIMIT, "paths through more than 100000 properties");
}
END_TEST

START_TEST(fields_of_definitions_are_counted)
{
    add_crds(12, "\"x\": {\"x-kubernetes-identity\": \"\"}, ");
    refused(ERR_LIMIT, "definitions name more than 1000 fields");
}
END_TEST

START_TEST(generated_objects_are_counted)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT;

    buf_puts(&text, "configMapGenerator:\n");
    for (int i = 0; i < 2001; i++)
        buf_printf(&text, "- {name: a%d}\n", i);
    add("kustomization.yaml", buf_str(&text));
    refused(ERR_LIMIT, "configMapGenerator[2000]: more than 2000 generated objects");
}
END_TEST

/* --- long texts ---------------------------------------------------------------------------------- */

/* "LONG" in a kustomization is a text of 17 MB, more than a buffer for paths and messages takes. */
static const struct {
    const char *kustomization, *want;
} texts[] = {
    {"crds: [LONG]\n", "crds[0]: a path of more than 65536 bytes"},
    {"resources: [a.yaml]\nimages: [{name: nginx, newName: LONG}]\n",
     "an image reference of more than 65536 bytes"},
    {"resources: [a.yaml]\n"
     "replacements:\n"
     "- source: {kind: Pod, fieldPath: LONG}\n"
     "  targets: [{select: {kind: Pod}}]\n",
     "a field path of more than 65536 bytes"},
    {"resources: [a.yaml]\n"
     "labels: [{pairs: {a: b}, fields: [{path: LONG, create: true}]}]\n",
     "is too long"},
    {"configMapGenerator: [{name: a, literals: [k=LONG]}]\n", "too large to hash"},
};

START_TEST(long_texts_are_refused)
{
    size_t len = (size_t)17 << 20;
    const char *at = strstr(texts[_i].kustomization, "LONG");
    char *text CLEANUP(mem_cleanup) = mem_alloc(len);
    struct buf out CLEANUP(buf_done);

    memset(text, 'x', len);
    buf_init(&out, BUF_MAX_DOCUMENT);
    buf_putn(&out, texts[_i].kustomization, (size_t)(at - texts[_i].kustomization));
    buf_putn(&out, text, len);
    buf_puts(&out, at + strlen("LONG"));
    add("a.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
                  "spec: {containers: [{name: c, image: nginx}]}\n");
    add("kustomization.yaml", buf_str(&out));
    refused(_i == 3 ? ERR_INVALID : ERR_LIMIT, texts[_i].want);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("limits");
    TCase *tcase = tcase_create("limits");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, schemas_have_no_types_of_strange_names);
    tcase_add_test(tcase, replacements_cannot_double_values);
    tcase_add_test(tcase, replacements_cannot_nest_without_end);
    tcase_add_test(tcase, replacements_cannot_double_texts);
    tcase_add_test(tcase, vars_cannot_multiply_texts);
    tcase_add_loop_test(tcase, messages_hold_no_secrets, 0, ARRAY_LEN(secrets));
    tcase_add_test(tcase, kustomizations_are_counted);
    tcase_add_test(tcase, definitions_are_counted);
    tcase_add_test(tcase, fields_of_definitions_are_counted);
    tcase_add_test(tcase, generated_objects_are_counted);
    tcase_add_loop_test(tcase, long_texts_are_refused, 0, ARRAY_LEN(texts));
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
