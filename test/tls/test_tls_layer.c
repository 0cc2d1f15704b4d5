/* SPDX-License-Identifier: MIT */
/* test_tls_layer.c - TLS on connections: handshakes, data both ways however it is cut, ends, failures. */
#include "tls_pair_support.h"

#include <bight/sys/layer.h>

#include "transport/input.h"

/* ------------------------------------------------------------------------------------------ handshakes */

START_TEST(both_ends_hear_that_they_are_secure_and_then_data) /* T19 */
{
    join();
    write_to(CLIENT, "hello", 5); /* before the handshake */
    ends[SERVER].data = echo;
    pump();
    ck_heard("c:secure s:secure");
    ck_got(SERVER, "hello", 5);
    ck_got(CLIENT, "hello", 5);
}
END_TEST

START_TEST(nothing_crosses_in_the_clear) /* L5 */
{
    bight_pair_free(NULL);
    struct bight_string_peer *peer = bight_string_connect(reactor, &ends[CLIENT].factory, false);
    struct bight_protocol *protocol = bight_string_protocol(peer);
    ck_assert_int_eq(bight_transport_write(protocol->transport, "the secret", 10), BIGHT_OK);
    bight_testing_settle(reactor, 100);
    size_t size;
    const uint8_t *sent = bight_string_written(peer, &size);
    ck_assert_uint_gt(size, 100);
    ck_assert_ptr_null(memmem(sent, size, "secret", 6));
    ck_assert_uint_eq(bight_transport_queued(protocol->transport), 10);
    bight_string_end(peer);
    ck_heard("c:TRUNCATED");
    bight_string_peer_free(peer);
}
END_TEST

static void ck_own(struct end *end, const uint8_t *data, size_t size)
{
    (void)end;
    ck_assert(bi_input_is_own(bight_pair_protocol(pair, SERVER), data, size));
}

START_TEST(what_was_decrypted_is_the_library_s_own_so_that_lines_need_no_copy)
{
    ends[SERVER].data = ck_own;
    join();
    write_to(CLIENT, "hello", 5);
    pump();
    ck_got(SERVER, "hello", 5);
}
END_TEST

START_TEST(a_peer_with_the_wrong_name_gets_nothing) /* L5, L6 */
{
    ends[CLIENT].peer_name = "example.com";
    join();
    write_to(CLIENT, "hello", 5);
    pump();
    ck_heard("s:TLS_ALERT c:WRONG_NAME");
    ck_assert_ptr_nonnull(strstr(ends[CLIENT].reason, "not for example.com"));
    ck_got(SERVER, "", 0);
}
END_TEST

START_TEST(a_client_that_verifies_must_name_its_peer) /* L5 */
{
    ends[CLIENT].starts_late = true;
    ends[CLIENT].peer_name = NULL;
    join();
    ck_assert_int_eq(start_tls(transport_of(CLIENT), &ends[CLIENT]), BIGHT_E_INVALID_ARGUMENT);
    ends[CLIENT].peer_name = "localhost";
    ck_assert_int_eq(start_tls(transport_of(CLIENT), &ends[CLIENT]), BIGHT_OK);
    pump();
    ck_heard("c:secure s:secure");
}
END_TEST

START_TEST(what_is_no_tls_is_a_failure_and_never_data) /* T19 */
{
    ends[CLIENT].starts_late = true;
    join();
    write_to(CLIENT, "GET / HTTP/1.0\r\n\r\n", 18);
    pump();
    ck_heard("c:end c:CONNECTION_DONE s:TLS");
    ck_got(SERVER, "", 0);
    ck_assert_ptr_nonnull(strstr(ends[SERVER].reason, "http request"));
}
END_TEST

START_TEST(a_handshake_has_its_time) /* L4 */
{
    ends[CLIENT].starts_late = true;
    join();
    bight_testing_advance(reactor, 9.9);
    ck_heard("");
    bight_testing_advance(reactor, 0.2);
    pump();
    ck_heard("c:end c:CONNECTION_DONE s:TIMED_OUT");
}
END_TEST

/* Each keeps the loop busy for some 0.4 ms, and a turn has 10 ms for all of them. */
START_TEST(handshakes_share_a_turn_with_others) /* L4 */
{
    enum { CONNECTIONS = 100 };
    struct bight_pair *pairs[CONNECTIONS];
    size_t turns = 0;
    for (int i = 0; i < CONNECTIONS; i++) {
        pairs[i] = bight_pair_connect(reactor, &ends[SERVER].factory, &ends[CLIENT].factory);
        ck_assert_ptr_nonnull(pairs[i]);
    }
    while (bight_testing_settle(reactor, 1) > 0) {
        turns++;
    }
    ck_assert_uint_gt(turns, 10);
    size_t secure = 0;
    for (const char *at = heard; (at = strstr(at, "secure")) != NULL; at++) {
        secure++;
    }
    ck_assert_uint_eq(secure, 2 * CONNECTIONS);
    for (int i = 0; i < CONNECTIONS; i++) {
        bight_pair_free(pairs[i]);
    }
    heard[0] = '\0';
}
END_TEST

START_TEST(a_handshake_is_not_held_up_by_a_pause)
{
    join();
    bight_transport_pause(transport_of(SERVER));
    bight_transport_pause(transport_of(CLIENT));
    pump();
    ck_heard("c:secure s:secure");
}
END_TEST

START_TEST(a_handshake_is_not_held_up_by_output_that_waits_for_it) /* T13 */
{
    size_t size = 200000; /* above the mark: the accepted end would not be read from */
    uint8_t *data = make_data(size);
    join();
    write_to(SERVER, data, size);
    pump();
    ck_heard("c:secure s:secure");
    ck_got(CLIENT, data, size);
    free(data);
}
END_TEST

/* ------------------------------------------------------------------------------------------------ data */

static const size_t chunks[] = { 1, 2, 5, 7, 100, 1000, 16384, 16385, 65536, SIZE_MAX };
enum { CHUNKS = sizeof chunks / sizeof chunks[0] };

START_TEST(data_passes_however_its_records_are_cut)
{
    size_t size = _i < 3 ? 40000 : 1000000;
    uint8_t *data = make_data(size);
    ends[SERVER].data = echo;
    join();
    bight_pair_set_chunk(pair, chunks[_i]);
    write_to(CLIENT, data, size);
    pump();
    ck_heard("c:secure s:secure");
    ck_got(SERVER, data, size);
    ck_got(CLIENT, data, size);
    free(data);
}
END_TEST

static size_t cut, crossed[2];

static size_t cut_once(enum bight_pair_side from, size_t available, void *context)
{
    (void)context;
    size_t left = crossed[from] < cut ? cut - crossed[from] : available;
    size_t size = available < left ? available : left;
    crossed[from] += size;
    return size;
}

/* Both streams, from the first byte of the handshakes to the last of the ends, are cut once at the same place. */
START_TEST(a_cut_at_any_byte_changes_nothing)
{
    size_t longest = SIZE_MAX;
    ends[SERVER].data = echo;
    for (cut = (size_t)_i; cut < longest; cut += 4) {
        crossed[CLIENT] = crossed[SERVER] = 0;
        join();
        bight_pair_set_chunk_function(pair, cut_once, NULL);
        write_to(CLIENT, "hello", 5);
        pump();
        bight_transport_lose_connection(transport_of(CLIENT));
        pump();
        ck_got(SERVER, "hello", 5);
        ck_got(CLIENT, "hello", 5);
        ck_heard("c:secure s:secure s:end s:CONNECTION_DONE c:CONNECTION_DONE");
        longest = crossed[CLIENT] > crossed[SERVER] ? crossed[CLIENT] : crossed[SERVER];
        bight_pair_free(pair);
        pair = NULL;
    }
    ck_assert_uint_gt(longest, 800);
}
END_TEST

START_TEST(data_passes_through_narrow_windows) /* L10 */
{
    size_t size = 3000000;
    uint8_t *data = make_data(size);
    ends[SERVER].data = echo;
    join_securely();
    bight_pair_set_window(pair, CLIENT, chunks[_i]);
    bight_pair_set_window(pair, SERVER, chunks[_i] / 2 + 1);
    size = chunks[_i] < 1000 ? 100000 : size;
    write_to(CLIENT, data, size);
    pump();
    ck_got(SERVER, data, size);
    ck_got(CLIENT, data, size);
    ck_assert_uint_eq(bight_transport_queued(transport_of(CLIENT)), 0);
    ck_assert_uint_eq(bight_transport_queued(transport_of(SERVER)), 0);
    free(data);
}
END_TEST

/* ------------------------------------------------------------------------------------------------ ends */

START_TEST(lose_connection_ends_both_sides_in_good_order) /* L9, T5 */
{
    join_securely();
    write_to(CLIENT, "last words", 10);
    bight_transport_lose_connection(transport_of(CLIENT));
    pump();
    ck_got(SERVER, "last words", 10);
    ck_heard("s:end s:CONNECTION_DONE c:CONNECTION_DONE");
}
END_TEST

START_TEST(each_direction_ends_by_itself) /* L9, T11 */
{
    ends[SERVER].handles_end = true;
    join_securely();
    bight_transport_lose_write(transport_of(CLIENT));
    pump();
    ck_heard("s:end");
    write_to(SERVER, "and yet", 7);
    pump();
    ck_got(CLIENT, "and yet", 7);
    bight_transport_lose_connection(transport_of(SERVER));
    pump();
    ck_heard("s:CONNECTION_DONE c:end c:CONNECTION_DONE");
}
END_TEST

START_TEST(an_abort_says_nothing) /* L9 */
{
    join_securely();
    bight_transport_abort_connection(transport_of(CLIENT));
    ck_assert_uint_eq(bight_pair_under_way(pair, CLIENT), 0);
    pump();
    ck_heard("c:CONNECTION_ABORTED s:CONNECTION_LOST");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, both_ends_hear_that_they_are_secure_and_then_data);
    tcase_add_test(tests, nothing_crosses_in_the_clear);
    tcase_add_test(tests, what_was_decrypted_is_the_library_s_own_so_that_lines_need_no_copy);
    tcase_add_test(tests, a_peer_with_the_wrong_name_gets_nothing);
    tcase_add_test(tests, a_client_that_verifies_must_name_its_peer);
    tcase_add_test(tests, what_is_no_tls_is_a_failure_and_never_data);
    tcase_add_test(tests, a_handshake_has_its_time);
    tcase_add_test(tests, handshakes_share_a_turn_with_others);
    tcase_add_test(tests, a_handshake_is_not_held_up_by_a_pause);
    tcase_add_test(tests, a_handshake_is_not_held_up_by_output_that_waits_for_it);
    tcase_add_loop_test(tests, data_passes_however_its_records_are_cut, 0, CHUNKS);
    tcase_add_loop_test(tests, a_cut_at_any_byte_changes_nothing, 0, 4);
    tcase_add_loop_test(tests, data_passes_through_narrow_windows, 0, CHUNKS);
    tcase_add_test(tests, lose_connection_ends_both_sides_in_good_order);
    tcase_add_test(tests, each_direction_ends_by_itself);
    tcase_add_test(tests, an_abort_says_nothing);
}

BIGHT_TEST_MAIN("tls_layer", add_tests)
