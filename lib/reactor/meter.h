/* SPDX-License-Identifier: MIT */
/* meter.h - what each outermost handler leaves behind: a beat, its kind, and how long it took.
 *
 * Part of struct bight_reactor, since it is touched around every handler. Two readings of a clock would be one too
 * many: the end of a handler is the beginning of the next while the loop works through what one poll found, so `mark`
 * holds the last reading and is void (0) when the loop may have waited since. What the watchdog's thread looks at too
 * is read and written as single words. */
#ifndef BI_REACTOR_METER_H
#define BI_REACTOR_METER_H

#include <bight/figures.h>

#include "base/private.h"

#if defined(__x86_64__) && defined(__SIZEOF_INT128__)
#define BI_METER_COUNTER 1
#elif defined(__aarch64__) && defined(__linux__) && defined(__SIZEOF_INT128__)
#define BI_METER_COUNTER 2
#else
#define BI_METER_COUNTER 0
#endif

struct bi_meter {
    uint64_t beat;      /* odd while a handler runs; half of it is their number */
    const char *kind;   /* of the present handler or the last one; lives for ever */
    const char *place;  /* debug mode: where it was registered, NULL when not known */
    uint64_t mark;      /* ticks when the present handler began; 0: it is to look at the clock, or at the places */
    uint64_t void_mark; /* what mark is when the loop may have waited: 0, or 1 when timing is off */
    uint64_t chain;     /* all ones: the end of one handler is the beginning of the next; else 0 */
    uint64_t scale;     /* nanoseconds a tick, in 2^-32 */
    bool is_timed;
    bool has_counter;   /* ticks are the processor's; else nanoseconds of the table's clock */
    bool has_places;    /* debug mode, as of this turn */
    uint64_t attention; /* nanoseconds: what takes as long is looked at more closely */
    uint64_t block_limit;
    uint64_t total, longest, blocks;
    const char *longest_kind, *longest_place;
    uint64_t times[BIGHT_HANDLER_TIMES];
    uint64_t turns, timers_fired;
    uint64_t first_tick, first_now; /* of the calibration */
};

/* What the rooms above count. */
struct bi_traffic {
    uint64_t received, sent;
    uint64_t accepted, made, refused;
    uint64_t open, ports;
};

/* The kind of deferred work, which may be named more exactly: see bi_reactor_name_handler. */
extern const char bi_handler_task[];

/* --- meter.c */

void bi_meter_init(struct bight_reactor *reactor);
/* Debug mode or the timing has changed; between handlers. */
void bi_meter_adjust(struct bight_reactor *reactor);
/* The beginning of a handler without a mark. */
BI_PRIVATE_API void bi_meter_begin(struct bight_reactor *reactor, const void *object, uint64_t generation);
/* The end of a timed one. */
BI_PRIVATE_API void bi_meter_stop(struct bight_reactor *reactor);
/* Looks at both clocks again, for a better scale. */
void bi_meter_calibrate(struct bight_reactor *reactor);

/* Between handlers, when the loop may have waited since the last one, or the program done something else. */
static inline void bi_meter_rest(struct bi_meter *meter)
{
    meter->mark = meter->void_mark;
}

static inline void bi_meter_beat(struct bi_meter *meter)
{
    __atomic_store_n(&meter->beat, meter->beat + 1, __ATOMIC_RELAXED);
}

#endif
