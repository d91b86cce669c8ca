#include "lib/kube/quantity.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/attr.h"

#include "lib/base/banned.h"

/* Suffixes of resource.Quantity, longest first. */
static const struct {
    const char *suffix;
    double factor;
} suffixes[] = {
    {"Ki", 1024.0},
    {"Mi", 1048576.0},
    {"Gi", 1073741824.0},
    {"Ti", 1099511627776.0},
    {"Pi", 1125899906842624.0},
    {"Ei", 1152921504606846976.0},
    {"n", 1e-9},
    {"u", 1e-6},
    {"m", 1e-3},
    {"k", 1e3},
    {"M", 1e6},
    {"G", 1e9},
    {"T", 1e12},
    {"P", 1e15},
    {"E", 1e18},
    {"", 1.0},
};

bool kube_quantity(const json_t *v, double *ret)
{
    const char *text = json_string_value(v);
    char *end;

    if (json_is_number(v)) {
        *ret = json_number_value(v);
        return true;
    }
    /* strtod would also take hex, "inf" and white space. */
    if (!text || !text[0] || !strchr("+-.0123456789", text[0]) || strpbrk(text, "xX"))
        return false;
    *ret = strtod(text, &end);
    if (end == text)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        if (!strcmp(end, suffixes[i].suffix)) {
            *ret *= suffixes[i].factor;
            return true;
        }
    }
    return false;
}
