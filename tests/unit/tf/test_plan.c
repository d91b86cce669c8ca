/* Expected plans: terraform-plugin-framework's algorithm, and core's rules for plans
 * (objchange.AssertPlanValid). `proposed` is written as core makes it: config, with the prior value
 * where the configuration leaves a computed attribute null. */
#include "tests/unit/tf/support.h"

#include "lib/tf/operation.h"
#include "lib/tf/timeouts.h"

#include "lib/base/banned.h"

#define STRING(n, f)                                                                               \
    {                                                                                              \
        .name = (n), .type = &tf_type_string, .flags = (f)                                         \
    }

static const struct tf_attribute accelerator[] = {
    STRING("type", TF_REQUIRED | TF_REQUIRES_REPLACE),
    {.name = "count", .type = &tf_type_number, .default_json = "1"},
    STRING("driver", TF_COMPUTED),
    TF_END,
};
static const struct tf_attribute user[] = {
    STRING("profile", TF_OPTIONAL),
    STRING("password_wo", TF_OPTIONAL | TF_WRITE_ONLY),
    STRING("hash", TF_COMPUTED | TF_KEEP_STATE),
    TF_END,
};
static const struct tf_attribute rule[] = {
    STRING("key", TF_REQUIRED | TF_REQUIRES_REPLACE),
    {.name = "value", .type = &tf_type_string, .default_json = "\"v\""},
    STRING("seen", TF_COMPUTED | TF_KEEP_STATE),
    TF_END,
};
static const struct tf_attribute on_destroy[] = {
    {.name = "crds", .type = &tf_type_string, .default_json = "\"if_unused\""},
    {.name = "data", .type = &tf_type_string, .default_json = "\"refuse\""},
    TF_END,
};
static const struct tf_attribute disk[] = {
    STRING("kind", TF_REQUIRED | TF_REQUIRES_REPLACE),
    STRING("path", TF_COMPUTED),
    TF_END,
};
static const struct tf_attribute attributes[] = {
    STRING("id", TF_COMPUTED | TF_KEEP_STATE),
    STRING("name", TF_OPTIONAL | TF_REQUIRES_REPLACE),
    {.name = "size", .type = &tf_type_number, .default_json = "3"},
    STRING("note", TF_OPTIONAL),
    STRING("status", TF_COMPUTED),
    STRING("either", TF_OPTIONAL | TF_COMPUTED),
    STRING("token", TF_OPTIONAL | TF_SENSITIVE),
    STRING("secret_wo", TF_OPTIONAL | TF_WRITE_ONLY),
    {.name = "any", .type = &tf_type_dynamic, .flags = TF_COMPUTED},
    {.name = "accelerator", .nested = accelerator, .nesting = TF_NEST_SINGLE, .flags = TF_OPTIONAL},
    {.name = "users", .nested = user, .nesting = TF_NEST_MAP, .flags = TF_OPTIONAL},
    {.name = "rules", .nested = rule, .nesting = TF_NEST_SET, .flags = TF_OPTIONAL},
    {.name = "on_destroy",
     .nested = on_destroy,
     .nesting = TF_NEST_SINGLE,
     .default_json = "{\"crds\":\"keep\"}"},
    {.name = "parts",
     .nested = accelerator,
     .nesting = TF_NEST_LIST,
     .flags = TF_OPTIONAL | TF_COMPUTED},
    TF_END,
};
static const struct tf_block blocks[] = {
    TF_TIMEOUTS_BLOCK,
    {.name = "disk", .nesting = TF_NEST_LIST, .attributes = disk},
    TF_END,
};
static const struct tf_schema schema = {.block = {.attributes = attributes, .blocks = blocks}};

/* What a finished resource looks like when the configuration is only {'name':'n'}. */
#define STATE                                                                                      \
    "'id':'i','size':3,'status':'up','either':'e','on_destroy':{'crds':'keep','data':'refuse'},"   \
    "'disk':[],'parts':[]"

static struct tf_diags diags;
static struct tf_context ctx;
static struct tf_plan plan;

static const struct tf_value *object(const char *text)
{
    return value_of(tf_schema_type(arena, &schema), text);
}

static void plan_with(const struct tf_resource *r, const char *prior, const char *config,
                      const char *proposed)
{
    tf_diags_init(&diags, arena);
    ctx = (struct tf_context){.arena = arena, .diags = &diags};
    plan = (struct tf_plan){.prior = object(prior), .config = object(config)};
    tf_plan_resource(&ctx, r, object(proposed), &plan);
}

static void plan_of(const char *prior, const char *config, const char *proposed)
{
    static const struct tf_resource plain = {.schema = &schema};

    plan_with(&plain, prior, config, proposed);
    ck_assert_no_diags(&diags);
}

static const char *replaced_paths(void)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT;

    for (size_t i = 0; i < plan.nrequires_replace; i++) {
        buf_puts(&out, i ? " " : "");
        tf_path_write(plan.requires_replace[i], &out);
    }
    return arena_strdup(arena, buf_str(&out));
}

START_TEST(schema_is_sound)
{
    tf_diags_init(&diags, arena);
    tf_schema_check(&schema, &diags);
    ck_assert_no_diags(&diags);
}
END_TEST

START_TEST(create)
{
    plan_of("null", "{'name':'n','secret_wo':'s','disk':[{'kind':'k'}]}",
            "{'name':'n','secret_wo':'s','disk':[{'kind':'k'}]}");
    ck_assert_int_eq(plan.action, TF_CREATE);
    ck_assert_value_eq(plan.planned,
                       object("{'id':'?','name':'n','size':3,'status':'?','either':'?','any':'?',"
                              "'on_destroy':{'crds':'keep','data':'refuse'},'parts':'?',"
                              "'disk':[{'kind':'k','path':'?'}]}"));
    ck_assert_str_eq(replaced_paths(), "");
}
END_TEST

START_TEST(nothing_differs)
{
    plan_of("{'name':'n'," STATE "}", "{'name':'n','secret_wo':'s','disk':[]}",
            "{'name':'n','secret_wo':'s'," STATE "}");
    ck_assert_int_eq(plan.action, TF_NO_OP);
    ck_assert_ptr_eq(plan.planned, plan.prior);
    ck_assert_str_eq(replaced_paths(), "");
}
END_TEST

START_TEST(update_keeps_what_is_marked_so)
{
    plan_of("{'name':'n'," STATE "}", "{'name':'n','note':'x','disk':[]}",
            "{'name':'n','note':'x'," STATE "}");
    ck_assert_int_eq(plan.action, TF_UPDATE);
    ck_assert_value_eq(plan.planned,
                       object("{'id':'i','name':'n','note':'x','size':3,'status':'?','either':'?',"
                              "'any':'?','on_destroy':{'crds':'keep','data':'refuse'},"
                              "'parts':'?','disk':[]}"));
    ck_assert_str_eq(replaced_paths(), "");
}
END_TEST

/* A user that the configuration no longer has, and one that it gives another meaning: core proposes
 * nothing for what isn't the same element. */
START_TEST(only_what_core_proposes_is_kept)
{
    plan_of("{'size':3,'users':{'a':{'hash':'A'}},'rules':[{'key':'a','value':'v','seen':'A'}],'"
            "disk':[]}",
            "{'users':{'b':{}},'rules':[{'key':'b'}],'disk':[]}",
            "{'size':3,'users':{'b':{}},'rules':[{'key':'b'}],'disk':[]}");
    ck_assert_value_eq(tf_get(plan.planned, "users"),
                       tf_get(object("{'users':{'b':{'hash':'?'}}}"), "users"));
    ck_assert_value_eq(tf_get(plan.planned, "rules"),
                       tf_get(object("{'rules':[{'key':'b','value':'v','seen':'?'}]}"), "rules"));
}
END_TEST

/* A provider that learned a new attribute: its prior value is null, which isn't worth keeping. */
START_TEST(null_in_the_state_is_not_kept)
{
    plan_of("{'name':'n','size':3,'disk':[]}", "{'name':'n','note':'x','disk':[]}",
            "{'name':'n','note':'x','size':3,'disk':[]}");
    ck_assert(tf_is_unknown(tf_get(plan.planned, "id")));
}
END_TEST

START_TEST(defaults_win_over_prior_values)
{
    plan_of("{'name':'n','size':9,'id':'i','on_destroy':{'crds':'x','data':'y'},'disk':[]}",
            "{'name':'n','disk':[]}",
            "{'name':'n','size':9,'id':'i','on_destroy':{'crds':'x','data':'y'},'disk':[]}");
    ck_assert_int_eq(plan.action, TF_UPDATE);
    ck_assert_int_eq(tf_int_or(tf_get(plan.planned, "size"), 0), 3);
    ck_assert_str_eq(tf_str(tf_dig(plan.planned, "on_destroy", "crds", NULL), ""), "keep");
    ck_assert_str_eq(tf_str(tf_dig(plan.planned, "on_destroy", "data", NULL), ""), "refuse");
}
END_TEST

START_TEST(defaults_inside_what_is_configured)
{
    plan_of("null",
            "{'on_destroy':{'data':'d'},'accelerator':{'type':'t'},'parts':[{'type':'a'},"
            "{'type':'b','count':2}],'disk':[]}",
            "{'on_destroy':{'data':'d'},'accelerator':{'type':'t'},'parts':[{'type':'a'},"
            "{'type':'b','count':2}],'disk':[]}");
    ck_assert_value_eq(
        plan.planned,
        object("{'id':'?','size':3,'status':'?','either':'?','any':'?','on_destroy':{'crds':"
               "'if_unused','data':'d'},'accelerator':{'type':'t','count':1,'driver':'?'},"
               "'parts':[{'type':'a','count':1,'driver':'?'},{'type':'b','count':2,'driver':'?'}],"
               "'disk':[]}"));
}
END_TEST

START_TEST(unknown_configuration_stays_unknown)
{
    plan_of(
        "{'name':'n'," STATE "}",
        "{'name':'?','size':'?','either':'?','on_destroy':'?','parts':[{'type':'?','count':'?'}],"
        "'disk':'?'}",
        "{'id':'i','name':'?','size':'?','status':'up','either':'?','on_destroy':'?','parts':"
        "[{'type':'?','count':'?'}],'disk':'?'}");
    ck_assert_value_eq(plan.planned,
                       object("{'id':'i','name':'?','size':'?','status':'?','either':'?','any':'?',"
                              "'on_destroy':'?','parts':[{'type':'?','count':'?','driver':'?'}],"
                              "'disk':'?'}"));
    ck_assert_str_eq(replaced_paths(), "name parts[0].type");
}
END_TEST

START_TEST(maps_go_by_key)
{
    plan_of(
        "{'id':'i','size':3,'users':{'a':{'hash':'A'},'b':{'hash':'B'}},'disk':[]}",
        "{'users':{'b':{'password_wo':'x'},'c':{'password_wo':'y'}},'disk':[]}",
        "{'id':'i','size':3,'users':{'b':{'password_wo':'x','hash':'B'},'c':{'password_wo':'y'}},"
        "'disk':[]}");
    ck_assert_value_eq(tf_get(plan.planned, "users"),
                       tf_get(object("{'users':{'b':{'hash':'B'},'c':{'hash':'?'}}}"), "users"));
}
END_TEST

START_TEST(sets_go_by_what_the_configuration_says)
{
    plan_of(
        "{'size':3,'rules':[{'key':'a','value':'v','seen':'A'},{'key':'b','value':'w','seen':'B'}],"
        "'disk':[]}",
        "{'note':'x','rules':[{'key':'b','value':'w'},{'key':'a'},{'key':'c','value':'z'}],'disk':["
        "]}",
        "{'note':'x','size':3,'rules':[{'key':'b','value':'w','seen':'B'},"
        "{'key':'a','value':'v','seen':'A'},{'key':'c','value':'z'}],'disk':[]}");
    ck_assert_value_eq(
        tf_get(plan.planned, "rules"),
        tf_get(object("{'rules':[{'key':'a','value':'v','seen':'A'},{'key':'b',"
                      "'value':'w','seen':'B'},{'key':'c','value':'z','seen':'?'}]}"),
               "rules"));
}
END_TEST

/* {a} and {a, v=w} can both have become {a, w}: the one that says more is meant. */
START_TEST(sets_prefer_the_closest_element)
{
    plan_of("null", "{'rules':[{'key':'a'},{'key':'a','value':'w'}],'disk':[]}",
            "{'rules':[{'key':'a'},{'key':'a','value':'w'}],'disk':[]}");
    ck_assert_value_eq(tf_get(plan.planned, "rules"),
                       tf_get(object("{'rules':[{'key':'a','value':'v','seen':'?'},"
                                     "{'key':'a','value':'w','seen':'?'}]}"),
                              "rules"));
}
END_TEST

/* --- replacement --- */

START_TEST(changes_that_replace)
{
    static const struct {
        const char *prior, *config, *paths;
    } cases[] = {
        {"{'name':'n','size':3,'disk':[]}", "{'name':'m','disk':[]}", "name"},
        {"{'name':'n','size':3,'disk':[]}", "{'disk':[]}", "name"},
        {"{'size':3,'disk':[]}", "{'name':'n','disk':[]}", "name"},
        {"{'name':'n','size':3,'disk':[]}", "{'name':'n','note':'x','disk':[]}", ""},
        {"{'accelerator':{'type':'a','count':1},'disk':[]}",
         "{'accelerator':{'type':'b'},'disk':[]}", "accelerator.type"},
        {"{'accelerator':{'type':'a','count':1},'disk':[]}",
         "{'accelerator':{'type':'a','count':2},'disk':[]}", ""},
        /* taken away, added, unknown */
        {"{'accelerator':{'type':'a','count':1},'disk':[]}", "{'disk':[]}", "accelerator.type"},
        {"{'disk':[]}", "{'accelerator':{'type':'a'},'disk':[]}", "accelerator.type"},
        {"{'accelerator':{'type':'a','count':1},'disk':[]}", "{'accelerator':'?','disk':[]}",
         "accelerator.type"},
        /* lists by index, with what only one side has */
        {"{'disk':[{'kind':'a'},{'kind':'b'}]}", "{'disk':[{'kind':'a'},{'kind':'c'}]}",
         "disk[1].kind"},
        {"{'disk':[{'kind':'a'},{'kind':'b'}]}", "{'disk':[{'kind':'a'}]}", "disk[1].kind"},
        {"{'disk':[{'kind':'a'}]}", "{'disk':[{'kind':'a'},{'kind':'b'}]}", "disk[1].kind"},
        /* sets by the values that occur */
        {"{'rules':[{'key':'a','value':'v'}],'disk':[]}",
         "{'rules':[{'key':'a','value':'w'}],'disk':[]}", ""},
        {"{'rules':[{'key':'a','value':'v'}],'disk':[]}",
         "{'rules':[{'key':'b','value':'v'}],'disk':[]}", "rules"},
        {"{'rules':[{'key':'a','value':'v'}],'disk':[]}", "{'rules':'?','disk':[]}", "rules"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        plan_of(cases[i].prior, cases[i].config, cases[i].config);
        ck_assert_msg(!strcmp(replaced_paths(), cases[i].paths), "%s: %s", cases[i].config,
                      replaced_paths());
    }
}
END_TEST

START_TEST(nothing_to_replace_without_prior_state)
{
    plan_of("null", "{'name':'n','disk':[]}", "{'name':'n','disk':[]}");
    ck_assert_uint_eq(plan.nrequires_replace, 0);
}
END_TEST

static void replace_much(struct tf_context *c, struct tf_plan *p)
{
    for (int i = 0; i < 20; i++) {
        struct tf_path here = {TF_ATTR("disk"), TF_STEP_INDEX, NULL, i % 10};

        tf_plan_requires_replace(c, p, &here);
    }
    tf_plan_requires_replace(c, p, TF_ATTR("name"));
}

START_TEST(paths_of_the_author_come_first_and_once)
{
    static const struct tf_resource r = {.schema = &schema, .plan = replace_much};

    plan_with(&r, "{'name':'n','disk':[]}", "{'name':'m','disk':[]}", "{'name':'m','disk':[]}");
    ck_assert_str_eq(replaced_paths(), "disk[0] disk[1] disk[2] disk[3] disk[4] disk[5] disk[6] "
                                       "disk[7] disk[8] disk[9] name");
    plan_with(&r, "null", "{'name':'m','disk':[]}", "{'name':'m','disk':[]}");
    ck_assert_str_eq(replaced_paths(), "");
}
END_TEST

/* --- the author --- */

static const char *author_sets; /* members that the author's plan replaces */

static void author(struct tf_context *c UNUSED, struct tf_plan *p)
{
    const struct tf_value *from = object(author_sets);
    json_t *tree = tree_of(author_sets);
    const char *name;
    json_t *ignored;

    json_object_foreach (tree, name, ignored)
        p->planned = tf_with(arena, p->planned, name, tf_get(from, name));
    json_decref(tree);
}

static const struct tf_resource authored = {.schema = &schema, .plan = author};

static void plan_by_author(const char *sets)
{
    author_sets = sets;
    plan_with(&authored, "{'name':'n','note':'old','users':{'k':{'hash':'h'}}," STATE "}",
              "{'name':'n','note':'new','token':'hunter2','users':{'k':{}},'disk':[{'kind':'d'}]}",
              "{'name':'n','note':'new','token':'hunter2','users':{'k':{'hash':'h'}},'id':'i',"
              "'size':3,'status':'up','either':'e','parts':[],'on_destroy':{'crds':'keep','data':"
              "'refuse'},'disk':[{'kind':'d'}]}");
}

START_TEST(the_author_may_decide_computed_values)
{
    plan_by_author("{'status':'down','either':'?','id':'?','parts':[{'type':'t'}],"
                   "'users':{'k':{'hash':'H'}},'disk':[{'kind':'d','path':'p'}]}");
    ck_assert_no_diags(&diags);
    ck_assert_str_eq(tf_str(tf_get(plan.planned, "status"), ""), "down");
    ck_assert(tf_is_unknown(tf_get(plan.planned, "id")));
}
END_TEST

/* The configured value is equivalent to the prior one. */
START_TEST(the_author_may_keep_prior_values)
{
    plan_by_author("{'note':'old'}");
    ck_assert_no_diags(&diags);
}
END_TEST

START_TEST(the_author_may_not_break_the_rules)
{
    static const struct {
        const char *sets, *path, *text;
    } cases[] = {
        {"{'note':'other'}", "note",
         "note is \"new\" in the configuration, but was planned as \"other\""},
        {"{'note':null}", "note", "planned as null"},
        {"{'note':'?'}", "note", "planned as (known after apply)"},
        {"{'secret_wo':'x'}", "secret_wo", "secret_wo is write-only"},
        {"{'users':{'k':{'password_wo':'x','hash':'h'}}}", "users[\"k\"].password_wo",
         "write-only"},
        {"{'users':{}}", "users", "users is (sensitive value) in the configuration"},
        {"{'users':{'k':{'hash':'h','profile':'p'}}}", "users[\"k\"].profile",
         "is null in the configuration, but was planned as \"p\""},
        {"{'accelerator':{'type':'t'}}", "accelerator", "is null in the configuration"},
        {"{'disk':[]}", "disk", "disk is [{kind = \"d\", path = null}] in the configuration"},
        {"{'disk':[{'kind':'e'}]}", "disk[0].kind", "is \"d\" in the configuration"},
        {"{'disk':'?'}", "disk", "planned as (known after apply)"},
        {"{'timeouts':{'create':'1h'}}", "timeouts", "is null in the configuration"},
        {"{'token':'hunter3'}", "token",
         "token is (sensitive value) in the configuration, but was planned as (sensitive value)"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf where CLEANUP(buf_done) = BUF_INIT;

        plan_by_author(cases[i].sets);
        ck_assert_msg(diags.len == 1 && diags.errors == 1, "%s:\n%s", cases[i].sets,
                      diags_text(&diags));
        tf_path_write(diags.at[0].path, &where);
        ck_assert_str_eq(buf_str(&where), cases[i].path);
        ck_assert_msg(strstr(diags.at[0].detail, cases[i].text) != NULL, "%s", diags.at[0].detail);
        ck_assert_ptr_null(strstr(diags_text(&diags), "hunter"));
        ck_assert(tf_conforms(plan.planned, tf_schema_type(arena, &schema)));
        ck_assert(tf_is_null(tf_get(plan.planned, "secret_wo")));
    }
}
END_TEST

static void wrong_type(struct tf_context *c UNUSED, struct tf_plan *p)
{
    p->planned = tf_with(arena, p->planned, "note", tf_int(arena, 1));
}

static void no_object(struct tf_context *c UNUSED, struct tf_plan *p)
{
    p->planned = tf_null(arena, p->planned->type);
}

START_TEST(plans_of_the_wrong_shape_are_repaired)
{
    static const struct tf_resource wrong = {.schema = &schema, .plan = wrong_type},
                                    none = {.schema = &schema, .plan = no_object};

    plan_with(&wrong, "null", "{'note':'x','disk':[]}", "{'note':'x','disk':[]}");
    ck_assert_one_error(&diags, "note", "note is a number where a string belongs");
    ck_assert_str_eq(tf_str(tf_get(plan.planned, "note"), ""), "x");
    plan_with(&none, "null", "{'note':'x','disk':[]}", "{'note':'x','disk':[]}");
    ck_assert_one_error(&diags, "", "No object was planned");
    ck_assert_str_eq(tf_str(tf_get(plan.planned, "note"), ""), "x");
}
END_TEST

static void fails(struct tf_context *c, struct tf_plan *p)
{
    tf_error(c->diags, NULL, "No", "It can't be planned.");
    p->planned = tf_with(arena, p->planned, "note", tf_string(arena, "half done"));
}

START_TEST(a_failed_plan_is_not_checked_further)
{
    static const struct tf_resource r = {.schema = &schema, .plan = fails};

    plan_with(&r, "null", "{'note':'x','disk':[]}", "{'note':'x','disk':[]}");
    ck_assert_one_error(&diags, "", "It can't be planned.");
}
END_TEST

static void touch_status(struct tf_context *c UNUSED, struct tf_plan *p)
{
    ck_assert_int_eq(p->action, TF_NO_OP);
    p->planned = tf_with(arena, p->planned, "status", tf_unknown(arena, &tf_type_string));
}

/* Drift that only the author can see makes an update of what would be none. */
START_TEST(the_author_may_find_something_to_do)
{
    static const struct tf_resource r = {.schema = &schema, .plan = touch_status};

    plan_with(&r, "{'name':'n'," STATE "}", "{'name':'n','disk':[]}", "{'name':'n'," STATE "}");
    ck_assert_no_diags(&diags);
    ck_assert(tf_is_unknown(tf_get(plan.planned, "status")));
    ck_assert_str_eq(tf_str(tf_get(plan.planned, "either"), ""), "e");
}
END_TEST

/* --- deletion --- */

static void refuse(struct tf_context *c, struct tf_plan *p)
{
    ck_assert_int_eq(p->action, TF_DELETE);
    ck_assert(tf_is_null(p->config));
    tf_warning(c->diags, NULL, "Careful", "Data will be lost.");
}

static void revive(struct tf_context *c UNUSED, struct tf_plan *p)
{
    p->planned = p->prior;
}

START_TEST(deletion)
{
    static const struct tf_resource careful = {.schema = &schema, .plan = refuse},
                                    wrong = {.schema = &schema, .plan = revive};

    plan_of("{'name':'n'," STATE "}", "null", "null");
    ck_assert_int_eq(plan.action, TF_DELETE);
    ck_assert(tf_is_null(plan.planned));
    ck_assert_str_eq(replaced_paths(), "");
    plan_with(&careful, "{'name':'n'," STATE "}", "null", "null");
    ck_assert_uint_eq(diags.len, 1);
    ck_assert(!tf_failed(&diags));
    plan_with(&wrong, "{'name':'n'," STATE "}", "null", "null");
    ck_assert_one_error(&diags, "", "to be deleted");
    ck_assert(tf_is_null(plan.planned));
}
END_TEST

/* --- sets in sets, and blocks that travel as dynamic --- */

static const struct tf_attribute port[] = {STRING("name", TF_REQUIRED),
                                           STRING("node", TF_COMPUTED | TF_KEEP_STATE), TF_END};
static const struct tf_attribute service[] = {
    STRING("name", TF_REQUIRED),
    {.name = "ports", .nested = port, .nesting = TF_NEST_SET, .flags = TF_OPTIONAL},
    {.name = "main", .nested = port, .nesting = TF_NEST_SINGLE, .flags = TF_OPTIONAL},
    STRING("ip", TF_COMPUTED | TF_KEEP_STATE),
    TF_END,
};
static const struct tf_attribute owner[] = {STRING("user", TF_REQUIRED | TF_REQUIRES_REPLACE),
                                            TF_END};
static const struct tf_attribute team[] = {
    STRING("name", TF_REQUIRED),
    {.name = "owners", .nested = owner, .nesting = TF_NEST_SET, .flags = TF_OPTIONAL},
    TF_END,
};
static const struct tf_attribute any[] = {
    STRING("name", TF_OPTIONAL),
    {.name = "value", .type = &tf_type_dynamic, .flags = TF_OPTIONAL | TF_COMPUTED},
    {.name = "kind", .type = &tf_type_dynamic, .flags = TF_OPTIONAL | TF_REQUIRES_REPLACE},
    TF_END,
};
static const struct tf_attribute deep_attributes[] = {
    STRING("note", TF_OPTIONAL),
    {.name = "services", .nested = service, .nesting = TF_NEST_SET, .flags = TF_OPTIONAL},
    {.name = "teams", .nested = team, .nesting = TF_NEST_SET, .flags = TF_OPTIONAL},
    TF_END,
};
static const struct tf_block deep_blocks[] = {
    {.name = "list", .nesting = TF_NEST_LIST, .attributes = any},
    {.name = "map", .nesting = TF_NEST_MAP, .attributes = any},
    TF_END,
};
static const struct tf_schema deep_schema = {
    .block = {.attributes = deep_attributes, .blocks = deep_blocks}};

/* The blocks' values: a tuple or an object whose members have types of their own. */
static const struct tf_value *deep(const char *text, const char *list_type, const char *list,
                                   const char *map_type, const char *map)
{
    const struct tf_value *v = value_of(tf_schema_type(arena, &deep_schema), text);

    v = tf_with(arena, v, "list", value_of(type_of(list_type), list));
    return tf_with(arena, v, "map", value_of(type_of(map_type), map));
}

static const struct tf_value *without_blocks(const char *text)
{
    return deep(text, "['tuple',[]]", "[]", "['object',{}]", "{}");
}

static void plan_deep(const struct tf_value *prior, const struct tf_value *config,
                      const struct tf_value *proposed)
{
    static const struct tf_resource r = {.schema = &deep_schema};

    tf_diags_init(&diags, arena);
    ctx = (struct tf_context){.arena = arena, .diags = &diags};
    plan = (struct tf_plan){.prior = prior, .config = config};
    tf_plan_resource(&ctx, &r, proposed, &plan);
    ck_assert_no_diags(&diags);
    ck_assert(tf_conforms(plan.planned, tf_schema_type(arena, &deep_schema)));
}

START_TEST(sets_in_sets)
{
    plan_deep(without_blocks("{'services':[{'name':'a','ip':'1','main':{'name':'m','node':'N'},"
                             "'ports':[{'name':'p','node':'P'},{'name':'q','node':'Q'}]}]}"),
              without_blocks(
                  "{'note':'x','services':[{'name':'a','main':{'name':'m'},"
                  "'ports':[{'name':'q'},{'name':'p'}]},{'name':'b','ports':[{'name':'p'}]}]}"),
              without_blocks(
                  "{'note':'x','services':[{'name':'a','ip':'1','main':{'name':'m','node':'N'},"
                  "'ports':[{'name':'p','node':'P'},{'name':'q','node':'Q'}]},"
                  "{'name':'b','ports':[{'name':'p'}]}]}"));
    ck_assert_value_eq(
        plan.planned,
        without_blocks(
            "{'note':'x','services':[{'name':'a','ip':'1','main':{'name':'m','node':'N'},"
            "'ports':[{'name':'p','node':'P'},{'name':'q','node':'Q'}]},"
            "{'name':'b','ip':'?','ports':[{'name':'p','node':'?'}]}]}"));
}
END_TEST

START_TEST(replacement_from_within_sets_in_sets)
{
    const struct tf_value *prior =
        without_blocks("{'teams':[{'name':'a','owners':[{'user':'x'}]}]}");
    const struct tf_value *renamed =
        without_blocks("{'teams':[{'name':'b','owners':[{'user':'x'}]}]}");
    const struct tf_value *moved =
        without_blocks("{'teams':[{'name':'a','owners':[{'user':'y'}]}]}");

    plan_deep(prior, renamed, renamed);
    ck_assert_str_eq(replaced_paths(), "");
    plan_deep(prior, moved, moved);
    ck_assert_str_eq(replaced_paths(), "teams");
}
END_TEST

START_TEST(blocks_of_mixed_types)
{
    static const char list_type[] =
        "['tuple',[['object',{'kind':'number','name':'string','value':'bool'}],"
        "['object',{'kind':'string','name':'string','value':'string'}]]]";
    static const char map_type[] =
        "['object',{'k':['object',{'kind':'dynamic','name':'string','value':'string'}]}]";
    static const char planned_list[] =
        "['tuple',[['object',{'kind':'number','name':'string','value':'bool'}],"
        "['object',{'kind':'string','name':'string','value':'dynamic'}]]]";
    static const char planned_map[] =
        "['object',{'k':['object',{'kind':'dynamic','name':'string','value':'dynamic'}]}]";
    const struct tf_value *config = deep(
        "{'note':'x'}", list_type, "[{'kind':1,'name':'a','value':true},{'kind':'k','name':'b'}]",
        map_type, "{'k':{'name':'c'}}");

    plan_deep(without_blocks("{}"), config, config);
    ck_assert_value_eq(
        plan.planned,
        deep("{'note':'x'}", planned_list,
             "[{'kind':1,'name':'a','value':true},{'kind':'k','name':'b','value':'?'}]",
             planned_map, "{'k':{'name':'c','value':'?'}}"));
    ck_assert_str_eq(replaced_paths(), "list[0].kind list[1].kind");
}
END_TEST

START_TEST(missing_values_count_as_null)
{
    static const struct tf_resource r = {.schema = &deep_schema};

    tf_diags_init(&diags, arena);
    ctx = (struct tf_context){.arena = arena, .diags = &diags};
    plan = (struct tf_plan){.prior = NULL};
    tf_plan_resource(&ctx, &r, NULL, &plan);
    ck_assert_no_diags(&diags);
    ck_assert(tf_is_null(plan.planned));
}
END_TEST

RUN("tf/plan", TEST(schema_is_sound), TEST(create), TEST(nothing_differs),
    TEST(update_keeps_what_is_marked_so), TEST(only_what_core_proposes_is_kept),
    TEST(null_in_the_state_is_not_kept), TEST(defaults_win_over_prior_values),
    TEST(defaults_inside_what_is_configured), TEST(unknown_configuration_stays_unknown),
    TEST(maps_go_by_key), TEST(sets_go_by_what_the_configuration_says),
    TEST(sets_prefer_the_closest_element), TEST(changes_that_replace),
    TEST(nothing_to_replace_without_prior_state), TEST(paths_of_the_author_come_first_and_once),
    TEST(the_author_may_decide_computed_values), TEST(the_author_may_keep_prior_values),
    TEST(the_author_may_not_break_the_rules), TEST(plans_of_the_wrong_shape_are_repaired),
    TEST(a_failed_plan_is_not_checked_further), TEST(the_author_may_find_something_to_do),
    TEST(deletion), TEST(sets_in_sets), TEST(replacement_from_within_sets_in_sets),
    TEST(blocks_of_mixed_types), TEST(missing_values_count_as_null))
