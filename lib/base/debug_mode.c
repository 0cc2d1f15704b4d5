/* SPDX-License-Identifier: MIT */
/* debug_mode.c - whether debug mode is on: asked of the environment once, or told by the program.
 *
 * What debug mode records is not here: places are in places.c, the rest is with whom it is recorded. */
#include "base/debug_mode.h"

#include <stdlib.h>
#include <string.h>

int bi_debug_mode = BI_DEBUG_UNKNOWN;

bool bi_debug_mode_slow(void)
{
    int mode = __atomic_load_n(&bi_debug_mode, __ATOMIC_RELAXED);
    if (mode == BI_DEBUG_UNKNOWN) {
        const char *text = getenv("BIGHT_DEBUG");
        mode = text != NULL && strcmp(text, "1") == 0 ? BI_DEBUG_ON : BI_DEBUG_OFF;
        __atomic_store_n(&bi_debug_mode, mode, __ATOMIC_RELAXED);
    }
    return mode == BI_DEBUG_ON;
}
