/* SPDX-License-Identifier: MIT */
/* coroutine_support.h - what the tests of coroutines share: a reactor of the kernel's, Deferreds by number, a body that
 * awaits one and passes on what came of it. */
#ifndef BIGHT_TEST_COROUTINE_SUPPORT_H
#define BIGHT_TEST_COROUTINE_SUPPORT_H

#include <bight/coroutine.h>

#include "deferred_support.h"

#define DEFERREDS 8

static struct bight_reactor *reactor;
static struct bight_deferred *deferreds[DEFERREDS];
static struct bight_promise promises[DEFERREDS];

/* Several tests want a small number of Deferreds that nobody has fired. */
static inline void begin_coroutines(int count)
{
    begin();
    reactor = bight_reactor_new();
    ck_assert_ptr_nonnull(reactor);
    for (int i = 0; i < count; i++) {
        deferreds[i] = bight_deferred_new(&promises[i], NULL, NULL);
    }
}

static inline void end_coroutines(void)
{
    struct bight_coroutine_figures figures = { .size = sizeof figures };
    (void)bight_coroutine_read_figures(reactor, &figures);
    ck_assert_uint_eq(figures.coroutines, 0);
    bight_reactor_free(reactor);
    ck_assert_int_eq(reports, 0);
    ck_assert_int_eq(usage_errors, 0);
}

/* Awaits the Deferred that is its context; the outcome is the same. */
static inline void await_it(struct bight_result *result, void *context)
{
    note("in ");
    (void)bight_await(context, result);
    seen(result, NAME("got"));
}

static inline struct bight_deferred *spawn_await(struct bight_deferred *deferred)
{
    return bight_spawn(reactor, await_it, deferred);
}

#endif
