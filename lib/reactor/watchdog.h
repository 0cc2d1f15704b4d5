/* SPDX-License-Identifier: MIT */
/* watchdog.h - the thread that looks after a loop, for the files of this room that begin and end it. */
#ifndef BIGHT_REACTOR_WATCHDOG_H
#define BIGHT_REACTOR_WATCHDOG_H

#include "reactor/reactor.h"

/* This thread is the loop's from now on. Fine when there is no watchdog. */
void bight_watchdog_follow(struct bight_reactor *reactor);
/* A run has ended, and this thread may end too: waits while it is being asked where it is. */
void bight_watchdog_leave(struct bight_reactor *reactor);
/* The reactor goes: joins the thread. */
void bight_watchdog_end(struct bight_reactor *reactor);
/* In the child of a fork, where the thread is not: forgets it. */
void bight_watchdog_after_fork(struct bight_reactor *reactor);

#endif
