/* Field specs, field references, transformer configuration, shapes, name hashes. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/kustomize/config.h"
#include "lib/kustomize/fieldref.h"
#include "lib/kustomize/namehash.h"
#include "lib/kustomize/shape.h"

#include "lib/base/banned.h"

static struct context ctx;

static void start(void)
{
    ctx = (struct context){.arena = arena_new()};
    ctx.strings = intern_new(ctx.arena);
}

static void stop(void)
{
    arena_free(ctx.arena);
}

static json_t *json(const char *text)
{
    json_error_t err;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &err);

    ck_assert_msg(value, "%s: %s", text, err.text);
    return value;
}

static void check_json(const json_t *got, const char *want)
{
    json_auto_t *expected = json(want);
    char *text CLEANUP(mem_cleanup) = json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT);

    ck_assert_msg(json_equal(got, expected), "%s, expected %s", text ? text : "nothing", want);
}

/* --- field specs ---------------------------------------------------------------------------------- */

static const struct {
    const char *path, *steps; /* joined with "," and "[]" for lists */
} paths[] = {
    {"a/b/c", "a,b,c"}, {"/a/b", "a,b"},
    {"a[]/b", "a[],b"}, {"metadata/annotations/x.io\\/y", "metadata,annotations,x.io/y"},
    {"a", "a"},
};

START_TEST(splits_paths)
{
    const struct fieldpath *path = fieldpath_parse(&ctx, paths[_i].path);
    struct buf got CLEANUP(buf_done) = BUF_INIT;

    for (size_t i = 0; i < path->nsteps; i++)
        buf_printf(&got, "%s%s%s", i ? "," : "", path->steps[i].name,
                   path->steps[i].list ? "[]" : "");
    ck_assert_str_eq(buf_str(&got), paths[_i].steps);
    ck_assert_ptr_null(path->problem);
}
END_TEST

START_TEST(limits_paths)
{
    struct buf path CLEANUP(buf_done) = BUF_INIT;

    for (int i = 0; i <= FIELDSPEC_MAX_STEPS; i++)
        buf_puts(&path, "a/");
    ck_assert_ptr_nonnull(fieldpath_parse(&ctx, buf_str(&path))->problem);
    ck_assert_ptr_nonnull(fieldpath_parse(&ctx, "a//b")->problem);
    ck_assert_ptr_nonnull(fieldpath_parse(&ctx, "")->problem);
    ck_assert_ptr_nonnull(fieldpath_parse(&ctx, "[]")->problem);
}
END_TEST

static int set_x(struct slot *slot, void *arg, struct err *err UNUSED)
{
    ++*(int *)arg;
    slot_set(slot, json_string("X"));
    return 0;
}

static const struct {
    const char *object, *path;
    bool create;
    enum fieldspec_create kind;
    const char *want; /* NULL: an error */
} walks[] = {
    {"{\"a\":{\"b\":1}}", "a/b", false, FIELDSPEC_FIND, "{\"a\":{\"b\":\"X\"}}"},
    {"{\"a\":[{\"b\":1},{\"c\":2},null]}", "a/b", false, FIELDSPEC_FIND,
     "{\"a\":[{\"b\":\"X\"},{\"c\":2},null]}"},
    {"{\"a\":[{\"b\":1},{\"c\":2}]}", "a[]/b", true, FIELDSPEC_CREATE_SCALAR,
     "{\"a\":[{\"b\":\"X\"},{\"b\":\"X\",\"c\":2}]}"},
    {"{}", "a/b", false, FIELDSPEC_CREATE_SCALAR, "{}"},
    {"{}", "a/b", true, FIELDSPEC_FIND, "{}"},
    {"{}", "a/b", true, FIELDSPEC_CREATE_SCALAR, "{\"a\":{\"b\":\"X\"}}"},
    {"{}", "a[]/b", true, FIELDSPEC_CREATE_SCALAR, "{}"},
    {"{\"a\":null}", "a/b", true, FIELDSPEC_CREATE_SCALAR, "{\"a\":{\"b\":\"X\"}}"},
    {"{\"a\":null}", "a/b", false, FIELDSPEC_CREATE_SCALAR, "{\"a\":null}"},
    {"{\"a\":null}", "a[]/b", true, FIELDSPEC_FIND, "{\"a\":[]}"},
    {"{\"a\":null}", "a", true, FIELDSPEC_CREATE_MAP, "{\"a\":\"X\"}"},
    {"{\"a\":1}", "a/b", true, FIELDSPEC_CREATE_SCALAR, NULL},
    {"{\"a\":[1]}", "a/b", false, FIELDSPEC_FIND, NULL},
};

START_TEST(walks_field_specs)
{
    json_auto_t *object = json(walks[_i].object);
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct fieldspec spec;
    int visits = 0, rc;

    fieldspec_make(&ctx, "", "", "", walks[_i].path, walks[_i].create, &spec);
    rc = fieldspec_walk(object, &spec, walks[_i].kind, set_x, &visits, &err);
    if (!walks[_i].want) {
        ck_assert_int_eq(rc, ERR_INVALID);
        ck_assert_ptr_nonnull(strstr(err_msg(&err), walks[_i].path));
        return;
    }
    ck_assert_msg(!rc, "%s", err_msg(&err));
    check_json(object, walks[_i].want);
}
END_TEST

/* --- field references ------------------------------------------------------------------------------ */

static const struct {
    const char *text;
    bool indexes;
    const char *steps;
} refs[] = {
    {"metadata.name", false, "metadata|name"},
    {"a.[b.c/d].e", false, "a|b.c/d|e"},
    {"a.[name=x.y].e", false, "a|[name=x.y]|e"},
    {"a.[name=x].e", false, "a|[name=x]|e"},
    {"a\\.b.c", false, "a.b|c"},
    {"a[0].b", true, "a|0|b"},
    {"a[0].b", false, "a[0]|b"},
    {"a.[0]", true, "a|0"},
    {"a.*.b", false, "a|*|b"},
    {"a..b", false, "a||b"},
    {".a", false, "a"},
};

START_TEST(splits_references)
{
    struct fieldref ref CLEANUP(fieldref_done) = {0};
    struct buf got CLEANUP(buf_done) = BUF_INIT;

    ck_assert_int_eq(fieldref_parse(refs[_i].text, refs[_i].indexes, &ref, NULL), 0);
    for (size_t i = 0; i < ref.nsteps; i++)
        buf_printf(&got, "%s%s", i ? "|" : "", ref.steps[i]);
    ck_assert_str_eq(buf_str(&got), refs[_i].steps);
}
END_TEST

#define SAMPLE                                                                                     \
    "{\"a\":{\"b\":[{\"name\":\"x\",\"v\":1},{\"name\":\"xy\",\"v\":2}],\"p\":[\"one\",\"two\"],"  \
    "\"n\":null,\"s\":\"t\"}}"

static const struct {
    const char *ref, *want; /* "": missing; NULL: an error */
} lookups[] = {
    {"a.s", "\"t\""},
    {"a.b.1.v", "2"},
    {"a.b.-.v", "2"},
    {"a.b.[name=x].v", "1"},
    {"a.p.[=two]", "\"two\""},
    {"a.b.[name=z].v", ""},
    {"a.x", ""},
    {"a.n.x", ""},
    {"a.b.9", ""},
    {"a.s.x", NULL},
    {"a.0", NULL},
    {"a.b.v", NULL},
    {"a.*", NULL},
    {"a.b.[name].v", NULL},
};

START_TEST(looks_up_one_value)
{
    json_auto_t *object = json(SAMPLE);
    struct fieldref ref CLEANUP(fieldref_done) = {0};
    json_t *value = NULL;
    int rc;

    ck_assert_int_eq(fieldref_parse(lookups[_i].ref, false, &ref, NULL), 0);
    rc = fieldref_lookup(&ref, object, &value, NULL);
    if (!lookups[_i].want)
        ck_assert_msg(rc, "%s is accepted", lookups[_i].ref);
    else if (!*lookups[_i].want)
        ck_assert_ptr_null(value);
    else
        check_json(value, lookups[_i].want);
}
END_TEST

static const struct {
    const char *ref, *create; /* JSON of what is to be written, or NULL */
    const char *want;         /* the object with X in all places; NULL: an error */
} matches[] = {
    {"a.b.*.v", NULL,
     "{\"a\":{\"b\":[{\"name\":\"x\",\"v\":\"X\"},{\"name\":\"xy\",\"v\":\"X\"}],\"p\":[\"one\","
     "\"two\"],\"n\":null,\"s\":\"t\"}}"},
    {"a.b.[name=x].v", NULL, /* a regular expression: "xy" matches too */
     "{\"a\":{\"b\":[{\"name\":\"x\",\"v\":\"X\"},{\"name\":\"xy\",\"v\":\"X\"}],\"p\":[\"one\","
     "\"two\"],\"n\":null,\"s\":\"t\"}}"},
    {"a.b.[name=^x$].v", NULL,
     "{\"a\":{\"b\":[{\"name\":\"x\",\"v\":\"X\"},{\"name\":\"xy\",\"v\":2}],\"p\":[\"one\","
     "\"two\"],\"n\":null,\"s\":\"t\"}}"},
    {"a.p.[=tw]", NULL,
     "{\"a\":{\"b\":[{\"name\":\"x\",\"v\":1},{\"name\":\"xy\",\"v\":2}],\"p\":[\"one\",\"X\"],"
     "\"n\":null,\"s\":\"t\"}}"},
    {"a.x", NULL, SAMPLE},
    {"a.x.y", "\"v\"",
     "{\"a\":{\"b\":[{\"name\":\"x\",\"v\":1},{\"name\":\"xy\",\"v\":2}],\"p\":[\"one\",\"two\"],"
     "\"n\":null,\"s\":\"t\",\"x\":{\"y\":\"X\"}}}"},
    {"a.x.0.[name=q].z", "\"v\"",
     "{\"a\":{\"b\":[{\"name\":\"x\",\"v\":1},{\"name\":\"xy\",\"v\":2}],\"p\":[\"one\",\"two\"],"
     "\"n\":null,\"s\":\"t\",\"x\":[[{\"name\":\"q\",\"z\":\"X\"}]]}}"},
    {"a.p.2", "\"v\"",
     "{\"a\":{\"b\":[{\"name\":\"x\",\"v\":1},{\"name\":\"xy\",\"v\":2}],\"p\":[\"one\",\"two\","
     "\"X\"],\"n\":null,\"s\":\"t\"}}"},
    {"a.n.x", "\"v\"", SAMPLE},
    {"a.p.3", "\"v\"", NULL},
    {"a.p.2", NULL, NULL},
    {"a.s.x", NULL, NULL},
    {"a.*", NULL, NULL},
};

START_TEST(matches_places)
{
    json_auto_t *object = json(SAMPLE);
    json_auto_t *create = matches[_i].create ? json(matches[_i].create) : NULL;
    struct fieldref ref CLEANUP(fieldref_done) = {0};
    struct slots slots = {0};
    int rc;

    ck_assert_int_eq(fieldref_parse(matches[_i].ref, false, &ref, NULL), 0);
    rc = fieldref_match(&ref, object, create, &slots, NULL);
    if (!matches[_i].want) {
        ck_assert_msg(rc, "%s is accepted", matches[_i].ref);
        return;
    }
    ck_assert_int_eq(rc, 0);
    for (size_t i = 0; i < slots.len; i++)
        if (slots.at[i].parent)
            slot_set(&slots.at[i], json_string("X"));
    vec_done(&slots);
    check_json(object, matches[_i].want);
}
END_TEST

START_TEST(reads_plain_values)
{
    static const char *const cases[][2] = {
        {"8080", "8080"},     {"true", "true"},   {"1.5", "1.5"},        {"null", "null"},
        {"text", "\"text\""}, {"yes", "\"yes\""}, {"a\nb", "\"a\\nb\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_auto_t *value = fieldref_plain_value(cases[i][0]);

        check_json(value, cases[i][1]);
    }
}
END_TEST

/* --- configuration -------------------------------------------------------------------------------- */

static const struct config *config_of(const char *text)
{
    json_auto_t *doc = json(text);
    const struct config *config = NULL;
    struct err err CLEANUP(err_done) = ERR_INIT;

    ck_assert_msg(!config_from_json(&ctx, doc, &config, &err), "%s", err_msg(&err));
    return config;
}

static size_t merged_len(const char *a, const char *b)
{
    const struct config *merged = NULL;

    ck_assert_int_eq(config_merge(&ctx, config_of(a), config_of(b), &merged, NULL), 0);
    return merged->lists[CONFIG_VAR_REFERENCE].len;
}

#define SPECS(...) "{\"varReference\":[" __VA_ARGS__ "]}"

START_TEST(drops_specs_that_are_covered)
{
    /* the same one; a narrower one after a general one stays, a general one after it goes */
    ck_assert_uint_eq(merged_len(SPECS("{\"path\":\"a\"}"), SPECS("{\"path\":\"a\"}")), 1);
    ck_assert_uint_eq(
        merged_len(SPECS("{\"path\":\"a\"}"), SPECS("{\"path\":\"a\",\"kind\":\"K\"}")), 2);
    ck_assert_uint_eq(
        merged_len(SPECS("{\"path\":\"a\",\"kind\":\"K\"}"), SPECS("{\"path\":\"a\"}")), 1);
    ck_assert_uint_eq(merged_len(SPECS("{\"path\":\"a\"}"), SPECS("{\"path\":\"b\"}")), 2);
}
END_TEST

START_TEST(refuses_specs_that_disagree)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    const struct config *merged = NULL;

    ck_assert_int_eq(config_merge(&ctx, config_of(SPECS("{\"path\":\"a\"}")),
                                  config_of(SPECS("{\"path\":\"a\",\"create\":true}")), &merged,
                                  &err),
                     ERR_INVALID);
}
END_TEST

START_TEST(default_configuration_merges_with_itself)
{
    const struct config *defaults = config_make_default(&ctx), *merged = NULL;

    ck_assert_int_eq(config_merge(&ctx, defaults, defaults, &merged, NULL), 0);
    for (int i = 0; i < CONFIG_NLISTS; i++)
        ck_assert_uint_eq(merged->lists[i].len, defaults->lists[i].len);
    ck_assert_uint_eq(merged->nbackrefs, defaults->nbackrefs);
    for (size_t i = 1; i < merged->nbackrefs; i++)
        ck_assert(merged->backrefs[i - 1].order <= merged->backrefs[i].order);
}
END_TEST

START_TEST(configuration_files_are_strict)
{
    json_auto_t *doc = json("{\"namoPrefix\":[]}");
    const struct config *config = NULL;
    struct err err CLEANUP(err_done) = ERR_INIT;

    ck_assert_int_eq(config_from_json(&ctx, doc, &config, &err), ERR_INVALID);
    ck_assert_str_eq(err_msg(&err), "unknown field \"namoPrefix\" (did you mean \"namePrefix\"?)");
}
END_TEST

START_TEST(definitions_may_not_nest_for_ever)
{
    json_auto_t *doc = json("{\"x.K\":{\"Schema\":{\"properties\":{\"kind\":{},\"apiVersion\":{},"
                            "\"metadata\":{},\"spec\":{\"$ref\":\"x.K\"}}}}}");
    struct err err CLEANUP(err_done) = ERR_INIT;
    const struct config *config = NULL;

    ck_assert_int_eq(config_from_crds(&ctx, doc, &config, &err), ERR_LIMIT);
}
END_TEST

/* --- shapes --------------------------------------------------------------------------------------- */

static const struct shape_field inner_fields[] = {{"name", &shape_string}, {NULL, NULL}};
static const struct shape shape_inner = {.type = SHAPE_OBJECT, .fields = inner_fields};
static const struct shape shape_inners = {.type = SHAPE_LIST, .item = &shape_inner};
static const struct shape_field outer_fields[] = {
    {"text", &shape_string},   {"flag", &shape_bool},      {"count", &shape_int},
    {"texts", &shape_strings}, {"map", &shape_string_map}, {"inner", &shape_inner},
    {"inners", &shape_inners}, {"any", &shape_any},        {NULL, NULL},
};
static const struct shape shape_outer = {.type = SHAPE_OBJECT, .fields = outer_fields};

static const struct {
    const char *in;
    unsigned flags;
    const char *want, *message;
} shapes[] = {
    {"{\"TEXT\":\"a\",\"Flag\":true}", SHAPE_STRICT, "{\"text\":\"a\",\"flag\":true}", NULL},
    {"{\"text\":null,\"texts\":[\"a\",null]}", SHAPE_STRICT, "{\"texts\":[\"a\",\"\"]}", NULL},
    {"{\"inners\":[{\"name\":\"a\"},null]}", SHAPE_STRICT, "{\"inners\":[{\"name\":\"a\"},{}]}",
     NULL},
    {"{\"other\":1,\"any\":{\"x\":[1]}}", 0, "{\"any\":{\"x\":[1]}}", NULL},
    {"{\"text\":5,\"map\":{\"a\":true}}", SHAPE_COERCE, "{\"text\":\"5\",\"map\":{\"a\":\"true\"}}",
     NULL},
    {"{\"text\":5}", SHAPE_STRICT, NULL, "text: must be a string, not a number"},
    {"{\"inners\":[{},{\"nam\":1}]}", SHAPE_STRICT, NULL,
     "inners: [1]: unknown field \"nam\" (did you mean \"name\"?)"},
    {"{\"nothing\":1}", SHAPE_STRICT, NULL, "unknown field \"nothing\""},
    {"{\"count\":\"1\"}", SHAPE_COERCE, NULL, "count: must be a whole number, not a string"},
    {"{\"texts\":\"a\"}", 0, NULL, "texts: must be a list, not a string"},
    {"[]", 0, NULL, "must be an object, not a list"},
    {"{\"map\":[]}", 0, NULL, "map: must be a map, not a list"},
};

START_TEST(reads_shapes)
{
    json_auto_t *in = json(shapes[_i].in);
    json_auto_t *out = NULL;
    struct err err CLEANUP(err_done) = ERR_INIT;
    int rc = shape_read(&shape_outer, in, shapes[_i].flags, &out, &err);

    if (shapes[_i].want) {
        ck_assert_msg(!rc, "%s", err_msg(&err));
        check_json(out, shapes[_i].want);
    } else {
        ck_assert_int_eq(rc, ERR_INVALID);
        ck_assert_str_eq(err_msg(&err), shapes[_i].message);
    }
}
END_TEST

START_TEST(writes_scalars)
{
    static const char *const cases[][2] = {
        {"1.1", "1.1"}, {"0.1", "0.1"}, {"1e300", "1e+300"}, {"12", "12"},
        {"null", ""},   {"\"a\"", "a"}, {"false", "false"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_auto_t *value = json(cases[i][0]);
        char *text CLEANUP(mem_cleanup) = shape_scalar_text(value);

        ck_assert_str_eq(text, cases[i][1]);
    }
}
END_TEST

/* --- name hashes: kubernetes' own test values --------------------------------------------------------- */

static const struct {
    const char *object, *hash;
} hashes[] = {
    {"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\"}", "6ct58987ht"},
    {"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"data\":{\"one\":\"\"}}", "9g67k2htb6"},
    {"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"data\":{\"two\":2,\"one\":\"\","
     "\"three\":3}}",
     "7757f9kkct"},
    {"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"type\":\"my-type\"}", "5gmgkf8578"},
    {"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"type\":\"my-type\",\"data\":{\"one\":\"\"}}",
     "74bd68bm66"},
};

START_TEST(hashes_names)
{
    json_auto_t *object = json(hashes[_i].object);
    char hash[NAMEHASH_SIZE];

    ck_assert_int_eq(namehash(object, hash, NULL), 0);
    ck_assert_str_eq(hash, hashes[_i].hash);
}
END_TEST

START_TEST(hashes_only_two_kinds)
{
    json_auto_t *object = json("{\"kind\":\"Deployment\"}");
    char hash[NAMEHASH_SIZE];

    ck_assert_int_eq(namehash(object, hash, NULL), ERR_UNSUPPORTED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fields");
    TCase *tcase = tcase_create("fields");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, splits_paths, 0, ARRAY_LEN(paths));
    tcase_add_test(tcase, limits_paths);
    tcase_add_loop_test(tcase, walks_field_specs, 0, ARRAY_LEN(walks));
    tcase_add_loop_test(tcase, splits_references, 0, ARRAY_LEN(refs));
    tcase_add_loop_test(tcase, looks_up_one_value, 0, ARRAY_LEN(lookups));
    tcase_add_loop_test(tcase, matches_places, 0, ARRAY_LEN(matches));
    tcase_add_test(tcase, reads_plain_values);
    tcase_add_test(tcase, drops_specs_that_are_covered);
    tcase_add_test(tcase, refuses_specs_that_disagree);
    tcase_add_test(tcase, default_configuration_merges_with_itself);
    tcase_add_test(tcase, configuration_files_are_strict);
    tcase_add_test(tcase, definitions_may_not_nest_for_ever);
    tcase_add_loop_test(tcase, reads_shapes, 0, ARRAY_LEN(shapes));
    tcase_add_test(tcase, writes_scalars);
    tcase_add_loop_test(tcase, hashes_names, 0, ARRAY_LEN(hashes));
    tcase_add_test(tcase, hashes_only_two_kinds);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
