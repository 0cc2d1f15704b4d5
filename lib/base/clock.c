/* SPDX-License-Identifier: MIT */
/* clock.c - what all clocks share: seconds to nanoseconds, and handles to timers that cannot dangle.
 *
 * The clocks themselves are elsewhere: the reactor's wheel in lib/reactor, the virtual clock in lib/testing.
 * A handle names a slot whose memory is readable for ever and whose generation is odd while the timer is
 * pending; it is compared once, here and in clock.h, so that a clock's ops only ever see a pending slot of their own
 * (R7). The clock is in the handle, since a slot is small, and is trusted only after that. */
#include <bight/clock.h>

#include "base/check.h"
#include "base/moment.h"

int bight_seconds_to_nanoseconds(double seconds, uint64_t *nanoseconds)
{
    if (!(seconds >= 0)) { /* NaN as well */
        return BIGHT_E_INVALID_ARGUMENT;
    }
    if (seconds >= (double)(UINT64_MAX / BIGHT_NANOSECONDS_PER_SECOND)) {
        *nanoseconds = UINT64_MAX;
        return BIGHT_OK;
    }
    /* The whole seconds apart: their product is exact where a double's would not be after 104 days. */
    uint64_t whole = (uint64_t)seconds;
    double rest = (seconds - (double)whole) * (double)BIGHT_NANOSECONDS_PER_SECOND;
    uint64_t rounded = (uint64_t)rest;
    if ((double)rounded < rest) {
        rounded++;
    }
    *nanoseconds = whole * BIGHT_NANOSECONDS_PER_SECOND + rounded;
    return BIGHT_OK;
}

/* The deadline that lies `seconds` after now. */
static int deadline_after(
    const char *place, struct bight_clock *clock, double seconds, const char *function, uint64_t *deadline)
{
    uint64_t delay = 0;
    int code = clock == NULL ? BIGHT_E_INVALID_ARGUMENT : bight_seconds_to_nanoseconds(seconds, &delay);
    if (code != BIGHT_OK) {
        bi_usage_error(code, place, "%s: %s", function, clock == NULL ? "there is no clock" : BI_BAD_SECONDS);
        return code;
    }
    *deadline = bi_moment_after(bight_clock_now(clock), delay);
    return BIGHT_OK;
}

int bight_clock_call_later_at(const char *place, struct bight_clock *clock, double seconds,
    bight_timer_function function, void *context, bight_release_function release, struct bight_timer *timer)
{
    uint64_t deadline;
    int code = deadline_after(place, clock, seconds, "a call that comes later", &deadline);
    if (code != BIGHT_OK) {
        return code;
    }
    return bight_clock_call_at(clock, deadline, function, context, release, timer);
}

/* The slot of a pending timer, NULL for any other handle. */
static struct bight_timer_slot *pending(struct bight_timer timer)
{
    return bight_timer_is_pending(timer) ? (struct bight_timer_slot *)timer.slot : NULL;
}

int bight_timer_reset_at(struct bight_timer timer, uint64_t deadline)
{
    struct bight_timer_slot *slot = pending(timer);
    if (slot == NULL) {
        return BIGHT_E_STALE;
    }
    timer.clock->ops->reset_at(timer.clock, slot, deadline);
    return BIGHT_OK;
}

int bight_timer_reset(struct bight_timer timer, double seconds)
{
    struct bight_timer_slot *slot = pending(timer);
    if (slot == NULL) {
        return BIGHT_E_STALE;
    }
    uint64_t deadline;
    int code = deadline_after(BIGHT_HERE, timer.clock, seconds, "bight_timer_reset", &deadline);
    if (code == BIGHT_OK) {
        timer.clock->ops->reset_at(timer.clock, slot, deadline);
    }
    return code;
}

int bight_timer_delay(struct bight_timer timer, double seconds)
{
    struct bight_timer_slot *slot = pending(timer);
    if (slot == NULL) {
        return BIGHT_E_STALE;
    }
    uint64_t change;
    int code = bight_seconds_to_nanoseconds(seconds < 0 ? -seconds : seconds, &change);
    if (code != BIGHT_OK) {
        return bi_usage_error(code, BIGHT_HERE, "bight_timer_delay: the number of seconds is no number");
    }
    uint64_t deadline = timer.clock->ops->deadline(timer.clock, slot);
    uint64_t earlier = deadline > change ? deadline - change : 0;
    timer.clock->ops->reset_at(timer.clock, slot, seconds < 0 ? earlier : bi_moment_after(deadline, change));
    return BIGHT_OK;
}

uint64_t bight_timer_deadline(struct bight_timer timer)
{
    struct bight_timer_slot *slot = pending(timer);
    return slot == NULL ? 0 : timer.clock->ops->deadline(timer.clock, slot);
}
