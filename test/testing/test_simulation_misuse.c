/* SPDX-License-Identifier: MIT */
/* What a simulation says to uses that no sound program makes, and what it does with small files: eventfds, timerfds,
 * the null device. Descriptors used wrongly end the process at once; the rest gets an error code. */
#include "kernel_script.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>

static struct world *world;
static struct bight_system *table;
static const struct bight_system_ops *calls;

static void begin(void)
{
    world = world_new(1);
    table = system_of(world->client);
    calls = table->ops;
}

static int make(int domain)
{
    int fd = calls->socket(table, domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static void never_called(int fd, short what, void *context)
{
    (void)fd;
    (void)what;
    (void)context;
}

START_TEST(a_closed_descriptor_ends_the_process)
{
    begin();
    int fd = make(AF_INET);
    ck_assert_int_eq(calls->close(table, fd), 0);
    (void)calls->close(table, fd);
}
END_TEST

START_TEST(a_number_that_is_no_descriptor_ends_the_process)
{
    begin();
    (void)calls->listen(table, -1, 5);
}
END_TEST

START_TEST(receiving_from_an_eventfd_ends_the_process)
{
    char byte;
    begin();
    (void)calls->recv(table, calls->eventfd(table, 0, EFD_NONBLOCK), &byte, 1, 0);
}
END_TEST

START_TEST(another_hosts_descriptor_ends_the_process)
{
    begin();
    struct bight_system *other = system_of(world->server);
    (void)other->ops->close(other, make(AF_INET));
}
END_TEST

START_TEST(closing_what_is_watched_ends_the_process)
{
    begin();
    int fd = make(AF_INET);
    struct bight_foreign_watch watch;
    ck_assert_int_eq(bight_watch_descriptor(world->client, fd, BIGHT_READABLE, never_called, NULL, NULL, &watch), 0);
    (void)calls->close(table, fd);
}
END_TEST

/* ------------------------------------------------------------------------------------------- small files */

static void small_files(struct script *script)
{
    uint64_t number = 1;
    int event = script->ops->eventfd(script->system, 0, EFD_NONBLOCK);
    int null = script->ops->open(script->system, "/dev/null", O_RDWR, 0);
    note(script, "short write", script->ops->write(script->system, event, &number, 4));
    note(script, "into nothing", script->ops->write(script->system, null, &number, 5));
    note(script, "not a timer", script->ops->timerfd_set(script->system, event, 5));
    int timer = script->ops->timerfd_create(script->system);
    note(script, "disarm", script->ops->timerfd_set(script->system, timer, 0));
    note(script, "early", script->ops->read(script->system, timer, &number, sizeof number));
    note(script, "short read", script->ops->read(script->system, timer, &number, 4));
    note(script, "write", script->ops->write(script->system, timer, &number, sizeof number));
    close_fd(script, event);
    close_fd(script, null);
    close_fd(script, timer);
}
COMPARED(small_files_answer_as_the_kernels_do, small_files)

static void flags_and_kinds(struct script *script)
{
    int fd = script->ops->socket(script->system, AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    note(script, "close-on-exec", script->ops->fcntl(script->system, fd, F_GETFD, 0));
    note(script, "set", script->ops->fcntl(script->system, fd, F_SETFD, FD_CLOEXEC));
    note(script, "set non-blocking", script->ops->fcntl(script->system, fd, F_SETFL, O_RDWR | O_NONBLOCK));
    note(script, "flags", script->ops->fcntl(script->system, fd, F_GETFL, 0));
    note(script, "unknown", script->ops->fcntl(script->system, fd, 9999, 0));
    note(script, "no such family", sign(script->ops->socket(script->system, 9999, SOCK_STREAM, 0)));
    note(script, "chmod of nothing", script->ops->chmod(script->system, "/no/such/file", 0600));
    note(script, "identity of nothing", script->ops->identity(script->system, "/no/such/file", (uint64_t[2]) { 0 }));
    close_fd(script, fd);
}
COMPARED(flags_and_kinds_answer_as_the_kernels_do, flags_and_kinds)

static void written_in_parts(struct script *script)
{
    struct iovec parts[] = { { (void *)(uintptr_t) "ab", 2 }, { (void *)(uintptr_t) "cde", 3 } };
    struct sockaddr_in in = loopback(0);
    int listener = script->ops->socket(script->system, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int client = script->ops->socket(script->system, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    note(script, "bind", script->ops->bind(script->system, listener, (struct sockaddr *)&in, sizeof in));
    note(script, "listen", script->ops->listen(script->system, listener, 5));
    in.sin_port = htons(port_of(script, listener));
    note(script, "connect", script->ops->connect(script->system, client, (struct sockaddr *)&in, sizeof in));
    let_happen(script);
    int server = script->ops->accept4(script->system, listener, NULL, NULL, SOCK_NONBLOCK);
    note(script, "writev", script->ops->writev(script->system, client, parts, 2));
    receive(script, "all", server);
    close_fd(script, client);
    close_fd(script, server);
    close_fd(script, listener);
}
COMPARED(parts_are_written_as_one, written_in_parts)

/* ---------------------------------------------------------------------------------------- the simulation */

START_TEST(a_name_of_a_host_is_taken_once)
{
    begin();
    ck_assert_ptr_null(bight_simulation_host(world->simulation, "server"));
    ck_assert_int_eq(bight_host_address(world->server_host, false)->at.ipv4[0], 10);
    ck_assert_int_eq(bight_host_address(world->server_host, true)->at.ipv6[0], 0xfd);
    world_free(world);
}
END_TEST

static int resolve(const char *endpoint)
{
    world->last_failure = 0;
    world_connect(world, endpoint);
    bight_simulation_run(world->simulation, 60);
    return world->last_failure;
}

START_TEST(a_forgotten_name_is_not_found_any_more) /* E5 */
{
    begin();
    world_listen(world, "tcp:8000");
    ck_assert_int_eq(bight_simulation_name(world->simulation, "alias", world->server_host), 0);
    ck_assert_int_eq(resolve("tcp:alias:8000"), 0);
    ck_assert_int_eq(bight_simulation_name(world->simulation, "alias", NULL), 0);
    ck_assert_int_eq(resolve("tcp:alias:8000"), BIGHT_E_NAME_NOT_FOUND);
    ck_assert_int_eq(resolve("tcp:server:8000"), 0); /* others stay */
    world_free(world);
}
END_TEST

START_TEST(a_simulation_outlives_its_reactors_only)
{
    bight_simulation_free(NULL);
    begin();
    bight_simulation_free(world->simulation); /* refused */
    world_listen(world, "tcp:8000");
    ck_assert_int_eq(resolve("tcp:server:8000"), 0);
    ck_assert_uint_eq(world->made, 1);
    world_free(world);
}
END_TEST

START_TEST(time_does_not_run_backwards)
{
    begin();
    double before = bight_simulation_now(world->simulation);
    bight_simulation_run(world->simulation, -1);
    ck_assert_double_eq(bight_simulation_now(world->simulation), before);
    world_free(world);
}
END_TEST

START_TEST(chance_of_a_host_comes_from_the_seed)
{
    uint8_t bytes[3][21] = { { 0 } };
    for (int i = 0; i < 3; i++) {
        world = world_new(i == 2 ? 8 : 7);
        table = system_of(world->client);
        ck_assert_int_eq(table->ops->random(table, bytes[i], sizeof bytes[i]), 0);
        world_free(world);
    }
    ck_assert_mem_eq(bytes[0], bytes[1], sizeof bytes[0]);
    ck_assert_mem_ne(bytes[0], bytes[2], sizeof bytes[0]);
}
END_TEST

START_TEST(descriptors_come_back_late)
{
    begin();
    int first = make(AF_INET), last = first, turns = 0;
    ck_assert_int_eq(calls->close(table, first), 0);
    do {
        last = make(AF_INET);
        ck_assert_int_eq(calls->close(table, last), 0);
        turns++;
    } while (last != first && turns < 5000);
    ck_assert_int_eq(last, first);
    ck_assert_int_ge(turns, 1024);
    world_free(world);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test_raise_signal(tests, a_closed_descriptor_ends_the_process, SIGABRT);
    tcase_add_test_raise_signal(tests, a_number_that_is_no_descriptor_ends_the_process, SIGABRT);
    tcase_add_test_raise_signal(tests, receiving_from_an_eventfd_ends_the_process, SIGABRT);
    tcase_add_test_raise_signal(tests, another_hosts_descriptor_ends_the_process, SIGABRT);
    tcase_add_test_raise_signal(tests, closing_what_is_watched_ends_the_process, SIGABRT);
    tcase_add_test(tests, small_files_answer_as_the_kernels_do);
    tcase_add_test(tests, flags_and_kinds_answer_as_the_kernels_do);
    tcase_add_test(tests, parts_are_written_as_one);
    tcase_add_test(tests, a_name_of_a_host_is_taken_once);
    tcase_add_test(tests, a_forgotten_name_is_not_found_any_more);
    tcase_add_test(tests, a_simulation_outlives_its_reactors_only);
    tcase_add_test(tests, time_does_not_run_backwards);
    tcase_add_test(tests, chance_of_a_host_comes_from_the_seed);
    tcase_add_test(tests, descriptors_come_back_late);
}

BIGHT_TEST_MAIN("simulation_misuse", add_tests)
