/* The contract between Terraform's operations (operation.h) and what authors write: one struct per
 * managed resource, data source, function, ephemeral resource, and one for the provider.
 *
 * Every callback gets a context and reports through its diagnostics; none returns an error code.
 * A NULL callback means "nothing special". Callbacks run at the same time on several threads;
 * what they share is in the session. */
#ifndef TF_RESOURCE_H
#define TF_RESOURCE_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/cancel.h"
#include "lib/tf/diag.h"
#include "lib/tf/schema.h"

struct tf_context {
    struct arena *arena;   /* lives as long as the RPC */
    struct cancel *cancel; /* fires on StopProvider or when the client goes away */
    struct tf_diags *diags;
    void *session;           /* what configure made; NULL before ConfigureProvider */
    bool write_only_allowed; /* the client stores no write-only values (Terraform 1.11+) */
};

enum tf_action { TF_CREATE, TF_UPDATE, TF_DELETE, TF_NO_OP };

/* Planning. `planned` comes in with defaults set, write-only values nulled, computed attributes
 * unknown if anything differs (or the prior value if nothing does, or TF_KEEP_STATE says so); the
 * callback replaces it. For TF_DELETE it is null and must stay so. */
struct tf_plan {
    enum tf_action action;         /* before the callback; replacement is decided after it */
    const struct tf_value *config; /* with unknowns and write-only values; null for TF_DELETE */
    const struct tf_value *prior;  /* null for TF_CREATE */
    const struct tf_value *planned;
    json_t *private_state; /* in: prior private (may be NULL); out: planned private.
                              Owned by the operation: replace with json_decref + new */
    const struct tf_path **requires_replace; /* added by tf_plan_requires_replace */
    size_t nrequires_replace;
};
void tf_plan_requires_replace(struct tf_context *ctx, struct tf_plan *plan,
                              const struct tf_path *path);

/* Applying. The callback sets `state` to what really is there, also when it reports an error; with
 * an error the state may have unknowns, which become the prior value or null. Any other break of
 * the rules (unknown after success, a write-only value, a wrong type, another value than planned)
 * is repaired as far as possible and reported, so nothing that was made is ever lost from state.
 * state == NULL: nothing exists (create, delete), or nothing changed (update, or delete with an
 * error: prior is kept, and planned_private with it unless private_state says otherwise).
 * Without a callback, what Terraform remembers is all there is: the plan becomes the state. */
struct tf_apply {
    const struct tf_value *config;  /* wholly known; null when deleting */
    const struct tf_value *prior;   /* null when creating */
    const struct tf_value *planned; /* null when deleting */
    json_t *planned_private;        /* may be NULL; borrowed */
    const struct tf_value *state;   /* out */
    json_t *private_state;          /* out, owned by the operation after the call; NULL = none */
};

struct tf_read {
    const struct tf_value *state; /* in: current; out: new, or NULL when the object is gone */
    json_t *private_state;        /* in and out, owned by the operation */
};

struct tf_import {
    const char *id;
    const struct tf_value *state; /* out; comes in with every attribute null */
    json_t *private_state;        /* out */
};

struct tf_resource {
    const char *type_name;
    const struct tf_schema *schema;
    /* After the schema's own checks; config may hold unknowns anywhere. Runs without a session. */
    void (*validate)(struct tf_context *ctx, const struct tf_value *config);
    void (*plan)(struct tf_context *ctx, struct tf_plan *plan);
    void (*create)(struct tf_context *ctx, struct tf_apply *op);
    void (*read)(struct tf_context *ctx, struct tf_read *op);
    void (*update)(struct tf_context *ctx, struct tf_apply *op);
    void (*remove)(struct tf_context *ctx, struct tf_apply *op);
    void (*import)(struct tf_context *ctx, struct tf_import *op);
};

struct tf_data_source {
    const char *type_name;
    const struct tf_schema *schema;
    void (*validate)(struct tf_context *ctx, const struct tf_value *config);
    /* config is wholly known; returns the state, or NULL after an error. */
    const struct tf_value *(*read)(struct tf_context *ctx, const struct tf_value *config);
};

struct tf_parameter {
    const char *name;
    const struct tf_type *type;
    const char *description;
    bool allow_null;
};

struct tf_function {
    const char *name;
    const char *summary, *description;
    const struct tf_parameter *parameters; /* ends with a NULL name */
    const struct tf_parameter *variadic;   /* or NULL */
    const struct tf_type *result;
    /* The result, or NULL with *ret_argument (-1 = none) and err set. Pure; no session. */
    const struct tf_value *(*call)(struct tf_context *ctx, const struct tf_value *const *args,
                                   size_t nargs, int64_t *ret_argument, struct err *err);
};

struct tf_ephemeral {
    const char *type_name;
    const struct tf_schema *schema;
    void (*validate)(struct tf_context *ctx, const struct tf_value *config);
    /* The result, or NULL after an error. *ret_renew_at: seconds of the Unix clock, 0 = never. */
    const struct tf_value *(*open)(struct tf_context *ctx, const struct tf_value *config,
                                   int64_t *ret_renew_at, json_t **ret_private);
    void (*renew)(struct tf_context *ctx, int64_t *ret_renew_at, json_t **private_state);
    void (*close)(struct tf_context *ctx, json_t *private_state);
};

/* Everything the provider offers. The lists end with NULL. */
struct tf_provider {
    const char *name, *version;
    const struct tf_schema *schema;
    void (*validate)(struct tf_context *ctx, const struct tf_value *config);
    /* A new session with one reference, or NULL after an error. config may hold unknowns.
     * ctx->session is NULL. Called again for each client in reattach mode. */
    void *(*configure)(struct tf_context *ctx, const struct tf_value *config,
                       const char *terraform_version);
    void (*session_ref)(void *session);
    void (*session_unref)(void *session);
    const struct tf_resource *const *resources;
    const struct tf_data_source *const *data_sources;
    const struct tf_function *const *functions;
    const struct tf_ephemeral *const *ephemerals;
};

#endif
