/* SPDX-License-Identifier: MIT */
/* establish.h - a connection that has layers, and no protocol as yet (L3, L4). */
#ifndef BI_TRANSPORT_ESTABLISH_H
#define BI_TRANSPORT_ESTABLISH_H

#include "transport/transport.h"

/* What stands in for the protocol of a connection that is being established: it does nothing. It is never written
 * to. */
extern const struct bight_protocol bi_stand_in;
#define BI_STAND_IN ((struct bight_protocol *)(uintptr_t)&bi_stand_in)

/* Called once: the connection has its protocol (failure NULL), whose connection_made has been called and data_received
 * has not; or it has been lost before. */
typedef void (*bi_established_function)(
    void *context, struct bight_transport *transport, const struct bight_failure *failure);

/* Of an extension, from the beginning until that has been told. */
struct bi_establishing {
    struct bi_link link; /* in one of its port's lists, the longest waiting first */
    struct bight_transport *transport;
    struct bight_address peer;
    struct bi_wheel_entry deadline;
    size_t received, max_received;
    bool is_drained, is_lost_when_drained; /* see bi_close_drain */
    bi_established_function done;
    void *context;
};

/* For a transport that is being made: it is to be established, for this factory. 0 or OUT_OF_MEMORY. */
int bi_establish_prepare(
    struct bight_transport *transport, struct bight_factory *wrapped, const struct bight_address *peer);
/* Before it is started: `done` is told. False when it has its protocol already. */
bool bi_establish_then(struct bight_transport *transport, bi_established_function done, void *context);
/* No callback is called any more. */
void bi_establish_forget(struct bight_transport *transport);
/* Pushes the layers and begins. */
void bi_establish_start(struct bight_transport *transport);

/* For advance.c: prepares the layers one after the other; when all are ready, builds the protocol. */
void bi_establish_go_on(struct bight_transport *transport, bool quiet);

/* So much has been received, and everything that follows from it been done. */
void bi_establish_received(struct bight_transport *transport, size_t size);
/* The peer's end is about to enter this level (NULL: the facade). True: it has come too early, and the connection
 * fails. */
bool bi_establish_refuses_end(struct bight_transport *transport, const struct bight_layer *level);
/* A call of the bottom has failed: what was received is for the layers that have begun. */
void bi_establish_broken(struct bight_transport *transport);
/* The end has begun: what bounds it, and its place among its port's, go. The port may be gone at the loss. */
void bi_establish_stop(struct bight_transport *transport);
/* At the loss, in place of connection_lost. */
void bi_establish_lost(struct bight_transport *transport, const struct bight_failure *reason);
/* Frees what there is of it, told or not. */
void bi_establish_drop(struct bight_transport *transport);

static inline bool bi_has_protocol(const struct bight_transport *transport)
{
    return transport->protocol != &bi_stand_in;
}

#endif
