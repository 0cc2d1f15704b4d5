/* SPDX-License-Identifier: MIT */
/* bight/clock.h - the clock interface: monotonic time, and calls at a deadline.
 *
 * A reactor is a clock (bight_reactor_clock) and so is the virtual clock of bight/testing.h; whatever takes a clock
 * runs on both. Time is in nanoseconds on the clock's own scale. An implementation embeds struct bight_clock first and
 * fills the table. */
#ifndef BIGHT_CLOCK_H
#define BIGHT_CLOCK_H

#include <bight/error.h>

BIGHT_BEGIN

#define BIGHT_NANOSECONDS_PER_SECOND UINT64_C(1000000000)

struct bight_clock;

/* A call that was asked for: a handle by value, checked whenever it is used (R7). Zeroed, it names no call. The clock
 * is looked at only while the call is pending: a handle may outlive it. */
struct bight_timer {
    void *slot;
    uint64_t generation;
    struct bight_clock *clock;
};

typedef void (*bight_timer_function)(void *context);

/* What a handle points at begins so. The memory stays readable for ever; the generation changes when the
 * timer has run or was cancelled. */
struct bight_timer_slot {
    uint64_t generation;
};

struct bight_clock_ops {
    size_t size; /* sizeof(struct bight_clock_ops) */
    uint64_t (*now)(struct bight_clock *clock);
    /* As bight_clock_call_at below. */
    int (*call_at)(struct bight_clock *clock, uint64_t deadline, bight_timer_function function, void *context,
        bight_release_function release, struct bight_timer *timer);
    /* As bight_timer_cancel and so on below; the slot has been checked: it is pending on this clock. */
    void (*cancel)(struct bight_clock *clock, struct bight_timer_slot *slot);
    void (*reset_at)(struct bight_clock *clock, struct bight_timer_slot *slot, uint64_t deadline);
    uint64_t (*deadline)(struct bight_clock *clock, const struct bight_timer_slot *slot);
    /* Random bytes for what is timed by chance, jitter say: 0 or a code. A reactor's are those of its table of system
     * calls, so that in a simulation they follow from the seed. NULL: OpenSSL's. */
    int (*random)(struct bight_clock *clock, void *buffer, size_t size);
    const void *reserved[3];
};

struct bight_clock {
    const struct bight_clock_ops *ops;
};

static inline uint64_t bight_clock_now(struct bight_clock *clock);

/* function(context) runs once when the clock reaches `deadline` (never inside this call); then, or when the
 * timer is cancelled or dropped, release(context) (NULL: borrowed). *timer (may be NULL) gets the handle.
 * Returns 0 or OUT_OF_MEMORY, and then nothing was taken. */
static inline int bight_clock_call_at(struct bight_clock *clock, uint64_t deadline, bight_timer_function function,
    void *context, bight_release_function release, struct bight_timer *timer);

/* The same `seconds` from now. INVALID_ARGUMENT for a negative or NaN delay, and for no clock; an infinite one, or one
 * past the end of the scale, is the end of the scale (R5, R8).
 *
 *     int bight_clock_call_later(struct bight_clock *clock, double seconds, bight_timer_function function,
 *         void *context, bight_release_function release, struct bight_timer *timer); */
#define bight_clock_call_later(...) bight_clock_call_later_at(BIGHT_HERE, __VA_ARGS__)

/* `seconds` in nanoseconds, rounded up and capped at UINT64_MAX; INVALID_ARGUMENT for a negative or NaN one.
 */
BIGHT_API int bight_seconds_to_nanoseconds(double seconds, uint64_t *nanoseconds);

/* True until the call is made, cancelled or dropped. */
static inline bool bight_timer_is_pending(struct bight_timer timer);

/* R7, for timers of any clock. Each returns STALE when the timer ran, was cancelled, or never was (a zeroed
 * handle), and then does nothing. `cancel` releases the context before it returns; `reset` counts again from
 * now; `delay` pushes the deadline out (a negative number of seconds pulls it in); `reset_at` sets an
 * absolute one. */
static inline int bight_timer_cancel(struct bight_timer timer);

BIGHT_API int bight_timer_reset(struct bight_timer timer, double seconds);
BIGHT_API int bight_timer_reset_at(struct bight_timer timer, uint64_t deadline);
BIGHT_API int bight_timer_delay(struct bight_timer timer, double seconds);

/* The deadline of a pending timer; 0 for any other. */
BIGHT_API uint64_t bight_timer_deadline(struct bight_timer timer);

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API int bight_clock_call_later_at(const char *place, struct bight_clock *clock, double seconds,
    bight_timer_function function, void *context, bight_release_function release, struct bight_timer *timer);

/* --------------------------------------------------------------------------------------- inline bodies */

static inline uint64_t bight_clock_now(struct bight_clock *clock)
{
    return clock->ops->now(clock);
}

static inline int bight_clock_call_at(struct bight_clock *clock, uint64_t deadline, bight_timer_function function,
    void *context, bight_release_function release, struct bight_timer *timer)
{
    return clock->ops->call_at(clock, deadline, function, context, release, timer);
}

static inline bool bight_timer_is_pending(struct bight_timer timer)
{
    return timer.slot != NULL &&
           __atomic_load_n(&((struct bight_timer_slot *)timer.slot)->generation, __ATOMIC_RELAXED) == timer.generation;
}

static inline int bight_timer_cancel(struct bight_timer timer)
{
    if (!bight_timer_is_pending(timer)) {
        return BIGHT_E_STALE;
    }
    timer.clock->ops->cancel(timer.clock, (struct bight_timer_slot *)timer.slot);
    return BIGHT_OK;
}

BIGHT_END

#endif
