/* SPDX-License-Identifier: MIT */
/* http_get_many.c - 500 pages of a site, at most 100 at a time, with coroutines: a hundred of them, each of which
 * fetches the next page that nobody has begun. http_get.c does so with callbacks. */
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <stdio.h>

enum { PAGES = 500, WORKERS = 100 };

static struct bight_reactor *reactor;
static struct bight_http_client *client;
static const char *site = "http://127.0.0.1:8888";
static size_t next, found, bytes;

static void work(struct bight_result *result, void *context)
{
    (void)context;
    while (next < PAGES) {
        char url[256];
        snprintf(url, sizeof url, "%s/pages/%zu", site, next++);
        if (bight_await(bight_http_get(client, url), result) != 0) {
            return; /* with the failure, which ends all */
        }
        struct bight_http_response *page = bight_result_peek(result, &bight_type_http_response);
        found += bight_http_response_status(page) == 200;
        bytes += bight_bytes_size(bight_http_response_body(page));
    }
}

static struct bight_deferred *begin(size_t index, void *context)
{
    (void)index;
    return bight_spawn(reactor, work, context);
}

static void fetch_all(struct bight_result *result, struct bight_reactor *running, int argc, char **argv)
{
    const struct bight_http_client_options options = { .size = sizeof options, .max_per_host = WORKERS };
    reactor = running;
    site = argc > 1 ? argv[1] : site;
    client = bight_http_client_new(reactor, &options);
    if (bight_await(bight_map_limited(begin, WORKERS, WORKERS, 0, NULL), result) == 0) {
        printf("%d pages, %zu found, %zu bytes\n", PAGES, found, bytes);
    }
    bight_http_client_free(client);
}

int main(int argc, char **argv)
{
    return bight_main_coroutine(fetch_all, argc, argv);
}
