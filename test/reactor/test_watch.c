/* SPDX-License-Identifier: MIT */
/* test_watch.c - descriptors that are not bight's. */
#include "net_support.h"

#include <bight/log.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_system.h"
#include "faults.h"

static struct bight_reactor *reactor;
static struct bight_foreign_watch watch;
static struct bight_foreign_watch other;
static int fds[2];
static unsigned readable, writable, released;

static void set_up(void)
{
    reactor = bight_reactor_new();
    ck_assert_ptr_nonnull(reactor);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
}

static void tear_down(void)
{
    bight_reactor_free(reactor);
    close(fds[0]);
    close(fds[1]);
}

static void count(int fd, short what, void *context)
{
    ck_assert_int_eq(fd, fds[0]);
    ck_assert_ptr_eq(context, fds);
    readable += (what & BIGHT_READABLE) != 0;
    writable += (what & BIGHT_WRITABLE) != 0;
}

static void count_release(void *context)
{
    (void)context;
    released++;
}

START_TEST(a_condition_is_told_on_each_turn_until_it_goes)
{
    char byte;
    ck_assert_int_eq(bight_watch_descriptor(reactor, fds[0], BIGHT_READABLE, count, fds, count_release, &watch), 0);
    bi_reactor_turn(reactor, false);
    ck_assert_uint_eq(readable, 0);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    bi_reactor_turn(reactor, false);
    bi_reactor_turn(reactor, false);
    ck_assert_uint_eq(readable, 2);
    ck_assert_int_eq(read(fds[0], &byte, 1), 1);
    bi_reactor_turn(reactor, false);
    ck_assert_uint_eq(readable, 2);
    ck_assert_int_eq(bight_unwatch_descriptor(watch), 0);
    ck_assert_uint_eq(released, 1);
}
END_TEST

START_TEST(both_conditions_can_be_watched)
{
    bight_watch_descriptor(reactor, fds[0], BIGHT_READABLE | BIGHT_WRITABLE, count, fds, NULL, &watch);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    bi_reactor_turn(reactor, false);
    ck_assert_uint_eq(readable, 1);
    ck_assert_uint_eq(writable, 1);
}
END_TEST

START_TEST(a_stale_handle_is_told_apart) /* R7 */
{
    static const struct bight_foreign_watch never;
    bight_watch_descriptor(reactor, fds[0], BIGHT_READABLE, count, fds, count_release, &watch);
    ck_assert_int_eq(bight_unwatch_descriptor(watch), 0);
    bight_watch_descriptor(reactor, fds[0], BIGHT_READABLE, count, fds, NULL, &other);
    ck_assert_int_eq(bight_unwatch_descriptor(watch), BIGHT_E_STALE);
    ck_assert_int_eq(bight_unwatch_descriptor(never), BIGHT_E_STALE);
    ck_assert_uint_eq(released, 1);
    bight_reactor_free(reactor);
    reactor = NULL;
    ck_assert_int_eq(bight_unwatch_descriptor(other), BIGHT_E_STALE);
}
END_TEST

static void unwatch_both(int fd, short what, void *context)
{
    (void)fd;
    (void)what;
    ck_assert_int_eq(bight_unwatch_descriptor(watch), 0);
    ck_assert_int_eq(bight_unwatch_descriptor(other), 0);
    ck_assert_uint_eq(released, 1); /* its own context is in use */
    *(unsigned *)context += 1;
}

START_TEST(a_watch_may_remove_itself_and_another_that_is_ready)
{
    unsigned *calls = calloc(1, sizeof *calls);
    bight_watch_descriptor(reactor, fds[0], BIGHT_WRITABLE, unwatch_both, calls, count_release, &watch);
    bight_watch_descriptor(reactor, fds[1], BIGHT_WRITABLE, unwatch_both, calls, count_release, &other);
    bi_reactor_turn(reactor, false);
    bi_reactor_turn(reactor, false);
    ck_assert_uint_eq(*calls, 1);
    ck_assert_uint_eq(released, 2);
    free(calls);
}
END_TEST

START_TEST(bad_arguments_and_bad_descriptors_are_refused)
{
    int closed = dup(fds[0]);
    close(closed);
    ck_assert_int_eq(bight_watch_descriptor(reactor, fds[0], 0, count, fds, NULL, &watch), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_watch_descriptor(reactor, fds[0], 64, count, fds, NULL, &watch), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(
        bight_watch_descriptor(reactor, -1, BIGHT_READABLE, count, fds, NULL, &watch), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(
        bight_watch_descriptor(reactor, closed, BIGHT_READABLE, count, fds, count_release, &watch), BIGHT_E_SYSTEM);
    ck_assert_uint_eq(released, 0);
}
END_TEST

static char complaint[1024];

static void keep_complaint(const struct bight_log_event *event, void *context)
{
    (void)context;
    snprintf(complaint, sizeof complaint, "%s", event->message);
}

/* The ends of `fds` are closed and their numbers are those of another pair. */
static void use_numbers_again(void)
{
    int old[2] = { fds[0], fds[1] };
    close(fds[0]);
    close(fds[1]);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    ck_assert(fds[0] == old[0] && fds[1] == old[1]);
}

START_TEST(a_number_that_was_closed_while_it_was_watched_can_be_watched_again)
{
    bight_log_set_observer(keep_complaint, NULL);
    ck_assert_int_eq(bight_watch_descriptor(reactor, fds[0], BIGHT_READABLE, count, fds, count_release, &other), 0);
    use_numbers_again();
    ck_assert_int_eq(bight_watch_descriptor(reactor, fds[0], BIGHT_READABLE, count, fds, NULL, &watch), 0);
    ck_assert_ptr_nonnull(strstr(complaint, "closed while it was watched"));
    ck_assert_ptr_nonnull(strstr(complaint, "test_watch.c:"));
    ck_assert_uint_eq(released, 1);
    ck_assert_int_eq(bight_unwatch_descriptor(other), BIGHT_E_STALE);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    bi_reactor_turn(reactor, false);
    ck_assert_uint_eq(readable, 1);
}
END_TEST

static int not_told(struct bight_system *system, int fd, uint64_t identity[2])
{
    (void)system;
    (void)fd;
    (void)identity;
    return -EACCES;
}

START_TEST(it_is_heard_also_where_files_are_not_told_apart)
{
    static struct fake_system fake;
    bight_reactor_free(reactor);
    fake_init(&fake);
    fake.ops.file_identity = not_told;
    reactor = bight_reactor_new_full(
        &(struct bight_reactor_options) { .size = sizeof(struct bight_reactor_options), .system = &fake.system });
    ck_assert_int_eq(bight_watch_descriptor(reactor, fds[0], BIGHT_READABLE, count, fds, NULL, &other), 0);
    use_numbers_again();
    ck_assert_int_eq(bight_watch_descriptor(reactor, fds[0], BIGHT_READABLE, count, fds, NULL, &watch), 0);
    ck_assert_int_eq(bight_unwatch_descriptor(other), 0);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    bi_reactor_turn(reactor, false);
    ck_assert_uint_eq(readable, 1);
}
END_TEST

START_TEST(one_descriptor_may_be_watched_twice)
{
    ck_assert_int_eq(bight_watch_descriptor(reactor, fds[0], BIGHT_READABLE, count, fds, NULL, &watch), 0);
    ck_assert_int_eq(bight_watch_descriptor(reactor, fds[0], BIGHT_WRITABLE, count, fds, NULL, &other), 0);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    bi_reactor_turn(reactor, false);
    ck_assert_uint_eq(readable, 1);
    ck_assert_uint_eq(writable, 1);
    ck_assert_int_eq(bight_unwatch_descriptor(watch), 0);
    bi_reactor_turn(reactor, false);
    ck_assert_uint_eq(readable, 1);
    ck_assert_uint_eq(writable, 2);
}
END_TEST

START_TEST(a_regular_file_cannot_be_watched)
{
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(bight_watch_descriptor(reactor, fileno(file), BIGHT_READABLE, count, fds, count_release, &watch),
        BIGHT_E_NOT_SUPPORTED);
    ck_assert_uint_eq(released, 0);
    fclose(file);
}
END_TEST

START_TEST(without_memory_nothing_is_taken_whichever_allocation_fails) /* D33 */
{
    int code = BIGHT_E_OUT_OF_MEMORY;
    struct bight_test_memory memory;
    for (unsigned n = 1; code != 0; n++) {
        ck_assert_uint_lt(n, 10);
        bight_test_fail_nth(&memory, n);
        code = bight_watch_descriptor(reactor, fds[0], BIGHT_READABLE, count, fds, count_release, &watch);
        ck_assert(code == 0 || code == BIGHT_E_OUT_OF_MEMORY);
        ck_assert_uint_eq(released, 0);
    }
    bight_set_allocator(NULL);
    ck_assert_int_eq(bight_unwatch_descriptor(watch), 0);
}
END_TEST

enum { CLOSED = 8 };
static struct net net;

static void never_ready(int fd, short what, void *context)
{
    (void)context;
    ck_abort_msg("descriptor %d, which was closed, is ready for %d", fd, what);
}

/* The lowest free numbers are then those of descriptors that a program has closed and not unwatched. */
static void close_what_is_watched(struct bight_foreign_watch watches[CLOSED])
{
    int numbers[CLOSED];
    for (int i = 0; i < CLOSED; i += 2) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, &numbers[i]), 0);
    }
    for (int i = 0; i < CLOSED; i++) {
        ck_assert_int_eq(bight_watch_descriptor(
                             net.reactor, numbers[i], BIGHT_READABLE, never_ready, NULL, count_release, &watches[i]),
            0);
    }
    for (int i = 0; i < CLOSED; i++) {
        close(numbers[i]);
    }
}

/* A port, an attempt to connect, and both ends of a connection. */
START_TEST(whoever_gets_the_number_of_a_watch_that_was_closed_is_not_deaf)
{
    struct bight_foreign_watch watches[CLOSED];
    struct outcome outcome;
    char target[64];
    net_begin(&net);
    close_what_is_watched(watches);
    struct bight_port *port = net_listen_on(&net, "tcp:0:interface=127.0.0.1");
    snprintf(target, sizeof target, "tcp:127.0.0.1:%u", (unsigned)net_port_number(port));
    watch_outcome(bight_connect(net.reactor, target, &probe_factory), &outcome);
    NET_UNTIL(&net, outcome.fired == 1 && seen.made == 2);
    bight_transport_write(seen.last->transport, "hello", 5);
    NET_UNTIL(&net, seen.received == 5);
    bight_transport_abort_connection(seen.last->transport);
    NET_UNTIL(&net, seen.lost == 2);
    ck_assert_int_eq(net.log_count, 3);
    ck_assert_ptr_nonnull(strstr(net.logged, "is one of bight's own now"));
    ck_assert_uint_eq(released, 0);
    for (int i = 0; i < CLOSED; i++) {
        ck_assert_int_eq(bight_unwatch_descriptor(watches[i]), 0);
    }
    ck_assert_uint_eq(released, CLOSED);
    forget_outcome(&outcome);
    net_stop(port);
    bight_port_release(port);
    net_end(&net);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_condition_is_told_on_each_turn_until_it_goes);
    tcase_add_test(tests, both_conditions_can_be_watched);
    tcase_add_test(tests, a_stale_handle_is_told_apart);
    tcase_add_test(tests, a_watch_may_remove_itself_and_another_that_is_ready);
    tcase_add_test(tests, bad_arguments_and_bad_descriptors_are_refused);
    tcase_add_test(tests, a_number_that_was_closed_while_it_was_watched_can_be_watched_again);
    tcase_add_test(tests, it_is_heard_also_where_files_are_not_told_apart);
    tcase_add_test(tests, whoever_gets_the_number_of_a_watch_that_was_closed_is_not_deaf);
    tcase_add_test(tests, one_descriptor_may_be_watched_twice);
    tcase_add_test(tests, a_regular_file_cannot_be_watched);
    tcase_add_test(tests, without_memory_nothing_is_taken_whichever_allocation_fails);
}

BIGHT_TEST_MAIN("watch", add_tests)
