/* SPDX-License-Identifier: MIT */
/* bight/testing/check.h - trials under Check (https://libcheck.github.io/check): failures are Check's.
 *
 * To be included after Check's own header. Call bight_trial_use_check() in each test, or in a checked fixture. */
#ifndef BIGHT_TESTING_CHECK_H
#define BIGHT_TESTING_CHECK_H

#include <bight/testing/trial.h>

#ifdef ck_abort_msg

static inline void bight_trial_check_failure(const char *place, const char *message, void *context)
{
    (void)context;
    ck_abort_msg("%s: %s", place, message);
}

static inline void bight_trial_use_check(void)
{
    bight_trial_set_failure(bight_trial_check_failure, NULL);
}

#endif

#endif
