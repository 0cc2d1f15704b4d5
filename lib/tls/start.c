/* SPDX-License-Identifier: MIT */
/* start.c - TLS on a connection that is there: contexts and options are checked, and a layer is pushed (T19).
 *
 * Endpoints with TLS push theirs by endpoint/types. */
#include <bight/address.h>

#include "tls/layer.h"
#include "transport/state.h"

/* A client keeps sessions for a service: a name and a port. 0: not known. */
static uint16_t port_of(struct bight_transport *transport)
{
    struct bight_address peer;
    bool is_known = bight_transport_peer(transport, &peer) == BIGHT_OK &&
                    (peer.family == BIGHT_ADDRESS_IPV4 || peer.family == BIGHT_ADDRESS_IPV6);
    return is_known ? peer.port : 0;
}

static int push(struct bight_transport *transport, struct bi_tls_layer *layer)
{
    int code = bight_transport_push_layer(transport, &layer->base);
    if (code != BIGHT_OK) {
        bi_tls_layer_free(layer);
        return code;
    }
    bi_tls_begin(layer);
    return BIGHT_OK;
}

int bight_transport_start_tls(struct bight_transport *transport, struct bight_tls *tls, const char *name)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_start_tls");
    if (!bi_takes_output(transport) || bi_is_losing(transport)) {
        return BIGHT_E_CLOSED;
    }
    struct bight_failure *failure;
    uint16_t port = bi_tls_is_server(tls) ? 0 : port_of(transport);
    struct bi_tls_layer *layer = bi_tls_layer_new(transport->hub->reactor, tls, name, port, &failure);
    if (layer == NULL) {
        int code = bight_failure_code(failure);
        bight_failure_release(failure);
        return code;
    }
    return push(transport, layer);
}
