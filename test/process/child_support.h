/* SPDX-License-Identifier: MIT */
/* child_support.h - for tests with real children: a reactor on the kernel, results as texts, and a look at what is
 * left: children of this process, and descriptors. */
#ifndef BIGHT_TEST_CHILD_SUPPORT_H
#define BIGHT_TEST_CHILD_SUPPORT_H

#include <errno.h>
#include <sys/wait.h>
#include <time.h>

#include <bight/bight.h>
#include <bight/process_output.h>
#include <bight/worker_pool.h>

#include "reactor/reactor.h"
#include "count_descriptors.h"
#include "heard_results.h"
#include "support.h"

static struct bight_reactor *reactor;
static int descriptors_before;

/* A child, running or a zombie. */
__attribute__((unused)) static bool has_children(void)
{
    siginfo_t information;
    return waitid(P_ALL, 0, &information, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* Turns until `condition` holds, waiting for what the kernel has to tell. */
#define UNTIL(condition)                                                    \
    do {                                                                    \
        time_t end_ = time(NULL) + 40;                                      \
        while (!(condition) && time(NULL) < end_) {                         \
            bi_reactor_turn(reactor, true);                                 \
        }                                                                   \
        ck_assert_msg(condition, "never came: %s (%s)", #condition, heard); \
    } while (0)

/* Keeps turns from waiting for ever. */
__attribute__((unused)) static void tick(void *context)
{
    bight_call_later(reactor, 0.01, tick, context, NULL);
}

__attribute__((unused)) static void set_up(void)
{
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    descriptors_before = count_descriptors();
    reactor = bight_reactor_new();
    ck_assert_ptr_nonnull(reactor);
    tick(NULL);
}

__attribute__((unused)) static void tear_down(void)
{
    bight_reactor_free(reactor);
    ck_assert(!has_children());
    ck_assert_int_eq(count_descriptors(), descriptors_before);
}

#endif
