/* SPDX-License-Identifier: MIT */
/* http_sessions.c - a site that knows its visitors again: they log in, are counted, and log out.
 *
 *     http_sessions ENDPOINT */
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <stdio.h>
#include <stdlib.h>

static void show(struct bight_http_request *request, void *context)
{
    char text[200], visits[20];
    const char *user = bight_http_session_get(request, "user");
    const char *before = bight_http_session_get(request, "visits");
    int count = user != NULL ? 1 + (before != NULL ? atoi(before) : 0) : 0;
    (void)context;
    snprintf(text, sizeof text, "%.100s, %d visits\n", user != NULL ? user : "nobody", count);
    if (user != NULL) {
        snprintf(visits, sizeof visits, "%d", count);
        bight_http_session_set(request, "visits", visits);
    }
    bight_http_respond_text(request, 200, text);
}

/* Who it is would be proved here. */
static void log_in(struct bight_http_request *request, void *context)
{
    const char *user = bight_http_request_query(request, "user");
    (void)context;
    bight_http_session_renew(request);
    bight_http_session_set(request, "user", user != NULL ? user : "somebody");
    bight_http_respond_text(request, 200, "welcome\n");
}

static void log_out(struct bight_http_request *request, void *context)
{
    (void)context;
    bight_http_session_end(request);
    bight_http_respond_text(request, 200, "bye\n");
}

int main(int argc, char **argv)
{
    struct bight_http_session_options options = { .size = sizeof options, .idle_seconds = 3600 };
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_http_site *site = bight_http_site_new();
    bight_http_use_sessions(site, &options);
    bight_http_route(site, "GET /", show, NULL);
    bight_http_route(site, "POST /login", log_in, NULL);
    bight_http_route(site, "POST /logout", log_out, NULL);
    bight_serve(reactor, argc > 1 ? argv[1] : "tcp:8888", bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_http_site_free(site);
    bight_reactor_free(reactor);
    return status;
}
