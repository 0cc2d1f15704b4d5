/* SPDX-License-Identifier: MIT */
/* cookie_jar.h - a jar: a store of cookies with a reactor and its clock, and what calls do with it. */
#ifndef BI_HTTP_COOKIE_JAR_H
#define BI_HTTP_COOKIE_JAR_H

#include "http/client/client.h"
#include "http/client/cookie_store.h"

struct bight_http_cookie_jar {
    struct bight_reactor *reactor;
    size_t holds;
    uint64_t key[2]; /* of the store's table */
    struct bi_cookie_store store;
};

/* What a URL is for a jar; `host` is where the target's host is put. */
void bi_cookie_target_of(
    struct bi_cookie_target *target, const struct bi_url *url, struct bi_view text, uint8_t host[BI_COOKIE_MAX_DOMAIN]);

/* Seconds since 1970 UTC. */
int64_t bi_cookie_jar_now(const struct bight_http_cookie_jar *jar);

/* Keeps what a Set-Cookie from there says. 0; SYNTAX: it is ignored; OUT_OF_MEMORY. */
int bi_cookie_jar_take(
    struct bight_http_cookie_jar *jar, const struct bi_cookie_target *from, struct bi_view set_cookie, int64_t now);

/* Whether it can be one that a cookie is for all of: no dot at its end, which would be a way around the list of public
 * suffixes, and ASCII, which is spelt in one way. */
bool bi_cookie_domain_is_sound(struct bi_view domain);

/* The same in lower case, in `room`, with a NUL behind it; it is not longer than that. */
struct bi_view bi_cookie_lower_domain(struct bi_view domain, char room[BI_COOKIE_MAX_DOMAIN + 1]);

/* ------------------------------------------------------------------------------------- cookie_jar_call.c */

/* Keeps what the head says that the parser shows, which has answered the call's target. 0 or OUT_OF_MEMORY. */
int bi_call_take_cookies(const struct bight_http_call *call, const struct bi_response_parser *parser);

/* The size of the value of Cookie for the call, whose client has a jar; 0: it has none. */
size_t bi_call_choose_cookies(const struct bight_http_call *call);
/* Writes it, right behind that; returns behind it. */
uint8_t *bi_call_write_cookies(const struct bight_http_call *call, uint8_t *at);

#endif
