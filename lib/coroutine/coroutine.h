/* SPDX-License-Identifier: MIT */
/* coroutine.h - a coroutine, and a reactor's coroutines, for the two files that make them: coroutine.c,
 * hub.c. */
#ifndef BI_COROUTINE_COROUTINE_H
#define BI_COROUTINE_COROUTINE_H

#include <bight/coroutine.h>

#include "coroutine/annotate.h"
#include "coroutine/stack.h"
#include "coroutine/switch.h"
#include "deferred/deferred.h"
#include "reactor/reactor.h"

/* One reactor's. */
struct bi_coroutine_hub {
    struct bi_attachment attachment;
    struct bight_reactor *reactor;
    struct bi_stack_pool stacks;
    struct bi_link alive; /* coroutines that have begun and not ended */
    size_t count;
    size_t limit;
    struct bi_task task; /* asks again */
    unsigned rounds;
};

/* Lies at the upper end of its stack. What each await touches comes first. */
struct bi_coroutine {
    struct bi_coroutine_hub *hub;
    struct bight_deferred *outer;
    const char *awaits_at;
    unsigned handler_depth; /* of the reactor, on this stack */
    unsigned answered;      /* awaits at once, since it last changed stacks */
    uint64_t resumed_by;    /* the number of an inner loop (deferred.h); 0: none */
    bool has_ended;
    bool is_told_to_end;              /* cancelled while the reactor is freed */
    struct bi_switch inside, outside; /* where it is left, and where it was resumed from */
    struct bi_fiber fiber;
    struct bi_link link;
    struct bi_task turn; /* queued while it is parked */
    struct bi_stack *stack;
    bight_coroutine_function function;
    void *context;
    bight_release_function release;
    struct bight_result result;
    const char *spawned_at;
};

/* hub.c: the reactor's, made when there is none; NULL when out of memory. */
struct bi_coroutine_hub *bi_coroutine_hub_of(struct bight_reactor *reactor);

/* coroutine.c: resumes the parked coroutine whose `turn` this is. */
void bi_coroutine_go_on(struct bi_task *turn);

#endif
