/* SPDX-License-Identifier: MIT */
/* names.h - the methods and the names of fields that the library itself knows: small numbers in place of text.
 *
 * Nothing here says what a name means. RFC 9110, 9111, 9112. */
#ifndef BI_HTTP_NAMES_H
#define BI_HTTP_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* BI_METHOD_OTHER: any other token. */
/* clang-format off */
#define BI_METHODS(each) \
    each(GET, "GET") \
    each(HEAD, "HEAD") \
    each(POST, "POST") \
    each(PUT, "PUT") \
    each(DELETE, "DELETE") \
    each(CONNECT, "CONNECT") \
    each(OPTIONS, "OPTIONS") \
    each(TRACE, "TRACE") \
    each(PATCH, "PATCH")
/* clang-format on */

enum bi_method {
    BI_METHOD_OTHER,
#define BI_METHOD_MEMBER(name, text) BI_METHOD_##name,
    BI_METHODS(BI_METHOD_MEMBER)
#undef BI_METHOD_MEMBER
        BI_METHOD_COUNT
};

/* Lower case. BI_NAME_OTHER: any other token. */
/* clang-format off */
#define BI_NAMES(each) \
    each(ACCEPT, "accept") \
    each(ACCEPT_ENCODING, "accept-encoding") \
    each(ACCEPT_LANGUAGE, "accept-language") \
    each(ALLOW, "allow") \
    each(AUTHORIZATION, "authorization") \
    each(CACHE_CONTROL, "cache-control") \
    each(CONNECTION, "connection") \
    each(CONTENT_ENCODING, "content-encoding") \
    each(CONTENT_LENGTH, "content-length") \
    each(CONTENT_RANGE, "content-range") \
    each(CONTENT_TYPE, "content-type") \
    each(COOKIE, "cookie") \
    each(DATE, "date") \
    each(ETAG, "etag") \
    each(EXPECT, "expect") \
    each(HOST, "host") \
    each(IF_MATCH, "if-match") \
    each(IF_MODIFIED_SINCE, "if-modified-since") \
    each(IF_NONE_MATCH, "if-none-match") \
    each(IF_RANGE, "if-range") \
    each(IF_UNMODIFIED_SINCE, "if-unmodified-since") \
    each(KEEP_ALIVE, "keep-alive") \
    each(LAST_MODIFIED, "last-modified") \
    each(LOCATION, "location") \
    each(ORIGIN, "origin") \
    each(PROXY_AUTHORIZATION, "proxy-authorization") \
    each(RANGE, "range") \
    each(REFERER, "referer") \
    each(SEC_FETCH_SITE, "sec-fetch-site") \
    each(SEC_WEBSOCKET_KEY, "sec-websocket-key") \
    each(SERVER, "server") \
    each(SET_COOKIE, "set-cookie") \
    each(TE, "te") \
    each(TRAILER, "trailer") \
    each(TRANSFER_ENCODING, "transfer-encoding") \
    each(UPGRADE, "upgrade") \
    each(UPGRADE_INSECURE_REQUESTS, "upgrade-insecure-requests") \
    each(USER_AGENT, "user-agent") \
    each(VARY, "vary") \
    each(X_FORWARDED_FOR, "x-forwarded-for") \
    each(X_FORWARDED_PROTO, "x-forwarded-proto")
/* clang-format on */

enum bi_name {
    BI_NAME_OTHER,
#define BI_NAME_MEMBER(name, text) BI_NAME_##name,
    BI_NAMES(BI_NAME_MEMBER)
#undef BI_NAME_MEMBER
        BI_NAME_COUNT
};

/* Methods have cases, names of fields have none. */
enum bi_method bi_method_find(const uint8_t *text, size_t size);
enum bi_name bi_name_find(const uint8_t *text, size_t size);

/* NUL-terminated; NULL for OTHER. */
const char *bi_method_text(enum bi_method method);
const char *bi_name_text(enum bi_name name);

#endif
