/* SPDX-License-Identifier: MIT */
/* site_support.h - a site on a testing reactor, and a peer in memory that says bytes and reads answers. */
#ifndef BIGHT_TEST_HTTP_SITE_SUPPORT_H
#define BIGHT_TEST_HTTP_SITE_SUPPORT_H

#include <bight/log.h>
#include <bight/protocols/http.h>
#include <bight/testing.h>

#include "support.h"

static struct bight_reactor *reactor;
static struct bight_http_site *site;
static struct bight_string_peer *peer;

/* Usage errors and errors in the log since the site began. */
static size_t usage_errors, other_errors;

static inline void count_errors(const struct bight_log_event *event, void *context)
{
    (void)context;
    if (event->level >= BIGHT_LOG_ERROR && event->system != NULL) {
        *(strcmp(event->system, "usage") == 0 ? &usage_errors : &other_errors) += 1;
    }
}

static inline void begin_site(const struct bight_http_site_options *options)
{
    usage_errors = other_errors = 0;
    bight_log_set_observer(count_errors, NULL);
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

static inline void add_route(const char *pattern, bight_http_handler handler)
{
    ck_assert_int_eq(bight_http_route(site, pattern, handler, NULL), 0);
}

static inline void settle(void)
{
    (void)bight_testing_settle(reactor, 1000);
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

/* Nothing more will come: what was written is out, and the connection has been shut or closed. */
static inline bool is_over(void)
{
    return bight_string_is_shut(peer) || bight_string_is_closed(peer);
}

/* Lets time pass, the peer sending `text` each second; false: the connection has ended before. */
static inline bool trickle(const char *text, unsigned seconds)
{
    for (unsigned i = 0; i < seconds && !is_over(); i++) {
        bight_testing_advance(reactor, 1);
        if (!is_over()) {
            (void)bight_string_feed_text(peer, text);
        }
    }
    return !is_over();
}

#endif
