/* SPDX-License-Identifier: MIT */
/* http_files.c - a program with an interface and the pages that use it: /api/greeting answers by itself, /downloads/ is
 * a directory that can be looked at, and everything else is the files of the pages.
 *
 *     http_files ENDPOINT PAGES DOWNLOADS */
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <stdio.h>

static const struct bight_http_file_type types[] = {
    { "log", "text/plain; charset=utf-8" },
    { NULL, NULL },
};

static void greet(struct bight_http_request *request, void *context)
{
    (void)context;
    bight_http_respond_text(request, 200, "hello\n");
}

static void add_files(struct bight_http_site *site, const char *pages, const char *downloads)
{
    struct bight_http_files_options browsed = { .size = sizeof browsed, .listing = true, .types = types };
    struct bight_http_files_options built = {
        .size = sizeof built,
        .cache_seconds = 60,
        .fallback = "index.html",
        .precompressed = BIGHT_HTTP_FILES_BROTLI | BIGHT_HTTP_FILES_GZIP,
    };
    bight_http_files(site, "/downloads/", downloads, &browsed);
    bight_http_files(site, "/", pages, &built);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: http_files ENDPOINT PAGES DOWNLOADS\n");
        return 64;
    }
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_http_site *site = bight_http_site_new();
    bight_http_site_guard_loopback(site, NULL, 0);
    bight_http_route(site, "GET /api/greeting", greet, NULL);
    add_files(site, argv[2], argv[3]);
    bight_serve(reactor, argv[1], bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_http_site_free(site);
    bight_reactor_free(reactor);
    return status;
}
