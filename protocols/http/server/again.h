/* SPDX-License-Identifier: MIT */
/* again.h - system calls that a signal may interrupt, as it can where a file system is a program or far away. Threads
 * of the pool get none, but the program's own may run what waits at its end. */
#ifndef BI_HTTP_AGAIN_H
#define BI_HTTP_AGAIN_H

#include <errno.h>

/* `result` is what the call returns, which is made again until it is not interrupted. */
#define BI_AGAIN(result, call) \
    do {                       \
        (result) = (call);     \
    } while ((result) < 0 && errno == EINTR)

#endif
