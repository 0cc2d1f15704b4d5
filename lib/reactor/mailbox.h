/* SPDX-License-Identifier: MIT */
/* mailbox.h - the mailbox, for the files that share it, and posting a call that the poster has already allocated.
 *
 * bight_call_from_thread allocates a call for each; a job of a thread pool carries its own, so that a finished job
 * comes home when out of memory. */
#ifndef BI_REACTOR_MAILBOX_H
#define BI_REACTOR_MAILBOX_H

#include <bight/thread.h>

#include <stdatomic.h>

#include "base/fork.h"
#include "reactor/reactor.h"
#include "reactor/waker.h"

/* Embedded in what is posted. */
struct bi_call {
    struct bi_call *next;
    /* Called once, in the loop's thread; the call is the callee's then. `dropped`: the reactor goes. */
    void (*run)(struct bi_call *call, bool dropped);
};

/* What is done with the calls whose callers wait for an answer: set by the first of them, so that the loop's room does
 * not know theirs. In the loop's thread. */
struct bi_waiting_calls {
    void (*end)(struct bight_mailbox *mailbox);        /* no caller will be answered any more */
    void (*after_fork)(struct bight_mailbox *mailbox); /* the waiting threads are not here */
};

struct bight_mailbox {
    atomic_size_t holds;
    pthread_mutex_t lock;
    struct bi_fork_guard guard;
    /* under the lock, except that the loop may look whether `first` is NULL */
    struct bi_call *first;
    struct bi_call **tail; /* where the next call is linked */
    bool signalled;        /* a wake-up has been written for what is in the queue */
    bool closed;
    bool nobody_waits;                      /* the run has ended: no thread may block for the loop */
    const struct bi_waiting_calls *waiting; /* NULL: no thread has waited yet */
    size_t limit;                           /* of calls of bight_call_from_thread that wait */
    size_t asked;     /* how many there have been; only what is beyond `made` waits. Both may wrap */
    pthread_t thread; /* the reactor's */
    struct bi_waker waker;
    /* the loop's thread only */
    struct bight_reactor *reactor;
    atomic_size_t made;    /* of those asked for; others only read it */
    struct bi_call *taken; /* of the queue, and not yet run: those behind the one that runs */
    struct bi_link begun;  /* blocking calls whose Deferreds are awaited */
    max_align_t watch[];   /* the loop's watch_size bytes */
};

/* Any thread. 0, or SHUTDOWN when the reactor has gone: then nothing was taken. The call must be in no mailbox. */
int bi_mailbox_post(struct bight_mailbox *mailbox, struct bi_call *call);

/* The same under the lock, of a mailbox that is not closed. */
void bi_mailbox_post_locked(struct bight_mailbox *mailbox, struct bi_call *call);

/* The reactor's, borrowed. */
struct bight_mailbox *bi_mailbox_of(const struct bight_reactor *reactor);

#endif
