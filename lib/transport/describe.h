/* SPDX-License-Identifier: MIT */
/* describe.h - what can be said about a connection, without changing anything. */
#ifndef BI_TRANSPORT_DESCRIBE_H
#define BI_TRANSPORT_DESCRIBE_H

#include "transport/transport.h"

/* False: it has none, or none any more. */
bool bi_describe_peer(struct bight_transport *transport, struct bight_address *peer);
/* A few words: "open", "closing, flushes its output". */
const char *bi_describe_state(const struct bight_transport *transport);

#endif
