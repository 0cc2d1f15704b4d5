/* SPDX-License-Identifier: MIT */
/* test_looping_call.c - what is called again and again: the grid, resetting, jitter. */
#include "looping_call_support.h"

START_TEST(ticks_come_at_the_interval_from_the_start_on) /* R11 */
{
    make(note_call);
    ck_assert(!bight_looping_call_is_running(call));
    start(2, true);
    ck_assert(bight_looping_call_is_running(call));
    ck_trace("0 ");
    steps(0.5, 12);
    ck_trace("2 4 6 ");
    ck_assert_int_eq(bight_looping_call_stop(call), 0);
    ck_trace("run=- ");
    ck_assert(!bight_looping_call_is_running(call));
    let_go();
    ck_trace("~context ");
}
END_TEST

START_TEST(the_first_tick_may_wait_an_interval) /* R11 */
{
    make(note_call);
    start(2, false);
    ck_trace("");
    steps(1, 4);
    ck_trace("2 4 ");
    bight_looping_call_stop(call);
    let_go();
    ck_trace("run=- ~context ");
}
END_TEST

START_TEST(the_next_tick_waits_for_the_deferred_and_stays_on_the_grid) /* R11 */
{
    make(waits);
    start(2, true);
    ck_trace("0 ");
    steps(1, 5);
    ck_trace("");
    fire(answer, 1);
    ck_trace("");
    advance(1);
    ck_trace("6(2) ");
    fire(answer, 1);
    advance(2);
    ck_trace("8 ");
    bight_looping_call_stop(call);
    ck_trace("");
    fire(answer, 1);
    ck_trace("run=- ");
    let_go();
    ck_trace("~context ");
}
END_TEST

START_TEST(a_value_that_the_call_gives_is_discarded) /* R11 D31 */
{
    make(waits);
    start(1, true);
    bight_callback(answer, &counted, &calls);
    ck_assert_int_eq(discarded, 1);
    ck_assert_int_eq(destroyed, 0);
    bight_looping_call_stop(call);
    let_go();
}
END_TEST

START_TEST(a_failure_ends_the_loop) /* R11 */
{
    make(waits);
    start(2, true);
    fire_failure(answer, APPLICATION);
    ck_trace("0 run=APPLICATION ");
    ck_assert(!bight_looping_call_is_running(call));
    ck_assert_int_eq(bight_looping_call_stop(call), BIGHT_E_NOT_RUNNING);
    steps(1, 5);
    bight_deferred_release(run);
    start(1, false);
    advance(1);
    ck_trace("6 ");
    bight_looping_call_stop(call);
    fire_failure(answer, APPLICATION);
    ck_trace("run=APPLICATION ");
    let_go();
}
END_TEST

START_TEST(a_failure_that_nobody_handles_is_reported) /* R11 D18 */
{
    make(waits);
    bight_deferred_release(bight_looping_call_start(call, 2, true));
    fire_failure(answer, APPLICATION);
    ck_assert_int_eq(reports, 1);
    ck_assert_int_eq(last_code, BIGHT_E_APPLICATION);
    bight_looping_call_free(call);
    reports = 0;
}
END_TEST

START_TEST(late_calls_do_not_bunch) /* R11 */
{
    make(note_call);
    start(1, false);
    advance(5.25);
    ck_trace("5.25(4) ");
    advance(0.25);
    ck_trace("");
    advance(0.5);
    ck_trace("6 ");
    bight_looping_call_stop(call);
    let_go();
}
END_TEST

START_TEST(a_jump_of_the_clock_costs_one_call) /* R11 */
{
    make(note_call);
    start(0.001, false);
    advance(1e9);
    ck_trace("1e+09(999999999999) ");
    advance(0.001);
    ck_trace("1e+09 ");
    bight_looping_call_stop(call);
    let_go();
}
END_TEST

/* The one pending timer's. */
static uint64_t next_deadline(void)
{
    uint64_t deadline = 0;
    for (size_t i = 0; i < 16; i++) {
        deadline += test_clock.timers[i].pending ? test_clock.timers[i].deadline : 0;
    }
    return deadline;
}

START_TEST(a_thousand_million_ticks_do_not_drift) /* R11 */
{
    const uint64_t interval = UINT64_C(1100000000), many = UINT64_C(1000000000);
    make(note_call);
    start(1.1, false);
    for (uint64_t i = 1; i <= 1000; i++) {
        ck_assert_uint_eq(next_deadline(), origin + i * interval);
        test_clock.now = origin + i * interval + i % 7;
        traced = 0;
        advance(0);
        ck_assert_uint_eq(calls, i);
        ck_assert_uint_eq(bight_looping_call_missed(call), 0);
    }
    test_clock.now = origin + many * interval + 12345;
    advance(0);
    ck_assert_uint_eq(bight_looping_call_missed(call), many - 1001);
    ck_assert_uint_eq(next_deadline(), origin + (many + 1) * interval);
    bight_looping_call_stop(call);
    let_go();
}
END_TEST

START_TEST(no_interval_means_once_a_turn) /* R11 */
{
    make(note_call);
    script[3] = let_go;
    start(0, false);
    ck_trace("");
    struct test_timer *timer;
    while ((timer = test_clock_due()) != NULL) {
        struct test_timer due = *timer;
        timer->slot.generation++;
        timer->pending = false;
        ck_assert_uint_eq(timers_pending(), 0);
        due.function(due.context);
        ck_assert_uint_le(timers_pending(), 1);
    }
    ck_trace("0 0 0 0 run=ABANDONED ~context ");
}
END_TEST

START_TEST(intervals_at_the_ends_of_the_scale_work) /* R11 */
{
    make(note_call);
    start(5e-324, false); /* a nanosecond */
    advance(3e-9);
    ck_trace("3e-09(2) ");
    bight_looping_call_stop(call);
    bight_deferred_release(run);
    ck_trace("run=- ");
    start(1e-9, true);
    advance(1e-9);
    ck_trace("3e-09 4e-09 ");
    bight_looping_call_stop(call);
    bight_deferred_release(run);
    start(INFINITY, true);
    ck_trace("run=- 4e-09 ");
    ck_assert_int_eq(bight_looping_call_set_jitter(call, 0.5, 1), 0);
    advance(1e9);
    bight_looping_call_reset(call);
    bight_looping_call_stop(call);
    bight_deferred_release(run);
    start(1e10, false);
    bight_looping_call_reset(call);
    advance(4e9);
    ck_trace("run=- ");
    bight_looping_call_stop(call);
    let_go();
    ck_trace("run=- ~context ");
}
END_TEST

START_TEST(without_a_function_there_is_no_call) /* R11 D33 */
{
    make(note_call);
    ck_assert_ptr_null(bight_looping_call_new_full(&test_clock.base, NULL, NAME("untaken"), released));
    ck_assert_ptr_null(bight_looping_call_new_full(NULL, note_call, NAME("untaken"), released));
    ck_assert_int_eq(usage_errors, 2);
    let_go();
    ck_trace("~context ");
}
END_TEST

START_TEST(wrong_intervals_and_a_second_start_are_refused) /* R11 */
{
    make(note_call);
    release_failed(bight_looping_call_start(call, -1, true), BIGHT_E_INVALID_ARGUMENT);
    release_failed(bight_looping_call_start(call, NAN, true), BIGHT_E_INVALID_ARGUMENT);
    ck_assert(!bight_looping_call_is_running(call));
    ck_trace("");
    start(1, false);
    release_failed(bight_looping_call_start(call, 1, true), BIGHT_E_USAGE);
    ck_assert_int_eq(usage_errors, 3);
    ck_trace("");
    advance(1);
    ck_trace("1 ");
    ck_assert_int_eq(bight_looping_call_stop(call), 0);
    ck_assert_int_eq(bight_looping_call_stop(call), BIGHT_E_NOT_RUNNING);
    ck_assert_int_eq(bight_looping_call_reset(call), BIGHT_E_NOT_RUNNING);
    let_go();
    bight_looping_call_free(NULL);
}
END_TEST

START_TEST(reset_begins_the_grid_anew) /* R11 */
{
    make(note_call);
    start(2, true);
    advance(1.5);
    ck_assert_int_eq(bight_looping_call_reset(call), 0);
    steps(0.5, 8);
    ck_trace("0 3.5 5.5 ");
    bight_looping_call_stop(call);
    let_go();
}
END_TEST

START_TEST(reset_during_a_call_counts_from_there) /* R11 */
{
    make(waits);
    start(2, true);
    advance(0.5);
    bight_looping_call_reset(call);
    advance(0.5);
    fire(answer, 0);
    steps(0.5, 4);
    ck_trace("0 2.5 ");
    bight_looping_call_free(call);
    bight_deferred_release(run);
}
END_TEST

/* ------------------------------------------------------------------------------------------- jitter */

static uint64_t places[1000];

static void run_with_jitter(double fraction, uint64_t seed)
{
    make(note_call);
    calls = 0;
    ck_assert_int_eq(bight_looping_call_set_jitter(call, fraction, seed), 0);
    run = bight_looping_call_start(call, 1, false);
    origin = test_clock.now;
    for (size_t i = 0; i < 1000; i++) {
        test_clock.now = next_deadline();
        places[i] = test_clock.now - origin;
        traced = 0;
        advance(0);
        ck_assert_uint_eq(calls, i + 1);
        ck_assert_uint_eq(bight_looping_call_missed(call), 0);
    }
    traced = 0;
    bight_looping_call_stop(call);
    let_go();
}

START_TEST(jitter_moves_ticks_about_the_grid_and_never_drifts) /* R11 */
{
    static const double fractions[] = { 0.1, 0.5 };
    for (size_t each = 0; each < 2; each++) {
        uint64_t reach = (uint64_t)(fractions[each] * 1e9), early = 0, sum = 0;
        run_with_jitter(fractions[each], 1);
        for (uint64_t i = 0; i < 1000; i++) {
            uint64_t place = (i + 1) * UINT64_C(1000000000);
            ck_assert_uint_ge(places[i], place - reach);
            ck_assert_uint_le(places[i], place + reach);
            early += places[i] < place ? 1 : 0;
            sum += places[i] - (place - reach);
        }
        ck_assert_uint_gt(early, 400);
        ck_assert_uint_lt(early, 600);
        ck_assert_uint_gt(sum / 1000, reach * 9 / 10);
        ck_assert_uint_lt(sum / 1000, reach * 11 / 10);
    }
}
END_TEST

START_TEST(the_same_seed_gives_the_same_times) /* R11 */
{
    static uint64_t before[1000];
    run_with_jitter(0.3, 7);
    memcpy(before, places, sizeof(before));
    run_with_jitter(0.3, 7);
    ck_assert_mem_eq(before, places, sizeof(before));
    run_with_jitter(0.3, 8);
    ck_assert_mem_ne(before, places, sizeof(before));
    run_with_jitter(0.3, 0);
    memcpy(before, places, sizeof(before));
    run_with_jitter(0.3, 0);
    ck_assert_mem_ne(before, places, sizeof(before));
}
END_TEST

START_TEST(a_late_tick_with_jitter_is_followed_by_the_next_place_of_the_grid) /* R11 */
{
    make(note_call);
    bight_looping_call_set_jitter(call, 0.5, 3);
    start(1, false);
    advance(7.999);
    ck_assert_uint_eq(calls, 1);
    ck_assert_uint_eq(bight_looping_call_missed(call), 6);
    advance(0);
    ck_assert_uint_eq(calls, 1);
    advance(0.501);
    ck_assert_uint_eq(calls, 2);
    ck_assert_uint_eq(bight_looping_call_missed(call), 0);
    bight_looping_call_stop(call);
    let_go();
}
END_TEST

START_TEST(a_wrong_jitter_is_refused) /* R11 */
{
    make(note_call);
    ck_assert_int_eq(bight_looping_call_set_jitter(call, -0.1, 1), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_looping_call_set_jitter(call, 0.51, 1), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_looping_call_set_jitter(call, NAN, 1), BIGHT_E_INVALID_ARGUMENT);
    bight_looping_call_free(call);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, ticks_come_at_the_interval_from_the_start_on);
    tcase_add_test(tests, the_first_tick_may_wait_an_interval);
    tcase_add_test(tests, the_next_tick_waits_for_the_deferred_and_stays_on_the_grid);
    tcase_add_test(tests, a_value_that_the_call_gives_is_discarded);
    tcase_add_test(tests, a_failure_ends_the_loop);
    tcase_add_test(tests, a_failure_that_nobody_handles_is_reported);
    tcase_add_test(tests, late_calls_do_not_bunch);
    tcase_add_test(tests, a_jump_of_the_clock_costs_one_call);
    tcase_add_test(tests, a_thousand_million_ticks_do_not_drift);
    tcase_add_test(tests, no_interval_means_once_a_turn);
    tcase_add_test(tests, intervals_at_the_ends_of_the_scale_work);
    tcase_add_test(tests, without_a_function_there_is_no_call);
    tcase_add_test(tests, wrong_intervals_and_a_second_start_are_refused);
    tcase_add_test(tests, reset_begins_the_grid_anew);
    tcase_add_test(tests, reset_during_a_call_counts_from_there);
    tcase_add_test(tests, jitter_moves_ticks_about_the_grid_and_never_drifts);
    tcase_add_test(tests, the_same_seed_gives_the_same_times);
    tcase_add_test(tests, a_late_tick_with_jitter_is_followed_by_the_next_place_of_the_grid);
    tcase_add_test(tests, a_wrong_jitter_is_refused);
}

BIGHT_TEST_MAIN("looping call", add_tests)
