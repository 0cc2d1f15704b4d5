/* SPDX-License-Identifier: MIT */
/* test_tls_end.c - how secure connections end: close_notify, truncation, alerts, and what ends a flood. */
#include "tls_raw_support.h"

static void connect_raw(void)
{
    raw_connect(TLS1_3_VERSION);
    ck_heard("s:secure");
}

/* ------------------------------------------------------------------------------------------- the end */

START_TEST(an_end_without_close_notify_is_a_truncation_behind_all_data) /* L9, T5 */
{
    ends[SERVER].handles_end = true;
    connect_raw();
    raw_write("so far", 6);
    carry();
    bight_string_end(raw.peer);
    ck_got(SERVER, "so far", 6);
    ck_heard("s:TRUNCATED");
    raw_free();
}
END_TEST

static void pause_end(struct end *end, const uint8_t *data, size_t size)
{
    (void)end, (void)data, (void)size;
    bight_transport_pause(raw_transport());
}

START_TEST(a_truncation_waits_for_a_pause_to_end) /* L9, T12 */
{
    ends[SERVER].data = pause_end;
    connect_raw();
    raw_write("one", 3);
    carry();
    raw_write("two", 3);
    carry();
    bight_string_end(raw.peer);
    ck_got(SERVER, "one", 3);
    ck_heard("");
    bight_transport_resume(raw_transport());
    bight_testing_settle(reactor, 100);
    ck_got(SERVER, "two", 3);
    bight_transport_resume(raw_transport());
    bight_testing_settle(reactor, 100);
    ck_heard("s:TRUNCATED");
    raw_free();
}
END_TEST

START_TEST(close_notify_is_the_peers_end) /* L9, T11 */
{
    char byte;
    int error;
    ends[SERVER].handles_end = true;
    connect_raw();
    raw_write("all", 3);
    ck_assert_int_eq(SSL_shutdown(raw.ssl), 0);
    carry();
    ck_got(SERVER, "all", 3);
    ck_heard("s:end");
    bight_string_end(raw.peer);
    ck_heard("");
    ck_assert_int_eq(bight_transport_write(raw_transport(), "!", 1), BIGHT_OK);
    bight_testing_settle(reactor, 100);
    ck_assert_int_eq(raw_read(&byte, 1, &error), 1);
    bight_transport_lose_connection(raw_transport());
    bight_testing_settle(reactor, 100);
    ck_assert_int_eq(raw_read(&byte, 1, &error), 0);
    ck_assert_int_eq(error, SSL_ERROR_ZERO_RETURN);
    ck_heard("s:CONNECTION_DONE");
    raw_free();
}
END_TEST

START_TEST(what_comes_behind_close_notify_is_nothing) /* L9 */
{
    ends[SERVER].handles_end = true;
    connect_raw();
    ck_assert_int_eq(SSL_shutdown(raw.ssl), 0);
    carry();
    ck_heard("s:end");
    bight_string_feed_text(raw.peer, "garbage, in the clear");
    bight_string_end(raw.peer);
    ck_heard("");
    ck_got(SERVER, "", 0);
    bight_transport_abort_connection(raw_transport());
    bight_testing_settle(reactor, 100);
    raw_free();
}
END_TEST

START_TEST(an_end_behind_our_own_close_is_in_good_order) /* L9, T5 */
{
    connect_raw();
    bight_transport_lose_connection(raw_transport());
    bight_testing_settle(reactor, 100);
    bight_string_end(raw.peer);
    ck_heard("s:CONNECTION_DONE");
    raw_free();
}
END_TEST

START_TEST(data_that_was_tampered_with_is_a_failure_behind_what_came_before) /* T7 */
{
    uint8_t bytes[4096];
    connect_raw();
    raw_write("good", 4);
    int first = BIO_read(raw.out, bytes, sizeof bytes);
    raw_write("evil", 4);
    int both = first + BIO_read(raw.out, bytes + first, (int)sizeof bytes - first);
    bytes[both - 1] ^= 1;
    bight_string_feed(raw.peer, bytes, (size_t)both);
    ck_got(SERVER, "good", 4);
    ck_heard("");
    bight_string_end(raw.peer);
    ck_heard("s:TLS");
    ck_assert_ptr_nonnull(strstr(ends[SERVER].reason, "bad record mac"));
    char byte;
    int error;
    ck_assert_int_le(raw_read(&byte, 1, &error), 0);
    ck_assert_int_eq(error, SSL_ERROR_SSL); /* our alert */
    raw_free();
}
END_TEST

static void write_in_vain(struct end *end, const uint8_t *data, size_t size)
{
    (void)end;
    ck_assert_int_eq(bight_transport_write(raw_transport(), data, size), BIGHT_E_CLOSED);
}

START_TEST(nothing_is_written_once_the_session_has_failed) /* T5 */
{
    uint8_t bytes[4096];
    ends[SERVER].data = write_in_vain;
    connect_raw();
    raw_write("good", 4);
    int first = BIO_read(raw.out, bytes, sizeof bytes);
    raw_write("evil", 4);
    int both = first + BIO_read(raw.out, bytes + first, (int)sizeof bytes - first);
    bytes[both - 1] ^= 1;
    bight_string_feed(raw.peer, bytes, (size_t)both);
    bight_string_end(raw.peer);
    ck_heard("s:TLS");
    raw_free();
}
END_TEST

START_TEST(a_fatal_alert_is_the_reason_by_name) /* L9 */
{
    static const uint8_t garbage[] = { 23, 3, 3, 0, 17, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17 };
    char byte;
    connect_raw();
    ck_assert_int_eq(BIO_write(raw.in, garbage, sizeof garbage), sizeof garbage);
    ck_assert_int_le(SSL_read(raw.ssl, &byte, 1), 0);
    ERR_clear_error();
    carry();
    bight_string_end(raw.peer);
    ck_heard("s:TLS_ALERT");
    ck_assert_ptr_nonnull(strstr(ends[SERVER].reason, "bad_record_mac"));
    raw_free();
}
END_TEST

START_TEST(a_handler_may_end_the_connection_in_the_midst_of_a_view) /* T22 */
{
    connect_raw();
    raw_write("one", 3);
    raw_write("two", 3);
    bight_transport_abort_connection(raw_transport());
    carry();
    ck_got(SERVER, "", 0);
    ck_heard("s:CONNECTION_ABORTED");
    raw_free();
}
END_TEST

/* ------------------------------------------------------------------------------------------ floods */

static void send_key_updates(int count)
{
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(SSL_key_update(raw.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        ck_assert_int_eq(SSL_do_handshake(raw.ssl), 1);
    }
}

START_TEST(key_updates_with_data_between_go_on_for_ever) /* L10 */
{
    char byte;
    int error;
    connect_raw();
    ends[SERVER].data = NULL;
    for (int i = 0; i < 100; i++) {
        send_key_updates(1);
        raw_write("x", 1);
        carry();
        ck_assert_int_eq(bight_transport_write(raw_transport(), "y", 1), BIGHT_OK);
        bight_testing_settle(reactor, 100);
        ck_assert_int_eq(raw_read(&byte, 1, &error), 1);
    }
    ck_heard("");
    ck_assert_uint_eq(ends[SERVER].size, 100);
    bight_transport_abort_connection(raw_transport());
    bight_testing_settle(reactor, 100);
    raw_free();
}
END_TEST

START_TEST(key_updates_without_data_end_the_connection) /* L10 */
{
    connect_raw();
    send_key_updates(32);
    carry();
    ck_heard("");
    send_key_updates(1);
    carry();
    bight_string_end(raw.peer);
    ck_heard("s:OVERFLOW");
    raw_free();
}
END_TEST

START_TEST(tickets_without_end_end_the_connection) /* L10 */
{
    raw_accept();
    ck_heard("c:secure");
    for (int i = 0; i < 40; i++) {
        ck_assert_int_eq(SSL_new_session_ticket(raw.ssl), 1);
        ck_assert_int_eq(SSL_do_handshake(raw.ssl), 1);
    }
    carry();
    bight_string_end(raw.peer);
    ck_heard("c:OVERFLOW");
    raw_free();
}
END_TEST

START_TEST(a_flood_of_key_updates_to_a_peer_that_does_not_read_costs_little) /* L10 */
{
    char bytes[65536];
    int made;
    connect_raw();
    bight_string_set_window(raw.peer, 0);
    send_key_updates(50000);
    while (bight_string_protocol(raw.peer) != NULL && (made = BIO_read(raw.out, bytes, sizeof bytes)) > 0) {
        bight_string_feed(raw.peer, bytes, (size_t)made);
        if (raw_transport() != NULL) {
            ck_assert_uint_lt(bight_transport_queued(raw_transport()), 4096);
        }
    }
    bight_string_end(raw.peer);
    bight_testing_advance(reactor, 31);
    ck_heard("s:OVERFLOW");
    raw_free();
}
END_TEST

START_TEST(what_key_updates_are_answered_with_goes_out_though_nothing_is_written) /* L10 */
{
    char byte;
    int error;
    connect_raw();
    send_key_updates(1);
    carry();
    int got = raw_read(&byte, 1, &error);
    ck_assert_int_eq(got, -1);
    ck_assert_int_eq(error, SSL_ERROR_WANT_READ);
    ck_assert_int_eq(bight_transport_write(raw_transport(), "y", 1), BIGHT_OK);
    bight_testing_settle(reactor, 100);
    ck_assert_int_eq(raw_read(&byte, 1, &error), 1);
    bight_transport_abort_connection(raw_transport());
    bight_testing_settle(reactor, 100);
    raw_free();
    heard[0] = '\0';
}
END_TEST

/* As a program may that uses OpenSSL for something else; of an alert, which could be taken for the peer's. */
static void leave_an_error(struct end *end, const uint8_t *data, size_t size)
{
    (void)end, (void)data, (void)size;
    ERR_raise(ERR_LIB_SSL, SSL_AD_REASON_OFFSET + SSL_AD_UNKNOWN_CA);
}

static void connect_and_leave_an_error(void)
{
    ends[SERVER].data = leave_an_error;
    connect_raw();
    raw_write("x", 1);
    carry();
    ck_assert_uint_ne(ERR_peek_error(), 0);
}

START_TEST(errors_of_others_are_not_taken_for_its_own_by_a_session_that_waits_for_more) /* L14 */
{
    static const uint8_t part[] = { 23, 3, 3, 0, 40, 1, 2, 3 };
    connect_and_leave_an_error();
    ck_assert_int_eq(BIO_write(raw.out, part, sizeof part), sizeof part);
    carry();
    ck_heard("");
    ck_assert_int_eq(bight_transport_write(raw_transport(), "y", 1), BIGHT_OK);
    bight_transport_abort_connection(raw_transport());
    bight_testing_settle(reactor, 100);
    ck_heard("s:CONNECTION_ABORTED");
    raw_free();
}
END_TEST

START_TEST(errors_of_others_do_not_hide_the_peers_end) /* L9, L14 */
{
    connect_and_leave_an_error();
    ck_assert_int_eq(SSL_shutdown(raw.ssl), 0);
    carry();
    bight_string_end(raw.peer);
    ck_heard("s:end s:CONNECTION_DONE");
    raw_free();
}
END_TEST

START_TEST(errors_of_others_are_not_the_reason_of_a_failure) /* L14 */
{
    static const uint8_t nonsense[] = { 99, 3, 3, 0, 1, 0 };
    connect_and_leave_an_error();
    ck_assert_int_eq(BIO_write(raw.out, nonsense, sizeof nonsense), sizeof nonsense);
    carry();
    bight_string_end(raw.peer);
    ck_heard("s:TLS");
    ck_assert_ptr_nonnull(strstr(ends[SERVER].reason, "bad record type"));
    ck_assert_uint_eq(ERR_peek_error(), 0);
    raw_free();
}
END_TEST

START_TEST(a_renegotiation_is_refused) /* L2 */
{
    raw_connect(TLS1_2_VERSION);
    ck_heard("s:secure");
    raw_write("x", 1);
    carry();
    (void)SSL_renegotiate(raw.ssl);
    ck_assert_int_eq(SSL_do_handshake(raw.ssl), -1);
    carry();
    ck_heard(""); /* a warning is the answer */
    ck_assert_int_eq(SSL_do_handshake(raw.ssl), -1);
    ck_assert_int_eq(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
    ERR_clear_error();
    ck_got(SERVER, "x", 1);
    ck_assert_int_eq(bight_transport_write(raw_transport(), "y", 1), BIGHT_OK); /* the session goes on */
    bight_transport_abort_connection(raw_transport());
    bight_testing_settle(reactor, 100);
    raw_free();
    heard[0] = '\0';
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, an_end_without_close_notify_is_a_truncation_behind_all_data);
    tcase_add_test(tests, a_truncation_waits_for_a_pause_to_end);
    tcase_add_test(tests, close_notify_is_the_peers_end);
    tcase_add_test(tests, what_comes_behind_close_notify_is_nothing);
    tcase_add_test(tests, an_end_behind_our_own_close_is_in_good_order);
    tcase_add_test(tests, data_that_was_tampered_with_is_a_failure_behind_what_came_before);
    tcase_add_test(tests, nothing_is_written_once_the_session_has_failed);
    tcase_add_test(tests, a_fatal_alert_is_the_reason_by_name);
    tcase_add_test(tests, a_handler_may_end_the_connection_in_the_midst_of_a_view);
    tcase_add_test(tests, key_updates_with_data_between_go_on_for_ever);
    tcase_add_test(tests, key_updates_without_data_end_the_connection);
    tcase_add_test(tests, tickets_without_end_end_the_connection);
    tcase_add_test(tests, a_flood_of_key_updates_to_a_peer_that_does_not_read_costs_little);
    tcase_add_test(tests, what_key_updates_are_answered_with_goes_out_though_nothing_is_written);
    tcase_add_test(tests, errors_of_others_are_not_taken_for_its_own_by_a_session_that_waits_for_more);
    tcase_add_test(tests, errors_of_others_do_not_hide_the_peers_end);
    tcase_add_test(tests, errors_of_others_are_not_the_reason_of_a_failure);
    tcase_add_test(tests, a_renegotiation_is_refused);
}

BIGHT_TEST_MAIN("tls_end", add_tests)
