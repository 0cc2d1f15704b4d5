/* SPDX-License-Identifier: MIT */
/* test_adopt.c - connections that come from elsewhere (bight_adopt_connection). */
#include "net_support.h"

#include <bight/memory.h>
#include <bight/testing.h>

#include <netinet/tcp.h>

#include <bight/protocols/wire.h>

static struct net net;
static struct bight_protocol *adopted;

static void begin(void)
{
    net_begin(&net);
    memset(&seen, 0, sizeof seen);
    probe_factory.ops = &probe_factory_ops;
}

static int adopt(int fd)
{
    return bight_adopt_connection(net.reactor, fd, &probe_factory, NULL);
}

static void make_pair(int ends[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
}

/* A connection over TCP that nobody has made ready for bight. */
static void connect_tcp(int ends[2])
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    ends[1] = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(ends[1], (struct sockaddr *)&address, size), 0);
    ends[0] = accept(listener, NULL, NULL);
    ck_assert_int_ge(ends[0], 0);
    close(listener);
}

static void lives_and_ends(int ends[2])
{
    ck_assert_int_eq(bight_adopt_connection(net.reactor, ends[0], &probe_factory, &adopted), 0);
    ck_assert_int_eq(seen.made, 1);
    ck_assert_ptr_nonnull(adopted);
    ck_assert_int_ne(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_ne(fcntl(ends[0], F_GETFD) & FD_CLOEXEC, 0);
    bight_protocol_release(adopted);
    close(ends[1]);
    NET_UNTIL(&net, seen.lost == 1);
    ck_assert_int_eq(fcntl(ends[0], F_GETFD), -1); /* the connection has closed it */
    ck_assert_int_eq(seen.stopped, 1);
    net_end(&net);
}

START_TEST(one_end_of_a_pair_becomes_a_connection) /* T1 */
{
    int ends[2];
    begin();
    make_pair(ends);
    lives_and_ends(ends);
}
END_TEST

START_TEST(a_tcp_connection_is_made_ready_and_its_peer_known)
{
    int ends[2], on = 0;
    socklen_t size = sizeof on;
    begin();
    connect_tcp(ends);
    struct linger linger = { .l_onoff = 1, .l_linger = 60 };
    ck_assert_int_eq(setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    ck_assert_int_eq(adopt(ends[0]), 0);
    ck_assert_int_eq(seen.peer.family, BIGHT_ADDRESS_IPV4);
    ck_assert_int_eq(getsockopt(ends[0], IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
    ck_assert_int_ne(on, 0);
    size = sizeof linger;
    ck_assert_int_eq(getsockopt(ends[0], SOL_SOCKET, SO_LINGER, &linger, &size), 0);
    ck_assert_int_eq(linger.l_onoff, 0);
    close(ends[1]);
    NET_UNTIL(&net, seen.lost == 1);
    net_end(&net);
}
END_TEST

START_TEST(what_came_before_the_adoption_is_delivered) /* T2 */
{
    int ends[2];
    char back[8] = "";
    struct bight_factory echo_factory = BIGHT_FACTORY(struct bight_protocol, &bight_echo_ops);
    begin();
    make_pair(ends);
    ck_assert_int_eq(write(ends[1], "early", 5), 5);
    ck_assert_int_eq(bight_adopt_connection(net.reactor, ends[0], &echo_factory, NULL), 0);
    NET_UNTIL(&net, recv(ends[1], back, sizeof back, MSG_DONTWAIT) == 5);
    ck_assert_str_eq(back, "early");
    close(ends[1]);
    NET_UNTIL(&net, echo_factory.connections == 0);
    net_end(&net);
}
END_TEST

static void is_refused(int fd, int code)
{
    ck_assert_int_eq(adopt(fd), code);
    ck_assert_int_eq(seen.made, 0);
    ck_assert_int_eq(seen.started, seen.stopped);
    if (fd >= 0) {
        ck_assert_int_ge(fcntl(fd, F_GETFD), 0); /* it is still ours, and as it was */
        close(fd);
    }
}

START_TEST(what_is_no_stream_that_is_connected_is_refused_and_stays_its_owners) /* D33 */
{
    int ends[2];
    begin();
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    is_refused(-1, BIGHT_E_INVALID_ARGUMENT);
    is_refused(open("/dev/null", O_RDWR), BIGHT_E_INVALID_ARGUMENT);
    is_refused(socket(AF_INET, SOCK_DGRAM, 0), BIGHT_E_INVALID_ARGUMENT);
    is_refused(socket(AF_UNIX, SOCK_SEQPACKET, 0), BIGHT_E_INVALID_ARGUMENT);
    is_refused(socket(AF_INET, SOCK_STREAM, 0), BIGHT_E_CONNECTION_LOST);
    is_refused(socket(AF_UNIX, SOCK_STREAM, 0), BIGHT_E_CONNECTION_LOST);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    is_refused(listener, BIGHT_E_INVALID_ARGUMENT);
    seen.refuse = true;
    make_pair(ends);
    ck_assert_int_eq(adopt(ends[0]), BIGHT_E_NO_PROTOCOL);
    ck_assert_int_ge(fcntl(ends[0], F_GETFD), 0);
    ck_assert_int_eq(bight_adopt_connection(net.reactor, ends[0], NULL, NULL), BIGHT_E_INVALID_ARGUMENT);
    close(ends[0]);
    close(ends[1]);
    net_end(&net);
}
END_TEST

static unsigned released;

static void release(struct bight_factory *factory)
{
    released++;
    bight_free(factory);
}

static struct bight_factory *heap_factory(void)
{
    static const struct bight_factory_ops ops = { .release = release };
    struct bight_factory *factory = bight_malloc(sizeof *factory);
    if (factory != NULL) {
        *factory = (struct bight_factory)BIGHT_FACTORY(struct bight_protocol, &bight_echo_ops);
        factory->ops = &ops;
    }
    return factory;
}

START_TEST(a_factory_from_the_heap_is_taken_in_any_case) /* T16 */
{
    int ends[2];
    begin();
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    ck_assert_int_eq(bight_adopt_connection(net.reactor, -1, heap_factory(), NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(released, 1);
    make_pair(ends);
    ck_assert_int_eq(bight_adopt_connection(net.reactor, ends[0], heap_factory(), NULL), 0);
    ck_assert_uint_eq(released, 1);
    close(ends[1]);
    NET_UNTIL(&net, released == 2);
    net_end(&net);
}
END_TEST

static bool adopt_with_little_memory(void *context)
{
    int ends[2];
    (void)context;
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_factory *factory = reactor == NULL ? NULL : heap_factory();
    if (factory != NULL) {
        make_pair(ends);
        int code = bight_adopt_connection(reactor, ends[0], factory, NULL);
        if (code != 0) {
            close(ends[0]);
        }
        close(ends[1]);
        ck_assert(code == 0 || code == BIGHT_E_OUT_OF_MEMORY);
    }
    bight_reactor_free(reactor);
    return true;
}

START_TEST(adopting_survives_every_failed_allocation) /* D34 */
{
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    ck_assert_uint_eq(bight_testing_with_faults(adopt_with_little_memory, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, one_end_of_a_pair_becomes_a_connection);
    tcase_add_test(tests, a_tcp_connection_is_made_ready_and_its_peer_known);
    tcase_add_test(tests, what_came_before_the_adoption_is_delivered);
    tcase_add_test(tests, what_is_no_stream_that_is_connected_is_refused_and_stays_its_owners);
    tcase_add_test(tests, a_factory_from_the_heap_is_taken_in_any_case);
    tcase_add_test(tests, adopting_survives_every_failed_allocation);
}

BIGHT_TEST_MAIN("adopt", add_tests)
