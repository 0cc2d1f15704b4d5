/* SPDX-License-Identifier: MIT */
/* test_limits.c - every verb with each of the system's limits at its tight values: it may be refused, and is then told
 * so, but the process does not end by it, and nothing waits for ever.
 *
 * Each case runs in a child of its own: the limit is set before the reactor is made or between that and the verb.
 * Whatever the verb returns has to come to an end by itself. */
#include "thread_support.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bight/bight.h>
#include <bight/process.h>
#include <bight/coroutine.h>
#include <bight/debug.h>
#include <bight/figures.h>
#include <bight/file_lock.h>
#include <bight/process_output.h>
#include <bight/task.h>
#include <bight/thread.h>
#include <bight/worker_pool.h>

/* The sanitizers map memory of their own, and end the process when they are not given any. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FOLLOWS_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FOLLOWS_MEMORY 0
#endif
#endif
#ifndef FOLLOWS_MEMORY
#define FOLLOWS_MEMORY 1
#endif

enum { SECONDS = 30, MAX_DESCRIPTORS = 14, FILLED = 40 };

static struct bight_reactor *reactor;
static char path[64];

static bool has_fired;

static void note(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
    has_fired = true;
    if (bight_reactor_is_running(reactor)) {
        bight_reactor_stop(reactor);
    }
}

/* Serves until it has fired. */
static void await_end(struct bight_deferred *deferred)
{
    has_fired = false;
    bight_deferred_add_both(deferred, note, NULL);
    bight_deferred_release(deferred);
    while (!has_fired && bight_reactor_run(reactor) == 0) {
    }
}

/* -------------------------------------------------------------------------------------------- the verbs */

static struct bight_protocol_ops no_ops;
static struct bight_factory factory = BIGHT_FACTORY(struct bight_protocol, &no_ops);

static void run_only(void)
{
    await_end(bight_sleep(bight_reactor_clock(reactor), 0));
}

static void set_limit(int resource, rlim_t value)
{
    struct rlimit limit;
    getrlimit(resource, &limit);
    limit.rlim_cur = value;
    setrlimit(resource, &limit);
}

static void fork_under(rlim_t descriptors)
{
    pid_t child = fork();
    int status = 0;
    if (child == 0) {
        alarm(SECONDS);
        if (descriptors != 0) {
            set_limit(RLIMIT_NOFILE, descriptors);
        }
        if (bight_reactor_after_fork(reactor) == 0) {
            run_only();
        }
        bight_reactor_free(reactor);
        _exit(0);
    }
    if (child > 0 && (waitpid(child, &status, 0) != child || status != 0)) {
        _exit(3);
    }
}

static void fork_and_go_on(void)
{
    fork_under(0);
}

/* The limit is below the numbers of the descriptors that are open. */
static void fork_and_sink(void)
{
    fork_under(3);
}

static void listen_on_tcp(void)
{
    await_end(bight_listen(reactor, "tcp:0:interface=127.0.0.1", &factory));
}

static void listen_on_path(void)
{
    char endpoint[80];
    snprintf(endpoint, sizeof endpoint, "unix:%s.socket", path);
    await_end(bight_listen(reactor, endpoint, &factory));
}

static void connect_to_itself(void)
{
    char endpoint[64];
    struct bight_address address;
    struct bight_deferred *port = bight_listen(reactor, "tcp:0:interface=127.0.0.1", &factory);
    if (bight_result_failure(bight_deferred_result(port)) == NULL) {
        bight_port_address(bight_result_peek(bight_deferred_result(port), &bight_type_port), &address);
        snprintf(endpoint, sizeof endpoint, "tcp:127.0.0.1:%u", address.port);
        await_end(bight_connect(reactor, endpoint, &factory));
    }
    bight_result_clear(bight_deferred_result(port));
    bight_deferred_release(port);
}

static void connect_by_name(void)
{
    await_end(bight_connect(reactor, "tcp:localhost:1", &factory));
}

static const char *const program[] = { "/bin/sh", "-c", "echo word", NULL };

static void run_program(void)
{
    struct bight_process_output_options options = { .size = sizeof options, .argv = program };
    await_end(bight_get_process_output_and_value(reactor, &options));
}

static void ended(struct bight_process_protocol *protocol, const struct bight_failure *reason)
{
    (void)protocol;
    (void)reason;
    if (bight_reactor_is_running(reactor)) {
        bight_reactor_stop(reactor);
    }
}

static void run_on_terminal(void)
{
    static const struct bight_process_protocol_ops ops = { .process_ended = ended };
    static struct bight_process_protocol protocol = BIGHT_PROCESS_PROTOCOL(&ops);
    struct bight_process_options options = { .size = sizeof options, .argv = program, .terminal = true };
    if (bight_spawn_process(reactor, &protocol, &options, NULL) == 0) {
        (void)bight_reactor_run(reactor);
    }
}

static void use_workers(void)
{
    static const char *const no_worker[] = { "/bin/sh", "-c", "exit 1", NULL };
    struct bight_worker_pool_options options = {
        .size = sizeof options, .argv = no_worker, .workers = 2, .death_limit = 1
    };
    struct bight_worker_pool *pool = bight_worker_pool_new(reactor, &options);
    if (pool != NULL) {
        await_end(bight_worker_pool_submit(pool, "x", 1)); /* fails in any case */
    }
    bight_worker_pool_free(pool);
}

static void work(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
}

static void use_thread(void)
{
    await_end(bight_defer_to_thread(reactor, work, NULL));
}

static void use_named_pool(void)
{
    struct bight_thread_pool *pool = bight_thread_pool_new(reactor, "limited", 3);
    await_end(bight_thread_pool_defer(pool, work, NULL));
    (void)bight_thread_pool_resize(pool, 8);
    bight_thread_pool_free(pool);
}

static struct bight_deferred *give_nothing(void *context)
{
    (void)context;
    return NULL;
}

static struct bight_mailbox *mailbox;

static void call_back(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    (void)bight_blocking_call_from_thread(mailbox, give_nothing, NULL, NULL);
}

static void block_for_loop(void)
{
    mailbox = bight_reactor_mailbox(reactor);
    await_end(bight_defer_to_thread(reactor, call_back, NULL));
    bight_mailbox_release(mailbox);
}

static void lock_file(void)
{
    struct bight_file_lock *lock = bight_file_lock_new(reactor, path);
    if (lock != NULL) {
        await_end(bight_file_lock_acquire(lock));
    }
    bight_file_lock_free(lock);
}

static void dump(void)
{
    (void)bight_debug_dump_file(reactor, BIGHT_DUMP_TEXT, path);
    (void)bight_debug_dump_file(reactor, BIGHT_DUMP_DOT, path);
}

static void set_watchdog(void)
{
    (void)bight_reactor_set_watchdog(reactor, 5);
    run_only();
}

static void on_signal(int number, void *context)
{
    (void)number;
    (void)context;
    bight_reactor_stop(reactor);
}

static void hear_signal(void)
{
    if (bight_on_signal(reactor, SIGUSR1, on_signal, NULL) == 0) {
        raise(SIGUSR1);
        (void)bight_reactor_run(reactor);
    }
}

static void sleep_a_little(struct bight_result *result, void *context)
{
    struct bight_result slept = { 0 };
    (void)result;
    (void)context;
    (void)bight_await(bight_sleep(bight_reactor_clock(reactor), 0), &slept);
    bight_result_clear(&slept);
}

static void use_coroutines(void)
{
    for (int i = 0; i < 8; i++) {
        bight_deferred_release(bight_spawn(reactor, sleep_a_little, NULL));
    }
    await_end(bight_spawn(reactor, sleep_a_little, NULL));
}

static void log_to_file(void)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0 && dup2(fd, STDERR_FILENO) >= 0) {
        bight_log_set_level(BIGHT_LOG_ERROR);
        for (int i = 0; i < 50; i++) {
            bight_log(BIGHT_LOG_ERROR, "limits", NULL, "line %d", i);
        }
    }
}

static void (*const verbs[])(void) = { run_only, fork_and_go_on, fork_and_sink, listen_on_tcp, listen_on_path,
    connect_to_itself, connect_by_name, run_program, run_on_terminal, use_workers, use_thread, use_named_pool,
    block_for_loop, lock_file, dump, set_watchdog, hear_signal, use_coroutines, log_to_file };
enum { VERBS = sizeof verbs / sizeof verbs[0] };

/* --------------------------------------------------------------------------------------------- limits */

/* `left` can still be had: all numbers up to that limit are taken. */
static void limit_descriptors(unsigned left)
{
    int fd = 0;
    while (fd < FILLED) {
        fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    }
    set_limit(RLIMIT_NOFILE, (rlim_t)fd + 1 + left);
}

/* In bytes: more than there is now. */
static void limit_memory(int resource, rlim_t more)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%lu", &pages) != 1) {
        pages = 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    set_limit(resource, (rlim_t)pages * 4096 + more);
}

static const struct limit {
    const char *name;
    int resource;
    rlim_t value; /* of memory: more than there is */
} limits[] = {
    { "processes", RLIMIT_NPROC, 0 },
    { "locked memory", RLIMIT_MEMLOCK, 0 },
    { "signals", RLIMIT_SIGPENDING, 0 },
    { "the size of files", RLIMIT_FSIZE, 0 },
    { "the size of files, nearly", RLIMIT_FSIZE, 7 },
    { "the stack", RLIMIT_STACK, 65536 },
#if FOLLOWS_MEMORY
    { "address space", RLIMIT_AS, 0 },
    { "address space, nearly", RLIMIT_AS, 300000 },
    { "address space, less so", RLIMIT_AS, 3000000 },
    { "address space, hardly", RLIMIT_AS, 20000000 },
    { "data", RLIMIT_DATA, 0 },
    { "data, nearly", RLIMIT_DATA, 300000 },
#endif
};
enum { LIMITS = sizeof limits / sizeof limits[0] };

static void limit_it(int which)
{
    if (which < MAX_DESCRIPTORS) {
        limit_descriptors((unsigned)which);
        return;
    }
    const struct limit *limit = &limits[which - MAX_DESCRIPTORS];
    if (limit->resource == RLIMIT_NPROC && geteuid() == 0 && setuid(65534) != 0) { /* it is no limit for root */
        _exit(4);
    }
    if (limit->resource == RLIMIT_AS || limit->resource == RLIMIT_DATA) {
        limit_memory(limit->resource, limit->value);
    } else {
        set_limit(limit->resource, limit->value);
    }
}

static void be_child(void (*verb)(void), int which, bool before)
{
    alarm(SECONDS);
    if (before) {
        limit_it(which);
    }
    reactor = bight_reactor_new();
    if (reactor != NULL) {
        if (!before) {
            limit_it(which);
        }
        verb();
        bight_reactor_free(reactor);
    }
    unlink(path);
    _exit(0);
}

static void try_verb(int verb, int which, bool before)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        be_child(verbs[verb], which, before);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    const char *name = which < MAX_DESCRIPTORS ? "descriptors" : limits[which - MAX_DESCRIPTORS].name;
    ck_assert_msg(status == 0, "verb %d, limit of %s (%d) set %s the reactor was made: %x", verb, name, which,
        before ? "before" : "after", (unsigned)status);
}

START_TEST(no_limit_of_the_system_ends_the_process_or_holds_it_up)
{
    bight_log_set_level(BIGHT_LOG_CRITICAL + 1);
    snprintf(path, sizeof path, "/tmp/bight-limits-%d", (int)getpid());
    for (int which = 0; which < MAX_DESCRIPTORS + LIMITS; which++) {
        try_verb(_i, which, true);
        try_verb(_i, which, false);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, no_limit_of_the_system_ends_the_process_or_holds_it_up, 0, VERBS);
}

BIGHT_TEST_MAIN("limits", add_tests)
