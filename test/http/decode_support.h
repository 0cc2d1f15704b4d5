/* SPDX-License-Identifier: MIT */
/* decode_support.h - bodies in gzip, the ways to send them, and handlers that read them decoded, in whatever way. */
#ifndef BIGHT_TEST_HTTP_DECODE_SUPPORT_H
#define BIGHT_TEST_HTTP_DECODE_SUPPORT_H

#include "form_support.h"
#include "gzip_support.h"

#define BEHIND "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define LARGE (4u << 20)

enum framing { LENGTH, CHUNKED };

static uint8_t body[1 << 20]; /* coded */
static size_t body_size;
static uint64_t limit;
static size_t wanted, received, pieces, stops_at, in_turn, most_in_turn;
static char text[1 << 16]; /* the first of what was received */
static int failed;
static int64_t announced;
static bool ticks, aborts;
static struct bight_http_request *kept;
static struct bight_http_form_options form_options;

/* ---------------------------------------------------------------------------------------------- bodies */

static inline void pack(const void *data, size_t size)
{
    struct bi_deflater *deflater = bi_deflater_new(9);
    struct bi_view rest = { data, size };
    bool done;
    ck_assert_ptr_nonnull(deflater);
    bi_deflater_begin(deflater);
    body_size += bi_deflater_write(deflater, &rest, BI_DEFLATE_END, body + body_size, sizeof body - body_size, &done);
    ck_assert(done);
    bi_deflater_free(deflater);
}

static inline void pack_text(const char *data)
{
    body_size = 0;
    pack(data, strlen(data));
}

/* Of so many zeros, a thousandth of them. */
static inline void pack_zeros(size_t size)
{
    void *zeros = calloc(1, size);
    body_size = 0;
    pack(zeros, size);
    free(zeros);
}

/* Text that shrinks to about half. */
static inline char *pack_lines(size_t count)
{
    char *lines = malloc(count * 16 + 1);
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += (size_t)sprintf(lines + size, "%zu %zx\n", i, i * 2654435761u % 65536);
    }
    body_size = 0;
    pack(lines, size);
    return lines;
}

static inline void feed_chunks(size_t piece)
{
    for (size_t at = 0; at < body_size; at += piece) {
        char line[32];
        size_t size = body_size - at < piece ? body_size - at : piece;
        (void)snprintf(line, sizeof line, "%zx\r\n", size);
        say(line);
        (void)bight_string_feed(peer, body + at, size);
        say("\r\n");
    }
    say("0\r\n\r\n");
}

/* Sends the body in pieces. */
static inline void send_coded(const char *target, enum framing framing, const char *fields, size_t piece)
{
    char head[512], length[64] = "Transfer-Encoding: chunked";
    if (framing == LENGTH) {
        (void)snprintf(length, sizeof length, "Content-Length: %zu", body_size);
    }
    (void)snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: x\r\n%s%s\r\n\r\n", target, fields, length);
    say(head);
    if (framing == CHUNKED) {
        feed_chunks(piece);
    }
    for (size_t at = 0; framing == LENGTH && at < body_size; at += piece) {
        (void)bight_string_feed(peer, body + at, body_size - at < piece ? body_size - at : piece);
    }
}

#define GZIP "Content-Encoding: gzip\r\n"

static const char *post(const char *target)
{
    send_coded(target, LENGTH, GZIP, SIZE_MAX / 2);
    settle();
    return take_answer();
}

/* -------------------------------------------------------------------------------------------- handlers */

static inline void take(const void *data, size_t size)
{
    if (received < sizeof text) {
        memcpy(text + received, data, size < sizeof text - received ? size : sizeof text - received);
    }
    received += size;
    in_turn += size;
    pieces++;
}

static inline bool fails(struct bight_http_request *request, struct bight_result *result)
{
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure == NULL) {
        return false;
    }
    failed = bight_failure_code(failure);
    (void)bight_http_respond_failure(request, failure);
    return true;
}

static inline void answer(struct bight_http_request *request)
{
    char said[64];
    (void)snprintf(said, sizeof said, "%zu", received);
    (void)bight_http_respond_text(request, 200, said);
}

static inline void has_collected(struct bight_result *result, void *context)
{
    if (!fails(context, result)) {
        take(bight_bytes_data(result->value), bight_bytes_size(result->value));
        answer(context);
    }
    bight_result_discard(result);
}

static inline void collect(struct bight_http_request *request, void *context)
{
    struct bight_deferred *deferred = bight_http_request_collect(request, (size_t)limit);
    (void)context;
    (void)bight_deferred_add_both(deferred, has_collected, request);
    bight_deferred_release(deferred);
}

static inline void collect_decoded(struct bight_http_request *request, void *context)
{
    bight_http_request_decode(request);
    announced = bight_http_request_content_length(request);
    collect(request, context);
}

static inline void read_on(struct bight_http_request *request);

static inline void has_read(struct bight_result *result, void *context)
{
    if (!fails(context, result)) {
        size_t size = bight_bytes_size(result->value);
        ck_assert_uint_le(size, wanted);
        if (size == 0) {
            answer(context);
        } else {
            take(bight_bytes_data(result->value), size);
            read_on(context);
        }
    }
    bight_result_discard(result);
}

static inline void read_on(struct bight_http_request *request)
{
    struct bight_deferred *deferred = bight_http_request_read(request, wanted);
    (void)bight_deferred_add_both(deferred, has_read, request);
    bight_deferred_release(deferred);
}

static inline void read_decoded(struct bight_http_request *request, void *context)
{
    (void)context;
    bight_http_request_decode(request);
    read_on(request);
}

static inline bool consume_data(struct bight_http_request *request, const uint8_t *data, size_t size, void *context)
{
    (void)context;
    ck_assert_uint_gt(size, 0);
    take(data, size);
    kept = request;
    if (aborts) {
        bight_http_respond_abort(request);
    }
    return received < stops_at;
}

static inline void consume_end(struct bight_http_request *request, void *context)
{
    (void)context;
    ticks = false;
    kept = NULL;
    answer(request);
}

static inline void consume_failure(
    struct bight_http_request *request, const struct bight_failure *failure, void *context)
{
    (void)request;
    (void)context;
    ticks = false;
    kept = NULL;
    failed = bight_failure_code(failure);
}

static inline void consume(struct bight_http_request *request, void *context)
{
    static const struct bight_http_consumer consumer = {
        .size = sizeof consumer, .data = consume_data, .end = consume_end, .failed = consume_failure
    };
    (void)context;
    bight_http_request_decode(request);
    ck_assert_int_eq(bight_http_request_consume(request, limit, &consumer, NULL), 0);
}

static inline void has_saved(struct bight_result *result, void *context)
{
    if (!fails(context, result)) {
        received = (size_t)bight_integer_value(result->value);
        answer(context);
    }
    bight_result_discard(result);
}

static inline void save(struct bight_http_request *request, void *context)
{
    (void)context;
    bight_http_request_decode(request);
    struct bight_deferred *deferred = bight_http_request_save(request, in_directory("file"), NULL);
    (void)bight_deferred_add_both(deferred, has_saved, request);
    bight_deferred_release(deferred);
}

static inline void has_form(struct bight_result *result, void *context)
{
    if (!fails(context, result)) {
        const struct bight_http_form *form = result->value;
        const char *value = bight_http_form_value(form, "name");
        take(value, strlen(value));
        answer(context);
    }
    bight_result_discard(result);
}

static inline void read_form(struct bight_http_request *request, void *context)
{
    (void)context;
    bight_http_request_decode(request);
    struct bight_deferred *deferred = bight_http_request_form(request, &form_options);
    (void)bight_deferred_add_both(deferred, has_form, request);
    bight_deferred_release(deferred);
}

static const struct bight_http_form_consumer form_consumer = {
    .size = sizeof form_consumer, .data = consume_data, .end = consume_end, .failed = consume_failure
};

static inline void read_parts(struct bight_http_request *request, void *context)
{
    (void)context;
    bight_http_request_decode(request);
    if (bight_http_request_multipart(request, &form_consumer, NULL) != 0) { /* refused memory */
        (void)bight_http_respond_error(request, 500, NULL);
    }
}

static inline void answer_at_once(struct bight_http_request *request, void *context)
{
    (void)context;
    bight_http_request_decode(request);
    (void)bight_http_respond_text(request, 200, "Hello");
}

static inline void collect_last_said(struct bight_http_request *request, void *context)
{
    bool decodes = strstr(bight_http_request_path(request), "decoded") != NULL;
    (decodes ? bight_http_request_accept_encoded : bight_http_request_decode)(request);
    (decodes ? bight_http_request_decode : bight_http_request_accept_encoded)(request);
    collect(request, context);
}

static inline void begin(void)
{
    limit = 0;
    wanted = 65536;
    received = pieces = in_turn = most_in_turn = 0;
    stops_at = SIZE_MAX;
    failed = 0;
    ticks = aborts = false;
    form_options = (struct bight_http_form_options) { .size = sizeof form_options };
    make_directory();
    begin_site(NULL);
    hold_jobs();
    add_route("/", answer_at_once);
    add_route("/collect", collect_decoded);
    add_route("/plain", collect);
    add_route("/read", read_decoded);
    add_route("/consume", consume);
    add_route("/save", save);
    add_route("/form", read_form);
    add_route("/parts", read_parts);
    add_route("/last/{said}", collect_last_said);
    connect_peer();
}

static inline void end(void)
{
    end_site();
    remove_directory();
}

static inline void check_status(const char *said, const char *status)
{
    char line[64];
    (void)snprintf(line, sizeof line, "HTTP/1.1 %s", status);
    ck_assert_msg(strncmp(said, line, strlen(line)) == 0, "%s in place of %s", said, status);
}

#endif
