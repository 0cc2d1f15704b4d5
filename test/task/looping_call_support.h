/* SPDX-License-Identifier: MIT */
/* looping_call_support.h - what the tests of looping calls share: one call whose function notes when it is called, and
 * does what the test's script says. */
#ifndef BIGHT_TEST_LOOPING_CALL_SUPPORT_H
#define BIGHT_TEST_LOOPING_CALL_SUPPORT_H

#include <math.h>

#include <bight/task.h>

#include "deferred_support.h"

#define MAX_SCRIPT 8

static struct bight_looping_call *call;
static struct bight_deferred *run;       /* start's */
static struct bight_promise answer;      /* of the Deferred that `waits` gave last */
static void (*script[MAX_SCRIPT])(void); /* what the function does at its n-th call, if anything */
static unsigned calls;
static uint64_t origin;

/* "2.5 " for a call 2.5 s after the beginning, "2.5(3) " when three ticks were left out. */
static inline struct bight_deferred *note_call(struct bight_looping_call *which, void *context)
{
    char text[64];
    (void)context;
    snprintf(text, sizeof(text), "%g", (double)(test_clock.now - origin) / 1e9);
    note(text);
    if (bight_looping_call_missed(which) > 0) {
        snprintf(text, sizeof(text), "(%llu)", (unsigned long long)bight_looping_call_missed(which));
        note(text);
    }
    note(" ");
    calls++;
    if (calls <= MAX_SCRIPT && script[calls - 1] != NULL) {
        script[calls - 1]();
    }
    return NULL;
}

static inline struct bight_deferred *waits(struct bight_looping_call *which, void *context)
{
    note_call(which, context);
    return bight_deferred_new(&answer, NULL, NULL);
}

static void make(bight_looping_function function)
{
    call = bight_looping_call_new_full(&test_clock.base, function, NAME("context"), released);
    ck_assert_ptr_nonnull(call);
}

static void set_up(void)
{
    begin();
    origin = test_clock.now;
}

static void tear_down(void)
{
    ck_assert_uint_eq(timers_pending(), 0);
    ck_assert_int_eq(reports, 0);
}

static void start(double seconds, bool now)
{
    run = bight_looping_call_start(call, seconds, now);
    bight_deferred_add_both(run, seen, NAME("run"));
    bight_deferred_add_errback(run, cleared, NULL);
}

/* Lets the time pass in steps that a loop would make. */
static void steps(double seconds, int count)
{
    for (int i = 0; i < count; i++) {
        advance(seconds);
    }
}

static void let_go(void)
{
    bight_deferred_release(run);
    bight_looping_call_free(call);
}

#endif
