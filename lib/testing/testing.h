/* SPDX-License-Identifier: MIT */
/* testing.h - what the files of lib/testing share. */
#ifndef BIGHT_TESTING_TESTING_H
#define BIGHT_TESTING_TESTING_H

#include <bight/testing.h>

/* Turns without letting time pass until nothing is left to do, at most `limit`. Inside a handler it does nothing: the
 * turn that is on the stack goes on by itself. */
size_t bight_testing_settle_quietly(struct bight_reactor *reactor, size_t limit);

/* Memory past the hook, for what stands for the kernel's or bookkeeps the hook itself: faults must not hit it. */
void *bight_testing_plain_realloc(void *memory, size_t size);
void bight_testing_plain_free(void *memory);

/* faults.c: an allocator that knows what is out, from here on; what is out is logged (blame.h), counts as lost from
 * then on, and is counted; and the allocator before. */
void bight_testing_track_memory(void);
size_t bight_testing_report_leaks(void);
void bight_testing_untrack_memory(void);

#endif
