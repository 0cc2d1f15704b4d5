/* SPDX-License-Identifier: MIT */
/* test_watchdog.c - the thread that warns while a handler holds the loop.
 *
 * It lives in real time, so its limit here is a few milliseconds; handlers are stuck until they have been reported (or
 * the test's own patience has ended), not for a fixed time. That nothing is reported is asked when the thread has
 * looked often enough: the linker puts this file's pthread_cond_timedwait in the place of the library's (--wrap), and
 * counts. */
#include "thread_support.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bight/bight.h>
#include <bight/figures.h>
#include <bight/testing.h>

#include "insight/backtrace.h"

#define LIMIT 0.003
#define PATIENCE_SECONDS 30
#define PLENTY_OF_LOOKS 40 /* it looks four times in its limit */

static struct bight_reactor *reactor;
static unsigned reports; /* atomic */
static pthread_t loop_thread;
static bool was_in_loop_thread;
static char lines[4][4096];
static int wake_up[2];
static atomic_uint naps;

int __real_pthread_cond_timedwait(pthread_cond_t *changed, pthread_mutex_t *lock, const struct timespec *until);
int __wrap_pthread_cond_timedwait(pthread_cond_t *changed, pthread_mutex_t *lock, const struct timespec *until);

/* The watchdog's way to sleep: whatever it saw the time before, it has reported by now. */
int __wrap_pthread_cond_timedwait(pthread_cond_t *changed, pthread_mutex_t *lock, const struct timespec *until)
{
    atomic_fetch_add(&naps, 1);
    return __real_pthread_cond_timedwait(changed, lock, until);
}

static void observe(const struct bight_log_event *event, void *context)
{
    (void)context;
    if (strcmp(event->system, "watchdog") != 0) {
        return;
    }
    unsigned index = __atomic_load_n(&reports, __ATOMIC_RELAXED);
    was_in_loop_thread = pthread_equal(pthread_self(), loop_thread) != 0;
    bight_log_event_format(event, lines[index % 4], sizeof lines[0]);
    __atomic_store_n(&reports, index + 1, __ATOMIC_RELEASE);
    (void)!write(wake_up[1], "!", 1);
}

static unsigned reported(void)
{
    return __atomic_load_n(&reports, __ATOMIC_ACQUIRE);
}

static void *tell_number(void *number)
{
    *(pid_t *)number = gettid();
    return NULL;
}

/* A sanitizer may have a thread of its own from the first one on: it is to be there before any are counted. */
static void start_first_thread(void)
{
    pthread_t thread;
    pid_t number;
    char path[64];
    ck_assert_int_eq(pthread_create(&thread, NULL, tell_number, &number), 0);
    pthread_join(thread, NULL);
    snprintf(path, sizeof path, "/proc/self/task/%d", number);
    while (access(path, F_OK) == 0) { /* the kernel takes a moment longer */
        sched_yield();
    }
}

static void set_up(void)
{
    start_first_thread();
    ck_assert_int_eq(pipe(wake_up), 0);
    loop_thread = pthread_self();
    bight_log_set_observer(observe, NULL);
    reactor = bight_reactor_new();
    ck_assert_ptr_nonnull(reactor);
}

static void tear_down(void)
{
    bight_reactor_free(reactor);
    close(wake_up[0]);
    close(wake_up[1]);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* A byte comes with each report; the signal that asks for a backtrace may come first. */
static void await_report(double seconds)
{
    char byte;
    struct pollfd news = { .fd = wake_up[0], .events = POLLIN };
    if (poll(&news, 1, (int)(seconds * 1000) + 1) == 1) {
        ck_assert_int_eq(read(wake_up[0], &byte, 1), 1);
    }
}

/* Until there were so many reports. */
static void be_stuck(unsigned count)
{
    double end = now() + PATIENCE_SECONDS;
    for (double left = PATIENCE_SECONDS; reported() < count && left > 0; left = end - now()) {
        await_report(left);
    }
    ck_assert_uint_ge(reported(), count);
}

/* Until the watchdog has looked so often again. */
static void await_looks(unsigned count)
{
    unsigned end = atomic_load(&naps) + count + 1; /* the nap that begins when it has looked for the last time */
    double patience_ends = now() + PATIENCE_SECONDS;
    while (atomic_load(&naps) < end && now() < patience_ends) {
        sched_yield();
    }
    ck_assert_uint_ge(atomic_load(&naps), end);
}

static void stuck(void *count)
{
    be_stuck(*(unsigned *)count);
}

static void stop(void *context)
{
    bight_reactor_stop(context);
}

static size_t threads(void)
{
    size_t count = 0;
    DIR *directory = opendir("/proc/self/task");
    ck_assert_ptr_nonnull(directory);
    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count;
}

/* A thread that was joined may still be seen for a moment. */
static void expect_threads(size_t count)
{
    double end = now() + PATIENCE_SECONDS;
    while (threads() != count && now() < end) {
        sched_yield();
    }
    ck_assert_uint_eq(threads(), count);
}

static void run_stuck_once(void)
{
    unsigned one = 1;
    bight_call_later(reactor, 0, stuck, &one, NULL);
    bight_call_later(reactor, 0, stop, reactor, NULL);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
}

START_TEST(a_handler_that_is_stuck_is_reported_while_it_is_by_another_thread) /* G4 */
{
    ck_assert_int_eq(bight_reactor_set_watchdog(reactor, LIMIT), 0);
    run_stuck_once();
    ck_assert(!was_in_loop_thread);
    ck_assert_ptr_nonnull(strstr(lines[0], "test_watchdog: warning: [watchdog] a handler has held the loop for "));
    ck_assert_ptr_nonnull(strstr(lines[0], " s and still does: timer"));
}
END_TEST

#if BIGHT_HAS_BACKTRACE
START_TEST(the_report_says_where_the_loops_thread_is) /* G4 */
{
    bight_reactor_set_watchdog(reactor, LIMIT);
    run_stuck_once();
    ck_assert_ptr_nonnull(strstr(lines[0], "backtrace=\""));
    ck_assert_ptr_nonnull(strstr(lines[0], "test_watchdog+0x"));
    ck_assert_ptr_nonnull(strstr(lines[0], " < "));
    ck_assert_ptr_null(strstr(lines[0], "answer")); /* the handler itself is left out */
}
END_TEST

static void stuck_and_deaf(void *context)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    stuck(context);
    pthread_sigmask(SIG_SETMASK, &before, NULL); /* the signal comes now, late */
}

START_TEST(a_thread_that_takes_no_signals_is_reported_without_a_backtrace) /* G4 */
{
    unsigned one = 1;
    bight_reactor_set_watchdog(reactor, LIMIT);
    bight_call_later(reactor, 0, stuck_and_deaf, &one, NULL);
    bight_call_later(reactor, 0, stop, reactor, NULL);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_ptr_nonnull(strstr(lines[0], "and still does: timer"));
    ck_assert_ptr_null(strstr(lines[0], "backtrace"));
}
END_TEST
#endif

static void be_stuck_for_long(void *context)
{
    (void)context;
    be_stuck(1);
    await_looks(PLENTY_OF_LOOKS);
}

START_TEST(each_stuck_handler_is_reported_once) /* G4 */
{
    unsigned two = 2;
    bight_reactor_set_watchdog(reactor, LIMIT);
    bight_call_later(reactor, 0, be_stuck_for_long, NULL, NULL);
    bi_reactor_turn(reactor, false);
    ck_assert_uint_eq(reported(), 1);
    bight_call_later(reactor, 0, stuck, &two, NULL);
    bi_reactor_turn(reactor, false);
    ck_assert_uint_eq(reported(), 2);
}
END_TEST

START_TEST(a_loop_without_a_handler_is_not_reported) /* G4 */
{
    bight_reactor_set_watchdog(reactor, 0.001);
    await_looks(PLENTY_OF_LOOKS);
    ck_assert_uint_eq(reported(), 0);
}
END_TEST

START_TEST(in_debug_mode_the_report_says_who_registered_the_handler) /* G4 */
{
    unsigned one = 1;
    bight_deferred_set_debug(true);
    bight_reactor_set_watchdog(reactor, LIMIT);
    bight_call_later_at("chat.c:31", reactor, 0, stuck, &one, NULL);
    bi_reactor_turn(reactor, false);
    ck_assert_ptr_nonnull(strstr(lines[0], "(chat.c:31)"));
}
END_TEST

static void read_pipe(void *context)
{
    char byte;
    *(ssize_t *)context = read(wake_up[0], &byte, 1);
}

START_TEST(a_system_call_that_is_stuck_goes_on_afterwards) /* G4 */
{
    ssize_t got = 0;
    bight_reactor_set_watchdog(reactor, LIMIT);
    bight_call_later(reactor, 0, read_pipe, &got, NULL);
    bi_reactor_turn(reactor, false);
    ck_assert_int_eq(got, 1);
    ck_assert_uint_eq(reported(), 1);
}
END_TEST

static void shorten(void *context)
{
    bight_reactor_set_watchdog(reactor, LIMIT);
    stuck(context);
}

START_TEST(another_time_counts_from_now_on) /* G4 */
{
    unsigned one = 1;
    size_t before = threads();
    ck_assert_int_eq(bight_reactor_set_watchdog(reactor, 1e6), 0);
    bight_call_later(reactor, 0, shorten, &one, NULL);
    bi_reactor_turn(reactor, false);
    expect_threads(before + 1);
}
END_TEST

START_TEST(no_time_ends_the_thread) /* G4 */
{
    size_t before = threads();
    bight_reactor_set_watchdog(reactor, 1000);
    expect_threads(before + 1);
    ck_assert_int_eq(bight_reactor_set_watchdog(reactor, 0), 0);
    expect_threads(before);
    bight_reactor_set_watchdog(reactor, 1000);
    expect_threads(before + 1);
    ck_assert_int_eq(bight_reactor_set_watchdog(reactor, (double)INFINITY), 0);
    expect_threads(before);
    ck_assert_int_eq(bight_reactor_set_watchdog(reactor, 0), 0);
}
END_TEST

static void end_inside(void *context)
{
    stuck(context);
    bight_reactor_set_watchdog(reactor, 0);
}

START_TEST(it_can_be_ended_by_the_handler_that_was_stuck) /* G4 */
{
    unsigned one = 1;
    size_t before = threads();
    bight_reactor_set_watchdog(reactor, LIMIT);
    bight_call_later(reactor, 0, end_inside, &one, NULL);
    bi_reactor_turn(reactor, false);
    expect_threads(before);
}
END_TEST

START_TEST(freeing_the_reactor_ends_the_thread) /* G4 */
{
    size_t before = threads();
    bight_reactor_set_watchdog(reactor, LIMIT);
    expect_threads(before + 1);
    bight_reactor_free(reactor);
    reactor = NULL;
    expect_threads(before);
}
END_TEST

START_TEST(a_time_must_be_one) /* G4 */
{
    ck_assert_int_eq(bight_reactor_set_watchdog(reactor, -1), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_reactor_set_watchdog(reactor, (double)NAN), BIGHT_E_INVALID_ARGUMENT);
}
END_TEST

static void break_host(void *context)
{
    stuck(&(unsigned) { 1 });
    event_base_loopbreak(context);
}

START_TEST(a_guest_on_a_hosts_loop_is_watched) /* G4 */
{
    struct event_base *host = event_base_new();
    struct bight_reactor_options options = { .size = sizeof options, .host = host };
    struct bight_reactor *guest = bight_reactor_new_full(&options);
    ck_assert_int_eq(bight_reactor_set_watchdog(guest, LIMIT), 0);
    bight_call_later(guest, 0, break_host, host, NULL);
    event_base_loop(host, EVLOOP_NO_EXIT_ON_EMPTY);
    ck_assert_uint_eq(reported(), 1);
    bight_reactor_free(guest);
    event_base_free(host);
}
END_TEST

static void *run_another(void *context)
{
    struct bight_reactor *other = bight_reactor_new();
    bight_reactor_set_watchdog(other, LIMIT);
    bight_call_later(other, 0, stuck, context, NULL);
    bi_reactor_turn(other, false);
    bight_reactor_free(other);
    return NULL;
}

START_TEST(a_loop_that_runs_in_another_thread_is_asked_there) /* G4 */
{
    unsigned one = 1;
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, run_another, &one), 0);
    pthread_join(thread, NULL);
    ck_assert_ptr_nonnull(strstr(lines[0], "and still does: timer"));
#if BIGHT_HAS_BACKTRACE
    ck_assert_ptr_nonnull(strstr(lines[0], "backtrace=\"")); /* which the thread itself has made */
#endif
}
END_TEST

#if BIGHT_HAS_BACKTRACE
static struct bi_backtrace of_the_deaf;
static atomic_bool is_asked;

/* Its own request stands in the way of all others for as long as anybody waits for an answer. */
static void *be_deaf(void *context)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    atomic_store(&is_asked, true);
    ck_assert(!bi_backtrace_take(pthread_self(), &of_the_deaf));
    return context;
}

/* Long enough to be noticed: the watchdog has given up looking, and stands in the queue. */
static void be_noticed(void *context)
{
    double end = now() + 10 * LIMIT;
    while (now() < end) {
        sched_yield();
    }
    bight_reactor_stop(context);
}

static void *run_and_end(void *context)
{
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    return context;
}

START_TEST(a_thread_that_has_ended_with_its_run_is_not_asked) /* G4 */
{
    pthread_t deaf, loop;
    pthread_attr_t large; /* too large a stack for the library to keep: what is left of the thread is unmapped */
    pthread_attr_init(&large);
    pthread_attr_setstacksize(&large, (size_t)64 << 20);
    ck_assert_int_eq(bight_reactor_set_watchdog(reactor, LIMIT), 0);
    ck_assert_int_eq(pthread_create(&deaf, NULL, be_deaf, NULL), 0);
    while (!atomic_load(&is_asked)) {
        sched_yield();
    }
    bight_call_later(reactor, 0, be_noticed, reactor, NULL);
    ck_assert_int_eq(pthread_create(&loop, &large, run_and_end, NULL), 0);
    pthread_join(loop, NULL);
    pthread_join(deaf, NULL);
    await_looks(PLENTY_OF_LOOKS);
    ck_assert_uint_eq(reported(), 0);
    pthread_attr_destroy(&large);
}
END_TEST
#endif

static int wait_for_child(pid_t child)
{
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

/* The thread naps: one that is just being started may hold the locks of AddressSanitizer's allocator, which does not
 * guard them, and a child would wait for them for ever. */
static void watch_and_await_nap(void)
{
    bight_reactor_set_watchdog(reactor, LIMIT);
    await_looks(1);
}

#if FOLLOWS_FORKS
START_TEST(in_the_child_of_a_fork_there_is_none_until_it_is_set_again) /* G4 R13 */
{
    unsigned one = 1;
    watch_and_await_nap();
    pid_t child = fork();
    if (child == 0) {
        bool is_good = bight_reactor_after_fork(reactor) == 0;
        loop_thread = pthread_self();
        size_t before = threads();
        is_good = is_good && bight_reactor_set_watchdog(reactor, LIMIT) == 0 && threads() == before + 1;
        bight_call_later(reactor, 0, stuck, &one, NULL);
        bi_reactor_turn(reactor, false);
        is_good = is_good && reported() == 1;
        bight_reactor_free(reactor);
        _exit(is_good ? 0 : 1);
    }
    ck_assert_int_eq(wait_for_child(child), 0);
    bight_call_later(reactor, 0, stuck, &one, NULL); /* the parent's goes on */
    bi_reactor_turn(reactor, false);
}
END_TEST

#endif

START_TEST(the_child_of_a_fork_may_just_free_the_reactor) /* G4 R13 */
{
    watch_and_await_nap();
    pid_t child = fork();
    if (child == 0) {
        bight_reactor_free(reactor);
        _exit(0);
    }
    ck_assert_int_eq(wait_for_child(child), 0);
}
END_TEST

static bool watch_with_faults(void *context)
{
    (void)context;
    struct bight_reactor *one = bight_testing_reactor_new();
    if (one == NULL) {
        return bight_testing_fault_injected();
    }
    int code = bight_reactor_set_watchdog(one, 1000);
    bight_reactor_free(one);
    return code == 0 || (code == BIGHT_E_OUT_OF_MEMORY && bight_testing_fault_injected());
}

START_TEST(without_memory_there_is_none_and_the_code_says_so) /* G4 */
{
    ck_assert_uint_eq(bight_testing_with_faults(watch_with_faults, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_handler_that_is_stuck_is_reported_while_it_is_by_another_thread);
#if BIGHT_HAS_BACKTRACE
    tcase_add_test(tests, the_report_says_where_the_loops_thread_is);
    tcase_add_test(tests, a_thread_that_takes_no_signals_is_reported_without_a_backtrace);
#endif
    tcase_add_test(tests, each_stuck_handler_is_reported_once);
    tcase_add_test(tests, a_loop_without_a_handler_is_not_reported);
    tcase_add_test(tests, in_debug_mode_the_report_says_who_registered_the_handler);
    tcase_add_test(tests, a_system_call_that_is_stuck_goes_on_afterwards);
    tcase_add_test(tests, another_time_counts_from_now_on);
    tcase_add_test(tests, no_time_ends_the_thread);
    tcase_add_test(tests, it_can_be_ended_by_the_handler_that_was_stuck);
    tcase_add_test(tests, freeing_the_reactor_ends_the_thread);
    tcase_add_test(tests, a_time_must_be_one);
    tcase_add_test(tests, a_guest_on_a_hosts_loop_is_watched);
    tcase_add_test(tests, a_loop_that_runs_in_another_thread_is_asked_there);
#if BIGHT_HAS_BACKTRACE
    tcase_add_test(tests, a_thread_that_has_ended_with_its_run_is_not_asked);
#endif
#if FOLLOWS_FORKS
    tcase_add_test(tests, in_the_child_of_a_fork_there_is_none_until_it_is_set_again);
#endif
    tcase_add_test(tests, the_child_of_a_fork_may_just_free_the_reactor);
}

int main(void)
{
    Suite *suite = suite_create("watchdog");
    TCase *tests = tcase_create("watchdog"), *faults = tcase_create("faults");
    tcase_set_timeout(tests, 60);
    tcase_set_timeout(faults, 60);
    add_tests(tests);
    tcase_add_test(faults, without_memory_there_is_none_and_the_code_says_so);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, faults);
    return bight_test_run(suite);
}
