/* SPDX-License-Identifier: MIT */
/* one_deferred.h - the Deferred that a test is about, and its promise. */
#ifndef BIGHT_TEST_ONE_DEFERRED_H
#define BIGHT_TEST_ONE_DEFERRED_H

#include "deferred_support.h"

static struct bight_deferred *deferred;
static struct bight_promise promise;

static inline void set_up(void)
{
    begin();
    deferred = bight_deferred_new(&promise, NULL, NULL);
}

static inline void finish(void)
{
    fire(promise, 0);
    bight_deferred_release(deferred);
}

#endif
