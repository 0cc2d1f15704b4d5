/* SPDX-License-Identifier: MIT */
/* bight/protocols/http_respond.h - answering a request: at once, later, piece by piece.
 *
 * Functions that answer return 0; CLOSED when the client has gone (nothing is sent, and nothing is wrong); USAGE, a
 * usage error, when there is an answer already; INVALID_ARGUMENT, a usage error, for what no message may hold (H6);
 * OUT_OF_MEMORY, and then the connection has been aborted: a message is never silently cut. Any of them may be called
 * from the handler or later, as long as the request is held. HEAD, 204 and 304 have no body whatever is given (H6). */
#ifndef BIGHT_PROTOCOLS_HTTP_RESPOND_H
#define BIGHT_PROTOCOLS_HTTP_RESPOND_H

#include <bight/protocols/http_request.h>

BIGHT_BEGIN

struct bight_http_response;

/* ------------------------------------------------------------------------------------ the whole answer */

/* `type` is the Content-Type, NULL: none. The status is from 200 to 599. The data is copied, or sent at once. */
BIGHT_API int bight_http_respond(
    struct bight_http_request *request, int status, const char *type, const void *data, size_t size);

/* text/plain and text/html, in UTF-8. */
BIGHT_API int bight_http_respond_text(struct bight_http_request *request, int status, const char *text);
BIGHT_API int bight_http_respond_html(struct bight_http_request *request, int status, const char *text);

/* Counted bytes, by reference: a hold of its own is taken. NULL, of a failed bight_bytes_new: 500. */
BIGHT_API int bight_http_respond_bytes(
    struct bight_http_request *request, int status, const char *type, struct bight_bytes *bytes);

/* Without a body: 204, or 303 and its kin with a Location, which is escaped and must begin with a slash or be an
 * absolute URL. */
BIGHT_API int bight_http_respond_empty(struct bight_http_request *request, int status);
BIGHT_API int bight_http_respond_redirect(struct bight_http_request *request, int status, const char *location);

/* The site's page for a status from 400 on; `message` (NULL: none) is shown in it. Fields that were set stay, but for
 * those of a body that does not come: Content-Type, -Encoding, -Language and -Disposition, ETag, Last-Modified. */
BIGHT_API int bight_http_respond_error(struct bight_http_request *request, int status, const char *message);

/* A file, which a thread of the reactor's pool opens; the answer goes out when it has, as by bight_http_respond_later,
 * and the loop never waits for the disk (bight_transport_send_file). The path is the program's, and copied: what of it
 * comes from a client is to be checked first. What is there and no regular file is 404, as what is not there; what else
 * the file system refuses is 500, and logged.
 *
 * Unless they have been set before, the answer has a Content-Type by the name's ending, Last-Modified, an ETag of time
 * and size (weak while the last change is not two seconds old), X-Content-Type-Options: nosniff. Conditions are looked
 * at as by bight_http_respond_if_unmet; If-Range and Range, one part, for GET: 206 or 416 (RFC 9110, section 14;
 * several parts: the whole). A file that shrinks meanwhile aborts the exchange, one that grows is cut at the length
 * that it had (F2). The codes are those of bight_http_respond_later. */
BIGHT_API int bight_http_respond_file(struct bight_http_request *request, const char *path);

/* What a failure says (A2): a bight_http_failure as it says; of a body TOO_LONG 413, SYNTAX 400 and TIMED_OUT 408; all
 * else, a timeout of the program's own too, 500 without internals, which are logged. Takes the failure. */
BIGHT_API int bight_http_respond_failure(struct bight_http_request *request, struct bight_failure *failure);

/* A failure that a client is to be answered with: a status from 400 to 599 and words that it may read (NULL: the
 * status's own). Any thread may make one. Never NULL.
 *
 *     struct bight_failure *bight_http_failure(int status, const char *message); */
#define bight_http_failure(status, message) bight_http_failure_at(BIGHT_HERE, (status), (message))

/* ------------------------------------------------------------------------------------------ before it */

/* A field of the head to come. Set replaces those with the name, add adds one more. Content-Length, Transfer-Encoding,
 * Date, Upgrade, Trailer and Connection are the library's: INVALID_ARGUMENT. Past 64 KiB in all: TOO_LONG. */
BIGHT_API int bight_http_respond_set(struct bight_http_request *request, const char *name, const char *value);
BIGHT_API int bight_http_respond_add(struct bight_http_request *request, const char *name, const char *value);

/* What the target of a request is now: what caches and clients compare by (A12; RFC 9110, section 8.8). */
struct bight_http_validators {
    size_t size;      /* sizeof(struct bight_http_validators) */
    const char *etag; /* with its quotes: "\"7\"", weak "W/\"7\""; NULL: none */
    int64_t modified; /* seconds since 1970, UTC; 0: it is not known */
    bool missing;     /* there is nothing, or no more */
    const void *reserved[2];
};

/* Looks at the conditions of a request: If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since. To be called
 * when the answer would be a 2xx, before anything is changed (section 13.2.1). True: it has been answered, 304 or 412,
 * or cannot be answered any more, and that was all. False: go on. The answer to GET and HEAD then has ETag and
 * Last-Modified; that of a method that changes something gets them from the handler, by bight_http_respond_set.
 *
 *     if (!bight_http_respond_if_unmet(request, &now)) {
 *         bight_http_respond_text(request, 200, text);
 *     }
 *
 * Fields that the answer would have had are to be set before: Cache-Control, Vary, Expires go with a 304. An etag that
 * is none is a usage error, and as if it were not there. */
BIGHT_API bool bight_http_respond_if_unmet(struct bight_http_request *request, const struct bight_http_validators *now);

/* The connection closes behind this answer. */
BIGHT_API void bight_http_respond_close(struct bight_http_request *request);

/* --------------------------------------------------------------------------------------- piece by piece */

/* The head. `length` is the body's size, or -1: it is chunked then, or ends with the connection for 1.0. The request is
 * to be held until it is finished; the last hold that goes before aborts it. */
BIGHT_API int bight_http_respond_begin(
    struct bight_http_request *request, int status, const char *type, int64_t length);

/* A piece of the body. More than was announced: TOO_LONG, a usage error, and the exchange has been aborted. OVERFLOW:
 * the client does not take it, and the output limit was passed; the exchange has been aborted. */
BIGHT_API int bight_http_respond_write(struct bight_http_request *request, const void *data, size_t size);
/* The same with counted bytes, by reference where they are many: what goes to many clients is in memory once. NULL, of
 * a failed bight_bytes_new: OUT_OF_MEMORY, and the exchange has been aborted. */
BIGHT_API int bight_http_respond_write_bytes(struct bight_http_request *request, struct bight_bytes *bytes);
BIGHT_API int bight_http_respond_writef(struct bight_http_request *request, const char *format, ...) BIGHT_PRINTF(2, 3);

/* The same of a NUL-terminated text for an HTML page: `&`, `<`, `>` and quotes are escaped, so that it is text whoever
 * wrote it, between tags and in an attribute's quotes. Not in scripts, style sheets, comments, or attributes that hold
 * one of these or a URL. */
BIGHT_API int bight_http_respond_write_escaped(struct bight_http_request *request, const char *text);

/* A Deferred of nothing, as soon as there is room for more: at once while at most 64 KiB of output wait for the client,
 * else when fewer than 16 KiB do. It fails with CLOSED when the client goes or the answer is over before. One at a
 * time, and not beside a producer: USAGE. A handler that writes and drains in turn writes as fast as the client takes
 * it, and holds no more than that. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_respond_drain(struct bight_http_request *request);

/* Less than was announced: INCOMPLETE, a usage error, and the exchange has been aborted. */
BIGHT_API int bight_http_respond_finish(struct bight_http_request *request);

/* Ends the exchange where it is, so that the client sees it (a reset). Legal at any time; without an answer, too. */
BIGHT_API void bight_http_respond_abort(struct bight_http_request *request);

/* A source of the body, notified of room as bight_transport_register_producer says; finishing unregisters it. An answer
 * that has no body (HEAD, 204, 304) is finished by this: the producer has been stopped, and CLOSED is returned. */
BIGHT_API int bight_http_respond_register_producer(
    struct bight_http_request *request, const struct bight_producer_ops *ops, void *context, bool streaming);

/* ------------------------------------------------------------------------------------------------ later */

/* Answers with what the Deferred (taken) fires with: nothing is 204; text (bight_type_text), bytes and JSON
 * (bight_type_json) 200; a response (bight_type_http_response) as it says; a failure as bight_http_respond_failure.
 * When the client goes, what comes is dropped. */
BIGHT_API int bight_http_respond_later(struct bight_http_request *request, struct bight_deferred *deferred);

/* A14: hands the connection over to `protocol` (made with bight_protocol_new, taken in any case), with what has come
 * behind the request. `name` is what Upgrade says: 101; NULL for CONNECT: 200. Fields that were set go along. USAGE, a
 * usage error, for a request that asks for no upgrade (bight_http_request_upgrades). */
BIGHT_API int bight_http_respond_upgrade(
    struct bight_http_request *request, const char *name, struct bight_protocol *protocol);

/* ------------------------------------------------------------------------------------------- responses */

/* What a client gets: made in any thread, sent once or many times, and what a Deferred's value may be. Counted; it is
 * never changed once sent. NULL when out of memory or for a status that is not from 200 to 599; the functions below
 * accept that NULL, and answering with it is answering with OUT_OF_MEMORY. */
BIGHT_API BIGHT_MUST_USE struct bight_http_response *bight_http_response_new(int status);
BIGHT_API struct bight_http_response *bight_http_response_hold(struct bight_http_response *response);
BIGHT_API void bight_http_response_release(struct bight_http_response *response);
BIGHT_API extern const struct bight_type bight_type_http_response;

/* 0, INVALID_ARGUMENT, TOO_LONG or OUT_OF_MEMORY, as bight_http_respond_set; INVALID_ARGUMENT for one that a client has
 * received. */
BIGHT_API int bight_http_response_set(struct bight_http_response *response, const char *name, const char *value);
BIGHT_API int bight_http_response_add(struct bight_http_response *response, const char *name, const char *value);

/* The body and its type (NULL: none): bytes are taken, data is copied. */
BIGHT_API int bight_http_response_take_bytes(
    struct bight_http_response *response, const char *type, struct bight_bytes *bytes);
BIGHT_API int bight_http_response_set_body(
    struct bight_http_response *response, const char *type, const void *data, size_t size);

BIGHT_API int bight_http_response_status(const struct bight_http_response *response);
/* The first field with this name; NULL: there is none, or no memory. It stays until the next one is asked for. */
BIGHT_API const char *bight_http_response_field(struct bight_http_response *response, const char *name);
/* All fields in their order: *cursor starts at 0. False at the end, and when out of memory. Of one that is not wanted
 * pass NULL; the texts stay as above. */
BIGHT_API bool bight_http_response_next_field(
    struct bight_http_response *response, size_t *cursor, const char **name, const char **value);
/* Borrowed; NULL: none. */
BIGHT_API struct bight_bytes *bight_http_response_body(const struct bight_http_response *response);

/* INVALID_ARGUMENT, a usage error, for one that was received (bight/protocols/http_testing.h). */
BIGHT_API int bight_http_respond_response(struct bight_http_request *request, struct bight_http_response *response);

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API BIGHT_MUST_USE struct bight_failure *bight_http_failure_at(
    const char *place, int status, const char *message);

BIGHT_END

#endif
