/* SPDX-License-Identifier: MIT */
/* test_figures_timing.c - how long a reactor's handlers take, whose the longest was, and the limit that is logged.
 *
 * Time is a fake clock that the handlers themselves move; the real clock is looked at in one test only, which asks for
 * nothing but order. What is only counted is in test_figures.c. */
#include "figures_support.h"

#include <event2/event.h>
#include <math.h>
#include <sys/eventfd.h>

/* ----------------------------------------------------------------------------------------- timing */

START_TEST(with_a_table_of_ones_own_times_are_measured_when_asked_for) /* G2 */
{
    run_handler(MILLISECOND);
    read_figures();
    ck_assert(!figures.is_timed);
    ck_assert_uint_eq(sum_of_times(), 0);
    bight_reactor_set_timing(reactor, true);
    run_handler(MILLISECOND);
    read_figures();
    ck_assert(figures.is_timed);
    ck_assert_uint_eq(sum_of_times(), 1);
    bight_reactor_set_timing(reactor, false);
    run_handler(MILLISECOND);
    read_figures();
    ck_assert(!figures.is_timed);
    ck_assert_uint_eq(sum_of_times(), 1);
}
END_TEST

START_TEST(without_timing_no_handler_looks_at_the_clock) /* G2 */
{
    fake_advance(&fake, reactor, 0);
    unsigned before = fake.clock_reads;
    for (int i = 0; i < 10; i++) {
        bi_reactor_enter(reactor);
        bi_reactor_leave(reactor);
    }
    ck_assert_uint_eq(fake.clock_reads, before);
}
END_TEST

START_TEST(the_end_of_a_handler_is_the_beginning_of_the_next_in_a_pass) /* G2 */
{
    bight_deferred_set_debug(false);
    bight_reactor_set_timing(reactor, true);
    uint64_t none = 0;
    for (int i = 0; i < 10; i++) {
        bight_call_later(reactor, 0, take, &none, NULL);
    }
    unsigned before = fake.clock_reads;
    bi_reactor_turn(reactor, false);
    ck_assert_uint_eq(fake.clock_reads, before + 1 + 11); /* the pass itself reads it once */
}
END_TEST

START_TEST(times_are_counted_in_powers_of_two) /* G2 */
{
    const uint64_t times[] = { 0, 1, 2, 3, 1023, 1024, 2047, 2048, UINT64_C(1) << 39, UINT64_C(1) << 50 };
    const size_t entries[] = { 0, 0, 1, 1, 9, 10, 10, 11, 39, 39 };
    uint64_t expected[BIGHT_HANDLER_TIMES] = { 0 };
    uint64_t total = 0;
    bight_reactor_set_timing(reactor, true);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        run_handler(times[i]);
        expected[entries[i]]++;
        total += times[i];
    }
    read_figures();
    ck_assert_mem_eq(figures.handler_times, expected, sizeof expected);
    ck_assert_uint_eq(figures.handler_time, total);
    ck_assert_uint_eq(figures.longest_handler, UINT64_C(1) << 50);
}
END_TEST

START_TEST(time_that_passes_between_handlers_is_nobodys) /* G2 */
{
    bight_reactor_set_timing(reactor, true);
    run_handler(MICROSECOND);
    fake_advance(&fake, reactor, 5000 * MILLISECOND);
    run_handler(MICROSECOND);
    bi_reactor_enter(reactor);
    bi_reactor_leave(reactor);
    read_figures();
    ck_assert_uint_eq(figures.handler_time, 2 * MICROSECOND);
}
END_TEST

static void *later_task_context;
static void run_task(struct bi_task *task)
{
    (void)task;
    take(later_task_context);
}

START_TEST(what_is_put_off_behind_a_handler_belongs_to_it) /* G2 */
{
    static struct bi_task task;
    uint64_t nanoseconds = MILLISECOND;
    later_task_context = &nanoseconds;
    bight_reactor_set_timing(reactor, true);
    bi_reactor_enter(reactor);
    bi_reactor_afterwards(reactor, &task, run_task);
    bi_reactor_leave(reactor);
    read_figures();
    ck_assert_uint_eq(figures.handlers, 1);
    ck_assert_uint_eq(figures.handler_time, MILLISECOND);
    bi_reactor_afterwards(reactor, &task, run_task);
    fake_advance(&fake, reactor, 0);
    read_figures();
    ck_assert_uint_eq(figures.handlers, 2);
    ck_assert_uint_eq(figures.handler_time, 2 * MILLISECOND);
}
END_TEST

static void turn_on_inside(void *context)
{
    bool *on = context;
    fake.now += MILLISECOND;
    bight_reactor_set_timing(reactor, *on);
    fake.now += MILLISECOND;
}

static void pass_time(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    fake.now += MILLISECOND;
    ++*(unsigned *)context;
}

static void see(int fd, short what, void *context)
{
    (void)fd;
    (void)what;
    ++*(unsigned *)context;
}

START_TEST(what_a_host_does_between_handlers_is_nobodys) /* G2 */
{
    enum { DESCRIPTORS = 9 };
    unsigned hosts = 0, ours = 0;
    struct event_base *host = event_base_new();
    struct event *events[DESCRIPTORS];
    struct bight_foreign_watch watches[DESCRIPTORS];
    struct bight_reactor_options options = { .size = sizeof options, .system = &fake.system, .host = host };
    struct bight_reactor *guest = bight_reactor_new_full(&options);
    bight_reactor_set_timing(guest, true);
    event_base_loop(host, EVLOOP_NONBLOCK);
    for (int i = 0; i < DESCRIPTORS; i++) { /* in turns */
        int fd = eventfd(1, 0);
        ck_assert_int_ge(fd, 0);
        events[i] = i % 2 == 0 ? NULL : event_new(host, fd, EV_READ, pass_time, &hosts);
        if (events[i] != NULL) {
            event_add(events[i], NULL);
        } else {
            bight_watch_descriptor(guest, fd, BIGHT_READABLE, see, &ours, NULL, &watches[i]);
        }
    }
    event_base_loop(host, EVLOOP_NONBLOCK | EVLOOP_ONCE);
    ck_assert_uint_eq(hosts, DESCRIPTORS / 2);
    ck_assert_uint_eq(ours, DESCRIPTORS - DESCRIPTORS / 2);
    figures.size = sizeof figures;
    bight_reactor_read_figures(guest, &figures);
    ck_assert_uint_ge(figures.handlers, ours);
    ck_assert_uint_eq(figures.handler_time, 0);
    bight_reactor_free(guest);
    for (int i = 1; i < DESCRIPTORS; i += 2) {
        event_free(events[i]);
    }
    event_base_free(host);
}
END_TEST

START_TEST(timing_turned_on_in_a_handler_counts_the_rest_of_it) /* G2 */
{
    bool on = true;
    bight_call_later(reactor, 0, turn_on_inside, &on, NULL);
    fake_advance(&fake, reactor, 0);
    read_figures();
    ck_assert_uint_eq(figures.handler_time, MILLISECOND);
    on = false;
    bight_call_later(reactor, 0, turn_on_inside, &on, NULL);
    fake_advance(&fake, reactor, 0);
    run_handler(MILLISECOND);
    read_figures();
    ck_assert_uint_eq(figures.handler_time, MILLISECOND);
}
END_TEST

START_TEST(resetting_begins_times_anew_and_leaves_counts_alone) /* G2 */
{
    bight_reactor_set_timing(reactor, true);
    run_handler(3 * MILLISECOND);
    bight_reactor_reset_figures(reactor);
    read_figures();
    ck_assert_uint_eq(figures.handlers, 1);
    ck_assert_uint_eq(sum_of_times(), 0);
    ck_assert_uint_eq(figures.handler_time, 0);
    ck_assert_uint_eq(figures.longest_handler, 0);
    ck_assert_ptr_null(figures.longest_kind);
    run_handler(MILLISECOND);
    read_figures();
    ck_assert_uint_eq(figures.longest_handler, MILLISECOND);
    ck_assert_str_eq(figures.longest_kind, "timer");
}
END_TEST

static void reset_inside(void *context)
{
    (void)context;
    fake.now += MILLISECOND;
    bight_reactor_reset_figures(reactor);
    fake.now += MILLISECOND;
}

START_TEST(a_handler_that_resets_counts_as_a_whole) /* G2 */
{
    bight_reactor_set_timing(reactor, true);
    bight_call_later(reactor, 0, reset_inside, NULL, NULL);
    fake_advance(&fake, reactor, 0);
    read_figures();
    ck_assert_uint_eq(sum_of_times(), 1);
    ck_assert_uint_eq(figures.handler_time, 2 * MILLISECOND);
}
END_TEST

/* ------------------------------------------------------------------------------- whose it was */

START_TEST(the_longest_handler_has_its_kind) /* G2 */
{
    bight_deferred_set_debug(false);
    bight_reactor_set_timing(reactor, true);
    run_handler(MILLISECOND);
    read_figures();
    ck_assert_str_eq(figures.longest_kind, "timer");
    ck_assert_ptr_null(figures.longest_place);
    bi_reactor_enter_for(reactor, "connection", NULL, 0);
    fake.now += 2 * MILLISECOND;
    bi_reactor_leave(reactor);
    run_handler(MILLISECOND);
    read_figures();
    ck_assert_str_eq(figures.longest_kind, "connection");
    ck_assert_uint_eq(figures.longest_handler, 2 * MILLISECOND);
}
END_TEST

START_TEST(debug_mode_tells_who_registered_the_longest) /* G2 */
{
    bight_deferred_set_debug(true);
    bight_reactor_set_timing(reactor, true);
    uint64_t nanoseconds = MILLISECOND;
    bight_call_later_at("chat.c:31", reactor, 0, take, &nanoseconds, NULL);
    fake_advance(&fake, reactor, 0);
    uint64_t shorter = MICROSECOND;
    bight_call_later_at("chat.c:32", reactor, 0, take, &shorter, NULL);
    fake_advance(&fake, reactor, 0);
    read_figures();
    ck_assert_str_eq(figures.longest_kind, "timer");
    ck_assert_str_eq(figures.longest_place, "chat.c:31");
    ck_assert_uint_eq(figures.longest_handler, MILLISECOND);
}
END_TEST

static void work_on_data(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    (void)protocol;
    (void)data;
    (void)size;
    fake.now += MILLISECOND;
}

static void work_on_loss(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    (void)protocol;
    (void)reason;
    fake.now += 2 * MILLISECOND;
}

START_TEST(connections_are_told_from_tasks_also_when_they_are_lost) /* G2 */
{
    static const struct bight_protocol_ops ops = { .data_received = work_on_data, .connection_lost = work_on_loss };
    static struct bight_factory slow = BIGHT_FACTORY(struct bight_protocol, &ops);
    bight_reactor_set_timing(reactor, true);
    struct bight_string_peer *peer = bight_string_connect(reactor, &slow, true);
    bight_string_feed(peer, "x", 1);
    read_figures();
    ck_assert_str_eq(figures.longest_kind, "connection");
    ck_assert_uint_eq(figures.longest_handler, MILLISECOND);
    bight_string_end(peer);
    read_figures();
    ck_assert_str_eq(figures.longest_kind, "connection");
    ck_assert_uint_eq(figures.longest_handler, 2 * MILLISECOND);
    bight_string_peer_free(peer);
}
END_TEST

/* ------------------------------------------------------------------------------ the block limit */

static char logged[1024];

static void observe(const struct bight_log_event *event, void *context)
{
    (void)context;
    bight_log_event_format(event, logged, sizeof logged);
}

START_TEST(a_handler_over_the_limit_is_logged_when_it_has_returned) /* G3 */
{
    bight_deferred_set_debug(false);
    bight_log_set_observer(observe, NULL);
    ck_assert_int_eq(bight_reactor_set_block_limit(reactor, 0.5), 0);
    run_handler(500 * MILLISECOND);
    ck_assert_str_eq(logged, "");
    run_handler(500 * MILLISECOND + 1);
    ck_assert_str_eq(logged,
        "test_figures_timing: warning: [reactor] a handler held the loop for 0.500000 s: timer nanoseconds=500000001");
    read_figures();
    ck_assert(figures.is_timed);
    ck_assert_uint_eq(figures.blocks, 1);
    logged[0] = '\0';
    run_handler(MILLISECOND);
    ck_assert_str_eq(logged, "");
}
END_TEST

START_TEST(in_debug_mode_the_log_line_has_the_place) /* G3 */
{
    bight_log_set_observer(observe, NULL);
    bight_deferred_set_debug(true);
    bight_reactor_set_block_limit(reactor, 0.5);
    uint64_t nanoseconds = 700 * MILLISECOND;
    bight_call_later_at("chat.c:31", reactor, 0, take, &nanoseconds, NULL);
    fake_advance(&fake, reactor, 0);
    ck_assert_ptr_nonnull(strstr(logged, "held the loop for 0.700000 s: timer"));
    ck_assert_ptr_nonnull(strstr(logged, "(chat.c:31)"));
}
END_TEST

START_TEST(no_limit_no_log_line) /* G3 */
{
    bight_log_set_observer(observe, NULL);
    bight_reactor_set_block_limit(reactor, 0.5);
    bight_reactor_set_block_limit(reactor, 0);
    run_handler(1000 * MILLISECOND);
    bight_reactor_set_block_limit(reactor, (double)INFINITY);
    run_handler(1000 * MILLISECOND);
    ck_assert_str_eq(logged, "");
    ck_assert_int_eq(bight_reactor_set_block_limit(reactor, -1), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_reactor_set_block_limit(reactor, (double)NAN), BIGHT_E_INVALID_ARGUMENT);
}
END_TEST

static void free_in_observer(const struct bight_log_event *event, void *context)
{
    observe(event, context);
    if (event->level == BIGHT_LOG_WARNING && strstr(logged, "held the loop") != NULL) {
        *(bool *)context = true;
        bight_call_later(reactor, 0, ignore, NULL, NULL);
        bight_reactor_free(reactor); /* refused */
    }
}

START_TEST(the_observer_of_a_block_may_use_the_reactor_and_not_free_it) /* G3 */
{
    bool called = false;
    bight_log_set_observer(free_in_observer, &called);
    bight_reactor_set_block_limit(reactor, 0.5);
    run_handler(1000 * MILLISECOND);
    ck_assert(called);
    read_figures();
    ck_assert_uint_eq(figures.timers_fired, 2);
}
END_TEST

/* ------------------------------------------------------------------------------- the real clock */

static void spin(void *context)
{
    struct bight_clock *clock = bight_reactor_clock(context);
    uint64_t end = bight_clock_now(clock) + 3 * MILLISECOND;
    while (bight_clock_now(clock) < end) {
    }
    bight_reactor_stop(context);
}

START_TEST(in_real_time_a_handler_takes_as_long_as_the_clock_says) /* G2 */
{
    struct bight_reactor *real = bight_reactor_new();
    bight_reactor_set_timing(real, true);
    bight_call_later(real, 0, spin, real, NULL);
    uint64_t before = bight_clock_now(bight_reactor_clock(real));
    ck_assert_int_eq(bight_reactor_run(real), 0);
    uint64_t all = bight_clock_now(bight_reactor_clock(real)) - before;
    figures.size = sizeof figures;
    bight_reactor_read_figures(real, &figures);
    ck_assert_uint_ge(
        figures.longest_handler, 3 * MILLISECOND - 30 * MICROSECOND); /* the clocks differ by 1 % at most */
    ck_assert_uint_le(figures.longest_handler, all + all / 100);
    ck_assert_str_eq(figures.longest_kind, "timer");
    bight_reactor_free(real);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, with_a_table_of_ones_own_times_are_measured_when_asked_for);
    tcase_add_test(tests, without_timing_no_handler_looks_at_the_clock);
    tcase_add_test(tests, the_end_of_a_handler_is_the_beginning_of_the_next_in_a_pass);
    tcase_add_test(tests, times_are_counted_in_powers_of_two);
    tcase_add_test(tests, time_that_passes_between_handlers_is_nobodys);
    tcase_add_test(tests, what_is_put_off_behind_a_handler_belongs_to_it);
    tcase_add_test(tests, what_a_host_does_between_handlers_is_nobodys);
    tcase_add_test(tests, timing_turned_on_in_a_handler_counts_the_rest_of_it);
    tcase_add_test(tests, resetting_begins_times_anew_and_leaves_counts_alone);
    tcase_add_test(tests, a_handler_that_resets_counts_as_a_whole);
    tcase_add_test(tests, the_longest_handler_has_its_kind);
    tcase_add_test(tests, debug_mode_tells_who_registered_the_longest);
    tcase_add_test(tests, connections_are_told_from_tasks_also_when_they_are_lost);
    tcase_add_test(tests, a_handler_over_the_limit_is_logged_when_it_has_returned);
    tcase_add_test(tests, in_debug_mode_the_log_line_has_the_place);
    tcase_add_test(tests, no_limit_no_log_line);
    tcase_add_test(tests, the_observer_of_a_block_may_use_the_reactor_and_not_free_it);
    tcase_add_test(tests, in_real_time_a_handler_takes_as_long_as_the_clock_says);
}

BIGHT_TEST_MAIN("figures_timing", add_tests)
