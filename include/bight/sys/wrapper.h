/* SPDX-License-Identifier: MIT */
/* bight/sys/wrapper.h - what an endpoint type that stands in front of another puts under its connections:
 * "knock:secret:tcp:1234" has a layer of its own under every connection that "tcp:1234" accepts, and has it ready
 * before the factory is asked.
 *
 * Such a type has an argument of the kind BIGHT_ARGUMENT_ENDPOINT, the rest of the string, and opens it with
 * bight_listen_through or bight_connect_through (bight/sys/endpoint.h). A connection is *established* when all of its
 * layers are ready (bight/sys/layer.h, `prepare`), the lowest first; then the factory is asked for a protocol, with the
 * peer's address as the layers have learnt it, and connection_made is called. Until then the protocol does not exist,
 * and a port scan or a failed handshake costs the factory nothing; but the connection counts for maxconn, for a drain,
 * and as a use of the factory (T16). A layer that is not ready has its input in any case, as if it were hungry; one
 * that hands on the peer's end before it is ready has failed. When connecting, bight_connect's Deferred waits, within
 * the endpoint's timeout, and fails with what a layer failed with; a server logs that, ten lines a second at most. */
#ifndef BIGHT_SYS_WRAPPER_H
#define BIGHT_SYS_WRAPPER_H

#include <bight/sys/layer.h>

BIGHT_BEGIN

/* Where the layer stands among those of the same string. */
enum bight_wrapper_place {
    BIGHT_WRAPPER_ABOVE, /* the layers of the inner endpoint: TLS over whatever leads there */
    BIGHT_WRAPPER_BELOW  /* them: what leads to the peer, a PROXY header or an exchange with a SOCKS server */
};

struct bight_wrapper {
    size_t size;      /* sizeof(struct bight_wrapper) */
    const char *name; /* of the type, static: for messages */
    enum bight_wrapper_place place;
    /* A layer for a connection, which is pushed and then prepared. NULL: there is no memory, or *failure says why not,
     * which ends the connection. */
    struct bight_layer *(*make_layer)(void *context, struct bight_transport *transport, struct bight_failure **failure);
    /* Once, when no connection, port or attempt needs the context any more. NULL: nothing to do. */
    void (*release)(void *context);
    void *context;
    /* L4, the least of all wrappers of a string; 0: the default. */
    double timeout;          /* seconds until a connection must be established: 10 */
    size_t max_received;     /* bytes from the peer until then: 64 KiB */
    size_t max_establishing; /* connections of a port at once: 4096. The one that has waited longest without a greeting
                              * (bight_layer_greeted) is aborted for the next */
};

/* What those functions pass to the inner endpoint, for tests and for bottoms of one's own: a factory that puts the
 * wrapper's layer under each connection that is made with it, and asks `factory` for their protocols. The wrapper is
 * copied, its context taken in any case. It counts as one use of `factory`, and frees itself when it has been released
 * and nothing uses it. NULL with *code (when `code` is not NULL): OUT_OF_MEMORY, FACTORY_IN_USE. */
BIGHT_API BIGHT_MUST_USE struct bight_factory *bight_wrapped_factory_new(
    struct bight_reactor *reactor, struct bight_factory *factory, const struct bight_wrapper *wrapper, int *code);
BIGHT_API void bight_wrapped_factory_release(struct bight_factory *wrapped);

BIGHT_END

#endif
