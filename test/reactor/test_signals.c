/* SPDX-License-Identifier: MIT */
/* test_signals.c - signals heard in the loop (R1, R3): owners, run()'s own, what is put back, fork, storms. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "thread_support.h"

static struct bight_reactor *reactor;
static unsigned heard[NSIG];

static void hear(int number, void *context)
{
    ck_assert_ptr_eq(context, heard);
    heard[number]++;
}

static void make_reactor(void)
{
    reactor = bight_reactor_new();
    ck_assert_ptr_nonnull(reactor);
}

static bool is_default(int number)
{
    struct sigaction action;
    sigaction(number, NULL, &action);
    return action.sa_handler == SIG_DFL;
}

static bool is_ignored(int number)
{
    struct sigaction action;
    sigaction(number, NULL, &action);
    return action.sa_handler == SIG_IGN;
}

START_TEST(a_signal_is_heard_in_the_loop_and_not_before) /* R3 */
{
    make_reactor();
    ck_assert_int_eq(bight_on_signal(reactor, SIGUSR1, hear, heard), 0);
    ck_assert_int_eq(bight_on_signal(reactor, SIGRTMAX, hear, heard), 0);
    raise(SIGUSR1);
    raise(SIGUSR1);
    raise(SIGRTMAX);
    ck_assert_uint_eq(heard[SIGUSR1], 0);
    bi_reactor_turn(reactor, true);
    ck_assert_uint_eq(heard[SIGUSR1], 1);
    ck_assert_uint_eq(heard[SIGRTMAX], 1);
    raise(SIGUSR1);
    bi_reactor_turn(reactor, true);
    ck_assert_uint_eq(heard[SIGUSR1], 2);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(the_handler_preserves_errno) /* R3 */
{
    make_reactor();
    ck_assert_int_eq(bight_on_signal(reactor, SIGUSR1, hear, heard), 0);
    for (int i = 0; i < 3; i++) {
        errno = EDOM;
        raise(SIGUSR1);
        ck_assert_int_eq(errno, EDOM);
    }
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(one_reactor_of_a_process_owns_the_signals) /* R1 */
{
    quiet_log();
    make_reactor();
    struct bight_reactor *other = bight_reactor_new();
    ck_assert_int_eq(bight_on_signal(reactor, SIGUSR1, hear, heard), 0);
    ck_assert_int_eq(bight_on_signal(other, SIGUSR2, hear, heard), BIGHT_E_SIGNALS_OWNED);
    ck_assert_uint_eq(logged_errors, 0);
    ck_assert(is_default(SIGUSR2));
    ck_assert_int_eq(bight_on_signal(reactor, SIGUSR1, NULL, NULL), 0);
    ck_assert_int_eq(bight_on_signal(other, SIGUSR2, hear, heard), 0);
    bight_reactor_free(reactor);
    raise(SIGUSR2);
    bi_reactor_turn(other, true);
    ck_assert_uint_eq(heard[SIGUSR2], 1);
    bight_reactor_free(other);
}
END_TEST

START_TEST(numbers_that_cannot_be_heard_are_refused) /* R3 */
{
    static const int bad[] = { 0, -1, NSIG, 1000, SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, 32, 33 };
    quiet_log();
    make_reactor();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_int_eq(bight_on_signal(reactor, bad[i], hear, heard), BIGHT_E_INVALID_ARGUMENT);
    }
    struct bight_reactor *other = bight_reactor_new(); /* a refusal leaves no owner behind */
    ck_assert_int_eq(bight_on_signal(other, SIGUSR1, hear, heard), 0);
    bight_reactor_free(other);
    bight_reactor_free(reactor);
}
END_TEST

static volatile sig_atomic_t old_handler_ran;

static void old_handler(int number)
{
    (void)number;
    old_handler_ran++;
}

START_TEST(what_stood_before_is_put_back) /* R3 */
{
    struct sigaction action = { .sa_handler = old_handler };
    sigaction(SIGUSR1, &action, NULL);
    make_reactor();
    ck_assert_int_eq(bight_on_signal(reactor, SIGUSR1, hear, heard), 0);
    raise(SIGUSR1);
    ck_assert_int_eq(old_handler_ran, 0);
    ck_assert_int_eq(bight_on_signal(reactor, SIGUSR1, NULL, NULL), 0);
    raise(SIGUSR1);
    ck_assert_int_eq(old_handler_ran, 1);
    ck_assert_int_eq(bight_on_signal(reactor, SIGUSR1, hear, heard), 0);
    bight_reactor_free(reactor);
    raise(SIGUSR1);
    ck_assert_int_eq(old_handler_ran, 2);
}
END_TEST

/* A function of call_when_running: raises the signal that is its context. */
static void raise_it(void *context)
{
    raise(*(int *)context);
}

static void run_and_raise(int number)
{
    bight_call_when_running(reactor, raise_it, &number);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
}

START_TEST(run_stops_on_sigint_and_sigterm_and_puts_them_back) /* R3 */
{
    make_reactor();
    run_and_raise(SIGINT);
    ck_assert(is_default(SIGINT) && is_default(SIGTERM));
    run_and_raise(SIGTERM);
    ck_assert(is_default(SIGINT) && is_default(SIGTERM));
    bight_reactor_free(reactor);
}
END_TEST

static void stop(void *context)
{
    *(bool *)context = true;
    (void)bight_reactor_stop(reactor);
}

/* A signal that stops is heard on the next turn; these are on turns of their own. */
static void wait_some_turns(void *context)
{
    static int turns;
    turns++;
    (void)bight_call_later(reactor, 0, turns < 5 ? wait_some_turns : stop, context, NULL);
}

static void raise_both(void *context)
{
    raise(SIGINT);
    raise(SIGTERM);
    wait_some_turns(context);
}

START_TEST(run_leaves_signals_alone_that_the_program_was_started_ignoring) /* R3 */
{
    bool went_on = false;
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    make_reactor();
    bight_call_when_running(reactor, raise_both, &went_on);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert(went_on);
    bight_reactor_free(reactor);
    ck_assert(is_ignored(SIGINT) && is_ignored(SIGTERM));
}
END_TEST

START_TEST(a_program_may_hear_what_it_was_started_ignoring) /* R3 */
{
    bool went_on = false;
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    make_reactor();
    ck_assert_int_eq(bight_on_signal(reactor, SIGINT, hear, heard), 0);
    bight_call_when_running(reactor, raise_both, &went_on);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert(went_on);
    ck_assert_uint_eq(heard[SIGINT], 1);
    ck_assert_int_eq(bight_on_signal(reactor, SIGINT, NULL, NULL), 0);
    ck_assert(is_ignored(SIGINT));
    bight_reactor_free(reactor);
}
END_TEST

static struct bight_promise never_fired;

static struct bight_deferred *wait_for_ever(void *context)
{
    raise(*(int *)context);
    return bight_deferred_new(&never_fired, NULL, NULL);
}

START_TEST(a_second_signal_stops_at_once) /* R3 */
{
    static int number = SIGTERM;
    struct bight_reactor_options options = { .size = sizeof options, .shutdown_seconds = 1e6 };
    reactor = bight_reactor_new_full(&options);
    bight_add_trigger(reactor, BIGHT_SHUTDOWN, BIGHT_BEFORE, wait_for_ever, &number, NULL, NULL);
    quiet_log();
    run_and_raise(SIGINT);
    bight_abandon(never_fired);
    bight_reactor_free(reactor);
}
END_TEST

static void stop_if_default(void *context)
{
    *(bool *)context = is_default(SIGINT) && is_default(SIGTERM);
    bight_reactor_stop(reactor);
}

START_TEST(an_option_leaves_the_signals_alone) /* R3 */
{
    bool untouched = false;
    struct bight_reactor_options options = { .size = sizeof options, .leave_signals = true };
    reactor = bight_reactor_new_full(&options);
    bight_call_when_running(reactor, stop_if_default, &untouched);
    bight_reactor_run(reactor);
    ck_assert(untouched);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(run_does_without_signals_that_another_reactor_owns) /* R1 R3 */
{
    bool untouched = false;
    quiet_log();
    struct bight_reactor *other = bight_reactor_new();
    bight_on_signal(other, SIGUSR1, hear, heard);
    make_reactor();
    bight_call_when_running(reactor, stop_if_default, &untouched);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert(untouched);
    ck_assert_uint_eq(logged_errors, 0);
    bight_reactor_free(reactor);
    bight_reactor_free(other);
}
END_TEST

static void hear_then_default(int number, void *context)
{
    hear(number, context);
    ck_assert_int_eq(bight_on_signal(reactor, number, NULL, NULL), 0);
    raise(number);
}

START_TEST(a_function_replaces_run_s_own_and_null_brings_it_back) /* R3 */
{
    make_reactor();
    ck_assert_int_eq(bight_on_signal(reactor, SIGINT, hear_then_default, heard), 0);
    run_and_raise(SIGINT);
    ck_assert_uint_eq(heard[SIGINT], 1);
    ck_assert(is_default(SIGINT));
    bight_reactor_free(reactor);
}
END_TEST

static void hear_and_let_go(int number, void *context)
{
    hear(number, context);
    ck_assert_int_eq(bight_on_signal(reactor, number, NULL, NULL), 0);
}

START_TEST(a_function_may_unset_itself) /* R3 */
{
    make_reactor();
    ck_assert_int_eq(bight_on_signal(reactor, SIGUSR1, hear_and_let_go, heard), 0);
    raise(SIGUSR1);
    bi_reactor_turn(reactor, true);
    ck_assert_uint_eq(heard[SIGUSR1], 1);
    ck_assert(is_default(SIGUSR1));
    struct bight_reactor *other = bight_reactor_new();
    ck_assert_int_eq(bight_on_signal(other, SIGUSR1, hear, heard), 0);
    bight_reactor_free(other);
    bight_reactor_free(reactor);
}
END_TEST

static void hear_and_stop(int number, void *context)
{
    hear(number, context);
    bight_reactor_stop(reactor);
}

START_TEST(a_program_s_own_function_stays_between_runs) /* R3 */
{
    make_reactor();
    ck_assert_int_eq(bight_on_signal(reactor, SIGTERM, hear_and_stop, heard), 0);
    run_and_raise(SIGTERM);
    raise(SIGTERM); /* waits for the next run */
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_uint_eq(heard[SIGTERM], 2);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(on_a_host_s_loop_the_signals_stay_the_host_s) /* R3 */
{
    quiet_log();
    struct event_base *base = event_base_new();
    struct bight_reactor_options options = { .size = sizeof options, .host = base };
    reactor = bight_reactor_new_full(&options);
    ck_assert_int_eq(bight_on_signal(reactor, SIGUSR1, hear, heard), BIGHT_E_NOT_SUPPORTED);
    bight_reactor_free(reactor);
    event_base_free(base);
}
END_TEST

START_TEST(a_pipe_does_where_there_is_no_eventfd) /* R3 */
{
    static struct test_system system = { .eventfd_error = ENOSYS };
    reactor = test_system_reactor(&system);
    ck_assert_int_eq(bight_on_signal(reactor, SIGUSR1, hear, heard), 0);
    raise(SIGUSR1);
    bi_reactor_turn(reactor, true);
    ck_assert_uint_eq(heard[SIGUSR1], 1);
    system.pipe2_error = EMFILE;
    ck_assert_int_eq(bight_on_signal(reactor, SIGUSR1, NULL, NULL), 0);
    ck_assert_int_eq(bight_on_signal(reactor, SIGUSR1, hear, heard), BIGHT_E_TOO_MANY_FILES);
    ck_assert(is_default(SIGUSR1));
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_signal_to_a_child_that_has_not_said_so_does_not_reach_the_parent) /* R13 */
{
    int status;
    make_reactor();
    ck_assert_int_eq(bight_on_signal(reactor, SIGTERM, hear, heard), 0);
    pid_t child = fork();
    if (child == 0) {
        raise(SIGTERM);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    bi_reactor_turn(reactor, false);
    ck_assert_uint_eq(heard[SIGTERM], 0);
    bight_reactor_free(reactor);
}
END_TEST

static int live_as_a_child(void)
{
    if (bight_reactor_after_fork(reactor) != 0) {
        return 1;
    }
    raise(SIGTERM);
    turn_until(reactor, heard[SIGTERM] == 1);
    bight_reactor_free(reactor);
    return is_default(SIGTERM) ? 0 : 2;
}

START_TEST(a_child_that_says_so_hears_its_own_signals) /* R13 */
{
    int status;
    make_reactor();
    ck_assert_int_eq(bight_on_signal(reactor, SIGTERM, hear, heard), 0);
    pid_t child = fork();
    if (child == 0) {
        _exit(live_as_a_child());
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    bi_reactor_turn(reactor, false);
    ck_assert_uint_eq(heard[SIGTERM], 0);
    bight_reactor_free(reactor);
}
END_TEST

static int live_with_another_reactor(void)
{
    struct bight_reactor *own = bight_reactor_new();
    if (bight_on_signal(own, SIGTERM, hear, heard) != 0) {
        return 1;
    }
    raise(SIGTERM);
    turn_until(own, heard[SIGTERM] == 1);
    bight_reactor_free(own);
    return is_default(SIGTERM) ? 0 : 2;
}

START_TEST(a_child_may_forsake_the_parent_s_reactor_for_its_own) /* R13 R1 */
{
    int status;
    make_reactor();
    ck_assert_int_eq(bight_on_signal(reactor, SIGTERM, hear, heard), 0);
    pid_t child = fork();
    if (child == 0) {
        _exit(live_with_another_reactor());
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    bight_reactor_free(reactor);
}
END_TEST

static atomic_bool storm_is_over;

static void *storm(void *context)
{
    (void)context;
    while (!atomic_load(&storm_is_over)) {
        pthread_kill(pthread_self(), SIGUSR1);
        pthread_kill(pthread_self(), SIGUSR2);
        sched_yield();
    }
    return NULL;
}

START_TEST(signals_that_strike_other_threads_are_heard_while_owners_change) /* R1 R3 */
{
    pthread_t threads[3];
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, SIG_IGN);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, storm, NULL), 0);
    }
    for (unsigned round = 1; round <= 50; round++) {
        make_reactor();
        ck_assert_int_eq(bight_on_signal(reactor, SIGUSR1, hear, heard), 0);
        ck_assert_int_eq(bight_on_signal(reactor, SIGUSR2, hear, heard), 0);
        turn_until(reactor, heard[SIGUSR1] >= round && heard[SIGUSR2] >= round);
        bight_reactor_free(reactor);
    }
    atomic_store(&storm_is_over, true);
    for (size_t i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
}
END_TEST

static void ask_once(void)
{
    int out = memory_out;
    reactor = bight_reactor_new();
    if (reactor != NULL) {
        unsigned before = heard[SIGUSR1];
        int code = bight_on_signal(reactor, SIGUSR1, hear, heard);
        ck_assert(code == 0 || code == BIGHT_E_OUT_OF_MEMORY);
        if (code == 0) {
            raise(SIGUSR1);
            bi_reactor_turn(reactor, true);
            ck_assert_uint_eq(heard[SIGUSR1], before + 1);
        }
        bight_reactor_free(reactor);
    }
    ck_assert(is_default(SIGUSR1));
    ck_assert_int_eq(memory_out, out);
}

START_TEST(signals_survive_each_allocation_failing) /* D34 R3 */
{
    quiet_log();
    memory_each(ask_once);
}
END_TEST

/* Check has handlers of its own, which the tests inherit. */
static void set_defaults(void)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
}

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_defaults, NULL);
    tcase_add_test(tests, a_signal_is_heard_in_the_loop_and_not_before);
    tcase_add_test(tests, the_handler_preserves_errno);
    tcase_add_test(tests, one_reactor_of_a_process_owns_the_signals);
    tcase_add_test(tests, numbers_that_cannot_be_heard_are_refused);
    tcase_add_test(tests, what_stood_before_is_put_back);
    tcase_add_test(tests, run_stops_on_sigint_and_sigterm_and_puts_them_back);
    tcase_add_test(tests, run_leaves_signals_alone_that_the_program_was_started_ignoring);
    tcase_add_test(tests, a_program_may_hear_what_it_was_started_ignoring);
    tcase_add_test(tests, a_second_signal_stops_at_once);
    tcase_add_test(tests, an_option_leaves_the_signals_alone);
    tcase_add_test(tests, run_does_without_signals_that_another_reactor_owns);
    tcase_add_test(tests, a_function_replaces_run_s_own_and_null_brings_it_back);
    tcase_add_test(tests, a_function_may_unset_itself);
    tcase_add_test(tests, a_program_s_own_function_stays_between_runs);
    tcase_add_test(tests, on_a_host_s_loop_the_signals_stay_the_host_s);
    tcase_add_test(tests, a_pipe_does_where_there_is_no_eventfd);
    tcase_add_test(tests, a_signal_to_a_child_that_has_not_said_so_does_not_reach_the_parent);
    tcase_add_test(tests, a_child_that_says_so_hears_its_own_signals);
    tcase_add_test(tests, a_child_may_forsake_the_parent_s_reactor_for_its_own);
    tcase_add_test(tests, signals_that_strike_other_threads_are_heard_while_owners_change);
    tcase_add_test(tests, signals_survive_each_allocation_failing);
}

BIGHT_TEST_MAIN("signals", add_tests)
