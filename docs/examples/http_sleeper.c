/* SPDX-License-Identifier: MIT */
/* http_sleeper.c - a site whose pages take a second, or as long as it is told: what http_get.c and http_get_many.c
 * fetch.
 *
 * Usage: http_sleeper [ENDPOINT [SECONDS]] */
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <stdlib.h>

static double seconds = 1;

static void wake(struct bight_result *result, void *context)
{
    struct bight_http_request *request = context;
    bight_result_clear(result);
    bight_http_respond_text(request, 200, bight_http_request_parameter(request, "number"));
}

static void show_page(struct bight_http_request *request, void *context)
{
    (void)context;
    struct bight_deferred *slept = bight_sleep(bight_reactor_clock(bight_http_request_reactor(request)), seconds);
    bight_deferred_add_callback(slept, wake, request);
    bight_http_respond_later(request, slept);
}

int main(int argc, char **argv)
{
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_http_site *site = bight_http_site_new();
    seconds = argc > 2 ? strtod(argv[2], NULL) : seconds;
    bight_http_route(site, "GET /pages/{number}", show_page, NULL);
    bight_serve(reactor, argc > 1 ? argv[1] : "tcp:8888", bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_http_site_free(site);
    bight_reactor_free(reactor);
    return status;
}
