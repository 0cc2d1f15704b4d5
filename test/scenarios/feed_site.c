/* SPDX-License-Identifier: MIT */
/* feed_site.c - the scenario feed: a site that publishes numbered events, keeps the last of them for who comes back,
 * and takes uploads as forms, part by part, now and then with a pause. */
#include "feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------------- events */

size_t event_text(uint32_t number, char text[MAX_EVENT])
{
    size_t size = number * 2654435761u % MAX_EVENT;
    for (size_t i = 0; i < size; i++) {
        text[i] = (char)('a' + stream_byte(number, i) % 26);
    }
    return size;
}

uint32_t first_kept(const struct feed_world *world)
{
    return world->published > KEPT ? world->published - KEPT + 1 : 1;
}

static struct bight_http_event *make_event(uint32_t number)
{
    char id[20], text[MAX_EVENT];
    size_t size = event_text(number, text);
    (void)snprintf(id, sizeof id, "%lu", (unsigned long)number);
    return bight_http_event_new(id, NULL, text, size);
}

static void publish(void *context)
{
    struct feed_world *world = context;
    struct bight_http_event *event = make_event(++world->published);
    (void)bight_http_event_channel_send(world->channel, event);
    bight_http_event_release(event);
    if (world->published < world->planned) {
        double wait = draw(&world->audit, 30) ? 0 : draw_seconds(&world->audit, 1);
        (void)bight_call_later(world->server, wait, publish, world, NULL);
    }
}

/* What it has not got, as far as that is kept. */
static void catch_up(struct feed_world *world, struct bight_http_event_stream *stream, uint32_t last)
{
    uint32_t next = last + 1;
    if (next < first_kept(world)) {
        (void)bight_http_event_stream_send_text(stream, "lost", "some");
        next = first_kept(world);
    }
    for (; next <= world->published; next++) {
        struct bight_http_event *event = make_event(next);
        (void)bight_http_event_stream_send(stream, event);
        bight_http_event_release(event);
    }
}

static void listen_to_feed(struct bight_http_request *request, void *context)
{
    struct feed_world *world = context;
    const struct bight_http_event_options options = { .size = sizeof options, .heartbeat = 1 };
    const char *last = bight_http_request_last_event_id(request);
    layers_in_handler(&world->audit, bight_http_request_transport(request));
    struct bight_http_event_stream *stream = bight_http_respond_events(request, &options);
    catch_up(world, stream, last != NULL ? (uint32_t)strtoul(last, NULL, 10) : 0);
    (void)bight_http_event_channel_add(world->channel, stream);
}

/* --------------------------------------------------------------------------------------------- uploads */

struct task {
    struct feed_world *world;
    struct bight_http_request *request;
    uint32_t number;
    size_t got;
    bool is_file;
    struct bight_timer timer;
};

static void end_task(void *value)
{
    struct task *task = value;
    (void)bight_timer_cancel(task->timer);
    bight_free(task);
}

static const struct bight_type task_type = { .name = "task", .destroy = end_task };

static bool part_begins(struct bight_http_request *request, const struct bight_http_part *part, void *context)
{
    struct task *task = context;
    const char *name = bight_http_part_name(part);
    (void)request;
    task->is_file = name != NULL && strcmp(name, "file") == 0;
    if (task->is_file != (bight_http_part_label(part) != NULL)) {
        audit_wrong("a part that is a file, and is none");
    }
    return task->is_file;
}

static void go_on(void *context)
{
    bight_http_request_resume(((struct task *)context)->request);
}

static bool part_data(struct bight_http_request *request, const uint8_t *data, size_t size, void *context)
{
    struct task *task = context;
    const struct upload *upload = &task->world->uploads[task->number];
    (void)request;
    if (task->got + size > upload->size || bight_timer_is_pending(task->timer)) {
        audit_wrong("%zu bytes of a file of %zu, and more", task->got, upload->size);
        return true;
    }
    stream_check(UPLOAD_KEY + task->number, task->got, data, size);
    task->got += size;
    if (draw(&task->world->audit, 10)) {
        (void)bight_call_later(task->world->server, draw_seconds(&task->world->audit, 0.3), go_on, task, &task->timer);
        return !bight_timer_is_pending(task->timer);
    }
    return true;
}

static void part_ends(struct bight_http_request *request, void *context)
{
    const struct task *task = context;
    (void)request;
    if (task->is_file && task->got != task->world->uploads[task->number].size) {
        audit_wrong("a file of %zu bytes ends after %zu", task->world->uploads[task->number].size, task->got);
    }
}

static void form_ends(struct bight_http_request *request, void *context)
{
    const struct task *task = context;
    struct upload *upload = &task->world->uploads[task->number];
    if (upload->has_ended || upload->has_failed || !upload->is_sent || task->got != upload->size) {
        audit_wrong(
            "upload %lu ends, of which %zu of %zu bytes came", (unsigned long)task->number, task->got, upload->size);
    }
    upload->has_ended = true;
    (void)bight_http_respond_text(request, 200, "taken");
}

static void form_fails(struct bight_http_request *request, const struct bight_failure *failure, void *context)
{
    struct upload *upload = &((struct task *)context)->world->uploads[((struct task *)context)->number];
    (void)request;
    if (upload->has_ended || upload->has_failed || bight_failure_code(failure) == BIGHT_E_SYNTAX) {
        audit_wrong("an upload fails with %s", bight_error_name(bight_failure_code(failure)));
    }
    upload->has_failed = true;
}

static void take_upload(struct bight_http_request *request, void *context)
{
    static const struct bight_http_form_consumer consumer = { sizeof consumer, part_begins, part_data, part_ends,
        form_ends, form_fails };
    struct feed_world *world = context;
    struct task *task = bight_calloc(1, sizeof *task);
    *task = (struct task) { .world = world,
        .request = request,
        .number = (uint32_t)strtoul(bight_http_request_parameter(request, "number"), NULL, 10) };
    world->uploads[task->number].was_handled = true;
    (void)bight_http_request_attach(request, &task_type, task);
    if (bight_http_request_multipart(request, &consumer, task) != BIGHT_OK) {
        audit_wrong("a form cannot be read");
    }
}

void make_feed(struct feed_world *world)
{
    world->site = bight_http_site_new();
    world->channel = bight_http_event_channel_new();
    (void)bight_http_route(world->site, "GET /feed", listen_to_feed, world);
    (void)bight_http_route(world->site, "POST /upload/{number}", take_upload, world);
    (void)bight_call_later(world->server, draw_seconds(&world->audit, 1), publish, world, NULL);
}
