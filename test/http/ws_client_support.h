/* SPDX-License-Identifier: MIT */
/* ws_client_support.h - for tests of clients of WebSockets on a recorder's network: the server's end, which the test
 * is.
 */
#ifndef BIGHT_TEST_HTTP_WS_CLIENT_SUPPORT_H
#define BIGHT_TEST_HTTP_WS_CLIENT_SUPPORT_H

#include <bight/testing/recorder.h>

#include "http/websocket/handshake.h"
#include "ws_support.h"

static struct bight_recorder *recorder;

/* The server's end. */
static inline const char *answer_call(void)
{
    peer = bight_recorder_complete(recorder, 0);
    ck_assert_ptr_nonnull(peer);
    settle();
    return bight_string_written_text(peer);
}

/* What answers the key of a request. */
static inline const char *accept_of(const char *request)
{
    static char accept[BI_ACCEPT_TEXT + 1];
    const char *key = strstr(request, "Sec-WebSocket-Key: ") + sizeof "Sec-WebSocket-Key: " - 1;
    ck_assert_int_eq(bi_accept_of((struct bi_view) { (const uint8_t *)key, 24 }, accept), 0);
    return accept;
}

static inline void agree(const char *request, const char *more)
{
    char text[1000];
    (void)snprintf(text, sizeof text,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        "%s\r\n%s\r\n",
        accept_of(request), more);
    bight_string_clear(peer);
    (void)bight_string_feed_text(peer, text);
}

#endif
