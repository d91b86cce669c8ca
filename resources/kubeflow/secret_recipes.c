#include "resources/kubeflow/secret_recipes.h"

#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"

#include "lib/base/banned.h"

/* A database takes its first password into its volume and asks for that one ever after. */
#define IN_DATABASE(claim, secret)                                                                 \
    "MySQL keeps its password in the claim " claim                                                 \
    ", and a new one in the Secret would lock everybody out. Change it there with ALTER USER and " \
    "in Secret " secret " by hand: what that Secret holds is kept"

/* oauth2-proxy wants 16, 24 or 32 bytes to encrypt cookies with. Access keys of S3 have 20 characters,
 * secret keys 40. */
static const struct secret_recipe recipes[] = {
    {.name = "cookie_secret", .length = 32},
    {.name = "oidc_client_secret", .length = 40},
    {.name = "object_store_access_key",
     .length = 20,
     .with_data = true,
     .fixed = "it is the name of an account, and SeaweedFS would go on taking the old one beside "
              "a new one. Renew object_store_secret_key: that ends the old one"},
    {.name = "object_store_secret_key", .length = 40, .with_data = true},
    {.name = "database_password",
     .length = 32,
     .with_data = true,
     .fixed = IN_DATABASE("kubeflow/mysql-pv-claim", "kubeflow/mysql-secret")},
    {.name = "katib_database_password",
     .length = 32,
     .with_data = true,
     .fixed = IN_DATABASE("kubeflow/katib-mysql", "kubeflow/katib-mysql-secrets")},
    {.name = "model_registry_database_password",
     .length = 32,
     .with_data = true,
     .fixed = IN_DATABASE("kubeflow/metadata-mysql", "kubeflow/model-registry-db-secrets")},
    {.name = "user_password/", .password = true, .before = "users[\"", .after = "\"].password_wo"},
    {.name = "oidc_connector_secret", .before = "oidc.client_secret_wo", .after = ""},
};

static bool is_for(const struct secret_recipe *r, const char *name)
{
    size_t len = strlen(r->name);

    return r->name[len - 1] == '/' ? !strncmp(r->name, name, len) : !strcmp(r->name, name);
}

const struct secret_recipe *secret_recipe(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(recipes); i++)
        if (is_for(&recipes[i], name))
            return &recipes[i];
    return NULL;
}

const struct secret_recipe *secret_recipe_of_mark(const char *mark)
{
    const char *version = mark ? strrchr(mark, '#') : NULL;
    char *name CLEANUP(mem_cleanup) = version ? mem_strndup(mark, (size_t)(version - mark)) : NULL;

    return name ? secret_recipe(name) : NULL;
}

char *secret_recipes_rotated(void)
{
    struct buf out = BUF_INIT;

    for (size_t i = 0; i < ARRAY_LEN(recipes); i++)
        if (recipes[i].length && !recipes[i].fixed)
            buf_printf(&out, "%s%s", out.len ? ", " : "", recipes[i].name);
    return buf_take(&out);
}
