/* SPDX-License-Identifier: MIT */
/* two_deferreds.h - the Deferred whose result goes on to another, the other, and their promises. */
#ifndef BIGHT_TEST_TWO_DEFERREDS_H
#define BIGHT_TEST_TWO_DEFERREDS_H

#include "deferred_support.h"

static struct bight_deferred *outer, *inner;
static struct bight_promise outer_promise, inner_promise;

static inline void set_up(void)
{
    begin();
    outer = bight_deferred_new(&outer_promise, NULL, NULL);
    inner = bight_deferred_new(&inner_promise, NULL, NULL);
}

#endif
