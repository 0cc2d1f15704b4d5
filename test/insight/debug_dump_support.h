/* SPDX-License-Identifier: MIT */
/* debug_dump_support.h - what the tests of the picture of what waits for what share: a reactor in debug mode, the text
 * of a dump, and looking for lines in it.
 *
 * Places are given by hand, so that lines can be compared as a whole but for numbers and ages. */
#ifndef BIGHT_TEST_DEBUG_DUMP_SUPPORT_H
#define BIGHT_TEST_DEBUG_DUMP_SUPPORT_H

#include "support.h"

#include <bight/bight.h>
#include <bight/debug.h>
#include <bight/testing.h>

#include "transport/transport.h"

static struct bight_reactor *reactor;
static char text[65536];
static unsigned writes;

static inline void set_up(void)
{
    bight_deferred_set_debug(true);
    reactor = bight_testing_reactor_new();
    ck_assert_ptr_nonnull(reactor);
}

static inline void tear_down(void)
{
    bight_reactor_free(reactor);
}

static inline void gather(const char *data, size_t size, void *context)
{
    (void)context;
    writes++;
    ck_assert_uint_lt(size, sizeof text);
    memcpy(text, data, size);
    text[size] = '\0';
}

static inline void dump(enum bight_dump_format format)
{
    text[0] = '\0';
    ck_assert_int_eq(bight_debug_dump(reactor, format, gather, NULL), 0);
}

/* The line with `words`, with a NUL behind it, cut out of the text. */
static inline const char *line_with(const char *words)
{
    static char line[4096];
    const char *at = strstr(text, words);
    ck_assert_msg(at != NULL, "no \"%s\" in:\n%s", words, text);
    while (at > text && at[-1] != '\n') {
        at--;
    }
    snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
    return line;
}

static inline void expect(const char *line, const char *words)
{
    ck_assert_msg(strstr(line, words) != NULL, "no \"%s\" in \"%s\"", words, line);
}

static inline void expect_not(const char *line, const char *words)
{
    ck_assert_msg(strstr(line, words) == NULL, "\"%s\" in \"%s\"", words, line);
}

/* "#12", of the Deferred made at this place. */
static inline const char *name_of(const char *place)
{
    static char name[8][32];
    static unsigned next;
    char *mine = name[next++ % 8];
    const char *line = line_with(place);
    ck_assert_int_eq(sscanf(line, " %31s", mine), 1);
    return mine;
}

static inline void chain_inner(struct bight_result *result, void *inner)
{
    bight_result_chain(result, inner);
}

static inline void ignore(void *context)
{
    (void)context;
}

static const struct bight_protocol_ops silent_ops = { .connection_made = NULL };
static struct bight_factory factory = BIGHT_FACTORY(struct bight_protocol, &silent_ops);

#endif
