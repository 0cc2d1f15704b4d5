/* SPDX-License-Identifier: MIT */
/* bight/protocols/http_client_bodies.h - bodies of calls that are more than a few bytes: files, forms with files, what
 * a program makes while it is sent, JSON (C8).
 *
 *     struct bight_http_call *call = bight_http_call_new(client, "POST", "https://example.org/photos");
 *     bight_http_call_part_text(call, "title", "The pier");
 *     bight_http_call_part_file(call, "photo", "/home/ann/pier.jpg", NULL, "image/jpeg");
 *     struct bight_deferred *sent = bight_http_call_send(call);
 *
 * Each takes the place of the body that the call had. As with all that fills a call, what is wrong is a code, and what
 * sending the call fails with. No body is held in memory that was not given as bytes, and a server that does not read
 * makes the source wait.
 *
 * From 1 MiB on (`expect_from` of the call's options), and when the length is not known, the server is asked with
 * `Expect: 100-continue` whether it wants the body. The body waits for that for 1 s (`continue_seconds`); if a response
 * comes in place of it, the body is not sent, and the connection not used again; 417 has the call sent again without
 * asking. A response that is whole before the body has been sent is the response: the rest is not sent. */
#ifndef BIGHT_PROTOCOLS_HTTP_CLIENT_BODIES_H
#define BIGHT_PROTOCOLS_HTTP_CLIENT_BODIES_H

#include <bight/protocols/http_client.h>
#include <bight/transport.h>

BIGHT_BEGIN

struct json_t; /* jansson's */

/* ------------------------------------------------------------------------------------------ files and JSON */

/* A file, with its size when the call is sent as the length; `type` is its Content-Type (NULL: none is set). A thread
 * of the reactor's pool opens it then, and it is sent again from its beginning where a body is repeated. It must be a
 * regular file. The call fails with the errno's code when it cannot be opened; with INCOMPLETE when it has become
 * shorter meanwhile. Of one that has grown the first bytes are sent, as many as were announced. */
BIGHT_API int bight_http_call_body_file(struct bight_http_call *call, const char *path, const char *type);

/* A value of jansson's, which is taken in any case. 0; OUT_OF_MEMORY, also for NULL; INVALID_ARGUMENT for what cannot
 * be written; NOT_SUPPORTED, a usage error, where bight was built without jansson. */
BIGHT_API int bight_http_call_body_json(struct bight_http_call *call, struct json_t *json);

/* ------------------------------------------------------------------------------------------ forms with files */

/* Parts of a form, in this order: multipart/form-data (RFC 7578), at most 1000, LIMIT. Names and file names are in
 * UTF-8, without CR or LF, which are INVALID_ARGUMENT, a usage error; so is what is no media type, and a form that has
 * fields of bight_http_call_form_field as well. A quote in a name is written %22, as browsers do.
 *
 * A field. */
BIGHT_API int bight_http_call_part_text(struct bight_http_call *call, const char *name, const char *value);

/* Bytes, which are copied. `file_name` NULL: a field and no file; `type` NULL: none is said. */
BIGHT_API int bight_http_call_part_data(struct bight_http_call *call, const char *name, const void *data, size_t size,
    const char *file_name, const char *type);

/* A file, as bight_http_call_body_file sends one. `file_name` is what the server is told; NULL: the last component of
 * the path. `type` NULL: application/octet-stream. */
BIGHT_API int bight_http_call_part_file(
    struct bight_http_call *call, const char *name, const char *path, const char *file_name, const char *type);

/* ------------------------------------------------------------------------------------------ made while it is sent */

/* Where such a body goes. It is there from when `begin` is called until the source's context is released. */
struct bight_http_upload;

struct bight_http_body_source {
    size_t size; /* sizeof(struct bight_http_body_source) */
    /* The server may have the body: write it to `upload`, now or later. On a turn of its own. */
    void (*begin)(struct bight_http_upload *upload, void *context);
    /* It has to be sent from its beginning, in another exchange: true, and `begin` is called again. NULL: it cannot be,
     * and a redirect that asks for that fails. Must not touch the call, or its client. */
    bool (*again)(void *context);
};

/* `length` is in bytes; -1: not known, and it is sent in chunks. Table and context are borrowed until the call is over
 * or has another body; the _full form calls release(context) then, also on failure; it must not touch the call. */
BIGHT_API int bight_http_call_body_source(struct bight_http_call *call, int64_t length, const char *type,
    const struct bight_http_body_source *source, void *context);
BIGHT_API int bight_http_call_body_source_full(struct bight_http_call *call, int64_t length, const char *type,
    const struct bight_http_body_source *source, void *context, bight_release_function release);

/* More of it; data is copied or sent, bytes are held. 0; CLOSED: it is not wanted any more; TOO_LONG, a usage error,
 * past the length, and then the call fails with it; OUT_OF_MEMORY, likewise, also for bytes that are NULL. */
BIGHT_API int bight_http_upload_write(struct bight_http_upload *upload, const void *data, size_t size);
BIGHT_API int bight_http_upload_write_bytes(struct bight_http_upload *upload, struct bight_bytes *bytes);

/* That was all. 0; CLOSED; INCOMPLETE, a usage error, before the length, and then the call fails with it. */
BIGHT_API int bight_http_upload_finish(struct bight_http_upload *upload);

/* It cannot be made: the connection is aborted, and the call fails with this, which is taken (NULL: OUT_OF_MEMORY).
 * Nothing when the body is not wanted any more. */
BIGHT_API void bight_http_upload_fail(struct bight_http_upload *upload, struct bight_failure *failure);

/* A producer, until finish: as bight_transport_register_producer, whose codes it returns. `stop` is called when the
 * body is not wanted any more, on a later turn perhaps. */
BIGHT_API int bight_http_upload_register_producer(
    struct bight_http_upload *upload, const struct bight_producer_ops *ops, void *context, bool streaming);

BIGHT_END

#endif
