/* SPDX-License-Identifier: MIT */
/* http_peer.c - a site for tests with clients that are not bight's.
 *
 * Usage: http_peer ENDPOINT [PAGE [DIRECTORY]]
 *
 *     GET /                 "Hello"
 *     POST /echo            the body, as it came, with its type; collected first
 *     POST /mirror          the same, piece by piece, while it comes
 *     POST /count           how many bytes it had
 *     PUT /save/{name}      saved to a file in the directory; says how many bytes
 *     GET /save/{name}      the file
 *     GET /stream/{count}   so many lines, of no length that is known before
 *     GET /later            an answer from a Deferred, one turn later
 *     GET /await            an answer from a coroutine
 *     GET /fail             403 from a failure
 *     GET /field/{name}     the value of the request's field
 *     POST /trailer/{name}  the value of the trailers' field
 *     GET /endless          bytes for as long as somebody takes them
 *     GET /left             how many have left that one
 *     GET /page             the file PAGE, as HTML
 *     GET /held             nothing, once somebody asks for
 *     POST /release         nothing
 *     GET /events           a stream: first an event `last`, whose data is what the client says it got last
 *     POST /say?id=&type=   the body, as an event to all streams
 *     POST /close           ends all streams
 *     GET /listeners        how many there are, and how many have gone by themselves: "1 0" */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bight/bight.h>
#include <bight/protocols/http.h>

static void say_hello(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 200, "Hello");
}

/* ------------------------------------------------------------------------------------------ collected */

static void give_back(struct bight_result *result, void *context)
{
    struct bight_http_request *request = context;
    if (bight_result_failure(result) != NULL) {
        (void)bight_http_respond_failure(request, bight_result_take_failure(result));
        return;
    }
    (void)bight_http_respond_bytes(request, 200, bight_http_request_field(request, "content-type"), result->value);
}

static void echo(struct bight_http_request *request, void *context)
{
    (void)context;
    struct bight_deferred *collecting = bight_http_request_collect(request, 64 << 20);
    (void)bight_deferred_add_both(collecting, give_back, request);
    bight_deferred_release(collecting);
}

/* --------------------------------------------------------------------------------------- piece by piece */

static bool mirror_piece(struct bight_http_request *request, const uint8_t *data, size_t size, void *context)
{
    (void)context;
    (void)bight_http_respond_write(request, data, size);
    return true;
}

static void end_mirror(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_finish(request);
}

static const struct bight_http_consumer mirror_consumer = {
    .size = sizeof mirror_consumer,
    .data = mirror_piece,
    .end = end_mirror,
};

static void mirror(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_begin(request, 200, bight_http_request_field(request, "content-type"), -1);
    (void)bight_http_request_consume(request, UINT64_MAX, &mirror_consumer, NULL);
}

/* -------------------------------------------------------------------------------------------- counted */

static bool count_piece(struct bight_http_request *request, const uint8_t *data, size_t size, void *context)
{
    uint64_t *count = bight_http_request_attached(request, &bight_type_text);
    (void)data;
    (void)context;
    *count += size;
    return true;
}

static void tell_count(struct bight_http_request *request, void *context)
{
    char text[32];
    (void)context;
    (void)snprintf(text, sizeof text, "%llu",
        (unsigned long long)*(uint64_t *)bight_http_request_attached(request, &bight_type_text));
    (void)bight_http_respond_text(request, 200, text);
}

static const struct bight_http_consumer count_consumer = {
    .size = sizeof count_consumer,
    .data = count_piece,
    .end = tell_count,
};

static void count(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_request_attach(request, &bight_type_text, bight_calloc(1, sizeof(uint64_t)));
    (void)bight_http_request_consume(request, UINT64_MAX, &count_consumer, NULL);
}

/* ----------------------------------------------------------------------------------------------- saved */

static void tell_size(struct bight_result *result, void *context)
{
    char text[32];
    (void)context;
    (void)snprintf(text, sizeof text, "%lld", (long long)bight_integer_value(result->value));
    bight_result_set(result, &bight_type_text, bight_strdup(text));
}

static void save(struct bight_http_request *request, void *context)
{
    char path[4096];
    struct bight_http_save_options options = { .size = sizeof options, .limit = UINT64_MAX, .mode = 0640 };
    (void)snprintf(path, sizeof path, "%s/%s", (const char *)context, bight_http_request_parameter(request, "name"));
    struct bight_deferred *saving = bight_http_request_save(request, path, &options);
    (void)bight_deferred_add_callback(saving, tell_size, NULL);
    (void)bight_http_respond_later(request, saving);
}

static void send_saved(struct bight_http_request *request, void *context)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", (const char *)context, bight_http_request_parameter(request, "name"));
    (void)bight_http_respond_file(request, path);
}

/* ----------------------------------------------------------------------------------------------- others */

static void stream(struct bight_http_request *request, void *context)
{
    int lines = atoi(bight_http_request_parameter(request, "count"));
    (void)context;
    (void)bight_http_respond_begin(request, 200, "text/plain", -1);
    for (int i = 0; i < lines; i++) {
        (void)bight_http_respond_writef(request, "line %d\n", i);
    }
    (void)bight_http_respond_finish(request);
}

static struct bight_deferred *a_turn(struct bight_http_request *request)
{
    return bight_sleep(bight_reactor_clock(bight_http_request_reactor(request)), 0.01);
}

static void set_text(struct bight_result *result, void *context)
{
    bight_result_set(result, &bight_type_text, bight_strdup(context));
}

static void later(struct bight_http_request *request, void *context)
{
    static char text[] = "later";
    struct bight_deferred *waiting = a_turn(request);
    (void)context;
    (void)bight_deferred_add_callback(waiting, set_text, text);
    (void)bight_http_respond_later(request, waiting);
}

static void await(struct bight_http_request *request, struct bight_result *result, void *context)
{
    (void)context;
    if (bight_await(a_turn(request), result) == 0) {
        (void)bight_http_respond_text(request, 200, "awaited");
    }
}

static void fail(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_failure(request, bight_http_failure(403, "not for you"));
}

static void tell_field(struct bight_http_request *request, void *context)
{
    const char *value = bight_http_request_field(request, bight_http_request_parameter(request, "name"));
    (void)context;
    (void)bight_http_respond_text(request, value != NULL ? 200 : 404, value != NULL ? value : "there is none");
}

static void tell_trailer(struct bight_http_request *request, void *context)
{
    const char *value = bight_http_request_trailer(request, bight_http_request_parameter(request, "name"));
    (void)context;
    (void)bight_http_respond_text(request, value != NULL ? 200 : 404, value != NULL ? value : "there is none");
}

static const struct bight_http_consumer trailer_consumer = {
    .size = sizeof trailer_consumer,
    .end = tell_trailer,
};

static void wait_for_trailer(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_request_consume(request, UINT64_MAX, &trailer_consumer, NULL);
}

/* --------------------------------------------------------------------------------------------- endless */

static int left; /* of those who were sent what does not end */

static void send_more(void *context)
{
    static const char piece[16384];
    (void)bight_http_respond_write(context, piece, sizeof piece);
}

static void stop_sending(void *context)
{
    left++;
    bight_http_request_release(context);
}

static const struct bight_producer_ops endless_ops = { .resume = send_more, .stop = stop_sending };

static void endless(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_request_hold(request);
    (void)bight_http_respond_begin(request, 200, "application/octet-stream", -1);
    (void)bight_http_respond_register_producer(request, &endless_ops, request, false);
}

static void tell_left(struct bight_http_request *request, void *context)
{
    char text[16];
    (void)context;
    (void)snprintf(text, sizeof text, "%d", left);
    (void)bight_http_respond_text(request, 200, text);
}

/* ------------------------------------------------------------------------------------------------ page */

static void show_page(struct bight_http_request *request, void *context)
{
    char page[16384];
    FILE *file = fopen(context, "rb");
    if (file == NULL) {
        (void)bight_http_respond_error(request, 404, NULL);
        return;
    }
    size_t size = fread(page, 1, sizeof page, file);
    (void)fclose(file);
    (void)bight_http_respond(request, 200, "text/html; charset=utf-8", page, size);
}

/* ------------------------------------------------------------------------------------------------ held */

static struct bight_http_request *held;

static void hold(struct bight_http_request *request, void *context)
{
    (void)context;
    held = bight_http_request_hold(request);
}

static void release_held(struct bight_http_request *request, void *context)
{
    (void)context;
    if (held == NULL) {
        (void)bight_http_respond_error(request, 409, NULL);
        return;
    }
    (void)bight_http_respond_empty(held, 204);
    bight_http_request_release(held);
    held = NULL;
    (void)bight_http_respond_empty(request, 204);
}

/* ---------------------------------------------------------------------------------------------- events */

static struct bight_http_event_channel *channel;
static unsigned gone;

static void has_gone(struct bight_http_event_stream *stream, void *context)
{
    (void)stream;
    (void)context;
    gone++;
}

static void listen_to_all(struct bight_http_request *request, void *context)
{
    static const struct bight_http_event_options options = {
        .size = sizeof options, .heartbeat = 0.5, .retry = 50, .gone = has_gone
    };
    const char *last = bight_http_request_last_event_id(request);
    struct bight_http_event_stream *stream = bight_http_respond_events(request, &options);
    (void)context;
    (void)bight_http_event_stream_send_text(stream, "last", last != NULL ? last : "none");
    (void)bight_http_event_channel_add(channel, stream);
}

static void publish(struct bight_result *result, void *context)
{
    struct bight_http_request *request = context;
    struct bight_bytes *body = bight_result_take(result, &bight_type_bytes);
    if (body == NULL) {
        return;
    }
    struct bight_http_event *event = bight_http_event_new(bight_http_request_query(request, "id"),
        bight_http_request_query(request, "type"), bight_bytes_data(body), bight_bytes_size(body));
    (void)bight_http_event_channel_send(channel, event);
    (void)bight_http_respond_empty(request, event != NULL ? 204 : 400);
    bight_http_event_release(event);
    bight_bytes_release(body);
}

static void say(struct bight_http_request *request, void *context)
{
    struct bight_deferred *collecting = bight_http_request_collect(request, 1 << 20);
    (void)context;
    (void)bight_deferred_add_callback(collecting, publish, request);
    bight_deferred_release(collecting);
}

static void close_all(struct bight_http_request *request, void *context)
{
    (void)context;
    bight_http_event_channel_close(channel);
    (void)bight_http_respond_empty(request, 204);
}

static void tell_listeners(struct bight_http_request *request, void *context)
{
    char text[64];
    (void)context;
    (void)snprintf(text, sizeof text, "%zu %u", bight_http_event_channel_size(channel), gone);
    (void)bight_http_respond_text(request, 200, text);
}

static void add_events(struct bight_http_site *site)
{
    channel = bight_http_event_channel_new();
    (void)bight_http_route(site, "GET /events", listen_to_all, NULL);
    (void)bight_http_route(site, "POST /say", say, NULL);
    (void)bight_http_route(site, "POST /close", close_all, NULL);
    (void)bight_http_route(site, "GET /listeners", tell_listeners, NULL);
}

int main(int argc, char **argv)
{
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_http_site *site = bight_http_site_new();
    (void)bight_http_route(site, "GET /", say_hello, NULL);
    (void)bight_http_route(site, "POST /echo", echo, NULL);
    (void)bight_http_route(site, "POST /mirror", mirror, NULL);
    (void)bight_http_route(site, "POST /count", count, NULL);
    char *directory = argc > 3 ? argv[3] : (char *)(uintptr_t) ".";
    (void)bight_http_route(site, "PUT /save/{name}", save, directory);
    (void)bight_http_route(site, "GET /save/{name}", send_saved, directory);
    (void)bight_http_route(site, "GET /stream/{count}", stream, NULL);
    (void)bight_http_route(site, "GET /later", later, NULL);
    (void)bight_http_route_coroutine(site, "GET /await", await, NULL);
    (void)bight_http_route(site, "GET /fail", fail, NULL);
    (void)bight_http_route(site, "GET /field/{name}", tell_field, NULL);
    (void)bight_http_route(site, "POST /trailer/{name}", wait_for_trailer, NULL);
    (void)bight_http_route(site, "GET /endless", endless, NULL);
    (void)bight_http_route(site, "GET /left", tell_left, NULL);
    (void)bight_http_route(site, "GET /held", hold, NULL);
    (void)bight_http_route(site, "POST /release", release_held, NULL);
    add_events(site);
    if (argc > 2) {
        (void)bight_http_route(site, "GET /page", show_page, argv[2]);
    }
    bight_serve(reactor, argc > 1 ? argv[1] : "tcp:0:interface=127.0.0.1", bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_http_event_channel_free(channel);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    return status;
}
