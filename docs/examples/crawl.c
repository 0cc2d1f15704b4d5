/* SPDX-License-Identifier: MIT */
/* crawl.c - fetches pages of a site over HTTP, three at a time, each within so many seconds.
 *
 * Usage: crawl ENDPOINT SECONDS PATH ... */
#include <bight/bight.h>

#include <stdio.h>
#include <stdlib.h>

static struct bight_reactor *reactor;
static const char *site;
static double seconds;
static char **paths;

static void request(struct bight_stream *stream, const char *path)
{
    bight_stream_write_text(stream, "GET ");
    bight_stream_write_text(stream, path);
    bight_stream_write_text(stream, " HTTP/1.0\r\n\r\n");
}

/* The result is the page, as bytes. */
static void fetch(struct bight_result *result, void *path)
{
    if (bight_await(bight_open_stream(reactor, site), result) != 0) {
        return;
    }
    struct bight_stream *stream = bight_result_take(result, &bight_type_stream);
    request(stream, path);
    if (bight_await(bight_stream_read_until(stream, "\r\n\r\n", 4, 1 << 14), result) == 0) { /* the head */
        (void)bight_await(bight_stream_read_all(stream, 1 << 20), result);
    }
    bight_stream_abort(stream);
    bight_stream_release(stream);
}

static struct bight_deferred *begin(size_t index, void *context)
{
    (void)context;
    struct bight_deferred *page = bight_spawn(reactor, fetch, paths[index]);
    bight_deferred_add_timeout(page, seconds, bight_reactor_clock(reactor));
    return page;
}

static void print_pages(const struct bight_results *pages)
{
    for (size_t i = 0; i < pages->count; i++) {
        const struct bight_failure *failure = bight_result_failure(&pages->items[i]);
        if (failure != NULL) {
            printf("%s: %s\n", paths[i], bight_failure_message(failure));
        } else {
            printf("%s: %zu bytes\n", paths[i], bight_bytes_size(pages->items[i].value));
        }
    }
}

static void crawl(struct bight_result *result, struct bight_reactor *started, int argc, char **argv)
{
    if (argc < 3) {
        bight_result_fail(result, bight_failure_new(BIGHT_E_MISSING_ARGUMENT, 0, NULL, "ENDPOINT and SECONDS, please"));
        return;
    }
    reactor = started;
    site = argv[1];
    seconds = strtod(argv[2], NULL);
    paths = argv + 3;
    if (bight_await(bight_map_limited(begin, (size_t)argc - 3, 3, BIGHT_ALL_OUTCOMES, NULL), result) != 0) {
        return;
    }
    print_pages(bight_result_peek(result, &bight_type_results));
}

int main(int argc, char **argv)
{
    return bight_main_coroutine(crawl, argc, argv);
}
