/* SPDX-License-Identifier: MIT */
/* backtrace.h - where another thread is, told by itself in a handler of a signal. */
#ifndef BIGHT_REACTOR_BACKTRACE_H
#define BIGHT_REACTOR_BACKTRACE_H

#include <bight/macros.h>

#include <pthread.h>

#define BIGHT_BACKTRACE_FRAMES 48

struct bight_backtrace {
    void *frames[BIGHT_BACKTRACE_FRAMES];
    int count;
    unsigned is_done; /* the handler has filled it */
};

/* Takes a signal for the process, once, and has ready what the handler needs. False when there is no way to a
 * backtrace. */
bool bight_backtrace_begin(void);

/* Where `thread` is, which must not end meanwhile. False when it does not say so within a second. */
bool bight_backtrace_take(pthread_t thread, struct bight_backtrace *where);

/* "inner+0x12 < outer+0x45 < program+0x1234", cut to `size`. Allocates nothing. */
void bight_backtrace_format(const struct bight_backtrace *where, char *text, size_t size);

#endif
