/* SPDX-License-Identifier: MIT */
/* blocking_support.h - a thread that blocks until the loop has an answer, and what the loop does for it. */
#ifndef BIGHT_TEST_BLOCKING_SUPPORT_H
#define BIGHT_TEST_BLOCKING_SUPPORT_H

#include <math.h>

#include <bight/thread.h>

#include "reactor/mailbox.h"
#include "reactor/state.h"
#include "thread_support.h"

static struct bight_reactor *reactor;
static struct bight_promise promise; /* of the Deferred that give_pending gave last */
static unsigned called, cancelled;   /* in the loop's thread */
static pthread_t called_in;

static inline void make_reactor(void)
{
    reactor = bight_reactor_new();
    ck_assert_ptr_nonnull(reactor);
}

/* ----------------------------------------------------------------------------- a thread that blocks */

struct caller {
    pthread_t thread;
    struct bight_mailbox *mailbox;
    bight_blocking_function function;
    void *context;
    double seconds;
    bool no_result;
    struct bight_result result;
    int code;
    atomic_bool is_done;
};

static inline void nothing(void *context)
{
    (void)context;
}

static inline void *block(void *context)
{
    struct caller *caller = context;
    caller->code = bight_blocking_call_from_thread_timeout(caller->mailbox, caller->function, caller->context,
        caller->seconds, caller->no_result ? NULL : &caller->result);
    atomic_store(&caller->is_done, true);
    (void)bight_call_from_thread(caller->mailbox, nothing, NULL); /* wakes who takes turns until this is done */
    bight_mailbox_release(caller->mailbox);
    return NULL;
}

/* Fields that are set stay. */
static inline void start(struct caller *caller, bight_blocking_function function, void *context)
{
    caller->mailbox = bight_reactor_mailbox(reactor);
    caller->function = function;
    caller->context = context;
    caller->seconds = caller->seconds == 0 ? HUGE_VAL : caller->seconds;
    ck_assert_int_eq(pthread_create(&caller->thread, NULL, block, caller), 0);
}

static inline void join(struct caller *caller, int expected)
{
    pthread_join(caller->thread, NULL);
    ck_assert_int_eq(caller->code, expected);
    const struct bight_failure *failure = bight_result_failure(&caller->result);
    ck_assert_int_eq(failure == NULL ? 0 : bight_failure_code(failure), caller->no_result ? 0 : expected);
}

static inline void finish(struct caller *caller, int expected)
{
    turn_until(reactor, atomic_load(&caller->is_done));
    join(caller, expected);
}

static inline void await_queued(void)
{
    while (!bi_mailbox_has_calls(reactor)) {
        sched_yield();
    }
}

/* --------------------------------------------------------------------------- what the loop does then */

static inline struct bight_deferred *give_seven(void *context)
{
    (void)context;
    called++;
    called_in = pthread_self();
    return bight_succeed(&bight_type_integer, bight_integer(7));
}

static inline struct bight_deferred *give_null(void *context)
{
    (void)context;
    called++;
    return NULL;
}

static inline struct bight_deferred *give_failure(void *context)
{
    (void)context;
    return bight_fail(bight_failure_new(BIGHT_E_APPLICATION, 0, NULL, "not today"));
}

static inline struct bight_deferred *must_not_be_called(void *context)
{
    (void)context;
    abort();
}

static inline void note_cancel(struct bight_promise pending, void *context)
{
    (void)pending;
    (void)context;
    ck_assert(pthread_equal(pthread_self(), called_in));
    cancelled++;
}

static inline struct bight_deferred *give_pending(void *context)
{
    (void)context;
    called++;
    called_in = pthread_self();
    return bight_deferred_new(&promise, note_cancel, NULL);
}

static unsigned destroyed, discarded;
static pthread_t ended_in;

static inline void destroy_counted(void *value)
{
    (void)value;
    ended_in = pthread_self();
    destroyed++;
}

static inline void discard_counted(void *value)
{
    (void)value;
    ended_in = pthread_self();
    discarded++;
}

static const struct bight_type counted = { "counted", destroy_counted, discard_counted, { NULL } };

#endif
