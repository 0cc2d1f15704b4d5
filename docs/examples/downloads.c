/* SPDX-License-Identifier: MIT */
/* downloads.c - 500 downloads of one second each, at most 100 at once, in virtual time. With callbacks;
 * downloads_await.c is the same with coroutines and a semaphore. */
#include <bight/testing.h>

#include <assert.h>
#include <stdio.h>

static struct bight_clock *virtual_clock;
static uint64_t beginning;
static int under_way, most;

static void downloaded(struct bight_result *result, void *context)
{
    (void)context;
    under_way--;
    bight_result_set(result, &bight_type_integer, bight_integer(1000));
}

/* Pretends: after a second there are 1000 bytes. */
static struct bight_deferred *download(size_t index, void *context)
{
    (void)index;
    most = ++under_way > most ? under_way : most;
    struct bight_deferred *page = bight_sleep(virtual_clock, 1);
    bight_deferred_add_callback(page, downloaded, context);
    return page;
}

static void report(struct bight_result *result, void *context)
{
    const struct bight_results *pages = bight_result_peek(result, &bight_type_results);
    double seconds = (double)(bight_clock_now(virtual_clock) - beginning) / 1e9;
    long bytes = 0;
    (void)context;
    for (size_t i = 0; i < pages->count; i++) {
        bytes += bight_integer_value(pages->items[i].value);
    }
    printf("%zu downloads, %ld bytes, %g s, at most %d at once\n", pages->count, bytes, seconds, most);
    assert(seconds == 5 && most == 100);
}

static struct bight_deferred *download_all(struct bight_reactor *reactor, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    virtual_clock = bight_reactor_clock(reactor);
    beginning = bight_clock_now(virtual_clock);
    struct bight_deferred *pages = bight_map_limited(download, 500, 100, 0, NULL);
    bight_deferred_add_callback(pages, report, NULL);
    return pages;
}

int main(int argc, char **argv)
{
    return bight_testing_main(download_all, argc, argv);
}
