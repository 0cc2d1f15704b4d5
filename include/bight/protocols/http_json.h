/* SPDX-License-Identifier: MIT */
/* bight/protocols/http_json.h - bodies that are JSON (RFC 8259), by the library jansson.
 *
 *     #include <jansson.h>
 *     bight_http_respond_json(request, 200, json_pack("{s:s, s:f}", "name", name, "celsius", celsius));
 *
 * A program that makes and reads values includes <jansson.h> and links jansson itself; nothing of it is included here.
 * bight built without it (the Meson feature `json`) has these functions too, and they answer NOT_SUPPORTED.
 *
 * jansson's memory is its own: malloc's, since json_set_alloc_funcs is the program's to call. It does not go through
 * bight's hook, which cannot count it, bound it, or refuse it in tests; of the texts that are sent all does but what
 * jansson needs for making them. */
#ifndef BIGHT_PROTOCOLS_HTTP_JSON_H
#define BIGHT_PROTOCOLS_HTTP_JSON_H

#include <bight/protocols/http_respond.h>

BIGHT_BEGIN

struct json_t; /* jansson's */

/* A value as a Deferred's: with bight_http_respond_later it is the answer, 200. Destroying it is json_decref. */
BIGHT_API extern const struct bight_type bight_type_json;

/* False: bight was built without jansson. */
BIGHT_API bool bight_http_has_json(void);

/* How deep what a client sends may be nested. */
#define BIGHT_HTTP_JSON_DEPTH 64

/* A Deferred of the body as a value (bight_type_json), of any kind, from at most `limit` bytes (0: the route's limit,
 * or the site's): they are collected, and read in the loop's thread, a megabyte in about ten milliseconds. It fails as
 * bight_http_request_collect does, and with HTTP_STATUS:
 * - 400 for what is no JSON, with line and column; for an object that has a name twice, nesting that is deeper than
 *   above, and what a json_t cannot hold: NUL in a text, numbers out of range (A11);
 * - 415 for a body whose Content-Type is not application/json or of the kind application/problem+json, or says another
 *   charset than UTF-8. It is not read then. One without a type is refused as well: a page of another site may send it
 *   without its browser asking first. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_request_json(
    struct bight_http_request *request, size_t limit);

/* Answers with a value, which is taken in any case: json_incref before to keep it. NULL, of what could not be made:
 * 500. So is what cannot be written: a text that is not UTF-8, a value inside itself. Its names stay in the order in
 * which they were set. The codes of bight_http_respond. */
BIGHT_API int bight_http_respond_json(struct bight_http_request *request, int status, struct json_t *json);

/* The body of a response, taken in any case. 0; OUT_OF_MEMORY, also for NULL; INVALID_ARGUMENT for what cannot be
 * written. Any thread. */
BIGHT_API int bight_http_response_take_json(struct bight_http_response *response, struct json_t *json);

BIGHT_END

#endif
