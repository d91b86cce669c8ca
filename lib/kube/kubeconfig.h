/* kubeconfig files, as client-go's clientcmd reads them. Nothing here looks at the environment. */
#ifndef KUBE_KUBECONFIG_H
#define KUBE_KUBECONFIG_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/kube/config.h"

#define KUBECONFIG_MAX_FILES 64

/* One file's text as {"clusters": {name: cluster}, "users": ..., "contexts": ...,
 * "current-context": string}, with the types of all members that are read checked, and relative
 * file references made absolute against dir. Pure. ERR_INVALID names file and member. */
int kubeconfig_parse(const char *text, size_t len, const char *name, const char *dir, json_t **ret,
                     struct err *err) WARN_UNUSED;

/* Several files merged: of entries with the same name, and of the current context, the first file's
 * wins. Of a list, files that don't exist are left out; a single one must exist. "~" at the start of
 * a path is home. */
int kubeconfig_load(const char *const *paths, const char *home, json_t **ret, struct err *err)
    WARN_UNUSED;

/* The entry for a name, {} when it is missing and may be. */
enum kubeconfig_part { KUBECONFIG_CLUSTER, KUBECONFIG_USER, KUBECONFIG_CONTEXT };
json_t *kubeconfig_entry(const json_t *config, enum kubeconfig_part part, const char *name);

/* The members of an entry; "" when missing. Borrowed. */
const char *kubeconfig_str(const json_t *entry, const char *name);

#endif
