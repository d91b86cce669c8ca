#include "tests/unit/tf/support.h"

#include "lib/tf/codec.h"
#include "lib/tf/operation.h"

#include "lib/base/banned.h"

#define STRING(n, f)                                                                               \
    {                                                                                              \
        .name = (n), .type = &tf_type_string, .flags = (f)                                         \
    }

static const struct tf_attribute members[] = {
    STRING("x", TF_OPTIONAL), STRING("secret_wo", TF_OPTIONAL | TF_WRITE_ONLY), TF_END};
static const struct tf_attribute attributes[] = {
    STRING("id", TF_COMPUTED),
    {.name = "size", .type = &tf_type_number, .flags = TF_OPTIONAL},
    {.name = "any", .type = &tf_type_dynamic, .flags = TF_OPTIONAL},
    STRING("secret_wo", TF_OPTIONAL | TF_WRITE_ONLY),
    TF_END,
};
static const struct tf_block blocks[] = {
    {.name = "single", .nesting = TF_NEST_SINGLE, .attributes = members},
    {.name = "group", .nesting = TF_NEST_GROUP, .attributes = members},
    {.name = "list", .nesting = TF_NEST_LIST, .attributes = members},
    {.name = "map", .nesting = TF_NEST_MAP, .attributes = members},
    TF_END,
};

/* size was called "count" in version 0, and a string in version 1. */
static int from_0(json_t *state, struct err *err)
{
    if (!json_object_get(state, "count"))
        return err_set(err, ERR_INVALID, "count is missing");
    json_object_set(state, "size", json_object_get(state, "count"));
    return 0;
}

static int from_1(json_t *state, struct err *err UNUSED)
{
    const char *text = json_string_value(json_object_get(state, "size"));

    return text ? json_object_set_new(state, "size", json_integer(strtoll(text, NULL, 10))) : 0;
}

static const struct tf_upgrader upgraders[] = {{0, from_0}, {1, from_1}, {0, NULL}};
static const struct tf_schema schema = {
    .version = 2, .block = {.attributes = attributes, .blocks = blocks}, .upgraders = upgraders};

static struct tf_diags diags;
static struct tf_context ctx;

static const struct tf_value *object(const char *text)
{
    return value_of(tf_schema_type(arena, &schema), text);
}

static void begin(void)
{
    tf_diags_init(&diags, arena);
    ctx = (struct tf_context){.arena = arena, .diags = &diags};
}

/* --- upgrade --- */

static const struct tf_value *upgraded(int64_t version, const char *text)
{
    const char *json = quoted(text);

    begin();
    return tf_upgrade_state(&ctx, &schema, version, json, strlen(json));
}

#define BLOCKS "'group':{},'list':[],'map':{}"

START_TEST(same_version)
{
    const struct tf_value *v =
        upgraded(2, "{\n  'id': 'i',\n  'size': 0.1,\n  'any': {'value': 5, 'type': 'number'},\n"
                    "  'gone': {'deep': [1e5]},\n  'list': [{'x': 'y', 'old': true}],\n  "
                    "'secret_wo': 'leak'\n}\n");

    ck_assert_no_diags(&diags);
    ck_assert_value_eq(
        v, tf_with(arena, object("{'id':'i','size':'0.1','list':[{'x':'y'}],'group':{},'map':{}}"),
                   "any", tf_int(arena, 5)));
}
END_TEST

START_TEST(numbers_are_exact)
{
    ck_assert_str_eq(tf_get(upgraded(2, "{'size':18446744073709551615}"), "size")->number,
                     "18446744073709551615");
    ck_assert_str_eq(
        tf_get(upgraded(2, "{'size':3.141592653589793238462643383279502884}"), "size")->number,
        "3.141592653589793238462643383279502884");
}
END_TEST

/* Absent on the wire: collections are empty, groups are objects of nulls. */
START_TEST(blocks_are_never_null)
{
    ck_assert_value_eq(upgraded(2, "{}"), object("{" BLOCKS "}"));
    ck_assert_value_eq(upgraded(2, "{'group':null,'list':null,'map':null,'single':null}"),
                       object("{" BLOCKS "}"));
    ck_assert_value_eq(upgraded(2, "{'single':{},'map':{'k':{'secret_wo':'x'}}}"),
                       object("{'single':{},'group':{},'list':[],'map':{'k':{}}}"));
}
END_TEST

START_TEST(upgraders_run_one_after_another)
{
    ck_assert_value_eq(upgraded(0, "{'count':'7'}"), object("{'size':7," BLOCKS "}"));
    ck_assert_no_diags(&diags);
    ck_assert_value_eq(upgraded(1, "{'size':'8'}"), object("{'size':8," BLOCKS "}"));
    ck_assert_no_diags(&diags);
}
END_TEST

START_TEST(states_that_can_not_be_read)
{
    static const struct tf_schema no_upgrader = {.version = 1};

    ck_assert_ptr_null(upgraded(3, "{}"));
    ck_assert_one_error(&diags, "",
                        "The state has version 3, this provider knows versions up to 2");
    ck_assert_ptr_null(upgraded(0, "{}"));
    ck_assert_one_error(&diags, "", "Count is missing.");
    ck_assert_ptr_null(upgraded(2, "{'size':'many'}"));
    ck_assert_one_error(&diags, "", "size: expected a number");
    ck_assert_ptr_null(upgraded(2, "[]"));
    ck_assert_one_error(&diags, "", "not an object");
    ck_assert_ptr_null(upgraded(2, "null"));
    ck_assert_one_error(&diags, "", "not an object");
    ck_assert_ptr_null(upgraded(2, "{'a'"));
    ck_assert_one_error(&diags, "", "Invalid JSON at line 1, column 4.");
    begin();
    ck_assert_ptr_null(tf_upgrade_state(&ctx, &no_upgrader, 0, "{}", 2));
    ck_assert_one_error(&diags, "", "version 0 can't be upgraded");
    begin();
    ck_assert_ptr_null(tf_upgrade_state(&ctx, &schema, -1, "{}", 2));
    ck_assert_one_error(&diags, "", "version -1 can't be upgraded");
}
END_TEST

/* --- read --- */

static const struct tf_value *read_state;
static const char *read_error;

static void reader(struct tf_context *c, struct tf_read *op)
{
    op->state = read_state;
    if (read_error)
        tf_error(c->diags, NULL, "Failed", "%s", read_error);
}

static const struct tf_resource resource = {
    .type_name = "thing", .schema = &schema, .read = reader};

static const struct tf_value *refreshed(const char *before, const struct tf_value *after,
                                        const char *error)
{
    struct tf_read op = {.state = object(before)};

    begin();
    read_state = after;
    read_error = error;
    tf_read_resource(&ctx, &resource, &op);
    return op.state;
}

START_TEST(reading)
{
    const struct tf_value *v = object("{'id':'j'," BLOCKS "}");

    ck_assert_value_eq(refreshed("{'id':'i'," BLOCKS "}", v, NULL), v);
    ck_assert_no_diags(&diags);
    ck_assert_ptr_null(refreshed("{'id':'i'," BLOCKS "}", NULL, NULL));
    ck_assert_no_diags(&diags);
    ck_assert_ptr_null(refreshed("{'id':'i'," BLOCKS "}", object("null"), NULL));
}
END_TEST

START_TEST(a_failed_read_keeps_the_state)
{
    const struct tf_value *before = object("{'id':'i'," BLOCKS "}");

    ck_assert_value_eq(refreshed("{'id':'i'," BLOCKS "}", NULL, "down"), before);
    ck_assert_one_error(&diags, "", "down");
    ck_assert_value_eq(refreshed("{'id':'i'," BLOCKS "}", object("{'id':'?'," BLOCKS "}"), NULL),
                       before);
    ck_assert_one_error(&diags, "id", "still unknown");
    ck_assert_value_eq(refreshed("{'id':'i'," BLOCKS "}", tf_string(arena, "x"), NULL), before);
    ck_assert_one_error(&diags, "", "a string where an object belongs");
}
END_TEST

START_TEST(reading_needs_no_care_for_blocks_and_secrets)
{
    ck_assert_value_eq(
        refreshed("{'id':'i'," BLOCKS "}", object("{'id':'i','secret_wo':'x'}"), NULL),
        object("{'id':'i'," BLOCKS "}"));
    ck_assert_no_diags(&diags);
}
END_TEST

START_TEST(reading_without_a_callback)
{
    static const struct tf_resource none = {.schema = &schema};
    struct tf_read op = {.state = object("{'id':'i'," BLOCKS "}")};

    begin();
    tf_read_resource(&ctx, &none, &op);
    ck_assert_value_eq(op.state, object("{'id':'i'," BLOCKS "}"));
}
END_TEST

/* --- import --- */

static void importer(struct tf_context *c, struct tf_import *op)
{
    ck_assert_value_eq(op->state, object("{" BLOCKS "}"));
    if (!strcmp(op->id, "none"))
        op->state = NULL;
    else if (!strcmp(op->id, "error"))
        tf_error(c->diags, NULL, "Failed", "down");
    else if (!strcmp(op->id, "unknown"))
        op->state = tf_with(arena, op->state, "id", tf_unknown(arena, &tf_type_string));
    else
        op->state = tf_with(arena, op->state, "id", tf_string(arena, op->id));
}

static const struct tf_value *imported(const char *id)
{
    static const struct tf_resource r = {
        .type_name = "thing", .schema = &schema, .import = importer};
    struct tf_import op = {.id = id};

    begin();
    tf_import_resource(&ctx, &r, &op);
    return op.state;
}

START_TEST(importing)
{
    struct tf_import op = {.id = "x"};

    ck_assert_value_eq(imported("i"), object("{'id':'i'," BLOCKS "}"));
    ck_assert_no_diags(&diags);
    ck_assert_ptr_null(imported("none"));
    ck_assert_one_error(&diags, "", "There is no thing with the ID \"none\".");
    ck_assert_ptr_null(imported("error"));
    ck_assert_one_error(&diags, "", "down");
    ck_assert_ptr_null(imported("unknown"));
    ck_assert_one_error(&diags, "id", "still unknown");
    begin();
    tf_import_resource(&ctx, &resource, &op);
    ck_assert_ptr_null(op.state);
    ck_assert_one_error(&diags, "", "Resources of type thing can't be imported.");
}
END_TEST

/* --- what is sent --- */

static int verified(const struct tf_value *v, bool allow_unknown, struct err *err)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT;

    tf_msgpack_encode(v, tf_schema_type(arena, &schema), &out);
    return tf_verify_encoded(&schema, out.data, out.len, allow_unknown, err);
}

START_TEST(verification_finds_the_place)
{
    struct err err CLEANUP(err_done) = ERR_INIT;

    ck_assert_int_eq(verified(object("{'id':'i'," BLOCKS "}"), false, &err), 0);
    ck_assert_int_eq(verified(object("{'id':'?'," BLOCKS "}"), true, &err), 0);
    ck_assert_int_eq(verified(object("{'list':[{'x':'?'}],'group':{},'map':{}}"), false, &err),
                     ERR_INVALID);
    ck_assert_str_eq(err_msg(&err), "list[0].x is unknown");
    ck_assert_int_eq(
        verified(object("{'map':{'k':{'secret_wo':'hunter2'}},'group':{},'list':[]}"), true, &err),
        ERR_INVALID);
    ck_assert_str_eq(err_msg(&err), "map[\"k\"].secret_wo is write-only and must be null");
    ck_assert_int_eq(verified(object("'?'"), false, &err), ERR_INVALID);
    ck_assert_str_eq(err_msg(&err), "the value is unknown");
    ck_assert_int_eq(tf_verify_encoded(&schema, "\x80", 1, false, &err), ERR_INVALID);
}
END_TEST

START_TEST(private_state)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT;
    json_t *j;

    begin();
    tf_private_encode(NULL, &out);
    ck_assert_uint_eq(out.len, 0);
    ck_assert_ptr_null(tf_private_decode("", 0, &diags));
    j = json_pack("{s:i,s:s}", "b", 1, "a", "x");
    tf_private_encode(j, &out);
    json_decref(j);
    ck_assert_str_eq(buf_str(&out), "{\"a\":\"x\",\"b\":1}"); /* the same bytes each time */
    j = tf_private_decode(out.data, out.len, &diags);
    ck_assert_int_eq(json_integer_value(json_object_get(j, "b")), 1);
    json_decref(j);
    ck_assert_no_diags(&diags);
    ck_assert_ptr_null(tf_private_decode("{\"a\"", 4, &diags));
    ck_assert_ptr_null(tf_private_decode("[]", 2, &diags));
    ck_assert_uint_eq(diags.len, 2);
    ck_assert(!tf_failed(&diags));
}
END_TEST

RUN("tf/state", TEST(same_version), TEST(numbers_are_exact), TEST(blocks_are_never_null),
    TEST(upgraders_run_one_after_another), TEST(states_that_can_not_be_read), TEST(reading),
    TEST(a_failed_read_keeps_the_state), TEST(reading_needs_no_care_for_blocks_and_secrets),
    TEST(reading_without_a_callback), TEST(importing), TEST(verification_finds_the_place),
    TEST(private_state))
