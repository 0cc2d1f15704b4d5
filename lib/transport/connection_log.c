/* SPDX-License-Identifier: MIT */
/* connection_log.c - a line of the log for each connection, when it has ended, at level debug.
 *
 * Its peer and its beginning are known only while it lives, so it is written down at its beginning, in the extension:
 * at other levels a connection costs a comparison at its beginning, and no memory. What passes on it is logged by
 * traffic_log.c. */
#include <bight/log.h>

#include "transport/state.h"

void bi_connection_log_begin(struct bight_transport *transport)
{
    if (BI_LIKELY(bight_log_get_level() > BIGHT_LOG_DEBUG)) {
        return;
    }
    struct bi_extension *extension = bi_extension_of(transport);
    struct bight_address peer;
    if (extension == NULL) {
        return;
    }
    extension->began = bi_reactor_now(transport->hub->reactor);
    (void)bight_transport_peer(transport, &peer); /* is remembered */
}

void bi_connection_log_end(const struct bight_transport *transport, const struct bight_failure *reason)
{
    const struct bi_extension *extension = transport->extension;
    if (extension->began == 0) {
        return;
    }
    char peer[BIGHT_ADDRESS_TEXT_SIZE] = "a peer without an address";
    uint64_t now = bi_reactor_now(transport->hub->reactor);
    double seconds = (double)(now - extension->began) / (double)BIGHT_NANOSECONDS_PER_SECOND;
    if (extension->peer != NULL && extension->peer->family != BIGHT_ADDRESS_NONE) {
        bight_address_format(extension->peer, peer, sizeof peer);
    }
    bight_log(BIGHT_LOG_DEBUG, "connection", reason, "%s %s, lasted %.3f s",
        transport->state & BI_ACCEPTED ? "accepted from" : "made to", peer, seconds);
}
