/* SPDX-License-Identifier: MIT */
/* Connections over real sockets, TCP and UNIX, with good peers and bad ones (T5 to T11, T13), and with system calls
 * that fail, fall short and are interrupted. */
#include "net_support.h"

#include <netinet/tcp.h>

static struct net net;
static struct bight_port *port;
static char unix_path[64];

enum family { TCP, UNIX, FAMILIES };

static void begin(enum family family)
{
    char endpoint[100] = "tcp:0:interface=127.0.0.1";
    memset(&seen, 0, sizeof seen);
    probe_factory.ops = &plain_factory_ops;
    if (family == UNIX) {
        snprintf(unix_path, sizeof unix_path, "@bight-socket-%d", (int)getpid());
        snprintf(endpoint, sizeof endpoint, "unix:%s", unix_path);
    }
    net_begin(&net);
    port = net_listen_on(&net, endpoint);
}

static void end(void)
{
    net_stop(port);
    bight_port_release(port);
    net_end(&net);
    ck_assert_int_eq(seen.made, seen.lost);
}

static int far_connect_unix(void)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    size_t size = strlen(unix_path);
    memcpy(un.sun_path, unix_path, size);
    un.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(
        connect(fd, (struct sockaddr *)&un, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)), 0);
    return fd;
}

/* A far end whose near end has been made. */
static int far_end(enum family family)
{
    int before = seen.made, fd = family == UNIX ? far_connect_unix() : far_connect_to(port);
    NET_UNTIL(&net, seen.made == before + 1);
    return fd;
}

static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 7 + at / 251);
}

static void check_pattern(const uint8_t *data, ssize_t size, size_t from)
{
    size_t wrong = 0;
    for (ssize_t i = 0; i < size; i++) {
        wrong += data[i] != pattern(from + (size_t)i);
    }
    ck_assert_uint_eq(wrong, 0);
}

/* Sends `size` patterned bytes and takes the echo, both as far as the kernel goes, until all is back. */
static void echo_through(int fd, size_t size)
{
    static uint8_t block[60000];
    size_t sent = 0, back = 0;
    for (int idle = 0; back < size && idle < 100000; idle++) {
        size_t count = 0;
        for (; count < sizeof block && sent + count < size; count++) {
            block[count] = pattern(sent + count);
        }
        ssize_t done = count == 0 ? 0 : send(fd, block, count, MSG_NOSIGNAL);
        sent += done > 0 ? (size_t)done : 0;
        net_turn(&net, 1);
        done = recv(fd, block, sizeof block, 0);
        check_pattern(block, done, back);
        back += done > 0 ? (size_t)done : 0;
        idle = done > 0 ? 0 : idle;
    }
    ck_assert_uint_eq(back, size);
}

START_TEST(a_mebibyte_comes_back_as_it_was) /* T6 */
{
    begin((enum family)_i);
    seen.echo = true;
    int fd = far_end((enum family)_i);
    echo_through(fd, 1 << 20);
    ck_assert_uint_eq(seen.received, 1 << 20);
    close(fd);
    NET_UNTIL(&net, seen.lost == 1);
    ck_assert_int_eq(seen.reason, BIGHT_E_CONNECTION_DONE);
    end();
}
END_TEST

START_TEST(a_byte_at_a_time_is_as_good) /* T2 */
{
    begin((enum family)_i);
    seen.echo = true;
    int fd = far_end((enum family)_i);
    for (int i = 0; i < 200; i++) {
        char byte = (char)i, back = 0;
        ck_assert_int_eq(send(fd, &byte, 1, 0), 1);
        NET_UNTIL(&net, recv(fd, &back, 1, 0) == 1);
        ck_assert_int_eq(back, byte);
    }
    close(fd);
    end();
}
END_TEST

START_TEST(a_peer_that_has_sent_all_is_still_answered) /* T11 */
{
    begin((enum family)_i);
    seen.echo = true;
    seen.keep_open = true;
    int fd = far_end((enum family)_i);
    char back[16];
    ck_assert_int_eq(send(fd, "last words", 10, 0), 10);
    shutdown(fd, SHUT_WR);
    NET_UNTIL(&net, seen.read_ends == 1);
    net_turn(&net, 20);
    ck_assert_int_eq(seen.lost, 0);
    ck_assert_int_eq(bight_transport_write(seen.last->transport, "more", 4), 0);
    ck_assert_int_eq(bight_transport_lose_write(seen.last->transport), 0);
    NET_UNTIL(&net, seen.lost == 1); /* both directions have ended */
    ck_assert_int_eq(seen.reason, BIGHT_E_CONNECTION_DONE);
    ck_assert_int_eq(recv(fd, back, sizeof back, 0), 14);
    ck_assert_int_eq(memcmp(back, "last wordsmore", 14), 0);
    ck_assert_int_eq(recv(fd, back, sizeof back, 0), 0);
    close(fd);
    end();
}
END_TEST

static void reset(int fd)
{
    struct linger now = { .l_onoff = 1 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

START_TEST(a_reset_is_a_loss_with_its_errno) /* T5 */
{
    begin(TCP);
    int fd = far_end(TCP);
    ck_assert_int_eq(send(fd, "half a mess", 11, 0), 11);
    NET_UNTIL(&net, seen.received == 11);
    reset(fd);
    NET_UNTIL(&net, seen.lost == 1);
    ck_assert_int_eq(seen.reason, BIGHT_E_CONNECTION_LOST);
    ck_assert_int_eq(seen.reason_errno, ECONNRESET);
    end();
}
END_TEST

START_TEST(a_peer_that_vanishes_while_written_to_is_a_loss) /* T5 */
{
    static char block[100000];
    begin((enum family)_i);
    int fd = far_end((enum family)_i);
    for (int i = 0; i < 1000 && bight_transport_queued(seen.last->transport) == 0; i++) {
        ck_assert_int_eq(bight_transport_write(seen.last->transport, block, sizeof block), 0);
        net_turn(&net, 1);
    }
    ck_assert_uint_gt(bight_transport_queued(seen.last->transport), 0);
    reset(fd);
    NET_UNTIL(&net, seen.lost == 1);
    ck_assert_int_eq(seen.reason, BIGHT_E_CONNECTION_LOST);
    ck_assert(seen.reason_errno == ECONNRESET || seen.reason_errno == EPIPE);
    end();
}
END_TEST

START_TEST(an_abort_reaches_the_peer_as_a_reset) /* T10 */
{
    begin((enum family)_i);
    int fd = far_end((enum family)_i);
    char byte;
    ck_assert_int_eq(send(fd, "unread", 6, 0), 6);
    ck_assert_int_eq(bight_transport_abort_connection(seen.last->transport), 0);
    ck_assert_int_eq(seen.lost, 0);
    NET_UNTIL(&net, seen.lost == 1);
    ck_assert_int_eq(seen.reason, BIGHT_E_CONNECTION_ABORTED);
    ck_assert_int_lt(recv(fd, &byte, 1, 0), 0);
    ck_assert_int_eq(errno, ECONNRESET);
    close(fd);
    end();
}
END_TEST

START_TEST(a_peer_that_never_reads_is_not_read_from) /* T13 */
{
    static char block[65536];
    begin((enum family)_i);
    seen.echo = true;
    int fd = far_end((enum family)_i);
    size_t sent = 0;
    for (int idle = 0; idle < 100; idle++) {
        ssize_t done = send(fd, block, sizeof block, MSG_NOSIGNAL);
        idle = done > 0 ? 0 : idle;
        sent += done > 0 ? (size_t)done : 0;
        net_turn(&net, 1);
    }
    ck_assert_uint_le(bight_transport_queued(seen.last->transport), 65536 + 65536);
    unsigned reads = net.calls[NET_RECV];
    net_turn(&net, 100);
    ck_assert_uint_eq(net.calls[NET_RECV], reads);
    size_t back = 0;
    for (int idle = 0; back < sent && idle < 20000; idle++) {
        ssize_t got = recv(fd, block, sizeof block, 0);
        back += got > 0 ? (size_t)got : 0;
        net_turn(&net, 1);
    }
    ck_assert_uint_eq(back, sent);
    close(fd);
    end();
}
END_TEST

START_TEST(an_abort_works_against_a_peer_that_never_reads) /* T10 */
{
    static char block[1 << 20];
    begin((enum family)_i);
    int fd = far_end((enum family)_i);
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(bight_transport_write(seen.last->transport, block, sizeof block), 0);
    }
    net_turn(&net, 3);
    ck_assert_uint_gt(bight_transport_queued(seen.last->transport), 0);
    bight_transport_abort_connection(seen.last->transport);
    NET_UNTIL(&net, seen.lost == 1);
    close(fd);
    end();
}
END_TEST

START_TEST(what_was_written_before_lose_arrives_whole) /* T7 */
{
    static uint8_t block[3 << 20];
    begin((enum family)_i);
    int fd = far_end((enum family)_i);
    for (size_t i = 0; i < sizeof block; i++) {
        block[i] = pattern(i);
    }
    ck_assert_int_eq(bight_transport_write(seen.last->transport, block, sizeof block), 0);
    ck_assert_int_eq(bight_transport_lose_connection(seen.last->transport), 0);
    size_t back = 0;
    for (int idle = 0; idle < 10000; idle++) {
        static uint8_t got[65536];
        ssize_t count = recv(fd, got, sizeof got, 0);
        check_pattern(got, count, back);
        back += count > 0 ? (size_t)count : 0;
        (void)send(fd, "noise", 5, MSG_NOSIGNAL); /* a peer that writes on: no reset destroys what was sent */
        if (count == 0) {
            break;
        }
        net_turn(&net, 1);
    }
    ck_assert_uint_eq(back, sizeof block);
    close(fd);
    NET_UNTIL(&net, seen.lost == 1);
    ck_assert_int_eq(seen.reason, BIGHT_E_CONNECTION_DONE);
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------- facts */

START_TEST(both_addresses_are_told) /* T1 */
{
    begin(TCP);
    int fd = far_end(TCP);
    struct bight_address peer, host, address;
    struct sockaddr_storage storage;
    socklen_t size = sizeof storage;
    ck_assert_int_eq(bight_transport_peer(seen.last->transport, &peer), 0);
    ck_assert_int_eq(bight_transport_host(seen.last->transport, &host), 0);
    getsockname(fd, (struct sockaddr *)&storage, &size);
    ck_assert_int_eq(bight_address_from_sockaddr(&address, (struct sockaddr *)&storage, size), 0);
    ck_assert(bight_address_equal(&peer, &address));
    ck_assert_uint_eq(host.port, net_port_number(port));
    close(fd);
    end();
}
END_TEST

START_TEST(options_are_for_tcp_only) /* T1 */
{
    begin((enum family)_i);
    int fd = far_end((enum family)_i);
    struct bight_transport *transport = seen.last->transport;
    int expected = _i == UNIX ? BIGHT_E_NOT_SUPPORTED : 0, value = -1, below = bight_transport_descriptor(transport);
    socklen_t size = sizeof value;
    ck_assert_int_eq(bight_transport_set_nodelay(transport, false), expected);
    ck_assert_int_eq(bight_transport_set_keepalive(transport, true), expected);
    if (_i == TCP) {
        getsockopt(below, IPPROTO_TCP, TCP_NODELAY, &value, &size);
        ck_assert_int_eq(value, 0);
        getsockopt(below, SOL_SOCKET, SO_KEEPALIVE, &value, &size);
        ck_assert_int_ne(value, 0);
        ck_assert_int_eq(bight_transport_set_nodelay(transport, true), 0);
        getsockopt(below, IPPROTO_TCP, TCP_NODELAY, &value, &size);
        ck_assert_int_ne(value, 0);
    }
    close(fd);
    end();
}
END_TEST

/* The look-up happens in another thread: here a turn may block until it has answered. */
START_TEST(a_name_is_looked_up_without_blocking) /* E5 */
{
    struct outcome outcome;
    char target[64];
    begin(TCP);
    snprintf(target, sizeof target, "tcp:localhost:%u", (unsigned)net_port_number(port));
    watch_outcome(bight_connect(net.reactor, target, &probe_factory), &outcome);
    for (int i = 0; i < 100 && !outcome.fired; i++) {
        bi_reactor_turn(net.reactor, true);
    }
    ck_assert_int_eq(outcome.fired, 1);
    ck_assert_int_eq(outcome.code, 0);
    NET_UNTIL(&net, seen.made == 2);
    forget_outcome(&outcome);
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------- faults */

START_TEST(short_transfers_lose_nothing) /* T6 */
{
    static const size_t longest[] = { 1, 7, 1000 };
    begin(TCP);
    seen.echo = true;
    int fd = far_end(TCP);
    net.longest_transfer = longest[_i];
    echo_through(fd, longest[_i] == 1 ? 3000 : 100000);
    close(fd);
    end();
}
END_TEST

/* EINTR and EAGAIN at the n-th of each call: the stream does not notice. */
START_TEST(interrupted_and_idle_calls_lose_nothing) /* T6 */
{
    static const enum net_call calls[] = { NET_RECV, NET_SEND, NET_SENDMSG, NET_ACCEPT };
    static const int numbers[] = { EINTR, EAGAIN };
    begin(TCP);
    seen.echo = true;
    for (size_t call = 0; call < sizeof calls / sizeof calls[0]; call++) {
        for (unsigned nth = 1; nth <= 6; nth++) {
            net_calm(&net);
            net_fail(&net, calls[call], nth, numbers[_i], false);
            int fd = far_end(TCP);
            echo_through(fd, 70000);
            close(fd);
        }
    }
    NET_UNTIL(&net, seen.lost == seen.made);
    ck_assert_int_eq(net.log_count, 0);
    end();
}
END_TEST

static const int starvations[] = { ENOBUFS, ENOMEM };
static void small_write(void)
{
    bight_transport_write(seen.last->transport, "hello", 5);
    net_turn(&net, 1);
}

static void large_write(void)
{
    static const uint8_t block[2 * 4096];
    bight_transport_write(seen.last->transport, block, sizeof block);
}

static void sequence_write(void)
{
    static const struct iovec parts[] = { { (void *)(uintptr_t) "a", 1 }, { (void *)(uintptr_t) "b", 1 } };
    static const uint8_t block[4096];
    const struct iovec large[] = { { (void *)(uintptr_t)block, sizeof block }, parts[0] };
    bight_transport_write_sequence(seen.last->transport, large, 2);
}

/* A socket that has room for more is writable all the while: only time tells. */
START_TEST(a_send_without_memory_is_tried_again_after_a_growing_while) /* T6, T17 */
{
    static void (*const writes[])(void) = { small_write, large_write, sequence_write };
    static const uint64_t pauses[] = { 10, 20, 40, 80, 160, 320, 640, 1000, 1000 }; /* milliseconds */
    begin((enum family)(_i / 2));
    int fd = far_end((enum family)(_i / 2));
    for (size_t write = 0; write < 3; write++) {
        net_fail(&net, NET_SEND, 1, starvations[_i % 2], true);
        net_fail(&net, NET_SENDMSG, 1, starvations[_i % 2], true);
        writes[write]();
        for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
            unsigned sends = net.calls[NET_SEND] + net.calls[NET_SENDMSG];
            fake_advance(&net.fake, net.reactor, pauses[i] * 1000000 - 1000);
            net_turn(&net, 20);
            ck_assert_uint_eq(net.calls[NET_SEND] + net.calls[NET_SENDMSG], sends);
            fake_advance(&net.fake, net.reactor, 1000);
            ck_assert_uint_eq(net.calls[NET_SEND] + net.calls[NET_SENDMSG], sends + 1);
        }
        net_calm(&net);
        size_t waiting = bight_transport_queued(seen.last->transport);
        ck_assert_uint_gt(waiting, 0);
        fake_advance(&net.fake, net.reactor, BIGHT_NANOSECONDS_PER_SECOND);
        ck_assert_uint_eq(bight_transport_queued(seen.last->transport), 0);
        uint8_t bytes[10000];
        ck_assert_int_eq(recv(fd, bytes, sizeof bytes, 0), (ssize_t)waiting);
    }
    ck_assert_int_eq(seen.lost, 0);
    close(fd);
    NET_UNTIL(&net, seen.lost == 1);
    end();
}
END_TEST

START_TEST(without_room_and_then_without_memory_the_rest_arrives_all_the_same) /* T6 */
{
    static const uint8_t block[8 << 20];
    begin(TCP);
    int fd = far_end(TCP);
    bight_transport_write(seen.last->transport, block, sizeof block);
    ck_assert_uint_gt(bight_transport_queued(seen.last->transport), 0);
    net_fail(&net, NET_SEND, 1, ENOBUFS, false);
    net_fail(&net, NET_SENDMSG, 1, ENOBUFS, false);
    size_t got = 0;
    static uint8_t bytes[60000];
    for (int i = 0; i < 100000 && got < sizeof block; i++) {
        ssize_t size = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        got += size > 0 ? (size_t)size : 0;
        fake_advance(&net.fake, net.reactor, 1000000);
    }
    ck_assert_uint_eq(got, sizeof block);
    ck_assert_uint_gt(net.calls[NET_SEND] + net.calls[NET_SENDMSG], 1);
    close(fd);
    end();
}
END_TEST

START_TEST(a_close_while_a_send_waits_for_memory_leaves_no_timer_behind) /* T7, T10 */
{
    begin(TCP);
    int fd = far_end(TCP);
    net_fail(&net, NET_SEND, 1, ENOBUFS, true);
    small_write();
    if (_i == 0) {
        bight_transport_abort_connection(seen.last->transport);
    } else {
        bight_transport_lose_connection(seen.last->transport);
        fake_advance(&net.fake, net.reactor, 31 * BIGHT_NANOSECONDS_PER_SECOND);
    }
    NET_UNTIL(&net, seen.lost == 1);
    ck_assert_int_eq(seen.reason, _i == 0 ? BIGHT_E_CONNECTION_ABORTED : BIGHT_E_TIMED_OUT);
    unsigned sends = net.calls[NET_SEND];
    fake_advance(&net.fake, net.reactor, 5 * BIGHT_NANOSECONDS_PER_SECOND);
    ck_assert_uint_eq(net.calls[NET_SEND], sends);
    close(fd);
    end();
}
END_TEST

struct breakage {
    enum net_call call;
    int number;
};
static const struct breakage breakages[] = { { NET_RECV, ECONNRESET }, { NET_RECV, ETIMEDOUT }, { NET_RECV, EIO },
    { NET_SEND, EPIPE }, { NET_SEND, ECONNRESET }, { NET_SEND, ENETUNREACH }, { NET_SEND, EIO } };

START_TEST(each_failed_call_of_a_connection_is_its_loss) /* T5 */
{
    const struct breakage *breakage = &breakages[_i];
    for (unsigned nth = 1; nth <= 4; nth++) {
        begin(TCP);
        seen.echo = true;
        int fd = far_end(TCP);
        net_fail(&net, breakage->call, nth, breakage->number, false);
        for (int i = 0; i < 100 && seen.lost == 0; i++) {
            (void)send(fd, "ping", 4, MSG_NOSIGNAL);
            net_turn(&net, 2);
        }
        ck_assert_int_eq(seen.lost, 1);
        ck_assert_int_eq(seen.reason, BIGHT_E_CONNECTION_LOST);
        ck_assert_int_eq(seen.reason_errno, breakage->number);
        ck_assert_uint_eq(bight_port_connections(port), 0);
        close(fd);
        end();
    }
}
END_TEST

START_TEST(a_shut_that_fails_disturbs_nobody) /* T7 */
{
    begin(TCP);
    int fd = far_end(TCP);
    net_fail(&net, NET_SHUTDOWN, 1, ENOTCONN, false);
    bight_transport_lose_connection(seen.last->transport);
    net_turn(&net, 3);
    close(fd);
    NET_UNTIL(&net, seen.lost == 1);
    ck_assert_int_eq(seen.reason, BIGHT_E_CONNECTION_DONE);
    end();
}
END_TEST

START_TEST(many_connections_come_and_go_without_a_trace) /* T3 */
{
    begin((enum family)_i);
    seen.echo = true;
    close(far_end((enum family)_i)); /* the room's own memory and descriptors */
    NET_UNTIL(&net, seen.lost == 1);
    int before = count_descriptors();
    for (int i = 0; i < 300; i++) {
        int fd = far_end((enum family)_i);
        (void)send(fd, "hello", 5, MSG_NOSIGNAL);
        net_turn(&net, i % 3);
        if (i % 2 == 0) {
            reset(fd);
        } else {
            close(fd);
        }
    }
    NET_UNTIL(&net, seen.lost == 301);
    ck_assert_int_eq(count_descriptors(), before);
    end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_mebibyte_comes_back_as_it_was, 0, FAMILIES);
    tcase_add_loop_test(tests, a_byte_at_a_time_is_as_good, 0, FAMILIES);
    tcase_add_loop_test(tests, a_peer_that_has_sent_all_is_still_answered, 0, FAMILIES);
    tcase_add_test(tests, a_reset_is_a_loss_with_its_errno);
    tcase_add_loop_test(tests, a_peer_that_vanishes_while_written_to_is_a_loss, 0, FAMILIES);
    tcase_add_loop_test(tests, an_abort_reaches_the_peer_as_a_reset, 0, FAMILIES);
    tcase_add_loop_test(tests, a_peer_that_never_reads_is_not_read_from, 0, FAMILIES);
    tcase_add_loop_test(tests, an_abort_works_against_a_peer_that_never_reads, 0, FAMILIES);
    tcase_add_loop_test(tests, what_was_written_before_lose_arrives_whole, 0, FAMILIES);
    tcase_add_test(tests, both_addresses_are_told);
    tcase_add_loop_test(tests, options_are_for_tcp_only, 0, FAMILIES);
    tcase_add_test(tests, a_name_is_looked_up_without_blocking);
    tcase_add_loop_test(tests, short_transfers_lose_nothing, 0, 3);
    tcase_add_loop_test(tests, interrupted_and_idle_calls_lose_nothing, 0, 2);
    tcase_add_loop_test(
        tests, each_failed_call_of_a_connection_is_its_loss, 0, (int)(sizeof breakages / sizeof breakages[0]));
    tcase_add_loop_test(tests, a_send_without_memory_is_tried_again_after_a_growing_while, 0, 2 * FAMILIES);
    tcase_add_test(tests, without_room_and_then_without_memory_the_rest_arrives_all_the_same);
    tcase_add_loop_test(tests, a_close_while_a_send_waits_for_memory_leaves_no_timer_behind, 0, 2);
    tcase_add_test(tests, a_shut_that_fails_disturbs_nobody);
    tcase_add_loop_test(tests, many_connections_come_and_go_without_a_trace, 0, FAMILIES);
}

BIGHT_TEST_MAIN("socket", add_tests)
