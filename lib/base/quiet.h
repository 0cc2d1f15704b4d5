/* SPDX-License-Identifier: MIT */
/* quiet.h - writing to what may have lost its reader, without the SIGPIPE that the kernel then raises: the signal is
 * the program's, not ours. For descriptors that are no sockets; those have MSG_NOSIGNAL. */
#ifndef BIGHT_BASE_QUIET_H
#define BIGHT_BASE_QUIET_H

#include <bight/macros.h>

#include <signal.h>

struct bight_quiet {
    sigset_t before;
    bool was_pending;
};

/* SIGPIPE is held back in this thread until the end. */
void bight_quiet_begin(struct bight_quiet *quiet);

/* `broken`: a write between gave EPIPE, so that the signal which it raised is to be taken away. Leaves errno alone. */
void bight_quiet_end(const struct bight_quiet *quiet, bool broken);

#endif
