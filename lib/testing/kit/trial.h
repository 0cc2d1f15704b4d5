/* SPDX-License-Identifier: MIT */
/* trial.h - between the files of trials: expect.c (Deferreds, and how failures are told), trial.c (the run), leftover.c
 * (what a reactor leaves over), logged.c (errors in the log). */
#ifndef BIGHT_TESTING_TRIAL_INTERNAL_H
#define BIGHT_TESTING_TRIAL_INTERNAL_H

#include <bight/testing/trial.h>
#include <stdio.h>

/* A text that lines are added to, and cut at its end. */
struct bight_trial_text {
    char *text;
    size_t size, length; /* length: what the whole needs */
};
void bight_trial_write(struct bight_trial_text *to, const char *format, ...) BIGHT_PRINTF(2, 3);

/* expect.c: tells. Gives false. */
bool bight_trial_fail(const char *place, const char *format, ...) BIGHT_PRINTF(2, 3);

/* leftover.c: one line each; gives how many. `since` as of bight_places_live_slots. */
size_t bight_trial_write_left_over(struct bight_trial_text *to, struct bight_reactor *reactor, uint64_t since);
/* The Deferreds alone. */
size_t bight_trial_write_deferreds(struct bight_trial_text *to, uint64_t since);

/* logged.c: each error is written to `copy` at once (NULL: it is not). */
void bight_trial_begin_logging(FILE *copy);
void bight_trial_end_logging(void);
size_t bight_trial_write_logged(struct bight_trial_text *to);
/* The first that was not flushed; gives how many there are. */
size_t bight_trial_first_logged(char *line, size_t size);

#endif
