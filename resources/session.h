/* What ConfigureProvider made: the connection to a cluster, where manifests come from, and the
 * limits that all operations share.
 *
 * A session may be made from a configuration that isn't wholly known (a plan before the cluster
 * exists). Then session_connection is SESSION_UNKNOWN: reads keep their state, plans leave
 * cluster_uid unknown, and nothing tries to connect. Connecting happens on first use, so that
 * planning a new resource needs no cluster. Thread-safe. */
#ifndef RESOURCES_SESSION_H
#define RESOURCES_SESSION_H

#include <stdint.h>

#include "lib/base/http.h"
#include "lib/kube/client.h"
#include "lib/tf/resource.h"
#include "resources/kubeflow/source.h"

#define SESSION_FIELD_MANAGER                                                                      \
    "terraform-provider-kubeflow" /* unless the configuration has another */

enum session_connection { SESSION_KNOWN, SESSION_UNKNOWN };

struct session;

extern const struct tf_schema session_schema; /* of the provider block */

/* tf_provider's callbacks. */
void session_validate(struct tf_context *ctx, const struct tf_value *config);
void *session_configure(struct tf_context *ctx, const struct tf_value *config,
                        const char *terraform_version);
void session_ref(void *session);
void session_unref(void *session);

enum session_connection session_connection(const struct session *s);

/* The client, made on first use; borrowed. An error names the attribute that is wrong, or says that
 * no cluster is configured and how to. */
int session_client(struct session *s, struct kube_client **ret_client, struct err *err) WARN_UNUSED;

/* What one operation of a run tells a later one of the same run: text under a name. The caller frees
 * what is taken; NULL when there is none. */
void session_leave(struct session *s, const char *name, const char *text);
char *session_take(struct session *s, const char *name);

struct source_cache *session_sources(struct session *s);
const char *session_field_manager(const struct session *s);
int64_t session_lock_timeout_ms(const struct session *s);

#endif
