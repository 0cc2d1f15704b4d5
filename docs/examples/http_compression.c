/* SPDX-License-Identifier: MIT */
/* http_compression.c - a site whose answers are compressed: a report, a log, a file, and a form that is left
 * alone; and that takes compressed bodies.
 *
 *     http_compression ENDPOINT FILE */
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <stdio.h>
#include <string.h>

static const char *file;

/* Sent whole: its type and its size decide. */
static void report(struct bight_http_request *request, void *context)
{
    char text[20000];
    size_t size = 0;
    (void)context;
    for (int hour = 0; hour < 500; hour++) {
        size += (size_t)snprintf(text + size, sizeof text - size, "%d:00,cellar,%d.5\n", hour, 10 + hour % 3);
    }
    bight_http_respond_set(request, "ETag", "\"500\"");
    bight_http_respond(request, 200, "text/csv", text, size);
}

/* What has been written can be read at once. */
static void show_log(struct bight_http_request *request, void *context)
{
    (void)context;
    bight_http_respond_begin(request, 200, "text/plain; charset=utf-8", -1);
    for (int line = 1; line <= 3; line++) {
        bight_http_respond_writef(request, "line %d\n", line);
    }
    bight_http_respond_finish(request);
}

static void send_file(struct bight_http_request *request, void *context)
{
    (void)context;
    bight_http_respond_file(request, file);
}

/* A token that others must not learn, beside what the client has sent: its size must not tell how alike they are. */
static void show_form(struct bight_http_request *request, void *context)
{
    char page[4000];
    const char *name = bight_http_request_query(request, "name");
    (void)context;
    snprintf(page, sizeof page, "name=%.100s\ntoken=5f1c0b7e\n%2000s\n", name != NULL ? name : "", "");
    bight_http_respond_no_compression(request);
    bight_http_respond_text(request, 200, page);
}

/* A coroutine. The body may come in gzip: what is read, and limited, is what it stands for. */
static void count_lines(struct bight_http_request *request, struct bight_result *result, void *context)
{
    unsigned long lines = 0;
    char said[32];
    (void)context;
    bight_http_request_decode(request);
    if (bight_await(bight_http_request_collect(request, 1 << 24), result) != 0) {
        return; /* a failure has its status: 413, 415, 400 */
    }
    const uint8_t *text = bight_bytes_data(result->value), *end = text + bight_bytes_size(result->value);
    for (; text < end && (text = memchr(text, '\n', (size_t)(end - text))) != NULL; text++) {
        lines++;
    }
    snprintf(said, sizeof said, "%lu lines\n", lines);
    bight_http_respond_text(request, 200, said);
}

int main(int argc, char **argv)
{
    static const char *const types[] = { "text/*", "application/json", "application/vnd.ours", NULL };
    struct bight_http_compression_options options = { .size = sizeof options, .level = 5, .types = types };
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_http_site *site = bight_http_site_new();
    file = argc > 2 ? argv[2] : "/etc/services";
    bight_http_use_compression(site, &options);
    bight_http_route(site, "GET /report", report, NULL);
    bight_http_route(site, "GET /log", show_log, NULL);
    bight_http_route(site, "GET /file", send_file, NULL);
    bight_http_route(site, "GET /form", show_form, NULL);
    bight_http_route_coroutine(site, "POST /lines", count_lines, NULL);
    bight_serve(reactor, argc > 1 ? argv[1] : "tcp:8888", bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_http_site_free(site);
    bight_reactor_free(reactor);
    return status;
}
