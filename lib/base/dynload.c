#include "lib/base/dynload.h"

#include <dlfcn.h>

#include "lib/base/banned.h"

static const char *why(void)
{
    const char *text = dlerror();

    return text ? text : "no reason given";
}

static int load(struct dynload *lib, struct err *err)
{
    void *handle = dlopen(lib->soname, RTLD_NOW | RTLD_LOCAL);

    if (!handle)
        return err_set(err, ERR_FAIL, "%s can't be loaded (%s); install %s", lib->soname, why(),
                       lib->package);
    for (size_t i = 0; i < lib->nfunctions; i++) {
        const struct dynload_function *f = &lib->functions[i];

        *f->at = dlsym(handle, f->name);
        if (!*f->at) {
            err_set(err, ERR_FAIL, "%s is too old (%s); install a newer one: %s", lib->soname,
                    why(), lib->package);
            dlclose(handle);
            return ERR_FAIL;
        }
    }
    return 0;
}

int dynload_open(struct dynload *lib, struct err *err)
{
    int rc = 0;

    pthread_mutex_lock(&lib->lock);
    if (!lib->loaded)
        rc = load(lib, err);
    lib->loaded = !rc;
    pthread_mutex_unlock(&lib->lock);
    return rc;
}
