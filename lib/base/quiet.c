/* SPDX-License-Identifier: MIT */
/* quiet.c - holding back SIGPIPE around a write, for this thread alone.
 *
 * The signal of a broken write is the thread's own and comes at once, so it is pending when the write returns. One that
 * was pending before is somebody else's and stays. Nothing is changed for the process: no handler, no SIG_IGN. */
#include "base/quiet.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

static void fill(sigset_t *signals)
{
    (void)sigemptyset(signals);
    (void)sigaddset(signals, SIGPIPE);
}

void bight_quiet_begin(struct bight_quiet *quiet)
{
    sigset_t pipe_signal, pending;
    fill(&pipe_signal);
    (void)sigemptyset(&pending);
    (void)pthread_sigmask(SIG_BLOCK, &pipe_signal, &quiet->before);
    if (sigismember(&quiet->before, SIGPIPE) == 1) {
        (void)sigpending(&pending);
    }
    quiet->was_pending = sigismember(&pending, SIGPIPE) == 1;
}

void bight_quiet_end(const struct bight_quiet *quiet, bool broken)
{
    static const struct timespec at_once = { 0, 0 };
    sigset_t pipe_signal;
    int saved = errno;
    fill(&pipe_signal);
    if (broken && !quiet->was_pending) {
        while (sigtimedwait(&pipe_signal, NULL, &at_once) < 0 && errno == EINTR) {
        }
    }
    (void)pthread_sigmask(SIG_SETMASK, &quiet->before, NULL);
    errno = saved;
}
