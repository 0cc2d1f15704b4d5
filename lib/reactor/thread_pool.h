/* SPDX-License-Identifier: MIT */
/* thread_pool.h - what tests set in a pool. */
#ifndef BIGHT_REACTOR_THREAD_POOL_H
#define BIGHT_REACTOR_THREAD_POOL_H

#include "reactor/reactor.h"

/* How long a shutdown waits for running jobs, instead of five seconds; 0 waits not at all. For the present pool (made
 * if need be). 0 or OUT_OF_MEMORY. */
int bight_thread_pool_set_patience(struct bight_reactor *reactor, uint64_t nanoseconds);

#endif
