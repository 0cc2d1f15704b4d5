/* SPDX-License-Identifier: MIT */
/* later.c - Deferreds that fire after a time.
 *
 * The timer owns what is between it and the Deferred, so it goes on every path: when the time was up, when the Deferred
 * was cancelled, and when the clock ends and drops its timers. A call that comes later is a level of such a Deferred.
 * Timers themselves are the clock's. */
#include <bight/task.h>

#include <bight/memory.h>

#include "deferred/deferred.h"

struct sleep {
    struct bight_promise promise; /* zeroed: cancelled */
    struct bight_timer timer;
};

static void time_is_up(void *context)
{
    struct sleep *sleep = context;
    bight_callback(sleep->promise, NULL, NULL);
}

static void cancel_sleep(struct bight_promise promise, void *context)
{
    struct sleep *sleep = context;
    (void)promise;
    sleep->promise = (struct bight_promise) { .slot = NULL };
    bight_timer_cancel(sleep->timer);
}

/* The promise is open still when the timer was dropped. */
static void free_sleep(void *context)
{
    struct sleep *sleep = context;
    bi_promise_end(sleep->promise, bight_failure_of(BIGHT_E_ABANDONED));
    bight_free(sleep);
}

struct bight_deferred *bight_sleep_at(const char *place, struct bight_clock *clock, double seconds)
{
    struct sleep *sleep = bight_calloc(1, sizeof(*sleep));
    if (sleep == NULL) {
        return bight_fail_at(place, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    struct bight_deferred *deferred = bight_deferred_new_at(place, &sleep->promise, cancel_sleep, sleep, NULL);
    if (!bight_promise_is_open(sleep->promise)) {
        bight_free(sleep);
        return deferred;
    }
    int code = bight_clock_call_later_at(place, clock, seconds, time_is_up, sleep, free_sleep, &sleep->timer);
    if (code != BIGHT_OK) {
        bight_errback_at(place, sleep->promise, bight_failure_of(code));
        bight_free(sleep);
    }
    return deferred;
}

struct bight_deferred *bight_defer_later_at(const char *place, struct bight_clock *clock, double seconds,
    bight_handler function, void *context, bight_release_function release)
{
    struct bight_deferred *deferred = bight_sleep_at(place, clock, seconds);
    (void)bight_deferred_add_callbacks_full(deferred, function, NULL, context, release); /* the first has room */
    return deferred;
}
