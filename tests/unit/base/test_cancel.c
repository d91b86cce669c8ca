#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/cancel.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"

#include "lib/base/banned.h"

static void count(void *arg)
{
    __atomic_add_fetch((int *)arg, 1, __ATOMIC_SEQ_CST);
}

START_TEST(fires_once)
{
    struct cancel *c CLEANUP(cancel_cleanup) = cancel_new(NULL);
    int fired = 0, late = 0;

    ck_assert(!cancel_fired(c));
    cancel_watch(c, count, &fired);
    cancel_fire(c);
    cancel_fire(c);
    ck_assert(cancel_fired(c));
    ck_assert_int_eq(fired, 1);
    cancel_watch(c, count, &late); /* at once */
    ck_assert_int_eq(late, 1);
    ck_assert(!cancel_fired(NULL));
    cancel_free(NULL);
}
END_TEST

START_TEST(unwatched_arent_called)
{
    struct cancel *c CLEANUP(cancel_cleanup) = cancel_new(NULL);
    int a = 0, b = 0;
    uint64_t id = cancel_watch(c, count, &a);

    cancel_watch(c, count, &b);
    cancel_unwatch(c, id);
    cancel_unwatch(c, id); /* no harm */
    cancel_fire(c);
    ck_assert_int_eq(a, 0);
    ck_assert_int_eq(b, 1);
}
END_TEST

START_TEST(children_follow_their_parent)
{
    struct cancel *parent CLEANUP(cancel_cleanup) = cancel_new(NULL);
    struct cancel *a = cancel_new(parent), *b = cancel_new(parent), *grandchild = cancel_new(b);
    struct cancel *late;

    cancel_fire(a);
    ck_assert(cancel_fired(a));
    ck_assert(!cancel_fired(parent));
    ck_assert(!cancel_fired(b));
    cancel_free(a);
    cancel_fire(parent);
    ck_assert(cancel_fired(b));
    ck_assert(cancel_fired(grandchild));
    late = cancel_new(parent);
    ck_assert(cancel_fired(late));
    cancel_free(late);
    cancel_free(grandchild);
    cancel_free(b);
}
END_TEST

static void *fire_soon(void *c)
{
    usleep(30000);
    cancel_fire(c);
    return NULL;
}

START_TEST(sleep_ends_when_fired)
{
    struct cancel *c CLEANUP(cancel_cleanup) = cancel_new(NULL);
    int64_t start = clock_now_ms();
    pthread_t thread;

    ck_assert_int_eq(cancel_sleep(c, 10), 0);
    ck_assert_int_ge(clock_now_ms() - start, 10);
    ck_assert_int_eq(cancel_sleep(NULL, 10), 0);
    pthread_create(&thread, NULL, fire_soon, c);
    start = clock_now_ms();
    ck_assert_int_eq(cancel_sleep(c, 60000), ERR_CANCELLED);
    ck_assert_int_lt(clock_now_ms() - start, 10000);
    pthread_join(thread, NULL);
    ck_assert_int_eq(cancel_sleep(c, 60000), ERR_CANCELLED);
}
END_TEST

static bool stop;

static void *watch_and_unwatch(void *c)
{
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        int n = 0;
        uint64_t id = cancel_watch(c, count, &n);

        /* After this the stack variable may go away. */
        cancel_unwatch(c, id);
    }
    return NULL;
}

START_TEST(watching_from_many_threads)
{
    struct cancel *c = cancel_new(NULL);
    pthread_t threads[4];

    stop = false;
    for (size_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, watch_and_unwatch, c);
    usleep(20000);
    cancel_fire(c);
    usleep(20000);
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    cancel_free(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/cancel");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 30);
    tcase_add_test(t, fires_once);
    tcase_add_test(t, unwatched_arent_called);
    tcase_add_test(t, children_follow_their_parent);
    tcase_add_test(t, sleep_ends_when_fired);
    tcase_add_test(t, watching_from_many_threads);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
