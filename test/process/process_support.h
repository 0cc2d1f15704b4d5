/* SPDX-License-Identifier: MIT */
/* process_support.h - a process protocol that keeps a record of all it hears, and what the tests of processes share.
 *
 * Children are real: /bin/sh, cat. Nothing waits for time: the loop is turned, blocking, until what a test waits for
 * has come, and a child that ought to wait reads from a pipe. */
#ifndef BIGHT_TEST_PROCESS_SUPPORT_H
#define BIGHT_TEST_PROCESS_SUPPORT_H

#include <bight/bight.h>
#include <bight/process.h>
#include <bight/memory.h>
#include <bight/sys/system.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "count_descriptors.h"
#include "support.h"

#include "reactor/reactor.h"

enum { CHILD_FDS = 8, CHILD_TEXT = 4096 };

struct child {
    struct bight_process_protocol base;
    int made, exited, ended;
    int lost[CHILD_FDS];
    int lost_code[CHILD_FDS];
    char text[CHILD_FDS][CHILD_TEXT]; /* the first bytes of each descriptor */
    size_t size[CHILD_FDS];           /* all of them */
    char events[256];                 /* M made, d<fd> the first data, l<fd> lost, X exited, E ended */
    int code, status, signal;         /* of the reason of process_exited */
    int end_code;
    void (*on_made)(struct child *child);
    void (*on_data)(struct child *child, int fd);
    void (*on_exited)(struct child *child);
    void (*on_ended)(struct child *child);
};

static struct bight_reactor *reactor;

static inline struct child *child_of(struct bight_process_protocol *protocol)
{
    return bight_process_self(struct child, protocol);
}

static inline void child_note(struct child *child, char what, int fd)
{
    size_t length = strlen(child->events);
    (void)snprintf(child->events + length, sizeof child->events - length, fd < 0 ? "%c" : "%c%d", what, fd);
}

static inline void child_made(struct bight_process_protocol *protocol)
{
    struct child *child = child_of(protocol);
    child->made++;
    child_note(child, 'M', -1);
    if (child->on_made != NULL) {
        child->on_made(child);
    }
}

static inline void child_data(struct bight_process_protocol *protocol, int fd, const uint8_t *data, size_t size)
{
    struct child *child = child_of(protocol);
    ck_assert_uint_ge(size, 1);
    ck_assert_uint_le(size, 65536);
    if (child->size[fd] == 0) {
        child_note(child, 'd', fd);
    }
    for (size_t i = 0; i < size && child->size[fd] + i < CHILD_TEXT - 1; i++) {
        child->text[fd][child->size[fd] + i] = (char)data[i];
    }
    child->size[fd] += size;
    if (child->on_data != NULL) {
        child->on_data(child, fd);
    }
}

static inline void child_lost(struct bight_process_protocol *protocol, int fd, const struct bight_failure *reason)
{
    struct child *child = child_of(protocol);
    child->lost[fd]++;
    child->lost_code[fd] = bight_failure_code(reason);
    ck_assert_ptr_null(bight_process_transport(protocol->process, fd));
    child_note(child, 'l', fd);
}

static inline void child_exited(struct bight_process_protocol *protocol, const struct bight_failure *reason)
{
    struct child *child = child_of(protocol);
    child->exited++;
    child->code = bight_failure_code(reason);
    child->status = bight_process_exit_status(reason);
    child->signal = bight_process_exit_signal(reason);
    ck_assert_int_eq(bight_failure_status(reason), child->signal != 0  ? -child->signal
                                                   : child->status < 0 ? 0
                                                                       : child->status);
    if (bight_failure_code(reason) == BIGHT_E_PROCESS_TERMINATED) {
        ck_assert_int_eq(bight_failure_errno(reason), 0);
    }
    child_note(child, 'X', -1);
    ck_assert(!bight_process_is_alive(protocol->process));
    if (child->on_exited != NULL) {
        child->on_exited(child);
    }
}

static inline void child_ended(struct bight_process_protocol *protocol, const struct bight_failure *reason)
{
    struct child *child = child_of(protocol);
    child->ended++;
    child->end_code = bight_failure_code(reason);
    child_note(child, 'E', -1);
    if (child->on_ended != NULL) {
        child->on_ended(child);
    }
}

static const struct bight_process_protocol_ops child_ops = {
    .process_made = child_made,
    .child_data_received = child_data,
    .child_connection_lost = child_lost,
    .process_exited = child_exited,
    .process_ended = child_ended,
};

static inline void child_init(struct child *child)
{
    memset(child, 0, sizeof *child);
    child->base.ops = &child_ops;
}

/* What the shell does, with the rest of the options as they are. */
static inline int spawn_shell_full(struct child *child, const char *script, struct bight_process_options options)
{
    const char *argv[] = { "sh", "-c", script, NULL };
    struct bight_failure *failure = NULL;
    options.size = sizeof options;
    options.path = "/bin/sh";
    options.argv = argv;
    int code = bight_spawn_process(reactor, &child->base, &options, &failure);
    ck_assert_msg(code == 0 || failure != NULL, "a refusal has a failure");
    bight_failure_release(failure);
    return code;
}

static inline void spawn_shell(struct child *child, const char *script)
{
    struct bight_process_options options = { .size = sizeof options };
    child_init(child);
    ck_assert_int_eq(spawn_shell_full(child, script, options), 0);
}

/* One turn, which waits for news only when nothing else is to be done. */
static inline void turn(void)
{
    bi_reactor_turn(reactor, !bi_reactor_has_work(reactor));
}

static inline void turn_until(const int *count)
{
    while (*count == 0) {
        turn();
    }
}

/* Runs it to its end. */
static inline void run_shell(struct child *child, const char *script)
{
    spawn_shell(child, script);
    turn_until(&child->ended);
}

/* No child is left, neither living nor a zombie. */
static inline bool has_no_children(void)
{
    return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
}

static int descriptors_before;

static inline void begin_processes(void)
{
    struct bight_reactor_options options = { .size = sizeof options, .leave_signals = true };
    descriptors_before = count_descriptors();
    reactor = bight_reactor_new_full(&options);
    ck_assert_ptr_nonnull(reactor);
}

static inline void end_processes(void)
{
    bight_reactor_free(reactor);
    ck_assert_int_eq(count_descriptors(), descriptors_before);
    ck_assert(has_no_children());
}

#endif
