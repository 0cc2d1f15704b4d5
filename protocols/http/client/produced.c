/* SPDX-License-Identifier: MIT */
/* produced.c - the body of a call that the program makes while it is sent, piece by piece (C8).
 *
 * What goes wrong breaks the connection off, and the call fails when that is lost: so no handler is called inside of a
 * write. A producer stays registered with the connection that it was registered with, and is told by that when it ends;
 * the connection may outlive the call for a turn, so it has a hold. */
#include "http/client/sending.h"
#include "http/server/answer.h"

/* ------------------------------------------------------------------------------------------- beginning */

static void begin(void *context)
{
    struct bight_http_upload *upload = bi_upload_hold(context);
    upload->has_begun = true;
    upload->left = upload->length < 0 ? UINT64_MAX : (uint64_t)upload->length;
    upload->source->begin(upload, upload->context);
    bi_upload_release(upload);
}

int bi_produced_begin(struct bight_http_upload *upload)
{
    return bight_call_later(upload->call->client->reactor, 0, begin, upload, &upload->beginning);
}

bool bi_produced_is_repeatable(struct bight_http_upload *upload)
{
    if (upload->failure != NULL) {
        return false;
    }
    if (upload->source == NULL || !upload->has_begun) {
        return true;
    }
    upload->has_begun = upload->source->again == NULL || !upload->source->again(upload->context);
    return !upload->has_begun;
}

/* The connection that it goes to; NULL: there is none, or no more. */
static struct bight_transport *transport_of(const struct bight_http_upload *upload)
{
    const struct bight_http_call *call = upload != NULL ? upload->call : NULL;
    bool is_under_way =
        call != NULL && call->sending == BI_SENDING_UNDER_WAY && call->connection != NULL && upload->failure == NULL;
    return is_under_way ? call->connection->base.transport : NULL;
}

/* ------------------------------------------------------------------------------------------- its end */

/* `failure` is taken. */
static void break_off(
    struct bight_http_upload *upload, struct bight_transport *transport, struct bight_failure *failure)
{
    upload->failure = failure;
    (void)bight_transport_abort_connection(transport);
}

void bight_http_upload_fail(struct bight_http_upload *upload, struct bight_failure *failure)
{
    struct bight_transport *transport = transport_of(upload);
    if (transport == NULL) {
        bight_failure_release(failure);
        return;
    }
    break_off(upload, transport, failure != NULL ? failure : bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
}

static int misuse(struct bight_http_upload *upload, struct bight_transport *transport, int code, const char *why)
{
    break_off(upload, transport, bight_failure_new(code, 0, NULL, "%s", why));
    return bi_http_usage(code, why);
}

static void end_producer(struct bight_http_upload *upload)
{
    if (upload->is_producing) {
        upload->is_producing = false;
        bi_upload_release(upload);
    }
}

int bight_http_upload_finish(struct bight_http_upload *upload)
{
    struct bight_transport *transport = transport_of(upload);
    if (transport == NULL) {
        return BIGHT_E_CLOSED;
    }
    if (upload->length >= 0 && upload->left > 0) {
        return misuse(
            upload, transport, BIGHT_E_INCOMPLETE, "the body of an HTTP call: it is shorter than what was announced");
    }
    int code = upload->length < 0 ? bight_transport_write(transport, "0\r\n\r\n", 5) : BIGHT_OK;
    if (upload->is_producing) {
        (void)bight_transport_unregister_producer(transport);
    }
    upload->call->sending = BI_SENDING_DONE;
    upload->call->connection->since = bi_limits_stamp(upload->call->client);
    end_producer(upload);
    return code;
}

/* ------------------------------------------------------------------------------------------- writing */

static int put(struct bight_http_upload *upload, struct bight_bytes *bytes, const void *data, size_t size)
{
    struct bight_transport *transport = transport_of(upload);
    if (transport == NULL || size == 0) {
        return transport == NULL ? BIGHT_E_CLOSED : BIGHT_OK;
    }
    if (size > upload->left) {
        return misuse(
            upload, transport, BIGHT_E_TOO_LONG, "the body of an HTTP call: it is longer than what was announced");
    }
    upload->left -= upload->length >= 0 ? size : 0;
    int code = upload->length < 0 ? bi_chunk_write(transport, bytes, data, size)
               : bytes != NULL    ? bight_transport_write_bytes(transport, bytes)
                                  : bight_transport_write(transport, data, size);
    if (code != BIGHT_OK) {
        break_off(upload, transport, bight_failure_of(code));
        return code;
    }
    upload->call->connection->since = bi_limits_stamp(upload->call->client);
    return BIGHT_OK;
}

int bight_http_upload_write(struct bight_http_upload *upload, const void *data, size_t size)
{
    return put(upload, NULL, data, size);
}

int bight_http_upload_write_bytes(struct bight_http_upload *upload, struct bight_bytes *bytes)
{
    if (bytes == NULL) {
        bight_http_upload_fail(upload, NULL);
        return BIGHT_E_OUT_OF_MEMORY;
    }
    return put(upload, bytes, bight_bytes_data(bytes), bight_bytes_size(bytes));
}

/* ------------------------------------------------------------------------------------------- a producer */

static void pause_producer(void *context)
{
    struct bight_http_upload *upload = context;
    if (upload->producer->pause != NULL) {
        upload->producer->pause(upload->producer_context);
    }
}

static void resume_producer(void *context)
{
    struct bight_http_upload *upload = context;
    if (upload->producer->resume != NULL) {
        upload->producer->resume(upload->producer_context);
    }
}

static void stop_producer(void *context)
{
    struct bight_http_upload *upload = context;
    if (upload->producer->stop != NULL) {
        upload->producer->stop(upload->producer_context);
    }
    end_producer(upload);
}

static const struct bight_producer_ops producer_ops = {
    .pause = pause_producer,
    .resume = resume_producer,
    .stop = stop_producer,
};

int bight_http_upload_register_producer(
    struct bight_http_upload *upload, const struct bight_producer_ops *ops, void *context, bool streaming)
{
    struct bight_transport *transport = transport_of(upload);
    if (ops == NULL) {
        return bi_http_usage(
            BIGHT_E_INVALID_ARGUMENT, "a producer of an HTTP call's body: there is no table of functions");
    }
    if (upload != NULL && upload->is_producing) {
        return bi_http_usage(BIGHT_E_PRODUCER_REGISTERED, "a producer of an HTTP call's body: there is one already");
    }
    if (transport == NULL) {
        if (ops->stop != NULL) {
            ops->stop(context);
        }
        return BIGHT_E_CLOSED;
    }
    upload->producer = ops;
    upload->producer_context = context;
    upload->is_producing = true;
    (void)bi_upload_hold(upload); /* that of the producer, and one for here */
    (void)bi_upload_hold(upload);
    int code = bight_transport_register_producer(transport, &producer_ops, upload, streaming);
    if (code != BIGHT_OK) {
        end_producer(upload);
    }
    bi_upload_release(upload);
    return code;
}
