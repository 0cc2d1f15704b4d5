/* SPDX-License-Identifier: MIT */
/* later.c - an answer that a Deferred brings, or a coroutine: it is waited for, and what comes is answered (A2).
 *
 * How the value of each type becomes an answer is response.c's, json.c's and answer.c's. */
#include <bight/log.h>

#include "http/server/answer.h"

/* A value that no client can be sent is a fault of the program. */
static void answer_with_unknown(struct bight_http_request *request, const struct bight_result *result)
{
    bight_log(BIGHT_LOG_ERROR, "http", NULL,
        "an answer that came later is no text, bytes, JSON or response but a %s: 500", result->type->name);
    (void)bight_http_respond_error(request, 500, NULL);
}

void bi_answer_with_result(struct bight_http_request *request, struct bight_result *result)
{
    if (bight_result_is_empty(result)) {
        (void)bight_http_respond_empty(request, 204);
    } else if (result->value == NULL) { /* there was no memory for what was made in the call itself */
        (void)bight_http_respond_failure(request, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    } else if (result->type == &bight_type_failure) {
        (void)bight_http_respond_failure(request, bight_result_take_failure(result));
    } else if (result->type == &bight_type_text) {
        (void)bight_http_respond_text(request, 200, result->value);
    } else if (result->type == &bight_type_bytes) {
        (void)bight_http_respond_bytes(request, 200, "application/octet-stream", result->value);
    } else if (result->type == &bight_type_http_response) {
        (void)bight_http_respond_response(request, result->value);
    } else if (!bi_answer_with_json(request, result) && !bi_answer_with_file(request, result)) {
        answer_with_unknown(request, result);
    }
    bight_result_clear(result);
}

/* The client may have gone, the route's time may have run out, the handler may have answered after all: then what comes
 * is discarded (A3). An answer that was begun is not left in its middle. */
static void has_come(struct bight_result *result, void *context)
{
    struct bight_http_request *request = context;
    bight_deferred_release(request->later);
    request->later = NULL;
    if (bight_http_request_is_open(request)) {
        if (request->answer.state == BI_ANSWER_NONE) {
            bi_answer_with_result(request, result);
        } else if (bight_result_failure(result) != NULL) {
            bight_log(BIGHT_LOG_ERROR, "http", bight_result_failure(result), "an answer has failed in its middle");
            bi_exchange_abort(request);
        }
    }
    bight_result_discard(result);
}

static void release_request(void *request)
{
    bi_request_end_pending(request);
}

int bi_answer_later(struct bight_http_request *request, struct bight_deferred *deferred)
{
    bi_request_begin_pending(request);
    request->later = bight_deferred_hold(deferred);
    int code = bight_deferred_add_both_full(deferred, has_come, request, release_request);
    if (code != BIGHT_OK) {
        request->later = NULL;
        bight_deferred_release(deferred);
        bight_deferred_cancel(deferred);
        bi_exchange_abort(request);
        bi_request_end_pending(request);
    }
    bight_deferred_release(deferred);
    return code;
}

static void drop(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_discard(result);
}

int bight_http_respond_later(struct bight_http_request *request, struct bight_deferred *deferred)
{
    int code = request->later != NULL ? bi_http_usage(BIGHT_E_USAGE, "an answer: another one is waited for")
                                      : bi_answer_check(request, 200);
    if (code == BIGHT_OK) {
        return bi_answer_later(request, deferred);
    }
    if (code != BIGHT_E_CLOSED || request->cancel_when_gone) {
        bight_deferred_cancel(deferred);
    } else {
        (void)bight_deferred_add_both(deferred, drop, NULL); /* when out of memory its failure is logged */
    }
    bight_deferred_release(deferred);
    return code;
}
