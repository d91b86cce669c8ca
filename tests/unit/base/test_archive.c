#include <archive.h>
#include <archive_entry.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/archive.h"
#include "lib/base/hash.h"

#include "lib/base/banned.h"

#define MAX_PACKED ((size_t)4 << 20)

enum kind { END, FILE_ENTRY, DIR_ENTRY, LINK, HARD, FIFO, DEVICE };

struct item {
    enum kind kind;
    const char *path, *text; /* content, or target */
};

enum format { TAR, TAR_GZ, ZIP };

static char packed[MAX_PACKED];
static size_t packed_len;

static const mode_t types[] = {
    [FILE_ENTRY] = AE_IFREG, [DIR_ENTRY] = AE_IFDIR, [LINK] = AE_IFLNK,
    [HARD] = AE_IFREG,       [FIFO] = AE_IFIFO,      [DEVICE] = AE_IFCHR,
};

static void pack_entry(struct archive *a, const struct item *i, time_t mtime)
{
    struct archive_entry *e = archive_entry_new();

    archive_entry_set_pathname(e, i->path);
    archive_entry_set_filetype(e, types[i->kind]);
    archive_entry_set_perm(e, 0644);
    archive_entry_set_mtime(e, mtime, 0);
    if (i->kind == LINK)
        archive_entry_set_symlink(e, i->text);
    else if (i->kind == HARD)
        archive_entry_set_hardlink(e, i->text);
    else if (i->kind == FILE_ENTRY)
        archive_entry_set_size(e, (la_int64_t)strlen(i->text));
    ck_assert_int_ge(archive_write_header(a, e), ARCHIVE_WARN);
    if (i->kind == FILE_ENTRY)
        ck_assert_int_ge(archive_write_data(a, i->text, strlen(i->text)), 0);
    archive_entry_free(e);
}

static void pack_at(enum format format, const struct item *items, time_t mtime)
{
    struct archive *a = archive_write_new();

    if (format == ZIP)
        archive_write_set_format_zip(a);
    else
        archive_write_set_format_pax_restricted(a);
    if (format == TAR_GZ)
        archive_write_add_filter_gzip(a);
    ck_assert_int_eq(archive_write_open_memory(a, packed, sizeof(packed), &packed_len), 0);
    for (; items->kind != END; items++)
        pack_entry(a, items, mtime);
    ck_assert_int_eq(archive_write_close(a), 0);
    archive_write_free(a);
}

static void pack(enum format format, const struct item *items)
{
    pack_at(format, items, 1000000000);
}

static struct filetree tree;
static struct err err;

static void setup(void)
{
    memset(&tree, 0, sizeof(tree));
    memset(&err, 0, sizeof(err));
}

static void teardown(void)
{
    filetree_done(&tree);
    err_done(&err);
}

/* Unpacks and compares with "path=content" pairs, in order, separated by spaces. */
static void check_tree(bool strip_root, const char *expected)
{
    char text[2048];
    size_t len = 0;

    ck_assert_msg(!archive_unpack(packed, packed_len, "a.tgz", strip_root, &tree, &err), "%s",
                  err_msg(&err));
    text[0] = '\0';
    for (size_t i = 0; i < tree.len; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s=%s", i ? " " : "",
                                tree.at[i].path, tree.at[i].data);
    ck_assert_str_eq(text, expected);
    filetree_done(&tree);
}

static void check_refused(int code, const char *message)
{
    int rc = archive_unpack(packed, packed_len, "a.tgz", true, &tree, &err);

    ck_assert_msg(rc == code, "%d instead of %d: %s", rc, code, err_msg(&err));
    ck_assert_str_eq(err_msg(&err), message);
    err_done(&err);
}

START_TEST(reads_each_format)
{
    static const struct item items[] = {
        {DIR_ENTRY, "b/", NULL},     {FILE_ENTRY, "b/two", "2"}, {FILE_ENTRY, "a", "one"},
        {FILE_ENTRY, "b/empty", ""}, {DIR_ENTRY, "c/", NULL},    {END, NULL, NULL},
    };

    for (enum format f = TAR; f <= ZIP; f++) {
        pack(f, items);
        check_tree(false, "a=one b/empty= b/two=2");
    }
}
END_TEST

START_TEST(strips_a_common_root)
{
    static const struct item github[] = {
        {DIR_ENTRY, "repo-1.0/", NULL},
        {FILE_ENTRY, "repo-1.0/x/y", "1"},
        {LINK, "repo-1.0/link", "x/y"},
        {HARD, "repo-1.0/hard", "repo-1.0/x/y"},
        {END, NULL, NULL},
    };
    static const struct item dotted[] = {
        {FILE_ENTRY, "./top/x", "1"}, {FILE_ENTRY, "top//y", "2"}, {END, NULL, NULL}};
    static const struct item two[] = {
        {FILE_ENTRY, "top/x", "1"}, {FILE_ENTRY, "top-2/x", "2"}, {END, NULL, NULL}};
    static const struct item single[] = {{FILE_ENTRY, "file", "1"}, {END, NULL, NULL}};

    pack(TAR_GZ, github);
    check_tree(true, "hard=1 link=1 x/y=1");
    check_tree(false, "repo-1.0/hard=1 repo-1.0/link=1 repo-1.0/x/y=1");
    pack(TAR, dotted);
    check_tree(true, "x=1 y=2");
    pack(TAR, two);
    check_tree(true, "top-2/x=2 top/x=1");
    pack(TAR, single);
    check_tree(true, "file=1");
}
END_TEST

START_TEST(leaves_out_git)
{
    static const struct item items[] = {{FILE_ENTRY, "t/.git/config", "x"},
                                        {FILE_ENTRY, "t/sub/.git", "gitdir: elsewhere"},
                                        {FILE_ENTRY, "t/.gitignore", "*"},
                                        {END, NULL, NULL}};

    pack(TAR, items);
    check_tree(true, ".gitignore=*");
}
END_TEST

START_TEST(follows_links)
{
    static const struct item items[] = {
        {FILE_ENTRY, "base/k.yaml", "k"},
        {FILE_ENTRY, "base/sub/s", "s"},
        {LINK, "base/sub/up", "../k.yaml"},
        {LINK, "alias", "base"},
        {LINK, "chain", "alias/sub/up"},
        {LINK, "round", "base/../base/./sub"},
        {LINK, "dangling", "nothing/here"},
        {LINK, "through", "alias/../base/k.yaml"},
        {END, NULL, NULL},
    };

    pack(TAR, items);
    check_tree(false, "alias/k.yaml=k alias/sub/s=s alias/sub/up=k base/k.yaml=k base/sub/s=s "
                      "base/sub/up=k chain=k round/s=s round/up=k through=k");
}
END_TEST

START_TEST(refuses_paths_that_leave)
{
    static const struct {
        struct item items[3];
        const char *message;
    } cases[] = {
        {{{FILE_ENTRY, "/etc/passwd", "x"}, {END, NULL, NULL}},
         "a.tgz: /etc/passwd: absolute path"},
        {{{FILE_ENTRY, "a/../../b", "x"}, {END, NULL, NULL}}, "a.tgz: a/../../b: path with \"..\""},
        {{{FILE_ENTRY, "a/../b", "x"}, {END, NULL, NULL}}, "a.tgz: a/../b: path with \"..\""},
        {{{LINK, "l", "/etc/passwd"}, {END, NULL, NULL}}, "a.tgz: l: link to an absolute path"},
        {{{LINK, "l", "../x"}, {END, NULL, NULL}}, "a.tgz: l: link that leaves the tree"},
        {{{LINK, "d/l", "../../x"}, {FILE_ENTRY, "e", ""}, {END, NULL, NULL}},
         "a.tgz: d/l: link that leaves the tree"},
        {{{FIFO, "p", NULL}, {END, NULL, NULL}}, "a.tgz: p: a device, pipe or socket"},
        {{{DEVICE, "c", NULL}, {END, NULL, NULL}}, "a.tgz: c: a device, pipe or socket"},
        {{{FILE_ENTRY, "x", "1"}, {HARD, "h", "../x"}, {END, NULL, NULL}},
         "a.tgz: h: path with \"..\""},
        {{{HARD, "h", "gone"}, {FILE_ENTRY, "x", "1"}, {END, NULL, NULL}},
         "a.tgz: h: second name of a file that isn't there"},
        {{{FILE_ENTRY, "x\xff", "1"}, {END, NULL, NULL}}, "a.tgz: x\xef\xbf\xbd: path isn't UTF-8"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        pack(TAR, cases[i].items);
        check_refused(ERR_INVALID, cases[i].message);
    }
}
END_TEST

START_TEST(refuses_names_that_clash)
{
    static const struct item twice[] = {{FILE_ENTRY, "d/a", "1"},
                                        {FILE_ENTRY, "d/./a", "2"},
                                        {FILE_ENTRY, "e", ""},
                                        {END, NULL, NULL}};
    static const struct item both[] = {{FILE_ENTRY, "d", "1"},
                                       {FILE_ENTRY, "d-", "1"},
                                       {FILE_ENTRY, "d/a", "2"},
                                       {END, NULL, NULL}};
    static const struct item linked[] = {{FILE_ENTRY, "real/a", "1"},
                                         {LINK, "l", "real"},
                                         {FILE_ENTRY, "l/a", "2"},
                                         {END, NULL, NULL}};

    pack(TAR, twice);
    check_refused(ERR_INVALID, "a.tgz: d/a: occurs twice");
    pack(ZIP, both);
    check_refused(ERR_INVALID, "a.tgz: d: is a file and a directory");
    pack(TAR, linked);
    check_refused(ERR_INVALID, "a.tgz: l/a: occurs twice");
}
END_TEST

START_TEST(refuses_links_in_circles)
{
    static const struct item itself[] = {
        {LINK, "a", "a"}, {FILE_ENTRY, "f", ""}, {END, NULL, NULL}};
    static const struct item pair[] = {
        {LINK, "a", "b"}, {LINK, "b", "a"}, {FILE_ENTRY, "f", ""}, {END, NULL, NULL}};
    static const struct item up[] = {
        {LINK, "d/up", ".."}, {FILE_ENTRY, "d/f", ""}, {FILE_ENTRY, "g", ""}, {END, NULL, NULL}};
    static const struct item mutual[] = {{LINK, "a/x", "../b"},
                                         {LINK, "b/y", "../a"},
                                         {LINK, "a/z", "../b"},
                                         {LINK, "b/w", "../a"},
                                         {END, NULL, NULL}};

    pack(TAR, itself);
    check_refused(ERR_INVALID, "a.tgz: a: link that leads back to itself");
    pack(TAR, pair);
    check_refused(ERR_INVALID, "a.tgz: a: link that leads back to itself");
    pack(TAR, up);
    check_refused(ERR_INVALID, "a.tgz: d/up: link that leads back to itself");
    pack(TAR, mutual);
    ck_assert_int_eq(archive_unpack(packed, packed_len, "a.tgz", false, &tree, &err), ERR_INVALID);
}
END_TEST

/* Two links in each directory, both to the next one: every level doubles the names. */
START_TEST(refuses_links_that_multiply_names)
{
    struct filetree_builder *b = filetree_builder_new();
    char name[64], target[64];

    for (int i = 0; i < 39; i++) {
        for (int j = 0; j < 2; j++) {
            snprintf(name, sizeof(name), "d%d/%d%s", i, j, "-long-name-of-a-link-in-a-directory");
            snprintf(target, sizeof(target), "../d%d", i + 1);
            ck_assert_int_eq(filetree_add_link(b, name, target, &err), 0);
        }
    }
    ck_assert_int_eq(filetree_add_file(b, "d39/f", "", 0, &err), 0);
    ck_assert_int_eq(filetree_build(b, false, &tree, &err), ERR_LIMIT);
    filetree_builder_free(b);
}
END_TEST

START_TEST(refuses_bombs)
{
    char *zeros = mem_alloc(FILETREE_MAX_FILE + 2);
    struct item items[] = {{FILE_ENTRY, "zeros", zeros}, {END, NULL, NULL}};

    memset(zeros, '0', FILETREE_MAX_FILE + 1);
    zeros[FILETREE_MAX_FILE / 2] = '\0';
    pack(TAR_GZ, items);
    check_refused(ERR_LIMIT, "a.tgz: zeros: unpacks to more than 200 times the archive's size");
    pack(ZIP, items);
    check_refused(ERR_LIMIT, "a.tgz: zeros: unpacks to more than 200 times the archive's size");
    free(zeros);
}
END_TEST

START_TEST(refuses_what_is_no_archive)
{
    static const struct item items[] = {{FILE_ENTRY, "a", "some text to be cut off"},
                                        {END, NULL, NULL}};

    packed_len = (size_t)snprintf(packed, sizeof(packed), "<html>Sign in</html>");
    ck_assert_int_eq(archive_unpack(packed, packed_len, "a.tgz", true, &tree, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "a.tgz: not a readable .tar.gz, .tar or .zip"));
    ck_assert_int_eq(archive_unpack("", 0, "a.tgz", true, &tree, &err), ERR_INVALID);
    pack(TAR_GZ, items);
    for (size_t len = 0; len < packed_len; len++)
        ck_assert_int_ne(archive_unpack(packed, len, "a.tgz", true, &tree, NULL), 0);
}
END_TEST

/* The digest is worked out here by its definition. */
START_TEST(digest_is_as_defined)
{
    static const struct item items[] = {{FILE_ENTRY, "r/b/c", "hello"},
                                        {FILE_ENTRY, "r/a", ""},
                                        {FILE_ENTRY, "r/b-", "x"},
                                        {END, NULL, NULL}};
    static const char spelled[] = "a\0"
                                  "0\0"
                                  "b-\0"
                                  "1\0x"
                                  "b/c\0"
                                  "5\0hello";
    char hex[HASH_HEX_SIZE], expected[FILETREE_DIGEST_SIZE], got[FILETREE_DIGEST_SIZE];

    hash_sha256_hex(spelled, sizeof(spelled) - 1, hex);
    snprintf(expected, sizeof(expected), "sha256:%s", hex);
    pack(TAR_GZ, items);
    ck_assert_int_eq(archive_unpack(packed, packed_len, "a", true, &tree, &err), 0);
    filetree_digest(&tree, got);
    ck_assert_str_eq(got, expected);
}
END_TEST

START_TEST(digest_ignores_how_it_was_packed)
{
    static const struct item one[] = {{DIR_ENTRY, "r-1.0/", NULL},
                                      {FILE_ENTRY, "r-1.0/a", "1"},
                                      {FILE_ENTRY, "r-1.0/d/b", "2"},
                                      {END, NULL, NULL}};
    static const struct item other[] = {{FILE_ENTRY, "x/d/b", "2"},
                                        {DIR_ENTRY, "x/empty/", NULL},
                                        {FILE_ENTRY, "x/a", "1"},
                                        {END, NULL, NULL}};
    static const struct item linked[] = {
        {FILE_ENTRY, "d/b", "2"}, {FILE_ENTRY, "a", "1"}, {LINK, "e", "d/b"}, {END, NULL, NULL}};
    static const struct item copied[] = {{FILE_ENTRY, "d/b", "2"},
                                         {FILE_ENTRY, "a", "1"},
                                         {FILE_ENTRY, "e", "2"},
                                         {END, NULL, NULL}};
    char digests[4][FILETREE_DIGEST_SIZE];

    pack_at(TAR_GZ, one, 1);
    ck_assert_int_eq(archive_unpack(packed, packed_len, "a", true, &tree, &err), 0);
    filetree_digest(&tree, digests[0]);
    filetree_done(&tree);
    pack_at(ZIP, other, 1700000000);
    ck_assert_int_eq(archive_unpack(packed, packed_len, "b", true, &tree, &err), 0);
    filetree_digest(&tree, digests[1]);
    filetree_done(&tree);
    ck_assert_str_eq(digests[0], digests[1]);
    pack(TAR, linked);
    ck_assert_int_eq(archive_unpack(packed, packed_len, "c", true, &tree, &err), 0);
    filetree_digest(&tree, digests[2]);
    filetree_done(&tree);
    pack(TAR, copied);
    ck_assert_int_eq(archive_unpack(packed, packed_len, "d", true, &tree, &err), 0);
    filetree_digest(&tree, digests[3]);
    ck_assert_str_eq(digests[2], digests[3]);
    ck_assert_str_ne(digests[0], digests[2]);
}
END_TEST

START_TEST(finds_files_and_directories)
{
    static const struct item items[] = {{FILE_ENTRY, "a/b/c", "1"},
                                        {FILE_ENTRY, "a-b", "2"},
                                        {FILE_ENTRY, "z", ""},
                                        {END, NULL, NULL}};

    pack(TAR, items);
    ck_assert_int_eq(archive_unpack(packed, packed_len, "a", false, &tree, &err), 0);
    ck_assert_ptr_nonnull(filetree_find(&tree, "a/b/c"));
    ck_assert_ptr_null(filetree_find(&tree, "a/b"));
    ck_assert(filetree_is_dir(&tree, ""));
    ck_assert(filetree_is_dir(&tree, "a"));
    ck_assert(filetree_is_dir(&tree, "a/b"));
    ck_assert(!filetree_is_dir(&tree, "a/b/c"));
    ck_assert(!filetree_is_dir(&tree, "b"));
    ck_assert(!filetree_is_dir(&tree, "z"));
}
END_TEST

/* "d/d/.../f", depth elements long. Heap string. */
static char *deep_path(size_t depth)
{
    char *path = mem_alloc(2 * depth);

    for (size_t i = 0; i < depth; i++)
        memcpy(path + 2 * i, "d/", 2);
    path[2 * depth - 1] = '\0';
    return path;
}

START_TEST(keeps_its_limits)
{
    struct filetree_builder *b = filetree_builder_new();
    char *deepest CLEANUP(mem_cleanup) = deep_path(FILETREE_MAX_DEPTH);
    char *deeper CLEANUP(mem_cleanup) = deep_path(FILETREE_MAX_DEPTH + 1);
    char *name CLEANUP(mem_cleanup) = mem_alloc(FILETREE_MAX_PATH + 2);
    char number[16];

    memset(name, 'n', FILETREE_MAX_PATH + 1);
    name[FILETREE_MAX_PATH + 1] = '\0';
    ck_assert_int_eq(filetree_add_file(b, name, "", 0, &err), ERR_LIMIT);
    ck_assert_int_eq(filetree_add_link(b, "l", name, &err), ERR_LIMIT);
    ck_assert_int_eq(filetree_add_file(b, name + 1, "", 0, &err), 0);
    ck_assert_int_eq(filetree_add_file(b, deeper, "", 0, &err), ERR_LIMIT);
    ck_assert_int_eq(filetree_add_file(b, deepest, "", 0, &err), 0);
    ck_assert_int_eq(filetree_add_file(b, "big", "", FILETREE_MAX_FILE + 1, &err), ERR_LIMIT);
    for (int i = 2; i < FILETREE_MAX_ENTRIES; i++) {
        snprintf(number, sizeof(number), "x/%d", i);
        ck_assert_int_eq(filetree_add_file(b, number, "", 0, &err), 0);
    }
    ck_assert_int_eq(filetree_add_file(b, "one-more", "", 0, &err), ERR_LIMIT);
    ck_assert_int_eq(filetree_build(b, false, &tree, &err), 0);
    ck_assert_uint_eq(tree.len, FILETREE_MAX_ENTRIES);
    filetree_done(&tree);
    /* Links that double a directory of that size. */
    for (int i = 0; i < FILETREE_MAX_ENTRIES / 2; i++) {
        snprintf(number, sizeof(number), "x/%d", i);
        ck_assert_int_eq(filetree_add_file(b, number, "", 0, &err), 0);
    }
    ck_assert_int_eq(filetree_add_link(b, "y", "x", &err), 0);
    ck_assert_int_eq(filetree_add_link(b, "z", "x", &err), 0);
    ck_assert_int_eq(filetree_build(b, false, &tree, &err), ERR_LIMIT);
    filetree_builder_free(b);
}
END_TEST

static void write_text(const char *dir, const char *name, const char *text)
{
    char *path CLEANUP(mem_cleanup) = mem_printf("%s/%s", dir, name);
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

START_TEST(directory_gives_the_archives_tree)
{
    static const struct item items[] = {{FILE_ENTRY, "r/a", "1"},
                                        {FILE_ENTRY, "r/d/b", "2"},
                                        {LINK, "r/l", "d"},
                                        {END, NULL, NULL}};
    char dir[] = "/tmp/test_archive.XXXXXX", one[FILETREE_DIGEST_SIZE], two[FILETREE_DIGEST_SIZE];
    char *sub CLEANUP(mem_cleanup) = NULL, *link CLEANUP(mem_cleanup) = NULL;
    char *git CLEANUP(mem_cleanup) = NULL, *pipe_path CLEANUP(mem_cleanup) = NULL;
    char *clear CLEANUP(mem_cleanup) = NULL;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    sub = mem_printf("%s/d", dir);
    link = mem_printf("%s/l", dir);
    git = mem_printf("%s/.git", dir);
    pipe_path = mem_printf("%s/p", dir);
    mkdir(sub, 0755);
    mkdir(git, 0755);
    write_text(dir, "a", "1");
    write_text(sub, "b", "2");
    write_text(git, "config", "not part of it");
    ck_assert_int_eq(symlink("d", link), 0);
    ck_assert_msg(!filetree_read_dir(dir, &tree, &err), "%s", err_msg(&err));
    filetree_digest(&tree, one);
    filetree_done(&tree);
    pack(TAR_GZ, items);
    ck_assert_int_eq(archive_unpack(packed, packed_len, "a", true, &tree, &err), 0);
    filetree_digest(&tree, two);
    filetree_done(&tree);
    ck_assert_str_eq(one, two);

    ck_assert_int_eq(mkfifo(pipe_path, 0600), 0);
    ck_assert_int_eq(filetree_read_dir(dir, &tree, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "/test_archive."));
    ck_assert_ptr_nonnull(strstr(err_msg(&err), ": p: a device, pipe or socket"));
    unlink(pipe_path);
    unlink(link);
    ck_assert_int_eq(symlink("../..", link), 0);
    ck_assert_int_eq(filetree_read_dir(dir, &tree, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_msg(&err), ": l: link that leaves the tree"));
    clear = mem_printf("%s/none", dir);
    ck_assert_int_eq(filetree_read_dir(clear, &tree, &err), ERR_NOT_FOUND);
    unlink(link);
    for (size_t i = 0; i < 3; i++) {
        static const char *const files[] = {"a", "d/b", ".git/config"};
        char *path CLEANUP(mem_cleanup) = mem_printf("%s/%s", dir, files[i]);

        unlink(path);
    }
    rmdir(sub);
    rmdir(git);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/archive");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, reads_each_format);
    tcase_add_test(t, strips_a_common_root);
    tcase_add_test(t, leaves_out_git);
    tcase_add_test(t, follows_links);
    tcase_add_test(t, refuses_paths_that_leave);
    tcase_add_test(t, refuses_names_that_clash);
    tcase_add_test(t, refuses_links_in_circles);
    tcase_add_test(t, refuses_links_that_multiply_names);
    tcase_add_test(t, refuses_bombs);
    tcase_add_test(t, refuses_what_is_no_archive);
    tcase_add_test(t, digest_is_as_defined);
    tcase_add_test(t, digest_ignores_how_it_was_packed);
    tcase_add_test(t, keeps_its_limits);
    tcase_add_test(t, finds_files_and_directories);
    tcase_add_test(t, directory_gives_the_archives_tree);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
