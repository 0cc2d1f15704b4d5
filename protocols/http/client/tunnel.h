/* SPDX-License-Identifier: MIT */
/* tunnel.h - a connection through a proxy: CONNECT (RFC 9110, section 9.3.6), and then it is as if it had been made to
 * the target. */
#ifndef BI_HTTP_TUNNEL_H
#define BI_HTTP_TUNNEL_H

#include <bight/sys/endpoint.h>

#include "http/message/tokens.h"

/* What is asked of the proxy; the texts are copied. */
struct bi_tunnel_options {
    const char *target;        /* "example.org:443" */
    const char *authorization; /* the value of Proxy-Authorization; NULL: none */
    struct bi_view lines;      /* more of the head */
};

/* As bight_connect, with the endpoint that leads to the proxy. It has no limit of time of its own. Fails also with
 * HTTP_STATUS when the proxy refuses, with SYNTAX or TOO_LONG for what it answers. */
struct bight_deferred *bi_tunnel_connect(struct bight_reactor *reactor, const char *endpoint,
    struct bight_factory *factory, const struct bi_tunnel_options *options);

/* The same through what an argument of an endpoint string says (bight_connect_through). It has the usual limit of time.
 */
struct bight_deferred *bi_tunnel_connect_through(struct bight_reactor *reactor, const struct bight_argument *inner,
    struct bight_factory *factory, const struct bi_tunnel_options *options);

/* As bight_connect, with a layer of the wrapper's under the connection; its context is taken. */
struct bight_deferred *bi_connect_wrapped(struct bight_reactor *reactor, const char *endpoint,
    struct bight_factory *factory, const struct bight_wrapper *wrapper);

/* The failure of a proxy that has refused gets its status; others are as they were. It is taken. */
struct bight_failure *bi_tunnel_with_status(struct bight_failure *failure);

#endif
