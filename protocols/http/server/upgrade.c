/* SPDX-License-Identifier: MIT */
/* upgrade.c - handing a connection over to another protocol (A14): 101 for Upgrade, 200 for CONNECT.
 *
 * The answer goes out at once; the connection changes hands when the input that this has not used is at hand, which is
 * when the handler has returned: what has come behind the head is the other protocol's. */
#include <bight/sys/output.h>

#include <stdio.h>
#include <string.h>

#include "http/message/tokens.h"
#include "http/server/answer.h"

#define MOST_NAME 150

static const char connected[] = "HTTP/1.1 200 OK\r\n";

/* 0, or why this request cannot become something else. */
static int check(const struct bight_http_request *request, const char *name)
{
    bool is_connect = request->head.method_known == BI_METHOD_CONNECT;
    int code = bi_answer_check(request, 200);
    bool asks =
        is_connect ? name == NULL && request->framing.body == BI_BODY_NONE : name != NULL && request->framing.upgrades;
    if (code == BIGHT_OK && !asks) {
        code = bi_http_usage(BIGHT_E_USAGE, "an upgrade: the request does not ask for one");
    }
    if (code == BIGHT_OK && name != NULL && (!bi_is_token(bi_view_of(name)) || strlen(name) > MOST_NAME)) {
        code = bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "an upgrade: the protocol's name is no token, or too long");
    }
    return code;
}

/* The head: 101 with what it is upgraded to, or CONNECT's plain 200. */
static int write_head(struct bight_http_request *request, const char *name)
{
    char lines[256];
    const struct bi_http_buffer *fields = &request->answer.fields;
    int size = name == NULL ? snprintf(lines, sizeof lines, "%s", connected)
                            : snprintf(lines, sizeof lines,
                                  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n", name);
    struct iovec parts[] = {
        { lines, (size_t)size },
        { fields->bytes, bi_http_buffer_size(fields) },
        { (void *)(uintptr_t) "\r\n", 2 },
    };
    int code = bight_transport_write_sequence(request->connection->base.transport, parts, 3);
    bi_answer_count(request, parts[0].iov_len + parts[1].iov_len + parts[2].iov_len);
    return code == BIGHT_OK ? BIGHT_OK : bi_answer_lost(request);
}

int bight_http_respond_upgrade(struct bight_http_request *request, const char *name, struct bight_protocol *protocol)
{
    int code = protocol == NULL ? BIGHT_E_OUT_OF_MEMORY : check(request, name);
    if (code == BIGHT_OK && (request->due & BI_DUE_HOOKS)) {
        code = bi_hooks_announce(request, name == NULL ? 200 : 101);
    }
    if (code == BIGHT_OK) {
        code = write_head(request, name);
    }
    if (code != BIGHT_OK) {
        bight_protocol_free(protocol);
        return code;
    }
    request->answer.state = BI_ANSWER_WHOLE;
    request->answer.status = name == NULL ? 200 : 101;
    request->server->figures.classes[request->answer.status / 100]++;
    request->input = BI_INPUT_UPGRADE;
    request->upgrade = protocol;
    bi_http_go_on(request->connection);
    return BIGHT_OK;
}

void bi_http_upgrade(struct bi_http_connection *connection, const uint8_t *data, size_t size)
{
    struct bight_http_request *request = connection->request;
    struct bight_protocol *protocol = request->upgrade;
    struct bight_transport *transport = connection->base.transport;
    request->upgrade = NULL;
    (void)bight_transport_set_idle_timeout(transport, 0);
    if (connection->flags & BI_HTTP_BOUNDED) {
        (void)bight_transport_set_write_timeout(transport, 0);
    }
    if (connection->flags & BI_HTTP_PAUSED) {
        connection->flags &= (uint8_t)~BI_HTTP_PAUSED;
        (void)bight_transport_resume(transport);
    }
    if (bight_transport_switch_protocol(transport, protocol, data, size) != BIGHT_OK) {
        bight_protocol_free(protocol);
        bi_http_close(connection, true);
    }
}
