/* SPDX-License-Identifier: MIT */
/* random.c - random bytes for programs (bight/sys/digest.h): of the reactor's table of system calls, so that what a
 * program draws follows from the seed when it runs in a simulation. */
#include <bight/sys/digest.h>

#include <errno.h>

#include "reactor/reactor.h"

int bight_random(struct bight_reactor *reactor, void *buffer, size_t size)
{
    if (bi_reactor_check_thread(reactor, "bight_random") != 0) {
        return BIGHT_E_WRONG_THREAD;
    }
    struct bight_system *system = reactor->system;
    int result;
    do {
        result = size == 0 ? 0 : system->ops->random(system, buffer, size);
    } while (result == -EINTR);
    return result == 0 ? BIGHT_OK : bight_error_from_errno(-result);
}
