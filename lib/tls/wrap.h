/* SPDX-License-Identifier: MIT */
/* wrap.h - what endpoint types need of this room: a layer that is to be prepared before there is a protocol. */
#ifndef BI_TLS_WRAP_H
#define BI_TLS_WRAP_H

#include <bight/sys/layer.h>
#include <bight/tls.h>

/* For a connection of an endpoint: `name` and `port` as bight_transport_start_tls has them. NULL: *failure says why. */
struct bight_layer *bi_tls_wrap(struct bight_reactor *reactor, struct bight_tls *tls, const char *name, uint16_t port,
    struct bight_failure **failure);

#endif
