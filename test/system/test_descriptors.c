/* SPDX-License-Identifier: MIT */
/* test_descriptors.c - the numbers of descriptors: in a process that has closed 0, 1 or 2, nothing of bight's gets one
 * of these, where what is meant for a terminal or a log would be written into it. */
#include "net_support.h"

#include <sys/wait.h>

#include <bight/file_lock.h>
#include <bight/process.h>
#include <bight/thread.h>

static int saved[3];

static void close_standard(void)
{
    for (int fd = 0; fd < 3; fd++) {
        saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 100);
        close(fd);
    }
}

static void restore_standard(void)
{
    for (int fd = 0; fd < 3; fd++) {
        dup2(saved[fd], fd);
        close(saved[fd]);
    }
}

static bool are_closed(void)
{
    return fcntl(0, F_GETFD) < 0 && fcntl(1, F_GETFD) < 0 && fcntl(2, F_GETFD) < 0;
}

static struct net net;

/* Each returns true when it worked; what it opens stays open until the reactor goes. */
static bool use_reactor(void)
{
    return true;
}

static bool use_signals(void)
{
    return bight_on_signal(net.reactor, SIGUSR1, (bight_signal_function)abort, NULL) == 0;
}

static bool use_sockets(void)
{
    struct outcome outcome;
    char endpoint[64];
    struct bight_port *port = net_listen_on(&net, "tcp:0:interface=127.0.0.1");
    snprintf(endpoint, sizeof endpoint, "tcp:127.0.0.1:%u", net_port_number(port));
    watch_outcome(bight_connect(net.reactor, endpoint, &probe_factory), &outcome);
    for (int i = 0; i < 10000 && (outcome.fired == 0 || seen.made < 2); i++) {
        bi_reactor_turn(net.reactor, false);
    }
    bool good = outcome.fired == 1 && outcome.code == 0 && seen.made == 2;
    forget_outcome(&outcome);
    bight_port_release(port);
    return good;
}

static bool use_file_lock(void)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/bight-descriptors-%d", (int)getpid());
    struct bight_file_lock *lock = bight_file_lock_new(net.reactor, path);
    bool good = bight_file_lock_try_acquire(lock) == 0 && are_closed();
    bight_file_lock_free(lock);
    unlink(path);
    return good;
}

static bool fork_child(void)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        bool good = bight_reactor_after_fork(net.reactor) == 0 && are_closed();
        bi_reactor_turn(net.reactor, false);
        _exit(good ? 0 : 1);
    }
    return waitpid(child, &status, 0) == child && status == 0;
}

static bool spawn_program(void)
{
    static const struct bight_process_protocol_ops ops = { NULL };
    static struct bight_process_protocol protocol = BIGHT_PROCESS_PROTOCOL(&ops);
    const char *const argv[] = { "/bin/sh", "-c", "exit 0", NULL };
    struct bight_process_options options = { .size = sizeof options, .argv = argv };
    int code = bight_spawn_process(net.reactor, &protocol, &options, NULL);
    return code == 0 || code == BIGHT_E_NOT_SUPPORTED;
}

static bool (*const uses[])(void) = { use_reactor, use_signals, use_sockets, use_file_lock, fork_child, spawn_program };
enum { USES = sizeof uses / sizeof uses[0] };

START_TEST(nothing_gets_the_number_of_a_closed_standard_descriptor)
{
    memset(&seen, 0, sizeof seen);
    close_standard();
    net_begin(&net);
    bool is_good = uses[_i]();
    bool is_clear = are_closed();
    net_end(&net);
    restore_standard();
    ck_assert(is_good);
    ck_assert(is_clear);
}
END_TEST

static void log_something(struct bight_protocol *protocol)
{
    (void)protocol;
    bight_log_set_observer(NULL, NULL);
    bight_log(BIGHT_LOG_ERROR, "server", NULL, "a secret");
}

START_TEST(the_log_of_a_process_that_closed_standard_error_reaches_no_client)
{
    char byte;
    memset(&seen, 0, sizeof seen);
    net_begin(&net);
    struct bight_port *port = net_listen_on(&net, "tcp:0:interface=127.0.0.1");
    int far = far_connect_to(port);
    seen.on_made = log_something;
    int standard_error = fcntl(2, F_DUPFD_CLOEXEC, 100);
    close(2); /* in the middle of a run */
    for (int i = 0; i < 10000 && seen.made == 0; i++) {
        bi_reactor_turn(net.reactor, false);
    }
    dup2(standard_error, 2);
    ck_assert_int_eq(seen.made, 1);
    ck_assert_int_eq(recv(far, &byte, 1, MSG_DONTWAIT), -1);
    close(far);
    bight_port_release(port);
    net_end(&net);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, nothing_gets_the_number_of_a_closed_standard_descriptor, 0, USES);
    tcase_add_test(tests, the_log_of_a_process_that_closed_standard_error_reaches_no_client);
}

BIGHT_TEST_MAIN("descriptors", add_tests)
