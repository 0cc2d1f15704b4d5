/* SPDX-License-Identifier: MIT */
/* deferred.h - the Deferred itself, for the files of this room.
 *
 * A Deferred lives in a slot of a slab (base/slab.h): nothing of it but the generation is valid when it is taken,
 * and what a flag stands for is valid only while the flag is set, so that making one writes little. What a handler,
 * a release function or a type's destroy may do is anything at all; RUNNING is set around all of them, and nothing
 * that is RUNNING, WAITING, FORWARDING, STACKED or KEPT is freed. */
#ifndef BI_DEFERRED_DEFERRED_H
#define BI_DEFERRED_DEFERRED_H

#include <bight/deferred.h>

#include "base/check.h"
#include "base/debug_mode.h"
#include "deferred/owner.h"

enum bi_deferred_flag {
    BI_DEFERRED_FIRED = 1 << 0,
    BI_DEFERRED_RUNNING = 1 << 1,        /* its levels are being run, or it is being fired or freed */
    BI_DEFERRED_PAUSED = 1 << 2,         /* pauses > 0 */
    BI_DEFERRED_WAITING = 1 << 3,        /* for waiting_on, at wait_index of its levels */
    BI_DEFERRED_WAITED = 1 << 4,         /* first_waiter and last_waiter are set */
    BI_DEFERRED_STACKED = 1 << 5,        /* on the stack of a run loop, which comes back to it: below, link are set */
    BI_DEFERRED_CANCELLABLE = 1 << 6,    /* canceller, context and release are set */
    BI_DEFERRED_CANCELLING = 1 << 7,     /* its canceller was taken by a cancel */
    BI_DEFERRED_CANCELLED = 1 << 8,      /* failed by a cancel, without a canceller (D13) */
    BI_DEFERRED_TIED = 1 << 9,           /* owner and its links are set */
    BI_DEFERRED_OWNER_ASKED = 1 << 10,   /* the present sweep of its owner has cancelled it */
    BI_DEFERRED_OWNER_ENDED = 1 << 11,   /* what is CANCELLED in it comes from an owner's end (D18) */
    BI_DEFERRED_HAS_PLACES = 1 << 12,    /* made_at and fired_at are set (D19) */
    BI_DEFERRED_OUT_OF_MEMORY = 1 << 13, /* the shared one of D34 */
    BI_DEFERRED_GROUP = 1 << 14,         /* fired by a group (group.h), which is its canceller's context */
    BI_DEFERRED_COROUTINE = 1 << 15,     /* a coroutine will fire it: resume is set, the context is its */
    BI_DEFERRED_CANCEL_ASKED = 1 << 16,  /* of a coroutine: cancelled while it did not wait (D36) */
    BI_DEFERRED_PATIENT = 1 << 17,       /* a cancel does not fire it (struct bi_patience) */
    BI_DEFERRED_FORWARDING = 1 << 18,    /* its level has fired another's promise, whose handlers are running (D9) */
    BI_DEFERRED_KEPT = 1 << 19,          /* has fired and is about to be run by a function that keeps it */
    BI_DEFERRED_NAMED = 1 << 20          /* bi_deferred_name_held has named it */
};

/* What the context of a PATIENT Deferred's canceller begins with: what a cancel goes on to, as if it was waited for;
 * NULL: then the canceller is asked, each time. */
struct bi_patience {
    struct bight_deferred *awaited;
};

/* No level runs while one of these is set. */
#define BI_DEFERRED_BLOCKED (BI_DEFERRED_RUNNING | BI_DEFERRED_PAUSED | BI_DEFERRED_WAITING | BI_DEFERRED_FORWARDING)

struct bi_level;

/* A level that passes the result on: takes it from `from` or leaves it, and returns the Deferred that has fired with it
 * and is to be run next, or NULL. `result` is from's, but for D34's Deferred, which has none. The Deferred that is
 * given stays until it is run, since the caller runs it in the same loop: so no depth costs stack (D12). The level is
 * only good until something of the user's is called. */
typedef struct bight_deferred *(*bi_on_result_function)(
    struct bight_deferred *from, struct bight_result *result, const struct bi_level *level);

/* One step of a chain. With bi_listener_tag as its callback it is one that passes the result on. */
struct bi_level {
    bight_handler callback;
    union {
        struct {
            bight_handler errback;
            void *context;
            bight_release_function release;
        };
        struct {
            union {
                struct bight_promise promise; /* to be fired (D9) */
                void *listener;
            };
            bi_on_result_function on_result;
        };
    };
};

#define BI_DEFERRED_INLINE_LEVELS 4

struct bight_deferred {
    uint64_t generation;
    struct bight_deferred *below; /* STACKED: what the run loop goes on with after this one */
    struct bight_result result;
    struct bi_level *levels;
    uint32_t next;  /* the level that runs next */
    uint32_t count; /* levels in the array, those that have run included */
    uint32_t holds;
    uint32_t flags;
    uint32_t capacity;
    uint32_t pauses;
    union {
        bight_canceller canceller;
        /* COROUTINE: what it waited for is in its result. Runs the coroutine until it waits again, or has fired this:
         * then true. */
        bool (*resume)(struct bight_deferred *deferred);
    };
    void *canceller_context;
    bight_release_function canceller_release;
    struct bi_level inline_levels[BI_DEFERRED_INLINE_LEVELS];
    union {
        struct bight_deferred *waiting_on;
        struct bight_deferred **link; /* STACKED, and so not WAITING: what points to it */
    };
    struct bight_deferred *next_waiter; /* the next that waits for the same one */
    struct bight_deferred *first_waiter, *last_waiter;
    uint32_t wait_index; /* how many levels of waiting_on run before its result is handed over */
    struct bight_owner *owner;
    struct bight_deferred *previous_tied, *next_tied;
    const char *made_at, *fired_at;
};

/* A loop of the library that goes on for as long as those that it resumes wait there again: of a gate (waiters.h), or
 * of those that wait for one Deferred. Coroutines that let each other through would never let it end, so each is given
 * its turn, and then so many in all (coroutine.c) a second one. Lies in the loop's frame. */
struct bi_inner_loop {
    uint64_t number; /* of its thread's, in the order in which they began; not 0 */
    unsigned again;  /* how often it has resumed a coroutine that had been resumed since it began */
};

/* The innermost on this stack; NULL: there is none. */
extern _Thread_local struct bi_inner_loop *bi_inner_loop __attribute__((tls_model("initial-exec")));

extern _Thread_local uint64_t bi_inner_loops_begun __attribute__((tls_model("initial-exec")));

/* The loop makes itself the innermost before each round, since a coroutine whose handler waited there finds none when
 * it comes back, and in the end restores the one before. */
static inline void bi_inner_loop_begin(struct bi_inner_loop *loop)
{
    loop->number = ++bi_inner_loops_begun;
    loop->again = 0;
}

/* D34's. Never written to. */
extern const struct bight_deferred bi_deferred_out_of_memory;

static inline bool bi_deferred_is_at_rest(const struct bight_deferred *deferred)
{
    const uint32_t busy = BI_DEFERRED_BLOCKED | BI_DEFERRED_WAITED;
    return (deferred->flags & (BI_DEFERRED_FIRED | busy)) == BI_DEFERRED_FIRED && deferred->next == deferred->count;
}

/* deferred.c: frees it when nothing needs it any more, and releases an ended owner when it is at rest. To be called
 * after whatever may have brought it to rest. */
void bi_deferred_collect(struct bight_deferred *deferred);

/* deferred.c: how many are alive, in all threads. Looks at one number of each thread. */
size_t bi_deferred_count(void);

/* deferred.c: cancels and releases a consumer's end that cannot be used. */
void bi_deferred_drop(struct bight_deferred *deferred);

/* run.c: runs what can be run, of this Deferred and of those that its result goes on to. The Deferred may be gone
 * afterwards. */
void bi_deferred_run(struct bight_deferred *deferred);

/* run.c: the same for one that is not blocked and that the caller has marked as RUNNING. 0, so that firing can end with
 * it: where a coroutine was resumed each return is one that the processor did not foresee. */
int bi_deferred_run_marked(struct bight_deferred *deferred);

/* run.c: marks a level that passes the result on; never called. */
void bi_listener_tag(struct bight_result *result, void *context);

/* run.c: adds a level that passes the result on. As bight_deferred_add_callbacks. */
int bi_deferred_add_listener(struct bight_deferred *deferred, bi_on_result_function on_result, void *listener);

/* run.c: where a level of this kind passes the result to: a Deferred that is alive, else NULL. */
const struct bight_deferred *bi_deferred_successor(const struct bi_level *level);

/* group.c: the same for a member of a group; NULL also for other levels. */
const struct bight_deferred *bi_group_successor(const struct bi_level *level);

/* promise.c: fires what has not fired, without running anything. */
void bi_deferred_accept(struct bight_deferred *deferred, const char *place, const struct bight_type *type, void *value);

/* promise.c: 0 when the promise can be fired, else why not; reported as D4 says. */
int bi_promise_check(const char *place, struct bight_promise promise);

/* chain.c: hands the result of `from`, which is empty afterwards, to the first that waits for it. Returns that one
 * when it can go on. */
struct bight_deferred *bi_deferred_hand_over(struct bight_deferred *from);

/* chain.c: for a coroutine's Deferred, which has not fired: waits for `inner`, which is not at rest, as a fired one
 * does whose handler chained it. 0, or CIRCULAR, and then nothing was taken. */
int bi_deferred_begin_await(struct bight_deferred *outer, struct bight_deferred *inner);

/* chain.c: stops waiting. Returns what was awaited, whose consumer's end is the caller's again. */
struct bight_deferred *bi_deferred_stop_await(struct bight_deferred *outer);

/* promise.c: fails with `failure` (taken) because what was to answer has been ended by its owner, or with the reactor:
 * that is not reported (D18) when it is one of CANCELLED's kind. Does nothing when the promise has been spent. */
void bi_promise_end(struct bight_promise promise, struct bight_failure *failure);

/* debug.c: false for a failure that says no more than that its source was ended on purpose (D18). */
bool bi_failure_is_news(const struct bight_failure *failure, bool by_owner);

/* cancel.c: the same as bight_deferred_cancel, and what results from it is not reported (D18). */
void bi_deferred_cancel_for_owner(struct bight_deferred *deferred);

/* owner.c */
void bi_deferred_untie(struct bight_deferred *deferred);

/* debug.c: in debug mode, when a thread has no reactor any more: warns of this thread's Deferreds that are held and
 * have an unhandled failure, each once, of the oldest by name. The log's observer may release them. */
void bi_deferred_name_held(void);

/* debug.c */
void bi_deferred_report(const struct bight_deferred *deferred);
int bi_deferred_refuse(int code, const char *place, const struct bight_deferred *deferred);

static inline bool bi_deferred_may_debug(void)
{
    return bi_debug_mode_may_be_on();
}

static inline bool bi_deferred_debug(void)
{
    return bi_debug_mode_is_on();
}

#endif
