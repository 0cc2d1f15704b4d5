/* SPDX-License-Identifier: MIT */
/* compression_support.h - a site whose answers are compressed, and a text for them. */
#ifndef BIGHT_TEST_HTTP_COMPRESSION_SUPPORT_H
#define BIGHT_TEST_HTTP_COMPRESSION_SUPPORT_H

#include "gzip_support.h"

#define ASK(method, target, more) method " " target " HTTP/1.1\r\nHost: x\r\n" more "\r\n"
#define GZIP "Accept-Encoding: gzip, deflate, br\r\n"

static char text[300000]; /* English enough */
static size_t size;
static const char *type, *field[2];
static int status, code;

static inline void fill(void)
{
    static const char *const words[] = { "bight ", "is ", "a ", "loop ", "in ", "a ", "twisted ", "rope " };
    uint32_t number = 1;
    memset(text, '\0', sizeof text);
    for (size_t at = 0; at + 32 < sizeof text;) {
        number = number * 1664525 + 1013904223;
        at += (size_t)snprintf(text + at, 32, "%s%x ", words[number >> 29], number);
    }
}

static inline void set_field(struct bight_http_request *request)
{
    if (field[0] != NULL) {
        ck_assert_int_eq(bight_http_respond_set(request, field[0], field[1]), 0);
    }
}

static inline void respond(struct bight_http_request *request, void *context)
{
    (void)context;
    set_field(request);
    code = bight_http_respond(request, status, type, text, size);
}

static inline void respond_bytes(struct bight_http_request *request, void *context)
{
    struct bight_bytes *bytes = bight_bytes_new(text, size);
    (void)context;
    set_field(request);
    code = bight_http_respond_bytes(request, status, type, bytes);
    bight_bytes_release(bytes);
}

static inline void respond_secretly(struct bight_http_request *request, void *context)
{
    bight_http_respond_no_compression(request);
    respond(request, context);
}

static struct bight_http_request *streaming;

static inline void stream(struct bight_http_request *request, void *context)
{
    (void)context;
    set_field(request);
    code = bight_http_respond_begin(request, status, type, -1);
    streaming = bight_http_request_hold(request);
}

static inline void begin_with(const struct bight_http_compression_options *options)
{
    fill();
    size = 5000;
    type = "text/plain; charset=utf-8";
    field[0] = NULL;
    status = 200;
    code = -1;
    streaming = NULL;
    begin_site(NULL);
    hold_jobs();
    ck_assert_int_eq(bight_http_use_compression(site, options), 0);
    add_route("/", respond);
    add_route("/bytes", respond_bytes);
    add_route("/secret", respond_secretly);
    add_route("/stream", stream);
    connect_peer();
}

static inline void begin(void)
{
    begin_with(NULL);
}

static inline struct answer ask(const char *request)
{
    say(request);
    (void)work();
    return take_parts();
}

static inline bool is_packed_for(const char *request)
{
    struct answer answer = ask(request);
    bool packed = is_packed(&answer);
    free_answer(&answer);
    return packed;
}

#endif
