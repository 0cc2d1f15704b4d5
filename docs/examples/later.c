/* SPDX-License-Identifier: MIT */
/* later.c - time, threads and signals: what else a reactor calls for. */
#include <bight/bight.h>

#include <signal.h>
#include <stdio.h>

static struct bight_timer reminder;
static char an_hour[] = "an hour has passed", a_turn[] = "a turn has passed";

static void remind(void *context)
{
    printf("%s\n", (const char *)context);
}

/* In a thread of the pool: may block, and touches nothing of the reactor's. */
static void count(struct bight_result *result, void *context)
{
    intptr_t sum = 0;
    for (intptr_t i = 1; i <= *(intptr_t *)context; i++) {
        sum += i;
    }
    bight_result_set(result, &bight_type_integer, bight_integer(sum));
}

/* Back in the loop's thread. */
static void counted(struct bight_result *result, void *context)
{
    printf("counted %ld\n", (long)bight_integer_value(bight_result_peek(result, &bight_type_integer)));
    bight_timer_cancel(reminder);
    raise(SIGUSR1);
    (void)context;
}

static void signalled(int number, void *context)
{
    printf("signal %s\n", number == SIGUSR1 ? "USR1" : "?");
    bight_reactor_stop(context);
}

int main(void)
{
    static intptr_t limit = 1000;
    struct bight_reactor *reactor = bight_reactor_new();
    bight_on_signal(reactor, SIGUSR1, signalled, reactor);
    bight_call_later(reactor, 3600, remind, an_hour, &reminder);
    bight_call_later(reactor, 0, remind, a_turn, NULL);
    struct bight_deferred *sum = bight_defer_to_thread(reactor, count, &limit);
    bight_deferred_add_callback(sum, counted, NULL);
    bight_deferred_release(sum);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}
