/* SPDX-License-Identifier: MIT */
/* connect.c - standard input and output to a connection, as nc does.
 *
 * Four ends, two directions, each with its own pressure: the transport, as for any producer, says when input should
 * wait; output that cannot be written pauses the transport. The standard descriptors are ends.c's; input that cannot be
 * watched (a file) is read whenever the transport wants more. */
#include "ends.h"
#include "runner.h"

#include <bight/bight.h>
#include <bight/tls.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

struct session {
    struct bight_reactor *reactor;
    struct bight_deferred *connection; /* held */
    struct bight_transport *transport; /* NULL: not yet or no longer connected */
    struct runner_end input;
    struct runner_output output;
    const char *endpoint;
    bool input_over;
    bool shows_session;
    bool is_over; /* the status is known, and what was wrong has been said */
};

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

static void watch_input(struct session *session)
{
    int status = runner_end_watch(&session->input);
    if (status != 0) {
        end_session(session, status);
    }
}

/* ------------------------------------------------------------------------------------------- output */

static void received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct session *session = protocol->factory->context;
    if (session->is_over) { /* what still comes is thrown away */
        return;
    }
    int status = runner_output_write(&session->output, data, size);
    if (status != 0) {
        end_session(session, status);
    } else if (runner_output_waits(&session->output)) {
        (void)bight_transport_pause(protocol->transport);
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
    } else if (session->transport == NULL) {
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
        runner_end_unwatch(&session->input);
        (void)bight_transport_unregister_producer(session->transport);
    }
}

static void read_input(struct session *session)
{
    static uint8_t chunk[RUNNER_CHUNK]; /* the stack may be small */
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
    runner_end_unwatch(&session->input);
}

/* There is room for more. */
static void resume_input(void *context)
{
    struct session *session = context;
    if (session->input.can_be_watched) {
        watch_input(session);
    } else {
        read_input(session);
    }
}

static void stop_input(void *context)
{
    struct session *session = context;
    session->input_over = true;
    runner_end_unwatch(&session->input);
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
        watch_input(session);
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
    } else if (!runner_output_waits(&session->output)) {
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
    if (runner_hear_signals(session->reactor, interrupted, session) != 0 ||
        bight_call_when_running(session->reactor, begin, session) != 0) {
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
    };
    if (session.reactor == NULL) {
        return EX_OSERR;
    }
    runner_end_init(&session.input, session.reactor, STDIN_FILENO, BIGHT_READABLE, input_ready, &session);
    runner_end_init(&session.output.end, session.reactor, STDOUT_FILENO, BIGHT_WRITABLE, output_ready, &session);
    int status = run_session(&session);
    bight_reactor_free(session.reactor);
    runner_output_finish(&session.output);
    return status;
}
