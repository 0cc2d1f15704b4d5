/* SPDX-License-Identifier: MIT */
/* downloads_await.c - 500 downloads of one second each, at most 100 at once, in virtual time. With coroutines and a
 * semaphore; downloads.c is the same with callbacks. */
#include <bight/testing.h>

#include <assert.h>
#include <stdio.h>
#include <sysexits.h>

enum { downloads = 500 };

static struct bight_clock *virtual_clock;
static struct bight_semaphore *lines;
static int under_way, most;

/* Pretends: after a second there are 1000 bytes. */
static void download(struct bight_result *result, void *context)
{
    (void)context;
    if (bight_await(bight_semaphore_acquire(lines), result) != 0) {
        return;
    }
    most = ++under_way > most ? under_way : most;
    if (bight_await(bight_sleep(virtual_clock, 1), result) == 0) {
        bight_result_set(result, &bight_type_integer, bight_integer(1000));
    }
    under_way--;
    bight_semaphore_release(lines);
}

static void download_all(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv)
{
    struct bight_deferred *each[downloads];
    (void)argc;
    (void)argv;
    virtual_clock = bight_reactor_clock(reactor);
    uint64_t beginning = bight_clock_now(virtual_clock);
    for (size_t i = 0; i < downloads; i++) {
        each[i] = bight_spawn(reactor, download, NULL);
    }
    if (bight_await(bight_gather_results(each, downloads), result) != 0) {
        return;
    }
    const struct bight_results *pages = bight_result_peek(result, &bight_type_results);
    double seconds = (double)(bight_clock_now(virtual_clock) - beginning) / 1e9;
    long bytes = 0;
    for (size_t i = 0; i < pages->count; i++) {
        bytes += bight_integer_value(pages->items[i].value);
    }
    printf("%zu downloads, %ld bytes, %g s, at most %d at once\n", pages->count, bytes, seconds, most);
    assert(seconds == 5 && most == 100);
}

int main(int argc, char **argv)
{
    lines = bight_semaphore_new(100);
    int status = lines != NULL ? bight_testing_main_coroutine(download_all, argc, argv) : EX_OSERR;
    bight_semaphore_free(lines);
    return status;
}
