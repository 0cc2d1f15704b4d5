/* SPDX-License-Identifier: MIT */
/* site_support.h - a site on a testing reactor, and a peer in memory that says bytes and reads answers. */
#ifndef BIGHT_TEST_HTTP_SITE_SUPPORT_H
#define BIGHT_TEST_HTTP_SITE_SUPPORT_H

#include <bight/protocols/http.h>
#include <bight/testing.h>

#include "support.h"

static struct bight_reactor *reactor;
static struct bight_http_site *site;
static struct bight_string_peer *peer;

static inline void begin_site(const struct bight_http_site_options *options)
{
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new_full(options);
    ck_assert_ptr_nonnull(reactor);
    ck_assert_ptr_nonnull(site);
}

/* A new connection; the one before, if it is still there, stays. */
static inline struct bight_string_peer *connect_peer(void)
{
    peer = bight_string_connect(reactor, bight_http_site_factory(site), true);
    ck_assert_ptr_nonnull(peer);
    return peer;
}

static inline void end_site(void)
{
    bight_string_peer_free(peer);
    peer = NULL;
    bight_reactor_free(reactor);
    bight_http_site_free(site);
}

static inline const char *say(const char *text)
{
    (void)bight_string_feed_text(peer, text);
    return bight_string_written_text(peer);
}

/* What was answered since, and forgotten then. The text stays until the next call. */
static inline const char *take_answer(void)
{
    static char text[1 << 20];
    size_t size;
    const uint8_t *written = bight_string_written(peer, &size);
    ck_assert_uint_lt(size, sizeof text);
    memcpy(text, written, size);
    text[size] = '\0';
    bight_string_clear(peer);
    return text;
}

/* Behind the first empty line; NULL: there is none. */
static inline const char *body_of(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    return end != NULL ? end + 4 : NULL;
}

static inline bool has_line(const char *answer, const char *line)
{
    char wanted[512];
    (void)snprintf(wanted, sizeof wanted, "%s\r\n", line);
    return strstr(answer, wanted) != NULL;
}

static inline size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + strlen(part), part)) {
        count++;
    }
    return count;
}

#endif
