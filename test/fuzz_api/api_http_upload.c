/* SPDX-License-Identifier: MIT */
/* api_http_upload.c - bodies of calls that are made while they are sent: written in pieces by whoever comes by or by a
 * producer, finished, failed and left as they are (C8). A source begins on a turn of its own, again only when it has
 * been asked, and is released once. */
#include "api_http.h"

#include <bight/protocols/http_client_bodies.h>

enum { UPLOADS = 300, PIECE = 3000 };

static struct source {
    struct bight_http_upload *upload; /* from the first `begin` until it is released */
    unsigned id, ask;                 /* ask: ASKS, nobody knows its bytes */
    uint32_t size, sent;
    unsigned begun; /* how often it may have begun yet */
    bool has_finished, is_released;
} sources[UPLOADS];
static unsigned source_count;

/* ------------------------------------------------------------------------------------------- writing */

static void check_code(const struct source *source, const char *call, int code)
{
    fuzz_tell(world.tape, "%s of upload %u answers %d", call, source->id, code);
    if (code != BIGHT_OK && code != BIGHT_E_CLOSED) {
        fuzz_fail("%s of upload %u answers %d", call, source->id, code);
    }
}

/* Noted before the call, in which nothing else may be called, but another source's turn may come behind it. */
static void write_piece(struct source *source)
{
    uint8_t bytes[PIECE];
    uint32_t left = source->size - source->sent, size = left < PIECE ? left : PIECE;
    for (uint32_t i = 0; i < size; i++) {
        bytes[i] = source->ask == ASKS ? 'u' : body_byte(source->ask, source->sent + i);
    }
    int code;
    source->sent += size;
    if (source->sent % 2 == 0) {
        code = bight_http_upload_write(source->upload, bytes, size);
    } else {
        struct bight_bytes *counted = bight_bytes_new(bytes, size);
        code = bight_http_upload_write_bytes(source->upload, counted);
        bight_bytes_release(counted);
    }
    check_code(source, "a piece", code);
}

static void go_on(struct source *source)
{
    if (source->upload == NULL || source->is_released || source->has_finished) {
        return;
    }
    if (source->sent < source->size) {
        write_piece(source);
    } else {
        source->has_finished = true;
        check_code(source, "finishing", bight_http_upload_finish(source->upload));
    }
}

/* -------------------------------------------------------------------------------------- its producer */

static void rest(void *context)
{
    (void)context;
}

static void produce(void *context)
{
    struct source *source = context;
    act_inside(source->id * 557u + source->sent, NULL);
    go_on(source);
}

static void register_producer(struct source *source, bool streams)
{
    static const struct bight_producer_ops ops = { rest, produce, rest };
    (void)bight_http_upload_register_producer(source->upload, &ops, source, streams);
}

/* ------------------------------------------------------------------------------------------- the source */

static void begun(struct bight_http_upload *upload, void *context)
{
    struct source *source = context;
    check_not_inside("the beginning of an upload");
    if (source->is_released || source->begun == 0) {
        fuzz_fail("upload %u begins, and must not", source->id);
    }
    source->begun--;
    source->upload = upload;
    source->sent = 0;
    source->has_finished = false;
    fuzz_tell(world.tape, "-> upload %u begins", source->id);
    act_inside(source->id * 563u, NULL);
    if (!source->is_released && source->id % 3 == 0) {
        register_producer(source, source->id % 2 == 0);
    } else if (!source->is_released) {
        go_on(source);
    }
}

static bool again(void *context)
{
    struct source *source = context;
    source->begun++;
    source->has_finished = true; /* nothing is written until it begins */
    return true;
}

static void release(void *context)
{
    struct source *source = context;
    if (source->is_released) {
        fuzz_fail("upload %u is released twice", source->id);
    }
    source->is_released = true;
    source->upload = NULL;
}

void add_upload(struct bight_http_call *call, unsigned ask, uint32_t size, bool has_length)
{
    static const struct bight_http_body_source ops[] = { { .size = sizeof *ops, .begin = begun },
        { .size = sizeof *ops, .begin = begun, .again = again } };
    if (source_count == UPLOADS) {
        return;
    }
    struct source *source = &sources[source_count];
    *source = (struct source) { .id = source_count++, .ask = ask, .size = size, .begun = 1 };
    (void)bight_http_call_body_source_full(
        call, has_length ? (int64_t)size : -1, "x/made", &ops[source->id % 4 > 0], source, release);
}

/* ------------------------------------------------------------------------------------------- operations */

void use_upload(struct fuzz_operation *operation)
{
    struct source *source = NULL;
    for (unsigned i = 0; i < source_count && source == NULL; i++) {
        struct source *other = &sources[(operation->subject + i) % source_count];
        source = other->upload != NULL && !other->has_finished ? other : NULL;
    }
    if (source == NULL) {
        return;
    }
    unsigned drawn = fuzz_choose(operation, 24);
    if (drawn == 0) {
        source->has_finished = true;
        bight_http_upload_fail(source->upload, bight_failure_of(BIGHT_E_LIMIT));
    } else if (drawn == 1) {
        register_producer(source, fuzz_choose(operation, 2) == 0);
    } else {
        go_on(source);
    }
}

void begin_uploads(void)
{
    source_count = 0;
}

void check_uploads(void)
{
    for (unsigned i = 0; i < source_count; i++) {
        if (!sources[i].is_released) {
            fuzz_fail("upload %u was never released", i);
        }
    }
}
