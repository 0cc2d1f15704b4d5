/* SPDX-License-Identifier: MIT */
/* cookies_support.h - a jar of cookies on a simulated network, and what it would send. The clock says 2030-01-01. */
#ifndef BIGHT_TEST_HTTP_COOKIES_SUPPORT_H
#define BIGHT_TEST_HTTP_COOKIES_SUPPORT_H

#include "http/client/cookie_jar.h"
#include "http/client/suffixes.h"

#include "client_support.h"

#define NOW INT64_C(1893456000)
#define DAY INT64_C(86400)

static struct bight_http_cookie_jar *jar;

static inline void begin_jar(const struct bight_http_cookie_jar_options *options)
{
    begin_world(NULL);
    jar = bight_http_cookie_jar_new(client_reactor, options);
    ck_assert_ptr_nonnull(jar);
}

static inline void end_jar(void)
{
    bight_http_cookie_jar_release(jar);
    end_world();
}

/* The value of Cookie for a call of this URL. */
static inline const char *sent_to(const char *url)
{
    static char text[BI_COOKIES_FIELD + 1];
    struct bi_url parsed;
    struct bi_cookie_target target;
    uint8_t host[BI_COOKIE_MAX_DOMAIN];
    ck_assert(bi_url_parse(&parsed, bi_view_of(url)));
    bi_cookie_target_of(&target, &parsed, bi_view_of(url), host);
    size_t size = bi_cookie_store_choose(&jar->store, &target, bi_cookie_jar_now(jar));
    ck_assert_uint_lt(size, sizeof text);
    uint8_t *end = bi_cookie_store_write(&jar->store, (uint8_t *)text);
    ck_assert_uint_eq((size_t)(end - (uint8_t *)text), size);
    *end = '\0';
    return text;
}

__attribute__((unused)) static void set(const char *url, const char *cookie)
{
    ck_assert_int_eq(bight_http_cookie_jar_set(jar, url, cookie), 0);
}

static inline size_t count_cookies(void)
{
    size_t count = 0;
    const struct bight_http_kept_cookie *cookie = NULL;
    while ((cookie = bight_http_cookie_jar_next(jar, cookie)) != NULL) {
        count++;
    }
    return count;
}

#endif
