/* SPDX-License-Identifier: MIT */
/* test_fork_locks.c - forks of a process whose other threads hold the library's locks (R13).
 *
 * Threads go in and out of each lock as fast as they can while the main thread forks; a child that found one held would
 * wait for ever, and is ended by its alarm. */
#include "thread_support.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bight/debug.h>
#include <bight/figures.h>
#include <bight/thread.h>

#include "base/slab.h"

/* The allocator of AddressSanitizer does not guard its own locks: there the child hangs in malloc. */
#define CAN_BE_TESTED (FOLLOWS_FORKS && !BI_MEMORY_CHECKED)

#if CAN_BE_TESTED

enum { FORKS = 40, SECONDS_OF_A_CHILD = 20 };

static struct bight_reactor *reactor; /* the main thread's */
static struct bight_mailbox *mailbox;
static struct bight_thread_pool *pool;
static atomic_bool is_over;
static atomic_uint rounds[5];

static void *make_deferreds(void *context)
{
    enum { MANY = 600 };
    struct bight_deferred *deferreds[MANY];
    struct bight_promise promise;
    (void)context;
    for (int i = 0; i < MANY; i++) {
        deferreds[i] = bight_deferred_new(&promise, NULL, NULL);
    }
    for (int i = 0; i < MANY; i++) {
        bight_deferred_release(deferreds[i]);
    }
    return NULL;
}

/* The slots of a thread that ends are handed over under the lock of the slabs; the places are noted, in debug mode. */
static void take_slots(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, make_deferreds, NULL) == 0) {
        pthread_join(thread, NULL);
    }
}

static atomic_int calls_waiting;

static void take_call(void *context)
{
    (void)context;
    atomic_fetch_sub(&calls_waiting, 1);
}

static void call_loop(void)
{
    if (atomic_load(&calls_waiting) < 100) {
        atomic_fetch_add(&calls_waiting, 1);
        (void)bight_call_from_thread(mailbox, take_call, NULL);
    }
}

static void look_at_pool(void)
{
    struct bight_thread_pool_figures figures = { .size = sizeof figures };
    (void)bight_thread_pool_read_figures(pool, &figures);
    (void)bight_thread_pool_set_queue_limit(pool, 100);
}

static void on_signal(int number, void *context)
{
    (void)number;
    (void)context;
}

/* Reactors, mailboxes and pools come and go; the signals have an owner or not. */
static void use_reactor(void)
{
    struct bight_reactor *own = bight_reactor_new();
    (void)bight_on_signal(own, SIGUSR2, on_signal, NULL);
    bight_thread_pool_free(bight_thread_pool_new(own, "brief", 1));
    bight_reactor_free(own);
}

static void use_watchdog(void)
{
    struct bight_reactor *own = bight_reactor_new();
    for (int i = 0; i < 20; i++) {
        (void)bight_reactor_set_watchdog(own, 1 + i);
    }
    bight_reactor_free(own);
}

static void (*const uses[])(void) = { take_slots, call_loop, look_at_pool, use_reactor, use_watchdog };
enum { USES = sizeof uses / sizeof uses[0] };
_Static_assert((int)USES == (int)(sizeof rounds / sizeof rounds[0]), "one count each");

static void *hammer(void *context)
{
    size_t which = (size_t)(uintptr_t)context;
    while (!atomic_load(&is_over)) {
        uses[which]();
        atomic_fetch_add(&rounds[which], 1);
    }
    return NULL;
}

static void stop(struct bight_result *result, void *context)
{
    (void)result;
    bight_reactor_stop(context);
}

static void work(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
}

static bool run_with_a_job(struct bight_reactor *which)
{
    struct bight_deferred *job = bight_defer_to_thread(which, work, NULL);
    bight_deferred_add_both(job, stop, which);
    bight_deferred_release(job);
    return bight_reactor_run(which) == 0;
}

/* First what touches the parent's locks without having said so, then all there is. */
static bool be_child(void)
{
    for (size_t i = 0; i < USES; i++) {
        uses[i]();
    }
    struct bight_reactor *own = bight_reactor_new();
    bool good = own != NULL && run_with_a_job(own);
    bight_reactor_free(own);
    good = good && bight_reactor_after_fork(reactor) == 0 && run_with_a_job(reactor);
    bight_mailbox_release(mailbox);
    bight_reactor_free(reactor);
    return good;
}

static void fork_once(void)
{
    int status = -1;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        alarm(SECONDS_OF_A_CHILD);
        _exit(be_child() ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %x", (unsigned)status);
}

START_TEST(a_child_finds_no_lock_held_by_a_thread_that_is_not_there) /* R13 */
{
    pthread_t threads[USES];
    quiet_log();
    bight_deferred_set_debug(true);
    reactor = bight_reactor_new();
    mailbox = bight_reactor_mailbox(reactor);
    pool = bight_thread_pool_new(reactor, "looked at", 2);
    for (size_t i = 0; i < USES; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, hammer, (void *)(uintptr_t)i), 0);
    }
    for (int i = 0; i < FORKS; i++) {
        fork_once();
        bi_reactor_turn(reactor, false);
    }
    atomic_store(&is_over, true);
    for (size_t i = 0; i < USES; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_uint_gt(atomic_load(&rounds[i]), 0);
    }
    bight_mailbox_release(mailbox);
    bight_reactor_free(reactor);
}
END_TEST

#endif

static void add_tests(TCase *tests)
{
    (void)tests;
#if CAN_BE_TESTED
    tcase_add_test(tests, a_child_finds_no_lock_held_by_a_thread_that_is_not_there);
#endif
}

BIGHT_TEST_MAIN("fork_locks", add_tests)
