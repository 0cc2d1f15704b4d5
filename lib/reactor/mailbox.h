/* SPDX-License-Identifier: MIT */
/* mailbox.h - posting a call that the poster has already allocated.
 *
 * bight_call_from_thread allocates a call for each; a job of the thread pool carries its own, so that a finished job
 * comes home without memory. */
#ifndef BIGHT_REACTOR_MAILBOX_H
#define BIGHT_REACTOR_MAILBOX_H

#include "reactor/reactor.h"

/* Embedded in what is posted. */
struct bight_call {
    struct bight_call *next;
    /* Called once, in the loop's thread; the call is the callee's then. `dropped`: the reactor goes. */
    void (*run)(struct bight_call *call, bool dropped);
};

/* Any thread. 0, or SHUTDOWN when the reactor has gone: then nothing was taken. The call must be in no mailbox. */
int bight_mailbox_post(struct bight_mailbox *mailbox, struct bight_call *call);

/* In the child of a fork, for looking at what waits: the oldest call. */
struct bight_call *bight_mailbox_first(struct bight_mailbox *mailbox);

#endif
