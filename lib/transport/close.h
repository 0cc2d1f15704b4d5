/* SPDX-License-Identifier: MIT */
/* close.h - how a connection ends, between close.c, which decides and bounds it, loss.c, which is the end itself, and
 * advance.c. */
#ifndef BI_TRANSPORT_CLOSE_H
#define BI_TRANSPORT_CLOSE_H

#include "transport/transport.h"

/* --- loss.c */

/* Lies where the watch for reading was. */
struct bi_loss {
    struct bi_task task;
    struct bight_failure *reason;
    bool is_early; /* the connection has never been watched */
};

/* At the end of a readiness, when the loss is due: it comes now, and the transport may be gone. */
void bi_close_deliver(struct bight_transport *transport);
/* BROKEN: what is left to read and to deliver is dealt with on a later turn. */
void bi_close_broken_later(struct bight_transport *transport);
/* R13: shutting or resetting a socket that the parent has, too, does so in the parent. */
bool bi_close_is_inherited(const struct bight_transport *transport);
/* A program that has said that it goes on in the child, and ends the connection there, means the connection. */
void bi_close_claim(struct bight_transport *transport);

/* --- close.c, for advance.c */

/* Goes on with all that a close or an end may have waited for. Quiet: calls nothing of the protocol. */
void bi_close_go_on(struct bight_transport *transport, bool quiet);
/* Arms what bounds a flush, or takes it back, as the state demands. */
void bi_close_bound(struct bight_transport *transport);

/* Of one that has broken: this is why, as has been learnt from what came before (taken). It ends. */
void bi_close_explain(struct bight_transport *transport, struct bight_failure *reason);

#endif
