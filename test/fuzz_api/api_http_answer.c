/* SPDX-License-Identifier: MIT */
/* api_http_answer.c - requests that are answered in every way, whole, in pieces, by producers, and handed over; and all
 * else that may be done to them.
 *
 * What an answer of ours has is written down before it is given, since a client may have it by then. */
#include "api_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTHS = 32 };

static unsigned values; /* attached, and not destroyed */
static uint8_t attached[MAX_ATTACHED];
static unsigned attached_count;

static void destroy_value(void *value)
{
    (void)value;
    values--;
}

static const struct bight_type types[] = { { .name = "one", .destroy = destroy_value },
    { .name = "other", .destroy = destroy_value } };

/* Until the next call at this depth: middleware that is told of a head may answer others within. */
static const uint8_t *bytes_of(unsigned number, uint32_t from, size_t size)
{
    static uint8_t all[DEPTHS][MAX_BODY];
    uint8_t *bytes = all[world.tape->depth % DEPTHS];
    for (size_t i = 0; i < size; i++) {
        bytes[i] = http_byte(number, from + (uint32_t)i);
    }
    return bytes;
}

/* ------------------------------------------------------------------------------------------ answering */

/* `was_open`: an answer could have reached the client before the call, and nobody else is about to give one. */
static void check_code(const struct asked *asked, const char *call, int code, bool was_open)
{
    fuzz_tell(world.tape, "%s of request %u answers %d", call, asked->id, code);
    if (!was_open && code == 0) {
        fuzz_fail("%s of request %u, whose client cannot be reached, answers 0", call, asked->id);
    }
    if (was_open && code == BIGHT_E_CLOSED && bight_http_request_is_open(asked->request)) {
        fuzz_fail("%s of request %u, which is open, answers CLOSED", call, asked->id);
    }
}

static const char *type_of(const struct asked *asked)
{
    static char types_of[DEPTHS][40];
    char *type = types_of[world.tape->depth % DEPTHS];
    (void)snprintf(type, sizeof types_of[0], HTTP_TYPE "%u", asked->id);
    return type;
}

static size_t choose_size(struct fuzz_operation *operation)
{
    static const size_t sizes[] = { 0, 1, 10, 500, 5000, 20000, MAX_BODY };
    return sizes[fuzz_choose(operation, 7)];
}

/* What the record says before the call is undone when that was refused: a client may have the bytes by then. */
void respond_to(struct asked *asked, struct fuzz_operation *operation)
{
    size_t size = choose_size(operation);
    bool was_open = bight_http_request_is_open(asked->request);
    struct asked before = *asked;
    if (!asked->began) {
        asked->length = (int64_t)size;
        asked->written = (uint32_t)size;
        asked->began = asked->finished = true;
    }
    int code = bight_http_respond(asked->request, 200, type_of(asked), bytes_of(asked->id, 0, size), size);
    if (code != 0 && !before.began) {
        asked->began = before.began;
        asked->finished = before.finished;
        asked->length = before.length;
        asked->written = before.written;
    }
    check_code(asked, "respond", code, was_open);
}

static void begin_answer(struct asked *asked, struct fuzz_operation *operation)
{
    bool was_open = bight_http_request_is_open(asked->request);
    int64_t length = fuzz_choose(operation, 2) == 0 ? -1 : (int64_t)choose_size(operation);
    int code = bight_http_respond_begin(asked->request, 200, type_of(asked), length);
    if (code == 0) {
        asked->began = true;
        asked->length = length;
    }
    check_code(asked, "begin", code, was_open);
}

static int write_piece(struct asked *asked, size_t size)
{
    uint32_t from = asked->written;
    asked->written += (uint32_t)size;
    int code = bight_http_respond_write(asked->request, bytes_of(asked->id, from, size), size);
    asked->written -= code != 0 ? (uint32_t)size : 0;
    return code;
}

static void finish_answer(struct asked *asked)
{
    bool was_finished = asked->finished;
    asked->finished = asked->finished || asked->began;
    int code = bight_http_respond_finish(asked->request);
    fuzz_tell(world.tape, "finish of request %u answers %d", asked->id, code);
    asked->finished = was_finished || code == 0;
}

static void abort_answer(struct asked *asked)
{
    bight_http_respond_abort(asked->request);
    if (bight_http_request_is_open(asked->request)) {
        fuzz_fail("request %u is open after it was aborted", asked->id);
    }
}

static void respond_later(struct asked *asked, struct fuzz_operation *operation)
{
    struct bight_deferred *deferred = some_deferred(0, fuzz_choose(operation, 1000));
    if (deferred != NULL) {
        (void)bight_http_respond_later(asked->request, deferred);
    }
}

static void respond_made(struct asked *asked, struct fuzz_operation *operation)
{
    struct bight_http_response *response = bight_http_response_new(201);
    (void)bight_http_response_set(response, "X-Made", "1");
    (void)bight_http_response_set_body(response, "text/plain", "made", 4);
    if (fuzz_choose(operation, 2) == 0) {
        (void)bight_http_respond_response(asked->request, response);
        bight_http_response_release(response);
    } else {
        struct bight_deferred *deferred = bight_succeed(&bight_type_http_response, response);
        (void)bight_http_respond_later(asked->request, deferred);
    }
}

static void redirect(struct asked *asked, struct fuzz_operation *operation)
{
    static const int statuses[] = { 301, 302, 303, 307, 308 };
    static const char *const targets[] = { "/all/a/b", "/all/files/small.s", "http://server:302/all/c",
        "http://server:303/coroutine", "http://server:309/nobody", "https://server:301/all/" };
    (void)bight_http_respond_redirect(
        asked->request, statuses[fuzz_choose(operation, 5)], targets[fuzz_choose(operation, 6)]);
}

/* -------------------------------------------------------------------------------------- its producer */

static void produce(void *context)
{
    struct asked *asked = context;
    act_inside(asked->id * 211u + asked->budget, NULL);
    if (asked->request == NULL || asked->budget == 0) {
        return;
    }
    begin_use(asked);
    if (--asked->budget == 0) {
        finish_answer(asked);
    } else {
        (void)write_piece(asked, 3000);
    }
    end_use(asked);
}

static void rest(void *context)
{
    (void)context;
}

static void stop_producing(void *context)
{
    ((struct asked *)context)->budget = 0;
}

static void register_producer(struct asked *asked, struct fuzz_operation *operation)
{
    static const struct bight_producer_ops ops = { rest, produce, stop_producing };
    bool streams = fuzz_choose(operation, 2) == 0;
    asked->budget = 1 + fuzz_choose(operation, 30);
    int code = bight_http_respond_register_producer(asked->request, &ops, asked, streams);
    fuzz_tell(world.tape, "register_producer of request %u answers %d", asked->id, code);
}

static void drain(struct asked *asked)
{
    struct item *item = world.is_ending ? NULL : new_item("a drain", 0);
    if (item != NULL) {
        watch_deferred(item, bight_http_respond_drain(asked->request));
    }
}

/* Its clients send no conditions: it must go on, if it can be answered at all. */
static void check_conditions(struct asked *asked)
{
    const struct bight_http_validators now = { .size = sizeof now, .etag = "\"7\"", .modified = 1 };
    bool is_free = bight_http_request_is_open(asked->request) && !asked->began && http.in_head == 0;
    if (is_free && bight_http_respond_if_unmet(asked->request, &now) && bight_http_request_is_open(asked->request)) {
        fuzz_fail("request %u, which has no conditions, does not meet them", asked->id);
    }
}

/* --------------------------------------------------------------------------------------- handing over */

static unsigned upgraded;

static void echo(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    (void)bight_transport_write(protocol->transport, data, size);
    act_inside(++upgraded * 223u, NULL);
}

static const struct bight_protocol_ops echo_ops = { .data_received = echo };
static struct bight_factory echo_factory;

static void upgrade(struct asked *asked)
{
    (void)bight_http_respond_upgrade(asked->request, "echo", bight_protocol_new(&echo_factory));
}

/* ----------------------------------------------------------------------------------------- operations */

void act_answer(struct fuzz_operation *operation, void *context)
{
    struct asked *asked = find_asked(operation->subject);
    (void)context;
    if (asked == NULL) {
        return;
    }
    begin_use(asked);
    if (asked->has_events) {
        spoil_events();
    }
    switch (fuzz_choose(operation, 18)) {
    case 0:
    case 1:
    case 2:
        respond_to(asked, operation);
        break;
    case 3:
    case 4:
        begin_answer(asked, operation);
        (void)write_piece(asked, choose_size(operation));
        break;
    case 5:
        (void)write_piece(asked, choose_size(operation));
        break;
    case 6:
        finish_answer(asked);
        break;
    case 7:
        abort_answer(asked);
        break;
    case 8:
        respond_later(asked, operation);
        break;
    case 9:
        (void)bight_http_respond_failure(asked->request, bight_http_failure(409, "no"));
        break;
    case 10:
        (void)bight_http_respond_error(asked->request, 404 + (int)fuzz_choose(operation, 100), "no");
        break;
    case 11:
        respond_made(asked, operation);
        break;
    case 12:
        register_producer(asked, operation);
        break;
    case 13:
        drain(asked);
        break;
    case 14:
        check_conditions(asked);
        break;
    case 15:
    case 16:
        redirect(asked, operation);
        break;
    default:
        upgrade(asked);
        break;
    }
    end_use(asked);
}

void client_has_gone(struct bight_http_request *request, void *context)
{
    struct asked *asked = context;
    fuzz_tell(world.tape, "-> the client of request %u has gone", asked->id);
    if (asked->went) {
        fuzz_fail("the client of request %u goes twice", asked->id);
    }
    asked->went = true;
    if (bight_http_request_is_open(request)) {
        fuzz_fail("request %u is open and its client has gone", asked->id);
    }
    act_inside(asked->id * 227u, NULL);
}

static void read_all(struct bight_http_request *request)
{
    struct bight_address peer;
    const char *name, *value;
    (void)bight_http_request_path(request);
    (void)bight_http_request_mount(request);
    (void)bight_http_request_parameter(request, "rest");
    (void)bight_http_request_query(request, "a");
    (void)bight_http_request_cookie(request, "c");
    (void)bight_http_request_host(request);
    (void)bight_http_request_trailer(request, "X-Trailer");
    (void)bight_http_request_peer(request, &peer);
    for (size_t cursor = 0; bight_http_request_next_field(request, &cursor, &name, &value);) {
        (void)strlen(name);
    }
}

static void tie(struct asked *asked)
{
    struct item *item = NULL;
    struct bight_deferred *deferred = plain_deferred(0, &item);
    struct bight_owner *owner = deferred != NULL ? bight_http_request_owner(asked->request) : NULL;
    if (owner != NULL) {
        (void)bight_deferred_tie(deferred, owner);
    }
    bight_deferred_release(deferred);
}

void act_use_request(struct fuzz_operation *operation, void *context)
{
    struct asked *asked = find_asked(operation->subject);
    unsigned drawn = fuzz_choose(operation, 9);
    (void)context;
    if (asked == NULL) {
        return;
    }
    begin_use(asked);
    if (drawn <= 1) {
        let_go_of_asked(asked);
    } else if (drawn == 2) {
        hold_asked(asked);
    } else if (drawn == 3) {
        bight_http_request_set_gone(asked->request, fuzz_choose(operation, 4) == 0 ? NULL : client_has_gone, asked);
    } else if (drawn == 4) {
        values++;
        (void)bight_http_request_attach(asked->request, &types[fuzz_choose(operation, 2)], &attached[++attached_count]);
    } else if (drawn == 5) {
        read_all(asked->request);
    } else if (drawn == 6) {
        tie(asked);
    } else if (drawn == 7) {
        (void)bight_http_respond_add(asked->request, "X-More", "a value");
    } else {
        bight_http_respond_close(asked->request);
    }
    end_use(asked);
}

/* ----------------------------------------------------------------------------------------- the part */

static void begin(void)
{
    values = attached_count = upgraded = 0;
    echo_factory = (struct bight_factory)BIGHT_FACTORY(struct bight_protocol, &echo_ops);
}

static void check(void)
{
}

static void end(void)
{
}

static void finish(void)
{
    if (values > 0) {
        fuzz_fail("%u values that were attached to requests are left", values);
    }
    if (echo_factory.connections > 0) {
        fuzz_fail("upgraded connections are left: %u", echo_factory.connections);
    }
}

const struct part http_answer_part = { begin, check, end, finish };
