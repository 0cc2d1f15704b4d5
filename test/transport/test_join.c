/* SPDX-License-Identifier: MIT */
/* test_join.c - two joined connections: what passes, who waits for whom, and how both end. */
#include <bight/protocols/line.h>
#include <bight/stream.h>

#include "heard_results.h"
#include "transport_support.h"

static struct bight_string_peer *peers[2];
static struct bight_transport *transports[2];
static struct bight_deferred *joined;
static void (*at_end)(void);

static void note_end(struct bight_result *result, void *context)
{
    struct bight_join_counts *counts = bight_result_peek(result, &bight_type_join_counts);
    (void)context;
    if (counts != NULL) {
        hear("joined:%lu+%lu", (unsigned long)counts->from_first, (unsigned long)counts->from_second);
    } else {
        hear("joined:%s", bight_error_name(bight_failure_code(bight_result_failure(result))));
    }
    bight_result_clear(result);
    if (at_end != NULL) {
        at_end();
    }
}

static void connect_both(void)
{
    reactor = bight_testing_reactor_new();
    for (int i = 0; i < 2; i++) {
        peers[i] = bight_string_connect(reactor, &probe_factory, i == 0);
        transports[i] = bight_string_protocol(peers[i])->transport;
    }
    ck_heard("made made");
}

static void join_now(void)
{
    joined = bight_transport_join(transports[0], transports[1]);
    bight_deferred_add_both(joined, note_end, NULL);
}

static void join_both(void)
{
    connect_both();
    join_now();
    settle();
    ck_heard("replaced replaced");
}

static void end_both(void)
{
    bight_deferred_release(joined);
    joined = NULL;
    for (int i = 0; i < 2; i++) {
        bight_string_peer_free(peers[i]);
    }
    bight_reactor_free(reactor);
    ck_assert_uint_eq(probe_factory.connections, 0);
}

static void ck_came(int side, const char *text)
{
    settle();
    ck_assert_str_eq(bight_string_written_text(peers[side]), text);
    bight_string_clear(peers[side]);
}

/* --------------------------------------------------------------------------------------------- what passes */

START_TEST(what_comes_from_one_goes_to_the_other_both_ways)
{
    join_both();
    bight_string_feed_text(peers[0], "hello");
    ck_came(1, "hello");
    bight_string_feed_text(peers[1], "how do you do");
    ck_came(0, "how do you do");
    bight_string_end(peers[0]);
    settle();
    bight_string_end(peers[1]);
    settle();
    ck_heard("joined:5+13");
    ck_assert(bight_string_is_closed(peers[0]) && bight_string_is_closed(peers[1]));
    end_both();
}
END_TEST

START_TEST(a_peers_end_is_passed_on_and_the_other_way_goes_on) /* T11 */
{
    join_both();
    bight_string_feed_text(peers[0], "question");
    bight_string_end(peers[0]);
    ck_came(1, "question");
    ck_assert(bight_string_is_shut(peers[1]) && !bight_string_is_shut(peers[0]));
    bight_string_feed_text(peers[1], "answer");
    ck_came(0, "answer");
    ck_heard("");
    bight_string_end(peers[1]);
    settle();
    ck_heard("joined:8+6");
    end_both();
}
END_TEST

static void join_here(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    bight_transport_give_back(p->transport, data, size);
    on.data = NULL;
    join_now();
}

START_TEST(joining_in_a_handler_takes_along_what_that_has_given_back) /* T23 */
{
    on.data = join_here;
    connect_both();
    bight_transport_pause(transports[1]);
    bight_string_feed_text(peers[1], "early");
    bight_string_feed_text(peers[0], "hello");
    settle();
    ck_heard("data:hello replaced replaced");
    ck_came(1, "hello");
    ck_came(0, "early");
    end_both();
    ck_heard("joined:CONNECTION_LOST");
}
END_TEST

static struct bight_deferred *keep(struct bight_stream *stream, void *context)
{
    (void)context;
    transports[0] = bight_stream_transport(stream);
    return NULL;
}

static void pause_line(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    hear("%s", line);
    (void)size;
    bight_line_pause(receiver);
}

START_TEST(what_a_stream_or_a_line_receiver_has_not_handed_out_goes_along) /* T23 */
{
    static const struct bight_line_ops ops = { .line_received = pause_line };
    struct bight_stream_factory streams = BIGHT_STREAM_FACTORY(struct bight_stream, keep, NULL);
    struct bight_line_factory lines = BIGHT_LINE_FACTORY(struct bight_line_receiver, &ops);
    reactor = bight_testing_reactor_new();
    peers[0] = bight_string_connect(reactor, &streams.base, true);
    peers[1] = bight_string_connect(reactor, &lines.base, true);
    transports[1] = bight_string_protocol(peers[1])->transport;
    bight_string_feed_text(peers[0], "unread");
    bight_string_feed_text(peers[1], "CONNECT\nsecond\nth");
    ck_heard("CONNECT");
    join_now();
    ck_came(1, "unread");
    ck_came(0, "second\nth");
    end_both();
    ck_heard("joined:CONNECTION_LOST");
}
END_TEST

/* ------------------------------------------------------------------------------------------- who waits */

START_TEST(who_does_not_read_holds_its_opposite_up) /* T13 */
{
    size_t fed = 0, left, came;
    uint8_t *data = make_data(65536);
    join_both();
    bight_string_set_window(peers[1], 0);
    do {
        left = bight_string_feed(peers[0], data, 65536);
        fed += 65536 - left;
        settle();
    } while (left == 0 && fed < (8u << 20));
    ck_assert_uint_le(bight_transport_queued(transports[1]), 3 * 65536);
    ck_assert_uint_le(fed, 5 * 65536);
    bight_string_feed_text(peers[1], "the other way");
    ck_came(0, "the other way");
    bight_string_set_window(peers[1], SIZE_MAX);
    settle();
    bight_string_end(peers[0]);
    bight_string_end(peers[1]);
    settle();
    (void)bight_string_written(peers[1], &came);
    ck_assert_uint_ge(came, fed);
    ck_assert_ptr_nonnull(strstr(heard, "joined:"));
    ck_assert_ptr_nonnull(strstr(heard, "+13"));
    free(data);
    end_both();
}
END_TEST

/* ---------------------------------------------------------------------------------------------- how both end */

START_TEST(a_reset_of_one_is_a_reset_of_the_other)
{
    for (int side = 0; side < 2; side++) {
        join_both();
        bight_string_reset(peers[side], 0);
        settle();
        ck_heard("joined:CONNECTION_LOST");
        ck_assert(bight_string_was_reset(peers[1 - side]));
        end_both();
    }
}
END_TEST

START_TEST(a_graceful_end_of_one_is_one_of_the_other)
{
    join_both();
    bight_string_feed_text(peers[0], "last words");
    bight_transport_lose_connection(transports[0]);
    bight_string_end(peers[0]);
    settle();
    bight_string_end(peers[1]);
    ck_came(1, "last words");
    ck_heard("joined:10+0");
    end_both();
}
END_TEST

START_TEST(cancelling_aborts_both)
{
    join_both();
    bight_deferred_cancel(joined);
    ck_heard("joined:CANCELLED");
    settle();
    ck_assert(bight_string_was_reset(peers[0]) && bight_string_was_reset(peers[1]));
    end_both();
}
END_TEST

START_TEST(so_does_cancelling_before_it_has_begun)
{
    connect_both();
    join_now();
    bight_deferred_cancel(joined);
    ck_heard("joined:CANCELLED");
    settle();
    ck_heard("lost:CONNECTION_ABORTED lost:CONNECTION_ABORTED");
    end_both();
}
END_TEST

START_TEST(one_that_has_ended_already_takes_the_other_with_it)
{
    for (int side = 0; side < 2; side++) {
        connect_both();
        bight_string_reset(peers[side], 0);
        ck_heard("lost:CONNECTION_LOST");
        struct bight_protocol *never = bight_protocol_new(&probe_factory);
        transports[side] = never->transport; /* answers CLOSED */
        join_now();
        settle();
        ck_assert_ptr_nonnull(strstr(heard, "joined:CLOSED"));
        ck_assert_ptr_nonnull(strstr(heard, "lost:CONNECTION_ABORTED"));
        heard[0] = '\0';
        bight_protocol_free(never);
        end_both();
    }
}
END_TEST

START_TEST(one_that_ends_before_it_is_switched_takes_the_other_with_it)
{
    for (int side = 0; side < 2; side++) {
        connect_both();
        join_now();
        bight_transport_abort_connection(transports[side]);
        settle();
        ck_assert_ptr_nonnull(strstr(heard, "lost:CONNECTION_ABORTED"));
        ck_assert_ptr_nonnull(strstr(heard, "joined:CLOSED"));
        heard[0] = '\0';
        ck_assert(bight_string_was_reset(peers[0]) && bight_string_was_reset(peers[1]));
        end_both();
    }
}
END_TEST

static int victim;

static void abort_victim(struct bight_protocol *p)
{
    (void)p;
    bight_transport_abort_connection(transports[victim]);
}

static void lose_victim(struct bight_protocol *p)
{
    (void)p;
    bight_transport_lose_connection(transports[victim]);
}

static void cancel_it(struct bight_protocol *p)
{
    (void)p;
    bight_deferred_cancel(joined);
}

START_TEST(ending_is_legal_while_it_begins) /* T22 */
{
    void (*const acts[])(struct bight_protocol *) = { abort_victim, lose_victim, cancel_it };
    for (int i = 0; i < 6; i++) {
        on.replaced = NULL;
        connect_both();
        on.replaced = acts[i / 2];
        victim = i % 2;
        join_now();
        settle();
        for (int side = 0; side < 2; side++) {
            bight_string_end(peers[side]);
        }
        settle();
        ck_assert_ptr_nonnull(strstr(heard, "joined:"));
        ck_assert(bight_string_is_closed(peers[0]) && bight_string_is_closed(peers[1]));
        heard[0] = '\0';
        end_both();
    }
}
END_TEST

static void stop_all(void)
{
    bight_deferred_cancel(joined);
    bight_transport_abort_connection(transports[0]);
}

START_TEST(ending_is_legal_in_the_deferreds_handler) /* T22 */
{
    at_end = stop_all;
    connect_both();
    struct bight_protocol *held = bight_protocol_hold(bight_string_protocol(peers[0]));
    join_now();
    settle();
    heard[0] = '\0';
    transports[0] = held->transport;
    bight_string_reset(peers[1], 0);
    settle();
    ck_heard("joined:CONNECTION_LOST");
    bight_protocol_release(held);
    end_both();
}
END_TEST

START_TEST(a_joined_connection_can_be_switched_away) /* T23 */
{
    join_both();
    struct bight_protocol *next = bight_protocol_new(&probe_factory);
    ck_assert_int_eq(bight_transport_switch_protocol(transports[0], next, NULL, 0), 0);
    settle();
    ck_heard("made joined:CLOSED");
    ck_assert(bight_string_was_reset(peers[1]) && !bight_string_is_closed(peers[0]));
    bight_string_feed_text(peers[0], "mine");
    ck_heard("data:mine");
    end_both();
}
END_TEST

START_TEST(the_reactors_end_is_the_joins)
{
    join_both();
    bight_string_feed_text(peers[0], "x");
    end_both();
    ck_heard("joined:CONNECTION_LOST");
}
END_TEST

START_TEST(it_need_not_be_kept)
{
    connect_both();
    bight_deferred_release(bight_transport_join(transports[0], transports[1]));
    settle();
    bight_string_feed_text(peers[0], "hello");
    ck_came(1, "hello");
    bight_string_end(peers[0]);
    bight_string_end(peers[1]);
    settle();
    ck_assert(bight_string_is_closed(peers[0]) && bight_string_is_closed(peers[1]));
    end_both();
}
END_TEST

START_TEST(misuse_changes_nothing)
{
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    connect_both();
    joined = bight_transport_join(transports[0], transports[0]);
    bight_deferred_add_both(joined, note_end, NULL);
    ck_heard("joined:INVALID_ARGUMENT");
    bight_deferred_release(joined);
    struct bight_reactor *other = bight_testing_reactor_new();
    struct bight_string_peer *far =
        bight_string_connect(other, &(struct bight_factory)BIGHT_FACTORY(struct bight_protocol, &probe_ops), true);
    joined = bight_transport_join(transports[0], bight_string_protocol(far)->transport);
    bight_deferred_add_both(joined, note_end, NULL);
    ck_heard("made joined:INVALID_ARGUMENT");
    ck_assert(bight_transport_is_open(transports[0]) && bight_transport_is_open(transports[1]));
    end_both();
    bight_string_peer_free(far);
    bight_reactor_free(other);
}
END_TEST

static bool join_without_memory(void *context)
{
    (void)context;
    heard[0] = '\0';
    reactor = bight_testing_reactor_new();
    bool has_both = reactor != NULL;
    for (int i = 0; i < 2; i++) {
        peers[i] = reactor == NULL ? NULL : bight_string_connect(reactor, &probe_factory, true);
        has_both = has_both && peers[i] != NULL && bight_string_protocol(peers[i]) != NULL;
    }
    bool is_right = true;
    if (has_both) {
        bight_transport_pause(transports[0] = bight_string_protocol(peers[0])->transport);
        transports[1] = bight_string_protocol(peers[1])->transport;
        (void)bight_string_feed_text(peers[0], "hello");
        if (bight_string_protocol(peers[0]) != NULL && bight_string_protocol(peers[1]) != NULL) {
            bight_deferred_release(bight_transport_join(transports[0], transports[1]));
        }
        settle();
        for (int i = 0; i < 2; i++) {
            bight_string_end(peers[i]);
        }
        settle();
        is_right = bight_string_is_closed(peers[0]) && bight_string_is_closed(peers[1]);
    }
    for (int i = 0; i < 2; i++) {
        bight_string_peer_free(peers[i]);
    }
    bight_reactor_free(reactor);
    return is_right && (bight_testing_fault_injected() || strstr(heard, "replaced replaced") != NULL);
}

START_TEST(both_end_whatever_allocation_fails) /* D34 */
{
    bight_log_set_level(BIGHT_LOG_CRITICAL + 1);
    ck_assert_uint_eq(bight_testing_with_faults(join_without_memory, NULL, 0), 0);
}
END_TEST

START_TEST(in_steady_state_nothing_is_allocated)
{
    bight_testing_count_allocations(true);
    join_both();
    for (int round = 0; round < 20; round++) {
        if (round == 10) {
            bight_testing_count_allocations(true);
        }
        bight_string_feed_text(peers[0], "to and");
        bight_string_feed_text(peers[1], "fro");
        settle();
        bight_string_clear(peers[0]);
        bight_string_clear(peers[1]);
    }
    ck_assert_uint_eq(bight_testing_allocation_count(), 0);
    end_both();
    ck_heard("joined:CONNECTION_LOST");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, what_comes_from_one_goes_to_the_other_both_ways);
    tcase_add_test(tests, a_peers_end_is_passed_on_and_the_other_way_goes_on);
    tcase_add_test(tests, joining_in_a_handler_takes_along_what_that_has_given_back);
    tcase_add_test(tests, what_a_stream_or_a_line_receiver_has_not_handed_out_goes_along);
    tcase_add_test(tests, who_does_not_read_holds_its_opposite_up);
    tcase_add_test(tests, a_reset_of_one_is_a_reset_of_the_other);
    tcase_add_test(tests, a_graceful_end_of_one_is_one_of_the_other);
    tcase_add_test(tests, cancelling_aborts_both);
    tcase_add_test(tests, so_does_cancelling_before_it_has_begun);
    tcase_add_test(tests, one_that_has_ended_already_takes_the_other_with_it);
    tcase_add_test(tests, one_that_ends_before_it_is_switched_takes_the_other_with_it);
    tcase_add_test(tests, ending_is_legal_while_it_begins);
    tcase_add_test(tests, ending_is_legal_in_the_deferreds_handler);
    tcase_add_test(tests, a_joined_connection_can_be_switched_away);
    tcase_add_test(tests, the_reactors_end_is_the_joins);
    tcase_add_test(tests, it_need_not_be_kept);
    tcase_add_test(tests, misuse_changes_nothing);
    tcase_add_test(tests, both_end_whatever_allocation_fails);
    tcase_add_test(tests, in_steady_state_nothing_is_allocated);
}

BIGHT_TEST_MAIN("join", add_tests)
