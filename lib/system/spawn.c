/* SPDX-License-Identifier: MIT */
/* spawn.c - the kernel's table, about starting a child: the process and the steps that it takes by itself.
 *
 * The child shares our memory and we stand still until it has loaded its program (as with vfork), so nothing of ours is
 * copied. For the same reason the child may do next to nothing: bare system calls, on a stack of its own. All signals
 * are blocked around it, so no handler of ours runs in it. Everything that needs thought (what to open, where to look
 * for the program) has been done by lib/process.
 *
 * A failed step comes back through a pipe that closes when the program is loaded, and not by writing it down in the
 * shared memory: emulators (valgrind, qemu-user) make a plain fork of all this, which shares nothing and does not
 * wait. */
#include "system/descriptor.h"
#include "system/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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

enum { STACK_SIZE = 32768, LISTING_SIZE = 4096, SIGNALS = 64, SIGNAL_SET_SIZE = 8, EXIT_NOT_STARTED = 127 };

/* How many descriptors are gone through where nothing tells which are open. */
enum { MIN_GONE_THROUGH = 1 << 16, MAX_GONE_THROUGH = 1 << 20 };

#define IN_CHILD __attribute__((no_sanitize("address", "undefined", "thread")))

struct child {
    const struct bight_spawn_plan *plan;
    unsigned means;
    pid_t parent;
    unsigned limit; /* of descriptors */
    enum bight_spawn_step step;
    int report[2]; /* a pipe: struct report, or its end. The parent's numbers: the child writes into its memory */
    int reporting; /* where the child has the writing end */
    int sources[];
};

/* What the child could not do. */
struct report {
    int step, error;
};

/* As the kernel's getdents64 fills it in. */
struct entry {
    uint64_t inode, offset;
    unsigned short size;
    unsigned char type;
    char name[];
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

/* One that lies where a target is to be, moves above all targets. */
IN_CHILD static long move_above(long fd, int highest)
{
    return fd > highest ? fd : syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, highest + 1);
}

IN_CHILD static long move_sources(struct child *child)
{
    const struct bight_spawn_plan *plan = child->plan;
    int highest = -1;
    for (size_t i = 0; i < plan->descriptor_count; i++) {
        highest = plan->descriptors[i].target > highest ? plan->descriptors[i].target : highest;
    }
    for (size_t i = 0; i < plan->descriptor_count; i++) {
        child->sources[i] = (int)move_above(plan->descriptors[i].source, highest);
        if (child->sources[i] < 0) {
            return -1;
        }
    }
    long reporting = move_above(child->reporting, highest);
    if (reporting >= 0) {
        child->reporting = (int)reporting;
    }
    return reporting;
}

/* A number of /proc/self/fd; -1: another name. */
IN_CHILD static int number_of(const char *name)
{
    int number = 0;
    for (; *name >= '0' && *name <= '9'; name++) {
        number = 10 * number + (*name - '0');
    }
    return *name == '\0' ? number : -1;
}

/* True when `directory` itself was among them. */
IN_CHILD static bool mark_entries(const char *entries, long size, int directory)
{
    bool has_seen_itself = false;
    for (long at = 0; at < size;) {
        const struct entry *entry = (const struct entry *)(const void *)(entries + at);
        int fd = number_of(entry->name);
        if (fd >= 0) {
            (void)syscall(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
        }
        has_seen_itself = has_seen_itself || fd == directory;
        at += entry->size;
    }
    return has_seen_itself;
}

/* The child's own table, which no thread of its parent's changes any more. False: there is no such list here. */
IN_CHILD static bool mark_listed(void)
{
    _Alignas(struct entry) char entries[LISTING_SIZE];
    bool is_true_list = false; /* not just a directory of that name */
    long size;
    long directory = syscall(SYS_openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return false;
    }
    while ((size = syscall(SYS_getdents64, directory, entries, sizeof entries)) > 0) {
        is_true_list = mark_entries(entries, size, (int)directory) || is_true_list;
    }
    (void)syscall(SYS_close, directory);
    return is_true_list && size == 0;
}

/* Whatever other code in this process opened without thinking of children is closed when the program is loaded. The
 * limit says little about what is open, since it may have been lowered since; and going through a high one takes
 * long. */
IN_CHILD static void close_at_exec(const struct child *child)
{
#ifdef SYS_close_range
    if ((child->means & BI_SPAWN_RANGES) != 0 && syscall(SYS_close_range, 0, ~0U, SET_CLOSE_ON_EXEC) == 0) {
        return;
    }
#endif
    if ((child->means & BI_SPAWN_LISTS) != 0 && mark_listed()) {
        return;
    }
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
    (void)syscall(SYS_close, child->report[0]); /* so there is room for a descriptor, whatever the limit */
    do {
        child->step++;
    } while (take_step(child) >= 0);
    struct report report = { (int)child->step, errno };
    (void)syscall(SYS_write, child->reporting, &report, sizeof report);
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

/* An emulator may refuse a flag that it does not know, which kernels do not. */
static pid_t make_child(struct child *child, char *stack, int *pidfd)
{
    char *top = stack + STACK_SIZE;
    top -= (uintptr_t)top % 16;
    int flags = SIGCHLD | ((child->means & BI_SPAWN_SHARES) != 0 ? CLONE_VM | CLONE_VFORK : 0);
    pid_t pid = -1;
    errno = EINVAL;
    if ((child->means & BI_SPAWN_PIDFDS) != 0) {
        pid = clone(be_child, top, flags | CLONE_PIDFD, child, pidfd);
    }
    return pid < 0 && errno == EINVAL ? clone(be_child, top, flags, child) : pid;
}

/* Until the child reports, has loaded its program, or has ended. */
static void wait_for_report(const struct child *child, int pidfd)
{
    struct pollfd polled[] = { { child->report[0], POLLIN, 0 }, { pidfd, POLLIN, 0 } };
    while (poll(polled, 2, -1) < 0 && errno == EINTR) {
    }
}

/* 0 when it runs its program, or an errno. Where the child has changed our memory we stood still for it and nothing is
 * to be waited for. That we do not is more than thrift: a fork in another thread may have taken the pipe's other end
 * along, which is closed at an unknown time. */
static int hear_report(const struct child *child, struct bight_spawned *spawned)
{
    struct report report;
    ssize_t got;
    if (child->step == BIGHT_SPAWN_START) {
        wait_for_report(child, spawned->pidfd);
    }
    do {
        got = read(child->report[0], &report, sizeof report);
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof report) {
        return 0;
    }
    spawned->step = (enum bight_spawn_step)report.step;
    return report.error;
}

static int start(struct child *child, char *stack, struct bight_spawned *spawned)
{
    sigset_t all, before;
    child->parent = getpid();
    spawned->pidfd = -1;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    spawned->pid = make_child(child, stack, &spawned->pidfd);
    int error = spawned->pid < 0 ? errno : 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)close(child->report[1]);
    if (error != 0) {
        return -error;
    }
    error = hear_report(child, spawned);
    if (error == 0) {
        spawned->pidfd = spawned->pidfd < 0 ? -1 : bi_real_clear(spawned->pidfd);
        return 0;
    }
    reap_failed(spawned->pid);
    if (spawned->pidfd >= 0) {
        (void)close(spawned->pidfd);
    }
    return -error;
}

static int start_with_report(struct child *child, char *stack, struct bight_spawned *spawned)
{
    if (pipe2(child->report, O_CLOEXEC | O_NONBLOCK) < 0) {
        return -errno;
    }
    child->reporting = child->report[1];
    int result = start(child, stack, spawned);
    (void)close(child->report[0]);
    return result;
}

/* What may be open: the soft limit can have been lowered since, and a hard one can be as good as none. */
static unsigned find_limit(void)
{
    struct rlimit limit = { 0, 0 };
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    rlim_t hard = limit.rlim_max < MIN_GONE_THROUGH ? limit.rlim_max : MIN_GONE_THROUGH;
    rlim_t most = limit.rlim_cur > hard ? limit.rlim_cur : hard;
    return most < MAX_GONE_THROUGH ? (unsigned)most : MAX_GONE_THROUGH;
}

int bi_real_spawn_by(unsigned means, const struct bight_spawn_plan *plan, struct bight_spawned *spawned)
{
    size_t size = sizeof(struct child) + plan->descriptor_count * sizeof(int);
    struct child *child = bight_calloc(1, size + STACK_SIZE);
    spawned->step = BIGHT_SPAWN_START;
    if (child == NULL) {
        return -ENOMEM;
    }
    child->plan = plan;
    child->means = means;
    child->limit = find_limit();
    child->step = BIGHT_SPAWN_START;
    int result = start_with_report(child, (char *)child + size, spawned);
    bight_free(child);
    return result;
}

int bi_real_spawn(struct bight_system *system, const struct bight_spawn_plan *plan, struct bight_spawned *spawned)
{
    (void)system;
    return bi_real_spawn_by(BI_SPAWN_ALL, plan, spawned);
}
