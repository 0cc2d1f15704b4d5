/* SPDX-License-Identifier: MIT */
/* options.h - structs of options and of figures, which begin with their size, so that a program that was built with an
 * older version of bight can give what it knows, and is given no more. */
#ifndef BI_BASE_OPTIONS_H
#define BI_BASE_OPTIONS_H

#include <stdbool.h>
#include <string.h>

#include "base/check.h"

/* Into *options, which has `size` bytes: what the caller sets and this version knows; the rest, and all when `given` is
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

/* From `all`, of `size` bytes, into what the caller has room for and begins with its size; what this version does not
 * know is zero. INVALID_ARGUMENT, a usage error of `name`: that is no size. */
static inline int bi_give_figures(const char *name, void *given, const void *all, size_t size)
{
    size_t room;
    memcpy(&room, given, sizeof room);
    if (room < sizeof room) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "%s: the member `size` is not the struct's", name);
    }
    memset((char *)given + sizeof room, 0, room - sizeof room);
    memcpy((char *)given + sizeof room, (const char *)all + sizeof room, (room < size ? room : size) - sizeof room);
    return 0;
}

#endif
