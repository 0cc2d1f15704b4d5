/* SPDX-License-Identifier: MIT */
/* callbacks.c - callbacks at once, after 2 s, after 3 s: in the order of their deadlines, not of the asking. An
 * argument scales the time. */
#include <bight/bight.h>

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static void say(void *text)
{
    puts(text);
}

static void stop(void *reactor)
{
    bight_reactor_stop(reactor);
}

static void ask(struct bight_reactor *reactor, double second)
{
    static char at_once[] = "at once", after_two[] = "after 2 s", after_three[] = "after 3 s";
    uint64_t now = bight_clock_now(bight_reactor_clock(reactor)), step = (uint64_t)(second * 1e9);
    if (bight_call_at(reactor, now + 3 * step, say, after_three, NULL) != 0 ||
        bight_call_at(reactor, now + 3 * step, stop, reactor, NULL) != 0 || /* equal ones as they came */
        bight_call_at(reactor, now + 2 * step, say, after_two, NULL) != 0 ||
        bight_call_at(reactor, now, say, at_once, NULL) != 0) {
        bight_reactor_fail(reactor, EX_OSERR);
    }
    puts("not yet"); /* never inside the asking */
}

int main(int argc, char **argv)
{
    struct bight_reactor *reactor = bight_reactor_new();
    if (reactor == NULL) {
        return EX_OSERR;
    }
    ask(reactor, argc > 1 ? strtod(argv[1], NULL) : 1);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}
