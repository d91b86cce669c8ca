/* render: what `kustomize build` prints, from our own renderer. */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/yaml_stream.h"
#include "provider/cli/cli.h"
#include "resources/kubeflow/manifests.h"

#include "lib/base/banned.h"

static int print_json(const json_t *objects, FILE *out, struct err *err)
{
    if (json_dumpf(objects, out, JSON_INDENT(2) | JSON_SORT_KEYS))
        return err_set(err, ERR_FAIL, "writing the output failed");
    fputc('\n', out);
    return 0;
}

static int print_yaml(const json_t *objects, FILE *out, struct err *err)
{
    return yaml_print_documents(objects, YAML_SORT_KEYS, out, err);
}

static const struct {
    const char *name;
    int (*print)(const json_t *objects, FILE *out, struct err *err);
} formats[] = {
    {"yaml", print_yaml},
    {"json", print_json},
};

static void warn(void *arg, const char *message)
{
    fprintf(arg, "warning: %s\n", message);
}

/* DIR, ARCHIVE[//path], URL[//path] or component@release; owner keeps a piece of the text alive. */
static struct manifests_request request_of(const char *what, char **owner)
{
    const char *at = strchr(what, '@');
    struct manifests_request r = {0};

    if (strstr(what, "://")) {
        r.url = what;
    } else if (at && !strchr(what, '/')) {
        *owner = mem_strndup(what, (size_t)(at - what));
        r.component = *owner;
        r.release = at + 1;
    } else {
        r.path = what;
    }
    return r;
}

static int render(struct cli *cli, const char *what, size_t format, struct err *err)
{
    struct source_cache_options options = {.getenv_fn = NULL};
    struct source_cache *sources CLEANUP(source_cache_cleanup) = source_cache_new(&options, err);
    struct manifests_warnings warnings = {warn, cli->err};
    char *owner CLEANUP(mem_cleanup) = NULL;
    struct manifests_request r = request_of(what, &owner);
    struct manifests m = {0};
    const char *attribute;
    int rc;

    if (!sources)
        return err->code;
    rc = manifests_build(sources, &r, &warnings, NULL, &m, &attribute, err);
    if (!rc)
        rc = formats[format].print(m.objects, cli->out, err);
    manifests_done(&m);
    if (!rc && (fflush(cli->out) || ferror(cli->out)))
        rc = err_set(err, ERR_FAIL, "writing the output failed");
    return rc;
}

static int run_render(struct cli *cli, int argc, char **argv)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    const char *what = NULL, *wanted = formats[0].name;
    size_t format = 0;

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-o") && i + 1 < argc)
            wanted = argv[++i];
        else if (!what && argv[i][0] != '-')
            what = argv[i];
        else
            return CLI_USAGE;
    }
    while (format < ARRAY_LEN(formats) && strcmp(formats[format].name, wanted))
        format++;
    if (!what || format == ARRAY_LEN(formats))
        return CLI_USAGE;
    if (render(cli, what, format, &err)) {
        fprintf(cli->err, "error: %s\n", err_msg(&err));
        return CLI_FAILED;
    }
    return CLI_OK;
}

const struct cli_command cli_render = {
    .name = "render",
    .arguments = "<dir|archive[//path]|url|component@release> [-o yaml|json]",
    .summary = "print the objects of a kustomization, as kustomize build does",
    .run = run_render,
};
