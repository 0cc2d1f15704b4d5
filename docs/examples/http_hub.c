/* SPDX-License-Identifier: MIT */
/* http_hub.c - rooms in which everybody hears what anybody says, and who was away hears what he has missed.
 *
 * Usage: http_hub [ENDPOINT] */
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <string.h>

static void say(struct bight_http_request *request, void *hub)
{
    const char *room = bight_http_request_parameter(request, "room"), *text = bight_http_request_query(request, "text");
    if (text == NULL) {
        bight_http_respond_error(request, 400, "say what?");
        return;
    }
    bight_http_respond_later(request, bight_http_hub_publish(hub, room, text, strlen(text)));
}

static void refuse(struct bight_http_request *request, int code)
{
    if (code != 0 && bight_http_request_is_open(request)) {
        bight_http_respond_error(request, 404, bight_error_text(code));
    }
}

static void follow(struct bight_http_request *request, void *hub)
{
    refuse(request, bight_http_hub_respond_events(hub, request, bight_http_request_parameter(request, "room"), NULL));
}

static void answer_poll(struct bight_http_request *request, void *hub)
{
    refuse(request, bight_http_hub_respond_poll(hub, request, bight_http_request_parameter(request, "room"), 0));
}

int main(int argc, char **argv)
{
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_http_hub *hub = bight_http_hub_new(reactor, NULL);
    struct bight_http_site *site = bight_http_site_new();
    bight_http_route(site, "POST /rooms/{room}", say, hub);
    bight_http_route(site, "GET /rooms/{room}", follow, hub);
    bight_http_route(site, "GET /rooms/{room}/poll", answer_poll, hub);
    bight_serve(reactor, argc > 1 ? argv[1] : "tcp:8888", bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_http_hub_free(hub);
    bight_http_site_free(site);
    bight_reactor_free(reactor);
    return status;
}
