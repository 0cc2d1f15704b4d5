/* SPDX-License-Identifier: MIT */
/* system_spawn.c - the kernel's table, about starting a child: the process and the steps that it takes by itself.
 *
 * The child shares our memory and we stand still until it has loaded its program (as with vfork), so nothing of ours is
 * copied and a failed step is told by writing it down. For the same reason the child may do next to nothing: bare
 * system calls, on a stack of its own. All signals are blocked around it, so no handler of ours runs in it. Everything
 * that needs thought (what to open, where to look for the program) has been done by lib/transport/process_*.c. */
#include "reactor/system_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bight/memory.h>

/* Bare calls: the library's own, and what sanitizers put in their place, change memory that is ours. */
#ifdef SYS_setgroups32
#define CALL_SETGROUPS SYS_setgroups32
#define CALL_SETGID SYS_setgid32
#define CALL_SETUID SYS_setuid32
#else
#define CALL_SETGROUPS SYS_setgroups
#define CALL_SETGID SYS_setgid
#define CALL_SETUID SYS_setuid
#endif

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000 /* kernels that do not know it ignore it */
#endif
#define SET_CLOSE_ON_EXEC 4 /* close_range's */

enum { STACK_SIZE = 32768, SIGNALS = 64, SIGNAL_SET_SIZE = 8, EXIT_NOT_STARTED = 127 };

#define IN_CHILD __attribute__((no_sanitize("address", "undefined", "thread")))

struct child {
    const struct bight_spawn_plan *plan;
    pid_t parent;
    unsigned limit; /* of descriptors */
    enum bight_spawn_step step;
    int error; /* 0: none */
    int sources[];
};

/* ------------------------------------------------------------------------------------ in the child */

/* Everything that the kernel's struct sigaction may be, all zero: the default. */
static const uint64_t default_action[8];
static const uint64_t no_signals[2];

IN_CHILD static long reset_signals(void)
{
    for (long number = 1; number <= SIGNALS; number++) {
        (void)syscall(SYS_rt_sigaction, number, default_action, NULL, SIGNAL_SET_SIZE); /* KILL and STOP: EINVAL */
    }
    return 0;
}

/* Sources that lie where a target is to be, move above all targets. */
IN_CHILD static long move_sources(struct child *child)
{
    const struct bight_spawn_plan *plan = child->plan;
    int highest = -1;
    for (size_t i = 0; i < plan->descriptor_count; i++) {
        highest = plan->descriptors[i].target > highest ? plan->descriptors[i].target : highest;
    }
    for (size_t i = 0; i < plan->descriptor_count; i++) {
        long source = plan->descriptors[i].source;
        if (source <= highest) {
            source = syscall(SYS_fcntl, source, F_DUPFD_CLOEXEC, highest + 1);
        }
        if (source < 0) {
            return -1;
        }
        child->sources[i] = (int)source;
    }
    return 0;
}

/* Whatever somebody in this process opened without thinking of children is closed when the program is loaded. */
IN_CHILD static void close_at_exec(const struct child *child)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 0, ~0U, SET_CLOSE_ON_EXEC) == 0) {
        return;
    }
#endif
    for (unsigned fd = 0; fd < child->limit; fd++) {
        (void)syscall(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
    }
}

IN_CHILD static long place_descriptors(struct child *child)
{
    const struct bight_spawn_plan *plan = child->plan;
    if (move_sources(child) < 0) {
        return -1;
    }
    close_at_exec(child);
    for (size_t i = 0; i < plan->descriptor_count; i++) {
        long result;
        do {
            result = syscall(SYS_dup3, child->sources[i], plan->descriptors[i].target, 0);
        } while (result < 0 && (errno == EINTR || errno == EBUSY));
        if (result < 0) {
            return -1;
        }
    }
    return 0;
}

IN_CHILD static long tell_of_death(const struct child *child)
{
    if (syscall(SYS_prctl, PR_SET_PDEATHSIG, child->plan->parent_death_signal) < 0) {
        return -1;
    }
    if (syscall(SYS_getppid) != child->parent) { /* it was faster */
        (void)syscall(SYS_exit_group, EXIT_NOT_STARTED);
    }
    return 0;
}

/* Tries the next place when this one has no such program; remembers that one was there and could not be run. */
IN_CHILD static long run_program(const struct bight_spawn_plan *plan)
{
    bool denied = false;
    for (const char *const *path = plan->paths; *path != NULL; path++) {
        (void)syscall(SYS_execve, *path, plan->argv, plan->environment);
        denied = denied || errno == EACCES;
        if (errno != EACCES && errno != ENOENT && errno != ENOTDIR && errno != ESTALE && errno != ENODEV &&
            errno != ETIMEDOUT) {
            return -1;
        }
    }
    errno = denied ? EACCES : errno;
    return -1;
}

IN_CHILD static long take_step(struct child *child)
{
    const struct bight_spawn_plan *plan = child->plan;
    switch (child->step) {
    case BIGHT_SPAWN_SIGNALS:
        return reset_signals();
    case BIGHT_SPAWN_SESSION:
        return plan->new_session ? syscall(SYS_setsid) : 0;
    case BIGHT_SPAWN_GROUP:
        return plan->process_group ? syscall(SYS_setpgid, 0, 0) : 0;
    case BIGHT_SPAWN_TERMINAL:
        return plan->terminal >= 0 ? syscall(SYS_ioctl, plan->terminal, TIOCSCTTY, 0) : 0;
    case BIGHT_SPAWN_DESCRIPTORS:
        return place_descriptors(child);
    case BIGHT_SPAWN_SETGROUPS:
        return plan->set_identity ? syscall(CALL_SETGROUPS, plan->group_count, plan->groups) : 0;
    case BIGHT_SPAWN_SETGID:
        return plan->set_identity ? syscall(CALL_SETGID, plan->group) : 0;
    case BIGHT_SPAWN_SETUID:
        return plan->set_identity ? syscall(CALL_SETUID, plan->user) : 0;
    case BIGHT_SPAWN_DIRECTORY:
        return plan->directory != NULL ? syscall(SYS_chdir, plan->directory) : 0;
    case BIGHT_SPAWN_PARENT:
        return plan->parent_death_signal != 0 ? tell_of_death(child) : 0;
    default:
        (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, no_signals, NULL, SIGNAL_SET_SIZE);
        return run_program(plan);
    }
}

IN_CHILD static int be_child(void *context)
{
    struct child *child = context;
    do {
        child->step++;
    } while (take_step(child) >= 0);
    child->error = errno;
    (void)syscall(SYS_exit_group, EXIT_NOT_STARTED); /* not _exit, which runs code of sanitizers */
    return EXIT_NOT_STARTED;
}

/* ----------------------------------------------------------------------------------- in the parent */

static void reap_failed(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
}

static int start(struct child *child, char *stack, struct bight_spawned *spawned)
{
    sigset_t all, before;
    char *top = stack + STACK_SIZE;
    top -= (uintptr_t)top % 16;
    child->parent = getpid();
    spawned->pidfd = -1;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    spawned->pid = clone(be_child, top, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, child, &spawned->pidfd);
    int error = spawned->pid < 0 ? errno : child->error;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    spawned->step = child->step;
    if (error == 0) {
        return 0;
    }
    if (spawned->pid > 0) {
        reap_failed(spawned->pid);
    }
    if (spawned->pidfd >= 0) {
        (void)close(spawned->pidfd);
    }
    return -error;
}

int bight_real_spawn(struct bight_system *system, const struct bight_spawn_plan *plan, struct bight_spawned *spawned)
{
    struct rlimit limit = { 0, 0 };
    size_t size = sizeof(struct child) + plan->descriptor_count * sizeof(int);
    struct child *child = bight_calloc(1, size + STACK_SIZE);
    (void)system;
    spawned->step = BIGHT_SPAWN_START;
    if (child == NULL) {
        return -ENOMEM;
    }
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    child->plan = plan;
    child->limit = limit.rlim_cur > INT32_MAX ? INT32_MAX : (unsigned)limit.rlim_cur;
    child->step = BIGHT_SPAWN_START;
    int result = start(child, (char *)child + size, spawned);
    bight_free(child);
    return result;
}
