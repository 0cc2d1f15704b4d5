/* SPDX-License-Identifier: MIT */
/* descriptor.h - for the kernel's table and libevent's loop: which numbers new descriptors have, and whether
 * there are any. */
#ifndef BI_SYSTEM_DESCRIPTOR_H
#define BI_SYSTEM_DESCRIPTOR_H

#include "base/check.h"

enum { BI_STANDARD_DESCRIPTORS = 3 };

int bi_real_lift(int fd);

/* A new descriptor, or -1 with errno, as the table returns it: -errno, or a number above 0, 1 and 2. In a process that
 * has closed one of these, whatever gets its number is written to by all its old users: the log, for one. */
static inline int bi_real_clear(int fd)
{
    return BI_LIKELY(fd >= BI_STANDARD_DESCRIPTORS) ? fd : bi_real_lift(fd);
}

/* The same for two that were made together: 0 or -errno, and then both are closed. */
int bi_real_clear_both(int ends[2]);

/* Descriptors that are about to be taken by code that does not use the table. */
struct bi_room {
    int standard[BI_STANDARD_DESCRIPTORS]; /* occupied, those that were closed */
    int standard_count;
    int highest; /* the highest number that was there to be had */
};

/* Whether `count` descriptors can be had now (at most 8): 0 or a positive errno. In either case none of those that are
 * taken before bi_room_end will be 0, 1 or 2. */
int bi_room_begin(struct bi_room *room, int count);
void bi_room_end(struct bi_room *room);

/* The limit of descriptors allows for this number. */
bool bi_room_allows(int fd);

#endif
