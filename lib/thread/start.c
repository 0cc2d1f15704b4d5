/* SPDX-License-Identifier: MIT */
/* start.c - starting a thread: its signals and its stack.
 *
 * The C library makes a thread the stack that the process's limit allows the main one, and a limit of a few pages,
 * meant for a small program, would leave too little for looking up a name. Address space is all that a larger one
 * takes. What threads are started for, and their end, is up to the caller. */
#include "thread/start.h"

#include <signal.h>

#define MIN_STACK ((size_t)1 << 20)

static void ensure_stack(pthread_attr_t *attributes)
{
    size_t size = 0;
    if (pthread_attr_getstacksize(attributes, &size) == 0 && size < MIN_STACK) {
        (void)pthread_attr_setstacksize(attributes, MIN_STACK);
    }
}

int bi_thread_start(pthread_t *thread, void *(*function)(void *context), void *context)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    int number = pthread_attr_init(&attributes);
    if (number != 0) {
        return number;
    }
    ensure_stack(&attributes);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    number = pthread_create(thread, &attributes, function, context);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return number;
}
