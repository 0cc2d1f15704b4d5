/* SPDX-License-Identifier: MIT */
/* resolver.h - the built-in resolver's one way to the outside, so that tests can make it fail or block. */
#ifndef BI_THREAD_RESOLVER_H
#define BI_THREAD_RESOLVER_H

#include <bight/sys/resolver.h>

#include <netdb.h>

#include "reactor/reactor.h"

/* As getaddrinfo and freeaddrinfo; called in threads of their own. */
struct bi_look_up {
    int (*look_up)(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found);
    void (*let_go)(struct addrinfo *found);
};

/* A resolver that asks `look_up` (copied) in the reactor's thread pool. NULL when out of memory. */
struct bight_resolver *bi_resolver_threaded_new(struct bight_reactor *reactor, const struct bi_look_up *look_up);

#endif
