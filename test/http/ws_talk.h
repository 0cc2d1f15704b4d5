/* SPDX-License-Identifier: MIT */
/* ws_talk.h - a whole socket, of either side, to which a peer in memory says any bytes in any pieces, and what came of
 * it as a text that the cuts must not change:
 *
 *     text:48656c6c6f binary:#70000.1c6d2e01 ping: pong:61 end:1000:627965:clean sent: T<Hello>pong()close(...)
 *
 * Payloads are hexadecimal, long ones a size and a hash; what it sends is as in frames.h, without masks. It says back
 * what it is told, and obeys some of it (obey). Nothing of Check, so that a fuzzer has it too. */
#ifndef BIGHT_TEST_HTTP_WS_TALK_H
#define BIGHT_TEST_HTTP_WS_TALK_H

#include <bight/log.h>
#include <bight/protocols/http.h>
#include <bight/protocols/websocket.h>
#include <bight/testing.h>

#include "frames.h"
#include "http/websocket/handshake.h"

struct ws_talk {
    bool is_client;
    bool deflates;
    bool takes_over; /* a message may refer to those before it */
    bool in_pieces;  /* it takes messages in pieces */
    bool obeys;
    uint64_t limit; /* bytes of a message; 0: the default */
    /* Pieces are of 1 to `most` bytes, by chance; 0: all at once. */
    size_t most;
    uint64_t chance;
    bool whole_handshake; /* it comes in one piece */
    bool joined;          /* what is said begins in the piece in which the handshake ends */
};

static inline void ws_require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static inline uint64_t ws_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t number = (*state ^ *state >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
    return number ^ number >> 31;
}

/* ------------------------------------------------------------------------------------------ what is told */

/* Of the talk under way. */
static struct ws_told {
    struct frames said; /* a text that grows */
    const struct ws_talk *talk;
    uint8_t *message; /* what has come of one in pieces */
    size_t message_size;
    bool was_aborted;
} ws_told;

static inline void ws_tell(const char *format, ...) BIGHT_PRINTF(1, 2);
static inline void ws_tell(const char *format, ...)
{
    char text[300];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    frames_say(&ws_told.said, text);
}

static inline void ws_tell_bytes(const char *what, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint32_t hash = 2166136261u;
    ws_tell("%s:", what);
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * 16777619u;
        if (size <= 64) {
            ws_tell("%02x", bytes[i]);
        }
    }
    if (size > 64) {
        ws_tell("#%zu.%08x", size, hash);
    }
    ws_tell(" ");
}

/* ------------------------------------------------------------------------------------------ the socket */

/* Some of what a handler may do, asked for by the message. */
static inline bool ws_obey(struct bight_websocket *socket, const char *text, size_t size)
{
    struct bight_transport *transport = bight_websocket_transport(socket);
    switch (size > 1 && text[0] == '!' ? text[1] : '\0') {
    case 'a':
        ws_told.was_aborted = true;
        (void)bight_transport_abort_connection(transport);
        return true;
    case 'c':
        (void)bight_websocket_close(socket, 4000, "enough");
        return true;
    case 'e':
        (void)bight_transport_lose_connection(transport);
        return true;
    case 'p':
        (void)bight_transport_pause(transport);
        (void)bight_transport_resume(transport);
        return true;
    case 'q':
        (void)bight_websocket_ping(socket, text, size < 125 ? size : 125);
        return true;
    case 's':
        (void)bight_websocket_send_piece(socket, BIGHT_WEBSOCKET_BINARY, text, size, false);
        (void)bight_websocket_ping(socket, NULL, 0);
        (void)bight_websocket_send_piece(socket, BIGHT_WEBSOCKET_BINARY, NULL, 0, true);
        return true;
    default:
        return false;
    }
}

static inline void ws_on_text(struct bight_websocket *socket, const char *text, size_t size)
{
    ws_require(text[size] == '\0');
    ws_tell_bytes("text", text, size);
    if (!ws_told.talk->obeys || !ws_obey(socket, text, size)) {
        (void)bight_websocket_send_text(socket, text, size);
    }
}

static inline void ws_on_binary(struct bight_websocket *socket, const uint8_t *data, size_t size)
{
    ws_tell_bytes("binary", data, size);
    (void)bight_websocket_send_binary(socket, data, size);
}

static inline void ws_on_piece(
    struct bight_websocket *socket, enum bight_websocket_kind kind, const uint8_t *data, size_t size, bool last)
{
    ws_told.message = realloc(ws_told.message, ws_told.message_size + size + 1);
    ws_require(ws_told.message != NULL && size <= 65536);
    memcpy(ws_told.message + ws_told.message_size, data, size);
    ws_told.message_size += size;
    if (last) {
        ws_told.message[ws_told.message_size] = '\0';
        size = ws_told.message_size;
        ws_told.message_size = 0;
        kind == BIGHT_WEBSOCKET_TEXT ? ws_on_text(socket, (const char *)ws_told.message, size)
                                     : ws_on_binary(socket, ws_told.message, size);
    }
}

static inline void ws_on_ping(struct bight_websocket *socket, const uint8_t *data, size_t size)
{
    (void)socket;
    ws_tell_bytes("ping", data, size);
}

static inline void ws_on_pong(struct bight_websocket *socket, const uint8_t *data, size_t size)
{
    (void)socket;
    ws_tell_bytes("pong", data, size);
}

static inline void ws_on_closed(struct bight_websocket *socket, unsigned code, const char *reason, bool clean)
{
    (void)socket;
    if (!clean) {
        ws_tell("end:%u:unclean (%s) ", code, reason);
        return;
    }
    ws_tell("end:%u:", code);
    for (; *reason != '\0'; reason++) {
        ws_tell("%02x", (uint8_t)*reason);
    }
    ws_tell(":clean ");
}

static const struct bight_websocket_ops ws_whole_ops = { .text_received = ws_on_text,
    .binary_received = ws_on_binary,
    .ping_received = ws_on_ping,
    .pong_received = ws_on_pong,
    .closed = ws_on_closed };
static const struct bight_websocket_ops ws_piece_ops = {
    .piece_received = ws_on_piece, .ping_received = ws_on_ping, .pong_received = ws_on_pong, .closed = ws_on_closed
};

/* --------------------------------------------------------------------------------------------- the peer */

/* What the peer says of compression. */
static inline const char *ws_terms(const struct ws_talk *talk)
{
    return !talk->deflates     ? ""
           : !talk->takes_over ? "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
                                 "client_no_context_takeover\r\n"
           : talk->is_client   ? "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\n"
                               : "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=10\r\n";
}

/* What the peer says before all else, and its size. */
static inline size_t ws_handshake(char room[1000], const struct ws_talk *talk, const char *request)
{
    char accept[BI_ACCEPT_TEXT + 1];
    if (!talk->is_client) {
        return (size_t)snprintf(room, 1000,
            "GET /ws HTTP/1.1\r\nHost: example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
            ws_terms(talk));
    }
    const char *key = strstr(request, "Sec-WebSocket-Key: ");
    ws_require(key != NULL);
    ws_require(bi_accept_of((struct bi_view) { (const uint8_t *)key + 19, 24 }, accept) == BIGHT_OK);
    return (size_t)snprintf(room, 1000,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        "%s\r\n%s\r\n",
        accept, ws_terms(talk));
}

/* The handshake, unless it has been said, and the rest, in pieces. */
static inline void ws_say_all(
    struct bight_string_peer *peer, const struct ws_talk *talk, const uint8_t *data, size_t size, size_t handshake)
{
    uint64_t state = talk->chance;
    for (size_t at = 0, step; at < size && !bight_string_is_closed(peer); at += step) {
        step = talk->most == 0 ? size - at : 1 + (size_t)(ws_random(&state) % talk->most);
        if (at < handshake && talk->whole_handshake) {
            step += handshake - at;
        }
        step = step < size - at ? step : size - at;
        if (at < handshake && at + step >= handshake && !talk->joined) {
            step = handshake - at;
        }
        (void)bight_string_feed(peer, data + at, step);
    }
    if (!bight_string_is_closed(peer)) {
        bight_string_end(peer);
    }
}

/* What was written behind the head, if it has one. */
static inline void ws_tell_sent(struct bight_string_peer *peer, const struct ws_talk *talk)
{
    const struct bi_frame_rule rule = { .limit = UINT64_MAX,
        .is_masked = talk->is_client,
        .is_deflated = talk->deflates,
        .takes_text = true,
        .takes_binary = true };
    size_t size;
    const char *written = (const char *)bight_string_written(peer, &size), *end = memmem(written, size, "\r\n\r\n", 4);
    ws_require(end != NULL);
    size -= (size_t)(end + 4 - written);
    char *text = frames_read(&rule, (const uint8_t *)end + 4, size, size > 0 ? size : 1);
    ws_require(strchr(text, '!') == NULL); /* it sends nothing that it would refuse */
    ws_tell("sent: ");
    frames_say(&ws_told.said, text);
    free(text);
}

static inline void ws_talk_through(
    struct bight_string_peer *peer, const struct ws_talk *talk, const void *data, size_t size)
{
    char handshake[1000];
    size_t head = ws_handshake(handshake, talk, bight_string_written_text(peer));
    uint8_t *all = malloc(head + size);
    ws_require(all != NULL);
    memcpy(all, handshake, head);
    if (size > 0) {
        memcpy(all + head, data, size);
    }
    ws_say_all(peer, talk, all, head + size, head);
    free(all);
    if (!ws_told.was_aborted) {
        ws_tell_sent(peer, talk);
    }
}

/* ------------------------------------------------------------------------------------------ both sides */

/* Made by the first talk, and used by all. */
static struct bight_websocket_options ws_options;
static struct bight_websocket_factory ws_sockets =
    BIGHT_WEBSOCKET_FACTORY_FULL(struct bight_websocket, NULL, &ws_options);
static struct bight_reactor *ws_reactor;
static struct bight_http_site *ws_site;
static struct bight_recorder *ws_recorder;

static inline void ws_talk_end(void)
{
    bight_reactor_free(ws_reactor);
    bight_http_site_free(ws_site);
    bight_recorder_free(ws_recorder);
    ws_reactor = NULL;
    ws_site = NULL;
    ws_recorder = NULL;
}

static inline void ws_talk_begin(void)
{
    if (ws_reactor == NULL) {
        ws_reactor = bight_testing_reactor_new();
        ws_site = bight_http_site_new();
        ws_recorder = bight_recorder_new();
        ws_require(ws_reactor != NULL && ws_recorder != NULL);
        ws_require(bight_websocket_route(ws_site, "/ws", &ws_sockets) == BIGHT_OK);
    }
}

static inline void ws_forget(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
}

static inline struct bight_string_peer *ws_answer(void)
{
    struct bight_reactor *reactor = bight_recorder_reactor(ws_recorder);
    struct bight_deferred *connecting = bight_websocket_connect(reactor, "ws://192.0.2.7/ws", &ws_sockets, NULL);
    ws_require(bight_deferred_add_both(connecting, ws_forget, NULL) == BIGHT_OK);
    bight_deferred_release(connecting);
    (void)bight_testing_settle(reactor, 1000);
    return bight_recorder_complete(ws_recorder, 0);
}

/* Returns the text, which is the caller's. */
static inline char *ws_talk(const struct ws_talk *talk, const void *data, size_t size)
{
    ws_talk_begin();
    ws_options = (struct bight_websocket_options) {
        .size = sizeof ws_options, .deflate = talk->deflates, .takeover = talk->takes_over, .message_limit = talk->limit
    };
    ws_sockets.ops = talk->in_pieces ? &ws_piece_ops : &ws_whole_ops;
    ws_told = (struct ws_told) { .talk = talk };
    struct bight_string_peer *peer =
        talk->is_client ? ws_answer() : bight_string_connect(ws_reactor, bight_http_site_factory(ws_site), true);
    ws_require(peer != NULL);
    ws_talk_through(peer, talk, data, size);
    bight_string_peer_free(peer);
    (void)bight_testing_settle(talk->is_client ? bight_recorder_reactor(ws_recorder) : ws_reactor, 1000);
    ws_require(ws_sockets.base.connections == 0); /* nothing of one talk is left for the next */
    free(ws_told.message);
    return ws_told.said.text;
}

#endif
