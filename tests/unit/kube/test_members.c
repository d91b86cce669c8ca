#include "lib/kube/members.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "unit/fake_client.h"

#include "lib/base/banned.h"

#define ITEM(name)        "{\"metadata\":{\"namespace\":\"ns\",\"name\":\"" name "\",\"uid\":\"u\"}}"
#define LIST(next, items) "{\"metadata\":{\"continue\":\"" next "\"},\"items\":[" items "]}"
#define EXPIRED           "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"Expired\",\"code\":410}"

/* What a LIST of ConfigMaps is answered, in turn; the last answer is for all others, too. */
struct page {
    const char *token; /* that it has to be asked for with; NULL = none */
    int status;
    const char *body;
};

static struct fake_server *server;
static struct kube_client *client;
static json_t *members;
static struct err err;

static void serve_pages(struct fake_conn *c, const struct fake_request *req, void *user)
{
    const struct page *p = user;
    const char *token = strstr(req->path, "continue=");

    for (int i = 1; i < req->number && p[1].body; i++)
        p++;
    if (p->token ? !token || strncmp(token + strlen("continue="), p->token, strlen(p->token))
                 : token != NULL)
        fake_reply(c, 400, "", "{\"kind\":\"Status\",\"message\":\"wrong token\",\"code\":400}");
    else
        fake_reply(c, p->status, "", p->body);
}

static int read_members(const struct page *pages)
{
    json_t *kinds = json_pack("[s]", "ConfigMap");
    int rc;

    server = fake_server_new(serve_pages, (void *)(uintptr_t)pages, NULL, NULL, 0);
    client = fake_client_new(server, 0);
    rc = kube_members(client, "set", kinds, NULL, &members, &err);
    json_decref(kinds);
    return rc;
}

static void teardown(void)
{
    json_decref(members);
    members = NULL;
    kube_client_free(client);
    fake_server_free(server);
    err_done(&err);
}

START_TEST(pages_add_up)
{
    static const struct page pages[] = {
        {NULL, 200, LIST("t1", ITEM("a"))}, {"t1", 200, LIST("", ITEM("b"))}, {0}};

    ck_assert_msg(!read_members(pages), "%s", err_msg(&err));
    ck_assert_uint_eq(json_object_size(members), 2);
    ck_assert_ptr_nonnull(json_object_get(members, "ConfigMap/ns/a"));
    ck_assert_ptr_nonnull(json_object_get(members, "ConfigMap/ns/b"));
}
END_TEST

/* "a" was deleted meanwhile. */
START_TEST(an_expired_list_starts_anew)
{
    static const struct page pages[] = {{NULL, 200, LIST("t1", ITEM("a"))},
                                        {"t1", 410, EXPIRED},
                                        {NULL, 200, LIST("t2", ITEM("b"))},
                                        {"t2", 200, LIST("", ITEM("c"))},
                                        {0}};

    ck_assert_msg(!read_members(pages), "%s", err_msg(&err));
    ck_assert_uint_eq(json_object_size(members), 2);
    ck_assert_ptr_null(json_object_get(members, "ConfigMap/ns/a"));
}
END_TEST

START_TEST(a_list_that_expires_again_and_again_is_an_error)
{
    static const struct page pages[] = {{NULL, 410, EXPIRED}, {0}};

    ck_assert_int_ne(read_members(pages), 0);
    ck_assert_int_eq(fake_requests(server), KUBE_MAX_LIST_RESTARTS + 1);
}
END_TEST

START_TEST(a_kind_that_has_gone_has_no_members)
{
    static const struct page pages[] = {
        {NULL, 404, "{\"kind\":\"Status\",\"reason\":\"NotFound\",\"code\":404}"}, {0}};

    ck_assert_msg(!read_members(pages), "%s", err_msg(&err));
    ck_assert_uint_eq(json_object_size(members), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kube/members");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_add_test(t, pages_add_up);
    tcase_add_test(t, an_expired_list_starts_anew);
    tcase_add_test(t, a_list_that_expires_again_and_again_is_an_error);
    tcase_add_test(t, a_kind_that_has_gone_has_no_members);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
