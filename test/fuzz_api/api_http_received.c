/* SPDX-License-Identifier: MIT */
/* api_http_received.c - responses of the library's clients whose bodies are streamed: pulled, pushed, held up, resumed
 * and dropped at any moment (C1). What comes are the bytes that a handler wrote, in their order, and the end comes
 * behind all of them. */
#include "api_http.h"

#include <stdio.h>
#include <string.h>

enum { RECEIVED = 200, CLIENT = 1 };

static struct received {
    struct bight_http_response *response; /* NULL: it has been dropped */
    struct description description;
    unsigned id;
    bool has_no_body, is_pushed, is_blocked, has_ended;
    uint8_t bytes[2 * MAX_BODY];
    size_t size;
} received[RECEIVED];
static unsigned received_count;

/* ------------------------------------------------------------------------------------------- what comes */

/* What has no room is not looked at. */
static void take_in(struct received *one, const uint8_t *data, size_t size)
{
    if (one->has_ended || one->has_no_body) {
        fuzz_fail("response %u has more behind its end, or without a body", one->id);
    }
    if (one->size + size <= sizeof one->bytes) {
        memcpy(one->bytes + one->size, data, size);
    }
    one->size += size;
}

static void take_end(struct received *one)
{
    fuzz_tell(world.tape, "-> response %u has ended, after %zu bytes", one->id, one->size);
    one->has_ended = true;
    if (!one->has_no_body && one->size <= sizeof one->bytes) {
        check_content(&one->description, one->bytes, one->size);
    }
}

static void drop(struct received *one)
{
    struct bight_http_response *response = one->response;
    one->response = NULL;
    bight_http_response_release(response);
}

void take_streamed(struct bight_http_response *response, bool has_no_body)
{
    if (received_count == RECEIVED || world.is_ending) {
        bight_http_response_release(response);
        return;
    }
    struct received *one = &received[received_count];
    one->response = response;
    one->id = received_count++;
    one->has_no_body = has_no_body;
    one->is_pushed = one->is_blocked = one->has_ended = false;
    one->size = 0;
    describe(response, &one->description);
    fuzz_tell(world.tape, "-> response %u: %d %s", one->id, one->description.status, one->description.type);
}

/* ------------------------------------------------------------------------------------------- pulled */

/* Cancelling one ends the asking alone. */
static void on_read(struct bight_result *result, void *context)
{
    struct item *item = context;
    struct received *one = &received[item->order];
    struct bight_bytes *bytes = bight_result_peek(result, &bight_type_bytes);
    finish_item(item, result);
    if (bytes != NULL && bight_bytes_size(bytes) > 0) {
        take_in(one, bight_bytes_data(bytes), bight_bytes_size(bytes));
    } else if (bytes != NULL && !one->has_ended) {
        take_end(one);
    }
    act_inside(item->id * 521u, NULL);
    bight_result_clear(result);
}

static void pull(struct received *one, struct fuzz_operation *operation)
{
    static const size_t limits[] = { 0, 1, 100, 5000 };
    struct item *item = new_item("a read of a response", CLIENT);
    if (item == NULL) {
        return;
    }
    item->order = one->id;
    watch_with(item, bight_http_response_read(one->response, limits[fuzz_choose(operation, 4)]), on_read);
    if (!item->has_run) {
        tie_somewhere(operation, item, false);
    }
}

/* ------------------------------------------------------------------------------------------- pushed */

static struct received *begin_push(void *context, const char *what)
{
    struct received *one = context;
    if (one->response == NULL || one->has_ended || !one->is_pushed) {
        fuzz_fail("%s of response %u comes, which was dropped or has ended", what, one->id);
    }
    return one;
}

static bool pushed(struct bight_http_response *response, const uint8_t *data, size_t size, void *context)
{
    struct received *one = begin_push(context, "data");
    check_not_inside("a consumer of a response");
    if (one->is_blocked || size == 0 || size > 65536 || one->response != response) {
        fuzz_fail("the consumer of response %u gets %zu bytes, and does not want them", one->id, size);
    }
    take_in(one, data, size);
    unsigned drawn = (unsigned)draw_from(one->id * 523u + one->size);
    one->is_blocked = drawn % 4 == 0;
    act_inside(drawn, NULL);
    return !one->is_blocked;
}

static void push_ended(struct bight_http_response *response, void *context)
{
    struct received *one = begin_push(context, "the end");
    (void)response;
    check_not_inside("the end of a response");
    take_end(one);
    act_inside(one->id * 541u, NULL);
}

/* Perhaps inside: its client is freed. */
static void push_failed(struct bight_http_response *response, const struct bight_failure *failure, void *context)
{
    struct received *one = begin_push(context, "a failure");
    (void)response;
    fuzz_tell(world.tape, "-> response %u fails: %d", one->id, bight_failure_code(failure));
    one->has_ended = true;
    act_inside(one->id * 547u, NULL);
}

static void push(struct received *one)
{
    static const struct bight_http_response_consumer consumer = { sizeof consumer, pushed, push_ended, push_failed };
    bool was_pushed = one->is_pushed, was_blocked = one->is_blocked;
    one->is_pushed = true;
    one->is_blocked = false;
    if (bight_http_response_consume(one->response, &consumer, one) != BIGHT_OK) {
        one->is_pushed = was_pushed;
        one->is_blocked = was_blocked;
    }
}

/* ------------------------------------------------------------------------------------------- operations */

static struct received *find(uint64_t subject)
{
    for (unsigned i = 0; i < received_count; i++) {
        struct received *one = &received[(subject + i) % received_count];
        if (one->response != NULL) {
            return one;
        }
    }
    return NULL;
}

void use_streamed(struct fuzz_operation *operation)
{
    struct received *one = find(operation->subject);
    unsigned drawn = fuzz_choose(operation, 10);
    if (one == NULL) {
        return;
    }
    if (drawn < 5) {
        pull(one, operation);
    } else if (drawn < 7 && !one->has_ended) {
        push(one);
    } else if (drawn == 7) {
        drop(one);
    } else if (one->is_blocked) {
        one->is_blocked = false;
        bight_http_response_resume(one->response);
    }
}

void begin_streamed(void)
{
    received_count = 0;
}

void end_streamed(void)
{
    for (unsigned i = 0; i < received_count; i++) {
        drop(&received[i]);
    }
}
