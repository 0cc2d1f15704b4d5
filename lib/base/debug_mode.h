/* SPDX-License-Identifier: MIT */
/* debug_mode.h - whether debug mode is on (D19): process-wide, set before the first Deferred, by the program or, when
 * it does not, by BIGHT_DEBUG=1 in the environment, which is read once. */
#ifndef BIGHT_BASE_DEBUG_MODE_H
#define BIGHT_BASE_DEBUG_MODE_H

#include "base/check.h"

enum { BIGHT_DEBUG_OFF, BIGHT_DEBUG_ON, BIGHT_DEBUG_UNKNOWN };
extern int bight_debug_mode; /* one of the above */

bool bight_debug_mode_slow(void);

/* False also means that nobody needs to ask the environment. */
static inline bool bight_debug_mode_may_be_on(void)
{
    return __atomic_load_n(&bight_debug_mode, __ATOMIC_RELAXED) != BIGHT_DEBUG_OFF;
}

static inline bool bight_debug_mode_is_on(void)
{
    return BIGHT_UNLIKELY(bight_debug_mode_may_be_on()) && bight_debug_mode_slow();
}

#endif
