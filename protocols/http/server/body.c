/* SPDX-License-Identifier: MIT */
/* body.c - the body of a request: its user, and how its bytes become pieces (A4).
 *
 * One user at a time: a collect, a read, a consumer, or none, and then it is not taken from the connection. Each call
 * of bi_body_read deals with one piece, since its user may do anything: the connection looks again behind it. */
#include <bight/memory.h>

#include <string.h>

#include "http/server/decoding.h"

#define READ_LIMIT 65536

static const char continue_line[] = "HTTP/1.1 100 Continue\r\n\r\n";

/* Nearly all requests have none, and it is not asked for: they do without. */
static void set_up(struct bight_http_request *request)
{
    if (!request->has_body) {
        request->has_body = true;
        memset(&request->body, 0, sizeof request->body);
    }
}

void bi_body_begin(struct bight_http_request *request)
{
    struct bi_http_body *body = &request->body;
    set_up(request);
    request->input = BI_INPUT_BODY;
    request->due |= request->framing.expects_continue ? BI_DUE_CONTINUE : 0;
    body->left = request->framing.length;
    body->limit = request->server->limits.body;
    if (request->framing.body == BI_BODY_CHUNKED) {
        bi_chunked_begin(&body->chunked, false);
    }
}

bool bi_body_is_wanted(const struct bight_http_request *request)
{
    const struct bi_http_body *body = &request->body;
    if (!request->has_body) {
        return false;
    }
    return body->user == BI_BODY_CONSUMER ? !body->blocked : body->user != BI_BODY_NOBODY;
}

/* ---------------------------------------------------------------------------------------------- its end */

static void leave_user(struct bight_http_request *request)
{
    request->body.user = BI_BODY_NOBODY;
    bi_deadlines_rest_body(request);
}

static struct bight_promise take_promise(struct bight_http_request *request)
{
    struct bight_promise promise = request->body.promise;
    request->body.promise = (struct bight_promise) { NULL, 0 };
    leave_user(request);
    return promise;
}

/* Fires with bytes, which are taken; NULL: there was no memory for them. The request waits for its answer until the
 * handlers have run: the Deferred's own hold goes before. */
static void fire(struct bight_http_request *request, struct bight_bytes *bytes)
{
    struct bight_promise promise = take_promise(request);
    bi_request_begin_pending(request);
    if (bytes != NULL) {
        (void)bight_callback(promise, &bight_type_bytes, bytes);
    } else {
        (void)bight_errback(promise, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    bi_request_end_pending(request);
}

/* Its user, that it was whole. */
static void tell_ended(struct bight_http_request *request)
{
    struct bi_http_body *body = &request->body;
    if (body->user == BI_BODY_COLLECT) {
        fire(request, bi_http_buffer_take(&body->collected));
    } else if (body->user == BI_BODY_READ) {
        fire(request, bight_bytes_new("", 0));
    } else if (body->user == BI_BODY_CONSUMER) {
        leave_user(request);
        if (body->consumer->end != NULL) {
            body->consumer->end(request, body->context);
        }
        bi_request_end_pending(request);
    }
}

void bi_body_end(struct bight_http_request *request)
{
    if (!bi_decoding_is_whole(request)) {
        bi_body_fail_with(request, BIGHT_E_SYNTAX, 400, "the body of the request ends within its gzip");
        return;
    }
    bi_decoding_end(request);
    request->input = BI_INPUT_DONE;
    bight_timer_cancel(request->input_timer);
    tell_ended(request);
}

/* Its user, which is none any more. */
static void tell_failed(struct bight_http_request *request, const struct bight_failure *failure)
{
    struct bi_http_body *body = &request->body;
    if (body->user == BI_BODY_COLLECT || body->user == BI_BODY_READ) {
        (void)bight_errback(take_promise(request), bight_failure_hold(failure));
    } else if (body->user == BI_BODY_CONSUMER) {
        leave_user(request);
        if (body->consumer->failed != NULL) {
            body->consumer->failed(request, failure, body->context);
        }
        bi_request_end_pending(request);
    }
}

void bi_body_fail(struct bight_http_request *request, struct bight_failure *failure)
{
    struct bi_http_body *body = &request->body;
    if (request->input >= BI_INPUT_DONE || request->input == BI_INPUT_HEAD) {
        bight_failure_release(failure);
        return;
    }
    request->closing = true;
    bight_failure_release(body->failure); /* of what is thrown away */
    body->failure = failure;
    bi_decoding_end(request);
    request->input = BI_INPUT_DONE;
    bight_timer_cancel(request->input_timer);
    bi_request_begin_pending(request);
    tell_failed(request, failure);
    bi_request_end_pending(request);
}

void bi_body_give_up(struct bight_http_request *request, struct bight_failure *failure)
{
    request->holds++;
    bi_body_fail(request, failure);
    bi_exchange_advance(request);
    bi_request_release(request);
}

void bi_body_fail_with(struct bight_http_request *request, int code, int status, const char *why)
{
    bi_body_fail(request, bight_failure_new_status(code, status, NULL, "%s", why));
}

/* ---------------------------------------------------------------------------------------- its pieces */

/* Returns how many bytes it has taken. */
static size_t deliver_to_consumer(struct bight_http_request *request, const uint8_t *data, size_t size)
{
    struct bi_http_body *body = &request->body;
    bool goes_on = true;
    size_t taken = size;
    body->blocked = true; /* so that a resume inside is not lost */
    if (body->take != NULL) {
        goes_on = body->take(request, data, &taken, body->context);
    } else if (body->consumer->data != NULL) {
        goes_on = body->consumer->data(request, data, size, body->context);
    }
    if (goes_on) {
        body->blocked = false;
    } else if (body->blocked) {
        bi_deadlines_rest_body(request);
    }
    return taken;
}

/* The piece ends the body and nothing came before: it need not be collected. */
static void collect(struct bight_http_request *request, const uint8_t *data, size_t size)
{
    struct bi_http_body *body = &request->body;
    bool is_all = request->framing.body == BI_BODY_LENGTH && body->left == 0 && body->coding == BI_CODING_NONE;
    if (body->collected.bytes == NULL && is_all) {
        request->input = BI_INPUT_DONE;
        bight_timer_cancel(request->input_timer);
        fire(request, bight_bytes_new(data, size));
    } else if (bi_http_buffer_append(&body->collected, data, size) != BIGHT_OK) {
        bi_body_fail(request, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
}

/* A piece for which there was no memory is lost: the next one must not take its place. */
static void answer_read(struct bight_http_request *request, struct bight_bytes *piece)
{
    if (piece != NULL) {
        fire(request, piece);
    } else {
        bi_body_fail(request, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
}

/* All is taken, but by a consumer that takes less. */
size_t bi_body_deliver(struct bight_http_request *request, const uint8_t *data, size_t size)
{
    struct bi_http_body *body = &request->body;
    size_t taken = size;
    body->used += size;
    if (body->used > body->limit) {
        bi_body_fail_with(request, BIGHT_E_TOO_LONG, 413, "the body of the request is longer than is allowed");
        return size;
    }
    switch ((enum bi_body_user)body->user) {
    case BI_BODY_COLLECT:
        collect(request, data, size);
        break;
    case BI_BODY_READ:
        answer_read(request, bight_bytes_new(data, size));
        break;
    case BI_BODY_CONSUMER:
        taken = deliver_to_consumer(request, data, size);
        body->used -= size - taken;
        break;
    case BI_BODY_NOBODY:
    case BI_BODY_DISCARD:
        break;
    }
    return taken;
}

/* ----------------------------------------------------------------------------------------- the codings */

/* Returns how many bytes were used. */
static size_t pass_on(struct bight_http_request *request, const uint8_t *data, size_t size)
{
    return request->body.coding == BI_CODING_NONE ? bi_body_deliver(request, data, size)
                                                  : bi_decoding_read(request, data, size);
}

/* Of so many: as many as its reader wants, unless they are something else to him. */
static size_t wanted_of(const struct bi_http_body *body, size_t size)
{
    bool is_bounded = body->user == BI_BODY_READ && body->coding == BI_CODING_NONE;
    return is_bounded && size > body->wanted ? body->wanted : size;
}

static size_t read_length(struct bight_http_request *request, const uint8_t *data, size_t size)
{
    struct bi_http_body *body = &request->body;
    size_t piece = wanted_of(body, size < body->left ? size : (size_t)body->left);
    body->left -= piece;
    size_t taken = pass_on(request, data, piece);
    body->left += piece - taken;
    if (body->left == 0 && request->input == BI_INPUT_BODY) {
        bi_body_end(request);
    }
    return taken;
}

static size_t read_chunked(struct bight_http_request *request, const uint8_t *data, size_t size)
{
    struct bi_http_body *body = &request->body;
    const uint8_t *at = data, *piece;
    size_t left = wanted_of(body, size);
    size_t offered = left, piece_size, behind;
    switch (bi_chunked_next(&body->chunked, &at, &left, &piece, &piece_size)) {
    case BI_CHUNKED_DATA:
        behind = piece_size - pass_on(request, piece, piece_size);
        bi_chunked_give_back(&body->chunked, behind);
        left += behind;
        break;
    case BI_CHUNKED_PARTIAL:
        break;
    case BI_CHUNKED_END:
        request->input = BI_INPUT_TRAILERS;
        break;
    case BI_CHUNKED_REFUSED:
        bi_body_fail_with(request, BIGHT_E_SYNTAX, 400, body->chunked.why);
        return size;
    }
    return offered - left;
}

size_t bi_body_read(struct bight_http_request *request, const uint8_t *data, size_t size)
{
    size_t used;
    request->holds++;
    request->due &= (uint8_t)~BI_DUE_CONTINUE;
    if (request->input == BI_INPUT_TRAILERS) {
        used = bi_trailers_read(request, data, size);
    } else if (request->framing.body == BI_BODY_LENGTH) {
        used = read_length(request, data, size);
    } else {
        used = read_chunked(request, data, size);
    }
    bi_exchange_advance(request);
    bi_request_release(request);
    return used;
}

/* ------------------------------------------------------------------------------------------- discarding */

bool bi_body_has_come(const struct bight_http_request *request)
{
    return request->framing.body == BI_BODY_LENGTH &&
           request->body.left <= request->rest + bi_http_buffer_size(&request->backlog);
}

/* Of little the connection is worth more than the time that it takes (H5). A client that waits for 100 may send its
 * body behind the answer or not: it is not known where its next request begins. */
bool bi_body_can_be_discarded(const struct bight_http_request *request)
{
    if (request->due & BI_DUE_CONTINUE) {
        return bi_body_has_come(request);
    }
    return request->framing.body == BI_BODY_CHUNKED || request->body.left <= BI_HTTP_DISCARD;
}

/* A reader is notified that there will be no more. */
static void end_reading(struct bight_http_request *request)
{
    request->body.failure =
        bight_failure_new(BIGHT_E_CANCELLED, 0, NULL, "the request was answered before its body was read");
    bi_request_begin_pending(request);
    tell_failed(request, request->body.failure);
    bi_request_end_pending(request);
}

void bi_body_discard(struct bight_http_request *request)
{
    struct bi_http_body *body = &request->body;
    if (body->user == BI_BODY_DISCARD) {
        return;
    }
    if (!bi_body_can_be_discarded(request)) {
        request->closing = true;
        return;
    }
    if (body->user != BI_BODY_NOBODY) {
        end_reading(request);
    }
    bi_decoding_end(request);
    body->coding = BI_CODING_NONE;
    body->window = body->used;
    body->asked = true;
    body->user = BI_BODY_DISCARD;
    body->limit = body->used + BI_HTTP_DISCARD;
    bi_deadlines_watch_body(request);
    if (request->connection != NULL) {
        bi_http_go_on(request->connection);
    }
}

/* ---------------------------------------------------------------------------------------- asking for it */

/* 0, or what stands against asking for the body as this user. */
static int check_asked(struct bight_http_request *request, enum bi_body_user user)
{
    const struct bi_http_body *body = &request->body;
    set_up(request);
    if (request->gone || (request->connection == NULL && request->input < BI_INPUT_DONE)) {
        return BIGHT_E_CLOSED;
    }
    if (body->user != BI_BODY_NOBODY || (body->asked && !(body->is_read && user == BI_BODY_READ))) {
        return bi_http_usage(BIGHT_E_USAGE, "a body of a request: it has been asked for already");
    }
    return BIGHT_OK;
}

/* The client waits for this before it sends anything; it is no use any more once bytes have come, or a final answer has
 * gone out. */
static void say_continue(struct bight_http_request *request)
{
    bool has_come = request->rest + bi_http_buffer_size(&request->backlog) > 0;
    if ((request->due & BI_DUE_CONTINUE) && !has_come && request->answer.state == BI_ANSWER_NONE) {
        (void)bight_transport_write(request->connection->base.transport, continue_line, sizeof continue_line - 1);
    }
    request->due &= (uint8_t)~BI_DUE_CONTINUE;
}

/* What is refused when it is asked for: before there is a user, whom it would be told at once. */
static void admit(struct bight_http_request *request, uint64_t limit)
{
    struct bi_http_body *body = &request->body;
    body->limit = limit == 0 ? body->limit : limit;
    if (!body->asked && !bi_encoding_is_accepted(request)) {
        bi_body_fail(request, bi_encoding_refuse(request));
    } else if (request->framing.body == BI_BODY_LENGTH && request->framing.length > body->limit) {
        bi_body_fail_with(request, BIGHT_E_TOO_LONG, 413, "the body of the request is longer than is allowed");
    }
}

static void start(struct bight_http_request *request, enum bi_body_user user)
{
    struct bi_http_body *body = &request->body;
    body->asked = true;
    body->is_read = user == BI_BODY_READ;
    body->user = (uint8_t)user;
    if (request->input >= BI_INPUT_DONE) {
        return;
    }
    say_continue(request);
    if (request->is_parked) {
        bi_deadlines_watch_body(request);
    }
    bi_http_go_on(request->connection);
}

/* A waiting user waits no more; what comes has no user until it is asked for again. */
static void cancel(struct bight_promise promise, void *context)
{
    struct bight_http_request *request = context;
    (void)promise;
    (void)take_promise(request);
}

static void release_request(void *request)
{
    bi_request_end_pending(request);
}

/* A Deferred of a collect of at most `size` bytes or of a read of `size`, which keeps the request (A2). */
static struct bight_deferred *ask(struct bight_http_request *request, enum bi_body_user user, size_t size)
{
    struct bi_http_body *body = &request->body;
    struct bight_promise promise;
    int code = check_asked(request, user);
    if (code != BIGHT_OK) {
        return bight_fail(bight_failure_of(code));
    }
    if (body->failure == NULL) {
        admit(request, user == BI_BODY_COLLECT ? size : 0);
    }
    if (body->failure != NULL) {
        return bight_fail(bight_failure_hold(body->failure));
    }
    bi_request_begin_pending(request);
    struct bight_deferred *deferred = bight_deferred_new_full(&promise, cancel, request, release_request);
    if (!bight_promise_is_open(promise)) {
        return deferred;
    }
    body->promise = promise;
    body->wanted = size;
    start(request, user);
    if (request->input >= BI_INPUT_DONE && body->user != BI_BODY_NOBODY) {
        fire(request, bi_http_buffer_take(&body->collected));
    }
    return deferred;
}

struct bight_deferred *bight_http_request_collect(struct bight_http_request *request, size_t limit)
{
    return ask(request, BI_BODY_COLLECT, limit);
}

struct bight_deferred *bight_http_request_read(struct bight_http_request *request, size_t limit)
{
    return ask(request, BI_BODY_READ, limit == 0 || limit > READ_LIMIT ? READ_LIMIT : limit);
}

/* Nothing is called inside bight_http_request_consume: a body that is over by then is told of on a later turn. */
static void tell_later(void *context)
{
    struct bight_http_request *request = context;
    if (request->body.user != BI_BODY_CONSUMER) {
        return;
    }
    if (request->body.failure != NULL) {
        tell_failed(request, request->body.failure);
    } else {
        tell_ended(request);
    }
}

/* A request that is held may outlive what its site had to do with the reactor. */
static int call_to_tell(struct bight_http_request *request)
{
    struct bight_reactor *reactor = bight_http_request_reactor(request);
    if (reactor == NULL) {
        return BIGHT_E_CLOSED;
    }
    int code = bight_call_later_full(reactor, 0, tell_later, request, release_request, NULL);
    if (code == BIGHT_OK) {
        bi_request_begin_pending(request);
    }
    return code;
}

/* `refusal` is as if the body had failed with it when it was asked for. */
static int admit_consumer(struct bight_http_request *request, uint64_t limit, struct bight_failure *refusal)
{
    struct bi_http_body *body = &request->body;
    int code = check_asked(request, BI_BODY_CONSUMER);
    if (code == BIGHT_OK && body->failure != NULL) {
        code = bight_failure_code(body->failure);
    }
    if (code == BIGHT_OK && refusal != NULL) {
        bi_body_fail(request, bight_failure_hold(refusal));
    } else if (code == BIGHT_OK) {
        admit(request, limit);
    }
    return code == BIGHT_OK && request->input >= BI_INPUT_DONE ? call_to_tell(request) : code;
}

int bi_body_consume(struct bight_http_request *request, uint64_t limit, struct bight_failure *refusal,
    const struct bight_http_consumer *consumer, bi_body_take_function take, void *context)
{
    struct bi_http_body *body = &request->body;
    int code = admit_consumer(request, limit, refusal);
    bight_failure_release(refusal);
    if (code != BIGHT_OK) {
        return code;
    }
    body->consumer = consumer;
    body->take = take;
    body->context = context;
    bi_request_begin_pending(request);
    start(request, BI_BODY_CONSUMER);
    return BIGHT_OK;
}

int bight_http_request_consume(
    struct bight_http_request *request, uint64_t limit, const struct bight_http_consumer *consumer, void *context)
{
    return bi_body_consume(request, limit, NULL, consumer, NULL, context);
}

void bight_http_request_resume(struct bight_http_request *request)
{
    if (request->has_body && request->connection != NULL && request->body.user == BI_BODY_CONSUMER) {
        request->body.blocked = false;
        bi_deadlines_watch_body(request);
        bi_http_go_on(request->connection);
    }
}

void bi_body_stop(struct bight_http_request *request, const void *context)
{
    if (request->has_body && request->body.user == BI_BODY_CONSUMER && request->body.context == context) {
        leave_user(request);
        bi_request_end_pending(request);
    }
}

struct bight_failure *bi_body_why_not(const struct bight_http_request *request, int code)
{
    const struct bight_failure *failure = request->has_body ? request->body.failure : NULL;
    return failure != NULL && bight_failure_code(failure) == code ? bight_failure_hold(failure)
                                                                  : bight_failure_of(code);
}

int64_t bight_http_request_content_length(const struct bight_http_request *request)
{
    if (request->framing.body == BI_BODY_NONE) {
        return 0;
    }
    bool is_decoded = request->has_body && request->body.coding != BI_CODING_NONE;
    return request->framing.body == BI_BODY_LENGTH && !is_decoded ? (int64_t)request->framing.length : -1;
}
