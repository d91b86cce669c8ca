/* Resources and the ordered list of them that a render works on.
 *
 * A resource is an object (one jansson tree) with what kustomize keeps about it besides: every
 * identity that it has had, the prefixes and suffixes that its name was given, the vars that point
 * at it. An identity is group, version, kind, namespace and name; in a list no two resources have
 * the same one. Strings of identities are interned: compare the pointers. */
#ifndef KUSTOMIZE_RESMAP_H
#define KUSTOMIZE_RESMAP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/vec.h"
#include "lib/kustomize/context.h"
#include "lib/kustomize/fieldspec.h"

/* An identity. space is what namespaces are compared by: "default" for none, one word of its own for
 * cluster-scoped kinds. */
struct rid {
    const char *group, *version, *kind, *name, *namespace, *space;
    bool cluster; /* a built-in cluster-scoped kind, and a current identity */
};

enum behavior { BEHAVIOR_CREATE, BEHAVIOR_REPLACE, BEHAVIOR_MERGE };

struct strings {
    const char **at; /* interned */
    size_t len, cap;
};

struct resource {
    json_t *object;           /* NULL once it is deleted */
    const char *source;       /* file or generator that it came from, for messages */
    VEC(struct rid) previous; /* oldest first; group and version are always the current ones */
    struct strings prefixes, suffixes, vars;
    enum behavior behavior;
    bool needs_hash;
    bool aliased;                              /* may hold values in several places, see alias.h */
    bool allow_name_change, allow_kind_change; /* of patches */
    json_t *origin;                            /* or NULL */
    json_t *transformations;                   /* array, or NULL */
};

struct resmap {
    struct resource **at;
    size_t len, cap;
};

#define RESMAP_INIT                                                                                \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

/* --- resources -------------------------------------------------------------------------------- */

/* Steals object; lives until the context ends. */
struct resource *resource_new(struct context *ctx, json_t *object, const char *source);
void resource_done(struct resource *r); /* for the context */

struct resource *resource_copy(struct context *ctx, const struct resource *r); /* deep */

struct rid resource_id(struct context *ctx, const struct resource *r);          /* current */
struct rid resource_original_id(struct context *ctx, const struct resource *r); /* first of all */

/* Remembers the current identity before something changes it. */
void resource_store_id(struct context *ctx, struct resource *r);

bool resource_empty(const struct resource *r); /* deleted, or an object without members */

/* "Deployment kubeflow/katib-ui" for messages. Arena. */
const char *resource_label(struct context *ctx, const struct resource *r);

void strings_add(struct strings *list, const char *interned);

/* Equal as kustomize compares identities: group, version, kind, name and effective namespace. */
bool rid_equal(const struct rid *a, const struct rid *b);
bool rid_matches(const struct rid *id, const struct gvk_match *match);
const char *rid_label(struct context *ctx, const struct rid *id);
struct rid rid_make(struct context *ctx, const char *group, const char *version, const char *kind,
                    const char *name, const char *namespace);

/* --- the list ----------------------------------------------------------------------------------- */

void resmap_done(struct resmap *m); /* the array, not the resources */

/* ERR_INVALID when the identity is taken. */
int resmap_append(struct context *ctx, struct resmap *m, struct resource *r, struct err *err)
    WARN_UNUSED;
int resmap_append_all(struct context *ctx, struct resmap *m, const struct resmap *other,
                      struct err *err) WARN_UNUSED;

/* Checks that no two resources share an identity. */
int resmap_check(struct context *ctx, const struct resmap *m, struct err *err) WARN_UNUSED;

void resmap_push(struct resmap *m, struct resource *r); /* without the check */
void resmap_drop_empty(struct resmap *m);

/* Resources that have or had the identity; stops counting at 2. The first is *ret_first. */
size_t resmap_find_any(struct context *ctx, const struct resmap *m, const struct rid *id,
                       struct resource **ret_first);

/* Objects of a file's documents, checked (kind and name present) and with lists taken apart.
 * ERR_INVALID. */
int resmap_from_documents(struct context *ctx, const json_t *documents, const char *source,
                          struct resmap *ret_map, struct err *err) WARN_UNUSED;

#endif
