/* SPDX-License-Identifier: MIT */
/* trial.h - between the files of trials: expect.c (Deferreds, and how failures are told), trial.c (the run), leftover.c
 * (what a reactor leaves over), logged.c (errors in the log). */
#ifndef BI_TESTING_KIT_TRIAL_H
#define BI_TESTING_KIT_TRIAL_H

#include <bight/testing/trial.h>
#include <stdio.h>

/* A text that lines are added to, and cut at its end. */
struct bi_trial_text {
    char *text;
    size_t size, length; /* length: what the whole needs */
};
void bi_trial_write(struct bi_trial_text *to, const char *format, ...) BIGHT_PRINTF(2, 3);

/* expect.c: tells. Returns false. */
bool bi_trial_fail(const char *place, const char *format, ...) BIGHT_PRINTF(2, 3);

/* leftover.c: one line each; returns how many. `since` as of bi_places_live_slots. */
size_t bi_trial_write_left_over(struct bi_trial_text *to, struct bight_reactor *reactor, uint64_t since);
/* The Deferreds alone. */
size_t bi_trial_write_deferreds(struct bi_trial_text *to, uint64_t since);

/* logged.c: each error is written to `copy` at once (NULL: it is not). */
void bi_trial_begin_logging(FILE *copy);
void bi_trial_end_logging(void);
size_t bi_trial_write_logged(struct bi_trial_text *to);
/* The first that was not flushed; returns how many there are. */
size_t bi_trial_first_logged(char *line, size_t size);

#endif
