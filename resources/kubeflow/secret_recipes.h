/* How each value that Secrets are filled with comes to be: a table of their names.
 *
 * A value is made by the provider, or users give it in a write-only attribute. */
#ifndef KUBEFLOW_SECRET_RECIPES_H
#define KUBEFLOW_SECRET_RECIPES_H

#include <stdbool.h>
#include <stddef.h>

struct secret_recipe {
    const char *name; /* "cookie_secret"; one that ends with "/" is for all that begin with it */
    size_t length;    /* letters and digits that the provider makes of it; 0: users give it */
    bool password;    /* what Secrets hold is the bcrypt hash of what users give */
    bool with_data;   /* a server keeps it in its volume: what was there is of no use without it */
    const char *before; /* the attribute in which users give it, around what follows the "/": */
    const char *after;  /* users["ml@example.com"].password_wo */
    const char *fixed;  /* why `rotate` can't make a new one, and what to do; NULL: it can */
};

/* NULL for an unknown name. */
const struct secret_recipe *secret_recipe(const char *name);

/* The same for "<name>#<version>" (secret_marks.h); NULL for anything else, also for NULL. */
const struct secret_recipe *secret_recipe_of_mark(const char *mark);

/* "cookie_secret, oidc_client_secret": the names that `rotate` takes. Heap string. */
char *secret_recipes_rotated(void);

#endif
