/* SPDX-License-Identifier: MIT */
/* http_hello.c - a site of one page. */
#include <bight/bight.h>
#include <bight/protocols/http.h>

static void hello(struct bight_http_request *request, void *context)
{
    (void)context;
    bight_http_respond_text(request, 200, "Hello, world\n");
}

int main(int argc, char **argv)
{
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_http_site *site = bight_http_site_new();
    bight_http_route(site, "GET /", hello, NULL);
    bight_serve(reactor, argc > 1 ? argv[1] : "tcp:8888", bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_http_site_free(site);
    bight_reactor_free(reactor);
    return status;
}
