/* SPDX-License-Identifier: MIT */
/* deferred_support.h - what the tests of lib/deferred share: a trace of handlers, counted values, a record of the
 * log, a clock of a few timers, and threads with little stack. */
#ifndef BIGHT_TEST_DEFERRED_SUPPORT_H
#define BIGHT_TEST_DEFERRED_SUPPORT_H

#include <pthread.h>

#include <bight/deferred.h>
#include <bight/log.h>
#include <bight/memory.h>

#include "support.h"

#define MILLION 1000000

/* -------------------------------------------------------------------------------------------- trace */

static char trace[4096];
static size_t traced;

static inline void note(const char *text)
{
    traced += (size_t)snprintf(trace + traced, sizeof(trace) - traced, "%s", text);
}

/* Checks what was noted since the last time. */
#define ck_trace(expected)                   \
    do {                                     \
        ck_assert_str_eq(trace, (expected)); \
        traced = 0;                          \
        trace[0] = '\0';                     \
    } while (0)

/* A text as a context. */
#define NAME(text) ((void *)(uintptr_t)(text))

/* A handler that notes its context, and what it saw: "a=5 ", "a=! " for a failure, "a=- " for the empty result. */
static inline void seen(struct bight_result *result, void *context)
{
    char text[64];
    const struct bight_failure *failure = bight_result_failure(result);
    if (failure != NULL) {
        snprintf(text, sizeof(text), "%s=%s ", (char *)context, bight_error_name(bight_failure_code(failure)));
    } else if (bight_result_is_empty(result)) {
        snprintf(text, sizeof(text), "%s=- ", (char *)context);
    } else {
        snprintf(text, sizeof(text), "%s=%d ", (char *)context, (int)bight_integer_value(result->value));
    }
    note(text);
}

static inline void cleared(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
}

/* Waits for the Deferred that is its context. */
static inline void chained(struct bight_result *result, void *context)
{
    bight_result_chain(result, context);
}

static inline void released(void *context)
{
    note("~");
    note(context);
    note(" ");
}

/* Fires with an integer. */
#define fire(promise, number) bight_callback((promise), &bight_type_integer, bight_integer(number))
#define fire_failure(promise, name) bight_errback((promise), bight_failure_of(BIGHT_E_##name))

/* ------------------------------------------------------------------------------------ counted values */

static int destroyed, discarded;

static inline void count_destroyed(void *value)
{
    (void)value;
    destroyed++;
}

static inline void count_discarded(void *value)
{
    (void)value;
    discarded++;
}

static const struct bight_type counted = { .name = "counted", .destroy = count_destroyed, .discard = count_discarded };

/* ---------------------------------------------------------------------------------------------- log */

static int reports, usage_errors;
static char last_message[512], last_place[256];
static int last_code;

static inline void record(const struct bight_log_event *event, void *context)
{
    (void)context;
    reports += event->level == BIGHT_LOG_CRITICAL ? 1 : 0;
    usage_errors += event->level == BIGHT_LOG_ERROR ? 1 : 0;
    last_code = event->failure != NULL ? bight_failure_code(event->failure) : 0;
    snprintf(last_message, sizeof(last_message), "%s", event->message);
    snprintf(last_place, sizeof(last_place), "%s", event->place != NULL ? event->place : "");
}

static inline void begin(void)
{
    bight_log_set_observer(record, NULL);
}

/* ------------------------------------------------------------------------------------ ending quietly */

/* Releases a Deferred that has failed as expected. */
static inline void release_failed(struct bight_deferred *deferred, int code)
{
    struct bight_result *result = bight_deferred_result(deferred);
    ck_assert_ptr_nonnull(result);
    struct bight_failure *failure = bight_result_take_failure(result);
    ck_assert_ptr_nonnull(failure);
    ck_assert_int_eq(bight_failure_code(failure), code);
    bight_failure_release(failure);
    bight_deferred_release(deferred);
}

static inline void release_with(struct bight_deferred *deferred, int number)
{
    struct bight_result *result = bight_deferred_result(deferred);
    ck_assert_ptr_nonnull(result);
    ck_assert_ptr_eq(result->type, &bight_type_integer);
    ck_assert_int_eq((int)bight_integer_value(result->value), number);
    bight_deferred_release(deferred);
}

/* ----------------------------------------------------------------------------------------- the clock */

struct test_timer {
    struct bight_timer_slot slot;
    bool pending;
    uint64_t deadline;
    bight_timer_function function;
    void *context;
    bight_release_function release;
};

struct test_clock {
    struct bight_clock base;
    uint64_t now;
    struct test_timer timers[16];
};

static inline uint64_t test_clock_now(struct bight_clock *clock)
{
    return ((struct test_clock *)clock)->now;
}

static inline int test_clock_call_at(struct bight_clock *base, uint64_t deadline, bight_timer_function function,
    void *context, bight_release_function release, struct bight_timer *handle)
{
    struct test_clock *clock = (struct test_clock *)base;
    for (size_t i = 0; i < 16; i++) {
        struct test_timer *timer = &clock->timers[i];
        if (!timer->pending) {
            *timer = (struct test_timer) { { timer->slot.generation + 1 }, true, deadline, function, context, release };
            if (handle != NULL) {
                *handle = (struct bight_timer) { timer, timer->slot.generation, base };
            }
            return BIGHT_OK;
        }
    }
    return BIGHT_E_OUT_OF_MEMORY;
}

static inline void test_clock_cancel(struct bight_clock *clock, struct bight_timer_slot *slot)
{
    struct test_timer *timer = (struct test_timer *)slot;
    (void)clock;
    timer->pending = false;
    timer->slot.generation++;
    if (timer->release != NULL) {
        timer->release(timer->context);
    }
}

static inline void test_clock_reset_at(struct bight_clock *clock, struct bight_timer_slot *slot, uint64_t deadline)
{
    (void)clock;
    ((struct test_timer *)slot)->deadline = deadline;
}

static inline uint64_t test_clock_deadline(struct bight_clock *clock, const struct bight_timer_slot *slot)
{
    (void)clock;
    return ((const struct test_timer *)slot)->deadline;
}

static const struct bight_clock_ops test_clock_ops = {
    .size = sizeof(struct bight_clock_ops),
    .now = test_clock_now,
    .call_at = test_clock_call_at,
    .cancel = test_clock_cancel,
    .reset_at = test_clock_reset_at,
    .deadline = test_clock_deadline,
};

static struct test_clock test_clock = { .base = { &test_clock_ops }, .now = 1000 };

static inline struct test_timer *test_clock_due(void)
{
    struct test_timer *first = NULL;
    for (size_t i = 0; i < 16; i++) {
        struct test_timer *timer = &test_clock.timers[i];
        bool due = timer->pending && timer->deadline <= test_clock.now;
        if (due && (first == NULL || timer->deadline < first->deadline)) {
            first = timer;
        }
    }
    return first;
}

static inline void advance(double seconds)
{
    test_clock.now += (uint64_t)(seconds * 1e9);
    struct test_timer *timer;
    while ((timer = test_clock_due()) != NULL) {
        struct test_timer run = *timer;
        timer->slot.generation++;
        run.function(run.context);
        timer->pending = false;
        if (run.release != NULL) {
            run.release(run.context);
        }
    }
}

static inline size_t timers_pending(void)
{
    size_t count = 0;
    for (size_t i = 0; i < 16; i++) {
        count += test_clock.timers[i].pending ? 1 : 0;
    }
    return count;
}

/* ------------------------------------------------------------------------------------- little stack */

static inline void *run_void(void *function)
{
    (*(void (**)(void))function)();
    return NULL;
}

/* Runs `function` in a thread with 256 KiB of stack. */
static inline void with_little_stack(void (*function)(void))
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    ck_assert_int_eq(pthread_attr_setstacksize(&attributes, 256 * 1024), 0);
    ck_assert_int_eq(pthread_create(&thread, &attributes, run_void, &function), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

#endif
