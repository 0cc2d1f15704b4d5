/* SPDX-License-Identifier: MIT */
/* debug_mode.c - whether debug mode is on. What it records is in places.c and with whom it is recorded. */
#include "base/debug_mode.h"

#include <stdlib.h>
#include <string.h>

int bight_debug_mode = BIGHT_DEBUG_UNKNOWN;

bool bight_debug_mode_slow(void)
{
    int mode = __atomic_load_n(&bight_debug_mode, __ATOMIC_RELAXED);
    if (mode == BIGHT_DEBUG_UNKNOWN) {
        const char *text = getenv("BIGHT_DEBUG");
        mode = text != NULL && strcmp(text, "1") == 0 ? BIGHT_DEBUG_ON : BIGHT_DEBUG_OFF;
        __atomic_store_n(&bight_debug_mode, mode, __ATOMIC_RELAXED);
    }
    return mode == BIGHT_DEBUG_ON;
}
