/* SPDX-License-Identifier: MIT */
/* ws.c - `bight ws URL`: a person, or a pipe, at a WebSocket.
 *
 * Lines go out as messages of text, and messages of text come out as lines; with --binary bytes go out in binary
 * messages as they are read, and come out as they are received. Both directions have their own pressure: input waits
 * while more than the high watermark is queued, and the socket's input is paused while standard output is not read.
 * What a peer says reaches a terminal only as text that it shows. */
#include <bight/bight.h>
#include <bight/protocols/websocket.h>

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ends.h"
#include "printable.h"
#include "ws.h"

#define MOST_LINE ((size_t)8 << 20)
#define MOST_MESSAGE ((uint64_t)64 << 20)
#define CLOSE_SECONDS 10.0
#define STATUS_REFUSED 8 /* the server said no: it refused, or closed with a code that says so */

struct session {
    struct ws_options options;
    struct bight_reactor *reactor;
    struct bight_websocket_factory factory;
    struct bight_deferred *connecting; /* held */
    struct bight_websocket *socket;    /* NULL: not open yet, or no longer */
    struct runner_end input;
    struct runner_output output;
    bool is_terminal; /* the output */
    bool is_beginning, input_over;
    bool is_over;             /* the status is known, and what was wrong has been said */
    int status;               /* once it is closed */
    struct bight_timer timer; /* reads a file on, and closes at last */
    char *line;               /* that has not come whole */
    size_t line_size, line_room;
};

static void end_session(struct session *session, int status)
{
    if (session->is_over) {
        return;
    }
    session->is_over = true;
    runner_end_unwatch(&session->input);
    if (status != 0) {
        bight_reactor_fail(session->reactor, status);
    } else {
        (void)bight_reactor_stop(session->reactor);
    }
}

static struct session *session_of(const struct bight_websocket *socket)
{
    return socket->base.factory->context;
}

/* ------------------------------------------------------------------------------------------- output */

static void put(struct session *session, const void *data, size_t size)
{
    if (session->is_over) {
        return;
    }
    int status = runner_output_write(&session->output, data, size);
    if (status != 0) {
        end_session(session, status);
    }
}

static void put_printable(struct session *session, const void *data, size_t size)
{
    char *shown = bight_malloc(4 * size + 1);
    if (shown == NULL) {
        (void)complain("out of memory");
        end_session(session, EX_OSERR);
        return;
    }
    put(session, shown, runner_make_printable(data, size, session->options.is_binary, shown));
    bight_free(shown);
}

static void put_message(struct session *session, const void *data, size_t size)
{
    if (session->is_terminal) {
        put_printable(session, data, size);
    } else if (size > 0) {
        put(session, data, size);
    }
    if (!session->options.is_binary) {
        put(session, "\n", 1);
    }
    if (session->socket != NULL && runner_output_waits(&session->output)) {
        (void)bight_transport_pause(bight_websocket_transport(session->socket));
    }
}

static void text_received(struct bight_websocket *socket, const char *text, size_t size)
{
    put_message(session_of(socket), text, size);
}

static void binary_received(struct bight_websocket *socket, const uint8_t *data, size_t size)
{
    struct session *session = session_of(socket);
    if (session->options.is_binary) {
        put_message(session, data, size);
    } else {
        (void)complain("a binary message of %zu bytes is left out (--binary writes them)", size);
    }
}

static void output_ready(int fd, short what, void *context)
{
    struct session *session = context;
    (void)fd, (void)what;
    int status = runner_output_flush(&session->output);
    if (status != 0) {
        end_session(session, status);
    } else if (runner_output_waits(&session->output)) {
        return;
    } else if (session->socket == NULL) {
        end_session(session, session->status);
    } else {
        (void)bight_transport_resume(bight_websocket_transport(session->socket));
    }
}

/* -------------------------------------------------------------------------------------------- input */

static void close_socket(void *context)
{
    struct session *session = context;
    if (session->socket != NULL) {
        (void)bight_websocket_close(session->socket, BIGHT_WEBSOCKET_NORMAL, NULL);
    }
}

static void fail_input(struct session *session, const char *why, int status)
{
    (void)complain("standard input: %s", why);
    session->input_over = true;
    end_session(session, status);
}

static void send_line(struct session *session)
{
    if (!runner_is_utf8(session->line, session->line_size)) {
        fail_input(session, "a line is not UTF-8 (--binary sends any bytes)", EX_DATAERR);
        return;
    }
    (void)bight_websocket_send_text(session->socket, session->line, session->line_size);
    session->line_size = 0;
}

static bool keep_of_line(struct session *session, const char *data, size_t size)
{
    size_t wanted = session->line_size + size + 1;
    if (wanted > MOST_LINE) {
        fail_input(session, "a line is over 8 MiB", EX_DATAERR);
        return false;
    }
    if (wanted > session->line_room) {
        size_t room = wanted < MOST_LINE / 2 ? 2 * wanted : MOST_LINE;
        char *grown = bight_realloc(session->line, room);
        if (grown == NULL) {
            fail_input(session, "out of memory", EX_OSERR);
            return false;
        }
        session->line = grown;
        session->line_room = room;
    }
    memcpy(session->line + session->line_size, data, size);
    session->line_size += size;
    return true;
}

static void take_lines(struct session *session, const char *data, size_t size)
{
    while (size > 0 && !session->input_over) {
        const char *end = memchr(data, '\n', size);
        size_t part = end != NULL ? (size_t)(end - data) : size;
        if (!keep_of_line(session, data, part) || end == NULL) {
            return;
        }
        send_line(session);
        data += part + 1;
        size -= part + 1;
    }
}

static void end_input(struct session *session)
{
    double wait = session->options.wait;
    if (session->line_size > 0) {
        send_line(session);
    }
    session->input_over = true;
    runner_end_unwatch(&session->input);
    if (isinf(wait)) {
        return;
    }
    int code = bight_call_later(session->reactor, wait, close_socket, session, &session->timer);
    if (code != 0) {
        close_socket(session);
    }
}

static void read_input(struct session *session)
{
    static char chunk[RUNNER_CHUNK]; /* the stack may be small */
    ssize_t size = read(session->input.fd, chunk, sizeof chunk);
    if (size > 0 && session->options.is_binary) {
        (void)bight_websocket_send_binary(session->socket, chunk, (size_t)size);
    } else if (size > 0) {
        take_lines(session, chunk, (size_t)size);
    } else if (size == 0) {
        end_input(session);
    } else if (errno != EINTR && errno != EAGAIN) {
        fail_input(session, strerror(errno), EX_IOERR);
    }
}

static bool is_full(const struct session *session)
{
    const struct bight_transport *transport = bight_websocket_transport(session->socket);
    size_t low, high;
    bight_transport_get_watermarks(transport, &low, &high);
    return bight_transport_queued(transport) > high;
}

static void read_on(void *context);

/* Reads again when there is something, and room for it. */
static void wait_for_input(struct session *session)
{
    bool is_wanted = !session->input_over && !session->is_over && session->socket != NULL &&
                     bight_websocket_is_open(session->socket) && !is_full(session);
    int status = 0;
    if (!is_wanted) {
        runner_end_unwatch(&session->input);
    } else if (session->input.can_be_watched) {
        status = runner_end_watch(&session->input);
    } else if (bight_call_later(session->reactor, 0, read_on, session, &session->timer) != 0) {
        status = EX_OSERR;
    }
    if (status != 0) {
        end_session(session, status);
    }
}

static void read_on(void *context)
{
    struct session *session = context;
    if (session->socket != NULL && !session->is_over) {
        read_input(session);
        wait_for_input(session);
    }
}

static void input_ready(int fd, short what, void *context)
{
    (void)fd, (void)what;
    read_on(context);
}

/* ------------------------------------------------------------------------------------------ the socket */

static void opened(struct bight_websocket *socket, struct bight_http_request *request)
{
    struct session *session = session_of(socket);
    const char *subprotocol = bight_websocket_subprotocol(socket);
    (void)request;
    session->socket = socket;
    if (!session->options.is_quiet && isatty(STDERR_FILENO) != 0) {
        (void)complain(
            "connected%s%s", subprotocol != NULL ? ", and speaks " : "", subprotocol != NULL ? subprotocol : "");
    }
    wait_for_input(session);
}

static void ping_received(struct bight_websocket *socket, const uint8_t *data, size_t size)
{
    if (!session_of(socket)->options.is_quiet) {
        (void)complain("ping%s%.*s", size > 0 ? ": " : "", (int)size, (const char *)data);
    }
}

static void room(struct bight_websocket *socket)
{
    wait_for_input(session_of(socket));
}

static int status_of(unsigned code, bool is_clean)
{
    bool is_fine = code == BIGHT_WEBSOCKET_NORMAL || code == BIGHT_WEBSOCKET_NO_CODE;
    if (is_clean) {
        return is_fine ? 0 : STATUS_REFUSED;
    }
    return code == BIGHT_WEBSOCKET_ABNORMAL ? EX_UNAVAILABLE : EX_PROTOCOL;
}

static void tell_end(const struct session *session, unsigned code, const char *reason, bool is_clean)
{
    const char *colon = reason[0] != '\0' ? ": " : "";
    if (is_clean && session->options.is_quiet && session->status == 0) {
        return;
    }
    if (code == BIGHT_WEBSOCKET_ABNORMAL) {
        (void)complain("the connection was lost");
    } else if (code == BIGHT_WEBSOCKET_NO_CODE) {
        (void)complain("closed");
    } else if (is_clean) {
        (void)complain("closed: %u%s%s", code, colon, reason);
    } else {
        (void)complain("closed, for what the server did: %u%s%s", code, colon, reason);
    }
}

static void closed(struct bight_websocket *socket, unsigned code, const char *reason, bool is_clean)
{
    struct session *session = session_of(socket);
    session->socket = NULL;
    session->input_over = true;
    runner_end_unwatch(&session->input);
    (void)bight_timer_cancel(session->timer);
    if (session->is_over) {
        return;
    }
    session->status = status_of(code, is_clean);
    tell_end(session, code, reason, is_clean);
    if (!runner_output_waits(&session->output)) {
        end_session(session, session->status);
    }
}

static const struct bight_websocket_ops ops = { .opened = opened,
    .text_received = text_received,
    .binary_received = binary_received,
    .ping_received = ping_received,
    .closed = closed,
    .room = room };

/* ------------------------------------------------------------------------------------------- all of it */

static int status_of_failure(const struct session *session, const struct bight_failure *failure)
{
    int status = complain_of(failure);
    switch (bight_failure_code(failure)) {
    case BIGHT_E_HTTP_STATUS:
        return STATUS_REFUSED;
    case BIGHT_E_INVALID_ARGUMENT:
        return EX_USAGE;
    case BIGHT_E_SYNTAX:
        return session->is_beginning ? EX_USAGE : EX_PROTOCOL; /* the URL's, or the answer's */
    default:
        return status;
    }
}

static void has_connected(struct bight_result *result, void *context)
{
    struct session *session = context;
    const struct bight_failure *failure = bight_result_failure(result);
    if (failure != NULL && !session->is_over) {
        end_session(session, status_of_failure(session, failure));
    }
    bight_result_clear(result);
}

static void begin(void *context)
{
    struct session *session = context;
    const struct bight_websocket_connect_options options = { .size = sizeof options,
        .subprotocols = session->options.subprotocols,
        .fields = session->options.headers,
        .origin = session->options.origin };
    session->is_beginning = true;
    session->connecting = bight_websocket_connect(session->reactor, session->options.url, &session->factory, &options);
    if (bight_deferred_add_both(session->connecting, has_connected, session) != 0) {
        end_session(session, EX_OSERR);
    }
    session->is_beginning = false;
}

/* What it was in the middle of is not done: the status is what a shell reports for what died of the signal. */
static void interrupted(int number, void *context)
{
    end_session(context, 128 + number);
}

static int run(struct session *session)
{
    static const struct bight_websocket_options socket_options = {
        .size = sizeof socket_options, .message_limit = MOST_MESSAGE, .close_seconds = CLOSE_SECONDS
    };
    const struct bight_websocket_factory factory =
        BIGHT_WEBSOCKET_FACTORY_FULL(struct bight_websocket, &ops, &socket_options);
    session->factory = factory;
    session->factory.base.context = session;
    session->is_terminal = isatty(STDOUT_FILENO) != 0;
    runner_end_init(&session->input, session->reactor, STDIN_FILENO, BIGHT_READABLE, input_ready, session);
    runner_end_init(&session->output.end, session->reactor, STDOUT_FILENO, BIGHT_WRITABLE, output_ready, session);
    if (runner_hear_signals(session->reactor, interrupted, session) != 0 ||
        bight_call_when_running(session->reactor, begin, session) != 0) {
        return EX_OSERR;
    }
    int status = bight_reactor_run(session->reactor);
    bight_deferred_release(session->connecting);
    return status;
}

static int talk(struct session *session)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    const struct bight_reactor_options options = { .size = sizeof options, .leave_signals = true };
    session->reactor = bight_reactor_new_full(&options);
    int status = session->reactor != NULL ? run(session) : EX_OSERR;
    bight_reactor_free(session->reactor);
    runner_output_finish(&session->output);
    bight_free(session->line);
    return status;
}

int runner_ws(int count, char **words)
{
    struct session session = { .socket = NULL };
    int status = ws_read_options(&session.options, count, words);
    if (status == 0 && session.options.wants_help) {
        ws_print_help();
    } else if (status == 0) {
        status = talk(&session);
    }
    ws_finish_options(&session.options);
    return status;
}
