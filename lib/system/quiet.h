/* SPDX-License-Identifier: MIT */
/* quiet.h - a write to a file, where the signal that a failed one raises is held back (base/quiet.h). */
#ifndef BIGHT_REACTOR_SYSTEM_QUIET_H
#define BIGHT_REACTOR_SYSTEM_QUIET_H

#include <bight/sys/system.h>

#include "base/quiet.h"

/* As the table's write. */
static inline ssize_t bight_write_quietly(struct bight_system *system, int fd, const void *data, size_t size)
{
    struct bight_quiet quiet;
    bight_quiet_begin(&quiet);
    ssize_t written = system->ops->write(system, fd, data, size);
    bight_quiet_end(&quiet, written < 0 ? (int)-written : 0);
    return written;
}

#endif
