#include "resources/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/acceptance/probe/probe.h"

#include "lib/base/banned.h"

static const struct tf_attribute attributes[] = {
    {.name = "dir", .type = &tf_type_string, .flags = TF_OPTIONAL, .description = "where notes go"},
    {.name = "fail",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "validate or configure"},
    {.name = "warn",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "text of a warning"},
    TF_END,
};
static const struct tf_schema schema = {.block = {.attributes = attributes}};

static void validate(struct tf_context *ctx, const struct tf_value *config)
{
    if (!strcmp(tf_str(tf_get(config, "fail"), ""), "validate"))
        tf_error(ctx->diags, TF_ATTR("fail"), "Refused", "The configuration asked for it.");
}

static void *configure(struct tf_context *ctx, const struct tf_value *config,
                       const char *terraform_version)
{
    const char *warning = tf_str(tf_get(config, "warn"), NULL);
    struct probe *p;

    if (!strcmp(tf_str(tf_get(config, "fail"), ""), "configure")) {
        tf_error(ctx->diags, TF_ATTR("fail"), "No connection", "The configuration asked for it.");
        return NULL;
    }
    if (warning)
        tf_warning(ctx->diags, TF_ATTR("warn"), "Warned", "%s", warning);
    p = mem_calloc(1, sizeof(*p));
    p->refs = 1;
    p->dir = mem_strdup(tf_str(tf_get(config, "dir"), NULL));
    ctx->session = p;
    probe_note(ctx, "configure %s", terraform_version);
    return p;
}

static void session_ref(void *session)
{
    __atomic_add_fetch(&((struct probe *)session)->refs, 1, __ATOMIC_RELAXED);
}

static void session_unref(void *session)
{
    struct probe *p = session;

    if (__atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL))
        return;
    free(p->dir);
    free(p);
}

void probe_note(const struct tf_context *ctx, const char *fmt, ...)
{
    const struct probe *p = ctx->session;
    char *path CLEANUP(mem_cleanup) = NULL;
    char *text CLEANUP(mem_cleanup) = NULL;
    va_list ap;
    int fd;

    if (!p || !p->dir)
        return;
    va_start(ap, fmt);
    text = mem_vprintf(fmt, ap);
    va_end(ap);
    path = mem_printf("%s/notes", p->dir);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        bug("%s: %s", path, strerror(errno));
    dprintf(fd, "%s\n", text);
    close(fd);
}

char *probe_path(struct tf_context *ctx, const char *name)
{
    const struct probe *p = ctx->session;

    return arena_printf(ctx->arena, "%s/%s", p && p->dir ? p->dir : "/nonexistent", name);
}

const struct tf_provider *registry_provider(void)
{
    static const struct tf_resource *const resources[] = {&probe_object, &probe_types,
                                                          &probe_secret, &probe_upgraded, NULL};
    static const struct tf_data_source *const data_sources[] = {&probe_echo, NULL};
    static const struct tf_function *const functions[] = {&probe_join, &probe_refuse,
                                                          &probe_describe, NULL};
    static const struct tf_ephemeral *const ephemerals[] = {&probe_token, NULL};
    static const struct tf_provider provider = {
        .name = "probe",
        .version = PROVIDER_VERSION,
        .schema = &schema,
        .validate = validate,
        .configure = configure,
        .session_ref = session_ref,
        .session_unref = session_unref,
        .resources = resources,
        .data_sources = data_sources,
        .functions = functions,
        .ephemerals = ephemerals,
    };

    return &provider;
}
