/* SPDX-License-Identifier: MIT */
/* exhibition_await.c - a chess champion and 24 opponents, 30 pairs of moves each: she thinks for 5 seconds, they for
 * 55. One game after the other, then all at once, in virtual time. With coroutines; exhibition.c is the same with
 * callbacks. */
#include <bight/testing.h>

#include <stdio.h>
#include <sysexits.h>

enum { opponents = 24, pairs = 30 };

static struct bight_clock *virtual_clock;
static struct bight_lock *champion;
static uint64_t last_move;

static void play(struct bight_result *result, void *context)
{
    (void)context;
    for (int pair = 0; pair < pairs; pair++) {
        if (bight_await(bight_lock_acquire(champion), result) != 0) {
            return;
        }
        int code = bight_await(bight_sleep(virtual_clock, 5), result);
        last_move = bight_clock_now(virtual_clock);
        bight_lock_release(champion);
        if (code != 0 || bight_await(bight_sleep(virtual_clock, 55), result) != 0) {
            return;
        }
    }
}

static void print_time(const char *what, uint64_t time)
{
    unsigned seconds = (unsigned)(time / BIGHT_NANOSECONDS_PER_SECOND);
    printf("%s %2u:%02u:%02u\n", what, seconds / 3600, seconds / 60 % 60, seconds % 60);
}

static void report(const char *name, uint64_t began)
{
    printf("%s\n", name);
    print_time("  the champion's last move:", last_move - began);
    print_time("  the last answer:         ", bight_clock_now(virtual_clock) - began);
}

static void exhibition(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv)
{
    struct bight_deferred *games[opponents];
    (void)argc;
    (void)argv;
    virtual_clock = bight_reactor_clock(reactor);
    uint64_t began = bight_clock_now(virtual_clock);
    for (int game = 0; game < opponents; game++) {
        if (bight_await(bight_spawn(reactor, play, NULL), result) != 0) {
            return;
        }
    }
    report("one game after the other", began);

    began = bight_clock_now(virtual_clock);
    for (int game = 0; game < opponents; game++) {
        games[game] = bight_spawn(reactor, play, NULL);
    }
    if (bight_await(bight_gather_results(games, opponents), result) == 0) {
        report("all games at once", began);
    }
}

int main(int argc, char **argv)
{
    champion = bight_lock_new();
    int status = champion != NULL ? bight_testing_main_coroutine(exhibition, argc, argv) : EX_OSERR;
    bight_lock_free(champion);
    return status;
}
