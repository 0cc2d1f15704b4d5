/* SPDX-License-Identifier: MIT */
/* debug_mode.h - whether debug mode is on (D19): process-wide, set before the first Deferred, by the program or, when
 * it does not, by BIGHT_DEBUG=1 in the environment, which is read once. */
#ifndef BI_BASE_DEBUG_MODE_H
#define BI_BASE_DEBUG_MODE_H

#include "base/check.h"

enum { BI_DEBUG_OFF, BI_DEBUG_ON, BI_DEBUG_UNKNOWN };
extern int bi_debug_mode; /* one of the above */

bool bi_debug_mode_slow(void);

/* False also means that the environment need not be asked. */
static inline bool bi_debug_mode_may_be_on(void)
{
    return __atomic_load_n(&bi_debug_mode, __ATOMIC_RELAXED) != BI_DEBUG_OFF;
}

static inline bool bi_debug_mode_is_on(void)
{
    return BI_UNLIKELY(bi_debug_mode_may_be_on()) && bi_debug_mode_slow();
}

#endif
