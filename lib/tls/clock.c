/* SPDX-License-Identifier: MIT */
/* clock.c - the kernel's time of day, for certificates and tickets: contexts belong to no reactor, so no reactor's
 * clock will do. */
#include "tls/clock.h"

#include <bight/sys/system.h>

static int64_t ask_kernel(void)
{
    struct bight_system *system = bight_system_real();
    return (int64_t)(system->ops->wall_time(system) / UINT64_C(1000000000));
}

int64_t (*bi_tls_clock)(void) = ask_kernel;
