#include <curl/curl.h>
#include <stdarg.h>

#include "lib/base/dynload.h"
#include "lib/base/sonames.h"

#include "lib/base/banned.h"

/* since libcurl 8.0 a URL that is only read is const */
#if LIBCURL_VERSION_NUM < 0x080000
#define READ_URL CURLU
#else
#define READ_URL const CURLU
#endif

/* A name in parentheses isn't the macro by which curl.h checks what setopt and getinfo are given. */
#define RETURNS(type, name, parameters, arguments) NAME(name)
#define NOTHING(name, parameters, arguments)       NAME(name)
#define ONE_MORE(type, name, handle, option)       NAME(name)

static struct {
#define NAME(name) __typeof__((name)) *name;
#include "lib/base/dynload_curl.def"
#undef NAME
} loaded;

static const struct dynload_function functions[] = {
#define NAME(name) {#name, (void **)&loaded.name},
#include "lib/base/dynload_curl.def"
#undef NAME
};

#undef RETURNS
#undef NOTHING
#undef ONE_MORE

int dynload_curl(struct err *err)
{
    static struct dynload curl = {
        .soname = CURL_SONAME,
        .package = "the package libcurl4 (in Ubuntu 24.04 and later libcurl4t64)",
        .functions = functions,
        .nfunctions = ARRAY_LEN(functions),
        .lock = PTHREAD_MUTEX_INITIALIZER,
    };

    return dynload_open(&curl, err);
}

/* An option's argument is a long, a curl_off_t or a pointer: here one word, so it can be handed on
 * without a look at the option. */
_Static_assert(sizeof(long) == sizeof(void *) && sizeof(curl_off_t) == sizeof(void *), "one word");

#define RETURNS(type, name, parameters, arguments)                                                 \
    HIDDEN_SYMBOL type(name) parameters                                                            \
    {                                                                                              \
        return (loaded.name)arguments;                                                             \
    }
#define NOTHING(name, parameters, arguments)                                                       \
    HIDDEN_SYMBOL void(name) parameters                                                            \
    {                                                                                              \
        (loaded.name) arguments;                                                                   \
    }
#define ONE_MORE(type, name, handle_type, option_type)                                             \
    HIDDEN_SYMBOL type(name)(handle_type handle, option_type option, ...)                          \
    {                                                                                              \
        void *word;                                                                                \
        va_list ap;                                                                                \
                                                                                                   \
        va_start(ap, option);                                                                      \
        word = va_arg(ap, void *);                                                                 \
        va_end(ap);                                                                                \
        return (loaded.name)(handle, option, word);                                                \
    }
#include "lib/base/dynload_curl.def"
