/* SPDX-License-Identifier: MIT */
/* http_votes_test.c - the tests of http_votes.c, which need no network and no time. */
#undef NDEBUG
#include <bight/protocols/http_testing.h>
#include <bight/testing/trial.h>

#include <assert.h>
#include <string.h>

#include "http_votes.h"

static struct bight_reactor *reactor;
static struct bight_http_site *site;

/* The answer must be there, with this status and body. */
static void expect(struct bight_deferred *asked, int status, const char *body)
{
    struct bight_http_response *response = bight_expect_value(asked, &bight_type_http_response);
    assert(bight_http_response_status(response) == status);
    assert(strcmp(bight_http_testing_text(response), body) == 0);
    bight_http_response_release(response);
    bight_deferred_release(asked);
}

static void votes_are_counted(void)
{
    expect(bight_http_testing_get(site, "/votes/red"), 200, "0\n");
    expect(bight_http_testing_post(site, "/votes/red", NULL, NULL, 0), 204, "");
    expect(bight_http_testing_get(site, "/votes/red"), 200, "1\n");
}

static void nobody_stands_for_green(void)
{
    expect(bight_http_testing_get(site, "/votes/green"), 404, "404 Not Found\nnobody stands for that\n");
}

static void votes_are_not_cached(void)
{
    struct bight_deferred *asked = bight_http_testing_get(site, "/votes/red");
    struct bight_http_response *response = bight_expect_value(asked, &bight_type_http_response);
    assert(strcmp(bight_http_response_field(response, "Cache-Control"), "no-store") == 0);
    bight_http_response_release(response);
    bight_deferred_release(asked);
}

static void who_has_won_is_told_when_the_poll_is_over(void)
{
    struct bight_deferred *asked = bight_http_testing_get(site, "/result");
    expect(bight_http_testing_post(site, "/votes/red", NULL, NULL, 0), 204, "");
    bight_testing_advance(reactor, 3599);
    bight_expect_no_result(asked);
    bight_testing_advance(reactor, 1);
    expect(asked, 200, "red\n");
}

static void a_request_may_have_fields_and_come_byte_by_byte(void)
{
    static const char *const fields[] = { "Host: votes.example.org", "Accept: text/html", NULL };
    const struct bight_http_testing_options options = { .size = sizeof options, .fields = fields, .chunk = 1 };
    expect(bight_http_testing_request(site, "GET", "/votes/blue", &options), 200, "0\n");
}

static void try(void (*test)(void))
{
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    add_votes(site);
    test();
    bight_reactor_free(reactor);
    bight_http_site_free(site);
}

int main(void)
{
    try(votes_are_counted);
    try(nobody_stands_for_green);
    try(votes_are_not_cached);
    try(who_has_won_is_told_when_the_poll_is_over);
    try(a_request_may_have_fields_and_come_byte_by_byte);
    return 0;
}
