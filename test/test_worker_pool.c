/* SPDX-License-Identifier: MIT */
/* test_worker_pool.c - pools of worker processes, with real children: worker_program.c does what a job says (P5 to P9).
 */
#include "child_support.h"

#include <sched.h>
#include <signal.h>

#include <bight/scope.h>
#include <bight/testing.h>

static struct bight_worker_pool_options options;
static struct bight_worker_pool *pool;
static const char *program[3];
static char directory[] = "/tmp/bight-pool-XXXXXX";

/* A pool of the worker program with this argument (NULL: none), and of `options`, which is cleared. */
static struct bight_worker_pool *make_pool(const char *argument)
{
    program[0] = BIGHT_TEST_WORKER;
    program[1] = argument;
    options.size = sizeof options;
    options.argv = program;
    pool = bight_worker_pool_new(reactor, &options);
    options = (struct bight_worker_pool_options) { .size = 0 };
    return pool;
}

static void set_up_pool(void)
{
    set_up();
    ck_assert_ptr_nonnull(mkdtemp(directory));
    descriptors_before = count_descriptors();
}

static void tear_down_pool(void)
{
    bight_worker_pool_free(pool);
    UNTIL(!has_children());
    bight_reactor_free(reactor);
    rmdir(directory);
}

static struct bight_deferred *submit(const char *job)
{
    return bight_worker_pool_submit(pool, job, strlen(job));
}

static bool is_heard(void)
{
    return heard[0] != '\0';
}

static struct bight_worker_pool_figures figures(void)
{
    struct bight_worker_pool_figures now;
    bight_worker_pool_read_figures(pool, &now);
    return now;
}

/* How many words have been heard. */
static int words(void)
{
    int count = heard[0] != '\0';
    for (const char *at = heard; *at != '\0'; at++) {
        count += *at == ' ';
    }
    return count;
}

/* ------------------------------------------------------------------------------------------ jobs, answers */

START_TEST(a_job_is_answered_by_a_worker) /* P5 */
{
    make_pool(NULL);
    ck_assert(!has_children());
    note(submit("abc"));
    ck_heard("");
    UNTIL(is_heard());
    ck_heard("'cba'");
    note(submit("nothing"));
    UNTIL(is_heard());
    ck_heard("''");
    note(submit(""));
    UNTIL(is_heard());
    ck_heard("''");
    ck_assert_uint_eq(figures().started, 1);
    ck_assert_uint_eq(figures().done, 3);
}
END_TEST

START_TEST(answers_come_in_order_from_one_worker) /* P5 */
{
    options.workers = 1;
    make_pool(NULL);
    note(submit("1a"));
    note(submit("2b"));
    note(submit("3c"));
    ck_assert_uint_eq(figures().queued, 2);
    ck_assert_uint_eq(figures().busy, 1);
    UNTIL(words() == 3);
    ck_heard("'a1' 'b2' 'c3'");
}
END_TEST

START_TEST(as_many_workers_as_allowed_are_kept_busy) /* P5 */
{
    options.workers = 3;
    make_pool(NULL);
    for (int i = 0; i < 200; i++) {
        note(submit("ab"));
    }
    ck_assert_uint_eq(figures().workers, 3);
    ck_assert_uint_eq(figures().busy, 3);
    ck_assert_uint_eq(figures().queued, 197);
    UNTIL(words() == 200);
    ck_assert_uint_eq(figures().started, 3);
    ck_assert_uint_eq(figures().busy, 0);
    ck_assert_uint_eq(figures().queued, 0);
}
END_TEST

START_TEST(large_jobs_and_answers_pass) /* P5 */
{
    size_t size = 5u << 20;
    char *data = malloc(size);
    memset(data, 'x', size);
    make_pool(NULL);
    note(bight_worker_pool_submit(pool, data, size));
    free(data);
    UNTIL(is_heard());
    ck_heard("[5242880]");
}
END_TEST

static void note_message(struct bight_result *result, void *context)
{
    struct bight_failure *failure = bight_result_take_failure(result);
    (void)context;
    ck_assert_ptr_nonnull(failure);
    hear("%s: %s", bight_error_name(bight_failure_code(failure)), bight_failure_message(failure));
    bight_failure_release(failure);
}

START_TEST(a_worker_s_error_is_a_failure_with_its_message) /* P5 */
{
    make_pool(NULL);
    struct bight_deferred *job = submit("fail no such number");
    bight_deferred_add_both(job, note_message, NULL);
    bight_deferred_release(job);
    UNTIL(is_heard());
    ck_heard("APPLICATION: no such number");
    note(submit("ab"));
    UNTIL(is_heard());
    ck_heard("'ba'");
    ck_assert_uint_eq(figures().started, 1);
    ck_assert_uint_eq(figures().failed, 1);
}
END_TEST

START_TEST(the_queue_and_the_job_s_size_have_limits) /* P5 */
{
    options.workers = 1;
    options.queue_limit = 2;
    options.frame_limit = 5;
    make_pool(NULL);
    note(submit("123456"));
    note(submit("1"));
    note(submit("2"));
    note(submit("3"));
    note(submit("4"));
    ck_heard("TOO_LONG QUEUE_OVERFLOW");
    UNTIL(words() == 3);
    ck_heard("'1' '2' '3'");
}
END_TEST

START_TEST(options_that_make_no_sense_are_refused) /* P5 */
{
    options.job_seconds = -1;
    ck_assert_ptr_null(make_pool(NULL));
    options.frame_limit = SIZE_MAX;
    ck_assert_ptr_null(make_pool(NULL));
    options.size = 0;
    ck_assert_ptr_null(bight_worker_pool_new(reactor, &options));
    options.size = sizeof options;
    ck_assert_ptr_null(bight_worker_pool_new(reactor, &options));
}
END_TEST

START_TEST(a_worker_is_replaced_after_its_jobs) /* P6 */
{
    options.workers = 1;
    options.jobs_per_worker = 2;
    make_pool(NULL);
    for (int i = 0; i < 5; i++) {
        note(submit("ab"));
    }
    UNTIL(words() == 5);
    ck_assert_uint_eq(figures().started, 3);
    ck_assert_uint_eq(figures().deaths, 0);
}
END_TEST

/* ------------------------------------------------------------------------------------------------ deaths */

START_TEST(the_job_of_a_worker_that_dies_fails_and_the_next_has_another) /* P6 */
{
    options.workers = 1;
    make_pool(NULL);
    struct bight_deferred *job = submit("die exit");
    bight_deferred_add_both(job, note_message, NULL);
    bight_deferred_release(job);
    note(submit("die abort"));
    note(submit("ab"));
    UNTIL(strstr(heard, "'ba'") != NULL);
    ck_heard("PROCESS_TERMINATED: a worker ended in the middle of a job PROCESS_TERMINATED 'ba'");
    ck_assert_uint_eq(figures().deaths, 2);
    ck_assert_uint_eq(figures().started, 3);
}
END_TEST

START_TEST(a_job_can_be_retried_once) /* P6 */
{
    char job[80], path[64];
    snprintf(path, sizeof path, "%s/made", directory);
    snprintf(job, sizeof job, "once %s", path);
    options.retry = true;
    make_pool(NULL);
    note(submit(job));
    UNTIL(is_heard());
    ck_heard("'survived'");
    note(submit("die exit"));
    UNTIL(is_heard());
    ck_heard("PROCESS_TERMINATED");
    ck_assert_uint_eq(figures().deaths, 3);
    unlink(path);
}
END_TEST

START_TEST(a_broken_program_is_no_fork_bomb) /* P7 */
{
    options.workers = 1;
    options.death_limit = 3;
    make_pool("exit");
    note(submit("1"));
    note(submit("2"));
    note(submit("3"));
    note(submit("4"));
    note(submit("5"));
    UNTIL(words() == 5);
    ck_heard("PROCESS_TERMINATED PROCESS_TERMINATED PROCESS_TERMINATED PROCESS_TERMINATED PROCESS_TERMINATED");
    ck_assert_uint_eq(figures().started, 3);
    ck_assert_uint_eq(figures().deaths, 3);
    note(submit("6"));
    ck_heard("PROCESS_TERMINATED");
    ck_assert_uint_eq(figures().started, 3);
}
END_TEST

START_TEST(a_program_that_cannot_be_started_fails_all_jobs_at_once_but_not_in_submit) /* P7 */
{
    make_pool(NULL);
    bight_worker_pool_free(pool);
    program[0] = "/nonexistent/worker";
    options.size = sizeof options;
    options.argv = program;
    pool = bight_worker_pool_new(reactor, &options);
    note(submit("1"));
    note(submit("2"));
    ck_assert_str_ne(heard, "NOT_STARTED NOT_STARTED");
    UNTIL(words() == 2);
    ck_heard("NOT_STARTED NOT_STARTED");
    note(submit("3"));
    ck_heard("NOT_STARTED");
}
END_TEST

START_TEST(who_breaks_the_rules_of_the_pipe_is_killed) /* P6 */
{
    static char garbage[] = "garbage", huge[] = "long";
    options.workers = 1;
    options.death_limit = 1;
    make_pool(garbage);
    note(submit("1"));
    UNTIL(is_heard());
    bight_worker_pool_free(pool);
    heard[0] = '\0';
    options.workers = 1;
    options.death_limit = 1;
    make_pool(huge);
    note(submit("1"));
    UNTIL(is_heard());
    ck_heard("PROCESS_TERMINATED");
    ck_assert_uint_eq(figures().deaths, 1);
}
END_TEST

START_TEST(a_job_that_takes_too_long_is_ended_with_its_worker) /* P6 */
{
    options.workers = 1;
    options.job_seconds = 1.5;
    make_pool(NULL);
    note(submit("hang"));
    note(submit("ab"));
    UNTIL(words() == 2);
    ck_heard("TIMED_OUT 'ba'");
    ck_assert_uint_eq(figures().deaths, 0);
}
END_TEST

/* ---------------------------------------------------------------------------------------------- cancelling */

START_TEST(a_cancelled_job_that_waits_is_taken_out) /* P8 */
{
    options.workers = 1;
    make_pool(NULL);
    note(submit("1"));
    struct bight_deferred *waiting = submit("2");
    note(submit("3"));
    bight_deferred_cancel(waiting);
    note(waiting);
    ck_assert_uint_eq(figures().queued, 1);
    ck_assert_uint_eq(figures().cancelled, 1);
    UNTIL(words() == 3);
    ck_heard("CANCELLED '1' '3'");
    ck_assert_uint_eq(figures().started, 1);
}
END_TEST

START_TEST(the_worker_of_a_cancelled_job_is_killed_and_replaced) /* P8 */
{
    options.workers = 1;
    make_pool(NULL);
    struct bight_deferred *running = submit("hang");
    note(submit("ab"));
    bight_deferred_cancel(running);
    note(running);
    UNTIL(words() == 2);
    ck_heard("CANCELLED 'ba'");
    ck_assert_uint_eq(figures().started, 2);
    ck_assert_uint_eq(figures().deaths, 0);
}
END_TEST

START_TEST(or_it_is_spared_and_its_answer_discarded) /* P8 */
{
    options.workers = 1;
    options.spare_cancelled = true;
    make_pool(NULL);
    struct bight_deferred *running = submit("cd");
    note(submit("ab"));
    bight_deferred_cancel(running);
    note(running);
    UNTIL(words() == 2);
    ck_heard("CANCELLED 'ba'");
    ck_assert_uint_eq(figures().started, 1);
}
END_TEST

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

/* ------------------------------------------------------------------------------------------ a worker by hand */

static void note_run(struct bight_result *result, void *context)
{
    struct bight_process_output *output = bight_result_take(result, &bight_type_process_output);
    char text[256];
    (void)context;
    ck_assert_ptr_nonnull(output);
    bight_escape(bight_bytes_data(output->out), bight_bytes_size(output->out), text, sizeof text);
    hear("%s %d", text, output->status);
    bight_process_output_free(output);
}

static void run_by_hand(const char *input, size_t size)
{
    const char *const argv[] = { BIGHT_TEST_WORKER, NULL };
    struct bight_process_output_options how = { .size = sizeof how, .argv = argv, .input = input, .input_size = size };
    struct bight_deferred *ran = bight_get_process_output_and_value(reactor, &how);
    bight_deferred_add_both(ran, note_run, NULL);
    bight_deferred_release(ran);
    UNTIL(is_heard());
}

START_TEST(a_worker_without_a_pool_uses_standard_input_and_output) /* P5 */
{
    run_by_hand("\0\0\0\2Jab\0\0\0\0J\0\0\0\6Jfail x", 23);
    ck_heard("\\x00\\x00\\x00\\x02Aba\\x00\\x00\\x00\\x00A\\x00\\x00\\x00\\x01Fx 0");
    run_by_hand("", 0);
    ck_heard(" 0");
}
END_TEST

START_TEST(a_worker_says_what_was_wrong_with_its_input) /* P5 */
{
    run_by_hand("\0\0\0\1Xa", 6);
    ck_heard(" 76");
    run_by_hand("\x7f\0\0\1Ja", 6);
    ck_heard(" 76");
    run_by_hand("\0\0", 2);
    ck_heard(" 74");
    run_by_hand("\0\0\0\5Jab", 7);
    ck_heard(" 74");
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
            bight_reactor_turn(reactor, false);
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
    tcase_add_test(tests, a_job_is_answered_by_a_worker);
    tcase_add_test(tests, answers_come_in_order_from_one_worker);
    tcase_add_test(tests, as_many_workers_as_allowed_are_kept_busy);
    tcase_add_test(tests, large_jobs_and_answers_pass);
    tcase_add_test(tests, a_worker_s_error_is_a_failure_with_its_message);
    tcase_add_test(tests, the_queue_and_the_job_s_size_have_limits);
    tcase_add_test(tests, options_that_make_no_sense_are_refused);
    tcase_add_test(tests, a_worker_is_replaced_after_its_jobs);
    tcase_add_test(tests, the_job_of_a_worker_that_dies_fails_and_the_next_has_another);
    tcase_add_test(tests, a_job_can_be_retried_once);
    tcase_add_test(tests, a_broken_program_is_no_fork_bomb);
    tcase_add_test(tests, a_program_that_cannot_be_started_fails_all_jobs_at_once_but_not_in_submit);
    tcase_add_test(tests, who_breaks_the_rules_of_the_pipe_is_killed);
    tcase_add_test(tests, a_job_that_takes_too_long_is_ended_with_its_worker);
    tcase_add_test(tests, a_cancelled_job_that_waits_is_taken_out);
    tcase_add_test(tests, the_worker_of_a_cancelled_job_is_killed_and_replaced);
    tcase_add_test(tests, or_it_is_spared_and_its_answer_discarded);
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
    tcase_add_test(tests, a_worker_without_a_pool_uses_standard_input_and_output);
    tcase_add_test(tests, a_worker_says_what_was_wrong_with_its_input);
    tcase_add_test(tests, every_lack_of_memory_is_survived);
}

BIGHT_TEST_MAIN("worker_pool", add_tests)
