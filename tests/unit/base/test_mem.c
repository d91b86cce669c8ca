#include <check.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/mem.h"

#include "lib/base/banned.h"

START_TEST(strings)
{
    char *a = mem_strdup("text"), *b = mem_strndup("text", 2), *c = mem_printf("%d-%s", 7, "x");

    ck_assert_str_eq(a, "text");
    ck_assert_str_eq(b, "te");
    ck_assert_str_eq(c, "7-x");
    ck_assert_ptr_null(mem_strdup(NULL));
    free(a);
    free(b);
    mem_free_secret(c);
    mem_free_secret(NULL);
}
END_TEST

START_TEST(sizes_of_zero_are_allowed)
{
    void *a = mem_alloc(0), *b = mem_calloc(0, 8), *c = mem_realloc(NULL, 0);

    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert_ptr_nonnull(c);
    free(a);
    free(b);
    free(c);
}
END_TEST

START_TEST(wipes)
{
    char secret[] = "secret";

    mem_wipe(secret, 3);
    ck_assert_mem_eq(secret, "\0\0\0ret", 7);
}
END_TEST

START_TEST(absurd_sizes_abort)
{
    free(mem_alloc(SIZE_MAX));
}
END_TEST

START_TEST(arenas_give_aligned_zeroes)
{
    struct arena *a CLEANUP(arena_cleanup) = arena_new();
    unsigned char *last = NULL;
    bool dirty = false;

    /* Sizes on both sides of what gets a chunk of its own, many times. */
    for (size_t i = 0; i < 2000; i++) {
        size_t size = i % 7 ? i % 300 : 3000 + i;
        unsigned char *p = arena_alloc(a, size);

        ck_assert_uint_eq((uintptr_t)p % 16, 0);
        for (size_t j = 0; j < size; j++)
            dirty = dirty || p[j];
        ck_assert(!dirty);
        memset(p, 0xff, size);
        ck_assert_ptr_ne(p, last);
        last = size ? p : last;
    }
}
END_TEST

START_TEST(arena_strings)
{
    struct arena *a CLEANUP(arena_cleanup) = arena_new();
    const char *s = arena_strdup(a, "one");

    ck_assert_str_eq(arena_printf(a, "%s-%d", s, 2), "one-2");
    ck_assert_str_eq(arena_strndup(a, "abcdef", 3), "abc");
    ck_assert_ptr_null(arena_strdup(a, NULL));
    ck_assert_str_eq(s, "one");
}
END_TEST

static char order[8];

static void note(void *arg)
{
    size_t n = strlen(order);

    order[n] = *(const char *)arg;
    order[n + 1] = '\0';
}

START_TEST(deferred_run_newest_first)
{
    static char a[] = "a", b[] = "b", c[] = "c";
    struct arena *arena = arena_new();

    order[0] = '\0';
    arena_defer(arena, note, a);
    arena_defer(arena, note, b);
    arena_defer(arena, note, c);
    arena_free(arena);
    ck_assert_str_eq(order, "cba");
    arena_free(NULL);
}
END_TEST

START_TEST(absurd_arena_sizes_abort)
{
    struct arena *a CLEANUP(arena_cleanup) = arena_new();

    ck_assert_ptr_null(arena_calloc(a, SIZE_MAX / 2, 4));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/mem");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 30);
    tcase_add_test(t, strings);
    tcase_add_test(t, sizes_of_zero_are_allowed);
    tcase_add_test(t, wipes);
    tcase_add_test_raise_signal(t, absurd_sizes_abort, SIGABRT);
    tcase_add_test(t, arenas_give_aligned_zeroes);
    tcase_add_test(t, arena_strings);
    tcase_add_test(t, deferred_run_newest_first);
    tcase_add_test_raise_signal(t, absurd_arena_sizes_abort, SIGABRT);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
