/* SPDX-License-Identifier: MIT */
/* blame.h - which fault is being tried at present, and where it hit: for reports, and for the last words of a run that
 * crashes or hangs. Used by the loops of faults (faults.c, syscalls.c). */
#ifndef BI_TESTING_FAULTS_BLAME_H
#define BI_TESTING_FAULTS_BLAME_H

#include <bight/macros.h>

/* From here to the end a crash, or a run that takes longer than `seconds` of real time, is reported with the fault
 * before the process dies of it. */
void bi_blame_begin(unsigned seconds);
void bi_blame_end(void);

/* A run begins; the text says what will go wrong in it. */
void bi_blame_run(const char *format, ...) BIGHT_PRINTF(1, 2);

/* The fault happens now: remembers the callers. Only the first time of a run. */
void bi_blame_here(void);

/* Logs an error: the text of the run, this, and where the fault hit. */
void bi_blame_report(const char *format, ...) BIGHT_PRINTF(1, 2);

#endif
