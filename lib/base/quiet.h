/* SPDX-License-Identifier: MIT */
/* quiet.h - writing to what may have lost its reader, or may grow no more, without the SIGPIPE or SIGXFSZ that the
 * kernel then raises: the signal is the program's, not ours. For descriptors that are no sockets; those have
 * MSG_NOSIGNAL. */
#ifndef BI_BASE_QUIET_H
#define BI_BASE_QUIET_H

#include <bight/macros.h>

#include <signal.h>

struct bi_quiet {
    sigset_t before, pending;
};

/* Both signals are held back in this thread until the end. */
void bi_quiet_begin(struct bi_quiet *quiet);

/* `number`: the errno of the write between; 0: it did not fail. The signal that it raised is taken away. Leaves errno
 * alone. */
void bi_quiet_end(const struct bi_quiet *quiet, int number);

#endif
