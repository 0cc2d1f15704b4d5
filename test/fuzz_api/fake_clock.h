/* SPDX-License-Identifier: MIT */
/* fake_clock.h - the least that is a clock: timers in the order of their deadlines, and time that is told to pass. */
#ifndef BIGHT_TEST_FUZZ_API_FAKE_CLOCK_H
#define BIGHT_TEST_FUZZ_API_FAKE_CLOCK_H

#include <bight/clock.h>

/* Starts again, with nothing pending. */
struct bight_clock *fake_clock_begin(void);

/* Runs what is due within `seconds`. May be called by what runs. */
void fake_clock_pass(double seconds);

#endif
