/* SPDX-License-Identifier: MIT */
/* bight/protocols/http_testing.h - tests of sites without a network. Link with `pkg-config bight-http-testing`.
 *
 *     struct bight_reactor *reactor = bight_testing_reactor_new();
 *     struct bight_deferred *asked = bight_http_testing_get(site, "/users/7");
 *     struct bight_http_response *response = bight_expect_value(asked, &bight_type_http_response);
 *
 * A request goes as bytes over a connection in memory of its own (bight/testing/pair.h) to the production server, and
 * its answer comes back so and is read by a client that believes nothing. It all happens on a testing reactor, in its
 * virtual time. */
#ifndef BIGHT_PROTOCOLS_HTTP_TESTING_H
#define BIGHT_PROTOCOLS_HTTP_TESTING_H

#include <bight/protocols/http_site.h>
#include <bight/testing.h>

BIGHT_BEGIN

/* 0, NULL, false: the default. */
struct bight_http_testing_options {
    size_t size; /* sizeof(struct bight_http_testing_options) */
    /* Lines "Name: value", a NULL behind the last. Host is `localhost` and Content-Length the body's size, unless they
     * are among them. */
    const char *const *fields;
    const void *body; /* NULL: none */
    size_t body_size;
    bool chunked;                  /* the body is sent so */
    size_t chunk;                  /* bytes that cross at once, either way; 0: all that there are */
    size_t limit;                  /* bytes of the answer's body: 16 MiB */
    struct bight_reactor *reactor; /* a testing reactor; NULL: the site's, or else that of bight_testing_reactor() */
    const void *reserved[4];
};

/* Asks the site: a Deferred of the answer (bight_type_http_response), whatever its status. All that can happen without
 * time passing has happened when this returns, unless it is called inside a handler. Any number may be under way.
 *
 * It fails with INCOMPLETE or another of the kind CONNECTION when the connection ends before the answer is whole, with
 * SYNTAX for one that is no HTTP, with TOO_LONG past the limit, with CONFIGURATION for a site that could not be served,
 * INVALID_ARGUMENT for a request that would not be one and FACTORY_IN_USE for a site that another reactor serves.
 * Cancelling it resets the connection, so that the site sees its client go. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_testing_request(struct bight_http_site *site,
    const char *method, const char *target, const struct bight_http_testing_options *options);

BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_testing_get(
    struct bight_http_site *site, const char *target);

/* `type` is the body's Content-Type, NULL: none. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_testing_post(
    struct bight_http_site *site, const char *target, const char *type, const void *data, size_t size);

/* The body of an answer that was given by these, with a NUL behind it; "" for NULL. It lives as long as the answer. */
BIGHT_API const char *bight_http_testing_text(const struct bight_http_response *response);

BIGHT_END

#endif
