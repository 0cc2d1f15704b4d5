/* SPDX-License-Identifier: MIT */
/* The recording reactor's system calls called by hand: what they answer to descriptors that are no sockets, to
 * malformed addresses, before and after a stream exists. How production code uses them is in test_recorder.c. */
#include "support.h"

#include <bight/bight.h>
#include <bight/testing.h>
#include <bight/testing/recorder.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>

#include "reactor/reactor.h"
#include "testing/kit/testing.h"

static struct bight_recorder *recorder;
static struct bight_system *table;
static const struct bight_system_ops *calls;
static struct sockaddr_in address = { .sin_family = AF_INET };
static const int nothing = 0x7ffffff0; /* a descriptor of the recorder's kind that is none */

static void begin(void)
{
    recorder = bight_recorder_new();
    ck_assert_ptr_nonnull(recorder);
    table = bight_recorder_reactor(recorder)->system;
    calls = table->ops;
    bight_log_set_level(BIGHT_LOG_CRITICAL);
}

static int make(int domain)
{
    int fd = calls->socket(table, domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static int bind_to(int fd, const void *to, socklen_t size)
{
    return calls->bind(table, fd, (const struct sockaddr *)to, size);
}

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    int result = calls->getsockopt(table, fd, level, name, &value, &size);
    return result < 0 ? result : value;
}

START_TEST(what_is_no_socket_is_told_so)
{
    char byte = 0;
    struct sockaddr_storage name;
    socklen_t size = sizeof name;
    const struct linger now = { .l_onoff = 1 };
    begin();
    ck_assert_int_lt(bind_to(nothing, &address, sizeof address), 0);
    ck_assert_int_eq(calls->listen(table, nothing, 5), -EBADF);
    ck_assert_int_lt(calls->connect(table, nothing, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(calls->accept4(table, nothing, NULL, NULL, 0), -EBADF);
    ck_assert_int_eq(calls->getsockname(table, nothing, (struct sockaddr *)&name, &size), -EBADF);
    ck_assert_int_eq(calls->getpeername(table, nothing, (struct sockaddr *)&name, &size), -EBADF);
    ck_assert_int_eq(option_of(nothing, SOL_SOCKET, SO_ERROR), -EBADF);
    ck_assert_int_eq(calls->setsockopt(table, nothing, SOL_SOCKET, SO_LINGER, &now, sizeof now), -EBADF);
    ck_assert_int_eq(calls->recv(table, nothing, &byte, 1, 0), -ENOTCONN);
    ck_assert_int_eq(calls->send(table, nothing, &byte, 1, MSG_NOSIGNAL), -ENOTCONN);
    ck_assert_int_eq(calls->shutdown(table, nothing, SHUT_WR), -ENOTCONN);
    ck_assert_int_eq(calls->fcntl(table, nothing, F_GETFL, 0), -EBADF); /* the kernel's answer */
    ck_assert_int_eq(calls->close(table, nothing), -EBADF);
    bight_recorder_free(recorder);
}
END_TEST

START_TEST(malformed_addresses_are_refused)
{
    begin();
    int fd = make(AF_INET);
    ck_assert_int_eq(bind_to(fd, &address, 1), -EINVAL);
    ck_assert_int_eq(calls->connect(table, fd, (struct sockaddr *)&address, 1), -EINVAL);
    ck_assert_uint_eq(bight_recorder_attempts(recorder), 0);
    ck_assert_int_eq(calls->close(table, fd), 0);
    bight_recorder_free(recorder);
}
END_TEST

START_TEST(options_tell_what_a_socket_is)
{
    const struct linger now = { .l_onoff = 1 }, patient = { .l_onoff = 1, .l_linger = 1 }, off = { 0 };
    char small[2];
    socklen_t size = sizeof small;
    begin();
    int fd = make(AF_INET6);
    ck_assert_int_eq(option_of(fd, SOL_SOCKET, SO_DOMAIN), AF_INET6);
    ck_assert_int_eq(option_of(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
    ck_assert_int_eq(option_of(fd, SOL_SOCKET, SO_ERROR), 0);
    ck_assert_int_eq(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 0);
    ck_assert_int_eq(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
    ck_assert_int_eq(calls->getsockopt(table, fd, SOL_SOCKET, SO_ERROR, small, &size), -EINVAL);
    ck_assert_int_eq(calls->listen(table, fd, 5), 0);
    ck_assert_int_eq(option_of(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
    const struct linger *lingers[] = { &now, &patient, &off };
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(calls->setsockopt(table, fd, SOL_SOCKET, SO_LINGER, lingers[i], sizeof now), 0);
    }
    ck_assert_int_eq(calls->setsockopt(table, fd, IPPROTO_TCP, TCP_NODELAY, &(int) { 1 }, sizeof(int)), 0);
    ck_assert_int_eq(calls->setsockopt(table, fd, SOL_SOCKET, SO_KEEPALIVE, &(int) { 1 }, sizeof(int)), 0);
    ck_assert_int_eq(calls->fcntl(table, fd, F_GETFL, 0), O_NONBLOCK);
    ck_assert_int_eq(calls->fcntl(table, fd, F_SETFL, 0), 0);
    ck_assert_int_eq(calls->close(table, fd), 0);
    bight_recorder_free(recorder);
}
END_TEST

START_TEST(a_port_that_nobody_called_has_nothing_to_accept)
{
    struct sockaddr_un name = { .sun_family = AF_INET };
    socklen_t size = sizeof name, small = 1;
    begin();
    int fd = make(AF_UNIX);
    ck_assert_int_eq(calls->listen(table, fd, 5), 0);
    ck_assert_int_eq(calls->accept4(table, fd, NULL, NULL, 0), -EAGAIN);
    ck_assert_int_eq(calls->getsockname(table, fd, (struct sockaddr *)&name, &size), 0);
    ck_assert_uint_eq(size, sizeof(sa_family_t)); /* nameless */
    ck_assert_int_eq(name.sun_family, AF_UNIX);
    ck_assert_int_eq(calls->getpeername(table, fd, (struct sockaddr *)&name, &small), 0);
    ck_assert_uint_eq(small, sizeof(sa_family_t));
    ck_assert_int_eq(calls->shutdown(table, fd, SHUT_WR), -ENOTCONN);
    ck_assert_int_eq(calls->unlink(table, "/no/such/file"), 0); /* files are not made either */
    ck_assert_int_eq(calls->chmod(table, "/no/such/file", 0600), 0);
    ck_assert_int_eq(calls->close(table, fd), 0);
    bight_recorder_free(recorder);
}
END_TEST

START_TEST(a_call_by_hand_is_accepted_with_its_address)
{
    struct sockaddr_in from = { .sin_family = AF_UNSPEC };
    socklen_t size = sizeof from;
    char buffer[8];
    begin();
    int fd = make(AF_INET);
    address.sin_port = htons(80);
    ck_assert_int_eq(bind_to(fd, &address, sizeof address), 0);
    ck_assert_int_eq(calls->listen(table, fd, 5), 0);
    struct bight_string_peer *peer = bight_recorder_accept(recorder, 0, NULL);
    ck_assert_ptr_nonnull(peer);
    int server = calls->accept4(table, fd, (struct sockaddr *)&from, &size, 0);
    ck_assert_int_ge(server, 0);
    ck_assert_uint_eq(ntohl(from.sin_addr.s_addr), 0xc0000201); /* 192.0.2.1 */
    ck_assert_int_eq(calls->recv(table, server, buffer, sizeof buffer, 0), -EAGAIN);
    ck_assert_int_eq(calls->send(table, server, "abc", 3, MSG_NOSIGNAL), 3);
    ck_assert_str_eq(bight_string_written_text(peer), "abc");
    ck_assert_int_eq(calls->shutdown(table, server, SHUT_RD), 0);
    ck_assert_int_eq(calls->send(table, server, "d", 1, MSG_NOSIGNAL), 1);
    ck_assert_int_eq(calls->shutdown(table, server, SHUT_WR), 0);
    ck_assert_int_eq(calls->send(table, server, "e", 1, MSG_NOSIGNAL), -EPIPE);
    ck_assert_int_eq(calls->close(table, server), 0);
    ck_assert(bight_string_is_closed(peer));
    ck_assert_int_eq(calls->close(table, fd), 0);
    bight_string_peer_free(peer);
    bight_recorder_free(recorder);
}
END_TEST

START_TEST(calls_that_nobody_accepted_are_reset_with_their_port)
{
    begin();
    int fd = make(AF_INET);
    ck_assert_int_eq(bind_to(fd, &address, sizeof address), 0);
    ck_assert_int_eq(calls->listen(table, fd, 5), 0);
    struct bight_string_peer *one = bight_recorder_accept(recorder, 0, NULL);
    struct bight_string_peer *two = bight_recorder_accept(recorder, 0, NULL);
    ck_assert_int_eq(calls->close(table, fd), 0);
    ck_assert(bight_string_is_closed(one));
    ck_assert(bight_string_is_closed(two));
    ck_assert_uint_eq(bight_recorder_ports(recorder), 0);
    bight_string_peer_free(one);
    bight_string_peer_free(two);
    bight_recorder_free(recorder);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, what_is_no_socket_is_told_so);
    tcase_add_test(tests, malformed_addresses_are_refused);
    tcase_add_test(tests, options_tell_what_a_socket_is);
    tcase_add_test(tests, a_port_that_nobody_called_has_nothing_to_accept);
    tcase_add_test(tests, a_call_by_hand_is_accepted_with_its_address);
    tcase_add_test(tests, calls_that_nobody_accepted_are_reset_with_their_port);
}

BIGHT_TEST_MAIN("recorder_calls", add_tests)
