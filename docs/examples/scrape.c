/* SPDX-License-Identifier: MIT */
/* scrape.c - fetches pages of a site, so many at once, each tried up to four times, and tells how far it is. With
 * callbacks; scrape_await.c is the same with await.
 *
 * Usage: scrape ENDPOINT AT_ONCE PATH... */
#include <bight/bight.h>

#include <stdio.h>
#include <stdlib.h>

static struct bight_reactor *reactor;
static char *site, **paths;
static size_t done, total;

/* An answer with another status than 200 is a failure. */
static void check_status(struct bight_result *result, void *context)
{
    int status = 0;
    (void)context;
    sscanf((const char *)bight_bytes_data(result->value), "HTTP/%*s %d", &status);
    if (status != 200) {
        bight_result_fail(result, bight_failure_new_status(BIGHT_E_HTTP_STATUS, status, NULL, "status %d", status));
    }
}

static void request(struct bight_result *result, void *path)
{
    struct bight_stream *stream = bight_result_take(result, &bight_type_stream);
    bight_stream_writef(stream, "GET %s HTTP/1.0\r\n\r\n", (const char *)path);
    struct bight_deferred *answer = bight_stream_read_all(stream, 1 << 20);
    bight_deferred_add_callback_full(answer, check_status, stream, bight_type_stream.discard);
    bight_result_chain(result, answer);
}

static struct bight_deferred *attempt(void *path)
{
    struct bight_deferred *page = bight_open_stream(reactor, site);
    bight_deferred_add_callback(page, request, path);
    bight_deferred_add_timeout(page, 10, bight_reactor_clock(reactor));
    return page;
}

/* What the server refuses (404) it will refuse again. */
static bool is_worth_it(const struct bight_failure *failure, void *path)
{
    (void)path;
    return bight_failure_status(failure) == 0 || bight_failure_status(failure) >= 500;
}

static void tell(struct bight_result *result, void *path)
{
    const struct bight_failure *failure = bight_result_failure(result);
    printf("%zu of %zu: %s: %s\n", ++done, total, (const char *)path,
        failure != NULL ? bight_failure_message(bight_failure_root(failure)) : "fetched");
}

static struct bight_deferred *begin(size_t index, void *context)
{
    const struct bight_retry_policy policy = { .size = sizeof policy, .first = 0.1, .worth_it = is_worth_it };
    struct bight_deferred *page = bight_retry(bight_reactor_clock(reactor), 4, &policy, attempt, paths[index]);
    (void)context;
    bight_deferred_add_both(page, tell, paths[index]);
    return page;
}

static struct bight_deferred *scrape(struct bight_reactor *running, int argc, char **argv)
{
    if (argc < 4) {
        return bight_fail(bight_failure_new(BIGHT_E_SYNTAX, 0, NULL, "usage: scrape ENDPOINT AT_ONCE PATH..."));
    }
    reactor = running, site = argv[1], paths = argv + 3, total = (size_t)argc - 3;
    return bight_map_limited(begin, total, strtoul(argv[2], NULL, 10), BIGHT_ALL_OUTCOMES, NULL);
}

int main(int argc, char **argv)
{
    return bight_main(scrape, argc, argv);
}
