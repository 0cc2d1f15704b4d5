/* SPDX-License-Identifier: MIT */
/* sending.c - the body of a call on its way (C8).
 *
 * A large one waits until the server has said that it wants it (RFC 9110, section 10.1.1), but not for long: there are
 * servers that never say. Files are handed to the connection's output as they are and read when it has room for them,
 * so nothing here waits for a disk or holds a body in memory. What was not sent when the response is whole never is:
 * then the connection is aborted, since nobody could tell what comes next on it. */
#include "http/client/sending.h"

bool bi_sending_size(const struct bight_http_call *call, uint64_t *size)
{
    *size = call->body != NULL ? bight_bytes_size(call->body) : 0;
    return call->upload == NULL || bi_upload_size(call->upload, size);
}

bool bi_sending_asks(const struct bight_http_call *call)
{
    uint64_t size;
    if (call->asks_no_more || !bi_sending_has_body(call) || call->settings.expects_from == UINT64_MAX) {
        return false;
    }
    return !bi_sending_size(call, &size) || (size > 0 && size >= call->settings.expects_from);
}

/* ------------------------------------------------------------------------------------------- writing */

static int write_part(struct bight_transport *transport, struct bight_http_upload *upload, struct bi_upload_part *part)
{
    if (part->size == 0) {
        return BIGHT_OK;
    }
    if (part->bytes != NULL) {
        return bight_transport_write_bytes(transport, part->bytes);
    }
    int code = bight_transport_send_file(
        transport, part->descriptor, 0, part->size, bi_upload_release, bi_upload_hold(upload));
    if (code != BIGHT_OK) {
        bi_upload_release(upload);
    }
    return code;
}

static int write_parts(struct bight_transport *transport, struct bight_http_upload *upload)
{
    int code = BIGHT_OK;
    for (size_t i = 0; code == BIGHT_OK && i < upload->count; i++) {
        code = write_part(transport, upload, &upload->parts[i]);
    }
    return code;
}

/* All of it, or as much as there is now. */
static int write_body(struct bight_http_call *call)
{
    struct bi_client_connection *connection = call->connection;
    struct bight_transport *transport = connection->base.transport;
    connection->since = bi_limits_stamp(call->client);
    call->sending = BI_SENDING_DONE;
    if (call->upload == NULL) {
        return bight_transport_write_bytes(transport, call->body);
    }
    if (call->upload->source == NULL) {
        return write_parts(transport, call->upload);
    }
    call->sending = BI_SENDING_UNDER_WAY;
    return bi_produced_begin(call->upload);
}

/* ------------------------------------------------------------------------------------------- asking first */

static void start(struct bight_http_call *call)
{
    if (write_body(call) != BIGHT_OK) {
        (void)bight_transport_abort_connection(call->connection->base.transport); /* the call fails with its loss */
    }
}

void bi_sending_go_on(struct bight_http_call *call)
{
    if (call->sending == BI_SENDING_HELD) {
        (void)bight_timer_cancel(call->continuing);
        start(call);
    }
}

static void time_is_up(void *context)
{
    struct bight_http_call *call = context;
    if (call->sending == BI_SENDING_HELD) {
        start(call);
    }
}

int bi_sending_begin(struct bight_http_call *call, bool is_done)
{
    if (is_done || !bi_sending_has_body(call)) {
        call->sending = BI_SENDING_DONE;
        return BIGHT_OK;
    }
    if (!bi_sending_asks(call)) {
        return write_body(call);
    }
    call->sending = BI_SENDING_HELD;
    if (call->settings.continue_time == BI_FOREVER) {
        return BIGHT_OK;
    }
    return bight_call_later(
        call->client->reactor, (double)call->settings.continue_time / 1e9, time_is_up, call, &call->continuing);
}

/* ------------------------------------------------------------------------------------------- its end */

void bi_sending_give_up(struct bight_http_call *call)
{
    if (call->sending == BI_SENDING_HELD) {
        bi_sending_stop(call);
    }
}

void bi_sending_stop(struct bight_http_call *call)
{
    if (call->sending == BI_SENDING_HELD) {
        (void)bight_timer_cancel(call->continuing);
    } else if (call->upload != NULL) {
        (void)bight_timer_cancel(call->upload->beginning);
    }
    call->sending = BI_SENDING_NOT;
}

bool bi_sending_is_repeatable(const struct bight_http_call *call)
{
    return call->upload == NULL || bi_produced_is_repeatable(call->upload);
}
