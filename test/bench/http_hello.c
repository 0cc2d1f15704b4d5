/* SPDX-License-Identifier: MIT */
/* http_hello.c - says "Hello, World!" through a site with one route, or with 200 of which one has two parameters; or
 * with those and what an application has in front of them: an access log, request ids, limits of time, and the
 * protection across origins, which is on by default.
 *
 * Usage: http_hello ENDPOINT [routes | app [LOG]] */
#include <stdio.h>
#include <string.h>

#include <bight/bight.h>
#include <bight/protocols/http.h>

static void say_hello(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond(request, 200, "text/plain", "Hello, World!", 13);
}

static void nothing(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_empty(request, 204);
}

/* Both parameters are asked for, and an owner and a time limit are there. */
static void show_item(struct bight_http_request *request, void *context)
{
    (void)context;
    bool known = bight_http_request_parameter(request, "user") != NULL &&
                 bight_http_request_parameter(request, "item") != NULL && bight_http_request_owner(request) != NULL;
    (void)bight_http_respond(request, known ? 200 : 500, "text/plain", "Hello, World!", 13);
}

static void add_many(struct bight_http_site *site)
{
    const struct bight_http_route_options options = { .size = sizeof options, .seconds = 10 };
    char pattern[64];
    for (int i = 0; i < 199; i++) {
        (void)snprintf(pattern, sizeof pattern, "GET /section%d/page%d", i / 10, i);
        (void)bight_http_route(site, pattern, nothing, NULL);
    }
    (void)bight_http_route_full(site, "GET /users/{user}/items/{item}", show_item, NULL, NULL, &options);
}

static void use_middleware(struct bight_http_site *site, const char *path)
{
    const struct bight_http_access_log_options log = { .size = sizeof log, .path = path };
    (void)bight_http_use_access_log(site, &log);
    (void)bight_http_use_request_id(site, NULL);
    (void)bight_http_use_limits(site, NULL);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: http_hello ENDPOINT [routes | app [LOG]]\n");
        return 64;
    }
    const struct bight_http_site_options options = { .size = sizeof options, .request_limit = UINT32_MAX };
    struct bight_http_site *site = bight_http_site_new_full(&options);
    (void)bight_http_route(site, "GET /", say_hello, NULL);
    if (argc > 2) {
        add_many(site);
    }
    if (argc > 2 && strcmp(argv[2], "app") == 0) {
        use_middleware(site, argc > 3 ? argv[3] : "/dev/null");
    }
    struct bight_reactor *reactor = bight_reactor_new();
    bight_serve(reactor, argv[1], bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    return status;
}
