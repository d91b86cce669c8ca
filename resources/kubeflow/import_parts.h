/* What the files of import share; nobody else includes this.
 *
 *     import.c             the way through, and reading the cluster
 *     import_release.c     which release
 *     import_components.c  which of its components
 *     import_settings.c    gateway, storage, target
 *     import_login.c       users, identity provider, address
 *     import_check.c       what a plan must not undo
 *     import_hcl.c         as HCL
 */
#ifndef KUBEFLOW_IMPORT_PARTS_H
#define KUBEFLOW_IMPORT_PARTS_H

#include <stdbool.h>

#include "lib/base/attr.h"
#include "lib/kube/applyset.h"
#include "resources/kubeflow/import.h"

#define IMPORT_GATEWAY   "Service/istio-system/istio-ingressgateway"
#define IMPORT_DEX       "ConfigMap/auth/dex"
#define IMPORT_PASSWORDS "Secret/auth/dex-passwords"

/* What there is. Pure functions work on it. */
struct import_cluster {
    const char *manager;
    char set_id[APPLYSET_ID_SIZE]; /* of our own platform: its members are no tool's */
    json_t *recorded;              /* the release that a parent of ours names, string; or NULL */
    json_t *live;     /* key -> object in full, of the few that tell settings and the release */
    json_t *classes;  /* array of StorageClasses */
    json_t *profiles; /* array of Profiles */
    json_t *rendered; /* component -> array of objects without settings; of the release */
    json_t *existing; /* key -> metadata: of those objects, the ones that are there */
};

/* The release by what is in the cluster. *ret_why: a heap string. */
int import_tell_release(const struct import_cluster *c, const struct catalog_release **ret_release,
                        char **ret_why, struct err *err) WARN_UNUSED;

/* Puts `components` and `existing` into the values. */
int import_tell_components(const struct import_cluster *c, struct import_found *f, struct err *err)
    WARN_UNUSED;

/* Put what the cluster says otherwise than the release into the values; notes what can't be put so. */
void import_tell_gateway(const struct import_cluster *c, struct import_found *f);
void import_tell_storage(const struct import_cluster *c, struct import_found *f);
void import_tell_login(const struct import_cluster *c, struct import_found *f);

/* An object as the release renders it without settings, by key; NULL when there is none. */
const json_t *import_rendered(const struct import_cluster *c, const char *key);

void import_note(struct import_found *f, const char *fmt, ...) PRINTF_FMT(2, 3);

#endif
