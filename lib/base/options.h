/* SPDX-License-Identifier: MIT */
/* options.h - structs of options, which begin with their size, so that a program that was built with an older version
 * of bight can give what it knows. */
#ifndef BI_BASE_OPTIONS_H
#define BI_BASE_OPTIONS_H

#include <string.h>

/* Into *options, which has `size` bytes: what the caller gives and this version knows; the rest, and all when `given` is
 * NULL, is zero, which stands for the default. */
static inline void bi_take_options(void *options, size_t size, const void *given)
{
    size_t known = 0;
    memset(options, 0, size);
    if (given != NULL) {
        memcpy(&known, given, sizeof known);
        memcpy(options, given, known < size ? known : size);
    }
}

#endif
