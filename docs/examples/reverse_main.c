/* SPDX-License-Identifier: MIT */
/* reverse_main.c - serves reverse.c's protocol on the endpoint that it is given. */
#include <bight/bight.h>

#include "reverse.h"

int main(int argc, char **argv)
{
    struct bight_reactor *reactor = bight_reactor_new();
    reverse_factory.limit = 512;
    bight_serve(reactor, argc > 1 ? argv[1] : "tcp:1234", &reverse_factory.base);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}
