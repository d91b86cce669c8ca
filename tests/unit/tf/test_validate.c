#include "tests/unit/tf/support.h"

#include "lib/tf/operation.h"
#include "lib/tf/timeouts.h"

#include "lib/base/banned.h"

static const char *const colours[] = {"red", "green", NULL};
static const struct tf_range small = {1, 3}, at_least_one = {1, INT64_MAX}, two = {2, 2};
static const struct tf_pattern label = {"[a-z]([-a-z0-9]*[a-z0-9])?", "a DNS label"};

static const struct tf_validator one_of[] = {{tf_check_one_of, colours}, TF_NO_VALIDATOR};
static const struct tf_validator pattern[] = {{tf_check_pattern, &label}, TF_NO_VALIDATOR};
static const struct tf_validator range[] = {{tf_check_range, &small}, TF_NO_VALIDATOR};
static const struct tf_validator length[] = {{tf_check_length, &small}, TF_NO_VALIDATOR};

static const struct tf_attribute members[] = {
    {.name = "must", .type = &tf_type_string, .flags = TF_REQUIRED},
    {.name = "colour", .type = &tf_type_string, .flags = TF_OPTIONAL, .validators = one_of},
    {.name = "names", .type = &tf_type_string_list, .flags = TF_OPTIONAL},
    TF_END,
};
static const struct tf_attribute attributes[] = {
    {.name = "must", .type = &tf_type_string, .flags = TF_REQUIRED, .validators = pattern},
    {.name = "out", .type = &tf_type_string, .flags = TF_COMPUTED},
    {.name = "size", .type = &tf_type_number, .flags = TF_OPTIONAL, .validators = range},
    {.name = "list",
     .type = &tf_type_string_list,
     .flags = TF_OPTIONAL,
     .validators = length,
     .item_validators = one_of},
    {.name = "map", .type = &tf_type_string_map, .flags = TF_OPTIONAL, .item_validators = one_of},
    {.name = "set", .type = &tf_type_string_set, .flags = TF_OPTIONAL, .item_validators = one_of},
    {.name = "names", .type = &tf_type_string_list, .flags = TF_OPTIONAL},
    {.name = "secret_wo", .type = &tf_type_string, .flags = TF_OPTIONAL | TF_WRITE_ONLY},
    {.name = "old", .type = &tf_type_string, .flags = TF_OPTIONAL, .deprecated = "use size."},
    {.name = "nested", .nested = members, .nesting = TF_NEST_MAP, .flags = TF_OPTIONAL},
    TF_END,
};
static const struct tf_block inner[] = {{.name = "older",
                                         .nesting = TF_NEST_SINGLE,
                                         .attributes = members,
                                         .deprecated = "leave it out."},
                                        TF_END};
static const struct tf_block blocks[] = {
    TF_TIMEOUTS_BLOCK,
    {.name = "outer", .nesting = TF_NEST_LIST, .blocks = inner},
    TF_END,
};
static const struct tf_schema schema = {.block = {.attributes = attributes, .blocks = blocks}};

static bool author_called;

static void author(struct tf_context *ctx UNUSED, const struct tf_value *config UNUSED)
{
    author_called = true;
}

static const struct tf_resource resource = {.schema = &schema, .validate = author};
static struct tf_diags diags;

static void validate(const char *config, bool write_only_allowed)
{
    struct tf_context ctx = {
        .arena = arena, .diags = &diags, .write_only_allowed = write_only_allowed};

    author_called = false;
    tf_diags_init(&diags, arena);
    tf_validate_resource(&ctx, &resource, value_of(tf_schema_type(arena, &schema), config));
}

START_TEST(sound_configuration)
{
    validate("{'must':'a-1','size':3,'list':['red'],'map':{'k':'green'},'secret_wo':'x',"
             "'nested':{'k':{'must':'x','colour':'red'}},'timeouts':{'create':'1h30m'}}",
             true);
    ck_assert_no_diags(&diags);
    ck_assert(author_called);
}
END_TEST

START_TEST(unknown_and_null_pass)
{
    validate("{'must':'?','size':'?','list':['?'],'map':'?','set':['?'],'secret_wo':null,"
             "'nested':{'k':{'must':'?','colour':'?'},'l':'?'},'timeouts':{'create':'?'}}",
             false);
    ck_assert_no_diags(&diags);
    ck_assert(author_called);
    validate("'?'", false);
    ck_assert_no_diags(&diags);
    validate("null", false);
    ck_assert_no_diags(&diags);
}
END_TEST

START_TEST(errors_have_their_path)
{
    validate("{}", true);
    ck_assert_one_error(&diags, "must", "must must be set.");
    ck_assert(!author_called);
    validate("{'must':'a','out':'x'}", true);
    ck_assert_one_error(&diags, "out", "can't be set");
    validate("{'must':'-'}", true);
    ck_assert_one_error(&diags, "must", "must must be a DNS label.");
    validate("{'must':'a','size':4}", true);
    ck_assert_one_error(&diags, "size", "size must be 1 to 3.");
    validate("{'must':'a','list':[]}", true);
    ck_assert_one_error(&diags, "list", "list must have 1 to 3 elements.");
    validate("{'must':'a','list':['red','blue']}", true);
    ck_assert_one_error(&diags, "list[1]", "list[1] must be one of \"red\", \"green\".");
    validate("{'must':'a','map':{'k':'blue'}}", true);
    ck_assert_one_error(&diags, "map[\"k\"]", "map[\"k\"] must be one of");
    validate("{'must':'a','set':['blue']}", true);
    ck_assert_one_error(&diags, "set", "set must be one of");
    validate("{'must':'a','nested':{'k':{'must':'x','colour':'blue'}}}", true);
    ck_assert_one_error(&diags, "nested[\"k\"].colour", "nested[\"k\"].colour must be one of");
    validate("{'must':'a','nested':{'k':{}}}", true);
    ck_assert_one_error(&diags, "nested[\"k\"].must", "must be set");
    validate("{'must':'a','timeouts':{'create':'soon'}}", true);
    ck_assert_one_error(&diags, "timeouts.create", "must be a duration such as \"30m\"");
}
END_TEST

START_TEST(elements_are_not_null)
{
    validate("{'must':'a','list':['red',null]}", true);
    ck_assert_one_error(&diags, "list[1]", "list[1] must not be null. Leave that element out.");
    ck_assert(!author_called);
    validate("{'must':'a','map':{'j':'red','k':null}}", true);
    ck_assert_one_error(&diags, "map[\"k\"]", "map[\"k\"] must not be null.");
    validate("{'must':'a','set':['red',null]}", true);
    ck_assert_one_error(&diags, "set", "set must not contain null.");
    /* without checks of their own, and below a nested one */
    validate("{'must':'a','names':[null]}", true);
    ck_assert_one_error(&diags, "names[0]", "names[0] must not be null.");
    validate("{'must':'a','nested':{'k':{'must':'x','names':[null]}}}", true);
    ck_assert_one_error(&diags, "nested[\"k\"].names[0]", "must not be null");
    validate("{'must':'a','names':null,'nested':{'k':null}}", true);
    ck_assert_no_diags(&diags);
}
END_TEST

/* A client before Terraform 1.11 would store the value. */
START_TEST(write_only_needs_the_client)
{
    validate("{'must':'a','secret_wo':'hunter2'}", false);
    ck_assert_one_error(&diags, "secret_wo", "Terraform 1.11");
    ck_assert_ptr_null(strstr(diags_text(&diags), "hunter2"));
    validate("{'must':'a','secret_wo':'?'}", false);
    ck_assert_one_error(&diags, "secret_wo", "Terraform 1.11");
}
END_TEST

START_TEST(deprecations_warn)
{
    validate("{'must':'a','old':'x'}", true);
    ck_assert_str_eq(diags_text(&diags),
                     "warning old: Deprecated attribute: old is deprecated: use size.\n");
    ck_assert(author_called);
    validate("{'must':'a','old':'?','outer':[{}]}", true);
    ck_assert_no_diags(&diags);
    validate("{'must':'a','outer':[{},{'older':{'must':'x'}}]}", true);
    ck_assert_str_eq(diags_text(&diags), "warning outer[1].older: Deprecated block: "
                                         "older is deprecated: leave it out.\n");
}
END_TEST

/* --- the checks by themselves --- */

static const char *fails(int (*check)(const struct tf_value *, const void *, struct err *),
                         const struct tf_value *v, const void *arg)
{
    struct err err CLEANUP(err_done) = ERR_INIT;

    return check(v, arg, &err) ? arena_strdup(arena, err_msg(&err)) : "";
}

START_TEST(ranges_and_lengths)
{
    ck_assert_str_eq(fails(tf_check_range, tf_int(arena, 1), &small), "");
    ck_assert_str_eq(fails(tf_check_range, tf_int(arena, 0), &at_least_one), "must be at least 1");
    ck_assert_str_eq(fails(tf_check_range, tf_int(arena, 3), &two), "must be 2");
    ck_assert_str_eq(fails(tf_check_range, tf_number(arena, "1.5"), &small),
                     "must be a whole number");
    ck_assert_str_eq(fails(tf_check_range, tf_number(arena, "1e30"), &at_least_one),
                     "must be a whole number");
    ck_assert_str_eq(fails(tf_check_range, tf_int(arena, INT64_MIN), &small), "must be 1 to 3");
    ck_assert_str_eq(fails(tf_check_length, tf_string(arena, "abcd"), &small),
                     "must be 1 to 3 bytes long");
    ck_assert_str_eq(fails(tf_check_length, value_of(&tf_type_string_map, "{'a':'1'}"), &two),
                     "must have 2 elements");
}
END_TEST

START_TEST(patterns_see_the_whole_text)
{
    ck_assert_str_eq(fails(tf_check_pattern, tf_string(arena, "abc"), &label), "");
    ck_assert_str_ne(fails(tf_check_pattern, tf_string(arena, "abc-"), &label), "");
    ck_assert_str_ne(fails(tf_check_pattern, tf_string(arena, "Abc"), &label), "");
    ck_assert_str_eq(fails(tf_check_pattern, tf_stringn(arena, "abc\0-", 5), &label),
                     "must be a DNS label");
}
END_TEST

/* As Go's time.ParseDuration. */
START_TEST(durations)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"0", 0},
        {"0s", 0},
        {"30m", 1800000},
        {"1h30m", 5400000},
        {"90s", 90000},
        {"1.5h", 5400000},
        {"250ms", 250},
        {".5s", 500},
        {"1h1m1s1ms", 3661001},
        {"1m1h", 3660000},
        {"8760h", INT64_C(31536000000)},
    };
    static const char *const wrong[] = {
        "",
        "1",
        "h",
        "30 m",
        "-1h",
        "1d",
        "1h30",
        "1..5h",
        ".s",
        "30M",
        "1e3s",
        "8761h",
        "99999999999999999999h",
        "0.00000000000000000000001s",
        "1h ",
    };
    int64_t ms = -1;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_msg(!tf_parse_duration(cases[i].text, &ms, NULL), "%s", cases[i].text);
        ck_assert_int_eq(ms, cases[i].ms);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        ck_assert_msg(tf_parse_duration(wrong[i], &ms, NULL) == ERR_INVALID, "%s", wrong[i]);
}
END_TEST

START_TEST(timeouts)
{
    const struct tf_type *t = tf_schema_type(arena, &schema);

    ck_assert_int_eq(tf_timeout_ms(value_of(t, "{'timeouts':{'create':'2m'}}"), "create", 5),
                     120000);
    ck_assert_int_eq(tf_timeout_ms(value_of(t, "{'timeouts':{'create':'2m'}}"), "delete", 5), 5);
    ck_assert_int_eq(tf_timeout_ms(value_of(t, "{}"), "create", 5), 5);
    ck_assert_int_eq(tf_timeout_ms(value_of(t, "{'timeouts':{'create':'?'}}"), "create", 5), 5);
    ck_assert_int_eq(tf_timeout_ms(NULL, "create", 5), 5);
}
END_TEST

RUN("tf/validate", TEST(sound_configuration), TEST(unknown_and_null_pass),
    TEST(errors_have_their_path), TEST(elements_are_not_null), TEST(write_only_needs_the_client),
    TEST(deprecations_warn), TEST(ranges_and_lengths), TEST(patterns_see_the_whole_text),
    TEST(durations), TEST(timeouts))
