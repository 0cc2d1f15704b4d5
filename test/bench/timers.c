/* SPDX-License-Identifier: MIT */
/* timers.c - what a timer costs with many pending, and how late one fires on an idle loop.
 *
 *   timers [-n timers] [-r] [bight|waiting|bare|late]
 *
 * `bight` times call_at, reset_at and cancel of a million calls of a reactor and their firing; `bare` does the same
 * with the least wheel that there can be (1 ms ticks, no handles, no order within a tick), for the ratio; -r re-arms
 * and cancels in random order. Both fire by turning a clock of their own on, without waiting; `waiting` is `bight`
 * over a real second, in which the processor sleeps a thousand times and wakes with cold caches. `late` fires
 * half-millisecond timers one by one. One JSON line each, CPU time in nanoseconds a timer. Exits with 1 when a timer
 * was lost or early, never by time. */
#include <bight/testing.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SPREAD_MS 1000
#define MS UINT64_C(1000000)
#define LATE_ROUNDS 2000

static unsigned count = 1000000;
static unsigned fired;
static unsigned *order; /* in which timers are re-armed and cancelled */
static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t next_random(void)
{
    seed ^= seed << 7;
    seed ^= seed >> 9;
    return seed;
}

static uint64_t read_ns(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static uint64_t delay_ms(void)
{
    return next_random() % SPREAD_MS + 1;
}

static void make_order(bool shuffled)
{
    order = malloc(count * sizeof *order);
    for (unsigned i = 0; i < count; i++) {
        order[i] = i;
    }
    for (unsigned i = count - 1; shuffled && i > 0; i--) {
        unsigned j = (unsigned)(next_random() % (i + 1));
        unsigned other = order[i];
        order[i] = order[j];
        order[j] = other;
    }
}

static int report(const char *name, const uint64_t times[5])
{
    printf("{\"timers\": \"%s\", \"n\": %u, \"add_ns\": %.1f, \"rearm_ns\": %.1f, \"cancel_ns\": %.1f, "
           "\"fire_ns\": %.1f}\n",
        name, count, (double)(times[1] - times[0]) / count, (double)(times[2] - times[1]) / count,
        (double)(times[3] - times[2]) / (count / 2), (double)(times[4] - times[3]) / (count - count / 2));
    return fired == count - count / 2 ? 0 : 1;
}

/* ------------------------------------------------------------------------------------------- bight */

static struct bight_reactor *reactor;

static void count_call(void *context)
{
    if (++fired == count - count / 2 && context != NULL) {
        bight_reactor_stop(reactor);
    }
}

static void warm(struct bight_timer *timers)
{
    for (unsigned i = 0; i < count; i++) {
        bight_call_at(reactor, UINT64_MAX - 1, count_call, NULL, &timers[i]);
    }
    for (unsigned i = count; i-- > 0;) {
        bight_timer_cancel(timers[i]);
    }
}

static int measure_bight(bool waiting)
{
    uint64_t times[5];
    struct bight_timer *timers = calloc(count, sizeof *timers);
    reactor = waiting ? bight_reactor_new() : bight_testing_reactor_new();
    warm(timers);
    uint64_t start = bight_clock_now(bight_reactor_clock(reactor));
    times[0] = read_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (unsigned i = 0; i < count; i++) {
        bight_call_at(reactor, start + delay_ms() * MS, count_call, waiting ? reactor : NULL, &timers[i]);
    }
    times[1] = read_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (unsigned i = 0; i < count; i++) {
        bight_timer_reset_at(timers[order[i]], start + delay_ms() * MS);
    }
    times[2] = read_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (unsigned i = 0; i < count; i += 2) {
        bight_timer_cancel(timers[order[i]]);
    }
    times[3] = read_ns(CLOCK_PROCESS_CPUTIME_ID);
    if (waiting) {
        bight_reactor_run(reactor);
    } else {
        bight_testing_advance(reactor, (SPREAD_MS + 1) / 1000.0);
    }
    times[4] = read_ns(CLOCK_PROCESS_CPUTIME_ID);
    bight_reactor_free(reactor);
    free(timers);
    return report(waiting ? "bight, waiting" : "bight", times);
}

/* ---------------------------------------------------------------------------------- a bare wheel */

#define BARE_SLOTS 2048 /* one level is enough for a second of milliseconds */

struct bare {
    struct bare *next, **where;
    uint64_t tick;
    void (*function)(struct bare *);
};

static struct bare *bare_slots[BARE_SLOTS];

static void bare_remove(struct bare *timer)
{
    if (timer->where == NULL) {
        return;
    }
    *timer->where = timer->next;
    if (timer->next != NULL) {
        timer->next->where = timer->where;
    }
    timer->where = NULL;
}

static void bare_add(struct bare *timer, uint64_t tick)
{
    bare_remove(timer);
    struct bare **slot = &bare_slots[tick % BARE_SLOTS];
    timer->tick = tick;
    timer->next = *slot;
    if (*slot != NULL) {
        (*slot)->where = &timer->next;
    }
    timer->where = slot;
    *slot = timer;
}

static void count_bare(struct bare *timer)
{
    (void)timer;
    fired++;
}

static int measure_bare(void)
{
    uint64_t times[5];
    struct bare *timers = calloc(count, sizeof *timers);
    for (unsigned i = 0; i < count; i++) {
        timers[i].function = count_bare;
    }
    times[0] = read_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (unsigned i = 0; i < count; i++) {
        bare_add(&timers[i], delay_ms());
    }
    times[1] = read_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (unsigned i = 0; i < count; i++) {
        bare_add(&timers[order[i]], delay_ms());
    }
    times[2] = read_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (unsigned i = 0; i < count; i += 2) {
        bare_remove(&timers[order[i]]);
    }
    times[3] = read_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (uint64_t tick = 0; tick <= SPREAD_MS; tick++) {
        struct bare *timer;
        while ((timer = bare_slots[tick % BARE_SLOTS]) != NULL) {
            bare_remove(timer);
            timer->function(timer);
        }
    }
    times[4] = read_ns(CLOCK_PROCESS_CPUTIME_ID);
    free(timers);
    return report("bare", times);
}

/* ---------------------------------------------------------------------------------------- lateness */

static uint64_t lateness[LATE_ROUNDS];
static unsigned early;
static uint64_t expected;

static void half_millisecond(void *context)
{
    uint64_t now = read_ns(CLOCK_MONOTONIC);
    if (context != NULL) {
        early += now < expected;
        lateness[fired++] = now - expected;
    }
    if (fired == LATE_ROUNDS) {
        bight_reactor_stop(reactor);
        return;
    }
    expected = read_ns(CLOCK_MONOTONIC) + MS / 2;
    bight_call_at(reactor, expected, half_millisecond, reactor, NULL);
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static int measure_lateness(void)
{
    reactor = bight_reactor_new();
    bight_call_when_running(reactor, half_millisecond, NULL);
    bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    qsort(lateness, LATE_ROUNDS, sizeof *lateness, by_size);
    printf("{\"timers\": \"late\", \"n\": %d, \"median_us\": %.1f, \"p99_us\": %.1f, \"early\": %u}\n", LATE_ROUNDS,
        (double)lateness[LATE_ROUNDS / 2] / 1000, (double)lateness[LATE_ROUNDS * 99 / 100] / 1000, early);
    return early == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    bool shuffled = false;
    for (int option; (option = getopt(argc, argv, "n:r")) != -1;) {
        if (option == 'n') {
            count = (unsigned)strtoul(optarg, NULL, 10);
        } else if (option == 'r') {
            shuffled = true;
        } else {
            return 2;
        }
    }
    const char *mode = optind < argc ? argv[optind] : "bight";
    make_order(shuffled);
    int status = strcmp(mode, "bare") == 0   ? measure_bare()
                 : strcmp(mode, "late") == 0 ? measure_lateness()
                                             : measure_bight(strcmp(mode, "waiting") == 0);
    free(order);
    return status;
}
