/* Between the messages of the wire and lib/tf. What is made lives in the arena; texts that come
 * from static tables are borrowed. */
#ifndef RPC_CONVERT_H
#define RPC_CONVERT_H

#include "lib/tf/resource.h"
#include "proto/tfplugin6.pb-c.h"

/* Every schema has a block and every function a return type: Terraform crashes without them. */
Tfplugin6__Schema *convert_schema(struct arena *a, const struct tf_schema *s);
Tfplugin6__Function *convert_function(struct arena *a, const struct tf_function *f);

/* NULL for the path of the whole object. */
Tfplugin6__AttributePath *convert_path(struct arena *a, const struct tf_path *p);

/* The count and, in *ret_list, the array; texts are made valid UTF-8. */
size_t convert_diags(struct arena *a, const struct tf_diags *d, Tfplugin6__Diagnostic ***ret_list);

/* A string field of the wire: valid UTF-8, never NULL; a copy only if it must be changed. */
char *convert_text(struct arena *a, const char *s);

/* A value as msgpack; t is the type of its slot. */
Tfplugin6__DynamicValue *convert_value(struct arena *a, const struct tf_value *v,
                                       const struct tf_type *t);

/* msgpack or JSON; a message that is missing or empty is the null of the type. */
int convert_dynamic(struct arena *a, const Tfplugin6__DynamicValue *d, const struct tf_type *t,
                    const struct tf_value **ret_value, struct err *err) WARN_UNUSED;

/* The bytes of a buffer, handed to the arena; the buffer is empty afterwards. */
ProtobufCBinaryData convert_bytes(struct arena *a, struct buf *b);

#endif
