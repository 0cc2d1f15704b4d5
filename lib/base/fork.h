/* SPDX-License-Identifier: MIT */
/* fork.h - what fork(2) means to a library with locks: which of them are held across it, and telling a child from its
 * parent.
 *
 * A fork copies a lock that another thread holds, and that thread is not in the child to release it. So every lock of
 * the library is guarded: the thread that forks takes them all first, in the order below, and both processes release
 * them. What a guarded lock protects is whole in the child, too. The C library's fork() does this; a child made past it
 * (_Fork, clone) is not guarded. */
#ifndef BI_BASE_FORK_H
#define BI_BASE_FORK_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "base/private.h"

/* A thread that has one of these locks may take those further down, and no others. Locks of one line are never held
 * together, except by a fork. */
enum bi_fork_order {
    BI_FORK_WATCHDOG,
    BI_FORK_POOL,    /* its jobs come home by the mailbox */
    BI_FORK_LEFT,    /* the count of threads that were left behind */
    BI_FORK_MAILBOX, /* wakes the loop by a system call */
    BI_FORK_SIGNALS,
    BI_FORK_BACKTRACE,
    BI_FORK_KIT,   /* of the testing kit: what it has been told, and the plan of faults of system calls */
    BI_FORK_TRUST, /* held while it is read: allocates, logs */
    BI_FORK_TLS,   /* contexts, tickets and sessions: each for a few instructions */
    BI_FORK_PLACES,
    BI_FORK_SLAB,   /* allocates */
    BI_FORK_FAULTS, /* of the testing kit: of allocations */
    BI_FORK_ORDERS
};

/* Beside the lock, in its owner's memory. */
struct bi_fork_guard {
    pthread_mutex_t *lock;
    enum bi_fork_order order;
    /* In the child, still under the lock: makes again what cannot be held, such as condition variables, on which
     * threads wait that are not here. No system calls, no memory. May be NULL. */
    void (*in_child)(struct bi_fork_guard *guard);
    struct bi_link link; /* fork.c's */
};

/* Neither may be called with a guarded lock held. */
BI_PRIVATE_API void bi_fork_guard_add(struct bi_fork_guard *guard);
void bi_fork_guard_remove(struct bi_fork_guard *guard);

/* How many forks lie between this process and the first: what noted another count was made by a process that this one
 * was forked from. */
extern unsigned bi_fork_count;

/* How many forks this process has come through, as the parent or as the child: what was made at another count may be
 * another process's, too. */
extern atomic_uint bi_forks_seen;

/* The lock of a file, which lives as long as the process, is guarded from before main() on. */
#define BI_FORK_GUARD(mutex, its_order, its_function)                                                               \
    __attribute__((constructor)) static void follow_forks(void)                                                     \
    {                                                                                                               \
        static struct bi_fork_guard guard = { .lock = &(mutex), .order = (its_order), .in_child = (its_function) }; \
        bi_fork_guard_add(&guard);                                                                                  \
    }

#endif
