/* SPDX-License-Identifier: MIT */
/* blocking_call.h - telling threads that block for the loop, or are about to, that they will not be answered. */
#ifndef BI_THREAD_BLOCKING_CALL_H
#define BI_THREAD_BLOCKING_CALL_H

#include <stdatomic.h>

#include "reactor/mailbox.h"

/* Threads that end together, a pool's: those of them that want to block while they are ending are told SHUTDOWN. */
struct bi_crew {
    atomic_bool is_ending;
};

/* From now on this thread is one of them. */
void bi_crew_join(const struct bi_crew *crew);

/* Threads that block for the loop, or wait to, get SHUTDOWN: all, or with a crew just its own. */
void bi_blocking_calls_end(struct bight_mailbox *mailbox, const struct bi_crew *crew);

#endif
