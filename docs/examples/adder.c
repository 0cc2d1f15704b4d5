/* SPDX-License-Identifier: MIT */
/* adder.c - streams: a server that adds up the numbers it is sent, one a line, and a client that asks it.
 *
 *     adder serve ENDPOINT        adder ENDPOINT NUMBER... */
#include <bight/bight.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------ the server */

struct session {
    struct bight_stream base;
    struct bight_promise done;
    long sum;
};

static void read_number(struct session *session);

static void say_sum(struct session *session)
{
    bight_stream_writef(&session->base, "%ld\n", session->sum);
    bight_callback(session->done, NULL, NULL);
}

static void got_number(struct bight_result *result, void *context)
{
    struct session *session = context;
    struct bight_bytes *line = bight_result_peek(result, &bight_type_bytes);
    if (line == NULL) {
        say_sum(session);
        return;
    }
    session->sum += strtol((const char *)bight_bytes_data(line), NULL, 10);
    read_number(session);
}

static void give_up(struct bight_result *result, void *context)
{
    struct session *session = context;
    bight_errback(session->done, bight_result_take_failure(result));
}

static void read_number(struct session *session)
{
    struct bight_deferred *line = bight_stream_read_line(&session->base, 31);
    bight_deferred_add_timeout(line, 60, bight_reactor_clock(bight_stream_reactor(&session->base)));
    bight_deferred_add_callbacks(line, got_number, give_up, session);
    bight_deferred_release(line);
}

static struct bight_deferred *add_up(struct bight_stream *stream, void *context)
{
    struct session *session = bight_stream_self(struct session, stream);
    struct bight_deferred *done = bight_deferred_new(&session->done, NULL, NULL);
    (void)context;
    read_number(session);
    return done;
}

static struct bight_stream_factory adders = BIGHT_STREAM_FACTORY(struct session, add_up, NULL);

static int serve(const char *endpoint)
{
    struct bight_reactor *reactor = bight_reactor_new();
    bight_serve(reactor, endpoint, &adders.base);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}

/* ------------------------------------------------------------------------------------------ the client */

static void print_sum(struct bight_result *result, void *stream)
{
    struct bight_bytes *sum = bight_result_peek(result, &bight_type_bytes);
    printf("%s", (const char *)bight_bytes_data(sum));
    bight_result_chain(result, bight_stream_close(stream));
}

static void leave(void *stream)
{
    bight_stream_release(stream);
}

static void ask(struct bight_result *result, void *numbers)
{
    struct bight_stream *stream = bight_result_take(result, &bight_type_stream);
    for (char **number = numbers; *number != NULL; number++) {
        bight_stream_write_text(stream, *number);
        bight_stream_write_text(stream, "\n");
    }
    bight_stream_write_eof(stream);
    struct bight_deferred *sum = bight_stream_read_all(stream, 100);
    bight_deferred_add_callback_full(sum, print_sum, stream, leave);
    bight_result_chain(result, sum);
}

static struct bight_deferred *add(struct bight_reactor *reactor, int argc, char **argv)
{
    if (argc < 2) {
        return bight_fail(bight_failure_new(BIGHT_E_SYNTAX, 0, NULL, "usage: adder ENDPOINT NUMBER..."));
    }
    struct bight_deferred *sum = bight_open_stream(reactor, argv[1]);
    bight_deferred_add_callback(sum, ask, argv + 2);
    bight_deferred_add_timeout(sum, 5, bight_reactor_clock(reactor));
    return sum;
}

int main(int argc, char **argv)
{
    return argc == 3 && strcmp(argv[1], "serve") == 0 ? serve(argv[2]) : bight_main(add, argc, argv);
}
