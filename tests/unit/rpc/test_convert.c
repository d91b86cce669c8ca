#include <check.h>
#include <string.h>

#include "provider/rpc/convert.h"

#include "lib/base/banned.h"

static struct arena *a;

static void setup(void)
{
    a = arena_new();
}

static void teardown(void)
{
    arena_free(a);
}

static void assert_bytes(ProtobufCBinaryData got, const char *wanted, size_t len)
{
    ck_assert_uint_eq(got.len, len);
    ck_assert_mem_eq(got.data, wanted, len);
}
#define ASSERT_BYTES(got, literal) assert_bytes(got, literal, sizeof(literal) - 1)

/* --- schemas ----------------------------------------------------------------------------------- */

static const struct tf_attribute members[] = {
    {.name = "inner", .type = &tf_type_bool, .flags = TF_REQUIRED},
    TF_END,
};
static const struct tf_attribute attributes[] = {
    {.name = "id", .type = &tf_type_string, .flags = TF_COMPUTED | TF_KEEP_STATE},
    {.name = "secret_wo",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL | TF_WRITE_ONLY | TF_SENSITIVE},
    {.name = "mode", .type = &tf_type_string, .default_json = "\"auto\"", .description = "How."},
    {.name = "old", .type = &tf_type_string_list, .flags = TF_OPTIONAL, .deprecated = "use new"},
    {.name = "single", .nested = members, .nesting = TF_NEST_SINGLE, .flags = TF_OPTIONAL},
    {.name = "list", .nested = members, .nesting = TF_NEST_LIST, .flags = TF_OPTIONAL},
    {.name = "set", .nested = members, .nesting = TF_NEST_SET, .flags = TF_OPTIONAL},
    {.name = "map", .nested = members, .nesting = TF_NEST_MAP, .flags = TF_OPTIONAL},
    TF_END,
};
static const struct tf_block inner_blocks[] = {
    {.name = "deep", .nesting = TF_NEST_SINGLE, .attributes = members},
    TF_END,
};
static const struct tf_block blocks[] = {
    {.name = "b1", .nesting = TF_NEST_SINGLE, .attributes = members},
    {.name = "b2", .nesting = TF_NEST_LIST, .attributes = members, .min_items = 1, .max_items = 3},
    {.name = "b3", .nesting = TF_NEST_SET, .attributes = members},
    {.name = "b4", .nesting = TF_NEST_MAP, .attributes = members},
    {.name = "b5", .nesting = TF_NEST_GROUP, .blocks = inner_blocks, .deprecated = "gone soon"},
    TF_END,
};
static const struct tf_schema schema = {
    .version = 3,
    .block = {.attributes = attributes, .blocks = blocks, .description = "A thing."},
};

START_TEST(attributes_with_their_flags)
{
    const Tfplugin6__Schema *s = convert_schema(a, &schema);
    Tfplugin6__Schema__Attribute **at = s->block->attributes;

    ck_assert_int_eq(s->version, 3);
    ck_assert_int_eq(s->block->version, 3);
    ck_assert_str_eq(s->block->description, "A thing.");
    ck_assert_uint_eq(s->block->n_attributes, 8);
    ck_assert_str_eq(at[0]->name, "id");
    ASSERT_BYTES(at[0]->type, "\"string\"");
    ck_assert(at[0]->computed && !at[0]->optional && !at[0]->required);
    ck_assert(at[1]->write_only && at[1]->sensitive && at[1]->optional && !at[1]->computed);
    ck_assert(at[2]->optional && at[2]->computed); /* what a default means */
    ck_assert_str_eq(at[2]->description, "How.");
    ck_assert_int_eq(at[2]->description_kind, 1); /* MARKDOWN */
    ck_assert(at[3]->deprecated && !at[2]->deprecated);
    ASSERT_BYTES(at[3]->type, "[\"list\",\"string\"]");
}
END_TEST

/* The numbers are the protocol's: SINGLE 1, LIST 2, SET 3, MAP 4. */
START_TEST(nested_attributes)
{
    const Tfplugin6__Schema *s = convert_schema(a, &schema);

    for (int i = 0; i < 4; i++) {
        const Tfplugin6__Schema__Attribute *at = s->block->attributes[4 + i];

        ck_assert_uint_eq(at->type.len, 0);
        ck_assert_int_eq(at->nested_type->nesting, i + 1);
        ck_assert_uint_eq(at->nested_type->n_attributes, 1);
        ck_assert_str_eq(at->nested_type->attributes[0]->name, "inner");
        ck_assert(at->nested_type->attributes[0]->required);
    }
    ck_assert_ptr_null(s->block->attributes[0]->nested_type);
}
END_TEST

/* ... and GROUP 5 for blocks. */
START_TEST(nested_blocks)
{
    const Tfplugin6__Schema *s = convert_schema(a, &schema);

    ck_assert_uint_eq(s->block->n_block_types, 5);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(s->block->block_types[i]->nesting, i + 1);
        ck_assert_str_eq(s->block->block_types[i]->type_name, blocks[i].name);
        ck_assert_ptr_nonnull(s->block->block_types[i]->block);
    }
    ck_assert_int_eq(s->block->block_types[1]->min_items, 1);
    ck_assert_int_eq(s->block->block_types[1]->max_items, 3);
    ck_assert(s->block->block_types[4]->block->deprecated);
    ck_assert_str_eq(s->block->block_types[4]->block->block_types[0]->type_name, "deep");
}
END_TEST

/* A schema without a block crashes Terraform. */
START_TEST(no_schema_is_an_empty_one)
{
    ck_assert_ptr_nonnull(convert_schema(a, NULL)->block);
}
END_TEST

START_TEST(functions)
{
    static const struct tf_parameter fixed[] = {
        {.name = "first", .type = &tf_type_number, .description = "One."},
        {.name = "second", .type = &tf_type_dynamic, .allow_null = true},
        TF_END,
    };
    static const struct tf_parameter rest = {.name = "rest", .type = &tf_type_string};
    static const struct tf_function f = {.name = "f",
                                         .summary = "S",
                                         .description = "D",
                                         .parameters = fixed,
                                         .variadic = &rest,
                                         .result = &tf_type_string_set};
    static const struct tf_function plain = {.name = "plain", .result = &tf_type_bool};
    const Tfplugin6__Function *w = convert_function(a, &f);

    ck_assert_uint_eq(w->n_parameters, 2);
    ck_assert_str_eq(w->parameters[0]->name, "first");
    ASSERT_BYTES(w->parameters[0]->type, "\"number\"");
    ck_assert(!w->parameters[0]->allow_null_value && w->parameters[1]->allow_null_value);
    ck_assert_str_eq(w->variadic_parameter->name, "rest");
    ASSERT_BYTES(w->return_->type, "[\"set\",\"string\"]");
    ck_assert_str_eq(w->summary, "S");
    ck_assert_str_eq(w->description, "D");
    w = convert_function(a, &plain);
    ck_assert_uint_eq(w->n_parameters, 0);
    ck_assert_ptr_null(w->variadic_parameter);
    ck_assert_ptr_nonnull(w->return_);
}
END_TEST

/* --- paths and diagnostics --------------------------------------------------------------------- */

START_TEST(paths_of_every_step)
{
    const struct tf_path *p = tf_path_attribute(a, NULL, "users");
    const Tfplugin6__AttributePath *w;

    p = tf_path_key(a, p, "a@b.c");
    p = tf_path_attribute(a, p, "roles");
    p = tf_path_index(a, p, 7);
    w = convert_path(a, p);
    ck_assert_uint_eq(w->n_steps, 4);
    ck_assert_int_eq(w->steps[0]->selector_case,
                     TFPLUGIN6__ATTRIBUTE_PATH__STEP__SELECTOR_ATTRIBUTE_NAME);
    ck_assert_str_eq(w->steps[0]->attribute_name, "users");
    ck_assert_int_eq(w->steps[1]->selector_case,
                     TFPLUGIN6__ATTRIBUTE_PATH__STEP__SELECTOR_ELEMENT_KEY_STRING);
    ck_assert_str_eq(w->steps[1]->element_key_string, "a@b.c");
    ck_assert_str_eq(w->steps[2]->attribute_name, "roles");
    ck_assert_int_eq(w->steps[3]->selector_case,
                     TFPLUGIN6__ATTRIBUTE_PATH__STEP__SELECTOR_ELEMENT_KEY_INT);
    ck_assert_int_eq(w->steps[3]->element_key_int, 7);
    ck_assert_ptr_null(convert_path(a, NULL));
}
END_TEST

START_TEST(diagnostics)
{
    Tfplugin6__Diagnostic **list;
    struct tf_diags d;

    tf_diags_init(&d, a);
    ck_assert_uint_eq(convert_diags(a, &d, &list), 0);
    tf_error(&d, TF_ATTR("release"), "Bad \xC3(", "detail \xFF end");
    tf_warning(&d, NULL, "Careful", "with %d", 1);
    ck_assert_uint_eq(convert_diags(a, &d, &list), 2);
    ck_assert_int_eq(list[0]->severity, 1); /* ERROR */
    ck_assert_str_eq(list[0]->summary, "Bad \xEF\xBF\xBD(");
    ck_assert_str_eq(list[0]->detail, "detail \xEF\xBF\xBD end");
    ck_assert_str_eq(list[0]->attribute->steps[0]->attribute_name, "release");
    ck_assert_int_eq(list[1]->severity, 2); /* WARNING */
    ck_assert_str_eq(list[1]->detail, "with 1");
    ck_assert_ptr_null(list[1]->attribute);
}
END_TEST

START_TEST(texts)
{
    const char *valid = "é";

    ck_assert_ptr_eq(convert_text(a, valid), valid);
    ck_assert_str_eq(convert_text(a, "\xE9"), "\xEF\xBF\xBD");
    ck_assert_str_eq(convert_text(a, NULL), "");
    ck_assert_str_eq(convert_text(a, ""), "");
}
END_TEST

/* --- values ------------------------------------------------------------------------------------ */

static const struct tf_value *decoded(const char *msgpack, size_t len, const char *json,
                                      const struct tf_type *t)
{
    Tfplugin6__DynamicValue d = TFPLUGIN6__DYNAMIC_VALUE__INIT;
    const struct tf_value *v;

    d.msgpack = (ProtobufCBinaryData){len, (uint8_t *)msgpack};
    d.json = (ProtobufCBinaryData){json ? strlen(json) : 0, (uint8_t *)json};
    ck_assert_int_eq(convert_dynamic(a, &d, t, &v, NULL), 0);
    return v;
}

START_TEST(values_in)
{
    Tfplugin6__DynamicValue broken = TFPLUGIN6__DYNAMIC_VALUE__INIT;
    const struct tf_value *v;

    ck_assert_str_eq(tf_str(decoded("\xA1x", 2, NULL, &tf_type_string), NULL), "x");
    ck_assert_str_eq(tf_str(decoded(NULL, 0, "\"j\"", &tf_type_string), NULL), "j");
    ck_assert_str_eq(tf_str(decoded("\xA1x", 2, "\"j\"", &tf_type_string), NULL), "x");
    ck_assert(tf_is_unknown(decoded("\xD4\0\0", 3, NULL, &tf_type_string)));
    ck_assert(tf_is_null(decoded(NULL, 0, NULL, &tf_type_string)));           /* empty */
    ck_assert_int_eq(convert_dynamic(a, NULL, &tf_type_string, &v, NULL), 0); /* absent */
    ck_assert(tf_is_null(v));
    broken.msgpack = (ProtobufCBinaryData){1, (uint8_t *)"\xC3"};
    ck_assert_int_eq(convert_dynamic(a, &broken, &tf_type_string, &v, NULL), ERR_INVALID);
}
END_TEST

START_TEST(values_out)
{
    ASSERT_BYTES(convert_value(a, tf_string(a, "x"), &tf_type_string)->msgpack, "\xA1x");
    ASSERT_BYTES(convert_value(a, tf_null(a, &tf_type_string), &tf_type_string)->msgpack, "\xC0");
    ASSERT_BYTES(convert_value(a, tf_string(a, "x"), &tf_type_dynamic)->msgpack,
                 "\x92\xC4\x08\"string\"\xA1x");
    ck_assert_uint_eq(convert_value(a, tf_bool(a, true), &tf_type_bool)->json.len, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("convert");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, attributes_with_their_flags);
    tcase_add_test(t, nested_attributes);
    tcase_add_test(t, nested_blocks);
    tcase_add_test(t, no_schema_is_an_empty_one);
    tcase_add_test(t, functions);
    tcase_add_test(t, paths_of_every_step);
    tcase_add_test(t, diagnostics);
    tcase_add_test(t, texts);
    tcase_add_test(t, values_in);
    tcase_add_test(t, values_out);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
