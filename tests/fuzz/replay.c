/* Runs a fuzz target on every file of the folders (or single files) given, without a fuzzer:
 *
 *     fuzz_yaml tests/fuzz/corpus/yaml */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/attr.h"
#include "lib/base/mem.h"
#include "tests/fuzz/fuzz.h"

#include "lib/base/banned.h"

/* 0, or -1 when the file can't be read. The buffer is exactly as large as the input, so that the
 * sanitizer sees every byte read behind it. */
static int run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    uint8_t *data;
    size_t size;

    if (!f)
        return -1;
    if (fstat(fileno(f), &st)) {
        fclose(f);
        return -1;
    }
    data = mem_alloc((size_t)st.st_size);
    size = fread(data, 1, (size_t)st.st_size, f);
    fclose(f);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 0;
}

static int run(const char *path, size_t *count);

static int run_entries(const char *path, struct dirent **entries, int n, size_t *count)
{
    int rc = 0;

    for (int i = 0; i < n; i++) {
        if (!rc && entries[i]->d_name[0] != '.') {
            char *child CLEANUP(mem_cleanup) = mem_printf("%s/%s", path, entries[i]->d_name);

            rc = run(child, count);
        }
        free(entries[i]);
    }
    return rc;
}

static int run(const char *path, size_t *count)
{
    struct dirent **entries = NULL;
    struct stat st;
    int rc, n;

    if (stat(path, &st)) {
        perror(path);
        return -1;
    }
    if (!S_ISDIR(st.st_mode)) {
        rc = run_file(path);
        if (rc)
            perror(path);
        ++*count;
        return rc;
    }
    n = scandir(path, &entries, NULL, alphasort);
    if (n < 0) {
        perror(path);
        return -1;
    }
    rc = run_entries(path, entries, n, count);
    free(entries);
    return rc;
}

int main(int argc, char **argv)
{
    size_t count = 0;

    for (int i = 1; i < argc; i++)
        if (run(argv[i], &count))
            return EXIT_FAILURE;
    printf("%s: %zu inputs\n", argv[0], count);
    return count ? EXIT_SUCCESS : EXIT_FAILURE;
}
