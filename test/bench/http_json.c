/* SPDX-License-Identifier: MIT */
/* http_json.c - answers each JSON value with itself, read and written; or, to tell what that costs, each body with
 * itself.
 *
 * Usage: http_json ENDPOINT [bytes]
 *
 *     http_json tcp:8888 & ab -k -c 64 -n 500000 -T application/json -p 1KiB.json http://127.0.0.1:8888/ */
#include <stdio.h>
#include <string.h>

#include <bight/bight.h>
#include <bight/protocols/http.h>

static void echo_json(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_later(request, bight_http_request_json(request, 0));
}

static void echo_bytes(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_later(request, bight_http_request_collect(request, 0));
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: http_json ENDPOINT [bytes]\n");
        return 64;
    }
    bool as_bytes = argc > 2 && strcmp(argv[2], "bytes") == 0;
    const struct bight_http_site_options options = { .size = sizeof options, .request_limit = UINT32_MAX };
    struct bight_http_site *site = bight_http_site_new_full(&options);
    (void)bight_http_route(site, "POST /", as_bytes ? echo_bytes : echo_json, NULL);
    struct bight_reactor *reactor = bight_reactor_new();
    bight_serve(reactor, argv[1], bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    return status;
}
