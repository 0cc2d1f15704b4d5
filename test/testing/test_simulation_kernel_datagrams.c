/* SPDX-License-Identifier: MIT */
/* The simulated table of calls against the kernel's, by scripts that run on both: datagrams. What links and buffers do
 * to them is in test_simulation_datagrams.c. */
#include "kernel_script.h"

#include <errno.h>
#include <poll.h>

#include "testing/simulation/simulation.h"

enum { LARGEST = 65507 };

static uint8_t bytes[LARGEST + 100];

/* --------------------------------------------------------------------------------------------- scripts */

static int make(struct script *script, int domain)
{
    int fd = script->ops->socket(script->system, domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static int bind_to(struct script *script, int fd, uint32_t ip, uint16_t port)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip) };
    return script->ops->bind(script->system, fd, (struct sockaddr *)&in, sizeof in);
}

static int bound(struct script *script)
{
    int fd = make(script, AF_INET);
    ck_assert_int_eq(bind_to(script, fd, INADDR_LOOPBACK, 0), 0);
    return fd;
}

static int connect_to(struct script *script, int fd, uint16_t port)
{
    struct sockaddr_in in = loopback(port);
    return script->ops->connect(script->system, fd, (struct sockaddr *)&in, sizeof in);
}

static int disconnect(struct script *script, int fd)
{
    const struct sockaddr none = { .sa_family = AF_UNSPEC };
    return script->ops->connect(script->system, fd, &none, sizeof none);
}

static ssize_t send_sized(struct script *script, int fd, void *name, socklen_t name_size, size_t size)
{
    struct iovec parts[4] = { { bytes, size / 3 }, { NULL, 0 }, { bytes + size / 3, size - size / 3 }, { bytes, 0 } };
    struct msghdr message = { .msg_name = name, .msg_namelen = name_size, .msg_iov = parts, .msg_iovlen = 4 };
    ssize_t result = script->ops->sendmsg(script->system, fd, &message, MSG_NOSIGNAL);
    let_happen(script);
    return result;
}

static void send_to(struct script *script, const char *what, int fd, uint16_t port, size_t size)
{
    struct sockaddr_in in = loopback(port);
    note(script, what, send_sized(script, fd, &in, sizeof in, size));
}

/* In two parts; from which of two ports it came, and whether the bytes are those that were sent. */
static void take(struct script *script, const char *what, int fd, size_t room, int flags, uint16_t port)
{
    uint8_t *buffer = calloc(1, room + 1);
    struct sockaddr_in in = { .sin_family = AF_UNSPEC };
    struct iovec parts[2] = { { buffer, room / 4 }, { buffer + room / 4, room - room / 4 } };
    struct msghdr message = { .msg_name = &in, .msg_namelen = sizeof in, .msg_iov = parts, .msg_iovlen = 2 };
    ssize_t result = script->ops->recvmsg(script->system, fd, &message, flags);
    note(script, what, result);
    if (result >= 0) {
        note(script, "flags", message.msg_flags & ~MSG_CMSG_CLOEXEC);
        note(script, "size of name", message.msg_namelen);
        note(script, "loopback", in.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
        note(script, "port", ntohs(in.sin_port) == port);
        note(script, "bytes", memcmp(buffer, bytes, (size_t)result < room ? (size_t)result : room));
    }
    free(buffer);
}

static void tell_ready(struct script *script, const char *what, int fd)
{
    unsigned ready = 0;
    if (script->simulation == NULL) {
        struct pollfd polled = { .fd = fd, .events = POLLIN | POLLOUT };
        ck_assert_int_ge(poll(&polled, 1, 0), 0);
        ready |= (polled.revents & (POLLIN | POLLERR)) != 0 ? BIGHT_READABLE : 0;
        ready |= (polled.revents & (POLLOUT | POLLERR)) != 0 ? BIGHT_WRITABLE : 0;
    } else {
        ready = bi_sim_file_get(bi_sim_loop_of(script->system), fd, "ready", NULL)->ready;
    }
    note(script, what, ready);
}

static void sent_and_received(struct script *script)
{
    int one = bound(script), two = make(script, AF_INET);
    uint16_t port = port_of(script, one);
    take(script, "nothing", one, 100, 0, 0);
    tell_ready(script, "ready", one);
    send_to(script, "send", two, port, 50);
    tell_ready(script, "ready", one);
    send_to(script, "empty", two, port, 0);
    send_to(script, "send", two, port, 80);
    note(script, "has a port", port_of(script, two) != 0);
    take(script, "peek", one, 100, MSG_PEEK, port_of(script, two));
    take(script, "first", one, 100, 0, port_of(script, two));
    take(script, "empty", one, 100, 0, port_of(script, two));
    take(script, "short", one, 30, 0, port_of(script, two));
    take(script, "nothing is left of it", one, 30, 0, 0);
    send_to(script, "send", two, port, 80);
    take(script, "short, whole size", one, 30, MSG_TRUNC, port_of(script, two));
    send_to(script, "send", two, port, 80);
    receive(script, "recv", one);
    send_to(script, "largest", two, port, LARGEST);
    take(script, "largest", one, LARGEST + 1, 0, port_of(script, two));
    send_to(script, "too large", two, port, LARGEST + 1);
    take(script, "nothing", one, 100, 0, 0);
    close_fd(script, one);
    close_fd(script, two);
}

static void no_destination(struct script *script)
{
    int fd = make(script, AF_INET);
    struct sockaddr_in in = loopback(0);
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
    send_text(script, "send", fd, "x");
    note(script, "sendmsg", send_sized(script, fd, NULL, 0, 1));
    note(script, "port 0", send_sized(script, fd, &in, sizeof in, 1));
    note(script, "short address", send_sized(script, fd, &in, 5, 1));
    note(script, "other family", send_sized(script, fd, &in6, sizeof in6, 1));
    note(script, "has a port all the same", port_of(script, fd) != 0);
    note(
        script, "connect, other family", script->ops->connect(script->system, fd, (struct sockaddr *)&in6, sizeof in6));
    note(script, "connect, short", script->ops->connect(script->system, fd, (struct sockaddr *)&in, 1));
    close_fd(script, fd);
}

static void connected_to_a_peer(struct script *script)
{
    struct sockaddr_in in;
    socklen_t size = sizeof in;
    int one = bound(script), peer = bound(script), third = bound(script);
    note(script, "peer", script->ops->getpeername(script->system, one, (struct sockaddr *)&in, &size));
    send_to(script, "before", third, port_of(script, one), 5);
    note(script, "connect", connect_to(script, one, port_of(script, peer)));
    note(script, "peer", script->ops->getpeername(script->system, one, (struct sockaddr *)&in, &size));
    note(script, "port", ntohs(in.sin_port) == port_of(script, peer));
    take(script, "what had come", one, 100, 0, port_of(script, third));
    send_to(script, "not from the peer", third, port_of(script, one), 7);
    take(script, "filtered", one, 100, 0, 0);
    tell_error(script, third);
    send_to(script, "from the peer", peer, port_of(script, one), 9);
    take(script, "from the peer", one, 100, 0, port_of(script, peer));
    send_text(script, "send", one, "hello");
    receive(script, "hello", peer);
    send_to(script, "elsewhere", one, port_of(script, third), 11);
    take(script, "elsewhere", third, 100, 0, port_of(script, one));
    note(script, "connect again", connect_to(script, one, port_of(script, third)));
    send_to(script, "from the peer", third, port_of(script, one), 13);
    take(script, "from the peer", one, 100, 0, port_of(script, third));
    note(script, "disconnect", disconnect(script, one));
    note(script, "peer", script->ops->getpeername(script->system, one, (struct sockaddr *)&in, &size));
    send_text(script, "send", one, "x");
    close_fd(script, one);
    close_fd(script, peer);
    close_fd(script, third);
}

/* What connect(2) chose goes, what bind(2) was told stays. */
static void names_after_disconnecting(struct script *script)
{
    struct sockaddr_in in;
    socklen_t size = sizeof in;
    int peer = bound(script), other = bound(script);
    uint16_t used = port_of(script, other);
    close_fd(script, other);
    for (int i = 0; i < 4; i++) {
        int fd = make(script, AF_INET);
        if (i > 0) {
            note(script, "bind", bind_to(script, fd, i < 3 ? INADDR_ANY : INADDR_LOOPBACK, i == 2 ? used : 0));
        }
        for (int times = 0; times < 2; times++) {
            note(script, "connect", connect_to(script, fd, port_of(script, peer)));
            (void)script->ops->getsockname(script->system, fd, (struct sockaddr *)&in, &size);
            note(script, "address", (long)ntohl(in.sin_addr.s_addr));
            note(script, "port", in.sin_port != 0);
            note(script, "disconnect", disconnect(script, fd));
            (void)script->ops->getsockname(script->system, fd, (struct sockaddr *)&in, &size);
            note(script, "address", (long)ntohl(in.sin_addr.s_addr));
            note(script, "port", in.sin_port != 0);
        }
        note(script, "bind again", bind_to(script, fd, INADDR_LOOPBACK, 0));
        close_fd(script, fd);
    }
    close_fd(script, peer);
}

static void nobody_listens(struct script *script)
{
    int gone = bound(script), fd = make(script, AF_INET), free_one = bound(script), peer = bound(script);
    uint16_t port = port_of(script, gone);
    close_fd(script, gone);
    note(script, "connect", connect_to(script, fd, port));
    tell_ready(script, "ready", fd);
    send_text(script, "send", fd, "x");
    tell_ready(script, "ready", fd);
    receive(script, "refused", fd);
    receive(script, "once", fd);
    tell_ready(script, "ready", fd);
    send_text(script, "send", fd, "x");
    send_text(script, "refused", fd, "x");
    send_text(script, "sent", fd, "x");
    tell_error(script, fd);
    tell_error(script, fd);
    send_to(script, "not connected", free_one, port, 1);
    tell_error(script, free_one);
    note(script, "connect", connect_to(script, free_one, port_of(script, peer)));
    send_to(script, "to another than the peer", free_one, port, 1);
    tell_error(script, free_one);
    send_to(script, "data", peer, port_of(script, free_one), 3);
    close_fd(script, peer);
    send_text(script, "send", free_one, "x");
    receive(script, "refused, before data", free_one);
    receive(script, "data", free_one);
    close_fd(script, fd);
    close_fd(script, free_one);
}

static void wrong_calls(struct script *script)
{
    static const int on = 1, names[] = { SO_TYPE, SO_DOMAIN, SO_ACCEPTCONN, SO_ERROR, SO_REUSEADDR };
    int fd = bound(script), peer = bound(script), value = -1;
    socklen_t size = sizeof value;
    note(script, "listen", script->ops->listen(script->system, fd, 5));
    note(script, "accept", script->ops->accept4(script->system, fd, NULL, NULL, 0));
    note(script, "bind twice", bind_to(script, fd, INADDR_LOOPBACK, 0));
    note(script, "shutdown", script->ops->shutdown(script->system, fd, SHUT_WR));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        note(script, "get", script->ops->getsockopt(script->system, fd, SOL_SOCKET, names[i], &value, &size));
        note(script, "value", value);
    }
    note(script, "nodelay", script->ops->setsockopt(script->system, fd, IPPROTO_TCP, 1, &on, sizeof on));
    note(script, "connect", connect_to(script, fd, port_of(script, peer)));
    note(script, "shutdown", script->ops->shutdown(script->system, fd, SHUT_WR));
    send_text(script, "send", fd, "x");
    note(script, "shutdown", script->ops->shutdown(script->system, fd, SHUT_RD));
    tell_ready(script, "ready", fd);
    receive(script, "receive", fd);
    close_fd(script, fd);
    fd = make(script, AF_INET);
    send_to(script, "send", fd, port_of(script, peer), 3);
    note(script, "bind after sending", bind_to(script, fd, INADDR_LOOPBACK, 0));
    close_fd(script, fd);
    close_fd(script, peer);
    note(script, "address of nobody's", bind_to(script, fd = make(script, AF_INET), 0x01020304, 0));
    close_fd(script, fd);
}

static int bind_any(struct script *script, int domain, bool only_ipv6, int option, uint16_t port, int *result)
{
    const int on = 1, only = only_ipv6;
    const struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    int fd = make(script, domain);
    if (option != 0) {
        ck_assert_int_eq(script->ops->setsockopt(script->system, fd, SOL_SOCKET, option, &on, sizeof on), 0);
    }
    if (domain == AF_INET) {
        *result = bind_to(script, fd, INADDR_ANY, port);
        return fd;
    }
    ck_assert_int_eq(script->ops->setsockopt(script->system, fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only), 0);
    *result = script->ops->bind(script->system, fd, (const struct sockaddr *)&in6, sizeof in6);
    return fd;
}

static void shared_ports(struct script *script)
{
    static const int options[] = { 0, SO_REUSEADDR, SO_REUSEPORT };
    static const int domains[][3] = { { AF_INET, AF_INET, 0 }, { AF_INET, AF_INET6, 0 }, { AF_INET, AF_INET6, 1 },
        { AF_INET6, AF_INET6, 0 }, { AF_INET6, AF_INET, 0 } };
    if (!has_ipv6(script)) {
        return;
    }
    for (size_t i = 0; i < 15; i++) {
        const int *domain = domains[i % 5], option = options[i / 5];
        int result;
        int first = bind_any(script, domain[0], false, option, 0, &result);
        uint16_t port = port_of_any(script, first);
        int second = bind_any(script, domain[1], domain[2] != 0, option, port, &result);
        note(script, "second", result);
        int third = bind_any(script, domain[1], domain[2] != 0, 0, port, &result);
        note(script, "third", result);
        close_fd(script, first);
        close_fd(script, second);
        close_fd(script, third);
    }
}

static void whose_it_is(struct script *script)
{
    int on_all[2], result, sender = bound(script), exact = make(script, AF_INET);
    on_all[0] = bind_any(script, AF_INET, false, SO_REUSEADDR, 0, &result);
    uint16_t port = port_of(script, on_all[0]);
    on_all[1] = bind_any(script, AF_INET, false, SO_REUSEADDR, port, &result);
    send_to(script, "to the last bound", sender, port, 5);
    receive(script, "first", on_all[0]);
    receive(script, "last", on_all[1]);
    script->ops->setsockopt(script->system, exact, SOL_SOCKET, SO_REUSEADDR, &(const int) { 1 }, sizeof(int));
    note(script, "bind", bind_to(script, exact, INADDR_LOOPBACK, port));
    send_to(script, "to the exact one", sender, port, 6);
    receive(script, "last", on_all[1]);
    receive(script, "exact", exact);
    note(script, "connect", connect_to(script, on_all[0], port_of(script, sender)));
    send_to(script, "to the connected one", sender, port, 7);
    receive(script, "connected", on_all[0]);
    receive(script, "exact", exact);
    close_fd(script, sender);
    close_fd(script, exact);
    close_fd(script, on_all[0]);
    close_fd(script, on_all[1]);
}

/* An IPv6 socket on all addresses with an IPv4 peer, and over IPv6 itself. */
static void dual_stack(struct script *script)
{
    struct sockaddr_in6 from = { .sin6_family = AF_UNSPEC };
    struct iovec part = { bytes, 100 };
    struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1 };
    if (!has_ipv6(script)) {
        return;
    }
    int result, ipv4 = bound(script), both = bind_any(script, AF_INET6, false, 0, 0, &result);
    int only = bind_any(script, AF_INET6, true, 0, 0, &result);
    send_to(script, "send", ipv4, port_of_any(script, both), 5);
    note(script, "receive", script->ops->recvmsg(script->system, both, &message, 0));
    note(script, "size", message.msg_namelen);
    note(script, "mapped", IN6_IS_ADDR_V4MAPPED(&from.sin6_addr));
    note(script, "port", ntohs(from.sin6_port) == port_of(script, ipv4));
    note(script, "answer", send_sized(script, both, &from, sizeof from, 7));
    take(script, "answer", ipv4, 100, 0, port_of_any(script, both));
    send_to(script, "IPv4's own form", both, port_of(script, ipv4), 9);
    receive(script, "it comes", ipv4);
    note(script, "not from IPv6 only", send_sized(script, only, &from, sizeof from, 7));
    send_to(script, "not to IPv6 only", ipv4, port_of_any(script, only), 5);
    receive(script, "nothing", only);
    note(script, "mapped, too large", send_sized(script, both, &from, sizeof from, LARGEST + 1));
    from = (struct sockaddr_in6) { .sin6_family = AF_INET6, .sin6_port = htons(port_of_any(script, only)) };
    from.sin6_addr.s6_addr[15] = 1;
    note(script, "largest", send_sized(script, both, &from, sizeof from, LARGEST + 20));
    receive(script, "it comes", only);
    note(script, "too large", send_sized(script, both, &from, sizeof from, LARGEST + 21));
    note(script, "connect", script->ops->connect(script->system, both, (struct sockaddr *)&from, sizeof from));
    send_text(script, "send", both, "x");
    message.msg_namelen = sizeof from;
    note(script, "receive", script->ops->recvmsg(script->system, only, &message, 0));
    note(script, "last byte", from.sin6_addr.s6_addr[15]);
    close_fd(script, ipv4);
    close_fd(script, both);
    close_fd(script, only);
}

COMPARED(datagrams_sent_and_received, sent_and_received)
COMPARED(datagrams_without_a_destination, no_destination)
COMPARED(datagrams_of_a_connected_socket, connected_to_a_peer)
COMPARED(names_after_a_datagram_socket_disconnects, names_after_disconnecting)
COMPARED(datagrams_where_nobody_listens, nobody_listens)
COMPARED(calls_that_are_wrong_for_datagrams, wrong_calls)
COMPARED(ports_shared_by_datagram_sockets, shared_ports)
COMPARED(the_socket_that_fits_best_gets_the_datagram, whose_it_is)
COMPARED(datagrams_between_ipv4_and_ipv6, dual_stack)

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, datagrams_sent_and_received);
    tcase_add_test(tests, datagrams_without_a_destination);
    tcase_add_test(tests, datagrams_of_a_connected_socket);
    tcase_add_test(tests, names_after_a_datagram_socket_disconnects);
    tcase_add_test(tests, datagrams_where_nobody_listens);
    tcase_add_test(tests, calls_that_are_wrong_for_datagrams);
    tcase_add_test(tests, ports_shared_by_datagram_sockets);
    tcase_add_test(tests, the_socket_that_fits_best_gets_the_datagram);
    tcase_add_test(tests, datagrams_between_ipv4_and_ipv6);
}

BIGHT_TEST_MAIN("simulation_kernel_datagrams", add_tests)
