#include <check.h>
#include <pthread.h>

#include "lib/base/cancel.h"
#include "provider/plugin/pool.h"

#include "lib/base/banned.h"

#define MAX_WORKERS 8

static struct pool *pool;
static struct cancel *gate; /* work waits for it */
static int started, finished;

static void setup(void)
{
    pool = pool_new(MAX_WORKERS);
    gate = cancel_new(NULL);
    started = finished = 0;
}

static void teardown(void)
{
    cancel_fire(gate);
    pool_free(pool);
    cancel_free(gate);
}

static void wait_at_gate(void *arg)
{
    (void)arg;
    __atomic_add_fetch(&started, 1, __ATOMIC_SEQ_CST);
    (void)cancel_sleep(gate, -1);
    __atomic_add_fetch(&finished, 1, __ATOMIC_SEQ_CST);
}

static void eventually(const int *counter, int wanted)
{
    for (int i = 0; i < 1000 && __atomic_load_n(counter, __ATOMIC_SEQ_CST) != wanted; i++)
        (void)cancel_sleep(NULL, 5);
    ck_assert_int_eq(__atomic_load_n(counter, __ATOMIC_SEQ_CST), wanted);
}

START_TEST(one_worker_per_work_that_blocks)
{
    for (int i = 0; i < MAX_WORKERS; i++)
        pool_submit(pool, wait_at_gate, NULL);
    eventually(&started, MAX_WORKERS);
    ck_assert_uint_eq(pool_workers(pool), MAX_WORKERS);
}
END_TEST

START_TEST(work_above_the_cap_waits_and_is_done)
{
    for (int i = 0; i < 3 * MAX_WORKERS; i++)
        pool_submit(pool, wait_at_gate, NULL);
    eventually(&started, MAX_WORKERS);
    (void)cancel_sleep(NULL, 50);
    ck_assert_int_eq(__atomic_load_n(&started, __ATOMIC_SEQ_CST), MAX_WORKERS);
    cancel_fire(gate);
    eventually(&finished, 3 * MAX_WORKERS);
    ck_assert_uint_eq(pool_workers(pool), MAX_WORKERS);
}
END_TEST

START_TEST(idle_workers_are_used_again)
{
    cancel_fire(gate);
    for (int i = 1; i <= 50; i++) {
        pool_submit(pool, wait_at_gate, NULL);
        eventually(&finished, i);
        (void)cancel_sleep(NULL, 2); /* to become idle */
    }
    ck_assert_uint_lt(pool_workers(pool), MAX_WORKERS);
}
END_TEST

START_TEST(free_waits_for_what_was_submitted)
{
    cancel_fire(gate);
    for (int i = 0; i < 1000; i++)
        pool_submit(pool, wait_at_gate, NULL);
    pool_free(pool);
    pool = NULL;
    ck_assert_int_eq(finished, 1000);
}
END_TEST

/* Deep recursion of rendering and parsing needs stack. */
static void use_stack(void *arg)
{
    volatile char frame[1 << 20];

    (void)arg;
    for (size_t i = 0; i < sizeof(frame); i += 4096)
        frame[i] = 1;
    __atomic_add_fetch(&finished, frame[0], __ATOMIC_SEQ_CST);
}

START_TEST(a_megabyte_of_stack)
{
    pool_submit(pool, use_stack, NULL);
    eventually(&finished, 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pool");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, one_worker_per_work_that_blocks);
    tcase_add_test(t, work_above_the_cap_waits_and_is_done);
    tcase_add_test(t, idle_workers_are_used_again);
    tcase_add_test(t, free_waits_for_what_was_submitted);
    tcase_add_test(t, a_megabyte_of_stack);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
