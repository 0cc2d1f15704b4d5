/* SPDX-License-Identifier: MIT */
/* guest.c - the least that shows that the subproject's headers and library are there. */
#include <bight/bight.h>

static void stop(void *reactor)
{
    bight_reactor_stop(reactor);
}

int main(void)
{
    struct bight_reactor *reactor = bight_reactor_new();
    if (reactor == NULL || bight_call_later(reactor, 0.001, stop, reactor, NULL) != 0) {
        return 1;
    }
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}
