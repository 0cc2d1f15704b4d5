/* SPDX-License-Identifier: MIT */
/* filter.c - answers of requests that have hooks: middleware is told of the head, the filter is asked, and the body
 * goes its way.
 *
 * What a filter does with a body is its own; how bytes become an answer is answer.c's and stream.c's. */
#include "http/server/filter.h"

void bi_filter_set(struct bight_http_request *request, const struct bi_http_filter_ops *ops, void *context)
{
    const struct bi_http_filter_ops *former = request->hooks.filter;
    if (former != NULL) {
        former->end(request);
    }
    request->hooks.filter = ops;
    request->hooks.filter_context = context;
}

static enum bi_filter_choice choose(struct bight_http_request *request, struct bi_http_offer *offer)
{
    const struct bi_http_hooks *hooks = &request->hooks;
    return hooks->filter == NULL || hooks->is_unfiltered ? BI_FILTER_NONE : hooks->filter->choose(request, offer);
}

static struct bi_view view_of_type(const char *type)
{
    return type == NULL ? (struct bi_view) { NULL, 0 } : bi_view_of(type);
}

/* ------------------------------------------------------------------------------------------ whole bodies */

/* The filter has all of it. An answer to HEAD is its head alone. */
static int start(struct bight_http_request *request, int status, const char *type)
{
    int code = bi_answer_begin_told(request, status, type, -1, NULL, 0);
    if (code != BIGHT_OK) {
        return code;
    }
    if (request->answer.bodiless) {
        return bi_answer_written(request, 0);
    }
    request->answer.state = BI_ANSWER_FILTERED;
    request->hooks.is_started = true;
    bight_timer_cancel(request->answer_timer);
    code = request->hooks.filter->start(request);
    if (code != BIGHT_OK) {
        bi_exchange_abort(request);
    }
    return code;
}

int bi_filter_begin_offered(struct bight_http_request *request, const char *type, struct bi_http_offer *offer)
{
    int code = bi_answer_announce(request, offer->status, type);
    if (code != BIGHT_OK) {
        return code;
    }
    offer->type = view_of_type(type);
    switch (choose(request, offer)) {
    case BI_FILTER_NONE:
        break;
    case BI_FILTER_REPLACED:
        code = bi_answer_send(request, offer->status, type, offer->data, NULL);
        return code == BIGHT_OK ? BI_FILTERED : code;
    case BI_FILTER_PIECES:
        (void)start(request, offer->status, type); /* a file has been taken, whatever has become of it */
        return BI_FILTERED;
    }
    return BIGHT_OK;
}

int bi_filter_respond(
    struct bight_http_request *request, int status, const char *type, struct bi_view data, struct bight_bytes *bytes)
{
    struct bi_http_offer offer = {
        .kind = BI_OFFER_DATA, .status = status, .length = (int64_t)data.size, .data = data, .bytes = bytes
    };
    int code = bi_filter_begin_offered(request, type, &offer);
    if (code != BIGHT_OK) {
        return code == BI_FILTERED ? BIGHT_OK : code;
    }
    return bi_answer_send(request, status, type, data, bytes);
}

int bi_filter_put(struct bight_http_request *request, const void *data, size_t size)
{
    return size == 0 ? BIGHT_OK : bi_stream_put(request, data, size);
}

int bi_filter_end(struct bight_http_request *request)
{
    return bi_stream_end(request);
}

/* --------------------------------------------------------------------------------------------- streams */

int bi_filter_begin(struct bight_http_request *request, int status, const char *type, int64_t length)
{
    struct bi_http_offer offer = {
        .kind = BI_OFFER_STREAM, .status = status, .type = view_of_type(type), .length = length
    };
    int code = bi_answer_announce(request, status, type);
    if (code != BIGHT_OK) {
        return code;
    }
    bool is_filtered = choose(request, &offer) == BI_FILTER_PIECES;
    code = bi_answer_begin_told(request, status, type, is_filtered ? -1 : length, NULL, 0);
    if (code == BIGHT_OK) {
        request->answer.state = is_filtered ? BI_ANSWER_FILTERED : BI_ANSWER_BEGUN;
        request->answer.left = length < 0 ? 0 : (uint64_t)length;
        request->hooks.is_counted = length >= 0;
    }
    return code;
}

/* Of what was announced `size` bytes more have come. */
static bool is_too_much(struct bight_http_request *request, size_t size)
{
    struct bi_http_answer *answer = &request->answer;
    if (!request->hooks.is_counted) {
        return false;
    }
    if (size > answer->left) {
        return true;
    }
    answer->left -= size;
    return false;
}

int bi_filter_write(struct bight_http_request *request, const void *data, size_t size)
{
    if (is_too_much(request, size)) {
        bi_exchange_abort(request);
        return bi_http_usage(BIGHT_E_TOO_LONG, "a piece of an answer: it is longer than what was announced");
    }
    if (size == 0 || request->answer.bodiless) {
        return BIGHT_OK;
    }
    int code = request->hooks.filter->write(request, (struct bi_view) { data, size });
    if (code != BIGHT_OK) {
        bi_exchange_abort(request);
    }
    return code;
}

int bi_filter_finish(struct bight_http_request *request)
{
    bool is_head = request->head.method_known == BI_METHOD_HEAD;
    if (request->hooks.is_counted && request->answer.left > 0 && !is_head) {
        bi_exchange_abort(request);
        return bi_http_usage(BIGHT_E_INCOMPLETE, "an answer: it is shorter than what was announced");
    }
    int code = request->answer.bodiless ? BIGHT_OK : request->hooks.filter->finish(request);
    if (code != BIGHT_OK) {
        bi_exchange_abort(request);
        return code;
    }
    return bi_stream_end(request);
}
