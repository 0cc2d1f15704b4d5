/* SPDX-License-Identifier: MIT */
/* own.c - what a socket has for a while only: of what has not come whole, of its handshake, of its end.
 *
 * All of that is elsewhere than in the socket, since most sockets are idle most of the time. One block of what has not
 * come whole is kept by the factory's sockets together: a stream of messages that are cut allocates none. */
#include <bight/memory.h>

#include "http/websocket/socket.h"

/* ------------------------------------------------------------------------------ what has not come whole */

static struct bi_incoming *make_block(struct bi_shared *shared)
{
    struct bi_incoming *block = shared->spare;
    shared->spare = NULL;
    return block != NULL ? block : bight_malloc(sizeof *block);
}

static void give_block(struct bi_shared *shared, struct bi_incoming *block)
{
    if (shared->spare == NULL) {
        shared->spare = block;
    } else {
        bight_free(block);
    }
}

int bi_incoming_keep(struct bight_websocket_state *own, struct bi_incoming *incoming, const struct bi_incoming *fresh)
{
    own->incoming = incoming != fresh ? incoming : make_block(own->shared);
    if (own->incoming == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (incoming == fresh) {
        *own->incoming = *fresh;
    }
    return BIGHT_OK;
}

void bi_incoming_drop(struct bight_websocket_state *own, struct bi_incoming *incoming, const struct bi_incoming *fresh)
{
    bi_gathered_drop(&incoming->message);
    bi_frame_reader_finish(&incoming->reader);
    if (incoming != fresh) {
        give_block(own->shared, incoming);
    }
}

/* --------------------------------------------------------------------------------------------- extras */

struct bi_extras *bi_extras_of(struct bight_websocket_state *own)
{
    if (own->extras == NULL) {
        own->extras = bight_calloc(1, sizeof *own->extras);
    }
    return own->extras;
}

void bi_extras_free(struct bight_websocket_state *own)
{
    if (own->extras != NULL) {
        bi_kept_drop(own);
        bight_free(own->extras->pong);
        bight_free(own->extras->subprotocol);
        bight_free(own->extras->reason);
        bight_free(own->extras);
        own->extras = NULL;
    }
}

void bi_extras_trim(struct bight_websocket_state *own)
{
    const struct bi_extras *extras = own->extras;
    bool is_empty = extras != NULL && extras->request == NULL && extras->dial == NULL && extras->pong == NULL &&
                    extras->subprotocol == NULL && extras->reason == NULL && bi_terms_are_usual(&extras->terms);
    if (is_empty) {
        bi_extras_free(own);
    }
}

int bi_extras_set_subprotocol(struct bight_websocket_state *own, struct bi_view name)
{
    struct bi_extras *extras = bi_extras_of(own);
    char *copy = extras != NULL ? bight_malloc(name.size + 1) : NULL;
    if (copy == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    memcpy(copy, name.at, name.size);
    copy[name.size] = '\0';
    extras->subprotocol = copy;
    return BIGHT_OK;
}

void bi_socket_release_request(struct bight_websocket *socket)
{
    struct bi_extras *extras = socket->own->extras;
    if (extras != NULL) {
        struct bight_http_request *request = extras->request;
        extras->request = NULL;
        bight_http_request_release(request);
    }
}
