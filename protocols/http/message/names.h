/* SPDX-License-Identifier: MIT */
/* names.h - the methods and the names of fields that the library itself knows: small numbers in place of text.
 *
 * Nothing here says what a name means. RFC 9110, 9111, 9112. */
#ifndef BI_HTTP_NAMES_H
#define BI_HTTP_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each with its first and its last letter, which with its length tell it from all others (names.c). The first three are
 * those that browsers may send to anybody (bi_method_is_harmless). BI_METHOD_OTHER: any other token. */
/* clang-format off */
#define BI_METHODS(each) \
    each(GET, "GET", 'G', 'T') \
    each(HEAD, "HEAD", 'H', 'D') \
    each(OPTIONS, "OPTIONS", 'O', 'S') \
    each(POST, "POST", 'P', 'T') \
    each(PUT, "PUT", 'P', 'T') \
    each(DELETE, "DELETE", 'D', 'E') \
    each(CONNECT, "CONNECT", 'C', 'T') \
    each(TRACE, "TRACE", 'T', 'E') \
    each(PATCH, "PATCH", 'P', 'H')
/* clang-format on */

enum bi_method {
    BI_METHOD_OTHER,
#define BI_METHOD_MEMBER(name, text, first, last) BI_METHOD_##name,
    BI_METHODS(BI_METHOD_MEMBER)
#undef BI_METHOD_MEMBER
        BI_METHOD_COUNT
};

/* GET, HEAD, OPTIONS: what changes nothing, and needs no protection across origins (A7). */
static inline bool bi_method_is_harmless(unsigned method)
{
    return method - BI_METHOD_GET <= BI_METHOD_OPTIONS - BI_METHOD_GET;
}

/* Lower case, letters and hyphens, at most 31 of them; fewer than 64 names, since sets of them are kept in 64 bits.
 * BI_NAME_OTHER: any other token. */
/* clang-format off */
#define BI_NAMES(each) \
    each(ACCEPT, "accept", 'a', 't') \
    each(ACCEPT_ENCODING, "accept-encoding", 'a', 'g') \
    each(ACCEPT_LANGUAGE, "accept-language", 'a', 'e') \
    each(ALLOW, "allow", 'a', 'w') \
    each(AUTHORIZATION, "authorization", 'a', 'n') \
    each(CACHE_CONTROL, "cache-control", 'c', 'l') \
    each(CONNECTION, "connection", 'c', 'n') \
    each(CONTENT_ENCODING, "content-encoding", 'c', 'g') \
    each(CONTENT_LENGTH, "content-length", 'c', 'h') \
    each(CONTENT_RANGE, "content-range", 'c', 'e') \
    each(CONTENT_TYPE, "content-type", 'c', 'e') \
    each(COOKIE, "cookie", 'c', 'e') \
    each(DATE, "date", 'd', 'e') \
    each(ETAG, "etag", 'e', 'g') \
    each(EXPECT, "expect", 'e', 't') \
    each(FORWARDED, "forwarded", 'f', 'd') \
    each(HOST, "host", 'h', 't') \
    each(IF_MATCH, "if-match", 'i', 'h') \
    each(IF_MODIFIED_SINCE, "if-modified-since", 'i', 'e') \
    each(IF_NONE_MATCH, "if-none-match", 'i', 'h') \
    each(IF_RANGE, "if-range", 'i', 'e') \
    each(IF_UNMODIFIED_SINCE, "if-unmodified-since", 'i', 'e') \
    each(KEEP_ALIVE, "keep-alive", 'k', 'e') \
    each(LAST_MODIFIED, "last-modified", 'l', 'd') \
    each(LOCATION, "location", 'l', 'n') \
    each(ORIGIN, "origin", 'o', 'n') \
    each(PROXY_AUTHENTICATE, "proxy-authenticate", 'p', 'e') \
    each(PROXY_AUTHORIZATION, "proxy-authorization", 'p', 'n') \
    each(PROXY_CONNECTION, "proxy-connection", 'p', 'n') \
    each(RANGE, "range", 'r', 'e') \
    each(REFERER, "referer", 'r', 'r') \
    each(SEC_FETCH_SITE, "sec-fetch-site", 's', 'e') \
    each(SEC_WEBSOCKET_ACCEPT, "sec-websocket-accept", 's', 't') \
    each(SEC_WEBSOCKET_EXTENSIONS, "sec-websocket-extensions", 's', 's') \
    each(SEC_WEBSOCKET_KEY, "sec-websocket-key", 's', 'y') \
    each(SEC_WEBSOCKET_PROTOCOL, "sec-websocket-protocol", 's', 'l') \
    each(SEC_WEBSOCKET_VERSION, "sec-websocket-version", 's', 'n') \
    each(SERVER, "server", 's', 'r') \
    each(SET_COOKIE, "set-cookie", 's', 'e') \
    each(TE, "te", 't', 'e') \
    each(TRAILER, "trailer", 't', 'r') \
    each(TRANSFER_ENCODING, "transfer-encoding", 't', 'g') \
    each(UPGRADE, "upgrade", 'u', 'e') \
    each(UPGRADE_INSECURE_REQUESTS, "upgrade-insecure-requests", 'u', 's') \
    each(USER_AGENT, "user-agent", 'u', 't') \
    each(VARY, "vary", 'v', 'y') \
    each(WWW_AUTHENTICATE, "www-authenticate", 'w', 'e') \
    each(X_FORWARDED_FOR, "x-forwarded-for", 'x', 'r') \
    each(X_FORWARDED_HOST, "x-forwarded-host", 'x', 't') \
    each(X_FORWARDED_PROTO, "x-forwarded-proto", 'x', 'o')
/* clang-format on */

enum bi_name {
    BI_NAME_OTHER,
#define BI_NAME_MEMBER(name, text, first, last) BI_NAME_##name,
    BI_NAMES(BI_NAME_MEMBER)
#undef BI_NAME_MEMBER
        BI_NAME_COUNT
};

/* The set that holds this name alone: BI_NAME_BIT(HOST). */
#define BI_NAME_BIT(name) (UINT64_C(1) << BI_NAME_##name)

/* Methods have cases, names of fields have none. */
enum bi_method bi_method_find(const uint8_t *text, size_t size);
enum bi_name bi_name_find(const uint8_t *text, size_t size);

/* NUL-terminated; NULL for OTHER. */
const char *bi_method_text(enum bi_method method);
const char *bi_name_text(enum bi_name name);

#endif
