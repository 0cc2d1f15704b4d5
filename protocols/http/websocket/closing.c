/* SPDX-License-Identifier: MIT */
/* closing.c - ends: one close frame each way, then the connection's, which a server begins (W4). RFC 6455, section 7.
 *
 * Nothing here calls a handler: `closed` is called when the transport reports the end, from the loop. */
#include <bight/memory.h>
#include <bight/tls.h>

#include "http/websocket/socket.h"

#define MOST_REASON (BI_CONTROL_PAYLOAD - 2)
#define LINGER_SECONDS 1
#define LINGER_BYTES 65536

/* Writes a close frame; without a code if that is 0. Whether it can be written makes no difference any more. */
static int write_close(struct bight_websocket *socket, unsigned code, const char *reason, size_t size)
{
    uint8_t payload[BI_CONTROL_PAYLOAD] = { (uint8_t)(code >> 8), (uint8_t)code };
    if (size > 0) {
        memcpy(payload + 2, reason, size);
    }
    return bi_socket_write(socket, BI_FRAME_FINAL | BI_OPCODE_CLOSE, payload, code != 0 ? 2 + size : 0);
}

/* Behind its close frame a peer says nothing, so that nothing can come that makes the close a reset (T7): its end is
 * not waited for, and a drain is over when all have answered. Through TLS there is an end to be said yet. */
static void shorten_linger(struct bight_transport *transport)
{
    if (bight_transport_tls(transport) == NULL) {
        (void)bight_transport_set_linger(transport, 0, 0);
    } else {
        (void)bight_transport_set_linger(transport, LINGER_SECONDS, LINGER_BYTES);
    }
}

/* Nothing more is expected, or wanted. */
static void end(struct bight_websocket *socket)
{
    bi_watch_stop(socket);
    socket->own->phase = BI_PHASE_ENDING;
    if (socket->own->is_clean) {
        shorten_linger(socket->base.transport);
    }
    (void)bight_transport_lose_connection(socket->base.transport);
}

/* The peer's end is waited for, so long. */
static void await_end(struct bight_websocket *socket, enum bi_phase phase)
{
    struct bight_websocket_state *own = socket->own;
    own->phase = (uint8_t)phase;
    bi_watch_stop(socket);
    bi_watch_want_within(socket, own->shared->settings.close);
}

/* ------------------------------------------------------------------------------------------- by the peer */

void bi_socket_fail(struct bight_websocket *socket, enum bi_violation violation)
{
    struct bight_websocket_state *own = socket->own;
    const char *why = bi_violation_text(violation);
    if (own->phase == BI_PHASE_OPEN) {
        own->violation = (uint8_t)violation;
        own->close_code = (uint16_t)bi_violation_code(violation);
        (void)write_close(socket, own->close_code, why, strlen(why));
    }
    end(socket);
}

void bi_socket_abort(struct bight_websocket *socket)
{
    bi_watch_stop(socket);
    socket->own->phase = BI_PHASE_ENDING;
    (void)bight_transport_abort_connection(socket->base.transport);
}

/* One that cannot be kept is not told. */
static void keep_reason(struct bight_websocket_state *own, struct bi_view text)
{
    struct bi_extras *extras = bi_extras_of(own);
    char *reason = extras != NULL ? bight_malloc(text.size + 1) : NULL;
    if (reason != NULL) {
        memcpy(reason, text.at, text.size);
        reason[text.size] = '\0';
        extras->reason = reason;
    }
}

/* The server's end of the connection comes first: so it is the client's port that stays in TIME_WAIT no longer. */
void bi_socket_close_received(struct bight_websocket *socket, struct bi_view payload)
{
    struct bight_websocket_state *own = socket->own;
    unsigned code = payload.size >= 2 ? (unsigned)payload.at[0] << 8 | payload.at[1] : 0;
    own->close_code = (uint16_t)(code != 0 ? code : BIGHT_WEBSOCKET_NO_CODE);
    own->is_clean = true;
    if (payload.size > 2) {
        keep_reason(own, bi_view_from(payload, 2));
    }
    if (own->phase == BI_PHASE_OPEN) { /* the same back, which clients show as the server's */
        (void)bi_socket_write(socket, BI_FRAME_FINAL | BI_OPCODE_CLOSE, payload.at, payload.size);
    }
    if (own->is_client) {
        await_end(socket, BI_PHASE_ENDING);
    } else {
        end(socket);
    }
}

/* A server that does not end the connection behind both close frames has it ended gracefully. */
void bi_socket_close_expired(struct bight_websocket *socket)
{
    if (socket->own->is_clean) {
        end(socket);
    } else {
        bi_socket_abort(socket);
    }
}

unsigned bi_socket_close_code(const struct bight_websocket *socket)
{
    return socket->own->close_code != 0 ? socket->own->close_code : BIGHT_WEBSOCKET_ABNORMAL;
}

const char *bi_socket_close_reason(const struct bight_websocket *socket)
{
    const struct bight_websocket_state *own = socket->own;
    const char *reason = own->extras != NULL ? own->extras->reason : NULL;
    return reason != NULL ? reason : bi_violation_text((enum bi_violation)own->violation);
}

/* ------------------------------------------------------------------------------------------- by the program */

static int check_close(unsigned code, const char *reason, size_t size)
{
    if (!bi_close_code_is_allowed(code)) {
        return bi_websocket_usage(BIGHT_E_INVALID_ARGUMENT, "closing a WebSocket: the code is none that may be sent");
    }
    if (size > MOST_REASON || !bi_is_utf8(reason, size)) {
        return bi_websocket_usage(
            BIGHT_E_INVALID_ARGUMENT, "closing a WebSocket: the reason is over 123 bytes, or not UTF-8");
    }
    return BIGHT_OK;
}

int bight_websocket_close(struct bight_websocket *socket, unsigned code, const char *reason)
{
    size_t size = reason != NULL ? strlen(reason) : 0;
    code = code != 0 ? code : BIGHT_WEBSOCKET_NORMAL;
    int result = check_close(code, reason, size);
    if (result == BIGHT_OK && !bight_websocket_is_open(socket)) {
        result = BIGHT_E_CLOSED;
    }
    if (result != BIGHT_OK) {
        return result;
    }
    result = write_close(socket, code, reason, size);
    if (result != BIGHT_OK) {
        bi_socket_abort(socket);
    } else {
        await_end(socket, BI_PHASE_CLOSING);
    }
    return result;
}
