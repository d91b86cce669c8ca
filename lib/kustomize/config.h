/* Transformer configuration: the field specs in force at a directory.
 *
 * Immutable: merging makes a new one in the arena and shares the lists that don't change. The rules
 * of merging are the reference's, oddities included: of two specs with the same path the later one
 * is dropped when an earlier one is at least as narrow, so a spec for one kind can hide the general
 * one of a parent. */
#ifndef KUSTOMIZE_CONFIG_H
#define KUSTOMIZE_CONFIG_H

#include "lib/kustomize/fieldspec.h"

enum config_list {
    CONFIG_NAME_PREFIX,
    CONFIG_NAME_SUFFIX,
    CONFIG_NAMESPACE,
    CONFIG_COMMON_LABELS,
    CONFIG_LABELS,
    CONFIG_TEMPLATE_LABELS,
    CONFIG_COMMON_ANNOTATIONS,
    CONFIG_VAR_REFERENCE,
    CONFIG_IMAGES,
    CONFIG_REPLICAS,
    CONFIG_NLISTS,
};

/* Where objects of a kind are referred to by name. */
struct backref {
    struct gvk_match target;
    struct fieldspecs referrers;
    int order;
    const char *sort_key;
};

struct config {
    struct fieldspecs lists[CONFIG_NLISTS];
    const struct backref *backrefs;
    size_t nbackrefs;
};

extern const struct config config_empty;

const struct config *config_make_default(struct context *ctx);

/* ERR_INVALID for two specs of one field that disagree on `create`. */
int config_merge(struct context *ctx, const struct config *a, const struct config *b,
                 const struct config **ret_config, struct err *err) WARN_UNUSED;

/* Appends to a list under the same rule. */
int fieldspecs_merge(struct context *ctx, struct fieldspecs a, struct fieldspecs b,
                     struct fieldspecs *ret_specs, struct err *err) WARN_UNUSED;

/* A configuration file; unknown fields are errors. */
int config_from_json(struct context *ctx, const json_t *doc, const struct config **ret_config,
                     struct err *err) WARN_UNUSED;

#define CRD_MAX_DEPTH 32 /* definitions that refer to each other */
/* Properties looked at by one render, each as often as a path leads to it: where definitions refer
 * twice to the next, every level doubles them. */
#define CRD_MAX_PROPERTIES 100000
/* Fields that definitions add to the configuration of one render: each addition copies the list. */
#define CRD_MAX_FIELDS 1000

/* The configuration that the OpenAPI definitions of `crds:` imply (x-kubernetes-annotation and the
 * like). */
int config_from_crds(struct context *ctx, const json_t *definitions,
                     const struct config **ret_config, struct err *err) WARN_UNUSED;

#endif
