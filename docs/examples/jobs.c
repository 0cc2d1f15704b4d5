/* SPDX-License-Identifier: MIT */
/* jobs.c - a job server: each line is a command for the shell, and its status and output are the answer. So many run at
 * once, the others wait for their turn. A client that leaves, or only ends its side, takes its job with it.
 *
 * Usage: jobs ENDPOINT [AT_ONCE]. Who can connect can run anything: unix:/run/jobs:mode=600, say. */
#include <bight/bight.h>
#include <bight/process_output.h>

#include <stdlib.h>

static struct bight_reactor *reactor;
static struct bight_semaphore *places;

static struct bight_deferred *run(void *command)
{
    const char *const argv[] = { "sh", "-c", command, NULL };
    struct bight_process_output_options options = {
        .size = sizeof options, .argv = argv, .output_limit = 1 << 20, .timeout_seconds = 3600
    };
    return bight_get_process_output_and_value(reactor, &options);
}

/* The child dies with the Deferred, and that with the coroutine that waits for it. */
static int run_in_turn(const struct bight_bytes *command, struct bight_result *result)
{
    return bight_await(bight_semaphore_run(places, run, (void *)bight_bytes_data(command)), result);
}

static void answer(struct bight_stream *client, const struct bight_process_output *output)
{
    const struct bight_bytes *parts[] = { output->out, output->err };
    bight_stream_writef(client, "status %d, signal %d, %zu bytes of output, %zu of errors\n", output->status,
        output->signal, bight_bytes_size(output->out), bight_bytes_size(output->err));
    for (size_t i = 0; i < 2; i++) {
        bight_stream_write(client, bight_bytes_data(parts[i]), bight_bytes_size(parts[i]));
    }
}

static void serve(struct bight_result *result, void *context)
{
    struct bight_stream *client = context;
    while (bight_await(bight_stream_drain(client), result) == 0 &&
           bight_await(bight_stream_read_line(client, 4096), result) == 0 && !bight_result_is_empty(result)) {
        struct bight_bytes *command = bight_result_take(result, &bight_type_bytes);
        int code = run_in_turn(command, result);
        bight_bytes_release(command);
        if (code == BIGHT_E_CANCELLED) {
            return;
        }
        if (code == 0) {
            answer(client, bight_result_peek(result, &bight_type_process_output));
        } else {
            bight_stream_writef(client, "failed: %s\n", bight_failure_message(bight_result_failure(result)));
        }
    }
}

static struct bight_deferred *client_came(struct bight_stream *client, void *context)
{
    (void)context;
    return bight_spawn(reactor, serve, client);
}

static struct bight_stream_factory clients = BIGHT_STREAM_FACTORY(struct bight_stream, client_came, NULL);

int main(int argc, char **argv)
{
    places = bight_semaphore_new(argc > 2 ? strtol(argv[2], NULL, 10) : 4);
    clients.leaving = BIGHT_CANCEL_AT_END;
    reactor = bight_reactor_new();
    bight_serve(reactor, argc > 1 ? argv[1] : "unix:jobs:mode=600", &clients.base);
    int status = places != NULL ? bight_reactor_run(reactor) : 64;
    bight_reactor_free(reactor);
    bight_semaphore_free(places);
    return status;
}
