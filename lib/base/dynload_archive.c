#include <archive.h>
#include <archive_entry.h>

#include "lib/base/dynload.h"
#include "lib/base/sonames.h"

#include "lib/base/banned.h"

static struct {
#define FUNCTION(type, name, parameters, arguments) __typeof__(name) *name;
#include "lib/base/dynload_archive.def"
#undef FUNCTION
} loaded;

static const struct dynload_function functions[] = {
#define FUNCTION(type, name, parameters, arguments) {#name, (void **)&loaded.name},
#include "lib/base/dynload_archive.def"
#undef FUNCTION
};

int dynload_archive(struct err *err)
{
    static struct dynload archive = {
        .soname = ARCHIVE_SONAME,
        .package = "the package libarchive13 (in Ubuntu 24.04 and later libarchive13t64)",
        .functions = functions,
        .nfunctions = ARRAY_LEN(functions),
        .lock = PTHREAD_MUTEX_INITIALIZER,
    };

    return dynload_open(&archive, err);
}

#define FUNCTION(type, name, parameters, arguments)                                                \
    HIDDEN_SYMBOL type name parameters                                                             \
    {                                                                                              \
        return loaded.name arguments;                                                              \
    }
#include "lib/base/dynload_archive.def"
