/* SPDX-License-Identifier: MIT */
/* The simulated table of calls against the kernel's, by scripts that run on both: streams, names, wake-ups. Datagrams
 * are in test_simulation_kernel_datagrams.c. */
#include "kernel_script.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>

static int make(struct script *script, int domain)
{
    int fd = script->ops->socket(script->system, domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static int bind_tcp(struct script *script, int fd, uint16_t port)
{
    struct sockaddr_in in = loopback(port);
    return script->ops->bind(script->system, fd, (struct sockaddr *)&in, sizeof in);
}

static int connect_tcp(struct script *script, int fd, uint16_t port)
{
    struct sockaddr_in in = loopback(port);
    return script->ops->connect(script->system, fd, (struct sockaddr *)&in, sizeof in);
}

static int listen_tcp(struct script *script)
{
    int fd = make(script, AF_INET);
    ck_assert_int_eq(bind_tcp(script, fd, 0), 0);
    ck_assert_int_eq(script->ops->listen(script->system, fd, 5), 0);
    return fd;
}

/* Two connected ends. */
static void pair_tcp(struct script *script, int ends[2])
{
    int listener = listen_tcp(script);
    ends[0] = make(script, AF_INET);
    note(script, "connect", connect_tcp(script, ends[0], port_of(script, listener)));
    let_happen(script);
    ends[1] = script->ops->accept4(script->system, listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ck_assert_int_ge(ends[1], 0);
    close_fd(script, listener);
}

/* ----------------------------------------------------------------------------------------- the scripts */

static void refused(struct script *script)
{
    int listener = listen_tcp(script), fd = make(script, AF_INET);
    uint16_t port = port_of(script, listener);
    close_fd(script, listener);
    note(script, "connect", connect_tcp(script, fd, port));
    tell_error(script, fd);
    tell_error(script, fd);
    close_fd(script, fd);
}

static void half_closed(struct script *script)
{
    int ends[2];
    pair_tcp(script, ends);
    tell_error(script, ends[0]);
    receive(script, "nothing", ends[0]);
    send_text(script, "send", ends[0], "hello");
    receive(script, "hello", ends[1]);
    receive(script, "nothing", ends[1]);
    note(script, "shutdown", script->ops->shutdown(script->system, ends[0], SHUT_WR));
    note(script, "shutdown again", script->ops->shutdown(script->system, ends[0], SHUT_WR));
    receive(script, "the end", ends[1]);
    receive(script, "the end again", ends[1]);
    send_text(script, "send back", ends[1], "abc");
    send_text(script, "send after shutdown", ends[0], "x");
    receive(script, "abc", ends[0]);
    close_fd(script, ends[1]);
    receive(script, "the other end", ends[0]);
    close_fd(script, ends[0]);
}

/* What an empty send says of a peer whose end has come. */
static void asked_behind_the_end(struct script *script)
{
    const struct linger now = { .l_onoff = 1, .l_linger = 0 };
    int ends[2];
    pair_tcp(script, ends);
    note(script, "shutdown", script->ops->shutdown(script->system, ends[0], SHUT_WR));
    receive(script, "the end", ends[1]);
    send_text(script, "nothing is wrong", ends[1], "");
    (void)script->ops->setsockopt(script->system, ends[0], SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close_fd(script, ends[0]);
    receive(script, "the end again", ends[1]);
    send_text(script, "it has gone", ends[1], "");
    close_fd(script, ends[1]);
}

static void take_message(struct script *script, const char *what, int fd)
{
    char buffer[100];
    struct sockaddr_in in;
    struct iovec parts[2] = { { buffer, 0 }, { buffer, sizeof buffer } };
    struct msghdr message = { .msg_name = &in, .msg_namelen = sizeof in, .msg_iov = parts, .msg_iovlen = 2 };
    ssize_t result = script->ops->recvmsg(script->system, fd, &message, 0);
    note(script, what, result);
    if (result >= 0) {
        note(script, "size of name", message.msg_namelen);
        note(script, "flags", message.msg_flags & ~MSG_CMSG_CLOEXEC);
    }
}

static void received_as_messages(struct script *script)
{
    int ends[2];
    pair_tcp(script, ends);
    take_message(script, "nothing", ends[1]);
    send_text(script, "send", ends[0], "hello");
    take_message(script, "hello", ends[1]);
    close_fd(script, ends[0]);
    take_message(script, "the end", ends[1]);
    close_fd(script, ends[1]);
}

static void closed_with_input_unread(struct script *script)
{
    int ends[2];
    pair_tcp(script, ends);
    send_text(script, "send", ends[0], "unread");
    send_text(script, "send back", ends[1], "arrived");
    close_fd(script, ends[1]);
    receive(script, "what had arrived", ends[0]);
    receive(script, "the reset", ends[0]);
    receive(script, "after the reset", ends[0]);
    send_text(script, "send after the reset", ends[0], "x");
    note(script, "shutdown", script->ops->shutdown(script->system, ends[0], SHUT_WR));
    tell_error(script, ends[0]);
    close_fd(script, ends[0]);
}

static void reset_by_linger(struct script *script)
{
    const struct linger now = { .l_onoff = 1 };
    int ends[2];
    pair_tcp(script, ends);
    note(script, "setsockopt",
        script->ops->setsockopt(script->system, ends[0], SOL_SOCKET, SO_LINGER, &now, sizeof now));
    close_fd(script, ends[0]);
    send_text(script, "send to the reset", ends[1], "x");
    send_text(script, "send again", ends[1], "x");
    receive(script, "receive", ends[1]);
    close_fd(script, ends[1]);
}

static void sent_to_a_closed_end(struct script *script)
{
    int ends[2];
    pair_tcp(script, ends);
    close_fd(script, ends[0]);
    send_text(script, "send", ends[1], "x");
    receive(script, "receive", ends[1]);
    send_text(script, "send again", ends[1], "x");
    receive(script, "receive again", ends[1]);
    close_fd(script, ends[1]);
}

static void listener_closed(struct script *script)
{
    int listener = listen_tcp(script), fd = make(script, AF_INET);
    note(script, "connect", connect_tcp(script, fd, port_of(script, listener)));
    let_happen(script);
    note(script, "connect again", connect_tcp(script, fd, port_of(script, listener)));
    note(script, "and again", connect_tcp(script, fd, port_of(script, listener)));
    close_fd(script, listener);
    receive(script, "reset", fd);
    close_fd(script, fd);
}

static void wrong_states(struct script *script)
{
    struct sockaddr_storage name;
    socklen_t size = sizeof name;
    int listener = listen_tcp(script), fresh = make(script, AF_INET);
    note(script, "accept", script->ops->accept4(script->system, listener, NULL, NULL, 0));
    receive(script, "recv listener", listener);
    receive(script, "recv new", fresh);
    send_text(script, "send new", fresh, "x");
    note(script, "shutdown", script->ops->shutdown(script->system, fresh, SHUT_WR));
    note(script, "peer", script->ops->getpeername(script->system, fresh, (struct sockaddr *)&name, &size));
    note(script, "accept new", script->ops->accept4(script->system, fresh, NULL, NULL, 0));
    note(script, "bind used", bind_tcp(script, fresh, port_of(script, listener)));
    note(script, "bind", bind_tcp(script, fresh, 0));
    note(script, "bind twice", bind_tcp(script, fresh, 0));
    close_fd(script, listener);
    close_fd(script, fresh);
}

static int bind_unix(struct script *script, int fd, bool to_connect)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    strcpy(un.sun_path, script->path);
    return to_connect ? script->ops->connect(script->system, fd, (struct sockaddr *)&un, sizeof un)
                      : script->ops->bind(script->system, fd, (struct sockaddr *)&un, sizeof un);
}

static void unix_names(struct script *script)
{
    mode_t type = 0;
    int one = make(script, AF_UNIX), two = make(script, AF_UNIX), three = make(script, AF_UNIX);
    note(script, "connect to nothing", bind_unix(script, one, true));
    note(script, "lstat", script->ops->lstat(script->system, script->path, &type));
    note(script, "unlink", script->ops->unlink(script->system, script->path));
    note(script, "bind", bind_unix(script, one, false));
    note(script, "bind used", bind_unix(script, two, false));
    note(script, "connect to deaf", bind_unix(script, two, true));
    note(script, "chmod", script->ops->chmod(script->system, script->path, 0600));
    note(script, "lstat", script->ops->lstat(script->system, script->path, &type));
    note(script, "socket", S_ISSOCK(type));
    note(script, "listen", script->ops->listen(script->system, one, 0));
    note(script, "connect", bind_unix(script, two, true));
    note(script, "connect to full", bind_unix(script, three, true));
    close_fd(script, one);
    receive(script, "closed listener", two);
    note(script, "connect to stale", bind_unix(script, three, true));
    note(script, "unlink", script->ops->unlink(script->system, script->path));
    close_fd(script, two);
    close_fd(script, three);
}

static void unix_ends(struct script *script)
{
    for (int unread = 0; unread < 2; unread++) {
        int listener = make(script, AF_UNIX), client = make(script, AF_UNIX);
        ck_assert_int_eq(bind_unix(script, listener, false), 0);
        ck_assert_int_eq(script->ops->listen(script->system, listener, 5), 0);
        note(script, "connect", bind_unix(script, client, true));
        struct sockaddr_un un = { .sun_family = AF_UNIX };
        socklen_t size = sizeof un;
        int server = script->ops->accept4(script->system, listener, (struct sockaddr *)&un, &size, SOCK_NONBLOCK);
        note(script, "nameless", (long)size);
        size = sizeof un;
        note(script, "peer", script->ops->getpeername(script->system, client, (struct sockaddr *)&un, &size));
        note(script, "same name", strcmp(un.sun_path, script->path));
        receive(script, "nothing", server);
        if (unread) {
            send_text(script, "send", client, "unread");
        }
        send_text(script, "send back", server, "abc");
        close_fd(script, server);
        receive(script, "receive", client);
        receive(script, "receive again", client);
        send_text(script, "send to closed", client, "x");
        close_fd(script, client);
        close_fd(script, listener);
        note(script, "unlink", script->ops->unlink(script->system, script->path));
    }
}

static void wake_ups(struct script *script)
{
    uint64_t number = 3, big = UINT64_MAX - 1;
    int fd = script->ops->eventfd(script->system, 0, 04000 /* EFD_NONBLOCK */);
    note(script, "read", script->ops->read(script->system, fd, &number, sizeof number));
    note(script, "write", script->ops->write(script->system, fd, &number, sizeof number));
    note(script, "write", script->ops->write(script->system, fd, &number, sizeof number));
    note(script, "overflow", script->ops->write(script->system, fd, &big, sizeof big));
    note(script, "read", script->ops->read(script->system, fd, &number, sizeof number));
    note(script, "number", (long)number);
    note(script, "short", script->ops->read(script->system, fd, &number, 4));
    close_fd(script, fd);
    note(script, "no such file", sign(script->ops->open(script->system, "/no/such/file", 0, 0)));
    fd = script->ops->open(script->system, "/dev/null", 0, 0);
    note(script, "null", sign(fd));
    note(script, "null read", script->ops->read(script->system, fd, &number, 4));
    close_fd(script, fd);
    note(script, "bad number",
        script->ops->getsockopt(script->system, 999, SOL_SOCKET, SO_ERROR, &number, &(socklen_t) { sizeof number }));
}

static int bind_any(struct script *script, int domain, bool only_ipv6, int option, uint16_t port, int *result)
{
    const int on = 1, only = only_ipv6;
    const struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
    const struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    int fd = make(script, domain);
    if (option != 0) {
        ck_assert_int_eq(script->ops->setsockopt(script->system, fd, SOL_SOCKET, option, &on, sizeof on), 0);
    }
    if (domain == AF_INET6) {
        ck_assert_int_eq(script->ops->setsockopt(script->system, fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only), 0);
        *result = script->ops->bind(script->system, fd, (const struct sockaddr *)&in6, sizeof in6);
    } else {
        *result = script->ops->bind(script->system, fd, (const struct sockaddr *)&in, sizeof in);
    }
    return fd;
}

/* The second of two sockets on all addresses: bind, then listen, while the first listens or not. */
static void bind_second(struct script *script, int domains[2], bool only_ipv6, int option, bool first_listens)
{
    int result;
    int first = bind_any(script, domains[0], false, option, 0, &result);
    ck_assert_int_eq(result, 0);
    if (first_listens) {
        note(script, "listen", script->ops->listen(script->system, first, 5));
    }
    int second = bind_any(script, domains[1], only_ipv6, option, port_of_any(script, first), &result);
    note(script, "bind", result);
    if (result == 0) {
        note(script, "listen second", script->ops->listen(script->system, second, 5));
    }
    close_fd(script, second);
    close_fd(script, first);
}

static void shared_ports(struct script *script)
{
    static const int options[] = { 0, SO_REUSEADDR, SO_REUSEPORT };
    int same[2] = { AF_INET, AF_INET }, both[2] = { AF_INET, AF_INET6 };
    if (!has_ipv6(script)) {
        return;
    }
    for (size_t i = 0; i < 3; i++) {
        for (int first_listens = 0; first_listens < 2; first_listens++) {
            bind_second(script, same, false, options[i], first_listens);
            bind_second(script, both, false, options[i], first_listens);
            bind_second(script, both, true, options[i], first_listens);
        }
    }
}

/* An IPv4 client of an IPv6 listener on all addresses. */
static void dual_stack(struct script *script)
{
    struct sockaddr_in6 in6 = { .sin6_family = AF_UNSPEC };
    socklen_t size = sizeof in6;
    if (!has_ipv6(script)) {
        return;
    }
    int result, client = make(script, AF_INET);
    int listener = bind_any(script, AF_INET6, false, 0, 0, &result);
    ck_assert_int_eq(script->ops->listen(script->system, listener, 5), 0);
    note(script, "connect", connect_tcp(script, client, port_of_any(script, listener)));
    let_happen(script);
    int server = script->ops->accept4(script->system, listener, (struct sockaddr *)&in6, &size, SOCK_NONBLOCK);
    note(script, "accept", sign(server));
    note(script, "size", (long)size);
    note(script, "family", in6.sin6_family);
    note(script, "mapped", IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr));
    note(script, "last byte", in6.sin6_addr.s6_addr[15]);
    note(script, "same port", ntohs(in6.sin6_port) == port_of(script, client));
    close_fd(script, client);
    receive(script, "the end", server);
    close_fd(script, server);
    close_fd(script, listener);
}

static void options(struct script *script)
{
    static const int on = 1;
    static const int names[] = { SO_REUSEADDR, SO_REUSEPORT, SO_KEEPALIVE, SO_TYPE, SO_DOMAIN, SO_ACCEPTCONN,
        SO_ERROR };
    int listener = listen_tcp(script), client = make(script, AF_INET);
    script->ops->setsockopt(script->system, listener, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof on);
    script->ops->setsockopt(script->system, listener, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    note(script, "connect", connect_tcp(script, client, port_of(script, listener)));
    let_happen(script);
    int server = script->ops->accept4(script->system, listener, NULL, NULL, SOCK_NONBLOCK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (int which = 0; which < 2; which++) {
            int value = -1, fd = which ? listener : server;
            socklen_t size = sizeof value;
            note(script, "get", script->ops->getsockopt(script->system, fd, SOL_SOCKET, names[i], &value, &size));
            note(script, "value", value);
        }
    }
    int value = -1;
    socklen_t size = sizeof value;
    note(script, "nodelay", script->ops->getsockopt(script->system, server, IPPROTO_TCP, 1, &value, &size));
    note(script, "inherited", value);
    note(script, "unknown", script->ops->setsockopt(script->system, server, SOL_SOCKET, 9999, &on, sizeof on));
    note(script, "flags", script->ops->fcntl(script->system, server, 3 /* F_GETFL */, 0));
    close_fd(script, server);
    close_fd(script, client);
    close_fd(script, listener);
}

/* One brings bytes, one its end, one nothing. */
static void deferred(struct script *script)
{
    static const int seconds = 30;
    int listener = listen_tcp(script), clients[3];
    int result =
        script->ops->setsockopt(script->system, listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
    note(script, "defer", result);
    for (size_t i = 0; i < 3; i++) {
        clients[i] = make(script, AF_INET);
        note(script, "connect", connect_tcp(script, clients[i], port_of(script, listener)));
    }
    let_happen(script);
    note(script, "nothing", sign(script->ops->accept4(script->system, listener, NULL, NULL, SOCK_NONBLOCK)));
    note(script, "send", script->ops->send(script->system, clients[1], "hello", 5, MSG_NOSIGNAL));
    let_happen(script);
    int server = script->ops->accept4(script->system, listener, NULL, NULL, SOCK_NONBLOCK);
    note(script, "accept", sign(server));
    receive(script, "what it brought", server);
    close_fd(script, clients[2]);
    let_happen(script);
    int ended = script->ops->accept4(script->system, listener, NULL, NULL, SOCK_NONBLOCK);
    note(script, "accept", sign(ended));
    receive(script, "the end", ended);
    note(script, "still nothing", sign(script->ops->accept4(script->system, listener, NULL, NULL, SOCK_NONBLOCK)));
    close_fd(script, server);
    close_fd(script, ended);
    close_fd(script, clients[0]);
    close_fd(script, clients[1]);
    close_fd(script, listener);
}

COMPARED(a_refused_connection, refused)
COMPARED(a_half_closed_connection, half_closed)
COMPARED(an_empty_send_behind_the_end, asked_behind_the_end)
COMPARED(a_stream_received_as_messages, received_as_messages)
COMPARED(closing_with_input_unread, closed_with_input_unread)
COMPARED(a_reset_by_so_linger, reset_by_linger)
COMPARED(sending_to_a_closed_end, sent_to_a_closed_end)
COMPARED(closing_a_listener_with_connections_waiting, listener_closed)
COMPARED(calls_in_wrong_states, wrong_states)
COMPARED(names_of_unix_sockets, unix_names)
COMPARED(ends_of_unix_sockets, unix_ends)
COMPARED(eventfds_and_the_null_device, wake_ups)
COMPARED(ports_shared_by_two_sockets, shared_ports)
COMPARED(connections_that_are_told_of_when_they_bring_something, deferred)
COMPARED(an_ipv4_client_of_an_ipv6_listener, dual_stack)
COMPARED(options_and_what_is_inherited, options)

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_refused_connection);
    tcase_add_test(tests, a_half_closed_connection);
    tcase_add_test(tests, an_empty_send_behind_the_end);
    tcase_add_test(tests, a_stream_received_as_messages);
    tcase_add_test(tests, closing_with_input_unread);
    tcase_add_test(tests, a_reset_by_so_linger);
    tcase_add_test(tests, sending_to_a_closed_end);
    tcase_add_test(tests, closing_a_listener_with_connections_waiting);
    tcase_add_test(tests, calls_in_wrong_states);
    tcase_add_test(tests, names_of_unix_sockets);
    tcase_add_test(tests, ends_of_unix_sockets);
    tcase_add_test(tests, eventfds_and_the_null_device);
    tcase_add_test(tests, ports_shared_by_two_sockets);
    tcase_add_test(tests, connections_that_are_told_of_when_they_bring_something);
    tcase_add_test(tests, an_ipv4_client_of_an_ipv6_listener);
    tcase_add_test(tests, options_and_what_is_inherited);
}

BIGHT_TEST_MAIN("simulation_kernel", add_tests)
