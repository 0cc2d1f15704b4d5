/* SPDX-License-Identifier: MIT */
/* Connections over the real kernel and the real loop, whose watches tell news only: nothing that came may be left
 * unseen because no more comes after it. Each case sends its all before the loop has had a turn, and then nothing. What
 * is found by a timer is waited for in the loop, however long that takes. */
#include <bight/bight.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reactor/reactor.h"
#include "support.h"
#include "transport/socket.h"
#include "transport/transport.h"

static struct {
    size_t received, calls, received_in_turn, most_in_turn;
    int made, ends, lost, reason, number;
    size_t pause_after; /* pauses once so much has come; 0: never */
    bool resume_at_once, reply, handle_end;
    struct bight_protocol *protocol;
} seen;

static void on_made(struct bight_protocol *protocol)
{
    seen.made++;
    seen.protocol = protocol;
}

static void on_data(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    seen.received += size;
    seen.received_in_turn += size;
    seen.calls++;
    if (seen.reply) {
        bight_transport_write(protocol->transport, data, 1);
    }
    if (seen.pause_after != 0 && seen.received >= seen.pause_after) {
        bight_transport_pause(protocol->transport);
        seen.pause_after = 0;
        if (seen.resume_at_once) {
            bight_transport_resume(protocol->transport);
        }
    }
}

static bool on_end(struct bight_protocol *protocol)
{
    (void)protocol;
    seen.ends++;
    return seen.handle_end;
}

static void on_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    (void)protocol;
    seen.lost++;
    seen.reason = bight_failure_code(reason);
    seen.number = bight_failure_errno(reason);
    seen.protocol = NULL;
}

static const struct bight_protocol_ops ops = {
    .connection_made = on_made,
    .data_received = on_data,
    .connection_lost = on_lost,
    .read_connection_lost = on_end,
};
static struct bight_factory factory = BIGHT_FACTORY(struct bight_protocol, &ops);

static struct bight_reactor *reactor;
static struct bight_port *port;

static void turn(void)
{
    seen.received_in_turn = 0;
    bi_reactor_turn(reactor, false);
    seen.most_in_turn = seen.received_in_turn > seen.most_in_turn ? seen.received_in_turn : seen.most_in_turn;
}

#define UNTIL(condition)                                   \
    do {                                                   \
        int turns_left = 100000;                           \
        while (!(condition) && turns_left-- > 0) {         \
            turn();                                        \
        }                                                  \
        ck_assert_msg(condition, "never: %s", #condition); \
    } while (0)

static void do_nothing(void *context)
{
    (void)context;
}

/* The same for what a timer brings about. A turn runs timers before it waits, so it must not wait for ever. */
#define WAIT_UNTIL(condition)                                                         \
    while (!(condition)) {                                                            \
        ck_assert_int_eq(bight_call_later(reactor, 0.01, do_nothing, NULL, NULL), 0); \
        bi_reactor_turn(reactor, true);                                               \
    }

/* Gives the far end of a connection whose near end has been made. */
static int begin(void)
{
    struct bight_address address;
    struct sockaddr_in to = { .sin_family = AF_INET };
    memset(&seen, 0, sizeof seen);
    reactor = bight_reactor_new();
    ck_assert_int_ne(reactor->loop->edge, 0); /* else these tests show nothing */
    struct bight_deferred *listening = bight_listen(reactor, "tcp:0:interface=127.0.0.1", &factory);
    port = bight_result_take(bight_deferred_result(listening), &bight_type_port);
    bight_deferred_release(listening);
    ck_assert_int_eq(bight_port_address(port, &address), 0);
    to.sin_port = htons(address.port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    UNTIL(seen.made == 1);
    turn();
    return fd;
}

/* Over a pair of UNIX sockets. */
static int begin_local(void)
{
    int code, ends[2];
    const struct bight_address nowhere = { 0 };
    memset(&seen, 0, sizeof seen);
    reactor = bight_reactor_new();
    port = NULL;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    struct bight_transport *transport =
        bight_transport_new(reactor, &factory, &bi_socket_bottom, NULL, ends[0], &nowhere, false, &code);
    bight_transport_start(transport);
    turn();
    return ends[1];
}

static void end(void)
{
    bight_port_release(port);
    bight_reactor_free(reactor);
}

static void send_all(int fd, size_t size)
{
    static const char block[65536];
    while (size > 0) {
        ssize_t sent = send(fd, block, size < sizeof block ? size : sizeof block, MSG_NOSIGNAL);
        ck_assert_int_gt(sent, 0);
        size -= (size_t)sent;
    }
}

static void reset(int fd)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

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

/* ----------------------------------------------------------------------------- marks in the stream */

START_TEST(what_lies_behind_urgent_data_is_read_though_the_rest_was_answered) /* T2 */
{
    int fd = begin();
    seen.reply = true;
    send_all(fd, 4);
    ck_assert_int_eq(send(fd, "!", 1, MSG_OOB), 1);
    send_all(fd, 5);
    UNTIL(seen.calls == 1);
    ck_assert_uint_eq(seen.received, 4); /* else this test shows nothing */
    WAIT_UNTIL(seen.received == 9);
    close(fd);
    end();
}
END_TEST

/* Four bytes that a read gives alone, and five behind them. */
static void send_with_descriptor(int fd)
{
    char bytes[4] = "abcd", room[CMSG_SPACE(sizeof fd)] = { 0 };
    struct iovec part = { bytes, sizeof bytes };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room };
    struct cmsghdr *control = CMSG_FIRSTHDR(&message);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(control), &fd, sizeof fd);
    ck_assert_int_eq(sendmsg(fd, &message, MSG_NOSIGNAL), 4);
    send_all(fd, 5);
}

START_TEST(what_lies_behind_a_descriptor_is_read_though_the_rest_was_answered) /* T2 */
{
    int fd = begin_local();
    seen.reply = true;
    send_with_descriptor(fd);
    UNTIL(seen.calls == 1);
    ck_assert_uint_eq(seen.received, 4);
    WAIT_UNTIL(seen.received == 9);
    close(fd);
    end();
}
END_TEST

START_TEST(who_sends_marks_again_is_read_to_the_end_at_once) /* T2 */
{
    int fd = begin_local();
    seen.reply = true;
    for (size_t i = 1; i <= 2; i++) {
        send_with_descriptor(fd);
        WAIT_UNTIL(seen.received == 9 * i);
    }
    send_with_descriptor(fd);
    while (seen.received == 18) {
        turn();
    }
    ck_assert_uint_eq(seen.received_in_turn, 9);
    close(fd);
    end();
}
END_TEST

START_TEST(who_is_quiet_is_looked_at_once_and_wakes_nobody_afterwards) /* T2 */
{
    int fd = begin();
    seen.reply = true;
    send_all(fd, 4);
    UNTIL(seen.received == 4);
    const struct bi_hub *hub = seen.protocol->transport->hub;
    ck_assert_uint_eq(hub->doubts.count, 1);
    WAIT_UNTIL(hub->doubts.count == 0);
    ck_assert(!bi_wheel_is_armed(&hub->doubts.timer));
    send_all(fd, 4);
    UNTIL(seen.received == 8);
    ck_assert_uint_eq(hub->doubts.count, 1); /* and then again */
    close(fd);
    end();
}
END_TEST

START_TEST(one_that_has_ended_meanwhile_is_not_looked_at) /* T3 */
{
    int fd = begin();
    seen.reply = true;
    send_all(fd, 4);
    UNTIL(seen.received == 4);
    const struct bi_hub *hub = seen.protocol->transport->hub;
    bight_transport_abort_connection(seen.protocol->transport);
    WAIT_UNTIL(hub->doubts.count == 0);
    ck_assert_int_eq(seen.lost, 1);
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

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, an_end_that_comes_with_the_data_is_heard_of, 0, 2);
    tcase_add_loop_test(tests, a_reset_that_comes_with_the_data_is_heard_of, 0, 2);
    tcase_add_loop_test(tests, a_burst_is_read_to_its_end, 0, 2);
    tcase_add_test(tests, what_waited_in_the_kernel_during_a_pause_comes_after_it);
    tcase_add_test(tests, resuming_in_the_handler_delivers_on_a_later_turn);
    tcase_add_test(tests, one_that_sends_without_end_does_not_hold_the_turn);
    tcase_add_test(tests, input_during_a_flush_that_is_refused_is_seen_after_it);
    tcase_add_test(tests, what_lies_behind_urgent_data_is_read_though_the_rest_was_answered);
    tcase_add_test(tests, what_lies_behind_a_descriptor_is_read_though_the_rest_was_answered);
    tcase_add_test(tests, who_sends_marks_again_is_read_to_the_end_at_once);
    tcase_add_test(tests, who_is_quiet_is_looked_at_once_and_wakes_nobody_afterwards);
    tcase_add_test(tests, one_that_has_ended_meanwhile_is_not_looked_at);
    tcase_add_test(tests, a_bottom_that_says_nothing_of_short_reads_is_read_until_there_is_nothing);
    tcase_add_loop_test(tests, a_reset_behind_a_handled_end_is_told_though_nothing_is_written, 0, 2);
    tcase_add_loop_test(tests, a_close_behind_a_handled_end_is_told_over_unix_sockets, 0, 2);
    tcase_add_loop_test(tests, one_whose_end_was_handled_goes_on_when_the_peer_is_still_there, 0, 2);
}

BIGHT_TEST_MAIN("edge", add_tests)
