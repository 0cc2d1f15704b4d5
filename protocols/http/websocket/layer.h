/* SPDX-License-Identifier: MIT */
/* layer.h - a connection's bytes within the binary messages of a WebSocket: a layer of a client's (W8). */
#ifndef BI_WEBSOCKET_LAYER_H
#define BI_WEBSOCKET_LAYER_H

#include <bight/sys/wrapper.h>

#include "http/websocket/dial.h"

/* A wrapper's: `context` is the bi_dial with the texts of the handshake, there as long as the wrapper is. */
struct bight_layer *bi_websocket_layer_new(
    void *context, struct bight_transport *transport, struct bight_failure **failure);

#endif
