/* SPDX-License-Identifier: MIT */
/* http_send.c - sends a file in a form, and then lines that are made while they are sent. */
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <stdio.h>

/* ------------------------------------------------------------------------------------------- a form */

static struct bight_deferred *send_form(struct bight_http_client *client, const char *url, const char *path)
{
    struct bight_http_call *call = bight_http_call_new(client, "POST", url);
    bight_http_call_part_text(call, "name", "Ann");
    bight_http_call_part_file(call, "photo", path, NULL, "image/jpeg");
    return bight_http_call_send(call);
}

/* ------------------------------------------------------------------------------------------- lines */

struct lines {
    struct bight_http_upload *upload;
    int next;
};

/* Whenever there is room for more. */
static void make_line(void *context)
{
    struct lines *lines = context;
    char line[32];
    int size = snprintf(line, sizeof line, "line %d\n", lines->next++);
    bight_http_upload_write(lines->upload, line, (size_t)size);
    if (lines->next == 1000) {
        bight_http_upload_finish(lines->upload);
    }
}

static void begin_lines(struct bight_http_upload *upload, void *context)
{
    static const struct bight_producer_ops made = { .resume = make_line };
    struct lines *lines = context;
    lines->upload = upload;
    lines->next = 0;
    bight_http_upload_register_producer(upload, &made, lines, false);
}

static const struct bight_http_body_source lines_source = { .size = sizeof lines_source, .begin = begin_lines };

static struct bight_deferred *send_lines(struct bight_http_client *client, const char *url, struct lines *lines)
{
    struct bight_http_call *call = bight_http_call_new(client, "PUT", url);
    bight_http_call_body_source(call, -1, "text/plain", &lines_source, lines);
    return bight_http_call_send(call);
}

/* ------------------------------------------------------------------------------------------- both */

static void show(struct bight_result *result)
{
    struct bight_http_response *response = bight_result_peek(result, &bight_type_http_response);
    printf(
        "%d, %zu bytes\n", bight_http_response_status(response), bight_bytes_size(bight_http_response_body(response)));
    bight_result_clear(result);
}

static void upload(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "http://127.0.0.1:8888/", *path = argc > 2 ? argv[2] : argv[0];
    struct lines lines;
    struct bight_http_client *client = bight_http_client_new(reactor, NULL);
    if (bight_await(send_form(client, url, path), result) == 0) {
        show(result);
        if (bight_await(send_lines(client, url, &lines), result) == 0) {
            show(result);
        }
    }
    bight_http_client_free(client);
}

int main(int argc, char **argv)
{
    return bight_main_coroutine(upload, argc, argv);
}
