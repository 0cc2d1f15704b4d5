/* SPDX-License-Identifier: MIT */
/* outcome.c - how calls end: with a response, with a failure, or cancelled.
 *
 * The call has gone, and the pool is in order, when the program hears of it. */
#include "http/client/sending.h"
#include "http/client/stream.h"
#include "http/client/trace.h"

void bi_call_end(struct bight_http_call *call)
{
    struct bi_client_connection *connection = call->connection;
    bi_trace_end(call, BIGHT_E_CANCELLED); /* unless it had another end */
    bi_pool_withdraw(call);
    bi_sending_stop(call);
    if (connection != NULL) {
        connection->call = NULL;
        call->connection = NULL;
        if (!connection->is_closing) {
            bi_connection_close(connection, true);
        }
    }
    bi_call_free(call);
}

void bi_call_fail(struct bight_http_call *call, struct bight_failure *failure)
{
    struct bight_http_client *client = call->client;
    struct bight_promise promise = call->promise;
    struct bi_body_stream *stream = call->stream;
    (void)bight_factory_hold(&client->factory);
    bi_trace_end(call, bight_failure_code(failure));
    bi_call_end(call);
    if (stream != NULL) {
        bi_body_stream_fail(stream, failure);
    } else {
        (void)bight_errback(promise, failure);
    }
    bi_client_check_end(client);
    bight_factory_release(&client->factory);
}

/* The response is the program's from now on, and may go inside, and the call with it. */
void bi_call_deliver_head(struct bight_http_call *call)
{
    struct bight_http_response *response = call->response;
    bi_received_origin(response)->hops = call->hops;
    call->hops = NULL;
    (void)bight_callback(call->promise, &bight_type_http_response, response);
}

static void end_stream(struct bight_http_call *call)
{
    struct bight_http_client *client = call->client;
    struct bi_body_stream *stream = call->stream;
    (void)bight_factory_hold(&client->factory);
    bi_call_free(call);
    bi_body_stream_end(stream);
    bi_client_check_end(client);
    bight_factory_release(&client->factory);
}

void bi_call_succeed(struct bight_http_call *call)
{
    bi_trace_end(call, BIGHT_OK);
    if (call->stream != NULL) {
        end_stream(call);
        return;
    }
    struct bight_http_client *client = call->client;
    struct bight_promise promise = call->promise;
    struct bight_http_response *response = call->response;
    call->response = NULL;
    bi_received_origin(response)->hops = call->hops;
    call->hops = NULL;
    bi_call_free(call);
    if (!client->is_closing) {
        (void)bight_callback(promise, &bight_type_http_response, response);
        return;
    }
    (void)bight_factory_hold(&client->factory);
    (void)bight_callback(promise, &bight_type_http_response, response);
    bi_client_check_end(client);
    bight_factory_release(&client->factory);
}

void bi_call_time_out(struct bight_http_call *call, enum bight_http_time time)
{
    static const char *const what[] = {
        [BIGHT_HTTP_TIME_CONNECT] = "no connection",
        [BIGHT_HTTP_TIME_FIRST_BYTE] = "no byte of a response has come",
        [BIGHT_HTTP_TIME_BETWEEN] = "nothing more has come, or gone,",
        [BIGHT_HTTP_TIME_TOTAL] = "the call is not over",
        [BIGHT_HTTP_TIME_IN_QUEUE] = "no connection has been free",
    };
    const struct bi_call_settings *settings = &call->settings;
    uint64_t limit = time == BIGHT_HTTP_TIME_FIRST_BYTE ? settings->first_byte
                     : time == BIGHT_HTTP_TIME_BETWEEN  ? settings->between
                                                        : settings->total;
    bi_call_fail(call, bight_failure_new_status(
                           BIGHT_E_TIMED_OUT, (int)time, NULL, "%s within %g s", what[time], (double)limit / 1e9));
}
