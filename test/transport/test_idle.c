/* SPDX-License-Identifier: MIT */
/* test_idle.c - idle timeouts on the virtual clock (T24): never early, not much later, and at what cost. */
#include <bight/figures.h>

#include "reactor/reactor.h"
#include "transport_support.h"

START_TEST(an_idle_connection_times_out_within_a_sixteenth_more) /* T24 */
{
    set_up();
    ck_assert_int_eq(bight_transport_set_idle_timeout(transport, 16), 0);
    bight_testing_advance(reactor, 15.99);
    ck_heard("");
    bight_testing_advance(reactor, 1.02);
    ck_heard("lost:TIMED_OUT");
    ck_assert(bight_string_was_reset(peer));
    tear_down();
}
END_TEST

START_TEST(input_keeps_an_idle_connection_alive) /* T24 */
{
    on.data = echo;
    set_up();
    bight_transport_set_idle_timeout(transport, 16);
    for (int i = 0; i < 20; i++) {
        bight_testing_advance(reactor, 15.5);
        bight_string_feed_text(peer, "x");
        ck_heard("data:x");
    }
    bight_testing_advance(reactor, 15.99);
    ck_heard("");
    bight_testing_advance(reactor, 1.02);
    ck_heard("lost:TIMED_OUT");
    tear_down();
}
END_TEST

START_TEST(idle_timeouts_of_many_lengths_live_side_by_side) /* T24 */
{
    struct bight_string_peer *peers[10];
    set_up();
    for (int i = 0; i < 10; i++) {
        peers[i] = bight_string_connect(reactor, &probe_factory, true);
        bight_transport_set_idle_timeout(bight_string_protocol(peers[i])->transport, 100 - 10 * i);
    }
    double passed = 0;
    for (int i = 9; i >= 0; i--) {
        double seconds = 100 - 10 * i;
        bight_testing_advance(reactor, seconds - 0.01 - passed);
        ck_assert(!bight_string_is_closed(peers[i]));
        bight_testing_advance(reactor, seconds / 16 + 0.02);
        ck_assert(bight_string_is_closed(peers[i]));
        passed = seconds + seconds / 16 + 0.01;
        bight_string_peer_free(peers[i]);
    }
    tear_down();
}
END_TEST

START_TEST(an_idle_timeout_can_be_taken_back) /* T24 */
{
    set_up();
    bight_transport_set_idle_timeout(transport, 1);
    bight_transport_set_idle_timeout(transport, 0);
    bight_testing_advance(reactor, 100);
    ck_heard("");
    ck_assert(!bight_testing_jump(reactor));
    tear_down();
}
END_TEST

START_TEST(messages_arm_no_timer_and_allocate_nothing) /* T24 */
{
    on.data = echo;
    bight_testing_count_allocations(true); /* before anything is allocated */
    set_up();
    bight_transport_set_idle_timeout(transport, 1000);
    bight_string_feed_text(peer, "warm");
    bight_string_clear(peer);
    size_t before = bight_testing_allocation_count();
    for (int i = 0; i < 100; i++) {
        bight_string_feed_text(peer, "x");
        bight_string_clear(peer);
    }
    ck_assert_uint_eq(bight_testing_allocation_count(), before);
    tear_down();
}
END_TEST

static uint64_t now(void)
{
    return bight_clock_now(bight_reactor_clock(reactor));
}

static uint64_t turns(void)
{
    struct bight_reactor_figures figures = { .size = sizeof figures };
    bight_reactor_read_figures(reactor, &figures);
    return figures.turns;
}

START_TEST(output_keeps_an_idle_connection_alive) /* T24 */
{
    set_up();
    bight_transport_set_idle_timeout(transport, 16);
    for (int i = 0; i < 20; i++) {
        bight_testing_advance(reactor, 15.5);
        ck_assert_int_eq(bight_transport_write(transport, "x", 1), 0);
    }
    bight_testing_advance(reactor, 15.99);
    ck_heard("");
    bight_testing_advance(reactor, 1.02);
    ck_heard("lost:TIMED_OUT");
    tear_down();
}
END_TEST

START_TEST(output_that_the_peer_does_not_take_is_no_activity) /* T24 */
{
    set_up();
    bight_string_set_window(peer, 0);
    bight_transport_set_idle_timeout(transport, 16);
    bight_testing_advance(reactor, 10);
    ck_assert_int_eq(bight_transport_write(transport, "x", 1), 0);
    bight_testing_advance(reactor, 7.01);
    ck_heard("lost:TIMED_OUT");
    tear_down();
}
END_TEST

START_TEST(short_timeouts_come_never_early_and_soon) /* T24 */
{
    static const double lengths[] = { 1e-9, 1e-6, 0.001, 0.0042, 0.02, 0.1 };
    set_up();
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct bight_string_peer *other = bight_string_connect(reactor, &probe_factory, true);
        bight_transport_set_idle_timeout(bight_string_protocol(other)->transport, lengths[i]);
        bight_testing_advance(reactor, lengths[i] - 1e-9);
        ck_assert(!bight_string_is_closed(other));
        bight_testing_advance(reactor, lengths[i] / 16 + 0.018);
        ck_assert(bight_string_is_closed(other));
        bight_string_peer_free(other);
    }
    tear_down();
}
END_TEST

START_TEST(a_timeout_of_a_year_is_for_ever) /* T24 */
{
    set_up();
    bight_transport_set_idle_timeout(transport, 365 * 86400.0);
    ck_assert(!bight_testing_jump(reactor));
    bight_transport_set_idle_timeout(transport, 100 * 86400.0);
    bight_testing_advance(reactor, 99 * 86400.0);
    ck_heard("");
    bight_testing_advance(reactor, 8 * 86400.0);
    ck_heard("lost:TIMED_OUT");
    tear_down();
}
END_TEST

START_TEST(a_short_timeout_that_was_taken_back_wakes_nobody) /* T24 */
{
    set_up();
    struct bight_string_peer *other = bight_string_connect(reactor, &probe_factory, true);
    bight_transport_set_idle_timeout(bight_string_protocol(other)->transport, 60);
    bight_transport_set_idle_timeout(transport, 0.002);
    bight_transport_set_idle_timeout(transport, 60);
    uint64_t before = turns();
    bight_testing_advance(reactor, 59);
    ck_assert_uint_lt(turns() - before, 200);
    ck_heard("made");
    bight_string_peer_free(other);
    tear_down();
}
END_TEST

START_TEST(the_wake_ups_are_as_few_for_many_connections) /* T24 */
{
    enum { COUNT = 3000 };
    static struct bight_string_peer *peers[COUNT];
    set_up();
    for (int i = 0; i < COUNT; i++) {
        peers[i] = bight_string_connect(reactor, &probe_factory, true);
        bight_transport_set_idle_timeout(bight_string_protocol(peers[i])->transport, 60);
    }
    uint64_t before = turns();
    bight_testing_advance(reactor, 59);
    ck_assert_uint_lt(turns() - before, 200);
    bight_testing_advance(reactor, 5); /* more than end in one turn */
    for (int i = 0; i < COUNT; i++) {
        ck_assert(bight_string_is_closed(peers[i]));
        bight_string_peer_free(peers[i]);
    }
    ck_assert(!bight_testing_jump(reactor));
    tear_down();
}
END_TEST

START_TEST(a_thousand_ends_do_not_hold_up_the_loop) /* T24 */
{
    enum { COUNT = 3000 };
    static struct bight_string_peer *peers[COUNT];
    set_up();
    for (int i = 0; i < COUNT; i++) {
        peers[i] = bight_string_connect(reactor, &probe_factory, true);
        bight_transport_set_idle_timeout(bight_string_protocol(peers[i])->transport, 60);
    }
    size_t closed = 0;
    while (closed == 0) {
        bight_testing_hold_up(reactor, 0.5);
        bi_reactor_turn(reactor, false);
        for (int i = 0; i < COUNT; i++) {
            closed += bight_string_is_closed(peers[i]);
        }
    }
    ck_assert_uint_le(closed, 1024);
    for (int i = 0; i < COUNT; i++) {
        bight_string_peer_free(peers[i]);
    }
    tear_down();
}
END_TEST

START_TEST(time_in_which_the_loop_was_held_up_does_not_count) /* T24 */
{
    on.data = echo;
    set_up();
    bight_transport_set_idle_timeout(transport, 16);
    bight_testing_advance(reactor, 10);
    bight_testing_hold_up(reactor, 30); /* what comes meanwhile is read before any timer runs */
    bight_string_feed_text(peer, "x");
    ck_heard("data:x");
    bight_testing_advance(reactor, 15.99);
    ck_heard("");
    bight_testing_advance(reactor, 1.02);
    ck_heard("lost:TIMED_OUT");
    tear_down();
}
END_TEST

static bool keeps_the_timeout_it_had(void *context)
{
    (void)context;
    reactor = bight_testing_reactor_new();
    peer = reactor == NULL ? NULL : bight_string_connect(reactor, &probe_factory, true);
    protocol = peer == NULL ? NULL : bight_string_protocol(peer);
    bool is_well = true;
    if (protocol != NULL && bight_transport_set_idle_timeout(protocol->transport, 16) == BIGHT_OK) {
        int code = bight_transport_set_idle_timeout(protocol->transport, 100);
        bight_testing_advance(reactor, 17.01);
        is_well = bight_string_is_closed(peer) == (code == BIGHT_E_OUT_OF_MEMORY);
    }
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    return is_well;
}

START_TEST(without_memory_for_a_timeout_the_one_before_stays) /* T24 */
{
    ck_assert_uint_eq(bight_testing_with_faults(keeps_the_timeout_it_had, NULL, 0), 0);
}
END_TEST

/* A model beside it: many connections with timeouts of all lengths on which things happen by chance. `since` is the
 * last activity, `held` the time of hold-ups since then. */
enum { CROWD = 200 };

static struct crowd_member {
    struct bight_string_peer *peer;
    uint64_t timeout, since, held;
} crowd[CROWD];

static uint64_t chance(uint64_t below)
{
    static uint64_t state = 1;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state >> 33) % below;
}

static void give_timeout(struct crowd_member *member)
{
    double seconds = (double)(chance(1000) + 1) * (chance(2) == 0 ? 0.001 : 0.1);
    bight_transport_set_idle_timeout(bight_string_protocol(member->peer)->transport, seconds);
    member->timeout = (uint64_t)(seconds * 1e9);
    member->since = now();
    member->held = 0;
}

static void be_active(struct crowd_member *member)
{
    switch (chance(10)) {
    case 0:
        give_timeout(member);
        return;
    case 1:
        bight_string_feed_text(member->peer, "x");
        break;
    default:
        (void)bight_transport_write(bight_string_protocol(member->peer)->transport, "y", 1);
    }
    member->since = now();
    member->held = 0;
}

static void check_member(struct crowd_member *member)
{
    uint64_t silent = now() - member->since;
    if (bight_string_is_closed(member->peer)) {
        ck_assert_uint_ge(silent + 1, member->timeout);
        bight_string_peer_free(member->peer);
        member->peer = bight_string_connect(reactor, &probe_factory, true);
        give_timeout(member);
    } else {
        ck_assert_uint_le(silent, member->timeout + member->timeout / 16 + 18000000 + member->held);
    }
}

static void let_something_happen(void)
{
    if (chance(100) == 0) {
        uint64_t held = chance(3000) * 1000000;
        bight_testing_hold_up(reactor, (double)held / 1e9);
        for (int i = 0; i < CROWD; i++) {
            crowd[i].held += held;
        }
    } else {
        bight_testing_advance(reactor, (double)chance(60) / 1e3);
    }
    for (int i = 0; i < CROWD; i++) {
        check_member(&crowd[i]);
    }
    struct crowd_member *member = &crowd[chance(CROWD)];
    be_active(member);
}

START_TEST(a_crowd_with_timeouts_of_all_lengths_ends_when_it_should) /* T24 */
{
    set_up();
    for (int i = 0; i < CROWD; i++) {
        crowd[i].peer = bight_string_connect(reactor, &probe_factory, true);
        give_timeout(&crowd[i]);
    }
    for (int i = 0; i < 20000; i++) {
        let_something_happen();
    }
    for (int i = 0; i < CROWD; i++) {
        bight_string_peer_free(crowd[i].peer);
    }
    tear_down();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, an_idle_connection_times_out_within_a_sixteenth_more);
    tcase_add_test(tests, input_keeps_an_idle_connection_alive);
    tcase_add_test(tests, idle_timeouts_of_many_lengths_live_side_by_side);
    tcase_add_test(tests, an_idle_timeout_can_be_taken_back);
    tcase_add_test(tests, messages_arm_no_timer_and_allocate_nothing);
    tcase_add_test(tests, output_keeps_an_idle_connection_alive);
    tcase_add_test(tests, output_that_the_peer_does_not_take_is_no_activity);
    tcase_add_test(tests, short_timeouts_come_never_early_and_soon);
    tcase_add_test(tests, a_timeout_of_a_year_is_for_ever);
    tcase_add_test(tests, a_short_timeout_that_was_taken_back_wakes_nobody);
    tcase_add_test(tests, the_wake_ups_are_as_few_for_many_connections);
    tcase_add_test(tests, a_thousand_ends_do_not_hold_up_the_loop);
    tcase_add_test(tests, time_in_which_the_loop_was_held_up_does_not_count);
    tcase_add_test(tests, without_memory_for_a_timeout_the_one_before_stays);
    tcase_add_test(tests, a_crowd_with_timeouts_of_all_lengths_ends_when_it_should);
}

BIGHT_TEST_MAIN("idle timeouts", add_tests)
