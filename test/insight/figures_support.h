/* SPDX-License-Identifier: MIT */
/* figures_support.h - what the tests of a reactor's figures share: a reactor whose clock the handlers themselves move,
 * so that the figures are exact. */
#ifndef BIGHT_TEST_FIGURES_SUPPORT_H
#define BIGHT_TEST_FIGURES_SUPPORT_H

#include "support.h"

#include <bight/bight.h>
#include <bight/figures.h>
#include <bight/testing.h>

#include "fake_system.h"

#define MICROSECOND UINT64_C(1000)
#define MILLISECOND UINT64_C(1000000)

static struct fake_system fake;
static struct bight_reactor *reactor;
static struct bight_reactor_figures figures;

static inline void set_up(void)
{
    reactor = fake_reactor(&fake);
    ck_assert_ptr_nonnull(reactor);
}

static inline void tear_down(void)
{
    bight_reactor_free(reactor);
}

static inline void read_figures(void)
{
    figures.size = sizeof figures;
    ck_assert_int_eq(bight_reactor_read_figures(reactor, &figures), 0);
}

static inline void take(void *nanoseconds)
{
    fake.now += *(uint64_t *)nanoseconds;
}

/* A timer's handler that takes so long. */
static inline void run_handler(uint64_t nanoseconds)
{
    bight_call_later(reactor, 0, take, &nanoseconds, NULL);
    fake_advance(&fake, reactor, 0);
}

static inline uint64_t sum_of_times(void)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < BIGHT_HANDLER_TIMES; i++) {
        sum += figures.handler_times[i];
    }
    return sum;
}

static inline void ignore(void *context)
{
    (void)context;
}

#endif
