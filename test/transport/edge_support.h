/* SPDX-License-Identifier: MIT */
/* edge_support.h - connections over the real kernel and the real loop, whose watches tell news only: nothing that came
 * may be left unseen because no more comes after it. Each case sends its all before the loop has had a turn, and then
 * nothing. What is found by a timer is waited for in the loop, however long that takes. */
#ifndef BIGHT_TEST_EDGE_SUPPORT_H
#define BIGHT_TEST_EDGE_SUPPORT_H

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

__attribute__((unused)) static void do_nothing(void *context)
{
    (void)context;
}

/* The same for what a timer brings about. A turn runs timers before it waits, so it must not wait for ever. */
#define WAIT_UNTIL(condition)                                                         \
    while (!(condition)) {                                                            \
        ck_assert_int_eq(bight_call_later(reactor, 0.01, do_nothing, NULL, NULL), 0); \
        bi_reactor_turn(reactor, true);                                               \
    }

static void make_reactor(bool is_level)
{
    static struct bight_system other; /* than the kernel's: its watches tell what is, and not news */
    other = *bight_system_real();
    struct bight_reactor_options options = { .size = sizeof options, .system = is_level ? &other : NULL };
    memset(&seen, 0, sizeof seen);
    reactor = bight_reactor_new_full(&options);
    ck_assert_int_eq(reactor->loop->edge == 0, is_level); /* else these tests show nothing */
}

/* Returns the far end of a connection whose near end has been made. */
static int begin_on(bool is_level)
{
    struct bight_address address;
    struct sockaddr_in to = { .sin_family = AF_INET };
    make_reactor(is_level);
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

__attribute__((unused)) static int begin(void)
{
    return begin_on(false);
}

/* Over a pair of UNIX sockets. */
__attribute__((unused)) static int begin_local(void)
{
    int code, ends[2];
    const struct bight_address nowhere = { 0 };
    make_reactor(false);
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

__attribute__((unused)) static void reset(int fd)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

#endif
