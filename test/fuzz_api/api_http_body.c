/* SPDX-License-Identifier: MIT */
/* api_http_body.c - bodies of requests: collected, pulled, pushed, paused and cancelled. Whoever reads gets just the
 * bytes that the client has sent, in their order, and is notified of the end when it has all of them (A4). */
#include "api_http.h"

/* ---------------------------------------------------------------------------------------------- bodies */

/* The next bytes of its body. */
static void take_in(struct asked *asked, const uint8_t *data, size_t size)
{
    if (asked->ask == ASKS) {
        return;
    }
    const struct ask *ask = &http.asks[asked->ask];
    if (size > ask->size - asked->got) {
        fuzz_fail("request %u has more of a body than its client has sent", asked->id);
    }
    for (size_t i = 0; i < size; i++) {
        if (data[i] != body_byte(asked->ask, asked->got++)) {
            fuzz_fail("request %u has a wrong byte at %u", asked->id, asked->got - 1);
        }
    }
}

static void check_whole(const struct asked *asked)
{
    if (asked->ask != ASKS && (http.asks[asked->ask].is_cut || asked->got != http.asks[asked->ask].size)) {
        fuzz_fail(
            "the body of request %u ends after %u bytes of %u", asked->id, asked->got, http.asks[asked->ask].size);
    }
}

static void on_body(struct bight_result *result, void *context)
{
    struct item *item = context;
    struct asked *asked = &http.asked[item->order];
    struct bight_bytes *bytes = bight_result_peek(result, &bight_type_bytes);
    finish_item(item, result);
    asked->reading = NULL;
    if (bytes != NULL) {
        take_in(asked, bight_bytes_data(bytes), bight_bytes_size(bytes));
        if (item->is_pull ? bight_bytes_size(bytes) == 0 : true) {
            check_whole(asked);
        }
    }
    act_inside(item->id * 229u, NULL);
    bight_result_clear(result);
}

static void read_body(struct asked *asked, struct fuzz_operation *operation)
{
    bool pulls = fuzz_choose(operation, 2) == 0;
    struct item *item = world.is_ending ? NULL : new_item("body of a request", 0);
    if (item == NULL) {
        return;
    }
    item->order = asked->id;
    item->is_pull = pulls;
    asked->reading = item;
    size_t limit = fuzz_choose(operation, 3) == 0 ? 100 : 0;
    watch_with(item,
        pulls ? bight_http_request_read(asked->request, limit) : bight_http_request_collect(asked->request, limit),
        on_body);
    if (!item->has_run) {
        tie_somewhere(operation, item, false);
    }
}

static bool pushed(struct bight_http_request *request, const uint8_t *data, size_t size, void *context)
{
    struct asked *asked = context;
    (void)request;
    check_not_inside("a consumer");
    if (asked->was_blocked) {
        fuzz_fail("the consumer of request %u gets more than it wants", asked->id);
    }
    take_in(asked, data, size);
    unsigned drawn = (unsigned)draw_from(asked->id * 233u + asked->got);
    asked->was_blocked = drawn % 4 == 0;
    act_inside(drawn, NULL);
    return !asked->was_blocked;
}

static void push_ended(struct bight_http_request *request, void *context)
{
    (void)request;
    check_not_inside("the end of a body");
    check_whole(context);
    ((struct asked *)context)->pushes = false;
    act_inside(((struct asked *)context)->id * 239u, NULL);
}

static void push_failed(struct bight_http_request *request, const struct bight_failure *failure, void *context)
{
    (void)request;
    (void)failure;
    ((struct asked *)context)->pushes = false;
    act_inside(((struct asked *)context)->id * 241u, NULL);
}

static void consume(struct asked *asked)
{
    static const struct bight_http_consumer consumer = { sizeof consumer, pushed, push_ended, push_failed };
    asked->was_blocked = false;
    if (bight_http_request_consume(asked->request, 0, &consumer, asked) == 0) {
        asked->pushes = true;
    }
}

void act_body(struct fuzz_operation *operation, void *context)
{
    struct asked *asked = find_asked(operation->subject);
    unsigned drawn = fuzz_choose(operation, 8);
    (void)context;
    if (asked == NULL) {
        return;
    }
    begin_use(asked);
    if (drawn < 3 && !asked->pushes) {
        read_body(asked, operation);
    } else if (drawn == 3 && asked->reading == NULL && !asked->pushes) {
        consume(asked);
    } else if (drawn > 5 && !asked->pushes) {
        save_body(asked, operation);
    } else if (drawn == 4) {
        asked->was_blocked = false;
        bight_http_request_resume(asked->request);
    } else if (drawn == 5 && asked->reading != NULL && asked->reading->deferred != NULL) {
        bight_deferred_cancel(asked->reading->deferred);
    }
    end_use(asked);
}
