/* SPDX-License-Identifier: MIT */
/* test_worker_pool.c - pools of worker processes, with real children: jobs and answers, deaths, cancels, and a worker
 * without a pool; worker_program.c does what a job says (P5 to P8). The end of pools is in test_worker_pool_end.c. */
#include "worker_pool_support.h"

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

START_TEST(a_worker_that_leaves_its_pipes_to_another_has_died_all_the_same) /* P6 */
{
    options.workers = 1;
    make_pool(NULL);
    note(submit("die forked"));
    note(submit("ab"));
    UNTIL(strstr(heard, "'ba'") != NULL);
    ck_heard("PROCESS_TERMINATED 'ba'");
    ck_assert_uint_eq(figures().deaths, 1);
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

START_TEST(a_byte_that_nobody_asked_for_breaks_the_rules) /* P6 */
{
    static char more[] = "more";
    options.workers = 1;
    make_pool(more);
    note(submit("1"));
    UNTIL(is_heard());
    ck_heard("'!'");
    UNTIL(figures().deaths == 1);
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
    tcase_add_test(tests, a_worker_that_leaves_its_pipes_to_another_has_died_all_the_same);
    tcase_add_test(tests, a_job_can_be_retried_once);
    tcase_add_test(tests, a_broken_program_is_no_fork_bomb);
    tcase_add_test(tests, a_program_that_cannot_be_started_fails_all_jobs_at_once_but_not_in_submit);
    tcase_add_test(tests, who_breaks_the_rules_of_the_pipe_is_killed);
    tcase_add_test(tests, a_byte_that_nobody_asked_for_breaks_the_rules);
    tcase_add_test(tests, a_job_that_takes_too_long_is_ended_with_its_worker);
    tcase_add_test(tests, a_cancelled_job_that_waits_is_taken_out);
    tcase_add_test(tests, the_worker_of_a_cancelled_job_is_killed_and_replaced);
    tcase_add_test(tests, or_it_is_spared_and_its_answer_discarded);
    tcase_add_test(tests, a_worker_without_a_pool_uses_standard_input_and_output);
    tcase_add_test(tests, a_worker_says_what_was_wrong_with_its_input);
}

BIGHT_TEST_MAIN("worker_pool", add_tests)
