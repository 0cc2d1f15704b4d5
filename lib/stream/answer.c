/* SPDX-License-Identifier: MIT */
/* answer.c - whether what a stream holds answers the read that waits, and with what.
 *
 * Nothing here depends on how the stream was cut into chunks: an answer, TOO_LONG among them, is given as soon as the
 * bytes that decide it are there, and decided by those alone. What a read that fails did not consume stays. */
#include "stream/stream.h"

#include <bight/memory.h>

static bool fail(struct bight_result *result, int code)
{
    bight_result_fail(result, bight_failure_of(code));
    return true;
}

/* The first `size` bytes; `skipped` more are consumed with them. */
static bool answer_with(struct bight_stream *stream, struct bight_result *result, size_t size, size_t skipped)
{
    struct bight_bytes *bytes = bight_bytes_new(bi_input_bytes(stream->own->input), size);
    if (bytes == NULL) {
        return fail(result, BIGHT_E_OUT_OF_MEMORY);
    }
    bight_result_set(result, &bight_type_bytes, bytes);
    if (size + skipped > 0) {
        bi_input_consume(&stream->own->input, size + skipped);
    }
    return true;
}

static bool find_separator(struct bight_stream *stream, struct bight_result *result)
{
    size_t found =
        bi_input_search(stream->own->input, stream->own->wanted, stream->own->separator, stream->own->separator_size);
    if (found != 0) {
        return answer_with(stream, result, found, 0);
    }
    return bi_input_size(stream->own->input) >= stream->own->wanted && fail(result, BIGHT_E_TOO_LONG);
}

static bool find_line(struct bight_stream *stream, struct bight_result *result)
{
    size_t longest = stream->own->wanted + 2;
    size_t found = bi_input_search(stream->own->input, longest, "\n", 1);
    if (found == 0) {
        return bi_input_size(stream->own->input) >= longest && fail(result, BIGHT_E_TOO_LONG);
    }
    const uint8_t *line = bi_input_bytes(stream->own->input);
    size_t size = found > 1 && line[found - 2] == '\r' ? found - 2 : found - 1;
    return size > stream->own->wanted ? fail(result, BIGHT_E_TOO_LONG)
                                      : answer_with(stream, result, size, found - size);
}

/* True when `result` has the answer, whatever may come. */
static bool find_answer(struct bight_stream *stream, struct bight_result *result)
{
    size_t held = bi_input_size(stream->own->input);
    switch ((enum bi_stream_kind)stream->own->kind) {
    case STREAM_SOME:
        return held > 0 && answer_with(stream, result, held < stream->own->wanted ? held : stream->own->wanted, 0);
    case STREAM_EXACTLY:
        return held >= stream->own->wanted && answer_with(stream, result, stream->own->wanted, 0);
    case STREAM_UNTIL:
        return held > 0 && find_separator(stream, result);
    case STREAM_LINE:
        return held > 0 && find_line(stream, result);
    case STREAM_ALL:
        return held > stream->own->wanted && fail(result, BIGHT_E_TOO_LONG);
    }
    return false;
}

/* The same when nothing more comes. */
static bool find_last_answer(struct bight_stream *stream, struct bight_result *result)
{
    size_t held = bi_input_size(stream->own->input);
    if (stream->own->flags & STREAM_CLOSING) {
        return fail(result, BIGHT_E_CLOSED);
    }
    if (!(stream->own->flags & STREAM_ENDED)) {
        bight_result_fail(result, bight_failure_hold(stream->own->reason));
        return true;
    }
    switch ((enum bi_stream_kind)stream->own->kind) {
    case STREAM_SOME:
    case STREAM_ALL:
        return answer_with(stream, result, held, 0);
    case STREAM_EXACTLY:
    case STREAM_UNTIL:
        return fail(result, BIGHT_E_INCOMPLETE);
    case STREAM_LINE:
        break;
    }
    if (held == 0) {
        return true;
    }
    return held > stream->own->wanted ? fail(result, BIGHT_E_TOO_LONG) : answer_with(stream, result, held, 0);
}

struct bight_promise bi_stream_end_read(struct bight_stream *stream)
{
    stream->own->flags &= ~STREAM_WAITING;
    bight_free(stream->own->separator);
    stream->own->separator = NULL;
    return stream->own->reader;
}

/* What was held is asked for before the promise is fired: the handlers may read again. */
void bi_stream_try_answer(struct bight_stream *stream)
{
    struct bight_result result = { NULL, NULL, NULL };
    if (!bi_stream_wants_bytes(stream)) {
        return;
    }
    if (!find_answer(stream, &result) && (!(stream->own->flags & STREAM_OVER) || !find_last_answer(stream, &result))) {
        return;
    }
    struct bight_promise promise = bi_stream_end_read(stream);
    struct bight_failure *failure = bight_result_failure(&result) == NULL ? NULL : bight_result_take_failure(&result);
    if (failure != NULL) {
        (void)bight_errback(promise, failure);
    } else {
        (void)bight_callback(promise, result.type, result.value);
    }
}
