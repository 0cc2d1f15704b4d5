/* SPDX-License-Identifier: MIT */
/* test_tls_start.c - TLS on connections that are there (T19, L5): what comes before and after, ends in the midst of it,
 * TLS inside TLS, what a session tells. */
#include "tls_pair_support.h"

/* Nobody starts by himself. */
static void join_plainly(void)
{
    ends[CLIENT].starts_late = ends[SERVER].starts_late = true;
    join();
}

static void answer_and_start(struct end *end, const uint8_t *data, size_t size)
{
    ck_assert_uint_eq(size, 8);
    ck_assert_mem_eq(data, "STARTTLS", 8);
    end->data = NULL;
    write_to(SERVER, "OK", 2);
    ck_assert_int_eq(start_tls(transport_of(SERVER), end), BIGHT_OK);
    write_to(SERVER, "secure greeting", 15);
}

static void start_when_told(struct end *end, const uint8_t *data, size_t size)
{
    ck_assert_uint_eq(size, 2);
    ck_assert_mem_eq(data, "OK", 2);
    end->data = NULL;
    end->size = 0;
    ck_assert_int_eq(start_tls(transport_of(CLIENT), end), BIGHT_OK);
}

START_TEST(what_was_written_before_goes_out_as_it_is_and_the_rest_encrypted) /* T19 */
{
    ends[SERVER].data = answer_and_start;
    ends[CLIENT].data = start_when_told;
    join_plainly();
    write_to(CLIENT, "STARTTLS", 8);
    pump();
    ck_heard("c:secure s:secure");
    ck_got(SERVER, "STARTTLS", 8);
    ck_got(CLIENT, "secure greeting", 15);
}
END_TEST

static void start_at_once(struct end *end, const uint8_t *data, size_t size)
{
    (void)data, (void)size;
    end->data = NULL;
    end->size = 8; /* what the handler has consumed */
    bight_transport_give_back(transport_of(SERVER), data + 8, size - 8);
    ck_assert_int_eq(start_tls(transport_of(SERVER), end), BIGHT_OK);
}

START_TEST(plaintext_behind_the_request_is_a_failure_and_never_data) /* T19 */
{
    ends[SERVER].data = start_at_once;
    join_plainly();
    write_to(CLIENT, "STARTTLSRCPT TO:<x>\r\n", 21);
    pump();
    ck_got(SERVER, "STARTTLS", 8);
    ck_heard("c:end c:CONNECTION_DONE s:TLS");
}
END_TEST

START_TEST(plaintext_behind_the_answer_is_a_failure_and_never_data) /* T19 */
{
    ends[CLIENT].starts_late = true;
    struct bight_string_peer *peer = bight_string_connect(reactor, &ends[CLIENT].factory, false);
    struct bight_transport *transport = bight_string_protocol(peer)->transport;
    ck_assert_int_eq(start_tls(transport, &ends[CLIENT]), BIGHT_OK);
    ck_assert_int_eq(bight_transport_write(transport, "the secret", 10), BIGHT_OK);
    bight_string_feed_text(peer, "250 injected\r\n");
    bight_string_end(peer);
    ck_heard("c:TLS");
    size_t size;
    const uint8_t *sent = bight_string_written(peer, &size);
    ck_assert_ptr_null(memmem(sent, size, "secret", 6));
    ck_got(CLIENT, "", 0);
    bight_string_peer_free(peer);
}
END_TEST

START_TEST(tls_cannot_be_started_on_what_has_ended)
{
    join_plainly();
    struct bight_protocol *held = bight_protocol_hold(bight_pair_protocol(pair, SERVER));
    bight_transport_lose_connection(held->transport);
    ck_assert_int_eq(start_tls(held->transport, &ends[SERVER]), BIGHT_E_CLOSED);
    pump();
    ck_assert_int_eq(start_tls(held->transport, &ends[SERVER]), BIGHT_E_CLOSED);
    bight_protocol_release(held);
    heard[0] = '\0';
}
END_TEST

/* ------------------------------------------------------------------------------- ends in the handshake */

START_TEST(lose_connection_in_the_handshake_sends_first_what_was_written) /* L5 */
{
    join();
    write_to(CLIENT, "hello", 5);
    bight_transport_lose_connection(transport_of(CLIENT));
    pump();
    ck_got(SERVER, "hello", 5);
    ck_heard("s:secure s:end s:CONNECTION_DONE c:CONNECTION_DONE");
}
END_TEST

START_TEST(lose_connection_in_the_handshake_with_nothing_written_ends_at_once) /* L5 */
{
    join();
    bight_transport_lose_connection(transport_of(CLIENT));
    pump();
    ck_heard("s:TRUNCATED c:CONNECTION_DONE");
}
END_TEST

START_TEST(lose_connection_in_a_handshake_that_hangs_has_its_time) /* L5, L4 */
{
    ends[SERVER].starts_late = true;
    join();
    write_to(CLIENT, "hello", 5);
    bight_transport_lose_connection(transport_of(CLIENT));
    bight_testing_advance(reactor, 9.9);
    ck_heard("");
    bight_testing_advance(reactor, 0.2);
    pump();
    bight_testing_advance(reactor, 5.1); /* the linger */
    ck_heard("s:end s:CONNECTION_DONE c:TIMED_OUT");
}
END_TEST

START_TEST(lose_write_in_the_handshake_waits_for_it) /* L5, T11 */
{
    ends[SERVER].handles_end = true;
    join();
    bight_transport_lose_write(transport_of(CLIENT));
    pump();
    ck_heard("c:secure s:secure s:end");
    write_to(SERVER, "still here", 10);
    pump();
    ck_got(CLIENT, "still here", 10);
    bight_transport_lose_connection(transport_of(SERVER));
    pump();
    heard[0] = '\0';
}
END_TEST

static void abort_client(struct end *end)
{
    (void)end;
    bight_transport_abort_connection(transport_of(CLIENT));
}

START_TEST(the_connection_may_be_aborted_when_it_has_become_secure) /* T22 */
{
    ends[CLIENT].secure = abort_client;
    join();
    write_to(CLIENT, "hello", 5);
    pump();
    ck_got(SERVER, "", 0);
    ck_heard("c:secure c:CONNECTION_ABORTED s:CONNECTION_LOST");
}
END_TEST

START_TEST(a_reset_in_the_handshake_is_a_loss)
{
    join();
    bight_testing_settle(reactor, 1);
    bight_pair_reset(pair, 0);
    pump();
    ck_heard("c:CONNECTION_LOST s:CONNECTION_LOST");
}
END_TEST

/* ---------------------------------------------------------------------------------- a choice that is put off */

static struct bight_promise chosen;

static struct bight_deferred *choose_later(const struct bight_tls_hello *hello, struct bight_tls **tls, void *context)
{
    (void)hello, (void)tls, (void)context;
    return bight_deferred_new(&chosen, NULL, NULL);
}

static void join_with_choice(void)
{
    const struct bight_tls_identity identity = bight_testing_identity(good);
    const struct bight_tls_server_options options = {
        .identities = &identity, .identity_count = 1, .choose = choose_later
    };
    bight_tls_release(ends[SERVER].tls);
    ends[SERVER].tls = make_server(options);
    join();
    pump();
    ck_heard("");
}

START_TEST(a_handshake_goes_on_when_the_context_has_been_chosen) /* L8 */
{
    join_with_choice();
    write_to(CLIENT, "hello", 5);
    ck_assert_int_eq(bight_callback(chosen, NULL, NULL), BIGHT_OK);
    ck_heard(""); /* not inside the call */
    pump();
    ck_heard("c:secure s:secure");
    ck_got(SERVER, "hello", 5);
}
END_TEST

START_TEST(a_connection_may_end_while_its_context_is_chosen) /* L8, T22 */
{
    join_with_choice();
    if (_i == 0) {
        bight_transport_abort_connection(transport_of(CLIENT));
    } else if (_i == 1) {
        bight_transport_abort_connection(transport_of(SERVER));
    } else if (_i == 2) {
        bight_transport_lose_connection(transport_of(CLIENT));
    } else {
        bight_testing_advance(reactor, 11);
    }
    pump();
    ck_assert(bight_pair_is_over(pair));
    (void)bight_callback(chosen, NULL, NULL);
    pump();
    heard[0] = '\0';
}
END_TEST

START_TEST(a_refusal_that_comes_later_is_told_to_the_client) /* L8 */
{
    join_with_choice();
    bight_errback(chosen, bight_failure_new(BIGHT_E_APPLICATION, 0, NULL, "nobody of that name"));
    pump();
    ck_heard("c:TLS_ALERT s:TLS");
}
END_TEST

/* ------------------------------------------------------------------------------------------- TLS in TLS */

START_TEST(tls_inside_tls_works) /* L5, T19 */
{
    size_t size = 300000;
    uint8_t *data = make_data(size);
    ends[SERVER].data = echo;
    join();
    for (int i = 0; i < _i; i++) {
        ck_assert_int_eq(start_tls(transport_of(CLIENT), &ends[CLIENT]), BIGHT_OK);
        ck_assert_int_eq(start_tls(transport_of(SERVER), &ends[SERVER]), BIGHT_OK);
    }
    write_to(CLIENT, data, size);
    pump();
    ck_got(SERVER, data, size);
    ck_got(CLIENT, data, size);
    heard[0] = '\0';
    bight_transport_lose_connection(transport_of(CLIENT));
    pump();
    ck_heard("s:end s:CONNECTION_DONE c:CONNECTION_DONE");
    free(data);
}
END_TEST

START_TEST(tls_can_be_started_inside_tls_that_is_open) /* L5 */
{
    size_t size = 100000;
    uint8_t *data = make_data(size);
    ends[SERVER].data = echo;
    join_securely();
    bight_pair_set_chunk(pair, 777);
    ck_assert_int_eq(start_tls(transport_of(CLIENT), &ends[CLIENT]), BIGHT_OK);
    ck_assert_int_eq(start_tls(transport_of(SERVER), &ends[SERVER]), BIGHT_OK);
    write_to(CLIENT, data, size);
    pump();
    ck_heard("c:secure s:secure");
    ck_got(CLIENT, data, size);
    free(data);
}
END_TEST

START_TEST(a_failure_of_the_inner_tls_comes_to_the_peer_through_the_outer_one)
{
    join_securely();
    struct end wrong = ends[CLIENT];
    wrong.peer_name = "example.com";
    ck_assert_int_eq(start_tls(transport_of(CLIENT), &wrong), BIGHT_OK);
    ck_assert_int_eq(start_tls(transport_of(SERVER), &ends[SERVER]), BIGHT_OK);
    pump();
    ck_heard("s:TLS_ALERT c:WRONG_NAME");
}
END_TEST

START_TEST(a_pair_of_a_test_is_secured_by_one_call)
{
    join_plainly();
    ck_assert_int_eq(bight_pair_start_tls(pair, NULL, NULL, NULL), BIGHT_OK);
    ck_heard("c:secure s:secure");
    ck_assert(bight_transport_tls(transport_of(CLIENT))->is_verified);
    ck_assert_int_eq(bight_pair_start_tls(pair, ends[SERVER].tls, ends[CLIENT].tls, "example.com"), BIGHT_E_TLS);
    ck_heard("s:TLS_ALERT c:WRONG_NAME");
    ck_assert_int_eq(bight_pair_start_tls(pair, NULL, NULL, NULL), BIGHT_E_CLOSED);
}
END_TEST

/* ----------------------------------------------------------------------------------------------- facts */

START_TEST(a_session_tells_what_it_is) /* L7 */
{
    join();
    ck_assert_ptr_null(bight_transport_tls(transport_of(CLIENT)));
    pump();
    heard[0] = '\0';
    const struct bight_tls_session *client = bight_transport_tls(transport_of(CLIENT));
    const struct bight_tls_session *server = bight_transport_tls(transport_of(SERVER));
    ck_assert_str_eq(client->version, "TLSv1.3");
    ck_assert_str_eq(client->cipher, server->cipher);
    ck_assert_str_eq(client->group, server->group);
    ck_assert(strcmp(server->group, "X25519MLKEM768") == 0 || strcmp(server->group, "x25519") == 0);
    ck_assert_str_eq(server->server_name, "localhost");
    ck_assert_ptr_null(client->alpn);
    ck_assert(client->is_verified && !server->is_verified);
    ck_assert_str_eq(client->peer->subject, "CN=test");
    ck_assert_str_eq(client->peer->names[0], "localhost");
    ck_assert_ptr_null(server->peer);
    ck_assert(!client->is_resumed);
    ck_assert_ptr_eq(bight_transport_tls(transport_of(CLIENT)), client);
}
END_TEST

START_TEST(a_session_that_goes_on_says_so) /* L12 */
{
    bight_tls_release(ends[CLIENT].tls);
    ends[CLIENT].tls = client_trusting(bight_testing_ca_pem(ca));
    for (int i = 0; i < 2; i++) {
        join_securely();
        ck_assert(bight_transport_tls(transport_of(CLIENT))->is_resumed == (i == 1));
        ck_assert(bight_transport_tls(transport_of(SERVER))->is_resumed == (i == 1));
        bight_transport_lose_connection(transport_of(CLIENT));
        pump();
        heard[0] = '\0';
        bight_pair_free(pair);
        pair = NULL;
    }
}
END_TEST

START_TEST(a_connection_without_tls_tells_nothing)
{
    join_plainly();
    ck_assert_ptr_null(bight_transport_tls(transport_of(CLIENT)));
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_was_written_before_goes_out_as_it_is_and_the_rest_encrypted);
    tcase_add_test(tests, plaintext_behind_the_request_is_a_failure_and_never_data);
    tcase_add_test(tests, plaintext_behind_the_answer_is_a_failure_and_never_data);
    tcase_add_test(tests, tls_cannot_be_started_on_what_has_ended);
    tcase_add_test(tests, lose_connection_in_the_handshake_sends_first_what_was_written);
    tcase_add_test(tests, lose_connection_in_the_handshake_with_nothing_written_ends_at_once);
    tcase_add_test(tests, lose_connection_in_a_handshake_that_hangs_has_its_time);
    tcase_add_test(tests, lose_write_in_the_handshake_waits_for_it);
    tcase_add_test(tests, the_connection_may_be_aborted_when_it_has_become_secure);
    tcase_add_test(tests, a_reset_in_the_handshake_is_a_loss);
    tcase_add_test(tests, a_handshake_goes_on_when_the_context_has_been_chosen);
    tcase_add_loop_test(tests, a_connection_may_end_while_its_context_is_chosen, 0, 4);
    tcase_add_test(tests, a_refusal_that_comes_later_is_told_to_the_client);
    tcase_add_loop_test(tests, tls_inside_tls_works, 1, 4);
    tcase_add_test(tests, tls_can_be_started_inside_tls_that_is_open);
    tcase_add_test(tests, a_failure_of_the_inner_tls_comes_to_the_peer_through_the_outer_one);
    tcase_add_test(tests, a_pair_of_a_test_is_secured_by_one_call);
    tcase_add_test(tests, a_session_tells_what_it_is);
    tcase_add_test(tests, a_session_that_goes_on_says_so);
    tcase_add_test(tests, a_connection_without_tls_tells_nothing);
}

BIGHT_TEST_MAIN("tls_start", add_tests)
