/* SPDX-License-Identifier: MIT */
/* answer.h - what the files that answer share. */
#ifndef BI_HTTP_ANSWER_H
#define BI_HTTP_ANSWER_H

#include "http/server/request.h"

/* Checks, and writes the head of an answer with a body of `length` bytes (-1: not known) whose first `size` bytes are
 * data. The codes of bight_http_respond. */
int bi_answer_begin(
    struct bight_http_request *request, int status, const char *type, int64_t length, const void *data, size_t size);
/* The same of a request without hooks, or whose hooks have been told. */
int bi_answer_begin_told(
    struct bight_http_request *request, int status, const char *type, int64_t length, const void *data, size_t size);
/* Checks as bi_answer_begin does, and tells the hooks, which the request has. 0, or why there can be no answer. */
int bi_answer_announce(struct bight_http_request *request, int status, const char *type);
/* The rest of a whole answer whose hooks have been told: head and body, which is `bytes`, if they are not NULL. */
int bi_answer_send(
    struct bight_http_request *request, int status, const char *type, struct bi_view data, struct bight_bytes *bytes);
/* 0, or why there can be no answer with this status. */
int bi_answer_check(const struct bight_http_request *request, int status);
/* Whether a 200 to this request may be written by bi_answer_begin_prepared. */
bool bi_answer_may_be_prepared(const struct bight_http_request *request);
/* The head of a 200, of lines that were put together before: all but the status line and Date, Content-Length and the
 * empty line among them; and right behind it `size` bytes of the body. 0, or a code when it could not be written. */
int bi_answer_begin_prepared(struct bight_http_request *request, struct bi_view lines, const void *data, size_t size);
/* The last byte has been written, the last of `size`. */
int bi_answer_written(struct bight_http_request *request, size_t size);
/* In place of 0: a filter has the body. */
#define BI_FILTERED 1
/* A piece of an answer that has been begun and has a body; chunked if it has to be. 0, or a code: it is aborted. */
/* A chunk of `size` bytes, which are `bytes`, if those are not NULL, or at `data`. 0 or the code of the transport. */
int bi_chunk_write(struct bight_transport *transport, struct bight_bytes *bytes, const void *data, size_t size);
int bi_stream_put(struct bight_http_request *request, const void *data, size_t size);
/* Behind its last piece, whatever was announced. */
int bi_stream_end(struct bight_http_request *request);
/* A write has failed: the exchange is aborted. Returns why. */
int bi_answer_lost(struct bight_http_request *request);
/* As of bight_http_respond_later; the result is empty behind it. */
void bi_answer_with_result(struct bight_http_request *request, struct bight_result *result);
/* If the result is JSON, answers with it. */
bool bi_answer_with_json(struct bight_http_request *request, struct bight_result *result);
/* If the result is a file that bight_http_respond_file has opened. */
bool bi_answer_with_file(struct bight_http_request *request, struct bight_result *result);
/* As bi_answer_with_result when the Deferred (taken) fires, unless there is an answer by then. 0 or OUT_OF_MEMORY. */
int bi_answer_later(struct bight_http_request *request, struct bight_deferred *deferred);

/* A response that has come from a server: fields and body are taken out of the buffers. NULL when out of memory. */
struct bight_http_response *bi_response_received(
    int status, struct bi_http_buffer *fields, struct bi_http_buffer *body);

#endif
