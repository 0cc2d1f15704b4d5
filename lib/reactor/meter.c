/* SPDX-License-Identifier: MIT */
/* meter.c - the slow side of the meter: clocks, what is remarkable about a handler, and its place.
 *
 * Ticks come from the processor's counter where that runs at one speed and the reactor lives in the kernel's time; it
 * is set beside the clock once when the reactor is made (20 us) and again whenever the figures are read, the longer the
 * better. Elsewhere ticks are the nanoseconds of the table's clock, and timing is off until it is asked for. Fast and
 * shared by all handlers are only bi_meter_begin and bi_meter_stop. */
#include "reactor/meter.h"

#include <bight/log.h>

#include <stdio.h>
#include <string.h>

#include "base/moment.h"
#include "base/places.h"
#include "deferred/deferred.h"
#include "reactor/state.h"

#if BI_METER_COUNTER == 1
#include <cpuid.h>
#endif

#define CALIBRATION_NANOSECONDS 20000
#define CALIBRATION_TRIES 3
#define ONE_TICK_A_NANOSECOND (UINT64_C(1) << 32)

const char bi_handler_task[] = "task";

/* ------------------------------------------------------------------------------------------- clocks */

#if BI_METER_COUNTER
__extension__ typedef unsigned __int128 wide;

static inline uint64_t read_counter(void)
{
#if BI_METER_COUNTER == 1
    return __builtin_ia32_rdtsc();
#else
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#endif
}

static inline uint64_t scaled(uint64_t ticks, uint64_t scale)
{
    return (uint64_t)((wide)ticks * scale >> 32);
}

/* Of a constant speed, in all states of the processor? */
static bool counter_is_good(void)
{
#if BI_METER_COUNTER == 1
    unsigned a, b, c, d;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & 1u << 8) != 0;
#else
    return true;
#endif
}

/* Both clocks at the same moment, as well as it can be done. */
static void read_both(struct bight_reactor *reactor, uint64_t *ticks, uint64_t *now)
{
    uint64_t least = UINT64_MAX;
    for (int try = 0; try < CALIBRATION_TRIES; try++) {
        uint64_t before = read_counter();
        uint64_t between = bi_reactor_now(reactor);
        uint64_t spread = read_counter() - before;
        if (spread < least) {
            least = spread;
            *ticks = before + spread / 2;
            *now = between;
        }
    }
}

void bi_meter_calibrate(struct bight_reactor *reactor)
{
    struct bi_meter *meter = &reactor->meter;
    uint64_t ticks = 0, now = 0;
    if (!meter->has_counter) {
        return;
    }
    do {
        read_both(reactor, &ticks, &now);
    } while (now - meter->first_now < CALIBRATION_NANOSECONDS);
    if (ticks > meter->first_tick) {
        meter->scale = (uint64_t)(((wide)(now - meter->first_now) << 32) / (ticks - meter->first_tick));
    }
}

static void begin_counter(struct bight_reactor *reactor)
{
    struct bi_meter *meter = &reactor->meter;
    meter->has_counter = reactor->system == bight_system_real() && counter_is_good();
    if (meter->has_counter) {
        read_both(reactor, &meter->first_tick, &meter->first_now);
        bi_meter_calibrate(reactor);
    }
}
#else
static inline uint64_t read_counter(void)
{
    return 0;
}

static inline uint64_t scaled(uint64_t ticks, uint64_t scale)
{
    (void)scale;
    return ticks;
}

void bi_meter_calibrate(struct bight_reactor *reactor)
{
    (void)reactor;
}

static void begin_counter(struct bight_reactor *reactor)
{
    (void)reactor;
}
#endif

static inline uint64_t read_ticks(struct bight_reactor *reactor)
{
    return BI_LIKELY(reactor->meter.has_counter) ? read_counter() : bi_reactor_now(reactor);
}

/* ------------------------------------------------------------------------------------- each handler */

static inline void set_word(const char **word, const char *text)
{
    __atomic_store_n(word, text, __ATOMIC_RELAXED);
}

void bi_meter_begin(struct bight_reactor *reactor, const void *object, uint64_t generation)
{
    struct bi_meter *meter = &reactor->meter;
    if (BI_UNLIKELY(meter->has_places)) {
        set_word(&meter->place, object == NULL ? NULL : bi_places_find(object, generation, NULL));
    }
    if (meter->is_timed) {
        meter->mark = read_ticks(reactor);
    }
}

void bi_reactor_name_handler(struct bight_reactor *reactor, const char *kind, const void *object, uint64_t generation)
{
    struct bi_meter *meter = &reactor->meter;
    if (meter->kind != bi_handler_task) {
        return;
    }
    set_word(&meter->kind, kind);
    if (BI_UNLIKELY(meter->has_places)) {
        set_word(&meter->place, bi_places_find(object, generation, NULL));
    }
}

/* The observer of the log runs as in a handler: it may do anything but free the reactor. */
static void report_block(struct bight_reactor *reactor, uint64_t took)
{
    const struct bi_meter *meter = &reactor->meter;
    char message[128];
    snprintf(message, sizeof message, "a handler held the loop for %.6f s: %s", (double)took / 1e9, meter->kind);
    const struct bight_log_field fields[] = {
        { .name = "nanoseconds", .kind = BIGHT_FIELD_INTEGER, .integer = (int64_t)took },
    };
    const struct bight_log_event event = { .level = BIGHT_LOG_WARNING,
        .system = "reactor",
        .message = message,
        .place = meter->place,
        .fields = fields,
        .field_count = 1 };
    reactor->handler_depth++;
    bight_log_event_emit(&event);
    if (--reactor->handler_depth == 0 && reactor->afterwards.first != NULL) {
        bi_reactor_wake(reactor);
    }
}

static void set_attention(struct bi_meter *meter)
{
    meter->attention = meter->longest < meter->block_limit ? meter->longest : meter->block_limit;
}

static void __attribute__((noinline)) look_closer(struct bight_reactor *reactor, uint64_t took)
{
    struct bi_meter *meter = &reactor->meter;
    if (took > meter->longest || meter->longest_kind == NULL) {
        meter->longest = took;
        meter->longest_kind = meter->kind;
        meter->longest_place = meter->place;
        set_attention(meter);
    }
    if (took > meter->block_limit) {
        meter->blocks++;
        report_block(reactor, took);
        meter->mark = 0;
    }
}

BI_HOT void bi_meter_stop(struct bight_reactor *reactor)
{
    struct bi_meter *meter = &reactor->meter;
    uint64_t now = read_ticks(reactor);
    uint64_t ticks = now - meter->mark;
    uint64_t took = (int64_t)ticks < 0 ? 0 : scaled(ticks, meter->scale); /* two processors may differ a little */
    int bucket = 63 - __builtin_clzll(took | 1);
    meter->mark = now & meter->chain;
    meter->times[bucket < BIGHT_HANDLER_TIMES ? bucket : BIGHT_HANDLER_TIMES - 1]++;
    meter->total += took;
    if (BI_UNLIKELY(took >= meter->attention)) {
        look_closer(reactor, took);
    }
}

/* ----------------------------------------------------------------------------------------- settings */

/* A host calls others between our handlers, and in debug mode each handler's place is looked for. */
void bi_meter_adjust(struct bight_reactor *reactor)
{
    struct bi_meter *meter = &reactor->meter;
    meter->has_places = bi_deferred_debug();
    if (!meter->has_places) {
        set_word(&meter->place, NULL);
    }
    meter->chain = meter->is_timed && !reactor->hosted && !meter->has_places ? UINT64_MAX : 0;
    meter->void_mark = meter->is_timed || meter->has_places ? 0 : 1;
    bi_meter_rest(meter);
}

void bi_meter_init(struct bight_reactor *reactor)
{
    struct bi_meter *meter = &reactor->meter;
    meter->scale = ONE_TICK_A_NANOSECOND;
    meter->block_limit = UINT64_MAX;
    begin_counter(reactor);
    meter->is_timed = meter->has_counter;
    bi_meter_adjust(reactor);
}

void bight_reactor_set_timing(struct bight_reactor *reactor, bool on)
{
    struct bi_meter *meter = &reactor->meter;
    if (meter->is_timed == on) {
        return;
    }
    meter->is_timed = on;
    if (reactor->handler_depth == 0) {
        bi_meter_adjust(reactor);
    } else {
        meter->chain = 0; /* until the next turn */
        meter->mark = on ? read_ticks(reactor) : 0;
    }
}

bool bight_reactor_get_timing(const struct bight_reactor *reactor)
{
    return reactor->meter.is_timed;
}

double bight_reactor_get_block_limit(const struct bight_reactor *reactor)
{
    uint64_t limit = reactor->meter.block_limit;
    return limit == UINT64_MAX ? 0 : bi_seconds_of(limit);
}

int bight_reactor_set_block_limit(struct bight_reactor *reactor, double seconds)
{
    uint64_t nanoseconds;
    int code = bight_seconds_to_nanoseconds(seconds, &nanoseconds);
    if (code != 0) {
        return code;
    }
    struct bi_meter *meter = &reactor->meter;
    meter->block_limit = nanoseconds == 0 ? UINT64_MAX : nanoseconds;
    set_attention(meter);
    if (meter->block_limit != UINT64_MAX) {
        bight_reactor_set_timing(reactor, true);
    }
    return 0;
}

void bight_reactor_reset_figures(struct bight_reactor *reactor)
{
    struct bi_meter *meter = &reactor->meter;
    memset(meter->times, 0, sizeof meter->times);
    meter->total = meter->longest = meter->blocks = 0;
    meter->longest_kind = meter->longest_place = NULL;
    set_attention(meter);
}
