/* Every schema that the provider offers keeps core's rules; every attribute is described. */
#include <check.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/tf/schema.h"
#include "resources/registry.h"

#include "lib/base/banned.h"

static void check_schema(const char *name, const struct tf_schema *s)
{
    struct arena *a CLEANUP(arena_cleanup) = arena_new();
    struct tf_diags diags;

    tf_diags_init(&diags, a);
    tf_schema_check(s, &diags);
    ck_assert_msg(diags.len == 0, "%s: %s: %s", name, diags.len ? diags.at[0].summary : "",
                  diags.len ? diags.at[0].detail : "");
}

static void check_described(const char *name, const struct tf_attribute *attributes)
{
    for (const struct tf_attribute *at = attributes; at && at->name; at++) {
        ck_assert_msg(at->description && *at->description, "%s: %s has no description", name,
                      at->name);
        check_described(at->name, at->nested);
    }
}

static void check_block(const char *name, const struct tf_block *block)
{
    check_described(name, block->attributes);
    for (const struct tf_block *b = block->blocks; b && b->name; b++) {
        ck_assert_msg(b->description && *b->description, "%s: block %s has no description", name,
                      b->name);
        check_block(b->name, b);
    }
}

START_TEST(schemas_keep_cores_rules)
{
    const struct tf_provider *p = registry_provider();

    check_schema("provider", p->schema);
    for (size_t i = 0; p->resources[i]; i++)
        check_schema(p->resources[i]->type_name, p->resources[i]->schema);
    for (size_t i = 0; p->data_sources[i]; i++)
        check_schema(p->data_sources[i]->type_name, p->data_sources[i]->schema);
    for (size_t i = 0; p->ephemerals[i]; i++)
        check_schema(p->ephemerals[i]->type_name, p->ephemerals[i]->schema);
}
END_TEST

START_TEST(attributes_are_described)
{
    const struct tf_provider *p = registry_provider();

    check_block("provider", &p->schema->block);
    for (size_t i = 0; p->resources[i]; i++)
        check_block(p->resources[i]->type_name, &p->resources[i]->schema->block);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("registry");
    TCase *t = tcase_create("registry");
    SRunner *r;
    int failed;

    tcase_add_test(t, schemas_keep_cores_rules);
    tcase_add_test(t, attributes_are_described);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
