/* SPDX-License-Identifier: MIT */
/* quiet.h - writing to what may have lost its reader, or may grow no more, without the SIGPIPE or SIGXFSZ that the
 * kernel then raises: the signal is the program's, not ours. For descriptors that are no sockets; those have
 * MSG_NOSIGNAL. */
#ifndef BIGHT_BASE_QUIET_H
#define BIGHT_BASE_QUIET_H

#include <bight/macros.h>

#include <signal.h>

struct bight_quiet {
    sigset_t before, pending;
};

/* Both signals are held back in this thread until the end. */
void bight_quiet_begin(struct bight_quiet *quiet);

/* `number`: the errno of the write between; 0: it did not fail. The signal that it raised is taken away. Leaves errno
 * alone. */
void bight_quiet_end(const struct bight_quiet *quiet, int number);

#endif
