/* SPDX-License-Identifier: MIT */
/* What edges tell and do not tell. */
#include "edge_support.h"

START_TEST(an_end_that_comes_with_the_data_is_heard_of) /* T5, T12 */
{
    int fd = begin();
    seen.reply = _i == 1;
    send_all(fd, 100);
    shutdown(fd, SHUT_WR);
    UNTIL(seen.lost == 1);
    ck_assert_uint_eq(seen.received, 100);
    ck_assert_int_eq(seen.reason, BIGHT_E_CONNECTION_DONE);
    close(fd);
    end();
}
END_TEST

START_TEST(a_reset_that_comes_with_the_data_is_heard_of) /* T5 */
{
    int fd = begin();
    seen.reply = _i == 1;
    send_all(fd, 100);
    reset(fd);
    UNTIL(seen.lost == 1);
    ck_assert_int_eq(seen.reason, BIGHT_E_CONNECTION_LOST);
    ck_assert_int_ne(seen.number, 0);
    end();
}
END_TEST

START_TEST(a_burst_is_read_to_its_end) /* T2 */
{
    int fd = begin();
    seen.reply = _i == 1;
    size_t size = 900000;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    size_t sent = 0;
    while (sent < size) { /* as much as the kernel holds, then turn by turn */
        static const char block[65536];
        ssize_t part = send(fd, block, size - sent < sizeof block ? size - sent : sizeof block, MSG_NOSIGNAL);
        if (part < 0) {
            turn();
            continue;
        }
        sent += (size_t)part;
    }
    UNTIL(seen.received == size);
    close(fd);
    end();
}
END_TEST

START_TEST(what_waited_in_the_kernel_during_a_pause_comes_after_it) /* T2, T12 */
{
    int fd = begin();
    seen.pause_after = 1;
    send_all(fd, 150000);
    shutdown(fd, SHUT_WR);
    UNTIL(seen.calls == 1);
    for (int i = 0; i < 20; i++) {
        turn();
    }
    ck_assert_uint_eq(seen.calls, 1);
    bight_transport_resume(seen.protocol->transport);
    ck_assert_uint_eq(seen.calls, 1);
    UNTIL(seen.lost == 1);
    ck_assert_uint_eq(seen.received, 150000);
    close(fd);
    end();
}
END_TEST

START_TEST(resuming_in_the_handler_delivers_on_a_later_turn) /* T2 */
{
    int fd = begin();
    seen.pause_after = 1;
    seen.resume_at_once = true;
    send_all(fd, 150000);
    UNTIL(seen.calls == 1);
    ck_assert_uint_le(seen.received_in_turn, 65536);
    UNTIL(seen.received == 150000);
    close(fd);
    end();
}
END_TEST

START_TEST(one_that_sends_without_end_does_not_hold_the_turn) /* T2 */
{
    int fd = begin();
    int size = 8 << 20;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    setsockopt(bight_transport_descriptor(seen.protocol->transport), SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    static const char block[65536];
    for (int i = 0; i < 400; i++) {
        if (send(fd, block, sizeof block, MSG_NOSIGNAL) < 0) {
            turn();
        }
    }
    UNTIL(seen.received > 2000000);
    ck_assert_uint_le(seen.most_in_turn, 8 * 65536);
    close(fd);
    end();
}
END_TEST

START_TEST(input_during_a_flush_that_is_refused_is_seen_after_it) /* T13 */
{
    int fd = begin();
    static uint8_t mass[4 << 20];
    ck_assert_int_eq(bight_transport_write(seen.protocol->transport, mass, sizeof mass), 0);
    send_all(fd, 1000); /* backpressure: it is not read while its output is above the mark */
    for (int i = 0; i < 50; i++) {
        turn();
    }
    size_t back = 0;
    while (back < sizeof mass) {
        ssize_t got = recv(fd, mass, sizeof mass, MSG_DONTWAIT);
        back += got > 0 ? (size_t)got : 0;
        turn();
    }
    UNTIL(seen.received == 1000);
    close(fd);
    end();
}
END_TEST

/* ---------------------------------------------------------------- a bottom that says nothing of itself */

static int pieces, watched;

static ssize_t piece_receive(struct bight_transport *transport, void *buffer, size_t size)
{
    (void)transport;
    ck_assert_uint_gt(size, 3);
    memcpy(buffer, "abc", 3);
    return pieces-- > 0 ? 3 : -EAGAIN;
}

static ssize_t piece_send(struct bight_transport *transport, const struct iovec *parts, int count)
{
    (void)transport;
    (void)count;
    return (ssize_t)parts->iov_len;
}

static int piece_watch_reading(struct bight_transport *transport, bool on)
{
    (void)transport;
    watched += on;
    return 0;
}

static int piece_watch_writing(struct bight_transport *transport, struct bight_watch *watch, bool on)
{
    (void)transport;
    (void)watch;
    (void)on;
    return 0;
}

static void piece_close(struct bight_transport *transport, bool is_reset)
{
    (void)transport;
    (void)is_reset;
}

static const struct bight_bottom_ops piece_bottom = {
    .size = sizeof piece_bottom,
    .receive = piece_receive,
    .send = piece_send,
    .watch_reading = piece_watch_reading,
    .watch_writing = piece_watch_writing,
    .close = piece_close,
};

START_TEST(a_bottom_that_says_nothing_of_short_reads_is_read_until_there_is_nothing) /* T2 */
{
    int code;
    memset(&seen, 0, sizeof seen);
    watched = 0;
    reactor = bight_reactor_new();
    struct bight_transport *transport =
        bight_transport_new(reactor, &factory, &piece_bottom, NULL, -1, NULL, false, &code);
    bight_transport_start(transport);
    ck_assert_int_eq(watched, 1);
    seen.reply = true;
    pieces = 3;
    bight_transport_readable(transport);
    ck_assert_uint_eq(seen.received, 9);
    ck_assert_int_eq(watched, 1);
    pieces = 1000; /* what is too much for a turn is asked for once more */
    bight_transport_readable(transport);
    ck_assert_uint_lt(seen.received, 100);
    ck_assert_int_eq(watched, 2);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(why_there_is_no_connection_needs_no_place) /* T1 */
{
    int code;
    reactor = bight_reactor_new();
    struct bight_transport *transport =
        bight_transport_new(reactor, &factory, &piece_bottom, NULL, -1, NULL, false, NULL);
    ck_assert_ptr_nonnull(transport);
    bight_transport_start(transport);
    struct bight_reactor *other = bight_reactor_new();
    ck_assert_ptr_null(bight_transport_new(other, &factory, &piece_bottom, NULL, -1, NULL, false, NULL));
    ck_assert_ptr_null(bight_transport_new(other, &factory, &piece_bottom, NULL, -1, NULL, false, &code));
    ck_assert_int_eq(code, BIGHT_E_FACTORY_IN_USE);
    bight_reactor_free(other);
    bight_reactor_free(reactor);
}
END_TEST

/* ------------------------------------------------------------------------- behind the peer's end */

START_TEST(a_reset_behind_a_handled_end_is_told_though_nothing_is_written) /* T11 */
{
    int fd = begin();
    seen.handle_end = true;
    shutdown(fd, SHUT_WR);
    if (_i == 0) { /* else both come together */
        UNTIL(seen.ends == 1);
        turn();
        ck_assert_int_eq(seen.lost, 0);
    }
    reset(fd);
    UNTIL(seen.lost == 1);
    ck_assert_int_eq(seen.ends, 1);
    ck_assert_int_eq(seen.reason, BIGHT_E_CONNECTION_LOST);
    ck_assert_int_eq(seen.number, EPIPE);
    end();
}
END_TEST

START_TEST(a_close_behind_a_handled_end_is_told_over_unix_sockets) /* T11 */
{
    int fd = begin_local();
    seen.handle_end = true;
    shutdown(fd, SHUT_WR);
    if (_i == 0) {
        UNTIL(seen.ends == 1);
        turn();
        ck_assert_int_eq(seen.lost, 0);
    }
    close(fd);
    UNTIL(seen.lost == 1);
    ck_assert_int_eq(seen.ends, 1);
    ck_assert_int_eq(seen.number, EPIPE);
    end();
}
END_TEST

START_TEST(one_whose_end_was_handled_goes_on_when_the_peer_is_still_there) /* T11 */
{
    int fd = _i == 0 ? begin() : begin_local();
    char answer[10];
    seen.handle_end = true;
    shutdown(fd, SHUT_WR);
    UNTIL(seen.ends == 1);
    for (int i = 0; i < 20; i++) {
        turn();
    }
    bight_transport_write(seen.protocol->transport, "answer", 6);
    bight_transport_lose_write(seen.protocol->transport);
    UNTIL(seen.lost == 1);
    ck_assert_int_eq(seen.reason, BIGHT_E_CONNECTION_DONE);
    ck_assert_int_eq(recv(fd, answer, sizeof answer, 0), 6);
    close(fd);
    end();
}
END_TEST

START_TEST(without_edges_a_reset_behind_a_handled_end_is_told_by_the_next_write) /* T11 */
{
    int fd = begin_on(true);
    seen.handle_end = true;
    shutdown(fd, SHUT_WR);
    UNTIL(seen.ends == 1);
    reset(fd);
    for (int i = 0; i < 20; i++) {
        turn();
    }
    ck_assert_int_eq(seen.ends, 1);
    ck_assert_int_eq(seen.lost, 0); /* nor is the end, which such a watch would tell for ever, waited for */
    ck_assert(!reactor->loop->ops->watch_is_added(reactor->loop, bi_watch_of(seen.protocol->transport)));
    bight_transport_write(seen.protocol->transport, "answer", 6);
    UNTIL(seen.lost == 1);
    ck_assert_int_eq(seen.reason, BIGHT_E_CONNECTION_LOST);
    end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, an_end_that_comes_with_the_data_is_heard_of, 0, 2);
    tcase_add_loop_test(tests, a_reset_that_comes_with_the_data_is_heard_of, 0, 2);
    tcase_add_loop_test(tests, a_burst_is_read_to_its_end, 0, 2);
    tcase_add_test(tests, what_waited_in_the_kernel_during_a_pause_comes_after_it);
    tcase_add_test(tests, resuming_in_the_handler_delivers_on_a_later_turn);
    tcase_add_test(tests, one_that_sends_without_end_does_not_hold_the_turn);
    tcase_add_test(tests, input_during_a_flush_that_is_refused_is_seen_after_it);
    tcase_add_test(tests, a_bottom_that_says_nothing_of_short_reads_is_read_until_there_is_nothing);
    tcase_add_test(tests, why_there_is_no_connection_needs_no_place);
    tcase_add_loop_test(tests, a_reset_behind_a_handled_end_is_told_though_nothing_is_written, 0, 2);
    tcase_add_loop_test(tests, a_close_behind_a_handled_end_is_told_over_unix_sockets, 0, 2);
    tcase_add_loop_test(tests, one_whose_end_was_handled_goes_on_when_the_peer_is_still_there, 0, 2);
    tcase_add_test(tests, without_edges_a_reset_behind_a_handled_end_is_told_by_the_next_write);
}

BIGHT_TEST_MAIN("edge", add_tests)
