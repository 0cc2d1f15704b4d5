/* SPDX-License-Identifier: MIT */
/* timeout.c - a Deferred that is cancelled when a time is up (D17).
 *
 * A timeout is a level of the chain with a timer: the timer cancels the Deferred, and the level, wherever the chain
 * reaches it, cancels the timer and turns what came of the time being up. A Deferred lives until its levels have run,
 * so the timer may point at it. The timer itself is the clock's. */
#include "deferred/deferred.h"

#include <bight/memory.h>

struct timeout {
    struct bight_deferred *deferred;
    struct bight_timer timer;
    bool is_up;
    bight_handler handler; /* NULL: CANCELLED becomes TIMED_OUT */
    void *context;
    bight_release_function release;
};

static void time_is_up(void *context)
{
    struct timeout *timeout = context;
    timeout->is_up = true;
    bight_deferred_cancel(timeout->deferred);
}

static void say_timed_out(struct bight_result *result)
{
    const struct bight_failure *failure = bight_result_failure(result);
    if (failure != NULL && bight_failure_code(failure) == BIGHT_E_CANCELLED) {
        bight_result_fail(result, bight_failure_of(BIGHT_E_TIMED_OUT));
    }
}

static void reached(struct bight_result *result, void *context)
{
    struct timeout *timeout = context;
    bight_timer_cancel(timeout->timer);
    if (!timeout->is_up) {
        return;
    }
    if (timeout->handler != NULL) {
        timeout->handler(result, timeout->context);
    } else {
        say_timed_out(result);
    }
}

static void free_timeout(void *context)
{
    struct timeout *timeout = context;
    if (timeout->release != NULL) {
        timeout->release(timeout->context);
    }
    bight_free(timeout);
}

int bight_deferred_add_timeout(struct bight_deferred *deferred, double seconds, struct bight_clock *clock)
{
    return bight_deferred_add_timeout_full(deferred, seconds, clock, NULL, NULL, NULL);
}

int bight_deferred_add_timeout_full(struct bight_deferred *deferred, double seconds, struct bight_clock *clock,
    bight_handler handler, void *context, bight_release_function release)
{
    struct timeout *timeout = bight_malloc(sizeof(*timeout));
    if (timeout == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    *timeout = (struct timeout) { deferred, { NULL, 0 }, false, handler, context, release };
    int code = bight_clock_call_later(clock, seconds, time_is_up, timeout, NULL, &timeout->timer);
    if (code == BIGHT_OK) {
        code = bight_deferred_add_callbacks_full(deferred, reached, reached, timeout, free_timeout);
    }
    if (code != BIGHT_OK) {
        bight_timer_cancel(timeout->timer);
        bight_free(timeout);
    }
    return code;
}
