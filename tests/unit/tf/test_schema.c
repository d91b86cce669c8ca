/* Expected rules and types: Terraform's configschema (InternalValidate, ImpliedType). */
#include "tests/unit/tf/support.h"

#include "lib/tf/timeouts.h"

#include "lib/base/banned.h"

#define STRING(n, f)                                                                               \
    {                                                                                              \
        .name = (n), .type = &tf_type_string, .flags = (f)                                         \
    }

static const struct tf_attribute members[] = {STRING("x", TF_REQUIRED), STRING("y", TF_OPTIONAL),
                                              TF_END};

static const char *implied(const struct tf_schema *s)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT;

    tf_type_to_json(tf_schema_type(arena, s), &out);
    return arena_strdup(arena, buf_str(&out));
}

START_TEST(implied_type_of_attributes)
{
    static const struct tf_attribute attributes[] = {
        STRING("z", TF_REQUIRED),
        {.name = "single", .nested = members, .nesting = TF_NEST_SINGLE, .flags = TF_OPTIONAL},
        {.name = "list", .nested = members, .nesting = TF_NEST_LIST, .flags = TF_OPTIONAL},
        {.name = "set", .nested = members, .nesting = TF_NEST_SET, .flags = TF_OPTIONAL},
        {.name = "map", .nested = members, .nesting = TF_NEST_MAP, .flags = TF_OPTIONAL},
        {.name = "any", .type = &tf_type_dynamic, .flags = TF_OPTIONAL},
        TF_END,
    };
    static const struct tf_schema s = {.block = {.attributes = attributes}};

    ck_assert_str_eq(
        implied(&s),
        quoted("['object',{'any':'dynamic','list':['list',['object',{'x':'string','y':'string'}]],"
               "'map':['map',['object',{'x':'string','y':'string'}]],"
               "'set':['set',['object',{'x':'string','y':'string'}]],"
               "'single':['object',{'x':'string','y':'string'}],'z':'string'}]"));
}
END_TEST

START_TEST(implied_type_of_blocks)
{
    static const struct tf_block inner[] = {
        {.name = "deep", .nesting = TF_NEST_GROUP, .attributes = members}, TF_END};
    static const struct tf_block blocks[] = {
        {.name = "single", .nesting = TF_NEST_SINGLE, .attributes = members},
        {.name = "group", .nesting = TF_NEST_GROUP, .attributes = members},
        {.name = "list", .nesting = TF_NEST_LIST, .blocks = inner},
        {.name = "set", .nesting = TF_NEST_SET, .attributes = members},
        {.name = "map", .nesting = TF_NEST_MAP, .attributes = members},
        TF_END,
    };
    static const struct tf_schema s = {.block = {.blocks = blocks}};

    ck_assert_str_eq(
        implied(&s),
        quoted("['object',{'group':['object',{'x':'string','y':'string'}],"
               "'list':['list',['object',{'deep':['object',{'x':'string','y':'string'}]}]],"
               "'map':['map',['object',{'x':'string','y':'string'}]],"
               "'set':['set',['object',{'x':'string','y':'string'}]],"
               "'single':['object',{'x':'string','y':'string'}]}]"));
}
END_TEST

/* Each element of such a block may have another type. */
START_TEST(blocks_with_something_dynamic_travel_as_dynamic)
{
    static const struct tf_type list = TF_LIST_OF(&tf_type_dynamic);
    static const struct tf_attribute any[] = {{.name = "any", .type = &list, .flags = TF_OPTIONAL},
                                              TF_END};
    static const struct tf_block blocks[] = {
        {.name = "single", .nesting = TF_NEST_SINGLE, .attributes = any},
        {.name = "list", .nesting = TF_NEST_LIST, .attributes = any},
        {.name = "map", .nesting = TF_NEST_MAP, .attributes = any},
        TF_END,
    };
    static const struct tf_schema s = {.block = {.blocks = blocks}};

    ck_assert_str_eq(implied(&s), quoted("['object',{'list':'dynamic','map':'dynamic',"
                                         "'single':['object',{'any':['list','dynamic']}]}]"));
}
END_TEST

/* --- rules --- */

static const char *broken_rules(const struct tf_schema *s)
{
    struct tf_diags diags;

    tf_diags_init(&diags, arena);
    tf_schema_check(s, &diags);
    return diags_text(&diags);
}

static int keep_state(json_t *state UNUSED, struct err *err UNUSED)
{
    return 0;
}

START_TEST(sound_schemas_pass)
{
    static const char *const colours[] = {"red", "green", NULL};
    static const struct tf_validator validators[] = {{tf_check_one_of, colours}, TF_NO_VALIDATOR};
    static const struct tf_attribute attributes[] = {
        STRING("required", TF_REQUIRED | TF_SENSITIVE | TF_REQUIRES_REPLACE),
        STRING("optional", TF_OPTIONAL),
        STRING("computed", TF_COMPUTED | TF_KEEP_STATE),
        STRING("both", TF_OPTIONAL | TF_COMPUTED),
        STRING("secret_wo", TF_OPTIONAL | TF_WRITE_ONLY),
        {.name = "with_default", .type = &tf_type_string, .default_json = "\"red\""},
        {.name = "list",
         .type = &tf_type_string_list,
         .flags = TF_OPTIONAL,
         .item_validators = validators},
        {.name = "nested", .nested = members, .nesting = TF_NEST_SET, .flags = TF_OPTIONAL},
        {.name = "any", .type = &tf_type_dynamic, .flags = TF_OPTIONAL},
        TF_END,
    };
    static const struct tf_block blocks[] = {
        TF_TIMEOUTS_BLOCK,
        {.name = "rule", .nesting = TF_NEST_LIST, .min_items = 1, .attributes = members},
        {.name = "must", .nesting = TF_NEST_SINGLE, .min_items = 1, .max_items = 1},
        TF_END,
    };
    static const struct tf_upgrader upgraders[] = {{1, keep_state}, {0, keep_state}, {0, NULL}};
    static const struct tf_schema s = {.version = 2,
                                       .block = {.attributes = attributes, .blocks = blocks},
                                       .upgraders = upgraders};

    ck_assert_str_eq(broken_rules(&s), "");
}
END_TEST

START_TEST(broken_attributes_are_found)
{
    static const struct tf_attribute with_dynamic[] = {
        {.name = "any", .type = &tf_type_dynamic, .flags = TF_OPTIONAL}, TF_END};
    static const struct tf_attribute with_secret[] = {STRING("secret", TF_OPTIONAL | TF_WRITE_ONLY),
                                                      TF_END};
    static const struct tf_attribute nothing[] = {TF_END};
    static const struct tf_validator validators[] = {{tf_check_duration, NULL}, TF_NO_VALIDATOR};
    static const struct {
        struct tf_attribute attribute;
        const char *text;
    } cases[] = {
        {STRING("a", 0), "a: neither required, optional nor computed"},
        {STRING("a", TF_REQUIRED | TF_OPTIONAL), "a: both required and optional"},
        {STRING("a", TF_REQUIRED | TF_COMPUTED), "a: both required and computed"},
        {STRING("a", TF_COMPUTED | TF_WRITE_ONLY), "a: both write-only and computed"},
        {STRING("a", TF_OPTIONAL | TF_WRITE_ONLY | TF_REQUIRES_REPLACE),
         "a: no change of a write-only value can be seen"},
        {STRING("a", TF_OPTIONAL | TF_KEEP_STATE), "a: only computed values can be kept"},
        {STRING("a-b", TF_OPTIONAL), "a-b: names consist of a to z, 0 to 9 and _"},
        {STRING("Ab", TF_OPTIONAL), "Ab: names consist of"},
        {STRING("", TF_OPTIONAL), ": names consist of"},
        {STRING("for_each", TF_OPTIONAL), "for_each: the name is reserved"},
        {{.name = "a", .flags = TF_OPTIONAL}, "a: either a type or nested attributes"},
        {{.name = "a",
          .type = &tf_type_string,
          .nested = members,
          .nesting = TF_NEST_LIST,
          .flags = TF_OPTIONAL},
         "a: either a type or nested attributes"},
        {{.name = "a", .nested = members, .flags = TF_OPTIONAL},
         "a: a nested attribute is single or"},
        {{.name = "a", .nested = members, .nesting = TF_NEST_GROUP, .flags = TF_OPTIONAL},
         "a: a nested attribute is single or"},
        {{.name = "a", .nested = nothing, .nesting = TF_NEST_LIST, .flags = TF_OPTIONAL},
         "a: a nested attribute without attributes"},
        {{.name = "a", .nested = with_dynamic, .nesting = TF_NEST_SET, .flags = TF_OPTIONAL},
         "a.any: dynamic types can't be in sets"},
        {{.name = "a", .nested = with_secret, .nesting = TF_NEST_SET, .flags = TF_OPTIONAL},
         "a.secret: write-only attributes can't be in sets"},
        {{.name = "a", .type = &tf_type_string, .nesting = TF_NEST_LIST, .flags = TF_OPTIONAL},
         "a: a nesting without nested attributes"},
        {{.name = "a",
          .type = &tf_type_string,
          .flags = TF_OPTIONAL,
          .item_validators = validators},
         "a: validators of items without items"},
        {{.name = "a", .type = &tf_type_number, .default_json = "\"x\""},
         "a: default: expected a number"},
        {{.name = "a", .type = &tf_type_number, .default_json = "null"}, "a: the default is null"},
        {{.name = "a", .type = &tf_type_string, .default_json = "nope"},
         "a: default: invalid JSON"},
        {{.name = "a", .type = &tf_type_string, .flags = TF_REQUIRED, .default_json = "\"x\""},
         "a: both required and optional"},
        {{.name = "a", .type = &tf_type_string, .flags = TF_KEEP_STATE, .default_json = "\"x\""},
         "a: a default leaves nothing to keep"},
        {{.name = "a", .nested = members, .nesting = TF_NEST_SINGLE, .default_json = "{\"q\":1}"},
         "a: default: unsupported attribute \"q\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct tf_attribute attributes[] = {cases[i].attribute, TF_END};
        const struct tf_schema s = {.block = {.attributes = attributes}};
        const char *text = broken_rules(&s);

        ck_assert_msg(strstr(text, cases[i].text) != NULL, "%s\nis not in:\n%s", cases[i].text,
                      text);
    }
}
END_TEST

START_TEST(broken_blocks_are_found)
{
    static const struct {
        struct tf_block block;
        const char *text;
    } cases[] = {
        {{.name = "b"}, "b: a block without a nesting"},
        {{.name = "b", .nesting = TF_NEST_SINGLE, .min_items = 1}, "b: a single block has both"},
        {{.name = "b", .nesting = TF_NEST_SINGLE, .min_items = 2, .max_items = 2},
         "b: a single block has both"},
        {{.name = "b", .nesting = TF_NEST_GROUP, .max_items = 1}, "b: map and group blocks"},
        {{.name = "b", .nesting = TF_NEST_MAP, .min_items = 1}, "b: map and group blocks"},
        {{.name = "b", .nesting = TF_NEST_LIST, .min_items = 2, .max_items = 1},
         "b: min_items is above max_items"},
        {{.name = "b", .nesting = TF_NEST_SET, .min_items = -1}, "b: a negative number of blocks"},
        {{.name = "lifecycle", .nesting = TF_NEST_LIST}, "lifecycle: the name is reserved"},
        {{.name = "same", .nesting = TF_NEST_LIST}, "same: the name is used 2 times"},
    };
    static const struct tf_attribute attributes[] = {STRING("same", TF_OPTIONAL), TF_END};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct tf_block blocks[] = {cases[i].block, TF_END};
        const struct tf_schema s = {.block = {.attributes = attributes, .blocks = blocks}};
        const char *text = broken_rules(&s);

        ck_assert_msg(strstr(text, cases[i].text) != NULL, "%s\nis not in:\n%s", cases[i].text,
                      text);
    }
}
END_TEST

START_TEST(reserved_names_are_free_below_the_root)
{
    static const struct tf_attribute below[] = {STRING("provider", TF_OPTIONAL), TF_END};
    static const struct tf_attribute attributes[] = {
        {.name = "a", .nested = below, .nesting = TF_NEST_SINGLE, .flags = TF_OPTIONAL}, TF_END};
    static const struct tf_schema s = {.block = {.attributes = attributes}};

    ck_assert_str_eq(broken_rules(&s), "");
}
END_TEST

START_TEST(broken_versions_are_found)
{
    static const struct tf_upgrader twice[] = {
        {0, keep_state}, {0, keep_state}, {3, keep_state}, {0, NULL}};
    static const struct tf_schema negative = {.version = -1}, none = {.version = 1},
                                  wrong = {.version = 2, .upgraders = twice};

    ck_assert_ptr_nonnull(strstr(broken_rules(&negative), "schema: a negative version"));
    ck_assert_ptr_nonnull(strstr(broken_rules(&none), "schema: 0 upgraders from version 0"));
    ck_assert_ptr_nonnull(strstr(broken_rules(&wrong), "schema: 2 upgraders from version 0"));
    ck_assert_ptr_nonnull(strstr(broken_rules(&wrong), "schema: 0 upgraders from version 1"));
    ck_assert_ptr_nonnull(strstr(broken_rules(&wrong), "schema: an upgrader from version 3"));
}
END_TEST

/* --- visiting --- */

static void note(const struct tf_attribute *attr, const struct tf_path *path,
                 const struct tf_value *v, void *arg)
{
    struct buf *out = arg;

    ck_assert_str_eq(attr->name, path->name);
    tf_path_write(path, out);
    buf_puts(out, "=");
    tf_value_write(v, out);
    buf_puts(out, "; ");
}

START_TEST(visiting_goes_from_outer_to_inner)
{
    static const struct tf_attribute attributes[] = {
        STRING("a", TF_REQUIRED),
        {.name = "m", .nested = members, .nesting = TF_NEST_MAP, .flags = TF_OPTIONAL},
        {.name = "n", .nested = members, .nesting = TF_NEST_SINGLE, .flags = TF_OPTIONAL},
        TF_END,
    };
    static const struct tf_block blocks[] = {
        {.name = "l", .nesting = TF_NEST_LIST, .attributes = members},
        {.name = "s", .nesting = TF_NEST_SET, .attributes = members},
        TF_END,
    };
    static const struct tf_schema s = {.block = {.attributes = attributes, .blocks = blocks}};
    struct buf out CLEANUP(buf_done) = BUF_INIT;
    const struct tf_value *v =
        value_of(tf_schema_type(arena, &s),
                 "{'a':'1','m':{'k':{'x':'2'}},'n':'?','l':[{'x':'3'}],'s':[{'x':'4'}]}");

    tf_schema_visit(arena, &s, v, note, &out);
    ck_assert_str_eq(buf_str(&out),
                     "a=\"1\"; m={\"k\" = {x = \"2\", y = null}}; m[\"k\"].x=\"2\"; "
                     "m[\"k\"].y=null; n=(known after apply); l[0].x=\"3\"; l[0].y=null; "
                     "s.x=\"4\"; s.y=null; ");
}
END_TEST

RUN("tf/schema", TEST(implied_type_of_attributes), TEST(implied_type_of_blocks),
    TEST(blocks_with_something_dynamic_travel_as_dynamic), TEST(sound_schemas_pass),
    TEST(broken_attributes_are_found), TEST(broken_blocks_are_found),
    TEST(reserved_names_are_free_below_the_root), TEST(broken_versions_are_found),
    TEST(visiting_goes_from_outer_to_inner))
