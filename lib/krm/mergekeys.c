#include "lib/krm/mergekeys.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/attr.h"

#include "lib/base/banned.h"

struct merge_root {
    const char *api_version, *kind, *type;
};

static const struct merge_root roots[] = {
#define MERGE_ROOT(api_version, kind, type) {api_version, kind, type},
#include "lib/krm/mergekeys.def"
#undef MERGE_ROOT
};

static const struct merge_field fields[] = {
#define MERGE_FIELD(type, field, child, keys) {type, field, child, keys},
#include "lib/krm/mergekeys.def"
#undef MERGE_FIELD
};

static int root_cmp(const void *a, const void *b)
{
    const struct merge_root *x = a, *y = b;
    int c = strcmp(x->api_version, y->api_version);

    return c ? c : strcmp(x->kind, y->kind);
}

static int field_cmp(const void *a, const void *b)
{
    const struct merge_field *x = a, *y = b;
    int c = strcmp(x->type, y->type);

    return c ? c : strcmp(x->name, y->name);
}

const char *mergekeys_root(const char *api_version, const char *kind)
{
    struct merge_root key = {api_version, kind, NULL};
    const struct merge_root *r = bsearch(&key, roots, ARRAY_LEN(roots), sizeof(*roots), root_cmp);

    return r ? r->type : NULL;
}

const struct merge_field *mergekeys_field(const char *type, const char *name)
{
    struct merge_field key = {type, name, NULL, NULL};

    return type ? bsearch(&key, fields, ARRAY_LEN(fields), sizeof(*fields), field_cmp) : NULL;
}
