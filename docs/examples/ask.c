/* SPDX-License-Identifier: MIT */
/* ask.c - a client that is one Deferred: connects, sends a line, and prints the first line of the answer. */
#include <bight/bight.h>
#include <bight/protocols/line.h>

#include <stdio.h>

struct asker {
    struct bight_line_receiver base;
    struct bight_promise answer;
};

static void line_received(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    struct asker *asker = bight_line_self(struct asker, receiver);
    bight_callback(asker->answer, &bight_type_text, bight_strndup(line, size));
    bight_transport_lose_connection(bight_line_transport(receiver));
}

/* Nobody will answer any more. If somebody has, this does nothing. */
static void connection_lost(struct bight_line_receiver *receiver, const struct bight_failure *reason)
{
    struct asker *asker = bight_line_self(struct asker, receiver);
    if (bight_promise_is_open(asker->answer)) {
        bight_errback(asker->answer, bight_failure_hold(reason));
    }
}

static const struct bight_line_ops ask_ops = { .line_received = line_received, .connection_lost = connection_lost };
static struct bight_line_factory askers = BIGHT_LINE_FACTORY(struct asker, &ask_ops);

static void connected(struct bight_result *result, void *question)
{
    struct asker *asker = bight_result_peek(result, &bight_type_protocol);
    struct bight_deferred *answer = bight_deferred_new(&asker->answer, NULL, NULL);
    bight_line_send_text(&asker->base, question);
    bight_result_chain(result, answer);
}

static void answered(struct bight_result *result, void *context)
{
    (void)context;
    printf("%s\n", (const char *)bight_result_peek(result, &bight_type_text));
}

static struct bight_deferred *ask(struct bight_reactor *reactor, int argc, char **argv)
{
    if (argc != 3) {
        return bight_fail(bight_failure_new(BIGHT_E_SYNTAX, 0, NULL, "usage: ask ENDPOINT QUESTION"));
    }
    struct bight_deferred *answer = bight_connect(reactor, argv[1], &askers.base);
    bight_deferred_add_callback(answer, connected, argv[2]);
    bight_deferred_add_timeout(answer, 5, bight_reactor_clock(reactor));
    bight_deferred_add_callback(answer, answered, NULL);
    return answer;
}

int main(int argc, char **argv)
{
    return bight_main(ask, argc, argv);
}
