/* SPDX-License-Identifier: MIT */
/* test_loop_libevent.c - a loop over a libevent or a kernel that has not all it should: what is told, what still works.
 */
#include "support.h"

#include <bight/log.h>
#include <bight/reactor.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>

#include "fake_system.h"

static struct bight_reactor *reactor;
static struct fake_system fake;
static size_t event_size = sizeof(struct event);
static unsigned lines;
static char first[256];

size_t __wrap_event_get_struct_event_size(void);

size_t __wrap_event_get_struct_event_size(void)
{
    return event_size;
}

static void keep_line(const struct bight_log_event *event, void *context)
{
    (void)context;
    if (lines++ == 0) {
        snprintf(first, sizeof first, "%s", event->message);
    }
}

static void make_reactor(void)
{
    struct bight_reactor_options options = { .size = sizeof options, .system = &fake.system, .leave_signals = true };
    reactor = bight_reactor_new_full(&options);
}

static void stop(void *context)
{
    *(bool *)context = true;
    (void)bight_reactor_stop(reactor);
}

static void timers_work(void)
{
    bool fired = false;
    ck_assert_ptr_nonnull(reactor);
    ck_assert_int_eq(bight_call_later(reactor, 1e-6, stop, &fired, NULL), 0);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert(fired);
}

START_TEST(a_libevent_of_larger_events_makes_no_reactor)
{
    event_size = sizeof(struct event) + 8;
    make_reactor();
    ck_assert_ptr_null(reactor);
    ck_assert_ptr_nonnull(strstr(first, "is not the one that bight was built with"));
}
END_TEST

START_TEST(a_libevent_of_smaller_events_does_no_harm)
{
    event_size = sizeof(struct event) - 8;
    make_reactor();
    ck_assert_ptr_nonnull(reactor);
    ck_assert_uint_eq(lines, 0);
}
END_TEST

START_TEST(a_timerfd_that_is_refused_is_told_once_and_timers_work)
{
    fake.timerfd_error = -EMFILE;
    for (int i = 0; i < 2; i++) {
        make_reactor();
        timers_work();
        bight_reactor_free(reactor);
    }
    reactor = NULL;
    ck_assert_uint_eq(lines, 1);
    ck_assert_ptr_nonnull(strstr(first, "no timerfd"));
}
END_TEST

/* Which cannot be watched. */
static int open_a_file(struct bight_system *system)
{
    (void)system;
    fake.open++;
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int close_one(struct bight_system *system, int fd)
{
    struct bight_system *real = bight_system_real();
    (void)system;
    fake.open -= fd == fake.timer_fd;
    return real->ops->close(real, fd);
}

START_TEST(a_timerfd_that_cannot_be_watched_is_told_and_closed_and_timers_work)
{
    fake.ops.timerfd_create = open_a_file;
    fake.ops.close = close_one;
    make_reactor();
    timers_work();
    ck_assert_uint_eq(lines, 1);
}
END_TEST

static void note(int fd, short what, void *context)
{
    (void)fd;
    (void)what;
    ++*(int *)context;
}

/* Which is less than an event, for events end with a timeout, and watches have none. */
START_TEST(libevent_writes_to_no_more_of_a_watch_than_its_size)
{
    int ends[2], calls = 0;
    make_reactor();
    struct bight_loop *loop = reactor->loop;
    size_t size = loop->ops->watch_size;
    ck_assert_uint_lt(size, sizeof(struct event));
    union {
        max_align_t aligned;
        unsigned char bytes[2 * sizeof(struct event)];
    } memory;
    memset(&memory, 0xa5, sizeof memory);
    struct bight_watch *watch = (struct bight_watch *)(void *)&memory;
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    loop->ops->watch_init(loop, watch, ends[0], BIGHT_READABLE, note, &calls);
    ck_assert_int_eq(loop->ops->watch_add(loop, watch), 0);
    ck_assert_int_eq(loop->ops->poll(loop, true), 0);
    ck_assert(loop->ops->watch_is_added(loop, watch));
    loop->ops->watch_remove(loop, watch);
    ck_assert_int_eq(calls, 1);
    for (size_t i = size; i < sizeof memory; i++) {
        ck_assert_uint_eq(memory.bytes[i], 0xa5);
    }
    close(ends[0]);
    close(ends[1]);
}
END_TEST

static void set_up(void)
{
    fake_init(&fake);
    fake.ops.now = bight_system_real()->ops->now;
    bight_log_set_observer(keep_line, NULL);
}

static void tear_down(void)
{
    bight_reactor_free(reactor);
    reactor = NULL;
    bight_log_set_observer(NULL, NULL);
}

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_libevent_of_larger_events_makes_no_reactor);
    tcase_add_test(tests, a_libevent_of_smaller_events_does_no_harm);
    tcase_add_test(tests, libevent_writes_to_no_more_of_a_watch_than_its_size);
    tcase_add_test(tests, a_timerfd_that_is_refused_is_told_once_and_timers_work);
    tcase_add_test(tests, a_timerfd_that_cannot_be_watched_is_told_and_closed_and_timers_work);
}

BIGHT_TEST_MAIN("loop_libevent", add_tests)
