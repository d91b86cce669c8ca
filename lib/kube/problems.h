/* What went wrong, object by object: an operation on many objects doesn't end with the first error. */
#ifndef KUBE_PROBLEMS_H
#define KUBE_PROBLEMS_H

#include <stddef.h>

#include "lib/base/err.h"

#define KUBE_MAX_PROBLEMS 50 /* of objects, in one list; more of them would tell nobody more */

struct kube_problem {
    int code;   /* err_code */
    char *key;  /* "apps/Deployment/kubeflow/katib-ui"; "" when it concerns no single object */
    char *text; /* what is wrong and what to do; may have several lines */
};

struct kube_problems {
    struct kube_problem *at; /* owned */
    size_t len;
};

void kube_problems_add(struct kube_problems *p, int code, const char *key, char *text /* taken */);

/* Adds err's text, of no single object, and returns its code. */
int kube_problems_add_err(struct kube_problems *p, const struct err *err);

/* Moves all of src behind those of p. */
void kube_problems_take(struct kube_problems *p, struct kube_problems *src);

/* The first one's code, 0 when there is none. */
int kube_problems_code(const struct kube_problems *p);

void kube_problems_done(struct kube_problems *p); /* empty and usable again */

#endif
