/* A client of a fake server, whatever the environment says. Header-only because each test is one
 * program. */
#ifndef TESTS_FAKE_CLIENT_H
#define TESTS_FAKE_CLIENT_H

#include <check.h>

#include "lib/kube/client.h"
#include "unit/fake_server.h"

static inline const char *fake_client_no_env(const char *name UNUSED)
{
    return NULL;
}

/* parallelism: as in kube_client_options. */
static inline struct kube_client *fake_client_new(const struct fake_server *server, int parallelism)
{
    struct kube_attributes attrs = {.insecure = -1, .host = server->url};
    struct kube_client_options o = {.user_agent = "test/1", .parallelism = parallelism};
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct kube_client *client;

    ck_assert_msg(!kube_config_resolve(&attrs, fake_client_no_env, &o.config, &err), "%s",
                  err_msg(&err));
    client = kube_client_new(&o, &err);
    ck_assert_msg(client != NULL, "%s", err_msg(&err));
    return client;
}

#endif
