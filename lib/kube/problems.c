#include "lib/kube/problems.h"

#include <stdlib.h>

#include "lib/base/mem.h"

#include "lib/base/banned.h"

void kube_problems_add(struct kube_problems *p, int code, const char *key, char *text)
{
    /* What concerns no single object, such as the advice what to do, is said in any case. */
    if (p->len >= KUBE_MAX_PROBLEMS && key[0]) {
        free(text);
        return;
    }
    p->at = mem_realloc(p->at, (p->len + 1) * sizeof(*p->at));
    p->at[p->len++] = (struct kube_problem){code, mem_strdup(key), text};
}

int kube_problems_add_err(struct kube_problems *p, const struct err *err)
{
    kube_problems_add(p, err->code, "", mem_strdup(err_msg(err)));
    return err->code;
}

void kube_problems_take(struct kube_problems *p, struct kube_problems *src)
{
    for (size_t i = 0; i < src->len; i++) {
        kube_problems_add(p, src->at[i].code, src->at[i].key, src->at[i].text);
        free(src->at[i].key);
    }
    free(src->at);
    src->at = NULL;
    src->len = 0;
}

int kube_problems_code(const struct kube_problems *p)
{
    return p->len ? p->at[0].code : 0;
}

void kube_problems_done(struct kube_problems *p)
{
    for (size_t i = 0; i < p->len; i++) {
        free(p->at[i].key);
        free(p->at[i].text);
    }
    free(p->at);
    p->at = NULL;
    p->len = 0;
}
