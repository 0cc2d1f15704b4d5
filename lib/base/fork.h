/* SPDX-License-Identifier: MIT */
/* fork.h - what fork(2) means to a library with locks: which of them are held across it, and telling a child from its
 * parent.
 *
 * A fork copies a lock that another thread holds, and that thread is not in the child to release it. So every lock of
 * the library is guarded: the thread that forks takes them all first, in the order below, and both processes release
 * them. What a guarded lock protects is whole in the child, too. The C library's fork() does this; a child made past it
 * (_Fork, clone) is not guarded. */
#ifndef BIGHT_BASE_FORK_H
#define BIGHT_BASE_FORK_H

#include <pthread.h>

#include "base/list.h"
#include "base/private.h"

/* A thread that has one of these locks may take those further down, and no others. Locks of one line are never held
 * together, except by a fork. */
enum bight_fork_order {
    BIGHT_FORK_WATCHDOG,
    BIGHT_FORK_POOL,    /* its jobs come home by the mailbox */
    BIGHT_FORK_LEFT,    /* the count of threads that were left behind */
    BIGHT_FORK_MAILBOX, /* wakes the loop by a system call */
    BIGHT_FORK_SIGNALS,
    BIGHT_FORK_BACKTRACE,
    BIGHT_FORK_KIT, /* of the testing kit: what it has been told, and the plan of faults of system calls */
    BIGHT_FORK_PLACES,
    BIGHT_FORK_SLAB,   /* allocates */
    BIGHT_FORK_FAULTS, /* of the testing kit: of allocations */
    BIGHT_FORK_ORDERS
};

/* Beside the lock, in its owner's memory. */
struct bight_fork_guard {
    pthread_mutex_t *lock;
    enum bight_fork_order order;
    /* In the child, still under the lock: makes anew what cannot be held, such as condition variables, on which threads
     * wait that are not here. No system calls, no memory. May be NULL. */
    void (*in_child)(struct bight_fork_guard *guard);
    struct bight_link link; /* fork.c's */
};

/* Neither may be called with a guarded lock held. */
BIGHT_PRIVATE_API void bight_fork_guard_add(struct bight_fork_guard *guard);
void bight_fork_guard_remove(struct bight_fork_guard *guard);

/* How many forks lie between this process and the first: what noted another count was made by a process that this one
 * was forked from. */
extern unsigned bight_fork_count;

/* The lock of a file, which lives as long as the process, is guarded from before main() on. */
#define BIGHT_FORK_GUARD(mutex, its_order, its_function)                                                               \
    __attribute__((constructor)) static void follow_forks(void)                                                        \
    {                                                                                                                  \
        static struct bight_fork_guard guard = { .lock = &(mutex), .order = (its_order), .in_child = (its_function) }; \
        bight_fork_guard_add(&guard);                                                                                  \
    }

#endif
