/* SPDX-License-Identifier: MIT */
/* quiet.c - holding back SIGPIPE and SIGXFSZ around a write, for this thread alone.
 *
 * The signal of a write that failed is the thread's own and comes at once, so it is pending when the write returns. One
 * that was pending before is not ours and stays. Nothing is changed for the process: no handler, no SIG_IGN. */
#include "base/quiet.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

void bi_quiet_begin(struct bi_quiet *quiet)
{
    sigset_t held;
    (void)sigemptyset(&held);
    (void)sigaddset(&held, SIGPIPE);
    (void)sigaddset(&held, SIGXFSZ);
    (void)sigemptyset(&quiet->pending);
    (void)pthread_sigmask(SIG_BLOCK, &held, &quiet->before);
    if (sigismember(&quiet->before, SIGPIPE) == 1 || sigismember(&quiet->before, SIGXFSZ) == 1) {
        (void)sigpending(&quiet->pending);
    }
}

static void take_away(const struct bi_quiet *quiet, int signal_number)
{
    static const struct timespec at_once = { 0, 0 };
    sigset_t raised;
    if (sigismember(&quiet->pending, signal_number) == 1) {
        return;
    }
    (void)sigemptyset(&raised);
    (void)sigaddset(&raised, signal_number);
    while (sigtimedwait(&raised, NULL, &at_once) < 0 && errno == EINTR) {
    }
}

void bi_quiet_end(const struct bi_quiet *quiet, int number)
{
    int saved = errno;
    if (number == EPIPE || number == EFBIG) {
        take_away(quiet, number == EPIPE ? SIGPIPE : SIGXFSZ);
    }
    (void)pthread_sigmask(SIG_SETMASK, &quiet->before, NULL);
    errno = saved;
}
