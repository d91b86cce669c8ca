/* render: prints what a kustomization renders to.
 *
 *     render [-o yaml|json|none] [-m MIRROR] [-n TIMES] [-w] DIR
 *
 * -m  directory that answers for remote resources, see mirror.h
 * -n  renders so many times, for measuring
 * -w  prints warnings */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/krm/yaml_stream.h"
#include "lib/kustomize/kustomize.h"
#include "tests/render/mirror.h"

#include "lib/base/banned.h"

static void warn(void *arg, const char *message)
{
    fprintf(arg, "warning: %s\n", message);
}

static int print(const json_t *objects, const char *format, struct err *err)
{
    if (strcmp(format, "json"))
        return yaml_print_documents(objects, YAML_SORT_KEYS, stdout, err);
    json_dumpf(objects, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
    putchar('\n');
    return 0;
}

struct arguments {
    const char *format, *mirror, *dir;
    int times;
    bool warnings;
};

static int parse(int argc, char **argv, struct arguments *a)
{
    int c;

    *a = (struct arguments){.format = "yaml", .times = 1};
    while ((c = getopt(argc, argv, "o:m:n:w")) != -1) {
        if (c == 'o')
            a->format = optarg;
        else if (c == 'm')
            a->mirror = optarg;
        else if (c == 'n')
            a->times = (int)strtol(optarg, NULL, 10);
        else if (c == 'w')
            a->warnings = true;
        else
            return -1;
    }
    a->dir = argv[optind];
    return a->dir ? 0 : -1;
}

/* The whole file system is the tree, so that bases may be anywhere, as for the reference. */
static int render(const struct arguments *a, struct err *err)
{
    struct loader *root CLEANUP(loader_cleanup) = NULL, *far CLEANUP(loader_cleanup) = NULL;
    struct mirror mirror = {NULL, ""};
    struct kustomize_resolver resolver = {.resolve = mirror_resolve, .arg = &mirror};
    struct kustomize_options options = {.warn = a->warnings ? warn : NULL, .warn_arg = stderr};
    char dir[PATH_MAX];
    json_auto_t *objects = NULL;
    int rc;

    if (!realpath(a->dir, dir))
        return err_errno(err, ERR_NOT_FOUND, "%s", a->dir);
    if ((rc = loader_open_dir("/", &root, err)) ||
        (a->mirror && (rc = loader_open_dir(a->mirror, &far, err))))
        return rc;
    mirror.loader = far;
    options.loader = root;
    options.path = dir + 1;
    options.resolver = far ? &resolver : NULL;
    rc = kustomize_build(&options, &objects, err);
    return rc || strcmp(a->format, "none") == 0 ? rc : print(objects, a->format, err);
}

int main(int argc, char **argv)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct arguments a;
    int rc = 0;

    if (parse(argc, argv, &a)) {
        fprintf(stderr, "usage: render [-o yaml|json|none] [-m MIRROR] [-n TIMES] [-w] DIR\n");
        return 2;
    }
    for (int i = 0; i < a.times && !rc; i++)
        rc = render(&a, &err);
    if (rc)
        fprintf(stderr, "error: %s\n", err_msg(&err));
    return rc ? 1 : 0;
}
