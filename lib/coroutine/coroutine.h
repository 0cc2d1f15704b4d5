/* SPDX-License-Identifier: MIT */
/* coroutine.h - a coroutine, and a reactor's coroutines, for the two files that make them: coroutine.c,
 * hub.c. */
#ifndef BIGHT_REACTOR_COROUTINE_H
#define BIGHT_REACTOR_COROUTINE_H

#include <bight/coroutine.h>

#include "deferred/deferred.h"
#include "coroutine/annotate.h"
#include "coroutine/stack.h"
#include "coroutine/switch.h"
#include "reactor/reactor.h"

/* One reactor's. */
struct bight_coroutine_hub {
    struct bight_attachment attachment;
    struct bight_reactor *reactor;
    struct bight_stack_pool stacks;
    struct bight_link alive; /* coroutines that have begun and not ended */
    size_t count;
    size_t limit;
    struct bight_task task; /* asks again */
    unsigned rounds;
};

/* Lies at the upper end of its stack. What each await touches comes first. */
struct bight_coroutine {
    struct bight_coroutine_hub *hub;
    struct bight_deferred *outer;
    const char *awaits_at;
    unsigned handler_depth; /* of the reactor, on this stack */
    unsigned answered;      /* awaits at once, since it last changed stacks */
    uint64_t resumed_by;    /* the number of an inner loop (deferred.h); 0: none */
    bool has_ended;
    bool is_told_to_end;                 /* cancelled while the reactor is freed */
    struct bight_switch inside, outside; /* where it is left, and where it was resumed from */
    struct bight_fiber fiber;
    struct bight_link link;
    struct bight_task turn; /* queued while it is parked */
    struct bight_stack *stack;
    bight_coroutine_function function;
    void *context;
    bight_release_function release;
    struct bight_result result;
    const char *spawned_at;
};

/* hub.c: the reactor's, made when there is none; NULL without memory. */
struct bight_coroutine_hub *bight_coroutine_hub_of(struct bight_reactor *reactor);

/* coroutine.c: resumes the parked coroutine whose `turn` this is. */
void bight_coroutine_go_on(struct bight_task *turn);

#endif
