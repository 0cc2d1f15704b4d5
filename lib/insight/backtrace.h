/* SPDX-License-Identifier: MIT */
/* backtrace.h - where another thread is, reported by itself in a signal handler. */
#ifndef BI_INSIGHT_BACKTRACE_H
#define BI_INSIGHT_BACKTRACE_H

#include <bight/macros.h>

#include <pthread.h>

#define BI_BACKTRACE_FRAMES 48

struct bi_backtrace {
    void *frames[BI_BACKTRACE_FRAMES];
    int count;
    unsigned is_done; /* the handler has filled it */
};

/* Takes a signal for the process, once, and has ready what the handler needs. False when there is no way to a
 * backtrace. */
bool bi_backtrace_begin(void);

/* Where `thread` is, which must not end meanwhile. False when it does not say so within a second. */
bool bi_backtrace_take(pthread_t thread, struct bi_backtrace *where);

/* "inner+0x12 < outer+0x45 < program+0x1234", cut to `size`. Allocates nothing. */
void bi_backtrace_format(const struct bi_backtrace *where, char *text, size_t size);

#endif
