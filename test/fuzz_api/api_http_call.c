/* SPDX-License-Identifier: MIT */
/* api_http_call.c - the library's own clients of the sites: made, closed and freed at any moment, with pools of few
 * connections, times, cookies, hooks; calls of every kind, redirected, repeated, cancelled and dropped (C1 to C11).
 *
 * Each call that is sent is answered once, whatever happens to its client, and what it is answered with has the bytes
 * that a handler wrote. What is streamed is api_http_received.c's, what is made while it is sent api_http_upload.c's.
 */
#include "api_http.h"

#include <bight/protocols/http_client_bodies.h>
#include <bight/protocols/http_client_cookies.h>
#include <bight/protocols/http_client_hooks.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENTS = 3, LISTENERS = 60, CALLS = 200, CLIENT = 1, CALLERS = 1000 };

/* A client's place; its jar stays for the whole program. */
static struct caller {
    struct bight_http_client *client;
    struct bight_http_cookie_jar *jar;
    struct listener *listener; /* NULL: it has no hooks */
    bool is_closing;
} callers[CLIENTS];

/* Whom one client's hooks are told. */
static struct listener {
    bool is_over; /* its client has been freed */
    struct {
        unsigned hop;
        int step;
    } last[CALLS]; /* that was told, by the numbers of the calls */
} listeners[LISTENERS];
static unsigned listener_count;

static unsigned freeing;                 /* clients, which tell what they have not told */
static struct bight_http_response *kept; /* for longer than the reactors live */

/* ------------------------------------------------------------------------------------------- what answers are */

/* What an answer says of itself. */
void describe(struct bight_http_response *response, struct description *description)
{
    const char *type = bight_http_response_field(response, "Content-Type");
    (void)snprintf(description->type, sizeof description->type, "%s", type != NULL ? type : "");
    description->status = bight_http_response_status(response);
}

static unsigned number_in(const char *type)
{
    size_t size = strlen(HTTP_TYPE);
    return strncmp(type, HTTP_TYPE, size) == 0 ? (unsigned)strtoul(type + size, NULL, 10) : ASKED;
}

static void check_other(const struct description *description, const uint8_t *data, size_t size)
{
    bool is_whole = description->status == 200;
    if (strcmp(description->type, "text/event-stream") == 0) {
        check_events((const char *)data, size);
    } else if (is_whole || description->status == 206) {
        check_file(description->type, !is_whole, (const char *)data, size);
    }
}

void check_content(const struct description *description, const uint8_t *data, size_t size)
{
    unsigned number = number_in(description->type);
    if (number == ASKED) {
        check_other(description, data, size);
        return;
    }
    const struct asked *asked = number < http.asked_count ? &http.asked[number] : NULL;
    if (asked == NULL || !asked->began) {
        fuzz_fail("a client gets the answer of request %u, which gave none", number);
    }
    if (asked->length >= 0 ? size != (size_t)asked->length : !asked->finished || size != asked->written) {
        fuzz_fail("a client gets %zu bytes of the answer of request %u", size, number);
    }
    for (uint32_t i = 0; i < size; i++) {
        if (data[i] != http_byte(number, i)) {
            fuzz_fail("a client gets a wrong byte at %u of the answer of request %u", i, number);
        }
    }
}

static void look_at(struct bight_http_response *response)
{
    const char *url, *name, *value;
    int status;
    for (size_t i = 0; bight_http_response_hop(response, i, &url, &status); i++) {
        if (status < 300 || status > 399 || strncmp(url, "http://", 7) != 0) {
            fuzz_fail("a hop of %s has status %d", url, status);
        }
    }
    for (size_t cursor = 0; bight_http_response_next_field(response, &cursor, &name, &value);) {
        (void)strlen(value);
    }
    if (bight_http_response_url(response) == NULL) {
        fuzz_fail("a response has come from nowhere");
    }
    (void)bight_http_response_trailer(response, "X-Trailer");
}

/* item->is_outer: it was HEAD. */
static void on_response(struct bight_result *result, void *context)
{
    struct item *item = context;
    struct bight_http_response *response = bight_result_peek(result, &bight_type_http_response);
    finish_item(item, result);
    if (response != NULL) {
        struct description description;
        struct bight_bytes *body = bight_http_response_body(response);
        look_at(response);
        describe(response, &description);
        if (!item->is_outer) {
            check_content(&description, bight_bytes_data(body), bight_bytes_size(body));
        }
        if (kept == NULL && !world.is_ending) {
            kept = bight_http_response_hold(response);
        }
    }
    act_inside(item->id * 479u, NULL);
    if (item->id % 4 > 0) {
        bight_result_clear(result);
    }
}

static void on_head(struct bight_result *result, void *context)
{
    struct item *item = context;
    finish_item(item, result);
    if (bight_result_failure(result) == NULL && item->id % 5 > 0) {
        struct bight_http_response *response = bight_result_take(result, &bight_type_http_response);
        look_at(response);
        take_streamed(response, item->is_outer);
    } /* else it is cleared, which ends the call */
    act_inside(item->id * 487u, NULL);
    bight_result_clear(result);
}

/* ------------------------------------------------------------------------------------------- hooks */

/* Each step once and in order, on a turn of its own or while its client is freed. */
static void told(const struct bight_http_trace *trace, enum bight_http_step step, void *context)
{
    struct listener *listener = context;
    if (freeing == 0) {
        check_not_inside("a hook");
    }
    if (listener->is_over) {
        fuzz_fail("the hook of call %u is told step %d, and its client is gone", (unsigned)trace->call, (int)step);
    }
    if (trace->call >= CALLS) {
        return;
    }
    unsigned last_hop = listener->last[trace->call].hop;
    int last_step = listener->last[trace->call].step;
    if (trace->hop < last_hop || (trace->hop == last_hop && (int)step <= last_step)) {
        fuzz_fail("the hook of call %u is told step %d of hop %u behind step %d of hop %u", (unsigned)trace->call,
            (int)step, trace->hop, last_step, last_hop);
    }
    listener->last[trace->call].hop = trace->hop;
    listener->last[trace->call].step = (int)step;
    if (freeing == 0) {
        act_inside(trace->call * 491u + step, NULL);
    }
}

static bool may_connect(const struct bight_address *address, const char *host, void *context)
{
    (void)address;
    (void)host;
    (void)context;
    return draw_from(world.item_count * 499u) % 12 > 0;
}

/* ------------------------------------------------------------------------------------------- clients */

static const struct bight_http_call_options *draw_options(uint64_t drawn, struct bight_http_call_options *options)
{
    *options = (struct bight_http_call_options) { .size = sizeof *options,
        .connect_seconds = drawn % 4 == 0 ? 0.05 : 0,
        .first_byte_seconds = drawn / 4 % 4 == 0 ? 0.2 : 0,
        .between_seconds = drawn / 16 % 4 == 0 ? 0.1 : 0,
        .total_seconds = drawn / 64 % 4 == 0 ? 0.5 : 0,
        .max_body = drawn / 256 % 6 == 0 ? 1000 : 0,
        .max_redirects = drawn / 1536 % 3 == 0 ? 1 : 0,
        .repeat_body = drawn / 4608 % 2 == 0 ? BIGHT_HTTP_YES : BIGHT_HTTP_BY_DEFAULT,
        .repeat = drawn / 9216 % 4 == 0 ? BIGHT_HTTP_NO : BIGHT_HTTP_BY_DEFAULT,
        .fail_on_status = drawn / 36864 % 4 == 0 ? BIGHT_HTTP_YES : BIGHT_HTTP_BY_DEFAULT,
        .decompress = drawn / 147456 % 3 == 0 ? BIGHT_HTTP_NO : BIGHT_HTTP_BY_DEFAULT,
        .expect_from = drawn / 442368 % 3 == 0 ? 1 : 0,
        .continue_seconds = 0.1,
        .proxy = drawn / 1327104 % 10 == 0 ? "http://server:302" : NULL };
    return options;
}

static struct listener *new_listener(void)
{
    if (listener_count == LISTENERS) {
        return NULL;
    }
    struct listener *listener = &listeners[listener_count++];
    listener->is_over = false;
    for (unsigned i = 0; i < CALLS; i++) {
        listener->last[i].hop = 0;
        listener->last[i].step = -1;
    }
    return listener;
}

static void make_client(struct caller *caller, uint64_t drawn)
{
    struct bight_http_call_options calls;
    caller->listener = drawn / 960 % 2 == 0 ? new_listener() : NULL;
    const struct bight_http_client_hooks hooks = { .size = sizeof hooks,
        .step = told,
        .may_connect = drawn % 5 == 0 ? may_connect : NULL,
        .context = caller->listener };
    const struct bight_http_client_options options = { .size = sizeof options,
        .max_per_host = (unsigned)(drawn / 5 % 4),
        .max_connections = (unsigned)(drawn / 20 % 4),
        .idle_seconds = drawn / 80 % 2 == 0 ? 0.2 : 0,
        .max_fields = drawn / 160 % 8 == 0 ? 5 : 0,
        .calls = draw_options(draw_from(drawn), &calls),
        .cookies = drawn / 320 % 3 > 0 ? caller->jar : NULL,
        .hooks = caller->listener != NULL ? &hooks : NULL };
    caller->is_closing = false;
    caller->client = bight_http_client_new(world.reactors[CLIENT], &options);
}

static void free_client(struct caller *caller)
{
    struct bight_http_client *client = caller->client;
    struct listener *listener = caller->listener;
    caller->client = NULL;
    caller->listener = NULL;
    freeing++;
    bight_http_client_free(client);
    freeing--;
    if (listener != NULL) {
        listener->is_over = true;
    }
}

static void close_client(struct caller *caller)
{
    struct item *item = new_item("the end of a client", CLIENT);
    if (item != NULL) {
        caller->is_closing = true;
        watch_deferred(item, bight_http_client_close(caller->client));
    }
}

/* ------------------------------------------------------------------------------------------- calls */

/* Bytes that the handler can know, as another client's: the call is not redirected, but perhaps sent twice. */
static void add_known_body(struct bight_http_call *call, const struct caller *caller, struct fuzz_operation *operation)
{
    static const uint32_t sizes[] = { 0, 1, 100, 3000, 30000, MAX_BODY };
    static char bytes[MAX_BODY];
    char text[20];
    unsigned number = http.ask_count;
    if (number == ASKS) {
        return;
    }
    http.ask_count++;
    struct ask *ask = &http.asks[number];
    *ask = (struct ask) {
        .asker = CALLERS + (unsigned)(caller - callers), .size = sizes[fuzz_choose(operation, 6)], .may_repeat = true
    };
    (void)snprintf(text, sizeof text, "%u", number);
    (void)bight_http_call_set(call, "X-Ask", text);
    if (fuzz_choose(operation, 2) == 0) {
        add_upload(call, number, ask->size, fuzz_choose(operation, 2) == 0);
        return;
    }
    for (uint32_t i = 0; i < ask->size; i++) {
        bytes[i] = (char)body_byte(number, i);
    }
    (void)bight_http_call_body(call, bytes, ask->size, "x/body");
}

static void add_other_body(struct bight_http_call *call, struct fuzz_operation *operation)
{
    switch (fuzz_choose(operation, 6)) {
    case 0:
        (void)bight_http_call_body_text(call, "a text");
        break;
    case 1:
        (void)bight_http_call_form_field(call, "a", "b&c");
        (void)bight_http_call_form_field(call, "d", "");
        break;
    case 2:
        (void)bight_http_call_part_text(call, "a", "b");
        (void)bight_http_call_part_data(call, "f", "file", 4, "f.txt", NULL);
        break;
    case 3:
        (void)bight_http_call_body_file(call, "/nowhere/at/all", NULL);
        break;
    case 4: {
        struct bight_bytes *bytes = bight_bytes_new("bytes", 5);
        (void)bight_http_call_body_bytes(call, bytes, NULL);
        bight_bytes_release(bytes);
        break;
    }
    default:
        add_upload(call, ASKS, fuzz_choose(operation, 30000), fuzz_choose(operation, 2) == 0);
        break;
    }
}

static void add_fields(struct bight_http_call *call, struct fuzz_operation *operation)
{
    static const char *const ranges[] = { "bytes=0-9", "bytes=100-", "bytes=-20" };
    if (fuzz_choose(operation, 5) == 0) {
        (void)bight_http_call_set(call, "Range", ranges[fuzz_choose(operation, 3)]);
    }
    if (fuzz_choose(operation, 5) == 0) {
        (void)bight_http_call_basic_auth(call, "ann", "secret");
    }
    if (fuzz_choose(operation, 8) == 0) {
        (void)bight_http_call_endpoint(call, fuzz_choose(operation, 2) == 0 ? "tcp:server:302" : "tcp:server:309");
    }
}

static void fill(struct bight_http_call *call, const struct caller *caller, bool has_body, uint64_t drawn)
{
    struct fuzz_operation more = { .detail = (uint32_t)drawn };
    struct bight_http_call_options options;
    bool has_own = fuzz_choose(&more, 3) == 0, is_known = has_body && fuzz_choose(&more, 2) == 0;
    add_fields(call, &more);
    (void)draw_options(draw_from(drawn), &options);
    if (is_known) {
        options.follow_redirects = BIGHT_HTTP_NO;
        add_known_body(call, caller, &more);
    } else if (has_body) {
        add_other_body(call, &more);
    }
    if (has_own || is_known) {
        (void)bight_http_call_configure(call, &options);
    }
}

static void call_site(struct caller *caller, struct fuzz_operation *operation)
{
    static const char *const methods[] = { "GET", "POST", "HEAD", "POST", "GET", "PUT", "OPTIONS", "DELETE" };
    static const char *const urls[] = { "http://server:301/all/a/b", "http://server:302/all/?a=%20b",
        "http://server:303/all/files/small.s", "http://server:301/all/files/large.l", "http://server:302/coroutine",
        "http://server:303/all/c#d", "http://server:301/m/all/x", "http://server:302/nowhere",
        "http://server:309/nobody", "http://nowhere/", "mailto:ann@example.org" };
    unsigned method = fuzz_choose(operation, 8), url = fuzz_choose(operation, fuzz_choose(operation, 3) == 0 ? 11 : 6);
    bool streams = fuzz_choose(operation, 2) == 0;
    struct bight_http_call *call = bight_http_call_new(caller->client, methods[method], urls[url]);
    fill(call, caller, method % 2 == 1 && method < 6, draw_from(operation->position * 503u));
    struct item *item =
        fuzz_choose(operation, 20) == 0 ? NULL : new_item(streams ? "a streamed call" : "a call", CLIENT);
    if (item == NULL) {
        bight_http_call_free(call);
        return;
    }
    item->is_outer = method == 2;
    fuzz_tell(world.tape, "%s %u: %s %s", item->what, item->id, methods[method], urls[url]);
    watch_with(
        item, streams ? bight_http_call_stream(call) : bight_http_call_send(call), streams ? on_head : on_response);
    if (!item->has_run) {
        tie_somewhere(operation, item, false);
    }
}

/* ------------------------------------------------------------------------------------------- operations */

static void use_jar(struct bight_http_cookie_jar *jar, struct fuzz_operation *operation)
{
    const struct bight_http_kept_cookie *cookie;
    switch (fuzz_choose(operation, 8)) {
    case 0:
        bight_http_cookie_jar_clear(jar);
        break;
    case 1:
        bight_http_cookie_jar_end_session(jar);
        break;
    case 2:
        (void)bight_http_cookie_jar_find(jar, "http://server:301/all/a", "c");
        break;
    case 3:
        cookie = bight_http_cookie_jar_next(jar, NULL);
        if (cookie != NULL) {
            (void)bight_http_cookie_jar_remove(jar, cookie->domain, cookie->path, cookie->name);
        }
        break;
    default:
        (void)bight_http_cookie_jar_set(
            jar, "http://server:301/all", fuzz_choose(operation, 2) == 0 ? "c=d; Max-Age=1" : "e=f; Path=/all/files");
        break;
    }
}

static void use_client(struct caller *caller, struct fuzz_operation *operation)
{
    unsigned drawn = fuzz_choose(operation, 30);
    if (caller->client == NULL) {
        make_client(caller, draw_from(operation->position * 509u));
    } else if (drawn == 0 || (caller->is_closing && drawn < 10)) {
        free_client(caller);
    } else if (drawn == 1) {
        close_client(caller);
    } else {
        call_site(caller, operation);
    }
}

void act_call(struct fuzz_operation *operation, void *context)
{
    struct caller *caller = &callers[operation->subject % CLIENTS];
    unsigned drawn = fuzz_choose(operation, 16);
    (void)context;
    if (world.is_ending) {
        return;
    }
    if (drawn < 5) {
        use_streamed(operation);
    } else if (drawn < 8) {
        use_upload(operation);
    } else if (drawn == 8) {
        use_jar(caller->jar, operation);
    } else {
        use_client(caller, operation);
    }
}

/* ------------------------------------------------------------------------------------------- the part */

static void begin(void)
{
    memset(callers, 0, sizeof callers);
    freeing = listener_count = 0;
    kept = NULL;
    begin_streamed();
    begin_uploads();
    for (unsigned i = 0; i < CLIENTS; i++) {
        callers[i].jar = bight_http_cookie_jar_new(world.reactors[CLIENT], NULL);
    }
}

static void check(void)
{
}

/* Some clients go before what is streamed, some behind. */
static void end(void)
{
    free_client(&callers[0]);
    end_streamed();
    for (unsigned i = 0; i < CLIENTS; i++) {
        free_client(&callers[i]);
        bight_http_cookie_jar_release(callers[i].jar);
        callers[i].jar = NULL;
    }
}

static void finish(void)
{
    bight_http_response_release(kept);
    check_uploads();
}

const struct part http_call_part = { begin, check, end, finish };
