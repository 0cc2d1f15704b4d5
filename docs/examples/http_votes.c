/* SPDX-License-Identifier: MIT */
/* http_votes.c - a site that counts votes: POST /votes/{name} adds one, GET /votes/{name} tells how many there are, and
 * GET /result answers an hour later, when the poll is over. */
#include "http_votes.h"

#include <string.h>

#define POLL 3600.0

struct poll {
    unsigned red, blue;
};

static unsigned *votes_for(struct bight_http_request *request, struct poll *poll)
{
    const char *name = bight_http_request_parameter(request, "name");
    return strcmp(name, "red") == 0 ? &poll->red : strcmp(name, "blue") == 0 ? &poll->blue : NULL;
}

static void vote(struct bight_http_request *request, void *context)
{
    unsigned *votes = votes_for(request, context);
    if (votes == NULL) {
        bight_http_respond_error(request, 404, "nobody stands for that");
        return;
    }
    ++*votes;
    bight_http_respond_empty(request, 204);
}

static void tell(struct bight_http_request *request, void *context)
{
    const unsigned *votes = votes_for(request, context);
    if (votes == NULL) {
        bight_http_respond_error(request, 404, "nobody stands for that");
        return;
    }
    bight_http_respond_set(request, "Cache-Control", "no-store");
    bight_http_respond_begin(request, 200, "text/plain; charset=utf-8", -1);
    bight_http_respond_writef(request, "%u\n", *votes);
    bight_http_respond_finish(request);
}

static void tell_result(struct bight_http_request *request, struct bight_result *result, void *context)
{
    const struct poll *poll = context;
    if (bight_await(bight_sleep(bight_reactor_clock(bight_http_request_reactor(request)), POLL), result) == 0) {
        bight_http_respond_text(request, 200, poll->red > poll->blue ? "red\n" : "blue\n");
    }
}

void add_votes(struct bight_http_site *site)
{
    static struct poll poll;
    poll = (struct poll) { .red = 0 };
    bight_http_route(site, "POST /votes/{name}", vote, &poll);
    bight_http_route(site, "GET /votes/{name}", tell, &poll);
    bight_http_route_coroutine(site, "GET /result", tell_result, &poll);
}
