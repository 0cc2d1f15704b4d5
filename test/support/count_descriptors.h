/* SPDX-License-Identifier: MIT */
/* count_descriptors.h - how many descriptors the process has: for tests that none is left open. */
#ifndef BIGHT_TEST_COUNT_DESCRIPTORS_H
#define BIGHT_TEST_COUNT_DESCRIPTORS_H

#include <dirent.h>

#include "support.h"

/* With those of the look itself, so only differences say something. */
static inline int count_descriptors(void)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(directory);
    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count;
}

#endif
