/* SPDX-License-Identifier: MIT */
/* Connections over the real kernel and the real loop, whose watches tell news only: nothing that came may be left
 * unseen because no more comes after it. Each case sends its all before the loop has had a turn, and then nothing. */
#include <bight/bight.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reactor/reactor.h"
#include "support.h"

static struct {
    size_t received, calls, received_in_turn, most_in_turn;
    int made, lost, reason, number;
    size_t pause_after; /* pauses once so much has come; 0: never */
    bool resume_at_once, reply;
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

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, an_end_that_comes_with_the_data_is_heard_of, 0, 2);
    tcase_add_loop_test(tests, a_reset_that_comes_with_the_data_is_heard_of, 0, 2);
    tcase_add_loop_test(tests, a_burst_is_read_to_its_end, 0, 2);
    tcase_add_test(tests, what_waited_in_the_kernel_during_a_pause_comes_after_it);
    tcase_add_test(tests, resuming_in_the_handler_delivers_on_a_later_turn);
    tcase_add_test(tests, one_that_sends_without_end_does_not_hold_the_turn);
    tcase_add_test(tests, input_during_a_flush_that_is_refused_is_seen_after_it);
}

BIGHT_TEST_MAIN("edge", add_tests)
