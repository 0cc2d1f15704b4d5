/* SPDX-License-Identifier: MIT */
/* sync_support.h - what the tests of locks, semaphores, events, conditions, barriers and queues share. */
#ifndef BIGHT_TEST_SYNC_SUPPORT_H
#define BIGHT_TEST_SYNC_SUPPORT_H

#include <bight/queue.h>
#include <bight/scope.h>
#include <bight/sync.h>

#include "deferred_support.h"
#include "faults.h"

#define HUNDRED_THOUSAND 100000

/* As `seen`, but a token of a lock or semaphore is "a+ ". */
static inline void heard(struct bight_result *result, void *context)
{
    if (result->type == &bight_type_lock || result->type == &bight_type_semaphore) {
        note(context);
        note("+ ");
    } else {
        seen(result, context);
    }
}

/* Notes what happens to it under `name`, and lets go. */
static inline void listen_to(struct bight_deferred *deferred, const char *name)
{
    bight_deferred_add_both(deferred, heard, NAME(name));
    bight_deferred_add_errback(deferred, cleared, NULL);
    bight_deferred_release(deferred);
}

/* The same, but the caller keeps the Deferred, to cancel it. */
static inline struct bight_deferred *watch(struct bight_deferred *deferred, const char *name)
{
    listen_to(bight_deferred_hold(deferred), name);
    return deferred;
}

/* Calls `action` when it has fired, whatever with, after noting it. */
static inline void then_do(struct bight_deferred *deferred, const char *name, bight_handler action, void *context)
{
    bight_deferred_add_both(deferred, heard, NAME(name));
    bight_deferred_add_both(deferred, action, context);
    bight_deferred_add_errback(deferred, cleared, NULL);
    bight_deferred_release(deferred);
}

/* Cancels the Deferred that is its context. */
static inline void cancel_it(struct bight_result *result, void *context)
{
    (void)result;
    bight_deferred_cancel(context);
}

/* Runs `use` with the n-th allocation failing, for all n, and checks that nothing is left over. */
static inline void with_each_fault(void (*use)(void))
{
    struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 0);
    use();
    unsigned count = memory.asked;
    ck_assert_uint_gt(count, 4);
    ck_assert_int_eq(memory.out, 0);
    for (unsigned n = 1; n <= count; n++) {
        bight_test_fail_nth(&memory, n);
        use();
        ck_assert_int_eq(memory.out, 0);
        traced = 0;
    }
    bight_set_allocator(NULL);
}

#endif
