/* SPDX-License-Identifier: MIT */
/* http_middle.c - a site with all of the middleware that bight provides, for clients that are not bight's.
 *
 *     http_middle ENDPOINT LOG USERS PAGE ORIGIN
 *
 * The endpoint's peers are trusted proxies; ORIGIN may read answers; users of the file get below /private. SIGUSR1 has
 * the log opened again. */
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

static void hello(struct bight_http_request *request, void *context)
{
    (void)context;
    bight_http_respond_set(request, "X-Total", "42");
    bight_http_respond_text(request, 200, bight_http_request_method(request));
}

static void tell_client(struct bight_http_request *request, void *context)
{
    struct bight_address address;
    char text[BIGHT_ADDRESS_TEXT_SIZE] = "", said[600];
    (void)context;
    if (bight_http_request_peer(request, &address) == 0) {
        bight_address_format(&address, text, sizeof text);
    }
    snprintf(said, sizeof said, "%s %s %s\n", address.family == BIGHT_ADDRESS_UNIX ? "unix" : text,
        bight_http_request_is_secure(request) ? "https" : "http", bight_http_request_id(request));
    bight_http_respond_text(request, 200, said);
}

static void tell_user(struct bight_http_request *request, void *context)
{
    (void)context;
    bight_http_respond_text(request, 200, bight_http_request_user(request));
}

static void show_page(struct bight_http_request *request, void *context)
{
    bight_http_respond_file(request, context);
}

/* A page has loaded when its image has been answered. */
static struct bight_http_request *held;

static void hold(struct bight_http_request *request, void *context)
{
    (void)context;
    held = bight_http_request_hold(request);
}

static void release(struct bight_http_request *request, void *context)
{
    (void)context;
    if (held != NULL) {
        bight_http_respond_empty(held, 204);
        bight_http_request_release(held);
        held = NULL;
    }
    bight_http_respond_empty(request, 204);
}

static void reopen(int number, void *context)
{
    (void)number;
    bight_http_access_log_reopen(context);
}

static void use_all(struct bight_http_site *site, const char *log_path, const char *origin)
{
    static const char *const proxies[] = { "127.0.0.1", "::1", "unix", NULL };
    const char *const origins[] = { origin, NULL };
    const struct bight_http_access_log_options log = {
        .size = sizeof log, .path = log_path, .flush_seconds = 0.05, .with_request_id = true
    };
    const struct bight_http_cors_options cors = {
        .size = sizeof cors,
        .origins = origins,
        .methods = "GET, PUT",
        .fields = "Content-Type, X-Key",
        .exposed = "X-Total",
        .credentials = true,
    };
    const struct bight_http_rate_limit_options rate = { .size = sizeof rate, .rate = 1, .burst = 100 };
    bight_http_use_trusted_proxies(site, proxies, NULL);
    bight_http_use_access_log(site, &log);
    bight_http_use_request_id(site, NULL);
    bight_http_use_rate_limit(site, &rate);
    bight_http_use_security_fields(site, NULL);
    bight_http_use_cors(site, &cors);
    bight_http_use_limits(site, NULL);
}

static struct bight_http_site *new_private(const char *users)
{
    struct bight_http_site *site = bight_http_site_new();
    const struct bight_http_basic_auth_options auth = { .size = sizeof auth, .file = users };
    bight_http_use_basic_auth(site, "private", &auth);
    bight_http_route(site, "GET /", tell_user, NULL);
    return site;
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: http_middle ENDPOINT LOG USERS PAGE ORIGIN\n");
        return 64;
    }
    bight_log_set_level(BIGHT_LOG_INFO);
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_http_site *site = bight_http_site_new(), *private = new_private(argv[3]);
    use_all(site, argv[2], argv[5]);
    bight_http_route(site, "/", hello, NULL);
    bight_http_route(site, "GET /client", tell_client, NULL);
    bight_http_route(site, "GET /page", show_page, argv[4]);
    bight_http_route(site, "GET /held", hold, NULL);
    bight_http_route(site, "POST /release", release, NULL);
    bight_http_mount(site, "/private", private);
    bight_on_signal(reactor, SIGUSR1, reopen, site);
    bight_serve(reactor, argv[1], bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_http_site_free(site);
    bight_http_site_free(private);
    bight_reactor_free(reactor);
    return status;
}
