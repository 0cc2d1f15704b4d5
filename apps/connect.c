/* SPDX-License-Identifier: MIT */
/* connect.c - standard input and output to a connection, as nc does.
 *
 * Four ends, two directions, each with its own pressure: the transport, as for any producer, says when input should
 * wait; output that cannot be written pauses the transport. The standard descriptors are shared with other programs,
 * so they are not made non-blocking: they are watched, and no more is read or written than goes without waiting.
 * What cannot be watched (files) never makes one wait for long and is read whenever the transport wants more. */
#include "runner.h"

#include <bight/bight.h>
#include <bight/sys/loop.h>
#include <bight/tls.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 65536, PIPE_CHUNK = 4096 }; /* a pipe that is ready takes this much without waiting */

struct end {
    int fd;
    short what;
    bool can_be_watched;
    bool is_watched;
    void (*ready)(int fd, short what, void *session);
    struct bight_foreign_watch watch;
};

struct session {
    struct bight_reactor *reactor;
    struct bight_deferred *connection; /* held */
    struct bight_transport *transport; /* NULL: not yet or no longer connected */
    struct end input, output;
    const char *endpoint;
    bool input_over;
    bool shows_session;
    bool is_over; /* the status is known, and what was wrong has been said */
    uint8_t *unwritten;
    size_t start, end, room; /* of what is not written yet */
};

/* ---------------------------------------------------------------------------------------- the ends */

/* Regular files and the like are always ready, and cannot be watched. */
static bool can_be_watched(int fd)
{
    struct epoll_event event = { .events = 0 };
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    bool can = epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
    if (epoll >= 0) {
        close(epoll);
    }
    return can;
}

/* Once, whatever else results from it: the connection is told nothing more of either side, and so has nothing to say.
 */
static void end_session(struct session *session, int status)
{
    if (session->is_over) {
        return;
    }
    session->is_over = true;
    if (session->transport != NULL) {
        (void)bight_transport_abort_connection(session->transport);
    }
    if (status != 0) {
        bight_reactor_fail(session->reactor, status);
    } else {
        (void)bight_reactor_stop(session->reactor);
    }
}

static void watch(struct session *session, struct end *end)
{
    if (end->is_watched) {
        return;
    }
    int code = bight_watch_descriptor(session->reactor, end->fd, end->what, end->ready, session, NULL, &end->watch);
    if (code != 0) {
        (void)complain("cannot wait for descriptor %d: %s", end->fd, bight_error_text(code));
        end_session(session, EX_OSERR);
    }
    end->is_watched = code == 0;
}

static void unwatch(struct end *end)
{
    if (end->is_watched) {
        end->is_watched = false;
        (void)bight_unwatch_descriptor(end->watch);
    }
}

/* ------------------------------------------------------------------------------------------- output */

static bool takes_more(const struct end *end)
{
    struct pollfd state = { .fd = end->fd, .events = POLLOUT };
    return !end->can_be_watched || poll(&state, 1, 0) > 0;
}

/* As much as goes without waiting. Returns how much, or -1 when it will never be read. */
static ssize_t write_some(const struct end *end, const uint8_t *data, size_t size)
{
    size_t done = 0;
    while (done < size && takes_more(end)) {
        size_t part = size - done;
        part = end->can_be_watched && part > PIPE_CHUNK ? PIPE_CHUNK : part;
        ssize_t written = write(end->fd, data + done, part);
        if (written < 0 && errno != EINTR && errno != EAGAIN) {
            return -1;
        }
        if (written < 0 && errno == EAGAIN) {
            break;
        }
        done += written < 0 ? 0 : (size_t)written;
    }
    return (ssize_t)done;
}

static void output_failed(struct session *session)
{
    (void)complain("cannot write to standard output: %s", strerror(errno));
    session->start = session->end = 0;
    unwatch(&session->output);
    end_session(session, EX_IOERR);
}

static bool keep(struct session *session, const uint8_t *data, size_t size)
{
    if (session->end + size > session->room) {
        uint8_t *grown = bight_realloc(session->unwritten, session->end + size);
        if (grown == NULL) {
            return false;
        }
        session->unwritten = grown;
        session->room = session->end + size;
    }
    memcpy(session->unwritten + session->end, data, size);
    session->end += size;
    return true;
}

static void received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct session *session = protocol->factory->context;
    if (session->is_over) { /* what still comes is thrown away */
        return;
    }
    ssize_t written = session->end > 0 ? 0 : write_some(&session->output, data, size);
    if (written < 0) {
        output_failed(session);
        return;
    }
    if ((size_t)written == size) {
        return;
    }
    if (!keep(session, data + written, size - (size_t)written)) {
        (void)complain("out of memory");
        end_session(session, EX_OSERR);
        return;
    }
    (void)bight_transport_pause(protocol->transport);
    watch(session, &session->output);
}

static void output_ready(int fd, short what, void *context)
{
    struct session *session = context;
    (void)fd, (void)what;
    ssize_t written = write_some(&session->output, session->unwritten + session->start, session->end - session->start);
    if (written < 0) {
        output_failed(session);
        return;
    }
    session->start += (size_t)written;
    if (session->start < session->end) {
        return;
    }
    session->start = session->end = 0;
    unwatch(&session->output);
    if (session->transport == NULL) {
        end_session(session, 0);
    } else {
        (void)bight_transport_resume(session->transport);
    }
}

/* -------------------------------------------------------------------------------------------- input */

static void finish_input(struct session *session)
{
    if (!session->input_over) {
        session->input_over = true;
        unwatch(&session->input);
        (void)bight_transport_unregister_producer(session->transport);
    }
}

static void read_input(struct session *session)
{
    static uint8_t chunk[CHUNK]; /* the stack may be small */
    ssize_t size = read(session->input.fd, chunk, sizeof chunk);
    if (size > 0) {
        (void)bight_transport_write(session->transport, chunk, (size_t)size);
    } else if (size == 0) {
        finish_input(session);
        if (bight_transport_lose_write(session->transport) == BIGHT_E_NOT_SUPPORTED) {
            (void)bight_transport_lose_connection(session->transport);
        }
    } else if (errno != EINTR && errno != EAGAIN) {
        (void)complain("cannot read standard input: %s", strerror(errno));
        end_session(session, EX_IOERR);
    }
}

static void input_ready(int fd, short what, void *context)
{
    (void)fd, (void)what;
    read_input(context);
}

static void pause_input(void *context)
{
    struct session *session = context;
    unwatch(&session->input);
}

/* There is room for more. */
static void resume_input(void *context)
{
    struct session *session = context;
    if (session->input.can_be_watched) {
        watch(session, &session->input);
    } else {
        read_input(session);
    }
}

static void stop_input(void *context)
{
    struct session *session = context;
    session->input_over = true;
    unwatch(&session->input);
}

static const struct bight_producer_ops input_producer = { pause_input, resume_input, stop_input };

/* --------------------------------------------------------------------------------------- connection */

/* "a.example, b.example ..." */
static void list_names(const struct bight_tls_certificate *certificate, char *buffer, size_t size)
{
    size_t used = 0;
    buffer[0] = '\0';
    for (size_t i = 0; i < certificate->name_count && used < size; i++) {
        int length = snprintf(buffer + used, size - used, "%s%s", i > 0 ? ", " : "", certificate->names[i]);
        used += length > 0 ? (size_t)length : 0;
    }
}

static void format_day(int64_t seconds, char buffer[16])
{
    time_t time = (time_t)seconds;
    struct tm day;
    if (gmtime_r(&time, &day) == NULL || strftime(buffer, 16, "%Y-%m-%d", &day) == 0) {
        memcpy(buffer, "?", 2);
    }
}

static void show_certificate(const char *endpoint, const struct bight_tls_certificate *certificate)
{
    char names[512], begins[16], ends[16], digest[2 * sizeof certificate->sha256 + 1];
    list_names(certificate, names, sizeof names);
    format_day(certificate->not_before, begins);
    format_day(certificate->not_after, ends);
    for (size_t i = 0; i < sizeof certificate->sha256; i++) {
        snprintf(digest + 2 * i, 3, "%02x", certificate->sha256[i]);
    }
    (void)complain("%s: the peer is %s, for %s; from %s to %s, SHA-256 %s", endpoint,
        certificate->subject[0] == '\0' ? "without a subject" : certificate->subject, names, begins, ends, digest);
}

static void show(const char *endpoint, const struct bight_tls_session *session)
{
    if (session == NULL) {
        (void)complain("%s: not secure: there is no TLS", endpoint);
        return;
    }
    (void)complain("%s: %s, %s%s%s%s%s%s", endpoint, session->version, session->cipher,
        session->group == NULL ? "" : ", key exchange by ", session->group == NULL ? "" : session->group,
        session->alpn == NULL ? "" : ", protocol ", session->alpn == NULL ? "" : session->alpn,
        session->is_verified ? ", the peer is verified" : ", the peer is not verified");
    if (session->peer != NULL) {
        show_certificate(endpoint, session->peer);
    }
}

static void connected(struct bight_protocol *protocol)
{
    struct session *session = protocol->factory->context;
    session->transport = protocol->transport;
    if (session->shows_session) {
        show(session->endpoint, bight_transport_tls(protocol->transport));
    }
    bool streaming = session->input.can_be_watched;
    if (bight_transport_register_producer(protocol->transport, &input_producer, session, streaming) != 0) {
        (void)bight_transport_abort_connection(protocol->transport);
    } else if (streaming) {
        watch(session, &session->input);
    }
}

/* The peer has sent all it had to send. There may be more to send, but a user should not have to end a terminal's input
 * to get out. */
static bool peer_ended(struct bight_protocol *protocol)
{
    struct session *session = protocol->factory->context;
    if (isatty(session->input.fd)) {
        finish_input(session);
        return false;
    }
    return true;
}

static void lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct session *session = protocol->factory->context;
    session->transport = NULL;
    if (session->is_over) {
        return;
    }
    if (!bight_failure_is(reason, BIGHT_E_CONNECTION_DONE)) {
        (void)complain("%s: %s", session->endpoint, bight_failure_message(reason));
        end_session(session, bight_error_exit_status(bight_failure_code(reason)));
    } else if (session->end == 0) {
        end_session(session, 0);
    }
}

static const struct bight_protocol_ops session_ops = {
    .connection_made = connected,
    .data_received = received,
    .read_connection_lost = peer_ended,
    .connection_lost = lost,
};

static void not_connected(struct bight_result *result, void *context)
{
    struct session *session = context;
    struct bight_failure *failure = bight_result_failure(result);
    if (!session->is_over) {
        end_session(session, complain_of(failure));
    }
    bight_result_clear(result);
}

/* What it was in the middle of is not done: the status is what a shell reports for what died of the signal. */
static void interrupted(int number, void *context)
{
    end_session(context, 128 + number);
}

/* Those that our parent process ignored stay so. */
static int hear_signals(struct session *session)
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction found;
        bool is_ignored = sigaction(numbers[i], NULL, &found) == 0 && found.sa_handler == SIG_IGN;
        if (!is_ignored && bight_on_signal(session->reactor, numbers[i], interrupted, session) != 0) {
            return EX_OSERR;
        }
    }
    return 0;
}

static void begin(void *context)
{
    static struct bight_factory factory = BIGHT_FACTORY(struct bight_protocol, &session_ops);
    struct session *session = context;
    factory.context = session;
    struct bight_deferred *connection = bight_connect(session->reactor, session->endpoint, &factory);
    if (bight_deferred_add_errback(connection, not_connected, session) != 0) {
        end_session(session, EX_OSERR);
    }
    session->connection = connection;
}

static int run_session(struct session *session)
{
    if (hear_signals(session) != 0 || bight_call_when_running(session->reactor, begin, session) != 0) {
        return EX_OSERR;
    }
    int status = bight_reactor_run(session->reactor);
    bight_deferred_release(session->connection);
    return status;
}

int runner_connect(const struct runner_command *command)
{
    if (command->endpoint_count != 1) {
        return complain("connect needs one endpoint, such as tcp:localhost:1234 (--help tells more)");
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    const struct bight_reactor_options options = { .size = sizeof options, .leave_signals = true };
    struct session session = {
        .reactor = bight_reactor_new_full(&options),
        .endpoint = command->endpoints[0],
        .shows_session = command->shows_session,
        .input = { .fd = STDIN_FILENO, .what = BIGHT_READABLE, .ready = input_ready },
        .output = { .fd = STDOUT_FILENO, .what = BIGHT_WRITABLE, .ready = output_ready },
    };
    if (session.reactor == NULL) {
        return EX_OSERR;
    }
    session.input.can_be_watched = can_be_watched(STDIN_FILENO);
    session.output.can_be_watched = can_be_watched(STDOUT_FILENO);
    int status = run_session(&session);
    bight_reactor_free(session.reactor);
    bight_free(session.unwritten);
    return status;
}
