/* SPDX-License-Identifier: MIT */
/* finger.c - told a name, it says what is known of it: from a table, from a file that may change, with "NAME TEXT" in
 * each line, or from another such service. It takes so many connections, of one peer fewer; when it is told to stop,
 * those that are open have time to end.
 *
 * Usage: finger ENDPOINT [file PATH | ask ENDPOINT] */
#include <bight/bight.h>
#include <bight/service.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct bight_reactor *reactor;
static const char *source; /* the path or the endpoint */
static int (*look_up)(struct bight_stream *client, struct bight_bytes *name, struct bight_result *result);

static void say(struct bight_stream *client, const char *text)
{
    bight_stream_writef(client, "%s\r\n", text != NULL ? text : "nobody of this name");
}

/* ---------------------------------------- the sources: each answers, or returns the code of the failure in the result
 */

static int from_table(struct bight_stream *client, struct bight_bytes *name, struct bight_result *result)
{
    static const char *const table[][2] = { { "ann", "Ann, room 7" }, { "bob", "Bob, on leave" }, { NULL, NULL } };
    size_t i = 0;
    (void)result;
    while (table[i][0] != NULL && strcmp(table[i][0], (const char *)bight_bytes_data(name)) != 0) {
        i++;
    }
    say(client, table[i][1]);
    return 0;
}

/* In a thread. */
static void search(struct bight_result *result, void *name)
{
    char line[512];
    size_t size = bight_bytes_size(name);
    FILE *file = fopen(source, "r");
    if (file == NULL) {
        bight_result_fail(result, bight_failure_from_errno(errno, source));
        return;
    }
    while (bight_result_is_empty(result) && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, (const char *)bight_bytes_data(name), size) == 0 && line[size] == ' ') {
            line[strcspn(line, "\n")] = '\0';
            bight_result_set(result, &bight_type_text, bight_strdup(line + size + 1));
        }
    }
    fclose(file);
}

static int from_file(struct bight_stream *client, struct bight_bytes *name, struct bight_result *result)
{
    int code = bight_await(
        bight_defer_to_thread_full(reactor, search, bight_bytes_hold(name), bight_type_bytes.destroy), result);
    if (code == 0) {
        say(client, bight_result_peek(result, &bight_type_text));
    }
    return code;
}

static int from_another(struct bight_stream *client, struct bight_bytes *name, struct bight_result *result)
{
    int code = bight_await(bight_open_stream(reactor, source), result);
    if (code != 0) {
        return code;
    }
    struct bight_stream *other = bight_result_take(result, &bight_type_stream);
    bight_stream_writef(other, "%s\r\n", (const char *)bight_bytes_data(name));
    code = bight_await(bight_stream_read_all(other, 4096), result);
    if (code == 0) {
        bight_transport_write_bytes(bight_stream_transport(client), result->value);
    }
    bight_stream_abort(other);
    bight_stream_release(other);
    return code;
}

/* The time limit is that of everything: at the connection's end whatever is waited for here is cancelled. */
static void answer(struct bight_result *result, void *context)
{
    struct bight_stream *client = context;
    bight_transport_set_total_timeout(bight_stream_transport(client), 30);
    if (bight_await(bight_stream_read_line(client, 256), result) != 0 || bight_result_is_empty(result)) {
        return;
    }
    struct bight_bytes *name = bight_result_take(result, &bight_type_bytes);
    if (look_up(client, name, result) != 0) { /* which is logged */
        say(client, "cannot be looked up now");
    }
    bight_bytes_release(name);
}

static struct bight_deferred *client_came(struct bight_stream *client, void *context)
{
    (void)context;
    return bight_spawn(reactor, answer, client);
}

static struct bight_stream_factory clients = BIGHT_STREAM_FACTORY(struct bight_stream, client_came, NULL);

static void serve(struct bight_result *result, struct bight_reactor *running, int argc, char **argv)
{
    struct bight_serve_options options = {
        .size = sizeof options, .drain_seconds = 10, .max_connections = 200, .max_per_peer = 10
    };
    struct bight_promise never;
    reactor = running;
    source = argc > 3 ? argv[3] : NULL;
    look_up = source == NULL ? from_table : strcmp(argv[2], "file") == 0 ? from_file : from_another;
    if (bight_await(bight_serve_full(reactor, argc > 1 ? argv[1] : "tcp:79", &clients.base, &options), result) == 0) {
        (void)bight_await(bight_deferred_new(&never, NULL, NULL), result);
    }
}

int main(int argc, char **argv)
{
    return bight_main_coroutine(serve, argc, argv);
}
