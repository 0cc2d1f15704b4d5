/* SPDX-License-Identifier: MIT */
/* decoding.c - bodies in gzip are read as what they stand for (A4; RFC 9110, section 8.4), piece by piece.
 *
 * A body of a few bytes may stand for gigabytes. Its limit is that of what is made; beyond that no turn makes more than
 * AT_ONCE, and nothing is made before its user wants it. Reading gzip is coding/gzip.c's. */
#include "http/server/decoding.h"

#include <bight/memory.h>

#include "http/coding/gzip.h"

#define PIECE 16384u    /* made at a time, on the stack */
#define AT_ONCE 262144u /* made in a turn; what takes some hundred microseconds */

struct bi_decoding {
    struct bi_inflater *inflater;
    struct bi_http_buffer pending; /* made, and not taken yet: a user may take less than it is handed */
    size_t in_a_row;               /* made since a turn was last waited for */
    bool is_ahead;                 /* the first byte of the input to come has been read, and is not used */
    bool has_more;                 /* that may be made of what has been read */
    bool asks_again;
};

/* With the first bytes of a body: a head alone does not cost the server an inflater. */
static struct bi_decoding *begin(struct bight_http_request *request)
{
    struct bi_decoding *decoding = bight_calloc(1, sizeof *decoding);
    if (decoding != NULL) {
        decoding->inflater = bi_inflater_new();
    }
    if (decoding != NULL && decoding->inflater == NULL) {
        bight_free(decoding);
        decoding = NULL;
    }
    request->body.decoding = decoding;
    return decoding;
}

void bi_decoding_end(struct bight_http_request *request)
{
    struct bi_decoding *decoding = request->body.decoding;
    request->body.decoding = NULL;
    if (decoding != NULL) {
        bi_inflater_free(decoding->inflater);
        bi_http_buffer_free(&decoding->pending);
        bight_free(decoding);
    }
}

bool bi_decoding_is_whole(const struct bight_http_request *request)
{
    const struct bi_decoding *decoding = request->body.decoding;
    return decoding == NULL || bi_inflater_is_whole(decoding->inflater);
}

bool bi_decoding_asks_again(struct bight_http_request *request)
{
    struct bi_decoding *decoding = request->has_body ? request->body.decoding : NULL;
    bool asks = decoding != NULL && decoding->asks_again;
    if (asks) {
        decoding->asks_again = false;
    }
    return asks;
}

/* ------------------------------------------------------------------------------------- what has been made */

/* What its user does not take of it waits. The user may end it all: false. */
static bool hand_over(struct bight_http_request *request, const uint8_t *data, size_t size)
{
    size_t taken = size > 0 ? bi_body_deliver(request, data, size) : 0;
    struct bi_decoding *decoding = request->body.decoding;
    if (decoding == NULL) {
        return false;
    }
    if (bi_http_buffer_append(&decoding->pending, data + taken, size - taken) != BIGHT_OK) {
        bi_body_fail(request, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        return false;
    }
    return true;
}

/* What the user looks at must stay, even if it ends the decoding. */
static bool hand_over_pending(struct bight_http_request *request, struct bi_decoding *decoding)
{
    struct bi_http_buffer pending = decoding->pending;
    size_t size = bi_http_buffer_size(&pending);
    decoding->pending = (struct bi_http_buffer) { .bytes = NULL };
    size_t taken = bi_body_deliver(request, bi_http_buffer_data(&pending), size);
    if (request->body.decoding == NULL) {
        bi_http_buffer_free(&pending);
        return false;
    }
    pending.start += taken;
    if (bi_http_buffer_size(&pending) == 0) {
        bi_http_buffer_free(&pending);
    }
    decoding->pending = pending;
    return true;
}

static bool has_output(const struct bi_decoding *decoding)
{
    return decoding->has_more || bi_http_buffer_size(&decoding->pending) > 0;
}

/* ------------------------------------------------------------------------------------------ making more */

/* 0: it goes on; or the failure is the body's. */
static int check(struct bight_http_request *request, enum bi_inflate_result result)
{
    const struct bi_http_body *body = &request->body;
    if (result == BI_INFLATE_NO_MEMORY) {
        bi_body_fail(request, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (result == BI_INFLATE_REFUSED) {
        bi_body_fail_with(request, BIGHT_E_SYNTAX, 400, "the body of the request is not the gzip that it says it is");
        return BIGHT_E_SYNTAX;
    }
    if (body->coded > body->limit) {
        bi_body_fail_with(request, BIGHT_E_TOO_LONG, 413, "the body of the request is longer than is allowed");
        return BIGHT_E_TOO_LONG;
    }
    return BIGHT_OK;
}

/* Makes a piece and hands it over. Returns how much of the data has been read; *goes_on: the body does. */
static size_t make_piece(
    struct bight_http_request *request, struct bi_decoding *decoding, const uint8_t *data, size_t size, bool *goes_on)
{
    struct bi_http_body *body = &request->body;
    struct bi_view rest = { data + decoding->is_ahead, size - decoding->is_ahead };
    size_t before = rest.size;
    uint8_t room[PIECE];
    size_t made = body->user == BI_BODY_READ && body->wanted < PIECE ? body->wanted : PIECE;
    enum bi_inflate_result result = bi_inflater_read(decoding->inflater, &rest, room, &made);
    body->coded += before - rest.size;
    decoding->has_more = result == BI_INFLATE_FULL;
    decoding->in_a_row += made;
    *goes_on = check(request, result) == BIGHT_OK && hand_over(request, room, made);
    return size - rest.size;
}

/* The last byte that has been read counts as input that waits for as long as there is output. */
static size_t use(struct bight_http_request *request, struct bi_decoding *decoding, size_t size, size_t read)
{
    decoding->is_ahead = read == size && has_output(decoding);
    size_t used = read - decoding->is_ahead;
    decoding->asks_again = used == 0 && bi_body_is_wanted(request);
    return used;
}

/* The turn has had its share: the rest is for a later one. */
static bool has_had_enough(struct bi_decoding *decoding)
{
    if (decoding->in_a_row < AT_ONCE) {
        return false;
    }
    decoding->in_a_row = 0;
    decoding->asks_again = true;
    return true;
}

size_t bi_decoding_read(struct bight_http_request *request, const uint8_t *data, size_t size)
{
    struct bi_decoding *decoding = request->body.decoding != NULL ? request->body.decoding : begin(request);
    bool goes_on = true;
    size_t read = size;
    if (decoding == NULL) {
        bi_body_fail(request, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        return size;
    }
    if (has_had_enough(decoding)) {
        return 0;
    }
    if (bi_http_buffer_size(&decoding->pending) > 0) {
        read = decoding->is_ahead;
        goes_on = hand_over_pending(request, decoding);
    } else {
        read = make_piece(request, decoding, data, size, &goes_on);
    }
    return goes_on ? use(request, decoding, size, read) : size;
}
