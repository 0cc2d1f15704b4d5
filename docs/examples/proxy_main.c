/* SPDX-License-Identifier: MIT */
/* proxy_main.c - the proxy as a program. */
#include "proxy.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: proxy ENDPOINT ENDPOINT\n");
        return 64;
    }
    proxy_factory.context = argv[2];
    struct bight_reactor *reactor = bight_reactor_new();
    bight_serve(reactor, argv[1], &proxy_factory);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}
