/* SPDX-License-Identifier: MIT */
/* http_get.c - 500 pages of a site, at most 100 at a time. With callbacks; http_get_await.c asks with a coroutine. */
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <stdio.h>

static struct bight_http_client *client;

static struct bight_deferred *get(size_t index, void *site)
{
    char url[256];
    snprintf(url, sizeof url, "%s/pages/%zu", (const char *)site, index);
    return bight_http_get(client, url);
}

static void report(struct bight_result *result, void *context)
{
    const struct bight_results *pages = bight_result_peek(result, &bight_type_results);
    size_t found = 0, bytes = 0;
    (void)context;
    for (size_t i = 0; i < pages->count; i++) {
        struct bight_http_response *page = bight_result_peek(&pages->items[i], &bight_type_http_response);
        found += bight_http_response_status(page) == 200;
        bytes += bight_bytes_size(bight_http_response_body(page));
    }
    printf("%zu pages, %zu found, %zu bytes\n", pages->count, found, bytes);
}

static void done(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    bight_http_client_free(client);
}

static struct bight_deferred *get_all(struct bight_reactor *reactor, int argc, char **argv)
{
    const struct bight_http_client_options options = { .size = sizeof options, .max_per_host = 100 };
    client = bight_http_client_new(reactor, &options);
    static char here[] = "http://127.0.0.1:8888";
    struct bight_deferred *pages = bight_map_limited(get, 500, 100, 0, argc > 1 ? argv[1] : here);
    bight_deferred_add_callback(pages, report, NULL);
    bight_deferred_add_both(pages, done, NULL);
    return pages;
}

int main(int argc, char **argv)
{
    return bight_main(get_all, argc, argv);
}
