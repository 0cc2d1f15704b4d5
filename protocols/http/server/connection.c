/* SPDX-License-Identifier: MIT */
/* connection.c - a connection as a protocol: which input goes to which exchange, and when (H4).
 *
 * Input is gone through where it came, in the receive buffer, as far as it is wanted: heads always, bodies when they
 * have been asked for. What is not wanted yet waits in the backlog of the exchange, so that the peer's end is noticed
 * while an answer takes its time; when the backlog is full the transport is paused. The obvious other way, to give it
 * back to the transport and to pause, would not see the end. When the exchange is over or its body is asked for outside
 * the loop, the backlog is gone through on a later turn: handlers are never called inside a call of the program's. */

#include "http/message/likely.h"
#include "http/server/decoding.h"

/* Whether a client leaves small answers behind is looked at with every eighth request: it costs as much as reading a
 * field or two. A client that asks no more is idle. */
#define LOOK_AFTER 7u

static struct bi_http_connection *connection_of(struct bight_protocol *protocol)
{
    return (struct bi_http_connection *)protocol;
}

static struct bi_http_server *server_of(const struct bi_http_connection *connection)
{
    return (struct bi_http_server *)connection->base.factory;
}

/* ---------------------------------------------------------------------------------------- going through it */

/* What an exchange uses of its input; 0: it wants nothing now. */
static inline size_t read_some(struct bight_http_request *request, const uint8_t *data, size_t size)
{
    if (request->input == BI_INPUT_HEAD) {
        return bi_exchange_read_head(request, data, size);
    }
    return request->input < BI_INPUT_DONE && bi_body_is_wanted(request) ? bi_body_read(request, data, size) : 0;
}

/* Goes through input as far as it is wanted, from `used` on; returns how much that was. The connection is held. */
static size_t consume(struct bi_http_connection *connection, const uint8_t *data, size_t size, size_t used)
{
    connection->consuming = true;
    while (used < size && !(connection->flags & BI_HTTP_CLOSING)) {
        struct bight_http_request *request = connection->request;
        size_t taken;
        if (request != NULL) {
            taken = read_some(request, data + used, size - used);
        } else if (used > 0 && !connection->ended && !bight_transport_takes_input(connection->base.transport)) {
            break; /* its answers are not taken: T13; behind its end there is no giving back */
        } else {
            taken = bi_exchange_start(connection, data + used, size - used);
        }
        if (taken == 0) {
            break;
        }
        used += taken;
    }
    connection->consuming = false;
    return used;
}

static bool is_upgrading(const struct bi_http_connection *connection)
{
    return connection->request != NULL && connection->request->input == BI_INPUT_UPGRADE;
}

/* In the backlog as far as there is room, and with the transport, which is paused then (H4). */
static void keep_behind(struct bi_http_connection *connection, const uint8_t *data, size_t size)
{
    struct bi_http_buffer *backlog = &connection->request->backlog;
    size_t held = bi_http_buffer_size(backlog);
    size_t room = held < BI_HTTP_BACKLOG ? BI_HTTP_BACKLOG - held : 0;
    size_t kept = size < room ? size : room;
    if (bi_http_buffer_append(backlog, data, kept) != BIGHT_OK) {
        bi_http_close(connection, true);
    } else if (kept < size) {
        (void)bight_transport_give_back(connection->base.transport, data + kept, size - kept);
    }
}

/* The rest waits, unless the connection is on its way to its end. */
static void keep(struct bi_http_connection *connection, const uint8_t *data, size_t size)
{
    if (connection->flags & BI_HTTP_CLOSING) {
        return;
    }
    if (is_upgrading(connection) && bi_http_buffer_size(&connection->request->backlog) == 0) {
        bi_http_upgrade(connection, data, size);
    } else if (connection->request == NULL) {
        (void)bight_transport_give_back(connection->base.transport, data, size);
    } else {
        keep_behind(connection, data, size);
    }
}

/* What waits, because the turn has had its share, is gone through on the next. */
static void ask_again(struct bi_http_connection *connection)
{
    if (connection->request != NULL && bi_decoding_asks_again(connection->request)) {
        bi_http_go_on(connection);
    }
}

/* What is not one whole request on an idle connection, of which `used` bytes have been gone through. */
static void __attribute__((noinline))
go_through(struct bi_http_connection *connection, const uint8_t *data, size_t size, size_t used)
{
    if (connection->request == NULL || bi_http_buffer_size(&connection->request->backlog) == 0) {
        used = consume(connection, data, size, used);
    }
    if (used < size || is_upgrading(connection)) {
        keep(connection, data + used, size - used);
        bi_http_update_flow(connection);
        ask_again(connection);
    }
}

static void data_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct bi_http_connection *connection = connection_of(protocol);
    size_t used = 0;
    server_of(connection)->figures.bytes_in += size;
    if (BI_RARELY((connection->served & LOOK_AFTER) == LOOK_AFTER)) {
        bi_deadlines_bound_leftover(connection);
    }
    if (BI_USUALLY(connection->request == NULL) && BI_USUALLY(!(connection->flags & BI_HTTP_CLOSING))) {
        connection->consuming = true;
        used = bi_exchange_start(connection, data, size);
        connection->consuming = false;
    }
    if (BI_RARELY(used < size) || BI_RARELY(connection->request != NULL)) {
        go_through(connection, data, size, used);
    }
}

/* ------------------------------------------------------------------------------------------- the backlog */

void bi_http_update_flow(struct bi_http_connection *connection)
{
    bool is_full = connection->request != NULL && bi_http_buffer_size(&connection->request->backlog) >= BI_HTTP_BACKLOG;
    if (is_full == ((connection->flags & BI_HTTP_PAUSED) != 0)) {
        return;
    }
    connection->flags ^= BI_HTTP_PAUSED;
    if (is_full) {
        (void)bight_transport_pause(connection->base.transport);
    } else {
        (void)bight_transport_resume(connection->base.transport);
    }
}

/* What is left of the backlog goes to the next in line. */
static void put_back(struct bi_http_connection *connection, struct bi_http_buffer *backlog)
{
    bool is_wanted = bi_http_buffer_size(backlog) > 0 && !(connection->flags & BI_HTTP_CLOSING);
    if (is_wanted && connection->request != NULL && !is_upgrading(connection)) {
        connection->request->backlog = *backlog;
        return;
    }
    keep(connection, bi_http_buffer_data(backlog), bi_http_buffer_size(backlog));
    bi_http_buffer_free(backlog);
}

static void go_on(void *context)
{
    struct bi_http_connection *connection = context;
    connection->flags &= (uint8_t)~BI_HTTP_GOING_ON;
    struct bight_http_request *request = connection->request;
    if (request == NULL) {
        return;
    }
    struct bi_http_buffer backlog = request->backlog;
    request->backlog = (struct bi_http_buffer) { .bytes = NULL };
    backlog.start += consume(connection, bi_http_buffer_data(&backlog), bi_http_buffer_size(&backlog), 0);
    put_back(connection, &backlog);
    bi_http_update_flow(connection);
    ask_again(connection);
    bi_http_check_end(connection);
}

static void release_connection(void *connection)
{
    bight_protocol_release(connection);
}

void bi_http_go_on(struct bi_http_connection *connection)
{
    if (connection->consuming || (connection->flags & (BI_HTTP_GOING_ON | BI_HTTP_CLOSING)) ||
        (bi_http_buffer_size(&connection->request->backlog) == 0 && !is_upgrading(connection))) {
        return;
    }
    struct bight_reactor *reactor = bight_transport_reactor(connection->base.transport);
    bight_protocol_hold(&connection->base);
    if (bight_call_later_full(reactor, 0, go_on, connection, release_connection, NULL) != BIGHT_OK) {
        bight_protocol_release(&connection->base);
        bi_http_close(connection, true);
        return;
    }
    connection->flags |= BI_HTTP_GOING_ON;
}

/* ------------------------------------------------------------------------------------------------- the ends */

void bi_http_close(struct bi_http_connection *connection, bool abort)
{
    connection->flags |= BI_HTTP_CLOSING;
    if (abort) {
        (void)bight_transport_abort_connection(connection->base.transport);
    } else {
        (void)bight_transport_lose_connection(connection->base.transport);
    }
}

void bi_http_check_end(struct bi_http_connection *connection)
{
    struct bight_http_request *request = connection->request;
    if (!connection->ended || connection->consuming || (connection->flags & (BI_HTTP_CLOSING | BI_HTTP_GOING_ON))) {
        return;
    }
    if (request == NULL || request->input == BI_INPUT_HEAD) {
        bi_http_close(connection, false);
    } else if (request->input < BI_INPUT_DONE && bi_http_buffer_size(&request->backlog) == 0) {
        bi_body_give_up(
            request, bight_failure_new_status(BIGHT_E_INCOMPLETE, 400, NULL, "the request ends before its body does"));
    }
}

/* An answer under way whose end would be that of the connection (HTTP/1.0): closed gracefully what there is of it
 * would look whole (H6). */
static bool ends_with_connection(const struct bight_http_request *request)
{
    const struct bi_http_answer *answer = &request->answer;
    return BI_ANSWER_IS_UNDER_WAY(answer->state) && !answer->chunked && !answer->has_length && !answer->bodiless;
}

/* The peer sends nothing more. Whether it waits for its answer cannot be told, and a browser that was closed looks the
 * same; so it counts as gone unless the server knows better (A3). Requests that came before may wait for the next turn.
 */
static bool read_connection_lost(struct bight_protocol *protocol)
{
    struct bi_http_connection *connection = connection_of(protocol);
    struct bight_http_request *request = connection->request;
    bool waits = request != NULL && (request->input != BI_INPUT_HEAD || (connection->flags & BI_HTTP_GOING_ON));
    if (waits && server_of(connection)->limits.half_close) {
        connection->ended = true;
        bi_http_check_end(connection);
        return true;
    }
    bool is_cut = request != NULL && ends_with_connection(request);
    connection->flags |= BI_HTTP_CLOSING;
    if (request != NULL) {
        struct bight_failure *reason = bight_failure_of(BIGHT_E_CONNECTION_DONE);
        bi_exchange_gone(request, reason);
        bight_failure_release(reason);
    }
    if (is_cut) {
        (void)bight_transport_abort_connection(protocol->transport);
    }
    return false;
}

static void connection_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct bi_http_connection *connection = connection_of(protocol);
    connection->flags |= BI_HTTP_CLOSING;
    if (connection->request != NULL) {
        bi_exchange_gone(connection->request, reason);
    }
}

/* The upgrade has taken place; or the program has given the connection to another protocol behind the library's back.
 */
static void protocol_replaced(struct bight_protocol *protocol)
{
    struct bight_failure *reason = bight_failure_of(BIGHT_E_CLOSED);
    connection_lost(protocol, reason);
    bight_failure_release(reason);
}

static bool is_idle(const struct bi_http_connection *connection)
{
    return connection->request == NULL || bi_exchange_is_empty(connection->request);
}

/* Of a client that reads what it was sent the end comes soon; one that does not look at its idle connections, as
 * browsers do now and then, is not waited for (T7). */
static void close_idle(void *context)
{
    struct bi_http_connection *connection = context;
    if (is_idle(connection) && bight_transport_is_open(connection->base.transport)) {
        (void)bight_transport_set_linger(connection->base.transport, BI_HTTP_DRAIN_GRACE, BI_HTTP_DRAIN_BYTES);
        bi_http_close(connection, false);
    }
}

/* H9: the next answer says that it is the last; an idle client has a moment in which it may ask once more. */
static bool drain(struct bight_protocol *protocol)
{
    struct bi_http_connection *connection = connection_of(protocol);
    connection->draining = true;
    if (!is_idle(connection)) {
        connection->request->closing = true;
        bi_drain_warn(connection->request);
        return true;
    }
    bight_protocol_hold(protocol);
    if (bight_call_later_full(bight_transport_reactor(protocol->transport), BI_HTTP_DRAIN_GRACE, close_idle, connection,
            release_connection, NULL) != BIGHT_OK) {
        bight_protocol_release(protocol);
        return false;
    }
    return true;
}

static void connection_made(struct bight_protocol *protocol)
{
    bi_deadlines_watch_idle(connection_of(protocol));
}

/* Output was above its mark and is below. */
static void room(struct bight_protocol *protocol)
{
    struct bight_http_request *request = connection_of(protocol)->request;
    if (request != NULL) {
        bi_drain_look(request);
    }
}

const struct bight_protocol_ops bi_http_connection_ops = {
    .connection_made = connection_made,
    .data_received = data_received,
    .connection_lost = connection_lost,
    .read_connection_lost = read_connection_lost,
    .protocol_replaced = protocol_replaced,
    .room = room,
    .drain = drain,
};
