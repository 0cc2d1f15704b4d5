/* SPDX-License-Identifier: MIT */
/* exhibition.c - a chess champion and 24 opponents, 30 pairs of moves each: she thinks for 5 seconds, they for 55. One
 * game after the other, then all at once, in virtual time. With callbacks; exhibition_await.c is the same with
 * coroutines. */
#include <bight/testing.h>

#include <stdio.h>
#include <sysexits.h>

enum { opponents = 24, pairs = 30 };

static struct bight_clock *virtual_clock;
static struct bight_lock *champion;
static int played[opponents]; /* pairs of moves, on each board */
static uint64_t began, last_move;

static void made_move(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    last_move = bight_clock_now(virtual_clock);
}

/* The champion is at the board. */
static struct bight_deferred *think(void *context)
{
    struct bight_deferred *thought = bight_sleep(virtual_clock, 5);
    bight_deferred_add_callback(thought, made_move, context);
    return thought;
}

static void answer(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_chain(result, bight_sleep(virtual_clock, 55));
}

static void next_pair(struct bight_result *result, void *context);

static struct bight_deferred *play(int *board)
{
    struct bight_deferred *pair = bight_lock_run(champion, think, NULL);
    bight_deferred_add_callback(pair, answer, NULL);
    bight_deferred_add_callback(pair, next_pair, board);
    return pair;
}

static void next_pair(struct bight_result *result, void *context)
{
    int *board = context;
    if (++*board < pairs) {
        bight_result_chain(result, play(board));
    }
}

static struct bight_deferred *game(size_t index, void *context)
{
    (void)context;
    played[index] = 0;
    return play(&played[index]);
}

static void print_time(const char *what, uint64_t until)
{
    unsigned seconds = (unsigned)((until - began) / BIGHT_NANOSECONDS_PER_SECOND);
    printf("%s %2u:%02u:%02u\n", what, seconds / 3600, seconds / 60 % 60, seconds % 60);
}

static void report(struct bight_result *result, void *context)
{
    (void)result;
    printf("%s\n", (const char *)context);
    print_time("  the champion's last move:", last_move);
    print_time("  the last answer:         ", bight_clock_now(virtual_clock));
}

static struct bight_deferred *exhibition(size_t at_once, char *name)
{
    began = bight_clock_now(virtual_clock);
    struct bight_deferred *games = bight_map_limited(game, opponents, at_once, 0, NULL);
    bight_deferred_add_callback(games, report, name);
    return games;
}

static void play_together(struct bight_result *result, void *name)
{
    bight_result_chain(result, exhibition(opponents, name));
}

static struct bight_deferred *start(struct bight_reactor *reactor, int argc, char **argv)
{
    static char in_turn[] = "one game after the other", together[] = "all games at once";
    (void)argc;
    (void)argv;
    virtual_clock = bight_reactor_clock(reactor);
    struct bight_deferred *both = exhibition(1, in_turn);
    bight_deferred_add_callback(both, play_together, together);
    return both;
}

int main(int argc, char **argv)
{
    champion = bight_lock_new();
    int status = champion != NULL ? bight_testing_main(start, argc, argv) : EX_OSERR;
    bight_lock_free(champion);
    return status;
}
