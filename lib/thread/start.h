/* SPDX-License-Identifier: MIT */
/* start.h - starting a thread of the library's. */
#ifndef BI_THREAD_START_H
#define BI_THREAD_START_H

#include <pthread.h>

/* With all signals blocked from its first instruction on: they are for the program's threads. 0 or a positive errno. */
int bi_thread_start(pthread_t *thread, void *(*function)(void *context), void *context);

#endif
