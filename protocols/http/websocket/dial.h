/* SPDX-License-Identifier: MIT */
/* dial.h - on the way to a socket of a client's: what lives from the call to the socket's opening, or a failure. */
#ifndef BI_WEBSOCKET_DIAL_H
#define BI_WEBSOCKET_DIAL_H

#include "http/client/response_parser.h"
#include "http/websocket/handshake.h"
#include "http/websocket/socket.h"

#define BI_DIAL_FIELDS 100 /* of an answer */

/* It goes with its factory, which the connection uses, and attempts at one. */
struct bi_dial {
    struct bight_factory factory;
    struct bight_websocket_factory *target;
    struct bight_promise promise;
    struct bight_deferred *connecting; /* NULL: it has not begun, or is over */
    struct bight_transport *transport; /* of the handshake; NULL: there is none */
    struct bight_tls *tls;             /* held; NULL: none, or the endpoint's */
    char *request, *host;              /* texts, allocated together with `endpoint` */
    char *endpoint;
    size_t request_size;
    char **subprotocols; /* a copy, ended by NULL, in one block */
    char accept[BI_ACCEPT_TEXT + 1];
    struct bi_deflate_wish deflate; /* as it was asked for */
    struct bi_response_parser parser;
    struct bi_field fields[BI_DIAL_FIELDS];
};

/* dial_text.c: the texts of a call. NULL, or why it cannot be: a failure. */
struct bight_failure *bi_dial_write(struct bi_dial *dial, struct bight_reactor *reactor, const char *url,
    const struct bight_websocket_connect_options *options);
void bi_dial_free_texts(struct bi_dial *dial);

/* connect.c: nothing has come of the answer. */
void bi_dial_begin_answer(struct bi_dial *dial);
/* Its head has come. NULL: it agrees, to *agreed. */
struct bight_failure *bi_dial_judge(const struct bi_dial *dial, struct bi_agreed *agreed);

/* The socket that a dial has led to has been opened, or never will be. */
void bi_dial_opened(struct bight_websocket *socket);
void bi_dial_dropped(struct bight_websocket *socket);

#endif
