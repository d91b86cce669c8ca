/* What Terraform asks of a resource, free of the wire: validation, planning, applying, reading,
 * importing and upgrading, as terraform-plugin-framework does them. provider/rpc decodes a request,
 * calls one of these and encodes the answer.
 *
 * The promise: whatever a callback does, the outcome is a value that Terraform accepts. Planned
 * values differ from config only where core allows it; results are wholly known, write-only
 * members null; a break of the rules by our own code becomes an error diagnostic together with
 * the best state that can be kept. */
#ifndef TF_OPERATION_H
#define TF_OPERATION_H

#include "lib/tf/resource.h"

/* Schema-level checks: required and unknown-free as far as known, validators, write-only use with
 * a client that would store it, deprecations (warnings); then the author's validate. */
void tf_validate_resource(struct tf_context *ctx, const struct tf_resource *r,
                          const struct tf_value *config);
void tf_validate_config(struct tf_context *ctx, const struct tf_schema *s,
                        const struct tf_value *config);

/* The framework's algorithm: proposed -> defaults -> null write-only -> unknown computed if anything
 * differs from prior -> keep-state -> author's plan -> requires_replace from schema flags whose
 * value differs. plan->config, prior and private_state come in set; proposed is core's proposal. */
void tf_plan_resource(struct tf_context *ctx, const struct tf_resource *r,
                      const struct tf_value *proposed, struct tf_plan *plan);

/* Dispatches to create, update or remove; afterwards op->state is what must be sent (never NULL on
 * a create or update that left something behind; the type's null after a removal). */
void tf_apply_resource(struct tf_context *ctx, const struct tf_resource *r, struct tf_apply *op);

/* On error the old state is kept. */
void tf_read_resource(struct tf_context *ctx, const struct tf_resource *r, struct tf_read *op);

void tf_import_resource(struct tf_context *ctx, const struct tf_resource *r, struct tf_import *op);

/* raw_json is the state as stored, of schema version `version`. NULL after an error. */
const struct tf_value *tf_upgrade_state(struct tf_context *ctx, const struct tf_schema *s,
                                        int64_t version, const char *raw_json, size_t len);

/* A result before it is sent: decoded again from its own encoding, nothing unknown (unless
 * allow_unknown), write-only members null. 0, or ERR_INVALID that names the path. */
int tf_verify_encoded(const struct tf_schema *s, const void *msgpack, size_t len,
                      bool allow_unknown, struct err *err) WARN_UNUSED;

/* Private state: a JSON object as bytes. NULL object gives no bytes; broken bytes give NULL and a
 * warning, never an error, because refusing would lock the user out. */
void tf_private_encode(const json_t *private_state, struct buf *out);
json_t *tf_private_decode(const void *data, size_t len, struct tf_diags *diags);

#endif
