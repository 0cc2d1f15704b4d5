/* SPDX-License-Identifier: MIT */
/* bight/protocols/http_request.h - an incoming request: what it asks for, its sender, its body.
 *
 * A request lives until it has been answered and the last hold has gone (A1). Everything here may be called from its
 * handler on until then. The texts that functions return are NUL-terminated, belong to the request and stay where they
 * are as long as it does; the _raw forms return a view of the head that ends with the handler. How a request is
 * answered is bight/protocols/http_respond.h's. Only in the reactor's thread. */
#ifndef BIGHT_PROTOCOLS_HTTP_REQUEST_H
#define BIGHT_PROTOCOLS_HTTP_REQUEST_H

#include <bight/address.h>
#include <bight/bytes.h>
#include <bight/deferred.h>
#include <bight/transport.h>

#include <sys/types.h>

BIGHT_BEGIN

struct bight_http_request;

/* A view of the head; `data` is NULL when there is none. */
struct bight_http_view {
    const char *data;
    size_t size;
};

/* ----------------------------------------------------------------------------------------- the head */

/* "GET". Methods have cases. Never NULL. */
BIGHT_API const char *bight_http_request_method(struct bight_http_request *request);

/* The path with its escapes decoded, but for `%2F` and `%25`: those stay, so that a `/` always parts segments (A1).
 * NULL when out of memory, and for `OPTIONS *` and CONNECT, which have none. */
BIGHT_API const char *bight_http_request_path(struct bight_http_request *request);

/* Where the site whose handler this is has been mounted, "/api": what the path begins with. "" if it is not; NULL
 * when out of memory. */
BIGHT_API const char *bight_http_request_mount(struct bight_http_request *request);

/* The query behind the `?`, undecoded; NULL: there is none. */
BIGHT_API const char *bight_http_request_query_string(struct bight_http_request *request);

/* The first parameter of the query with this name, decoded; NULL: there is none, or its value holds a NUL. */
BIGHT_API const char *bight_http_request_query(struct bight_http_request *request, const char *name);

/* All parameters of the query in their order, decoded, and at most 1000: *cursor starts at 0. False at the end. Of one
 * that is not wanted pass NULL. A text that holds a NUL is NULL; the _raw form has it, and its views stay as texts do.
 */
BIGHT_API bool bight_http_request_next_query(
    struct bight_http_request *request, size_t *cursor, const char **name, const char **value);
BIGHT_API bool bight_http_request_next_query_raw(
    struct bight_http_request *request, size_t *cursor, struct bight_http_view *name, struct bight_http_view *value);
/* The next parameter with this name, likewise; NULL: there is none. One that holds a NUL is passed over. */
BIGHT_API const char *bight_http_request_next_query_value(
    struct bight_http_request *request, const char *name, size_t *cursor);

/* What the route's pattern calls `{name}` or `{name...}`, decoded; NULL: the pattern has no such name. */
BIGHT_API const char *bight_http_request_parameter(struct bight_http_request *request, const char *name);

/* The pattern of its route, "GET /users/{id}"; NULL: none has been found (yet), or when out of memory. */
BIGHT_API const char *bight_http_request_pattern(struct bight_http_request *request);

/* The whole target, as it came. */
BIGHT_API struct bight_http_view bight_http_request_target_raw(struct bight_http_request *request);

/* The host that was asked for, without its port, in lower case; NULL: a 1.0 request without Host. */
BIGHT_API const char *bight_http_request_host(struct bight_http_request *request);

/* 0 or 1: of HTTP/1.0 and 1.1. */
BIGHT_API int bight_http_request_minor_version(const struct bight_http_request *request);

/* The value of the first field with this name (any case), without white space around it; NULL: there is none. */
BIGHT_API const char *bight_http_request_field(struct bight_http_request *request, const char *name);
BIGHT_API struct bight_http_view bight_http_request_field_raw(struct bight_http_request *request, const char *name);

/* All fields in their order: *cursor starts at 0. False at the end. Of one that is not wanted pass NULL. */
BIGHT_API bool bight_http_request_next_field(
    struct bight_http_request *request, size_t *cursor, const char **name, const char **value);

/* The first cookie with this name (A11); NULL: there is none. */
BIGHT_API const char *bight_http_request_cookie(struct bight_http_request *request, const char *name);

/* All cookies in their order, at most 100: *cursor starts at 0. False at the end. Of one that is not wanted pass NULL.
 * And those with this name; NULL: there are no more. How they are set is bight/protocols/http_cookie.h's. */
BIGHT_API bool bight_http_request_next_cookie(
    struct bight_http_request *request, size_t *cursor, const char **name, const char **value);
BIGHT_API const char *bight_http_request_next_cookie_value(
    struct bight_http_request *request, const char *name, size_t *cursor);

/* True when it asks for an upgrade that may be (A14): 1.1, no body; the field Upgrade says to what. */
BIGHT_API bool bight_http_request_upgrades(const struct bight_http_request *request);

/* Its client: the connection's peer, or whom a trusted proxy named (A8, bight_http_use_trusted_proxies). 0, or a code
 * of bight_transport_peer. */
BIGHT_API int bight_http_request_peer(struct bight_http_request *request, struct bight_address *address);

/* True when its client sent it through TLS; the same of what a trusted proxy says. */
BIGHT_API bool bight_http_request_is_secure(const struct bight_http_request *request);

/* Both of the connection itself, whose peer may be a proxy. */
BIGHT_API int bight_http_request_connection_peer(struct bight_http_request *request, struct bight_address *address);
BIGHT_API bool bight_http_request_connection_is_secure(const struct bight_http_request *request);

/* The connection; NULL when it has gone, or the request is over. For facts: the bytes on it are the library's. */
BIGHT_API struct bight_transport *bight_http_request_transport(const struct bight_http_request *request);
/* NULL when it is over, and the site has nothing left on its reactor. */
BIGHT_API struct bight_reactor *bight_http_request_reactor(const struct bight_http_request *request);

/* ------------------------------------------------------------------------------------------ the body */

/* A handler that does not read does not receive (A4): nothing of a body is taken from the socket before it is asked
 * for, and then as fast as it is used. It can be asked for in one way, once, but for bight_http_request_read, as often
 * as there is something left; else the Deferred fails with USAGE. A Deferred fails with TOO_LONG past the limit, SYNTAX
 * for a coding that is broken, INCOMPLETE when the client ended it early, TIMED_OUT for one that sends too slowly, and
 * CLOSED when the client has gone; with HTTP_STATUS, 415, when it has a Content-Encoding
 * (bight_http_request_decode, bight_http_request_accept_encoded); cancelling one ends the asking. After a failure the
 * connection is closed behind the answer. */

/* Bytes of the body: 0 without one, -1 when that is not known before its end. */
BIGHT_API int64_t bight_http_request_content_length(const struct bight_http_request *request);

/* The program takes the body in whatever Content-Encoding it has, as the bytes that came; the field says in which. To
 * be called before the body is asked for. Else one that is not `identity` is refused then: 415, with Accept-Encoding
 * (RFC 9110, section 15.5.16), and nothing of it is read. A body that is not asked for is not refused. */
BIGHT_API void bight_http_request_accept_encoded(struct bight_http_request *request);

/* A body in gzip is decoded: all that reads it gets what it stands for, and that is what counts for its limit, too. To
 * be called before the body is asked for; of this and bight_http_request_accept_encoded the last one counts. Other
 * codings, and more than one, are 415 with `Accept-Encoding: gzip, identity`; what is no gzip, is damaged, ends early
 * or goes on behind its end is SYNTAX, 400. bight_http_request_content_length is -1 then; the field Content-Encoding
 * stays. Without zlib nothing is decoded, and a body in gzip is 415.
 *
 * A megabyte may come as a kilobyte: a turn of the loop decodes at most 256 KiB of a body, and only what is wanted. It
 * takes about 45 KB of memory while the body comes. `decode` of struct bight_http_route_options is for a whole route.
 */
BIGHT_API void bight_http_request_decode(struct bight_http_request *request);

/* A Deferred of the whole body (bight_type_bytes), of at most `limit` bytes (0: the route's limit, or the site's). */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_request_collect(
    struct bight_http_request *request, size_t limit);

/* A Deferred of 1 to `limit` bytes (0: 64 KiB) as soon as there are any; at the end of size 0. One at a time. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_request_read(
    struct bight_http_request *request, size_t limit);

/* Who has a body pushed to him. Any slot may be NULL. */
struct bight_http_consumer {
    size_t size; /* sizeof(struct bight_http_consumer) */
    /* 1 byte to 64 KiB; the view ends when it returns. False: no more for now, until bight_http_request_resume. */
    bool (*data)(struct bight_http_request *request, const uint8_t *data, size_t size, void *context);
    /* Once, unless `failed` is: the body was whole. */
    void (*end)(struct bight_http_request *request, void *context);
    /* Once: there will be no more. `failure` is borrowed. Who does not answer has it answered as
     * bight_http_respond_failure does. */
    void (*failed)(struct bight_http_request *request, const struct bight_failure *failure, void *context);
};

/* Pushes a body of at most `limit` bytes (0: the route's limit, or the site's; UINT64_MAX: any) to the consumer;
 * nothing is called inside. The table and the context are borrowed. 0; USAGE when it was asked for before; CLOSED. */
BIGHT_API int bight_http_request_consume(
    struct bight_http_request *request, uint64_t limit, const struct bight_http_consumer *consumer, void *context);
BIGHT_API void bight_http_request_resume(struct bight_http_request *request);

/* Called in the reactor's thread when more of a body has been written: `saved` bytes so far, `length` as of
 * bight_http_request_content_length. May do anything, cancel the saving too. */
typedef void (*bight_http_progress_function)(
    struct bight_http_request *request, uint64_t saved, int64_t length, void *context);

struct bight_http_save_options {
    size_t size;    /* sizeof(struct bight_http_save_options) */
    uint64_t limit; /* 0: the route's, or the site's; UINT64_MAX: any */
    mode_t mode;    /* the file's, whatever the umask; 0: 0600 */
    bool replace;   /* a file that has the name is replaced, in one step; else it is a failure, EEXIST */
    bool no_sync;   /* the Deferred does not wait until the file is on the disk */
    bight_http_progress_function progress; /* NULL: none */
    void *context;
    const void *reserved[4];
};

/* Saves the body to a file, by threads of the reactor's pool, and returns a Deferred of its size (bight_type_integer).
 * The options may be NULL, and are not kept. While a thread writes, up to 128 KiB wait in memory, and the client
 * beyond.
 *
 * Until it is whole the file has another name in the same directory (".bight-" and 16 digits) and the mode 0600; then
 * it is synced, gets its mode and its name, and the directory is synced, so that the name never stands for less than
 * the whole, not even after a crash. Without `replace` that takes a file system with hard links. On any other end (the
 * body's, the client's, the disk's, the reactor's, a cancel) nothing stays of it, but when the process dies, or when it
 * is cancelled in the moment of its naming: then it may be there.
 *
 * It fails as bight_http_request_collect does, and with the errno of what the file system refused (the directory has to
 * be readable, too); an early EEXIST may come before all of the body has. Once the body is whole it is saved though the
 * client goes: tie the Deferred to the request's owner, if it should not be. INVALID_ARGUMENT, a usage error, for a
 * path that ends in no name. The path is the program's: what of it comes from a client is to be checked first. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_request_save(
    struct bight_http_request *request, const char *path, const struct bight_http_save_options *options);

/* The field of the trailers with this name, once the body has ended; NULL: there is none. */
BIGHT_API const char *bight_http_request_trailer(struct bight_http_request *request, const char *name);

/* ------------------------------------------------------------------------------------------ its life */

/* A hold keeps the request, and keeps it waiting for its answer, beyond the handler. When the last one goes and nothing
 * has been answered, the client is answered 500 (A2). Releasing NULL is allowed. */
BIGHT_API struct bight_http_request *bight_http_request_hold(struct bight_http_request *request);
BIGHT_API void bight_http_request_release(struct bight_http_request *request);

/* True while an answer can still reach the client. */
BIGHT_API bool bight_http_request_is_open(const struct bight_http_request *request);

/* For bight_deferred_tie: what is tied is cancelled when the client has gone, when the route's time is over, and when
 * the request has been answered. NULL when out of memory. */
BIGHT_API struct bight_owner *bight_http_request_owner(struct bight_http_request *request);

/* function(request, context) is called once if the client goes before it is answered (A3); NULL takes it back. */
typedef void (*bight_http_gone_function)(struct bight_http_request *request, void *context);
BIGHT_API void bight_http_request_set_gone(
    struct bight_http_request *request, bight_http_gone_function function, void *context);

/* Leaves a value (taken) with the request, for code that knows its type; one of the same type is replaced. NULL and 0
 * for none. OUT_OF_MEMORY: the value has been destroyed. The value goes with the request. */
BIGHT_API int bight_http_request_attach(struct bight_http_request *request, const struct bight_type *type, void *value);
BIGHT_API void *bight_http_request_attached(const struct bight_http_request *request, const struct bight_type *type);

BIGHT_END

#endif
