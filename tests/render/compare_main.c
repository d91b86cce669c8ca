/* compare: renders directories and compares each with what the reference printed.
 *
 *     compare [-m MIRROR] [-j THREADS] TREE REFERENCE < directories
 *
 * Reads paths of directories below TREE from standard input; REFERENCE/<path>/out.yaml is what the
 * reference printed for it and REFERENCE/<path>/rc its exit code. Objects are compared in order and
 * as JSON values. Prints one line for each directory that differs, and last
 * "render: N compared, N equal, N both refuse, N differ"; exits with 1 when some differ. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/vec.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"
#include "lib/kustomize/kustomize.h"
#include "tests/render/mirror.h"

#include "lib/base/banned.h"

enum outcome { EQUAL, BOTH_REFUSE, DIFFER, NOUTCOMES };

struct run {
    const char *tree_path;
    struct loader *tree, *reference, *mirror;
    VEC(char *) dirs;
    pthread_mutex_t lock;
    size_t next;
    size_t count[NOUTCOMES];
    bool verbose;
};

/* --- one directory ------------------------------------------------------------------------------ */

static int load_reference(struct run *run, const char *dir, bool *ret_refused, json_t **ret_objects,
                          struct err *err)
{
    char *rc_path CLEANUP(mem_cleanup) = mem_printf("%s/rc", dir);
    char *out_path CLEANUP(mem_cleanup) = mem_printf("%s/out.yaml", dir);
    const char *data;
    size_t len;
    int rc;

    if ((rc = loader_read(run->reference, rc_path, &data, &len, err)))
        return rc;
    *ret_refused = strtol(data, NULL, 10) != 0;
    if (*ret_refused)
        return 0;
    if ((rc = loader_read(run->reference, out_path, &data, &len, err)))
        return rc;
    return yaml_parse_all(data, len, out_path, ret_objects, err);
}

static int render(struct run *run, const char *dir, json_t **ret_objects, struct err *err)
{
    struct mirror mirror = {run->mirror, ""};
    struct kustomize_resolver resolver = {.resolve = mirror_resolve, .arg = &mirror};
    struct kustomize_options options = {.loader = run->tree, .path = dir};

    if (run->mirror)
        options.resolver = &resolver;
    return kustomize_build(&options, ret_objects, err);
}

static int first_difference(const char *path, const json_t *a, const json_t *b, void *arg)
{
    char *left CLEANUP(mem_cleanup) = a ? json_dumps(a, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    char *right CLEANUP(mem_cleanup) = b ? json_dumps(b, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

    buf_printf(arg, "%s: %.200s, reference %.200s", path, left ? left : "nothing",
               right ? right : "nothing");
    return 1;
}

static void describe(const json_t *object, struct buf *out)
{
    struct resid id = resid_of(object);

    if (object)
        resid_key(&id, out);
    else
        buf_puts(out, "nothing");
}

static enum outcome compare_objects(const json_t *ours, const json_t *theirs, struct buf *why)
{
    size_t n = json_array_size(ours), m = json_array_size(theirs);

    for (size_t i = 0; i < n || i < m; i++) {
        const json_t *a = json_array_get(ours, i), *b = json_array_get(theirs, i);
        struct resid left, right;

        if (a && b && json_equal(a, b))
            continue;
        buf_printf(why, "object %zu: ", i);
        describe(a, why);
        if (!a || !b)
            goto other;
        left = resid_of(a);
        right = resid_of(b);
        if (resid_cmp(&left, &right) != 0)
            goto other;
        krm_diff(a, b, first_difference, why);
        return DIFFER;
    other:
        buf_puts(why, ", reference ");
        describe(b, why);
        return DIFFER;
    }
    return EQUAL;
}

static enum outcome compare_dir(struct run *run, const char *dir, struct buf *why)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *ours = NULL, *theirs = NULL;
    bool refused = false;

    if (load_reference(run, dir, &refused, &theirs, &err)) {
        buf_printf(why, "reference: %s", err_msg(&err));
        return DIFFER;
    }
    if (render(run, dir, &ours, &err)) {
        buf_puts(why, err_msg(&err));
        return refused ? BOTH_REFUSE : DIFFER;
    }
    if (refused) {
        buf_puts(why, "the reference refuses it");
        return DIFFER;
    }
    return compare_objects(ours, theirs, why);
}

/* --- all of them -------------------------------------------------------------------------------- */

static void *work(void *arg)
{
    struct run *run = arg;

    for (;;) {
        struct buf why CLEANUP(buf_done) = BUF_INIT;
        enum outcome outcome;
        const char *dir;

        pthread_mutex_lock(&run->lock);
        dir = run->next < run->dirs.len ? run->dirs.at[run->next++] : NULL;
        pthread_mutex_unlock(&run->lock);
        if (!dir)
            return NULL;
        outcome = compare_dir(run, dir, &why);
        pthread_mutex_lock(&run->lock);
        run->count[outcome]++;
        if (outcome == DIFFER || (run->verbose && outcome == BOTH_REFUSE))
            printf("%s %s: %s\n", outcome == DIFFER ? "DIFFER" : "refuse", dir, buf_str(&why));
        pthread_mutex_unlock(&run->lock);
    }
}

static void read_dirs(struct run *run)
{
    char line[4096];

    while (fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = 0;
        if (*line)
            vec_push(&run->dirs, mem_strdup(line));
    }
}

static void run_all(struct run *run, int threads)
{
    pthread_t ids[64];
    int n = 0;

    if (threads > (int)ARRAY_LEN(ids))
        threads = ARRAY_LEN(ids);
    while (n < threads && pthread_create(&ids[n], NULL, work, run) == 0)
        n++;
    if (!n)
        work(run);
    while (n)
        pthread_join(ids[--n], NULL);
}

static int open_all(struct run *run, char **argv, const char *mirror, struct err *err)
{
    int rc;

    if ((rc = loader_open_dir(argv[0], &run->tree, err)) ||
        (rc = loader_open_dir(argv[1], &run->reference, err)))
        return rc;
    return mirror ? loader_open_dir(mirror, &run->mirror, err) : 0;
}

int main(int argc, char **argv)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct run run = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const char *mirror = NULL;
    long threads = sysconf(_SC_NPROCESSORS_ONLN);
    int c;

    while ((c = getopt(argc, argv, "m:j:v")) != -1) {
        if (c == 'm')
            mirror = optarg;
        else if (c == 'j')
            threads = strtol(optarg, NULL, 10);
        else if (c == 'v')
            run.verbose = true;
        else
            return 2;
    }
    if (argc - optind != 2) {
        fprintf(stderr, "usage: compare [-m MIRROR] [-j THREADS] [-v] TREE REFERENCE < dirs\n");
        return 2;
    }
    json_object_seed(1);
    if (open_all(&run, argv + optind, mirror, &err)) {
        fprintf(stderr, "compare: %s\n", err_msg(&err));
        return 2;
    }
    read_dirs(&run);
    run_all(&run, (int)threads);
    printf("render: %zu compared, %zu equal, %zu both refuse, %zu differ\n", run.dirs.len,
           run.count[EQUAL], run.count[BOTH_REFUSE], run.count[DIFFER]);
    for (size_t i = 0; i < run.dirs.len; i++)
        free(run.dirs.at[i]);
    vec_done(&run.dirs);
    loader_free(run.tree);
    loader_free(run.reference);
    loader_free(run.mirror);
    return run.count[DIFFER] ? 1 : 0;
}
