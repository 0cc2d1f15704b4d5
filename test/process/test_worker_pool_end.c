/* SPDX-License-Identifier: MIT */
/* test_worker_pool_end.c - the end of pools of worker processes: closed, freed, with a scope, with the reactor, for
 * want of memory (P9). */
#include "worker_pool_support.h"

/* ------------------------------------------------------------------------------------------------- the end */

START_TEST(closing_finishes_the_queue_and_reaps) /* P9 */
{
    options.workers = 2;
    make_pool(NULL);
    for (int i = 0; i < 5; i++) {
        note(submit("ab"));
    }
    note_named(bight_worker_pool_close(pool), "closed:");
    note_named(bight_worker_pool_close(pool), "closed:");
    note_named(submit("late"), "late:");
    UNTIL(words() == 8);
    ck_heard("late:CLOSED 'ba' 'ba' 'ba' 'ba' 'ba' closed:- closed:-");
    ck_assert(!has_children());
    note(bight_worker_pool_close(pool));
    ck_heard("-");
}
END_TEST

START_TEST(a_cancelled_last_job_lets_a_closing_pool_end) /* P9 */
{
    options.workers = 1;
    make_pool(NULL);
    note(submit("ab"));
    struct bight_deferred *waiting = submit("cd");
    note_named(bight_worker_pool_close(pool), "closed:");
    bight_deferred_cancel(waiting);
    bight_deferred_release(waiting);
    UNTIL(words() == 2);
    ck_heard("'ba' closed:-");
}
END_TEST

START_TEST(an_unused_pool_closes_at_once) /* P9 */
{
    make_pool(NULL);
    note(bight_worker_pool_close(pool));
    ck_heard("-");
}
END_TEST

START_TEST(freeing_abandons_the_jobs_and_kills_the_workers) /* P9, D28 */
{
    options.workers = 1;
    make_pool(NULL);
    note(submit("hang"));
    note(submit("ab"));
    note_named(bight_worker_pool_close(pool), "closed:");
    bight_worker_pool_free(pool);
    pool = NULL;
    ck_heard("ABANDONED ABANDONED");
    UNTIL(is_heard());
    ck_heard("closed:-");
    ck_assert(!has_children());
}
END_TEST

static void free_pool(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
    bight_worker_pool_free(pool);
    pool = NULL;
    hear("freed");
}

START_TEST(the_pool_may_be_freed_in_any_handler) /* P9, T22 */
{
    static const char *const jobs[] = { "ab", "fail x", "die exit", "die abort" };
    for (int i = 0; i < 5; i++) {
        options.workers = 2;
        options.job_seconds = 10;
        make_pool(NULL);
        struct bight_deferred *first = i < 4 ? submit(jobs[i]) : bight_worker_pool_close(pool);
        bight_deferred_add_both(first, free_pool, NULL);
        bight_deferred_release(first);
        if (i < 4) {
            note(submit("hang"));
            note(submit("ab"));
            note(submit("ab"));
        }
        UNTIL(pool == NULL);
        heard[0] = '\0';
    }
}
END_TEST

static void cancel_other(struct bight_result *result, void *other)
{
    bight_result_clear(result);
    bight_deferred_cancel(other);
}

START_TEST(a_handler_may_cancel_another_job_while_all_are_failed) /* P9 */
{
    options.workers = 1;
    make_pool(NULL);
    struct bight_deferred *running = submit("hang"), *second = submit("2"), *third = submit("3");
    bight_deferred_add_both(running, cancel_other, second);
    bight_deferred_add_both(second, cancel_other, third);
    bight_deferred_add_both(third, note_result, NULL);
    bight_worker_pool_free(pool);
    pool = NULL;
    ck_heard("CANCELLED");
    bight_deferred_release(running);
    bight_deferred_release(second);
    bight_deferred_release(third);
}
END_TEST

START_TEST(a_scope_closes_and_aborts_a_pool) /* D37 */
{
    struct bight_scope *scope = bight_scope_new(bight_reactor_clock(reactor));
    make_pool(NULL);
    ck_assert_int_eq(bight_worker_pool_join_scope(pool, scope), 0);
    note(submit("hang"));
    note_named(bight_scope_close(scope, 0.1), "closed:");
    UNTIL(words() == 2);
    ck_heard("CANCELLED closed:-");
    ck_assert(!has_children());
    ck_assert_int_eq(bight_worker_pool_join_scope(pool, scope), BIGHT_E_CANCELLED);
    bight_scope_free(scope);
}
END_TEST

START_TEST(a_worker_that_does_not_end_is_killed) /* P9 */
{
    static char silent[] = "silent";
    options.workers = 1;
    make_pool(silent);
    note(submit("ab"));
    UNTIL(is_heard());
    note_named(bight_worker_pool_close(pool), "closed:");
    bight_worker_pool_free(pool);
    pool = NULL;
    UNTIL(words() == 2);
    ck_heard("'ba' closed:-");
}
END_TEST

START_TEST(the_end_of_the_reactor_ends_workers_and_jobs) /* P9, R3 */
{
    options.workers = 1;
    make_pool(NULL);
    note(submit("hang"));
    note(submit("ab"));
    bight_reactor_free(reactor);
    ck_heard("SHUTDOWN SHUTDOWN");
    ck_assert(!has_children());
    bight_worker_pool_free(pool);
    pool = NULL;
    reactor = bight_reactor_new();
}
END_TEST

START_TEST(no_descriptor_is_left) /* P9 */
{
    bight_reactor_free(reactor);
    int before = count_descriptors();
    reactor = bight_reactor_new();
    make_pool(NULL);
    note(submit("ab"));
    note(submit("die exit"));
    note(bight_worker_pool_close(pool));
    tick(NULL);
    UNTIL(words() == 3);
    bight_worker_pool_free(pool);
    pool = NULL;
    bight_reactor_free(reactor);
    ck_assert_int_eq(count_descriptors(), before);
    reactor = bight_reactor_new();
}
END_TEST

/* ------------------------------------------------------------------------------------------------- memory */

static bool work_once(void *context)
{
    static const char *const quick[] = { "ASAN_OPTIONS=detect_leaks=0", NULL };
    (void)context;
    heard[0] = '\0';
    reactor = bight_reactor_new();
    if (reactor == NULL) {
        return true;
    }
    options.workers = 1;
    options.death_limit = 1; /* no pauses */
    options.environment = quick;
    make_pool(NULL);
    if (pool != NULL) {
        note(submit("ab"));
        note(submit("fail x"));
        note(submit("die exit"));
        struct bight_deferred *closed = bight_worker_pool_close(pool);
        note(closed);
        time_t end = time(NULL) + 15;
        while ((words() < 4 || has_children()) && time(NULL) < end) {
            bi_reactor_turn(reactor, false);
            sched_yield();
        }
        bight_worker_pool_free(pool);
        pool = NULL;
    }
    bool good = bight_testing_fault_injected() || strcmp(heard, "'ba' APPLICATION PROCESS_TERMINATED -") == 0;
    bight_reactor_free(reactor);
    return good && !has_children() && (words() == 4 || words() == 0);
}

START_TEST(every_lack_of_memory_is_survived) /* D34 */
{
    tear_down_pool();
    ck_assert_uint_eq(bight_testing_with_faults(work_once, NULL, 0), 0);
    strcpy(directory, "/tmp/bight-pool-XXXXXX");
    pool = NULL;
    set_up_pool();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up_pool, tear_down_pool);
    tcase_add_test(tests, closing_finishes_the_queue_and_reaps);
    tcase_add_test(tests, a_cancelled_last_job_lets_a_closing_pool_end);
    tcase_add_test(tests, an_unused_pool_closes_at_once);
    tcase_add_test(tests, freeing_abandons_the_jobs_and_kills_the_workers);
    tcase_add_test(tests, the_pool_may_be_freed_in_any_handler);
    tcase_add_test(tests, a_handler_may_cancel_another_job_while_all_are_failed);
    tcase_add_test(tests, a_scope_closes_and_aborts_a_pool);
    tcase_add_test(tests, a_worker_that_does_not_end_is_killed);
    tcase_add_test(tests, the_end_of_the_reactor_ends_workers_and_jobs);
    tcase_add_test(tests, no_descriptor_is_left);
    tcase_add_test(tests, every_lack_of_memory_is_survived);
}

BIGHT_TEST_MAIN("worker_pool_end", add_tests)
