/* SPDX-License-Identifier: MIT */
/* reactor_support.h - a reactor, what it calls noted by letters, and contexts that are counted when they go. */
#ifndef BIGHT_TEST_REACTOR_SUPPORT_H
#define BIGHT_TEST_REACTOR_SUPPORT_H

#include "support.h"

#include <bight/reactor.h>

static struct bight_reactor *reactor;
static char calls[256]; /* one letter for each */
static unsigned released;

static inline void set_up(void)
{
    reactor = bight_reactor_new();
    ck_assert_ptr_nonnull(reactor);
}

static inline void tear_down(void)
{
    bight_reactor_free(reactor);
}

static inline void note(void *letter)
{
    calls[strlen(calls)] = *(const char *)letter;
}

static inline void count_release(void *context)
{
    (void)context;
    released++;
}

#endif
