/* SPDX-License-Identifier: MIT */
/* waiters.h - the waiters at a lock, an event, a queue: what lock.c to queue_wait.c have in common.
 *
 * A *gate* is what is waited at; every lock, event and so on begins with one. A *waiter* is a pooled object that is the
 * context of its Deferred's canceller, in one of the gate's lists for as long as the Deferred has not fired. Firing
 * takes it out of its list first; a cancel does the same; so a waiter in a list can always be fired, and nothing that
 * is handed out goes to one that has left.
 *
 * Whatever lets a waiter through only changes the gate's state and then calls bi_gate_run(), which takes one step after
 * another, each firing one Deferred, until there is none left to take. Called from a handler of the same gate it leaves
 * that to the run that is on the stack already: no number of waiters that let the next one through costs more stack
 * than one. */
#ifndef BI_SYNC_WAITERS_H
#define BI_SYNC_WAITERS_H

#include <bight/deferred.h>

#include "base/list.h"

struct bi_gate {
    bool (*step)(struct bi_gate *gate); /* lets one through; false: there is none to let through */
    size_t references;                  /* the owner's, and those of functions at work on it */
    bool is_running;
    bool is_freed; /* by its owner; the memory stays until the last reference has gone */
};

struct bi_waiters {
    struct bi_link ring;
    size_t count;
};

struct bi_waiter {
    uint64_t generation; /* the slab's */
    struct bi_link link;
    struct bi_waiters *list; /* the one that it is in, or NULL */
    struct bi_gate *gate;
    struct bight_deferred *deferred;
    union {
        struct { /* permits.h */
            struct bi_gate *origin;
            struct bi_waiter *partner;
            bool (*predicate)(void *context); /* of a waiter; NULL: it goes on with the first permit */
            void *context;
            bool is_decided; /* of a waiter */
            bool is_owed;    /* of a token */
        };
        struct { /* a put that waits for room */
            const struct bight_type *type;
            void *value;
            int64_t priority;
        };
        struct { /* barrier.c */
            intptr_t number;
            int code;
        };
    };
};

/* ------------------------------------------------------------------------------------------- gates */

void bi_gate_init(struct bi_gate *gate, bool (*step)(struct bi_gate *gate));
void bi_gate_run(struct bi_gate *gate);

/* The two halves of bi_gate_run, for a caller that takes a first step by hand: false when it is running already, and
 * then there is nothing to leave. */
bool bi_gate_enter(struct bi_gate *gate);
void bi_gate_leave(struct bi_gate *gate);

/* The owner frees it: false, and a usage error, when it has done so before. The owner's reference is released last. */
bool bi_gate_close(struct bi_gate *gate, const char *function);

static inline void bi_gate_hold(struct bi_gate *gate)
{
    gate->references++;
}

/* The memory of the whole object, which begins with its gate, goes with the last reference. */
void bi_gate_release(struct bi_gate *gate);

/* ------------------------------------------------------------------------------------------- lists */

static inline void bi_waiters_init(struct bi_waiters *list)
{
    bi_list_init(&list->ring);
    list->count = 0;
}

/* NULL when there is no waiter. */
static inline struct bi_waiter *bi_waiters_first(const struct bi_waiters *list)
{
    return list->count == 0 ? NULL : BI_CONTAINER(list->ring.next, struct bi_waiter, link);
}

static inline struct bi_waiter *bi_waiters_last(const struct bi_waiters *list)
{
    return list->count == 0 ? NULL : BI_CONTAINER(list->ring.previous, struct bi_waiter, link);
}

void bi_waiters_append(struct bi_waiters *list, struct bi_waiter *waiter);

/* Takes it out of its list; nothing when it is in none. */
void bi_waiters_remove(struct bi_waiter *waiter);

/* All of `from` behind those in `to`, in their order. */
void bi_waiters_move(struct bi_waiters *to, struct bi_waiters *from);

/* Fails all with ABANDONED, those that come meanwhile too. */
void bi_waiters_abandon(struct bi_waiters *list);

/* ----------------------------------------------------------------------------------------- waiters */

/* One that is in no list and all zero; NULL when out of memory. */
struct bi_waiter *bi_waiter_take(void);
void bi_waiter_give(struct bi_waiter *waiter);

/* A Deferred with a waiter in `list`; `canceller` (its context is the waiter) takes the waiter out and returns it to
 * its pool. When the gate has been freed or when out of memory the Deferred has failed and *waiter is NULL. */
struct bight_deferred *bi_wait(const char *place, struct bi_gate *gate, struct bi_waiters *list,
    bight_canceller canceller, struct bi_waiter **waiter);

/* The canceller of those that have nothing but their place. */
void bi_waiter_cancel(struct bight_promise promise, void *context);

/* The waiter leaves, and the caller fires its Deferred. */
struct bight_promise bi_waiter_leave(struct bi_waiter *waiter);

/* The waiter leaves and its Deferred fires; handlers run. */
void bi_waiter_fire(struct bi_waiter *waiter, const struct bight_type *type, void *value);
void bi_waiter_fail(struct bi_waiter *waiter, int code);

/* From here on the Deferred may fire, but its handlers wait for bi_waiter_let_go(). It is held until then, since its
 * last holder would undo the pause. */
void bi_waiter_keep(struct bight_deferred *deferred);
void bi_waiter_let_go(struct bight_deferred *deferred);

/* A Deferred that has failed at once. */
struct bight_deferred *bi_refuse_wait(const char *place, int code);

#endif
