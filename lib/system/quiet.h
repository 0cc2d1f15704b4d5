/* SPDX-License-Identifier: MIT */
/* quiet.h - a write to a file, where the signal that a failed one raises is held back (base/quiet.h). */
#ifndef BI_SYSTEM_QUIET_H
#define BI_SYSTEM_QUIET_H

#include <bight/sys/system.h>

#include "base/quiet.h"

/* As the table's write. */
static inline ssize_t bi_write_quietly(struct bight_system *system, int fd, const void *data, size_t size)
{
    struct bi_quiet quiet;
    bi_quiet_begin(&quiet);
    ssize_t written = system->ops->write(system, fd, data, size);
    bi_quiet_end(&quiet, written < 0 ? (int)-written : 0);
    return written;
}

#endif
