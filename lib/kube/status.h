/* The API server's Status objects: a code to branch on and words to read. Pure. */
#ifndef KUBE_STATUS_H
#define KUBE_STATUS_H

#include <jansson.h>

#include "lib/base/buf.h"
#include "lib/kube/client.h"

/* Makes the object that a failed answer is told from: the Status itself, or, when something else
 * answered (a proxy's page, "404 page not found"), a Status that holds the start of its text. */
json_t *kube_status_parse(int http, const char *text, size_t len);

/* Reads the members; everything is borrowed from body, which may be any JSON. */
void kube_status_read(int http, const json_t *body, struct kube_status *ret_status);

/* The err_code of an answer; 0 for 2xx. */
int kube_status_code(const struct kube_status *s);

/* The message for people: fields that others own by name and owner ("field .spec.replicas is owned
 * by kubectl"), otherwise the server's message. Appends. */
void kube_status_words(const struct kube_status *s, struct buf *out);

/* The owner of a field that a FieldManagerConflict cause names, in a borrowed span of its message;
 * false when the message has another form. */
bool kube_status_cause_manager(const json_t *cause, const char **ret_name, size_t *ret_len);

#endif
