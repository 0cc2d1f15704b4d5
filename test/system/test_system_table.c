/* SPDX-License-Identifier: MIT */
/* The table of system calls itself, without a reactor: the kernel's body called entry by entry, and the same with the
 * n-th call of each kind failing or cut short. What bight does about failures is in test_system_faults.c. */
#include "support.h"

#include <bight/sys/spawn.h>
#include <bight/sys/system.h>
#include <bight/testing.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct bight_faulty_system faulty;
static struct bight_system *table = &faulty.system;
static const struct bight_system_ops *calls;

static void begin(void)
{
    bight_faulty_system_init(&faulty, NULL);
    calls = table->ops;
}

/* As it should be, or failed on purpose. */
static bool went(long result, long expected)
{
    return result == expected || (result < 0 && bight_testing_system_fault_injected());
}

static void close_good(int fd)
{
    if (fd >= 0) {
        (void)calls->close(table, fd);
    }
}

/* Two descriptors of one file: one has the lock. */
static bool use_lock(void)
{
    char path[] = "/tmp/bight-table-XXXXXX";
    int made = mkstemp(path);
    int first = calls->open(table, path, O_RDWR, 0), second = calls->open(table, path, O_RDWR | O_CREAT, 0600);
    bool good = (first >= 0 && second >= 0) || bight_testing_system_fault_injected();
    if (first >= 0 && second >= 0) {
        int locked = calls->flock(table, first, LOCK_EX | LOCK_NB);
        good &= went(locked, 0);
        good &= went(calls->flock(table, second, LOCK_EX | LOCK_NB), locked == 0 ? -EWOULDBLOCK : 0);
    }
    close_good(first);
    close_good(second);
    close(made);
    unlink(path);
    return good;
}

static bool use_stacks(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *memory = NULL;
    int result = calls->map_stack(table, 4 * page, page, &memory);
    bool good = went(result, 0);
    if (result == 0) {
        uint8_t *usable = (uint8_t *)memory + page;
        good &= usable[0] == 0 && usable[3 * page - 1] == 0;
        usable[0] = 1;
        good &= went(calls->unmap_stack(table, memory, 4 * page), 0);
    }
    return good;
}

/* One that ends by itself, one that is ended. */
static bool use_children(void)
{
    static const char *const paths[] = { "/no/such/program", "/bin/sleep", NULL };
    static const char *const argv[] = { "sleep", "1000", NULL };
    const struct bight_spawn_plan missing = { .paths = &paths[2], .argv = argv, .terminal = -1 };
    const struct bight_spawn_plan plan = { .paths = paths, .argv = argv, .environment = &argv[2], .terminal = -1 };
    struct bight_spawned spawned;
    int status = 0, ends[2];
    bool good = calls->spawn(table, &missing, &spawned) < 0;
    int result = calls->spawn(table, &plan, &spawned);
    good &= went(result, 0);
    if (result == 0) {
        if (calls->signal_child(table, spawned.pid, spawned.pidfd, SIGKILL, false) != 0) {
            good &= bight_testing_system_fault_injected();
            kill(spawned.pid, SIGKILL);
        }
        do {
            result = calls->wait_child(table, spawned.pid, spawned.pidfd, BIGHT_WAIT_BLOCK, &status);
        } while (result == -EINTR || result == 0);
        good &= went(result, 1) && (result != 1 || WTERMSIG(status) == SIGKILL);
        close_good(spawned.pidfd);
    }
    result = calls->open_terminal(table, ends);
    good &= went(result, 0);
    if (result == 0) {
        good &= went(calls->set_window(table, ends[0], 3, 4), 0);
        close_good(ends[0]);
        close_good(ends[1]);
    }
    return good;
}

static bool use_files(void *context)
{
    mode_t type = 0;
    uint64_t identity[2], number = 7;
    uint8_t random[16];
    int ends[2] = { -1, -1 };
    bool good = true;
    (void)context;
    begin();
    good &= use_stacks();
    good &= went(calls->lstat(table, "/", &type), 0);
    good &= type == 0 || S_ISDIR(type);
    good &= went(calls->identity(table, "/", identity), 0);
    good &= went(calls->identity(table, "/no/such/file", identity), -ENOENT);
    good &= went(calls->lstat(table, "/no/such/file", &type), -ENOENT);
    good &= went(calls->unlink(table, "/no/such/file"), -ENOENT);
    good &= went(calls->chmod(table, "/no/such/file", 0600), -ENOENT);
    good &= went(calls->random(table, random, sizeof random), 0);
    good &= calls->wall_time(table) > UINT64_C(1500000000000000000);
    good &= calls->now(table) <= calls->now(table);
    int piped = calls->pipe2(table, ends, O_NONBLOCK | O_CLOEXEC);
    good &= went(piped, 0);
    if (piped == 0) {
        struct iovec parts[] = { { &number, 4 }, { (uint8_t *)&number + 4, 4 } };
        ssize_t written = calls->writev(table, ends[1], parts, 2);
        good &= went(written, 8) || written == 4;
        good &= went(calls->fcntl(table, ends[0], F_GETFD, 0), FD_CLOEXEC);
    }
    int event = calls->eventfd(table, 0, EFD_NONBLOCK | EFD_CLOEXEC);
    good &= event >= 0 || bight_testing_system_fault_injected();
    if (event >= 0) {
        good &= went(calls->write(table, event, &number, sizeof number), sizeof number);
        (void)calls->read(table, event, &number, sizeof number);
        good &= number == 7;
    }
    good &= use_lock();
    good &= use_children();
    close_good(ends[0]);
    close_good(ends[1]);
    close_good(event);
    return good;
}

static int listen_somewhere(struct sockaddr_in *in)
{
    socklen_t size = sizeof *in;
    int fd = calls->socket(table, AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    *in = (struct sockaddr_in) { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    if (fd >= 0 &&
        (calls->bind(table, fd, (struct sockaddr *)in, sizeof *in) != 0 || calls->listen(table, fd, 5) != 0 ||
            calls->getsockname(table, fd, (struct sockaddr *)in, &size) != 0)) {
        close_good(fd);
        return -1;
    }
    return fd;
}

/* Both ends are there: all that is sent arrives, in as many pieces as it likes. */
static bool converse(int client, int server)
{
    char text[] = "hello", other[] = " there", buffer[32];
    struct iovec parts[] = { { text, 5 }, { other, 6 } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
    struct sockaddr_in peer;
    socklen_t size = sizeof peer;
    ssize_t sent = calls->sendmsg(table, client, &message, MSG_NOSIGNAL), received = 0;
    bool good = went(sent, 11) || (sent > 0 && sent < 11);
    parts[0] = (struct iovec) { buffer, 20 };
    parts[1] = (struct iovec) { buffer + 20, 10 };
    if (sent > 0) {
        received = calls->recvmsg(table, server, &message, 0);
        good &= went(received, sent) || received == 1;
    }
    good &= received <= 0 || memcmp(buffer, "hello there", (size_t)received) == 0;
    good &= went(calls->getpeername(table, client, (struct sockaddr *)&peer, &size), 0);
    good &= went(calls->shutdown(table, client, SHUT_WR), 0);
    return good;
}

static bool use_streams(void *context)
{
    struct sockaddr_in in;
    (void)context;
    begin();
    int listener = listen_somewhere(&in), server = -1;
    int client = calls->socket(table, AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool good = (listener >= 0 && client >= 0) || bight_testing_system_fault_injected();
    if (listener >= 0 && client >= 0) {
        int result = calls->connect(table, client, (struct sockaddr *)&in, sizeof in);
        good &= went(result, -EINPROGRESS) || result == 0;
        server = calls->accept4(table, listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    if (server >= 0) {
        good &= converse(client, server);
    }
    close_good(server);
    close_good(client);
    close_good(listener);
    return good;
}

START_TEST(calls_on_files_fail_one_by_one_and_only_those)
{
    ck_assert_uint_eq(bight_testing_with_system_faults(use_files, NULL, NULL), 0);
    ck_assert_uint_gt(bight_testing_system_fault_runs(), 20);
}
END_TEST

START_TEST(calls_on_streams_fail_one_by_one_and_only_those)
{
    ck_assert_uint_eq(bight_testing_with_system_faults(use_streams, NULL, NULL), 0);
    ck_assert_uint_gt(bight_testing_system_fault_runs(), 20);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, calls_on_files_fail_one_by_one_and_only_those);
    tcase_add_test(tests, calls_on_streams_fail_one_by_one_and_only_those);
}

BIGHT_TEST_MAIN("system_table", add_tests)
