/* SPDX-License-Identifier: MIT */
/* threads.c - two functions that block, in a pool of two threads, beside a loop that goes on; each asks the loop. */
#define _POSIX_C_SOURCE 200809L

#include <bight/bight.h>

#include <stdio.h>
#include <time.h>

static struct bight_mailbox *mailbox;
static struct bight_thread_pool *kitchen;
static int tickets, dishes;

/* In the loop's thread, so nothing needs a lock. */
static struct bight_deferred *take_ticket(void *context)
{
    (void)context;
    return bight_succeed(&bight_type_integer, bight_integer(++tickets));
}

/* In a thread of the pool: may block, for time to pass or for an answer of the loop. */
static void cook(struct bight_result *result, void *context)
{
    struct timespec a_while = { .tv_nsec = 20000000 };
    struct bight_result ticket = { 0 };
    (void)context;
    nanosleep(&a_while, NULL);
    if (bight_blocking_call_from_thread(mailbox, take_ticket, NULL, &ticket) == 0) {
        bight_result_move(result, &ticket);
    } else {
        bight_result_fail(result, bight_result_take_failure(&ticket));
    }
}

static void stop(struct bight_reactor *reactor)
{
    struct bight_thread_pool_figures figures = { .size = sizeof figures };
    (void)bight_thread_pool_read_figures(kitchen, &figures);
    printf("%llu jobs done, %d tickets taken, the longest ran %s\n", (unsigned long long)figures.done, tickets,
        figures.longest_run >= 20000000 ? "20 ms or more" : "less than 20 ms");
    bight_reactor_stop(reactor);
}

/* Back in the loop's thread. */
static void served(struct bight_result *result, void *context)
{
    if (bight_result_failure(result) == NULL) {
        printf("a dish is served\n");
    }
    if (++dishes == 2) {
        stop(context);
    }
}

static void look(void *context)
{
    struct bight_thread_pool_figures figures = { .size = sizeof figures };
    (void)context;
    (void)bight_thread_pool_read_figures(kitchen, &figures);
    printf("the loop goes on beside at most %u threads\n", figures.limit);
}

int main(void)
{
    struct bight_reactor *reactor = bight_reactor_new();
    mailbox = bight_reactor_mailbox(reactor);
    kitchen = bight_thread_pool_new(reactor, "kitchen", 2);
    bight_thread_pool_set_queue_limit(kitchen, 100);
    for (int i = 0; i < 2; i++) {
        struct bight_deferred *dish = bight_thread_pool_defer(kitchen, cook, NULL);
        bight_deferred_add_both(dish, served, reactor);
        bight_deferred_release(dish);
    }
    bight_call_later(reactor, 0, look, NULL, NULL);
    int status = bight_reactor_run(reactor);
    bight_mailbox_release(mailbox);
    bight_reactor_free(reactor);
    return status;
}
