/* SPDX-License-Identifier: MIT */
/* waiters.h - those who wait at a lock, an event, a queue: what lock.c to queue_wait.c have in common.
 *
 * A *gate* is what is waited at; every lock, event and so on begins with one. A *waiter* is one who waits: a pooled
 * object that is the context of its Deferred's canceller, in one of the gate's lists for as long as the Deferred has
 * not fired. Whoever fires it takes it out of its list first; a cancel does the same; so a waiter in a list can always
 * be fired, and nothing that is handed out goes to one who has left.
 *
 * Whatever lets somebody through only changes the gate's state and then calls bight_gate_run(), which takes one step
 * after another, each firing one Deferred, until there is none left to take. Called from a handler of the same gate it
 * leaves that to the run that is on the stack already: no number of waiters who let the next one through costs more
 * stack than one. */
#ifndef BIGHT_DEFERRED_WAITERS_H
#define BIGHT_DEFERRED_WAITERS_H

#include <bight/deferred.h>

#include "base/list.h"

struct bight_gate {
    bool (*step)(struct bight_gate *gate); /* lets one through; false: there is nobody to let through */
    size_t references;                     /* the owner's, and those of whoever is at work on it */
    bool is_running;
    bool is_freed; /* by its owner; the memory stays until the last reference has gone */
};

struct bight_waiters {
    struct bight_link ring;
    size_t count;
};

struct bight_waiter {
    uint64_t generation; /* the slab's */
    struct bight_link link;
    struct bight_waiters *list; /* the one that it is in, or NULL */
    struct bight_gate *gate;
    struct bight_deferred *deferred;
    union {
        struct { /* permits.h */
            struct bight_gate *origin;
            struct bight_waiter *partner;
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

void bight_gate_init(struct bight_gate *gate, bool (*step)(struct bight_gate *gate));
void bight_gate_run(struct bight_gate *gate);

/* The two halves of bight_gate_run, for who takes a first step by hand: false when it is running already, and then
 * there is nothing to leave. */
bool bight_gate_enter(struct bight_gate *gate);
void bight_gate_leave(struct bight_gate *gate);

/* The owner frees it: false, and a usage error, when it has done so before. The owner's reference is released last. */
bool bight_gate_close(struct bight_gate *gate, const char *function);

static inline void bight_gate_hold(struct bight_gate *gate)
{
    gate->references++;
}

/* The memory of the whole object, which begins with its gate, goes with the last reference. */
void bight_gate_release(struct bight_gate *gate);

/* ------------------------------------------------------------------------------------------- lists */

static inline void bight_waiters_init(struct bight_waiters *list)
{
    bight_list_init(&list->ring);
    list->count = 0;
}

/* NULL when nobody waits. */
static inline struct bight_waiter *bight_waiters_first(const struct bight_waiters *list)
{
    return list->count == 0 ? NULL : BIGHT_CONTAINER(list->ring.next, struct bight_waiter, link);
}

static inline struct bight_waiter *bight_waiters_last(const struct bight_waiters *list)
{
    return list->count == 0 ? NULL : BIGHT_CONTAINER(list->ring.previous, struct bight_waiter, link);
}

void bight_waiters_append(struct bight_waiters *list, struct bight_waiter *waiter);

/* Takes it out of its list; nothing when it is in none. */
void bight_waiters_remove(struct bight_waiter *waiter);

/* All of `from` behind those in `to`, in their order. */
void bight_waiters_move(struct bight_waiters *to, struct bight_waiters *from);

/* Fails all with ABANDONED, those that come meanwhile too. */
void bight_waiters_abandon(struct bight_waiters *list);

/* ----------------------------------------------------------------------------------------- waiters */

/* One that is in no list and all zero; NULL without memory. */
struct bight_waiter *bight_waiter_take(void);
void bight_waiter_give(struct bight_waiter *waiter);

/* A Deferred with a waiter in `list`; `canceller` (its context is the waiter) takes the waiter out and gives it back.
 * When the gate has been freed or without memory the Deferred has failed and *waiter is NULL. */
struct bight_deferred *bight_wait(const char *place, struct bight_gate *gate, struct bight_waiters *list,
    bight_canceller canceller, struct bight_waiter **waiter);

/* The canceller of those who have nothing but their place. */
void bight_waiter_cancel(struct bight_promise promise, void *context);

/* The waiter leaves and its Deferred fires; handlers run. */
void bight_waiter_fire(struct bight_waiter *waiter, const struct bight_type *type, void *value);
void bight_waiter_fail(struct bight_waiter *waiter, int code);

/* From here on the Deferred may fire, but its handlers wait for bight_waiter_let_go(). It is held until then, since its
 * last holder would undo the pause. */
void bight_waiter_keep(struct bight_deferred *deferred);
void bight_waiter_let_go(struct bight_deferred *deferred);

/* A Deferred that has failed at once. */
struct bight_deferred *bight_refuse_wait(const char *place, int code);

#endif
