/* SPDX-License-Identifier: MIT */
/* bight/testing/syscalls.h - system calls that fail, one after the other: faults over any table of system calls.
 *
 * A faulty system passes each call on to an inner table, the kernel's or a simulation's, but for one of a run: the n-th
 * call of a kind fails with an errno of its manual page, or does less: it moves fewer bytes; a start of a child, which
 * fails at each of its steps, returns no pidfd; a look at one that has ended says that it lives. EBADF, EFAULT, EINVAL,
 * ENOTSOCK and the few others that only a mistake of the caller's brings about (EISCONN, EALREADY, EOPNOTSUPP) are left
 * out. */
#ifndef BIGHT_TESTING_SYSCALLS_H
#define BIGHT_TESTING_SYSCALLS_H

#include <bight/bight.h>
#include <bight/sys/system.h>

BIGHT_BEGIN

/* In the test's memory, which must live as long as what uses it. Fields are bight's. */
struct bight_faulty_system {
    struct bight_system system; /* for bight_reactor_options.system */
    struct bight_system *inner;
    void *reserved[2];
};

/* Over `inner`; NULL: the kernel's. Outside bight_testing_with_system_faults all calls are passed on. */
BIGHT_API void bight_faulty_system_init(struct bight_faulty_system *faulty, struct bight_system *inner);

/* The same for a reactor that exists already, such as a simulated host's: from here on its calls go through `faulty`,
 * which must outlive it. To be used before anything is listened on or connected. */
BIGHT_API void bight_faulty_system_insert(struct bight_faulty_system *faulty, struct bight_reactor *reactor);

struct bight_system_fault_options {
    size_t size;      /* sizeof(struct bight_system_fault_options) */
    const char *only; /* one kind of call, as "accept4"; NULL: all */
    size_t limit;     /* most n of each kind; 0: 64 */
    unsigned seconds; /* of real time that a run may take before it counts as hung; 0: 20 */
};

/* Runs body(context) again and again: once with no fault, then for each kind of call, each errno and each n until a run
 * does not come to an n-th call. The body makes and ends everything itself, its faulty systems too. A body's `false`,
 * descriptors or memory of the hook that a run leaves open or out, are logged as errors with call, n, errno and the
 * place that was calling; a crash or a hang ends the process with the same words. Returns the number of runs that went
 * wrong. options may be NULL. Runs in this process and thread; other threads may make calls too. */
BIGHT_API size_t bight_testing_with_system_faults(
    bool (*body)(void *context), void *context, const struct bight_system_fault_options *options);

/* True while, in the present run, a call has been made to fail (to do less is no failure): for bodies that expect
 * success otherwise. */
BIGHT_API bool bight_testing_system_fault_injected(void);

/* The number of runs that the last loop made. */
BIGHT_API size_t bight_testing_system_fault_runs(void);

BIGHT_END

#endif
