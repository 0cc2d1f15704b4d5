/* SPDX-License-Identifier: MIT */
/* Connecting to one address, cancelling at any stage, and what happens to failures (E2, E3, T15). */
#include "connect_support.h"

/* ------------------------------------------------------------------------------------------ one address */

START_TEST(the_deferred_gives_the_protocol_after_its_connection_made) /* E2 */
{
    begin();
    struct bight_deferred *deferred = connect_to("tcp:192.0.2.1:80");
    ck_assert_uint_eq(attempt_count, 0); /* nothing happens inside the call */
    ck_assert_int_eq(seen.started, 1);
    net_turn(&net, 2);
    ck_assert_str_eq(attempts[0].address, "192.0.2.1:80");
    ck_assert_int_eq(outcome.fired, 0);
    decide(0, 0);
    ck_assert_int_eq(outcome.fired, 1);
    ck_assert_ptr_eq(outcome.type, &bight_type_protocol);
    ck_assert_ptr_eq(outcome.value, seen.last);
    ck_assert_int_eq(seen.made, 1);
    ck_assert_int_eq(resolver.asked, 0); /* E5: literals skip the look-up */
    ck_assert_int_eq(seen.peer.port, 80);
    bight_deferred_release(deferred);
    end();
    ck_assert_int_eq(seen.lost, 1);
}
END_TEST

START_TEST(connecting_at_once_makes_no_difference) /* E2 */
{
    begin();
    at_once[0] = 1;
    struct bight_deferred *deferred = connect_to("tcp:[2001:db8::1]:80");
    ck_assert_int_eq(seen.made, 0);
    net_turn(&net, 1);
    ck_assert_str_eq(attempts[0].address, "[2001:db8::1]:80");
    ck_assert_int_eq(outcome.fired, 1);
    ck_assert_ptr_eq(outcome.value, seen.last);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(the_value_holds_the_protocol_beyond_its_connection) /* E2, T3 */
{
    begin();
    at_once[0] = 1;
    struct bight_deferred *deferred = connect_to("tcp:192.0.2.1:80");
    net_turn(&net, 2);
    struct bight_protocol *protocol = outcome.value;
    close(attempts[0].far);
    attempts[0].far = dup(0);
    NET_UNTIL(&net, seen.lost == 1);
    net_turn(&net, 3);
    ck_assert_int_eq(bight_transport_write(protocol->transport, "x", 1), BIGHT_E_CLOSED);
    bight_deferred_release(deferred);
    end();
}
END_TEST

static void abort_in_made(struct bight_protocol *protocol)
{
    bight_transport_abort_connection(protocol->transport);
}

START_TEST(a_connection_aborted_in_connection_made_still_gives_its_protocol) /* E2, T3 */
{
    begin();
    at_once[0] = 1;
    seen.on_made = abort_in_made;
    struct bight_deferred *deferred = connect_to("tcp:192.0.2.1:80");
    net_turn(&net, 1);
    ck_assert_int_eq(outcome.fired, 1);
    ck_assert_int_eq(outcome.code, 0);
    ck_assert(!bight_transport_is_open(((struct bight_protocol *)outcome.value)->transport));
    NET_UNTIL(&net, seen.lost == 1);
    ck_assert_int_eq(seen.reason, BIGHT_E_CONNECTION_ABORTED);
    bight_deferred_release(deferred);
    end();
}
END_TEST

static struct bight_deferred *cancelled_in_made;

static void cancel_in_made(struct bight_protocol *protocol)
{
    (void)protocol;
    bight_deferred_cancel(cancelled_in_made);
}

START_TEST(a_cancel_in_connection_made_discards_the_connection) /* E3, D31 */
{
    begin();
    at_once[0] = 1;
    seen.on_made = cancel_in_made;
    cancelled_in_made = connect_to("tcp:192.0.2.1:80");
    net_turn(&net, 1);
    ck_assert_int_eq(outcome.fired, 1);
    ck_assert_int_eq(outcome.code, BIGHT_E_CANCELLED);
    NET_UNTIL(&net, seen.lost == 1);
    ck_assert_int_eq(seen.reason, BIGHT_E_CONNECTION_ABORTED);
    bight_deferred_release(cancelled_in_made);
    end();
}
END_TEST

struct refusal {
    int number, code;
    const char *message;
};
static const struct refusal refusals[] = {
    { ECONNREFUSED, BIGHT_E_CONNECTION_REFUSED, "cannot connect to 192.0.2.1:80: refused" },
    { ENETUNREACH, BIGHT_E_UNREACHABLE, "cannot connect to 192.0.2.1:80: unreachable" },
    { EHOSTUNREACH, BIGHT_E_UNREACHABLE, "cannot connect to 192.0.2.1:80: unreachable" },
    { ETIMEDOUT, BIGHT_E_CONNECT_TIMED_OUT, "cannot connect to 192.0.2.1:80: no answer" },
    { EACCES, BIGHT_E_CONNECT, "cannot connect to 192.0.2.1:80: Permission denied" },
    { ECONNRESET, BIGHT_E_CONNECT, "cannot connect to 192.0.2.1:80: Connection reset by peer" },
    { EADDRNOTAVAIL, BIGHT_E_NO_LOCAL_PORT,
        "cannot connect to 192.0.2.1:80: no port is free on this machine for the connection" },
    { EAFNOSUPPORT, BIGHT_E_NO_LOCAL_ADDRESS,
        "cannot connect to 192.0.2.1:80: this machine has no such address to connect from" },
};

static size_t received_before = SIZE_MAX;

static void note_received(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    received_before = seen.received;
}

START_TEST(no_data_come_before_the_handlers_of_the_deferred_have_run) /* E2 */
{
    begin();
    at_once[0] = _i;
    struct bight_deferred *deferred = connect_to("tcp:192.0.2.1:80");
    bight_deferred_add_callback(deferred, note_received, NULL);
    net_turn(&net, 1);
    ck_assert_int_eq((int)write(attempts[0].far, "hello", 5), 5);
    if (_i == 0) {
        decide(0, 0);
    }
    NET_UNTIL(&net, seen.received == 5);
    ck_assert_uint_eq(received_before, 0);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(a_timeout_of_0_is_none) /* E5 */
{
    static const char *const endpoints[] = { "tcp:192.0.2.1:80:timeout=0", "unix:/somewhere:timeout=0" };
    begin();
    struct bight_deferred *deferred = connect_to(endpoints[_i]);
    net_turn(&net, 2);
    advance(1e6);
    ck_assert_int_eq(outcome.fired, 0);
    decide(0, 0);
    ck_assert_int_eq(outcome.fired, 1);
    ck_assert_int_eq(outcome.code, 0);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(a_failed_attempt_is_a_failure_with_its_address_and_stops_the_factory) /* E2, T16 */
{
    const struct refusal *refusal = &refusals[_i / 2];
    begin();
    at_once[0] = _i % 2 == 0 ? -refusal->number : 0;
    struct bight_deferred *deferred = connect_to("tcp:192.0.2.1:80");
    net_turn(&net, 2);
    if (_i % 2 == 1) {
        ck_assert_int_eq(outcome.fired, 0);
        decide(0, refusal->number);
    }
    ck_assert_int_eq(outcome.fired, 1);
    ck_assert_int_eq(outcome.code, refusal->code);
    ck_assert(bight_failure_is(outcome.failure, BIGHT_E_CONNECT));
    ck_assert_int_eq(bight_failure_errno(outcome.failure), refusal->number);
    ck_assert_str_eq(bight_failure_message(outcome.failure), refusal->message);
    ck_assert(is_closed(0));
    ck_assert_int_eq(seen.made, 0);
    ck_assert_int_eq(seen.started, 1);
    ck_assert_int_eq(seen.stopped, 1);
    bight_deferred_release(deferred);
    end();
}
END_TEST

/* The machine does not have the family: a datagram socket finds no address to come from either. */
START_TEST(an_address_that_there_is_no_way_from_is_no_want_of_ports) /* E2 */
{
    begin();
    at_once[0] = at_once[1] = -EADDRNOTAVAIL;
    struct bight_deferred *deferred = connect_to(_i == 0 ? "tcp:192.0.2.1:80" : "tcp:192.0.2.1:80:bind=192.0.2.7");
    net_turn(&net, 2);
    ck_assert_int_eq(outcome.code, BIGHT_E_NO_LOCAL_ADDRESS);
    ck_assert(bight_failure_is(outcome.failure, BIGHT_E_CONNECT));
    ck_assert_uint_eq(attempt_count, 2); /* the second is the datagram socket */
    ck_assert(is_closed(1));
    ck_assert(attempts[1].bound == (_i == 1));
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(a_factory_that_makes_no_protocol_fails_the_connection) /* T15 */
{
    begin();
    seen.refuse = true;
    probe_factory.out_of_memory = true; /* the last time; now it refuses */
    at_once[0] = 1;
    struct bight_deferred *deferred = connect_to("tcp:192.0.2.1:80");
    net_turn(&net, 2);
    ck_assert_int_eq(outcome.code, BIGHT_E_NO_PROTOCOL);
    ck_assert(is_closed(0));
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(an_attempt_takes_no_longer_than_its_timeout) /* E5 */
{
    static const char *const endpoints[] = { "tcp:192.0.2.1:80", "tcp:192.0.2.1:80:timeout=1.5", "unix:/somewhere" };
    static const double seconds[] = { 30, 1.5, 30 };
    begin();
    struct bight_deferred *deferred = connect_to(endpoints[_i]);
    net_turn(&net, 2);
    advance(seconds[_i] - 0.001);
    ck_assert_int_eq(outcome.fired, 0);
    advance(0.001);
    ck_assert_int_eq(outcome.code, BIGHT_E_CONNECT_TIMED_OUT);
    ck_assert(is_closed(0));
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(the_local_address_can_be_chosen) /* E2 */
{
    begin();
    struct bight_deferred *deferred = connect_to("tcp:example.org:80:bind=10.0.0.1");
    net_turn(&net, 2);
    answer("a1b");
    net_turn(&net, 2);
    ck_assert_uint_eq(attempt_count, 1);
    ck_assert_str_eq(attempts[0].address, "192.0.2.1:80");
    ck_assert(attempts[0].bound);
    decide(0, ECONNREFUSED);
    ck_assert_int_eq(outcome.code, BIGHT_E_CONNECTION_REFUSED); /* one attempt: its own failure */
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(a_local_address_of_another_family_reaches_nothing) /* E2 */
{
    begin();
    struct bight_deferred *deferred = connect_to("tcp:192.0.2.1:80:bind=[::1]");
    net_turn(&net, 2);
    ck_assert_uint_eq(attempt_count, 0);
    ck_assert_int_eq(outcome.code, BIGHT_E_UNREACHABLE);
    bight_deferred_release(deferred);
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------ cancelling */

enum stage { BEFORE_TURN, LOOKING_UP, FIRST_ATTEMPT, THREE_ATTEMPTS, STAGES };

START_TEST(a_cancel_at_any_stage_stops_everything) /* E3 */
{
    begin();
    struct bight_deferred *deferred = connect_to("tcp:example.org:80");
    if (_i >= LOOKING_UP) {
        net_turn(&net, 2);
    }
    if (_i >= FIRST_ATTEMPT) {
        answer("a1b2");
        net_turn(&net, 2);
    }
    if (_i >= THREE_ATTEMPTS) {
        advance(0.25);
        advance(0.25);
    }
    bight_deferred_cancel(deferred);
    ck_assert_int_eq(outcome.code, BIGHT_E_CANCELLED);
    ck_assert_int_eq(seen.stopped, 1);
    ck_assert_int_eq(resolver.cancelled, _i == LOOKING_UP);
    for (size_t i = 0; i < attempt_count; i++) {
        ck_assert(is_closed(i));
    }
    size_t count = attempt_count;
    advance(60);
    ck_assert_uint_eq(attempt_count, count);
    ck_assert_int_eq(outcome.fired, 1);
    bight_deferred_release(deferred);
    end();
    ck_assert_int_eq(net.log_count, 0);
}
END_TEST

START_TEST(a_cancel_after_the_connection_does_nothing) /* E3 */
{
    begin();
    at_once[0] = 1;
    struct bight_deferred *deferred = connect_to("tcp:192.0.2.1:80");
    net_turn(&net, 2);
    bight_deferred_cancel(deferred);
    net_turn(&net, 3);
    ck_assert_int_eq(seen.lost, 0);
    ck_assert_int_eq(outcome.fired, 1);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(the_end_of_the_reactor_ends_the_attempt) /* E3 */
{
    begin();
    struct bight_deferred *deferred = connect_to("tcp:example.org:80");
    if (_i >= LOOKING_UP) {
        net_turn(&net, 2);
    }
    if (_i >= FIRST_ATTEMPT) {
        answer("a1b2");
        net_turn(&net, 2);
    }
    net_end(&net);
    ck_assert_int_eq(outcome.code, BIGHT_E_SHUTDOWN);
    ck_assert_int_eq(seen.stopped, 1);
    bight_deferred_release(deferred);
    forget_outcome(&outcome);
    for (size_t i = 0; i < attempt_count; i++) {
        close(attempts[i].far);
    }
    ck_assert_int_eq(count_descriptors(), descriptors_before);
}
END_TEST

START_TEST(a_full_backlog_of_a_unix_socket_is_tried_again) /* E2 */
{
    begin();
    at_once[0] = at_once[1] = -EAGAIN;
    at_once[2] = 1;
    struct bight_deferred *deferred = connect_to("unix:/somewhere");
    net_turn(&net, 2);
    ck_assert_uint_eq(attempt_count, 1);
    advance(0.02);
    ck_assert_uint_eq(attempt_count, 2);
    advance(0.02);
    ck_assert_uint_eq(attempt_count, 3);
    ck_assert_ptr_eq(outcome.value, seen.last);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(a_backlog_that_stays_full_ends_in_a_timeout) /* E2 */
{
    begin();
    for (int i = 0; i < MAX_ATTEMPTS; i++) {
        at_once[i] = -EAGAIN;
    }
    struct bight_deferred *deferred = connect_to("unix:/somewhere:timeout=0.1");
    net_turn(&net, 2);
    for (int i = 0; i < 6; i++) {
        advance(0.02);
    }
    ck_assert_int_eq(outcome.code, BIGHT_E_CONNECT_TIMED_OUT);
    bight_deferred_release(deferred);
    end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, the_deferred_gives_the_protocol_after_its_connection_made);
    tcase_add_test(tests, connecting_at_once_makes_no_difference);
    tcase_add_test(tests, the_value_holds_the_protocol_beyond_its_connection);
    tcase_add_test(tests, a_connection_aborted_in_connection_made_still_gives_its_protocol);
    tcase_add_test(tests, a_cancel_in_connection_made_discards_the_connection);
    tcase_add_loop_test(tests, no_data_come_before_the_handlers_of_the_deferred_have_run, 0, 2);
    tcase_add_loop_test(tests, a_timeout_of_0_is_none, 0, 2);
    tcase_add_loop_test(tests, a_failed_attempt_is_a_failure_with_its_address_and_stops_the_factory, 0, 16);
    tcase_add_loop_test(tests, an_address_that_there_is_no_way_from_is_no_want_of_ports, 0, 2);
    tcase_add_test(tests, a_factory_that_makes_no_protocol_fails_the_connection);
    tcase_add_loop_test(tests, an_attempt_takes_no_longer_than_its_timeout, 0, 3);
    tcase_add_test(tests, the_local_address_can_be_chosen);
    tcase_add_test(tests, a_local_address_of_another_family_reaches_nothing);
    tcase_add_loop_test(tests, a_cancel_at_any_stage_stops_everything, 0, STAGES);
    tcase_add_test(tests, a_cancel_after_the_connection_does_nothing);
    tcase_add_loop_test(tests, the_end_of_the_reactor_ends_the_attempt, 0, THREE_ATTEMPTS);
    tcase_add_test(tests, a_full_backlog_of_a_unix_socket_is_tried_again);
    tcase_add_test(tests, a_backlog_that_stays_full_ends_in_a_timeout);
}

BIGHT_TEST_MAIN("connect", add_tests)
