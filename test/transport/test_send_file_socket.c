/* SPDX-License-Identifier: MIT */
/* test_send_file_socket.c - files over real sockets (T6): sendfile, what is in memory and what is not, files that
 * sendfile does not take, peers that stall or go, and each system call failing. */
#include "reactor/reactor.h"
#include "transport/socket.h"

#include "net_support.h"

#include <linux/tcp.h>
#include <signal.h>

#include <bight/sys/output.h>
#include <bight/testing.h>
#include <bight/testing/syscalls.h>

#include "file_support.h"

#define BIG ((size_t)3 << 20)
#define WINDOW ((size_t)512 << 10)

static struct net net;
static struct bight_port *port;
static int file = -1, far = -1;
static uint8_t *content;
static int released;

static void let_go(void *context)
{
    (void)context;
    released++;
}

static void make_content(size_t size)
{
    content = malloc(size);
    for (size_t i = 0; i < size; i++) {
        content[i] = (uint8_t)(i * 31 + (i >> 8));
    }
    file = make_file(content, size);
    released = 0;
}

static void begin(void)
{
    memset(&seen, 0, sizeof seen);
    probe_factory.ops = &plain_factory_ops;
    make_content(BIG);
    net_begin(&net);
    disk_insert(&net.fake.system);
    port = net_listen_on(&net, "tcp:0:interface=127.0.0.1");
    far = far_connect_to(port);
    NET_UNTIL(&net, seen.made == 1);
}

static void end(void)
{
    net_stop(port);
    bight_port_release(port);
    disk_work();
    net_end(&net);
    ck_assert_int_eq(seen.made, seen.lost);
    close(file);
    free(content);
    if (far >= 0) {
        close(far);
    }
}

static struct bight_transport *transport(void)
{
    return seen.last->transport;
}

static int send_part(uint64_t offset, uint64_t size)
{
    return bight_transport_send_file(transport(), file, offset, size, let_go, NULL);
}

/* Reads what comes; returns how much, and fails when it is not the file's. */
static size_t take(size_t at, size_t most)
{
    static uint8_t block[65536];
    ssize_t got = recv(far, block, most < sizeof block ? most : sizeof block, MSG_DONTWAIT);
    if (got > 0) {
        ck_assert_mem_eq(block, content + at, got);
    }
    return got > 0 ? (size_t)got : 0;
}

static void take_all(size_t from, size_t to)
{
    for (int idle = 0; from < to && idle < 20000; idle++) {
        net_turn(&net, 1);
        disk_work();
        size_t got = take(from, to - from);
        from += got;
        idle = got > 0 ? 0 : idle;
    }
    ck_assert_uint_eq(from, to);
}

START_TEST(a_large_file_goes_by_sendfile_in_windows)
{
    begin();
    disk.cold = _i == 0 ? 0 : -EAGAIN;
    ck_assert_int_eq(send_part(0, BIG), 0);
    take_all(0, BIG);
    NET_UNTIL(&net, released == 1);
    ck_assert_uint_ge(disk.sent, BIG / WINDOW);
    ck_assert_uint_le(disk.most_at_once, WINDOW);
    ck_assert_uint_eq(disk.read > 0, _i == 1);
    ck_assert_uint_eq(bight_transport_queued(transport()), 0);
    end();
}
END_TEST

START_TEST(a_turn_sends_no_more_than_two_windows)
{
    begin();
    int size = 16 << 20;
    setsockopt(bight_transport_descriptor(transport()), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    ck_assert_int_eq(send_part(0, BIG), 0);
    net_turn(&net, 1);
    for (int i = 0; i < 10; i++) {
        size_t before = bight_transport_queued(transport());
        net_turn(&net, 1);
        ck_assert_uint_le(before - bight_transport_queued(transport()), 2 * WINDOW);
    }
    take_all(0, BIG);
    end();
}
END_TEST

static int send_again(struct bight_file_pages *pages)
{
    disk.asked = 0;
    return bight_transport_send_file_again(transport(), file, 0, BIG, pages, let_go, NULL);
}

START_TEST(what_was_sent_a_moment_ago_is_hardly_asked_for)
{
    struct bight_file_pages pages = { 0 };
    begin();
    ck_assert_int_eq(send_again(&pages), 0);
    take_all(0, BIG);
    ck_assert_uint_ge(disk.asked, BIG / 16384);
    ck_assert_uint_eq(pages.to - pages.from, BIG);
    uint64_t now = bight_clock_now(bight_reactor_clock(net.reactor));
    pages.since = now; /* however slow the machine is */
    ck_assert_int_eq(send_again(&pages), 0);
    take_all(0, BIG);
    ck_assert_uint_le(disk.asked, BIG / WINDOW);
    pages.since = now - 2 * BIGHT_NANOSECONDS_PER_SECOND;
    ck_assert_int_eq(send_again(&pages), 0);
    take_all(0, BIG);
    ck_assert_uint_ge(disk.asked, BIG / 16384);
    end();
}
END_TEST

START_TEST(what_was_seen_a_moment_ago_and_has_gone_is_read_by_a_thread)
{
    begin();
    struct bight_file_pages pages = { .to = BIG, .since = bight_clock_now(bight_reactor_clock(net.reactor)) };
    disk.cold = -EAGAIN;
    ck_assert_int_eq(send_again(&pages), 0);
    take_all(0, BIG);
    ck_assert_uint_gt(disk.read, 0);
    NET_UNTIL(&net, released == 1);
    end();
}
END_TEST

START_TEST(each_stretch_is_asked_for_once)
{
    begin();
    disk.longest = 1000; /* the kernel takes little at a time */
    ck_assert_int_eq(send_part(0, 40960), 0);
    take_all(0, 40960);
    ck_assert_uint_eq(disk.asked, 3);
    end();
}
END_TEST

START_TEST(what_sendfile_does_not_take_is_read_and_sent)
{
    begin();
    disk.refused = _i == 0 ? -EINVAL : -ENOSYS;
    disk.cold = _i == 2 ? -EAGAIN : 0;
    ck_assert_int_eq(send_part(0, BIG), 0);
    take_all(0, BIG);
    NET_UNTIL(&net, released == 1);
    end();
}
END_TEST

START_TEST(a_table_without_sendfile_reads_and_one_without_reads_says_no)
{
    begin();
    net.fake.ops.sendfile = NULL;
    ck_assert_int_eq(send_part(0, 100000), 0);
    take_all(0, 100000);
    net.fake.ops.preadv2 = NULL;
    ck_assert_int_eq(send_part(0, 100000), BIGHT_E_NOT_SUPPORTED);
    end();
}
END_TEST

START_TEST(a_reader_that_stalls_has_the_rest_when_it_goes_on)
{
    begin();
    ck_assert_int_eq(send_part(0, BIG), 0);
    net_turn(&net, 50);
    unsigned before = disk.sent;
    net_turn(&net, 50);
    ck_assert_uint_eq(disk.sent, before); /* nothing is tried meanwhile */
    ck_assert_int_eq(bight_transport_lose_connection(transport()), 0);
    take_all(0, BIG);
    NET_UNTIL(&net, recv(far, content, 1, MSG_DONTWAIT) == 0);
    close(far);
    far = -1;
    NET_UNTIL(&net, seen.lost == 1);
    ck_assert_int_eq(seen.reason, BIGHT_E_CONNECTION_DONE);
    ck_assert_int_eq(released, 1);
    end();
}
END_TEST

START_TEST(a_file_that_has_shrunk_is_a_reset_for_the_peer)
{
    begin();
    ck_assert_int_eq(send_part(0, BIG), 0);
    ck_assert_int_eq(ftruncate(file, 1000), 0);
    NET_UNTIL(&net, seen.lost == 1);
    ck_assert_int_eq(seen.reason, BIGHT_E_INCOMPLETE);
    ck_assert_int_eq(released, 1);
    char bytes[2000];
    ssize_t got;
    while ((got = recv(far, bytes, sizeof bytes, 0)) > 0) {
    }
    ck_assert_int_eq(got, -1);
    ck_assert_int_eq(errno, ECONNRESET);
    end();
}
END_TEST

START_TEST(a_peer_that_has_gone_raises_no_signal)
{
    begin();
    signal(SIGPIPE, SIG_DFL);
    ck_assert_int_eq(send_part(0, BIG), 0);
    net_turn(&net, 5);
    struct linger now = { .l_onoff = 1 };
    setsockopt(far, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(far);
    far = -1;
    NET_UNTIL(&net, seen.lost == 1);
    ck_assert_int_eq(seen.reason, BIGHT_E_CONNECTION_LOST);
    ck_assert_int_eq(released, 1);
    end();
}
END_TEST

/* ------------------------------------------------------------------------------- what comes before */

static unsigned held_back; /* sends that told the kernel of more */

static ssize_t note_send(struct bight_system *system, int fd, const void *data, size_t size, int flags)
{
    held_back += (flags & MSG_MORE) != 0;
    return net_send(system, fd, data, size, flags);
}

static ssize_t note_sendmsg(struct bight_system *system, int fd, const struct msghdr *message, int flags)
{
    held_back += (flags & MSG_MORE) != 0;
    return net_sendmsg(system, fd, message, flags);
}

static void begin_noting(void)
{
    begin();
    held_back = 0;
    net.fake.ops.send = note_send;
    net.fake.ops.sendmsg = note_sendmsg;
}

static unsigned count_segments(void)
{
    struct tcp_info info = { 0 };
    socklen_t size = sizeof info;
    int fd = bight_transport_descriptor(transport());
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    ck_assert_uint_ge(size, offsetof(struct tcp_info, tcpi_data_segs_out) + sizeof info.tcpi_data_segs_out);
    return info.tcpi_data_segs_out;
}

static void write_head(void)
{
    ck_assert_int_eq(bight_transport_write(transport(), "head", 4), 0);
}

/* Nothing may have to be waited for. */
static void take_head(void)
{
    char bytes[4];
    NET_UNTIL(&net, recv(far, bytes, sizeof bytes, MSG_DONTWAIT) == 4);
    ck_assert_mem_eq(bytes, "head", 4);
}

START_TEST(a_head_and_the_file_behind_it_leave_in_one_segment) /* T6 */
{
    begin_noting();
    unsigned before = count_segments();
    write_head();
    ck_assert_int_eq(send_part(0, 1000), 0);
    take_head();
    take_all(0, 1000);
    ck_assert_uint_eq(held_back, 1);
    ck_assert_uint_eq(count_segments() - before, 1);
    end();
}
END_TEST

START_TEST(what_comes_behind_a_file_is_not_held_back) /* T6 */
{
    begin_noting();
    ck_assert_int_eq(send_part(0, 1000), 0);
    write_head();
    take_all(0, 1000);
    take_head();
    ck_assert_uint_eq(held_back, 0);
    end();
}
END_TEST

START_TEST(no_head_waits_for_a_file_that_does_not_follow_at_once) /* T6 */
{
    begin_noting();
    disk.cold = _i == 0 ? -EAGAIN : 0;
    write_head();
    ck_assert_int_eq(send_part(0, _i == 0 ? 1000 : 0), 0);
    take_head();
    ck_assert_uint_eq(held_back, 0);
    take_all(0, _i == 0 ? 1000 : 0);
    end();
}
END_TEST

/* ------------------------------------------------------------------------------- with real threads */

static ssize_t cold_preadv2(
    struct bight_system *system, int fd, const struct iovec *parts, int count, uint64_t offset, int flags)
{
    struct bight_system *real = bight_system_real();
    (void)system;
    return flags != 0 ? -EAGAIN : real->ops->preadv2(real, fd, parts, count, offset, flags);
}

static void use_threads(void)
{
    net.fake.ops.preadv2 = cold_preadv2;
    net.fake.ops.start_job = NULL;
}

START_TEST(real_threads_read_what_is_not_in_memory)
{
    begin();
    use_threads();
    net.fake.ops.sendfile = _i == 0 ? net.fake.ops.sendfile : NULL;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(send_part(0, BIG), 0);
        take_all(0, BIG);
    }
    NET_UNTIL(&net, released == 3);
    end();
}
END_TEST

START_TEST(an_abort_while_a_real_thread_reads_releases_once)
{
    begin();
    use_threads();
    net.fake.ops.sendfile = NULL;
    ck_assert_int_eq(send_part(0, BIG), 0);
    net_turn(&net, 1 + _i);
    ck_assert_int_eq(bight_transport_abort_connection(transport()), 0);
    NET_UNTIL(&net, seen.lost == 1 && released == 1);
    end();
}
END_TEST

/* -------------------------------------------------------------------------------- calls that fail */

static ssize_t some_is_cold(
    struct bight_system *system, int fd, const struct iovec *parts, int count, uint64_t offset, int flags)
{
    struct bight_system *real = bight_system_real();
    (void)system;
    return flags != 0 && offset % 131072 == 0 ? -EAGAIN : real->ops->preadv2(real, fd, parts, count, offset, 0);
}

/* True when the far end has the whole of it, or has been told that it has not. */
static bool send_one(void *context)
{
    static struct bight_faulty_system faulty;
    static uint8_t block[65536];
    size_t size = 150000, got = 0;
    memset(&seen, 0, sizeof seen);
    released = 0;
    net_begin(&net);
    net.fake.ops.preadv2 = some_is_cold;
    net.fake.ops.sendfile = context == NULL ? net.fake.ops.sendfile : NULL;
    bight_faulty_system_insert(&faulty, net.reactor);
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
        return false;
    }
    int code;
    struct bight_transport *made =
        bight_transport_new(net.reactor, &probe_factory, &bi_socket_bottom, NULL, ends[0], NULL, true, &code);
    if (made == NULL) {
        return false;
    }
    bight_transport_start(made);
    bool taken = seen.made == 1 && bight_transport_send_file(transport(), file, 0, size, let_go, NULL) == 0;
    taken = taken && bight_transport_lose_connection(transport()) == 0;
    bool is_over = false;
    for (int turns = 0; turns < 1000000 && taken && !is_over; turns++) {
        fake_advance(&net.fake, net.reactor, 1000000); /* what found no memory is tried again after a while */
        net_turn(&net, 1);
        sched_yield(); /* the pool's threads are real ones: a faulty table has no others */
        ssize_t part = recv(ends[1], block, sizeof block, 0);
        got += part > 0 ? (size_t)part : 0;
        is_over = part == 0 || (part < 0 && errno != EAGAIN);
    }
    close(ends[1]);
    net_turn(&net, 5);
    net_end(&net);
    return (is_over || !taken) && (bight_testing_system_fault_injected() || (got == size && released == 1));
}

START_TEST(each_system_call_that_fails_is_survived)
{
    static const char *const calls[] = { "preadv2", "sendfile", "preadv2", "send" };
    const struct bight_system_fault_options options = { .size = sizeof options, .only = calls[_i], .limit = 4 };
    make_content(150000);
    ck_assert_uint_eq(bight_testing_with_system_faults(send_one, _i < 2 ? NULL : &net, &options), 0);
    ck_assert_uint_gt(bight_testing_system_fault_runs(), 2);
    close(file);
    free(content);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_large_file_goes_by_sendfile_in_windows, 0, 2);
    tcase_add_test(tests, a_turn_sends_no_more_than_two_windows);
    tcase_add_test(tests, what_was_sent_a_moment_ago_is_hardly_asked_for);
    tcase_add_test(tests, what_was_seen_a_moment_ago_and_has_gone_is_read_by_a_thread);
    tcase_add_test(tests, each_stretch_is_asked_for_once);
    tcase_add_loop_test(tests, what_sendfile_does_not_take_is_read_and_sent, 0, 3);
    tcase_add_test(tests, a_table_without_sendfile_reads_and_one_without_reads_says_no);
    tcase_add_test(tests, a_reader_that_stalls_has_the_rest_when_it_goes_on);
    tcase_add_test(tests, a_file_that_has_shrunk_is_a_reset_for_the_peer);
    tcase_add_test(tests, a_peer_that_has_gone_raises_no_signal);
    tcase_add_test(tests, a_head_and_the_file_behind_it_leave_in_one_segment);
    tcase_add_test(tests, what_comes_behind_a_file_is_not_held_back);
    tcase_add_loop_test(tests, no_head_waits_for_a_file_that_does_not_follow_at_once, 0, 2);
    tcase_add_loop_test(tests, real_threads_read_what_is_not_in_memory, 0, 2);
    tcase_add_loop_test(tests, an_abort_while_a_real_thread_reads_releases_once, 0, 5);
    tcase_add_loop_test(tests, each_system_call_that_fails_is_survived, 0, 4);
}

BIGHT_TEST_MAIN("send_file_socket", add_tests)
