/* The promise of operation.h: whatever a callback does, Terraform can save the outcome, and
 * nothing that exists is forgotten. Each result is encoded and verified as it would be sent. */
#include "tests/unit/tf/support.h"

#include "lib/tf/codec.h"
#include "lib/tf/operation.h"

#include "lib/base/banned.h"

#define STRING(n, f)                                                                               \
    {                                                                                              \
        .name = (n), .type = &tf_type_string, .flags = (f)                                         \
    }

static const struct tf_attribute user[] = {
    STRING("profile", TF_OPTIONAL),
    STRING("password_wo", TF_OPTIONAL | TF_WRITE_ONLY),
    STRING("token", TF_OPTIONAL | TF_COMPUTED | TF_SENSITIVE),
    TF_END,
};
static const struct tf_attribute attributes[] = {
    STRING("id", TF_COMPUTED),
    STRING("name", TF_OPTIONAL),
    STRING("status", TF_COMPUTED),
    {.name = "tags", .type = &tf_type_string_map, .flags = TF_OPTIONAL},
    {.name = "list", .type = &tf_type_string_list, .flags = TF_OPTIONAL},
    {.name = "zones", .type = &tf_type_string_set, .flags = TF_OPTIONAL | TF_COMPUTED},
    STRING("secret_wo", TF_OPTIONAL | TF_WRITE_ONLY),
    {.name = "users", .nested = user, .nesting = TF_NEST_MAP, .flags = TF_OPTIONAL},
    {.name = "any", .type = &tf_type_dynamic, .flags = TF_OPTIONAL | TF_COMPUTED},
    TF_END,
};
static const struct tf_attribute any_members[] = {
    {.name = "value", .type = &tf_type_dynamic, .flags = TF_OPTIONAL}, TF_END};
static const struct tf_block blocks[] = {
    {.name = "disk", .nesting = TF_NEST_LIST, .attributes = user},
    {.name = "mixed", .nesting = TF_NEST_LIST, .attributes = any_members},
    {.name = "named", .nesting = TF_NEST_MAP, .attributes = any_members},
    TF_END,
};
static const struct tf_schema schema = {.block = {.attributes = attributes, .blocks = blocks}};

static struct tf_diags diags;
static struct tf_context ctx;
static struct tf_apply op;

/* What the callback does. */
static struct {
    const struct tf_value *state;
    const char *error;
    json_t *private_state;
    int calls;
} callback;

/* With empty blocks where the text leaves them out; they travel as tuple and object. */
static const struct tf_value *object(const char *text)
{
    const struct tf_value *v = value_of(tf_schema_type(arena, &schema), text);

    if (!tf_is_known(v) || strstr(text, "'disk'") == NULL)
        return v;
    v = tf_with(arena, v, "mixed", value_of(type_of("['tuple',[]]"), "[]"));
    return tf_with(arena, v, "named", value_of(type_of("['object',{}]"), "{}"));
}

static void act(struct tf_context *c, struct tf_apply *o)
{
    callback.calls++;
    o->state = callback.state;
    o->private_state = json_incref(callback.private_state);
    if (callback.error)
        tf_error(c->diags, NULL, "Failed", "%s", callback.error);
}

static const struct tf_resource resource = {
    .schema = &schema, .create = act, .update = act, .remove = act};

static void apply_with(const struct tf_resource *r, const char *prior, const char *planned)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT;
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_t *planned_private = json_pack("{s:s}", "from", "plan");

    tf_diags_init(&diags, arena);
    ctx.arena = arena;
    ctx.diags = &diags;
    callback.calls = 0;
    json_decref(op.private_state);
    op = (struct tf_apply){.prior = object(prior),
                           .planned = object(planned),
                           .config = object(planned),
                           .planned_private = planned_private};
    tf_apply_resource(&ctx, r, &op);
    json_decref(planned_private);
    ck_assert_ptr_nonnull(op.state);
    tf_msgpack_encode(op.state, tf_schema_type(arena, &schema), &out);
    ck_assert_msg(tf_is_null(op.state) ||
                      !tf_verify_encoded(&schema, out.data, out.len, false, &err),
                  "%s", err_msg(&err));
}

static void apply(const char *prior, const char *planned, const struct tf_value *state,
                  const char *error)
{
    callback.state = state;
    callback.error = error;
    apply_with(&resource, prior, planned);
}

static const char *private_of(void)
{
    return op.private_state ? json_string_value(json_object_get(op.private_state, "from")) : "none";
}

/* --- as it should be --- */

START_TEST(create_update_delete)
{
    apply("null", "{'id':'?','name':'n','disk':[]}", object("{'id':'i','name':'n','disk':[]}"),
          NULL);
    ck_assert_no_diags(&diags);
    ck_assert_value_eq(op.state, object("{'id':'i','name':'n','disk':[]}"));
    ck_assert_str_eq(private_of(), "none");
    apply("{'id':'i','name':'n','disk':[]}", "{'id':'i','name':'m','disk':[]}",
          object("{'id':'i','name':'m','disk':[]}"), NULL);
    ck_assert_no_diags(&diags);
    ck_assert_value_eq(op.state, object("{'id':'i','name':'m','disk':[]}"));
    apply("{'id':'i','disk':[]}", "null", NULL, NULL);
    ck_assert_no_diags(&diags);
    ck_assert(tf_is_null(op.state));
    ck_assert_int_eq(callback.calls, 1);
}
END_TEST

START_TEST(private_state_of_the_author)
{
    callback.private_state = json_pack("{s:s}", "from", "author");
    apply("null", "{'disk':[]}", object("{'disk':[]}"), NULL);
    ck_assert_str_eq(private_of(), "author");
    apply("{'disk':[]}", "{'name':'m','disk':[]}", NULL, "down");
    ck_assert_str_eq(private_of(), "author");
    apply("{'disk':[]}", "null", NULL, "down");
    ck_assert_str_eq(private_of(), "author");
    apply("{'disk':[]}", "null", NULL, NULL);
    ck_assert_str_eq(private_of(), "none");
    json_decref(callback.private_state);
    callback.private_state = NULL;
}
END_TEST

/* --- failures --- */

START_TEST(create_that_failed_at_once)
{
    apply("null", "{'id':'?','name':'n','disk':[]}", NULL, "down");
    ck_assert_one_error(&diags, "", "down");
    ck_assert(tf_is_null(op.state));
    ck_assert_str_eq(private_of(), "none");
}
END_TEST

/* What was made so far is saved (and tainted by Terraform); unknowns are no fault then. */
START_TEST(create_that_failed_half_way)
{
    apply("null",
          "{'id':'?','status':'?','name':'n','zones':'?','users':{'k':{'token':'?'}},'disk':[]}",
          object("{'id':'i','status':'?','name':'n','zones':['?'],'users':{'k':{'token':'?'}},'"
                 "disk':[]}"),
          "interrupted");
    ck_assert_one_error(&diags, "", "interrupted");
    ck_assert_value_eq(op.state,
                       object("{'id':'i','name':'n','zones':[null],'users':{'k':{}},'disk':[]}"));
}
END_TEST

START_TEST(create_that_says_nothing)
{
    apply("null", "{'id':'?','disk':[]}", NULL, NULL);
    ck_assert_one_error(&diags, "", "neither a state nor an error");
    ck_assert(tf_is_null(op.state));
}
END_TEST

START_TEST(update_without_state_keeps_the_prior_one)
{
    apply("{'id':'i','name':'n','disk':[]}", "{'id':'i','name':'m','disk':[]}", NULL, "down");
    ck_assert_one_error(&diags, "", "down");
    ck_assert_value_eq(op.state, object("{'id':'i','name':'n','disk':[]}"));
    ck_assert_str_eq(private_of(), "plan");
    apply("{'id':'i','name':'n','disk':[]}", "{'id':'i','name':'m','disk':[]}", NULL, NULL);
    ck_assert_one_error(&diags, "", "neither a state nor an error");
    ck_assert_value_eq(op.state, object("{'id':'i','name':'n','disk':[]}"));
    apply("{'id':'i','name':'n','disk':[]}", "{'id':'i','name':'m','disk':[]}", object("null"),
          "down");
    ck_assert_value_eq(op.state, object("{'id':'i','name':'n','disk':[]}"));
}
END_TEST

START_TEST(update_that_failed_half_way)
{
    apply("{'id':'i','status':'up','name':'n','tags':{'a':'1'},'disk':[]}",
          "{'id':'i','status':'?','name':'m','tags':{'a':'2'},'disk':[]}",
          object("{'id':'i','status':'?','name':'m','tags':{'a':'1'},'disk':[]}"), "down");
    ck_assert_one_error(&diags, "", "down");
    ck_assert_value_eq(op.state,
                       object("{'id':'i','status':'up','name':'m','tags':{'a':'1'},'disk':[]}"));
}
END_TEST

START_TEST(delete_that_failed)
{
    apply("{'id':'i','name':'n','disk':[]}", "null", NULL, "down");
    ck_assert_one_error(&diags, "", "down");
    ck_assert_value_eq(op.state, object("{'id':'i','name':'n','disk':[]}"));
    ck_assert_str_eq(private_of(), "plan");
    apply("{'id':'i','name':'n','disk':[]}", "null", object("{'id':'i','status':'?','disk':[]}"),
          "down");
    ck_assert_one_error(&diags, "", "down");
    ck_assert_value_eq(op.state, object("{'id':'i','disk':[]}"));
}
END_TEST

START_TEST(delete_that_leaves_something)
{
    apply("{'id':'i','disk':[]}", "null", object("{'id':'i','disk':[]}"), NULL);
    ck_assert_one_error(&diags, "", "Something is left");
    ck_assert_value_eq(op.state, object("{'id':'i','disk':[]}"));
}
END_TEST

START_TEST(interrupted_before_the_start)
{
    ctx.cancel = cancel_new(NULL);
    cancel_fire(ctx.cancel);
    apply("null", "{'id':'?','disk':[]}", object("{'id':'i','disk':[]}"), NULL);
    ck_assert_one_error(&diags, "", "Nothing was created.");
    ck_assert(tf_is_null(op.state));
    apply("{'id':'i','disk':[]}", "{'id':'i','name':'x','disk':[]}", NULL, NULL);
    ck_assert_one_error(&diags, "", "Nothing was changed.");
    ck_assert_value_eq(op.state, object("{'id':'i','disk':[]}"));
    apply("{'id':'i','disk':[]}", "null", NULL, NULL);
    ck_assert_one_error(&diags, "", "Nothing was deleted.");
    ck_assert_value_eq(op.state, object("{'id':'i','disk':[]}"));
    ck_assert_int_eq(callback.calls, 0);
    cancel_free(ctx.cancel);
    ctx.cancel = NULL;
}
END_TEST

/* --- broken results --- */

START_TEST(unknowns_after_success)
{
    apply("null", "{'id':'?','name':'n','users':{'k':{'token':'?'}},'disk':[]}",
          object("{'id':'i','name':'?','users':{'k':{'token':'?'}},'disk':[]}"), NULL);
    ck_assert_uint_eq(diags.errors, 2);
    ck_assert_ptr_nonnull(strstr(diags_text(&diags),
                                 "error name: Provider produced an invalid result: "
                                 "name is still unknown"));
    ck_assert_ptr_nonnull(strstr(diags_text(&diags), "error users[\"k\"].token: "));
    /* what was planned as known must be what is there */
    ck_assert_value_eq(op.state, object("{'id':'i','name':'n','users':{'k':{}},'disk':[]}"));
}
END_TEST

START_TEST(write_only_values_are_left_out)
{
    apply("null", "{'id':'?','users':{'k':{}},'disk':[]}",
          object("{'id':'i','secret_wo':'hunter2','users':{'k':{}},'disk':[]}"), NULL);
    ck_assert_one_error(&diags, "secret_wo", "secret_wo is write-only");
    ck_assert_ptr_null(strstr(diags_text(&diags), "hunter2"));
    ck_assert_value_eq(op.state, object("{'id':'i','users':{'k':{}},'disk':[]}"));
    apply("{'id':'i','disk':[{}]}", "{'id':'i','disk':[{}]}",
          object("{'id':'i','disk':[{'password_wo':'hunter2'}]}"), NULL);
    ck_assert_one_error(&diags, "disk[0].password_wo", "write-only");
    ck_assert_value_eq(op.state, object("{'id':'i','disk':[{}]}"));
}
END_TEST

START_TEST(wrong_types)
{
    const struct tf_value *good =
        object("{'id':'i','name':'n','tags':{'a':'1','b':'2'},'disk':[]}");
    const struct tf_type *any = type_of("['map','dynamic']");
    const char *keys[] = {"a", "b"};
    const struct tf_value *mixed[] = {tf_string(arena, "9"), tf_bool(arena, true)};
    static const char planned[] = "{'id':'?','name':'n','tags':{'a':'1','b':'2'},'disk':[]}";

    apply("null", planned, tf_with(arena, good, "name", tf_int(arena, 5)), NULL);
    ck_assert_one_error(&diags, "name", "name is a number where a string belongs");
    ck_assert_value_eq(op.state, good);
    apply("null", planned, tf_with(arena, good, "tags", value_of(&tf_type_string_list, "['x']")),
          NULL);
    ck_assert_one_error(&diags, "tags", "tags is a list where a map belongs");
    ck_assert_value_eq(op.state, good);
    /* within a value, only the part that is wrong */
    apply("null", planned, tf_with(arena, good, "tags", tf_map(arena, any, keys, mixed, 2)), NULL);
    ck_assert_one_error(&diags, "tags[\"b\"]", "is true or false where a string belongs");
    ck_assert_str_eq(text_of(tf_get(op.state, "tags")), "{\"a\" = \"9\", \"b\" = \"2\"}");
    /* a null has no shape to be wrong */
    apply("null", "{'id':'?','disk':[]}",
          tf_with(arena, object("{'id':'i','disk':[]}"), "tags", tf_null(arena, &tf_type_string)),
          NULL);
    ck_assert_no_diags(&diags);
}
END_TEST

START_TEST(another_object)
{
    const struct tf_value *other =
        value_of(type_of("['object',{'id':'string','name':'string'}]"), "{'id':'i','name':'n'}");

    apply("null", "{'id':'?','name':'n','tags':{'a':'1'},'disk':[]}", other, NULL);
    ck_assert(tf_failed(&diags));
    ck_assert_value_eq(op.state, object("{'id':'i','name':'n','tags':{'a':'1'},'disk':[]}"));
    apply("null", "{'id':'?','name':'n','disk':[]}", tf_string(arena, "done"), NULL);
    ck_assert_one_error(&diags, "", "The value is a string where an object belongs");
    ck_assert_value_eq(op.state, object("{'name':'n','disk':[]}"));
    apply("{'id':'i','name':'m','disk':[]}", "{'id':'i','name':'n','status':'?','disk':[]}",
          tf_string(arena, "done"), NULL);
    ck_assert_value_eq(op.state, object("{'id':'i','name':'m','disk':[]}"));
    apply("null", "{'id':'?','name':'n','disk':[]}",
          tf_unknown(arena, tf_schema_type(arena, &schema)), NULL);
    ck_assert_one_error(&diags, "", "still unknown");
    ck_assert_value_eq(op.state, object("{'name':'n','disk':[]}"));
}
END_TEST

START_TEST(blocks_are_never_null)
{
    apply("null", "{'id':'?','disk':[]}", object("{'id':'i'}"), "half done"); /* all three null */
    ck_assert_value_eq(op.state, object("{'id':'i','disk':[]}"));
}
END_TEST

/* A dynamic slot takes any type, but these are blocks. */
START_TEST(blocks_in_dynamic_slots_have_their_shape)
{
    const struct tf_value *good =
        tf_with(arena, object("{'id':'i','disk':[]}"), "mixed",
                value_of(type_of("['tuple',[['object',{'value':'bool'}]]]"), "[{'value':true}]"));
    static const struct {
        const char *block, *type, *value;
    } cases[] = {
        {"mixed", "'string'", "'x'"},
        {"mixed", "['list','string']", "['x']"},
        {"mixed", "['tuple',[['object',{}]]]", "[{}]"},
        {"mixed", "['tuple',[['object',{'value':'bool','more':'bool'}]]]", "[{'value':true}]"},
        {"mixed", "['object',{'k':['object',{'value':'bool'}]}]", "{'k':{'value':true}}"},
        {"named", "['tuple',[['object',{'value':'bool'}]]]", "[{'value':true}]"},
    };

    ctx = (struct tf_context){.arena = arena, .diags = &diags};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        tf_diags_init(&diags, arena);
        callback.error = NULL;
        callback.state =
            tf_with(arena, good, cases[i].block, value_of(type_of(cases[i].type), cases[i].value));
        op = (struct tf_apply){.prior = object("null"), .planned = good};
        tf_apply_resource(&ctx, &resource, &op);
        ck_assert_uint_eq(diags.errors, 1);
        ck_assert_str_eq(diags.at[0].path->name, cases[i].block);
        ck_assert_value_eq(op.state, good);
    }
    callback.state = good;
    op = (struct tf_apply){.prior = object("null"), .planned = good};
    tf_diags_init(&diags, arena);
    tf_apply_resource(&ctx, &resource, &op);
    ck_assert_no_diags(&diags);
}
END_TEST

/* --- against the plan --- */

START_TEST(other_values_than_planned)
{
    static const struct {
        const char *planned, *state, *path, *text;
    } cases[] = {
        {"{'name':'n','disk':[]}", "{'name':'N','disk':[]}", "name",
         "name was planned as \"n\", but is now \"N\""},
        {"{'name':'n','disk':[]}", "{'disk':[]}", "name", "but is now null"},
        {"{'disk':[]}", "{'name':'','disk':[]}", "name",
         "name was planned as null, but is now \"\""},
        {"{'tags':{'a':'1'},'disk':[]}", "{'tags':{'a':'2'},'disk':[]}", "tags[\"a\"]", "\"2\""},
        {"{'tags':{'a':'1'},'disk':[]}", "{'tags':{'b':'1'},'disk':[]}", "tags", "other elements"},
        {"{'list':['a','b'],'disk':[]}", "{'list':['c','b'],'disk':[]}", "list[0]",
         "planned as \"a\""},
        {"{'list':['a','b'],'disk':[]}", "{'list':['a'],'disk':[]}", "list",
         "planned with 2 elements, but has 1 now"},
        {"{'zones':['a','b'],'disk':[]}", "{'zones':['a'],'disk':[]}", "zones", "2 elements"},
        {"{'zones':['a','?'],'disk':[]}", "{'zones':['b','c'],'disk':[]}", "zones",
         "other elements"},
        {"{'zones':['a','?'],'disk':[]}", "{'zones':['a','b','c'],'disk':[]}", "zones",
         "2 elements"},
        {"{'users':{'k':{'token':'hunter2'}},'disk':[]}",
         "{'users':{'k':{'token':'hunter3'}},'disk':[]}", "users[\"k\"].token",
         "was planned as (sensitive value), but is now (sensitive value)"},
        {"{'users':{'k':{'profile':'p'}},'disk':[]}", "{'users':{'k':{'profile':'q'}},'disk':[]}",
         "users[\"k\"].profile", "planned as \"p\""},
        {"{'users':{'k':{'token':'hunter2'}},'disk':[]}", "{'disk':[]}", "users",
         "was planned as (sensitive value), but is now"},
        {"{'disk':[{'profile':'p'}]}", "{'disk':[{'profile':'q'}]}", "disk[0].profile", "\"q\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf where CLEANUP(buf_done) = BUF_INIT;

        apply("null", cases[i].planned, object(cases[i].state), NULL);
        ck_assert_msg(diags.len == 1 && diags.errors == 1, "%s:\n%s", cases[i].state,
                      diags_text(&diags));
        tf_path_write(diags.at[0].path, &where);
        ck_assert_str_eq(buf_str(&where), cases[i].path);
        ck_assert_msg(strstr(diags.at[0].detail, cases[i].text) != NULL, "%s", diags.at[0].detail);
        ck_assert_ptr_null(strstr(diags_text(&diags), "hunter"));
        ck_assert_value_eq(op.state, object(cases[i].state)); /* it is what is there */
    }
}
END_TEST

START_TEST(what_was_unknown_may_become_anything)
{
    apply("null", "{'id':'?','zones':['a','?','?'],'tags':{'a':'?'},'any':'?','disk':'?'}",
          object("{'id':null,'zones':['a','b'],'tags':{'a':null},'disk':[{}]}"), NULL);
    ck_assert_no_diags(&diags);
}
END_TEST

START_TEST(promises_about_unknowns_are_kept)
{
    static const struct {
        struct tf_refinement promise;
        const char *kept, *broken;
    } cases[] = {
        {{.has = TF_REFINE_NOT_NULL}, "'x'", "null"},
        {{.has = TF_REFINE_PREFIX, .prefix = "pre-"}, "'pre-x'", "'x'"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (int broken = 0; broken < 2; broken++) {
            struct tf_value id = {
                .type = &tf_type_string, .state = TF_UNKNOWN, .refinement = &cases[i].promise};
            const struct tf_value *got =
                value_of(&tf_type_string, broken ? cases[i].broken : cases[i].kept);

            tf_diags_init(&diags, arena);
            callback.state = tf_with(arena, object("{'disk':[]}"), "id", got);
            callback.error = NULL;
            op = (struct tf_apply){.prior = object("null"),
                                   .planned = tf_with(arena, object("{'disk':[]}"), "id", &id)};
            ctx = (struct tf_context){.arena = arena, .diags = &diags};
            tf_apply_resource(&ctx, &resource, &op);
            ck_assert_uint_eq(diags.errors, (size_t)broken);
        }
}
END_TEST

/* Deeper in a value, where an unknown set or number promised something. */
START_TEST(promises_about_numbers_and_lengths)
{
    static const struct {
        const char *type;
        struct tf_refinement promise;
        const char *kept, *broken;
    } cases[] = {
        {"'number'", {.has = TF_REFINE_MIN, .min = "1", .min_inclusive = true}, "1", "0"},
        {"'number'", {.has = TF_REFINE_MIN, .min = "1"}, "'1.1'", "1"},
        {"'number'", {.has = TF_REFINE_MAX, .max = "3", .max_inclusive = true}, "3", "4"},
        {"'number'", {.has = TF_REFINE_MAX, .max = "3"}, "2", "3"},
        {"['list','string']", {.has = TF_REFINE_MIN_LENGTH, .min_length = 1}, "['a']", "[]"},
        {"['list','string']", {.has = TF_REFINE_MAX_LENGTH, .max_length = 1}, "['a']", "['a','b']"},
        {"['list','string']", {.has = TF_REFINE_MAX_LENGTH, .max_length = 1}, "null", "['a','b']"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (int broken = 0; broken < 2; broken++) {
            const struct tf_type *t = type_of(cases[i].type);
            struct tf_value unknown = {
                .type = t, .state = TF_UNKNOWN, .refinement = &cases[i].promise};

            tf_diags_init(&diags, arena);
            callback.state = tf_with(arena, object("{'disk':[]}"), "any",
                                     value_of(t, broken ? cases[i].broken : cases[i].kept));
            callback.error = NULL;
            op = (struct tf_apply){.prior = object("null"),
                                   .planned =
                                       tf_with(arena, object("{'disk':[]}"), "any", &unknown)};
            ctx = (struct tf_context){.arena = arena, .diags = &diags};
            tf_apply_resource(&ctx, &resource, &op);
            ck_assert_msg(diags.errors == (size_t)broken, "%zu: %s", i, diags_text(&diags));
        }
}
END_TEST

START_TEST(dynamic_values_keep_their_type)
{
    const struct tf_type *pair = type_of("['tuple',['bool','string']]");
    const struct tf_value *planned =
        tf_with(arena, object("{'disk':[]}"), "any", value_of(pair, "[true,'?']"));
    const struct tf_value *good = value_of(pair, "[true,'x']");
    const struct tf_value *longer =
        value_of(type_of("['tuple',['bool','string','bool']]"), "[true,'x',true]");

    apply("null", "{'disk':[]}", tf_with(arena, object("{'disk':[]}"), "any", good), NULL);
    ck_assert_one_error(&diags, "any", "planned as null");
    tf_diags_init(&diags, arena);
    op = (struct tf_apply){.prior = object("null"), .planned = planned};
    callback.state = tf_with(arena, planned, "any", good);
    tf_apply_resource(&ctx, &resource, &op);
    ck_assert_no_diags(&diags);
    op = (struct tf_apply){.prior = object("null"), .planned = planned};
    callback.state = tf_with(arena, planned, "any", longer);
    tf_apply_resource(&ctx, &resource, &op);
    ck_assert_one_error(&diags, "any", "any was planned as [true, (known after apply)]");
    ck_assert_ptr_eq(tf_get(op.state, "any"), longer);
}
END_TEST

START_TEST(many_differences_are_summed_up)
{
    struct buf planned CLEANUP(buf_done) = BUF_INIT, state CLEANUP(buf_done) = BUF_INIT;

    for (int i = 0; i < 100; i++) {
        buf_printf(&planned, "%s'%d'", i ? "," : "{'disk':[],'list':[", i);
        buf_printf(&state, "%s'x%d'", i ? "," : "{'disk':[],'list':[", i);
    }
    buf_puts(&planned, "]}");
    buf_puts(&state, "]}");
    apply("null", buf_str(&planned), object(buf_str(&state)), NULL);
    ck_assert_uint_eq(diags.len, 21);
    ck_assert_str_eq(diags.at[20].detail, "There are 80 more differences.");
}
END_TEST

/* --- without callbacks --- */

START_TEST(what_terraform_remembers_is_all)
{
    static const struct tf_resource none = {.schema = &schema};

    apply_with(&none, "null", "{'id':'?','name':'n','disk':[]}");
    ck_assert_no_diags(&diags);
    ck_assert_value_eq(op.state, object("{'name':'n','disk':[]}"));
    apply_with(&none, "{'id':'i','name':'n','disk':[]}", "{'id':'?','name':'m','disk':[]}");
    ck_assert_no_diags(&diags);
    ck_assert_value_eq(op.state, object("{'id':'i','name':'m','disk':[]}"));
    apply_with(&none, "{'id':'i','disk':[]}", "null");
    ck_assert_no_diags(&diags);
    ck_assert(tf_is_null(op.state));
    apply_with(&none, "null", "null");
    ck_assert(tf_is_null(op.state));
}
END_TEST

RUN("tf/apply", TEST(create_update_delete), TEST(private_state_of_the_author),
    TEST(create_that_failed_at_once), TEST(create_that_failed_half_way),
    TEST(create_that_says_nothing), TEST(update_without_state_keeps_the_prior_one),
    TEST(update_that_failed_half_way), TEST(delete_that_failed), TEST(delete_that_leaves_something),
    TEST(interrupted_before_the_start), TEST(unknowns_after_success),
    TEST(write_only_values_are_left_out), TEST(wrong_types), TEST(another_object),
    TEST(blocks_are_never_null), TEST(blocks_in_dynamic_slots_have_their_shape),
    TEST(other_values_than_planned), TEST(what_was_unknown_may_become_anything),
    TEST(promises_about_unknowns_are_kept), TEST(promises_about_numbers_and_lengths),
    TEST(dynamic_values_keep_their_type), TEST(many_differences_are_summed_up),
    TEST(what_terraform_remembers_is_all))
