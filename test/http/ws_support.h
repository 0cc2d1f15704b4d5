/* SPDX-License-Identifier: MIT */
/* ws_support.h - a site with a WebSocket, a client in memory that says frames, and what happened to the socket as a
 * text: `open.`, `text(Hello).`, `binary(...)`, `closed(1000 bye clean).` ... */
#ifndef BIGHT_TEST_HTTP_WS_SUPPORT_H
#define BIGHT_TEST_HTTP_WS_SUPPORT_H

#include <bight/protocols/websocket.h>
#include <bight/testing/trial.h>

#include <math.h>

#include "http/websocket/frame.h"
#include "site_support.h"

#define WS_KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define WS_REQUEST(path, more)                                                                                \
    "GET " path " HTTP/1.1\r\nHost: example.org\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n" \
    "Sec-WebSocket-Version: 13\r\n" WS_KEY more "\r\n"
#define WS_ANSWER                                                                                             \
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " \
    "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

static char ws_events[1 << 16];
static struct bight_websocket *ws_socket;

static inline void ws_note(const char *format, ...) BIGHT_PRINTF(1, 2);
static inline void ws_note(const char *format, ...)
{
    size_t size = strlen(ws_events);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(ws_events + size, sizeof ws_events - size, format, arguments);
    va_end(arguments);
}

/* What has happened since the last call. */
static inline const char *ws_happened(void)
{
    static char text[sizeof ws_events];
    settle();
    memcpy(text, ws_events, sizeof text);
    ws_events[0] = '\0';
    return text;
}

static inline void ws_opened(struct bight_websocket *socket, struct bight_http_request *request)
{
    ws_socket = socket;
    ws_note("open(%s).", request != NULL ? bight_http_request_path(request) : "");
}

static inline void ws_text(struct bight_websocket *socket, const char *text, size_t size)
{
    (void)socket;
    ck_assert_uint_eq(text[size], '\0');
    if (size < 100) {
        ws_note("text(%s).", text);
    } else {
        ws_note("text(%zu).", size);
    }
}

static inline void ws_binary(struct bight_websocket *socket, const uint8_t *data, size_t size)
{
    (void)socket;
    if (size < 100) {
        ws_note("binary(%.*s).", (int)size, (const char *)data);
    } else {
        ws_note("binary(%zu).", size);
    }
}

static inline void ws_ping(struct bight_websocket *socket, const uint8_t *data, size_t size)
{
    (void)socket;
    ws_note("ping(%.*s).", (int)size, (const char *)data);
}

static inline void ws_pong(struct bight_websocket *socket, const uint8_t *data, size_t size)
{
    (void)socket;
    ws_note("pong(%.*s).", (int)size, (const char *)data);
}

static inline void ws_closed(struct bight_websocket *socket, unsigned code, const char *reason, bool clean)
{
    (void)socket;
    ws_socket = NULL;
    ws_note("closed(%u %s%s%s).", code, reason, reason[0] != '\0' ? " " : "", clean ? "clean" : "unclean");
}

static const struct bight_websocket_ops ws_ops = { .opened = ws_opened,
    .text_received = ws_text,
    .binary_received = ws_binary,
    .ping_received = ws_ping,
    .pong_received = ws_pong,
    .closed = ws_closed };

/* A frame of the client's, into `room`; returns its size. */
static inline size_t ws_frame(uint8_t *room, unsigned first, const void *payload, size_t size)
{
    bi_mask mask = 0x12345678;
    size_t head = bi_frame_write_head(room, first, size, &mask);
    (void)bi_mask_apply(room + head, payload, size, mask);
    return head + size;
}

static inline void ws_say_frame(unsigned first, const void *payload, size_t size)
{
    uint8_t *room = malloc(size + BI_FRAME_HEAD);
    ck_assert_ptr_nonnull(room);
    (void)bight_string_feed(peer, room, ws_frame(room, first, payload, size));
    free(room);
}

#define WS_TEXT (BI_FRAME_FINAL | BI_OPCODE_TEXT)
#define WS_BINARY (BI_FRAME_FINAL | BI_OPCODE_BINARY)
#define WS_CLOSE (BI_FRAME_FINAL | BI_OPCODE_CLOSE)
#define WS_PING (BI_FRAME_FINAL | BI_OPCODE_PING)
#define WS_PONG (BI_FRAME_FINAL | BI_OPCODE_PONG)

static inline void ws_say(unsigned first, const char *payload)
{
    ws_say_frame(first, payload, strlen(payload));
}

/* The server has written just these bytes since the last call. */
static inline void ws_wrote(const void *bytes, size_t size)
{
    size_t written_size;
    const uint8_t *written = bight_string_written(peer, &written_size);
    ck_assert_uint_eq(written_size, size);
    ck_assert_mem_eq(written, bytes, size);
    bight_string_clear(peer);
}
#define WS_WROTE(text) ws_wrote(text, sizeof(text) - 1)

/* A socket of the factory at /ws, opened. */
static inline void ws_begin(struct bight_websocket_factory *factory)
{
    ws_events[0] = '\0';
    ws_socket = NULL;
    begin_site(NULL);
    ck_assert_int_eq(bight_websocket_route(site, "/ws", factory), 0);
    connect_peer();
    ck_assert_str_eq(say(WS_REQUEST("/ws", "")), WS_ANSWER "\r\n");
    bight_string_clear(peer);
    (void)ws_happened();
}

/* The same asked for with this offer of extensions; the answer is there to be read. */
static inline void ws_begin_with(struct bight_websocket_factory *factory, const char *offer)
{
    char request[1000];
    ws_events[0] = '\0';
    begin_site(NULL);
    ck_assert_int_eq(bight_websocket_route(site, "/ws", factory), 0);
    connect_peer();
    (void)snprintf(request, sizeof request, WS_REQUEST("/ws", "Sec-WebSocket-Extensions: %s\r\n"), offer);
    (void)say(request);
}

static inline void ws_end(void)
{
    end_site();
}

/* Serves the site, with the route, on a port of the loopback's; returns its number. The port is the caller's. */
static inline uint16_t ws_listen(const char *path, struct bight_websocket_factory *factory, struct bight_port **port)
{
    struct bight_address address;
    ck_assert_int_eq(bight_websocket_route(site, path, factory), 0);
    struct bight_deferred *listening =
        bight_listen(reactor, "tcp:0:interface=127.0.0.1", bight_http_site_factory(site));
    *port = bight_expect_value(listening, &bight_type_port);
    ck_assert_int_eq(bight_port_address(*port, &address), 0);
    bight_deferred_release(listening);
    return address.port;
}

#endif
