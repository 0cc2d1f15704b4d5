/* SPDX-License-Identifier: MIT */
/* test_recorder.c - the recording reactor: production endpoints over sockets that a test completes or makes fail. */
#include <bight/testing.h>
#include <bight/testing/recorder.h>

#include <errno.h>

#include "support.h"

struct echo {
    struct bight_protocol base;
};

static struct bight_recorder *recorder;
static struct bight_reactor *reactor;
static int made, lost, lost_code, fired, failed_code;
static struct bight_protocol *connected; /* what a connect gave, held */

static void on_made(struct bight_protocol *protocol)
{
    (void)protocol;
    made++;
}

static void on_data(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    bight_transport_write(protocol->transport, data, size);
}

static void on_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    (void)protocol;
    lost++;
    lost_code = bight_failure_code(reason);
}

static const struct bight_protocol_ops echo_ops = {
    .connection_made = on_made, .data_received = on_data, .connection_lost = on_lost
};
static struct bight_factory factory = BIGHT_FACTORY(struct echo, &echo_ops);

static void begin(void)
{
    recorder = bight_recorder_new();
    ck_assert_ptr_nonnull(recorder);
    reactor = bight_recorder_reactor(recorder);
}

static struct bight_port *listen_on(const char *endpoint)
{
    struct bight_deferred *deferred = bight_listen(reactor, endpoint, &factory);
    struct bight_result *result = bight_deferred_result(deferred);
    ck_assert_ptr_nonnull(result);
    struct bight_failure *failure = bight_result_take_failure(result);
    failed_code = failure == NULL ? 0 : bight_failure_code(failure);
    bight_failure_release(failure);
    struct bight_port *port = failed_code != 0 ? NULL : bight_result_take(result, &bight_type_port);
    bight_deferred_release(deferred);
    return port;
}

static void note(struct bight_result *result, void *context)
{
    const struct bight_failure *failure = bight_result_failure(result);
    (void)context;
    fired++;
    failed_code = failure == NULL ? 0 : bight_failure_code(failure);
    connected = failure == NULL ? bight_result_take(result, &bight_type_protocol) : NULL;
    bight_result_clear(result);
}

static void begin_connecting(const char *endpoint)
{
    struct bight_deferred *deferred = bight_connect(reactor, endpoint, &factory);
    bight_deferred_add_both(deferred, note, NULL);
    bight_deferred_release(deferred);
    bight_testing_settle(reactor, 100);
}

static const char *format(const struct bight_address *address)
{
    static char text[BIGHT_ADDRESS_TEXT_SIZE];
    bight_address_format(address, text, sizeof text);
    return text;
}

/* ------------------------------------------------------------------------------------------- listening */

START_TEST(what_is_listened_on_is_recorded) /* E1 */
{
    struct bight_address address;
    begin();
    ck_assert_uint_eq(bight_recorder_ports(recorder), 0);
    struct bight_port *port = listen_on("tcp:8000:interface=127.0.0.1");
    struct bight_port *other = listen_on("tcp6:0");
    ck_assert_uint_eq(bight_recorder_ports(recorder), 2);
    ck_assert(bight_recorder_port(recorder, 0, &address));
    ck_assert_str_eq(format(&address), "127.0.0.1:8000");
    ck_assert(bight_recorder_port(recorder, 1, &address));
    ck_assert_uint_ge(address.port, 49152);
    ck_assert(!bight_recorder_port(recorder, 2, &address));
    bight_deferred_release(bight_port_stop_listening(port));
    ck_assert_uint_eq(bight_recorder_ports(recorder), 1);
    bight_port_release(port);
    bight_port_release(other);
    bight_recorder_free(recorder);
}
END_TEST

START_TEST(a_recorded_port_accepts_when_the_test_calls) /* T1 */
{
    begin();
    struct bight_port *port = listen_on("tcp:8000");
    struct bight_string_peer *peer = bight_recorder_accept(recorder, 0, NULL);
    ck_assert_int_eq(made, 1);
    ck_assert_uint_eq(bight_port_connections(port), 1);
    bight_string_feed_text(peer, "hello");
    ck_assert_str_eq(bight_string_written_text(peer), "hello");
    ck_assert_ptr_nonnull(bight_string_protocol(peer));
    struct bight_address from;
    ck_assert_int_eq(bight_transport_peer(bight_string_protocol(peer)->transport, &from), 0);
    ck_assert_int_eq(strncmp(format(&from), "192.0.2.1:", 10), 0);
    bight_string_end(peer);
    ck_assert_int_eq(lost, 1);
    ck_assert_int_eq(lost_code, BIGHT_E_CONNECTION_DONE);
    ck_assert(bight_string_is_closed(peer));
    ck_assert_ptr_null(bight_string_protocol(peer));
    bight_string_peer_free(peer);
    bight_port_release(port);
    bight_recorder_free(recorder);
}
END_TEST

START_TEST(a_call_waits_while_the_port_is_paused) /* T18 */
{
    begin();
    struct bight_port *port = listen_on("unix:/nowhere/socket:mode=600");
    bight_port_pause(port);
    struct bight_string_peer *peer = bight_recorder_accept(recorder, 0, NULL);
    ck_assert_int_eq(made, 0);
    ck_assert_ptr_null(bight_string_protocol(peer));
    bight_port_resume(port);
    bight_testing_settle(reactor, 100);
    ck_assert_int_eq(made, 1);
    bight_string_peer_free(peer);
    ck_assert_int_eq(lost, 1);
    peer = bight_recorder_accept(recorder, 0, NULL);
    bight_port_release(port);
    bight_recorder_free(recorder);
    ck_assert_int_eq(lost, 2);
    ck_assert(bight_string_is_closed(peer));
    bight_string_peer_free(peer);
}
END_TEST

START_TEST(listening_fails_when_the_test_says_so)
{
    begin();
    bight_recorder_refuse_listening(recorder, EADDRINUSE);
    ck_assert_ptr_null(listen_on("tcp:8000"));
    ck_assert_int_eq(failed_code, BIGHT_E_ADDRESS_IN_USE);
    ck_assert_uint_eq(bight_recorder_ports(recorder), 0);
    bight_recorder_refuse_listening(recorder, 0);
    bight_port_release(listen_on("tcp:8000"));
    ck_assert_uint_eq(bight_recorder_ports(recorder), 1);
    bight_recorder_free(recorder);
}
END_TEST

/* ------------------------------------------------------------------------------------------ connecting */

START_TEST(an_attempt_to_connect_is_recorded_and_completed) /* E2 */
{
    struct bight_address address;
    begin();
    begin_connecting("tcp:192.0.2.7:80");
    ck_assert_uint_eq(bight_recorder_attempts(recorder), 1);
    ck_assert(bight_recorder_attempt(recorder, 0, &address));
    ck_assert_str_eq(format(&address), "192.0.2.7:80");
    ck_assert_int_eq(fired, 0);
    struct bight_string_peer *peer = bight_recorder_complete(recorder, 0);
    ck_assert_int_eq(fired, 1);
    ck_assert_ptr_eq(connected, bight_string_protocol(peer));
    ck_assert_uint_eq(bight_recorder_attempts(recorder), 0);
    bight_string_feed_chunked(peer, "hello", 5, 2);
    ck_assert_str_eq(bight_string_written_text(peer), "hello");
    bight_transport_abort_connection(connected->transport);
    bight_testing_settle(reactor, 100);
    ck_assert(bight_string_was_reset(peer));
    bight_protocol_release(connected);
    bight_string_peer_free(peer);
    bight_recorder_free(recorder);
}
END_TEST

START_TEST(an_attempt_fails_with_the_errno_that_the_test_chooses) /* E2 */
{
    begin();
    begin_connecting("tcp:192.0.2.7:80");
    ck_assert(bight_recorder_fail(recorder, 0, EHOSTUNREACH));
    ck_assert_int_eq(failed_code, BIGHT_E_UNREACHABLE);
    begin_connecting("unix:/nowhere/socket");
    ck_assert(bight_recorder_fail(recorder, 0, 0));
    ck_assert_int_eq(failed_code, BIGHT_E_CONNECTION_REFUSED);
    ck_assert_int_eq(fired, 2);
    ck_assert(!bight_recorder_fail(recorder, 0, 0));
    ck_assert_ptr_null(bight_recorder_complete(recorder, 0));
    bight_recorder_free(recorder);
}
END_TEST

START_TEST(an_attempt_times_out_in_virtual_time) /* E2 */
{
    begin();
    begin_connecting("tcp:192.0.2.7:80:timeout=7");
    bight_testing_advance(reactor, 6.9);
    ck_assert_int_eq(fired, 0);
    bight_testing_advance(reactor, 0.2);
    ck_assert_int_eq(failed_code, BIGHT_E_CONNECT_TIMED_OUT);
    ck_assert_uint_eq(bight_recorder_attempts(recorder), 0);
    bight_recorder_free(recorder);
}
END_TEST

START_TEST(a_name_is_looked_up_by_the_test_and_its_addresses_race) /* E5 */
{
    static const char *const literals[] = { "2001:db8::1", "192.0.2.1" };
    struct bight_address address;
    begin();
    begin_connecting("tcp:www.example:80");
    ck_assert_uint_eq(bight_recorder_look_ups(recorder), 1);
    ck_assert_str_eq(bight_recorder_look_up(recorder, 0), "www.example");
    ck_assert_int_eq(bight_recorder_answer(recorder, 0, literals, 2), 0);
    ck_assert_uint_eq(bight_recorder_look_ups(recorder), 0);
    ck_assert_uint_eq(bight_recorder_attempts(recorder), 1);
    bight_testing_advance(reactor, 0.25);
    ck_assert_uint_eq(bight_recorder_attempts(recorder), 2);
    ck_assert(bight_recorder_attempt(recorder, 1, &address));
    ck_assert_str_eq(format(&address), "192.0.2.1:80");
    struct bight_string_peer *peer = bight_recorder_complete(recorder, 1);
    ck_assert_int_eq(fired, 1);
    ck_assert_int_eq(failed_code, 0);
    ck_assert_uint_eq(bight_recorder_attempts(recorder), 0);
    bight_protocol_release(connected);
    bight_string_peer_free(peer);
    bight_recorder_free(recorder);
}
END_TEST

START_TEST(a_look_up_finds_nothing_or_is_cancelled)
{
    static const char *const nonsense[] = { "not an address" };
    begin();
    begin_connecting("tcp:www.example:80");
    ck_assert_int_eq(bight_recorder_answer(recorder, 0, nonsense, 1), BIGHT_E_SYNTAX);
    ck_assert_int_eq(bight_recorder_answer(recorder, 1, nonsense, 1), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_recorder_answer(recorder, 0, NULL, 0), 0);
    ck_assert_int_eq(failed_code, BIGHT_E_NAME_NOT_FOUND);
    begin_connecting("tcp:www.example:80");
    bight_testing_advance(reactor, 100);
    ck_assert_int_eq(failed_code, BIGHT_E_CONNECT_TIMED_OUT);
    ck_assert_uint_eq(bight_recorder_look_ups(recorder), 0);
    begin_connecting("tcp:www.example:80");
    bight_recorder_free(recorder);
    ck_assert_int_eq(fired, 3);
}
END_TEST

/* ---------------------------------------------------------------------------------------------- timers */

static void nothing(void *context)
{
    (void)context;
}

START_TEST(pending_calls_are_listed_in_order_of_their_deadlines) /* R5 */
{
    begin();
    bight_call_later(reactor, 90, nothing, NULL, NULL);
    bight_call_later(reactor, 0.5, nothing, NULL, NULL);
    bight_call_later(reactor, 3, nothing, NULL, NULL);
    bight_call_later(reactor, 0.5, nothing, NULL, NULL);
    ck_assert_uint_eq(bight_testing_timers(reactor), 4);
    ck_assert_double_eq_tol(bight_testing_timer(reactor, 0), 0.5, 1e-9);
    ck_assert_double_eq_tol(bight_testing_timer(reactor, 1), 0.5, 1e-9);
    ck_assert_double_eq_tol(bight_testing_timer(reactor, 2), 3, 1e-9);
    ck_assert_double_eq_tol(bight_testing_timer(reactor, 3), 90, 1e-9);
    ck_assert_double_lt(bight_testing_timer(reactor, 4), 0);
    bight_testing_advance(reactor, 1);
    ck_assert_uint_eq(bight_testing_timers(reactor), 2);
    ck_assert_double_eq_tol(bight_testing_timer(reactor, 0), 2, 1e-9);
    bight_recorder_free(recorder);
}
END_TEST

static bool use_without_memory(void *context)
{
    (void)context;
    made = lost = 0;
    recorder = bight_recorder_new();
    if (recorder == NULL) {
        return true;
    }
    reactor = bight_recorder_reactor(recorder);
    struct bight_deferred *listening = bight_listen(reactor, "tcp:8000", &factory);
    struct bight_deferred *connecting = bight_connect(reactor, "tcp:192.0.2.7:80", &factory);
    bight_testing_settle(reactor, 100);
    struct bight_string_peer *client = bight_recorder_accept(recorder, 0, NULL);
    struct bight_string_peer *server = bight_recorder_complete(recorder, 0);
    if (client != NULL) {
        bight_string_feed_text(client, "hello");
    }
    bight_string_peer_free(client);
    bight_deferred_cancel(connecting);
    struct bight_result *results[] = { bight_deferred_result(listening), bight_deferred_result(connecting) };
    for (int i = 0; i < 2; i++) {
        if (results[i] != NULL) {
            bight_result_clear(results[i]);
        }
    }
    bight_deferred_release(listening);
    bight_deferred_release(connecting);
    bight_recorder_free(recorder);
    bight_string_peer_free(server);
    return made == lost;
}

START_TEST(a_recorder_survives_each_failed_allocation)
{
    ck_assert_uint_eq(bight_testing_with_faults(use_without_memory, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, what_is_listened_on_is_recorded);
    tcase_add_test(tests, a_recorded_port_accepts_when_the_test_calls);
    tcase_add_test(tests, a_call_waits_while_the_port_is_paused);
    tcase_add_test(tests, listening_fails_when_the_test_says_so);
    tcase_add_test(tests, an_attempt_to_connect_is_recorded_and_completed);
    tcase_add_test(tests, an_attempt_fails_with_the_errno_that_the_test_chooses);
    tcase_add_test(tests, an_attempt_times_out_in_virtual_time);
    tcase_add_test(tests, a_name_is_looked_up_by_the_test_and_its_addresses_race);
    tcase_add_test(tests, a_look_up_finds_nothing_or_is_cancelled);
    tcase_add_test(tests, pending_calls_are_listed_in_order_of_their_deadlines);
    tcase_add_test(tests, a_recorder_survives_each_failed_allocation);
}

BIGHT_TEST_MAIN("recorder", add_tests)
