/* SPDX-License-Identifier: MIT */
/* handshake.h - what a request for a WebSocket must be, what is answered, and what a client looks at in the answer
 * (W7).
 *
 * RFC 6455, section 4. Decisions only: heads in, verdicts out. */
#ifndef BI_WEBSOCKET_HANDSHAKE_H
#define BI_WEBSOCKET_HANDSHAKE_H

#include "http/message/head.h"
#include "http/message/tokens.h"
#include "http/websocket/terms.h"

#define BI_KEY_SIZE 16
#define BI_ACCEPT_TEXT 28 /* characters of what proves that a key was understood */

/* What a server knows of a request, and what it wants. */
struct bi_offer {
    const struct bi_head *head;
    const uint8_t *bytes;
    struct bi_view host;        /* whom it was sent to */
    bool upgrades;              /* Connection says upgrade, and there may be one (A14) */
    bool is_trusted;            /* wherever it comes from */
    const char *const *origins; /* that may connect, too; NULL: none */
};

enum bi_offer_verdict {
    BI_OFFER_FINE,
    BI_OFFER_METHOD,  /* 405 */
    BI_OFFER_NONE,    /* 426: it asks for no WebSocket, */
    BI_OFFER_VERSION, /* or for another version of it */
    BI_OFFER_KEY,     /* 400 */
    BI_OFFER_ORIGIN,  /* 403 */
};

enum bi_offer_verdict bi_offer_judge(const struct bi_offer *offer);

/* The first of `subprotocols` (NULL: there are none) that the client offers, too; NULL: there is none. */
const char *bi_offer_choose(const struct bi_offer *offer, const char *const *subprotocols);

/* What answers a key, with a NUL. 0, or a code of bight_sha1. */
int bi_accept_of(struct bi_view key, char text[BI_ACCEPT_TEXT + 1]);

/* What a client has asked for. */
struct bi_asked {
    const char *accept;              /* the answer to its key */
    const char *const *subprotocols; /* NULL: none */
    struct bi_deflate_wish deflate;
};

/* What has come of it. */
struct bi_agreed {
    struct bi_view subprotocol; /* NULL `at`: none */
    struct bi_deflate_terms deflate;
    bool is_deflated;
};

/* A client's: why the answer is no agreement. NULL: it is one. */
const char *bi_answer_judge(
    const struct bi_head *head, const uint8_t *bytes, const struct bi_asked *asked, struct bi_agreed *agreed);

#endif
