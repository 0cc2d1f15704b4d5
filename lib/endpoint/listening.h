/* SPDX-License-Identifier: MIT */
/* listening.h - the common end of every server type. */
#ifndef BI_ENDPOINT_LISTENING_H
#define BI_ENDPOINT_LISTENING_H

#include "transport/socket.h"

/* A Deferred of a port on `fd`, which is a listening socket (taken) or -errno. `path`: as bi_port_new. */
struct bight_deferred *bi_listening(struct bight_reactor *reactor, struct bight_factory *factory, int fd,
    const struct bi_listen_options *options, const struct bight_address *path);

#endif
