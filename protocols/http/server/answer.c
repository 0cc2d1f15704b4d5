/* SPDX-License-Identifier: MIT */
/* answer.c - a whole answer: its head put together where it is sent from, and its body.
 *
 * The head's pieces are written straight into the output that the turn gathers (bight/sys/output.h): what was gathered
 * in a buffer of our own before would be copied once more. Small bodies come right behind it, larger ones are handed to
 * the transport, which tries to send them from where they lie. */
#include <bight/sys/output.h>

#include <string.h>

#include "http/message/likely.h"
#include "http/message/status.h"
#include "http/server/filter.h"

#define COPIED 4096            /* bodies below this are gathered with their head */
#define MUCH ((size_t)8 << 20) /* half of what a transport lets wait */

static const char type_name[] = "Content-Type: ";
static const char length_name[] = "Content-Length: ";
static const char chunked_line[] = "Transfer-Encoding: chunked\r\n";
static const char close_line[] = "Connection: close\r\n";
static const char last_line[] = "\r\nConnection: close\r\n\r\n"; /* behind a length, and the head's end */
static const char keep_alive_line[] = "Connection: keep-alive\r\n";

#define DIGITS 20 /* of the largest number */
/* All that a head has apart from its type and the program's own fields. */
#define HEAD_SIZE                                                                                                   \
    (BI_STATUS_LINE + BI_DATE_LINE + sizeof type_name + 2 + sizeof length_name + DIGITS + 2 + sizeof chunked_line + \
        sizeof keep_alive_line + 2)

/* ------------------------------------------------------------------------------------------ the head */

static inline char *put(char *at, const void *data, size_t size)
{
    memcpy(at, data, size);
    return at + size;
}

/* Small ones by two moves that may overlap: a call would take longer. */
static inline char *put_body(char *at, const void *data, size_t size)
{
    if (BI_USUALLY(size - 8 <= 8)) {
        memcpy(at, data, 8);
        memcpy(at + size - 8, (const char *)data + size - 8, 8);
        return at + size;
    }
    return size > 0 ? put(at, data, size) : at;
}

static char *__attribute__((noinline)) put_digits(char *at, uint64_t number)
{
    char digits[DIGITS];
    size_t first = DIGITS;
    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return put(at, digits + first, DIGITS - first);
}

/* Most bodies are small. */
static inline char *put_number(char *at, uint64_t number)
{
    if (number >= 10) {
        return put_digits(at, number);
    }
    *at = (char)('0' + number);
    return at + 1;
}

static bool has_type(const struct bi_http_buffer *fields)
{
    size_t size;
    return bi_fields_find(fields, "content-type", &size) != NULL;
}

static inline char *put_type(char *at, struct bi_view type)
{
    if (type.size == 0) {
        return at;
    }
    at = put(at, type_name, sizeof type_name - 1);
    at = put(at, type.at, type.size);
    return put(at, "\r\n", 2);
}

static char *put_framing(char *at, const struct bight_http_request *request, int64_t length)
{
    if (request->answer.has_length) {
        at = put(at, length_name, sizeof length_name - 1);
        at = put_number(at, (uint64_t)length);
        at = put(at, "\r\n", 2);
    } else if (request->answer.chunked) {
        at = put(at, chunked_line, sizeof chunked_line - 1);
    }
    if (request->closing) {
        return put(at, close_line, sizeof close_line - 1);
    }
    return request->head.minor == 0 ? put(at, keep_alive_line, sizeof keep_alive_line - 1) : at;
}

/* The body may be read, now or soon, while the answer goes out. */
static bool may_be_read_on(const struct bight_http_request *request)
{
    return request->answer.streams && !(request->due & BI_DUE_CONTINUE);
}

/* What its framing will be; behind this nothing about it is decided any more (H6). */
static void decide(struct bight_http_request *request, int status, int64_t length)
{
    struct bi_http_answer *answer = &request->answer;
    bool is_tunnel = request->head.method_known == BI_METHOD_CONNECT && status < 300;
    bool bodiless = bi_status_is_bodiless(status) || is_tunnel;
    answer->status = (uint16_t)status;
    answer->bodiless = bodiless || request->head.method_known == BI_METHOD_HEAD;
    answer->has_length = length >= 0 && !bodiless;
    answer->chunked = length < 0 && !bodiless && request->head.minor > 0;
    if (is_tunnel || (length < 0 && !bodiless && request->head.minor == 0)) { /* one that ends at once */
        request->closing = true;
    }
    if (request->input < BI_INPUT_DONE && !may_be_read_on(request) && !bi_body_can_be_discarded(request)) {
        request->closing = true;
    }
}

static int write_head(
    struct bight_http_request *request, int status, struct bi_view type, int64_t length, const void *data, size_t size)
{
    struct bight_transport *transport = request->connection->base.transport;
    const struct bi_http_buffer *fields = &request->answer.fields;
    size_t fields_size = bi_http_buffer_size(fields);
    if (fields_size > 0 && has_type(fields)) {
        type.size = 0;
    }
    decide(request, status, length);
    size = request->answer.bodiless ? 0 : size;
    const char *date = bi_http_server_date(request->server);
    char *room = (char *)bight_transport_reserve(transport, HEAD_SIZE + type.size + fields_size + size);
    if (room == NULL) {
        return bi_answer_lost(request);
    }
    char *at = room + bi_status_line(room, status);
    at = put(at, date, BI_DATE_LINE);
    at = put_type(at, type);
    at = put_framing(at, request, length);
    at = fields_size > 0 ? put(at, fields->bytes, fields_size) : at;
    at = put(at, "\r\n", 2);
    request->hooks.head = (uint64_t)(at - room);
    at = size > 0 ? put(at, data, size) : at;
    int code = bight_transport_commit(transport, (size_t)(at - room));
    request->server->figures.classes[status / 100]++;
    bi_answer_count(request, (size_t)(at - room));
    return code == BIGHT_OK ? BIGHT_OK : bi_answer_lost(request);
}

/* ----------------------------------------------------------------------------------- what may go wrong */

int bi_answer_check(const struct bight_http_request *request, int status)
{
    if (request->gone || (request->connection != NULL && (request->connection->flags & BI_HTTP_CLOSING))) {
        return BIGHT_E_CLOSED;
    }
    if (request->answer.state != BI_ANSWER_NONE) {
        return bi_http_usage(BIGHT_E_USAGE, "an answer: there is one already");
    }
    if (status < 200 || status > 599) {
        return bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "an answer: its status is not from 200 to 599");
    }
    return BIGHT_OK;
}

/* The transport has no memory, or takes no more, and is aborted (T6); or it is closed. */
int bi_answer_lost(struct bight_http_request *request)
{
    int code = bight_transport_is_open(request->connection->base.transport) ? BIGHT_E_OUT_OF_MEMORY : BIGHT_E_CLOSED;
    bi_exchange_abort(request);
    return code;
}

/* Whether a Content-Type of the program's, of the size, ends its line: eight bytes at a time are looked at for one
 * below a space, or the one that is DEL. */
static inline bool has_control(struct bi_view type)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t found = 0;
    size_t at = 0;
    for (; at + sizeof found <= type.size; at += sizeof found) {
        uint64_t word;
        memcpy(&word, type.at + at, sizeof word);
        found |= (word - ones * ' ') & ~word;
        word ^= ones * 0x7f;
        found |= (word - ones) & ~word;
    }
    for (; at < type.size; at++) {
        found |= (uint64_t)(type.at[at] < ' ' || type.at[at] == 0x7f) << 7;
    }
    return (found & (ones << 7)) != 0;
}

static int refuse_type(void)
{
    return bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "an answer: its type holds a control");
}

/* ------------------------------------------------------------------------------------- the ready head */

/* No body of the request's is left, the connection goes on, and the client is there: four members at once. */
static inline bool is_settled(const struct bight_http_request *request)
{
    static const uint8_t settled[4] = { BI_INPUT_DONE, false, false, 0 };
    enum { AT = offsetof(struct bight_http_request, input) };
    _Static_assert(offsetof(struct bight_http_request, closing) == AT + 1 &&
                       offsetof(struct bight_http_request, gone) == AT + 2 &&
                       offsetof(struct bight_http_request, due) == AT + 3,
        "they are compared together");
    return memcmp((const char *)request + AT, settled, sizeof settled) == 0;
}

/* The same of the last one of a connection. */
static inline bool is_settled_at_last(const struct bight_http_request *request)
{
    return request->closing && request->input == BI_INPUT_DONE && !request->gone && request->due == 0;
}

/* Nothing about its head has to be thought of: no fields either. */
static inline bool is_plain(const struct bight_http_request *request)
{
    return BI_USUALLY(request->head.minor == 1) && BI_USUALLY(request->head.method_known != BI_METHOD_HEAD) &&
           BI_USUALLY(request->head.method_known != BI_METHOD_CONNECT) &&
           BI_USUALLY(request->answer.fields.bytes == NULL);
}

/* For a head, of which move_ready writes more than there is. What is reserved and not used would have answers in a row
 * begin a new block sooner. */
static uint16_t room_of(const struct bi_ready_head *ready)
{
    const size_t end = DIGITS + sizeof "\r\n\r\n" - 1;
    return ready->size + end > BI_READY_PART ? sizeof ready->text : BI_READY_PART;
}

/* Behind an answer whose head was put together piece by piece: of this status and type the next one is ready. */
static void make_ready(struct bight_http_request *request, int status, struct bi_view type)
{
    struct bi_http_server *server = request->server;
    struct bi_ready_head *ready = &server->ready;
    if (type.size == 0 || type.size >= BI_READY_TYPE || !server->date_is_fresh || bi_status_is_bodiless(status)) {
        return;
    }
    char *at = ready->text + bi_status_line(ready->text, status);
    at = put(at, server->date.line, BI_DATE_LINE);
    at = put_type(at, type);
    at = put(at, length_name, sizeof length_name - 1);
    *put(ready->type, type.at, type.size) = '\0';
    ready->size = ready->whole = (uint8_t)(at - ready->text);
    ready->status = (uint16_t)status;
    ready->class = (uint8_t)(status / 100);
    ready->length = SIZE_MAX;
    ready->room = room_of(ready);
}

/* The head's text, of which a part too much is moved rather than a call made for what there is. */
static inline void move_ready(char *at, const struct bi_ready_head *ready)
{
    memcpy(at, ready->text, BI_READY_PART);
    if (BI_RARELY(ready->whole > BI_READY_PART)) {
        memcpy(at + BI_READY_PART, ready->text + BI_READY_PART, sizeof ready->text - BI_READY_PART);
    }
}

/* The length is that of the last one more often than not. */
static void __attribute__((noinline)) set_length(struct bi_ready_head *ready, size_t length)
{
    char *end = put(put_number(ready->text + ready->size, length), "\r\n\r\n", 4);
    ready->length = length;
    ready->whole = (uint8_t)(end - ready->text);
}

/* There is such a head, and nothing is wrong with the request or the call. */
static inline bool is_ready(const struct bight_http_request *request, int status, const char *type)
{
    const struct bi_ready_head *ready = &request->server->ready;
    return BI_USUALLY(ready->status == status) && BI_USUALLY(type != NULL) && is_plain(request) &&
           BI_USUALLY(request->answer.state == BI_ANSWER_NONE) &&
           BI_USUALLY(!(request->connection->flags & BI_HTTP_CLOSING)) && BI_USUALLY(strcmp(ready->type, type) == 0);
}

/* What was put together in `room`, up to `at`. */
static inline int commit_ready(struct bight_http_request *request, const char *room, const char *at)
{
    struct bight_transport *transport = request->connection->base.transport;
    const struct bi_ready_head *ready = &request->server->ready;
    request->answer.status = ready->status;
    request->answer.has_length = true;
    request->server->figures.classes[ready->class]++;
    request->server->figures.bytes_out += (size_t)(at - room);
    return bight_transport_commit(transport, (size_t)(at - room)) == BIGHT_OK ? BIGHT_OK : bi_answer_lost(request);
}

static inline int write_ready(struct bight_http_request *request, const void *data, size_t size)
{
    struct bi_ready_head *ready = &request->server->ready;
    char *room = (char *)bight_transport_reserve(request->connection->base.transport, ready->room + size);
    if (room == NULL) {
        return bi_answer_lost(request);
    }
    if (BI_RARELY(ready->length != size)) {
        set_length(ready, size);
    }
    move_ready(room, ready);
    return commit_ready(request, room, put_body(room + ready->whole, data, size));
}

/* The same of a connection's last one, which says so. */
static int write_ready_at_last(struct bight_http_request *request, const void *data, size_t size)
{
    const struct bi_ready_head *ready = &request->server->ready;
    size_t most = ready->room + DIGITS + sizeof last_line + size;
    char *room = (char *)bight_transport_reserve(request->connection->base.transport, most);
    if (room == NULL) {
        return bi_answer_lost(request);
    }
    move_ready(room, ready);
    char *at = put_number(room + ready->size, size);
    at = put(at, last_line, sizeof last_line - 1);
    return commit_ready(request, room, put_body(at, data, size));
}

/* The same with fields, of a request whose middleware has been told. */
static int write_ready_with_fields(struct bight_http_request *request, const void *data, size_t size)
{
    struct bi_ready_head *ready = &request->server->ready;
    struct bi_view fields = { request->answer.fields.bytes, bi_http_buffer_size(&request->answer.fields) };
    size_t most = ready->room + fields.size + 2 + size;
    char *room = (char *)bight_transport_reserve(request->connection->base.transport, most);
    if (room == NULL) {
        return bi_answer_lost(request);
    }
    if (ready->length != size) {
        set_length(ready, size);
    }
    move_ready(room, ready);
    char *at = room + ready->whole - 2;
    at = fields.size > 0 ? put(at, fields.at, fields.size) : at;
    at = put(at, "\r\n", 2);
    request->hooks.head = (uint64_t)(at - room);
    at = put_body(at, data, size);
    request->hooks.sent += (uint64_t)(at - room);
    return commit_ready(request, room, at);
}

/* As is_settled, of such a request. */
static bool is_settled_but_for_hooks(const struct bight_http_request *request)
{
    return request->due == BI_DUE_HOOKS && request->input == BI_INPUT_DONE && !request->closing && !request->gone &&
           request->head.minor == 1 && request->head.method_known != BI_METHOD_HEAD &&
           request->head.method_known != BI_METHOD_CONNECT;
}

static bool is_ready_with_fields(const struct bight_http_request *request, int status, struct bi_view type)
{
    const struct bi_ready_head *ready = &request->server->ready;
    return ready->status == status && type.size > 0 && type.size < BI_READY_TYPE &&
           memcmp(ready->type, type.at, type.size) == 0 && ready->type[type.size] == '\0' &&
           !has_type(&request->answer.fields);
}

/* ------------------------------------------------------------------------------------------- the whole */

static inline struct bi_view view_of_type(const char *type)
{
    return (struct bi_view) { (const uint8_t *)type, type == NULL ? 0 : strlen(type) };
}

static inline int check_head(const struct bight_http_request *request, int status, struct bi_view type)
{
    int code = bi_answer_check(request, status);
    return code == BIGHT_OK && has_control(type) ? refuse_type() : code;
}

static inline int begin_checked(
    struct bight_http_request *request, int status, struct bi_view type, int64_t length, const void *data, size_t size)
{
    bool told = is_settled_but_for_hooks(request);
    if (told && length == (int64_t)size && is_ready_with_fields(request, status, type)) {
        return write_ready_with_fields(request, data, size);
    }
    bool plain = told || (is_plain(request) && (is_settled(request) || is_settled_at_last(request)));
    int code = write_head(request, status, type, length, data, size);
    if (code == BIGHT_OK && length >= 0 && plain) {
        make_ready(request, status, type);
    }
    return code;
}

int bi_answer_begin_told(
    struct bight_http_request *request, int status, const char *type, int64_t length, const void *data, size_t size)
{
    struct bi_view view = view_of_type(type);
    int code = check_head(request, status, view);
    return code == BIGHT_OK ? begin_checked(request, status, view, length, data, size) : code;
}

int bi_answer_announce(struct bight_http_request *request, int status, const char *type)
{
    int code = check_head(request, status, view_of_type(type));
    return code == BIGHT_OK ? bi_hooks_announce(request, status) : code;
}

int bi_answer_begin(
    struct bight_http_request *request, int status, const char *type, int64_t length, const void *data, size_t size)
{
    int code = request->due & BI_DUE_HOOKS ? bi_answer_announce(request, status, type) : BIGHT_OK;
    return code == BIGHT_OK ? bi_answer_begin_told(request, status, type, length, data, size) : code;
}

/* Nothing of the request or of what was set asks for more than the lines that were put together. */
bool bi_answer_may_be_prepared(const struct bight_http_request *request)
{
    return is_settled(request) && is_plain(request) && request->answer.state == BI_ANSWER_NONE &&
           (request->connection->flags & BI_HTTP_CLOSING) == 0;
}

int bi_answer_begin_prepared(struct bight_http_request *request, struct bi_view lines, const void *data, size_t size)
{
    struct bight_transport *transport = request->connection->base.transport;
    const char *date = bi_http_server_date(request->server);
    char *room = (char *)bight_transport_reserve(transport, BI_STATUS_LINE + BI_DATE_LINE + lines.size + size);
    if (room == NULL) {
        return bi_answer_lost(request);
    }
    char *at = put(room + bi_status_line(room, 200), date, BI_DATE_LINE);
    at = put(at, lines.at, lines.size);
    at = size > 0 ? put(at, data, size) : at;
    request->answer.status = 200;
    request->answer.has_length = true;
    request->server->figures.classes[2]++;
    request->server->figures.bytes_out += (size_t)(at - room); /* there are no hooks to count for */
    return bight_transport_commit(transport, (size_t)(at - room)) == BIGHT_OK ? BIGHT_OK : bi_answer_lost(request);
}

static inline void note_whole(struct bight_http_request *request)
{
    request->answer.state = BI_ANSWER_WHOLE;
    if (BI_RARELY(request->is_parked)) {
        bi_figures_took(request);
    } else {
        request->server->figures.latencies[0]++;
    }
}

int bi_answer_written(struct bight_http_request *request, size_t size)
{
    note_whole(request);
    if (size >= COPIED) {
        bi_deadlines_bound_output(request->connection, size);
    }
    bi_exchange_advance(request);
    return BIGHT_OK;
}

/* For a body that does not go along with its head. The limit of a transport's output is against what grows without an
 * end, and a whole answer has one: it is the program that made it so large, and the next one waits until this has been
 * taken. */
static struct bight_transport *room_for(struct bight_http_request *request, size_t size)
{
    struct bight_transport *transport = request->connection->base.transport;
    bi_answer_count(request, size);
    if (size > MUCH) {
        (void)bight_transport_set_output_limit(transport, size < SIZE_MAX - 2 * MUCH ? size + 2 * MUCH : SIZE_MAX);
    }
    return transport;
}

/* A body that does not go along with its head. */
static int __attribute__((noinline))
write_body(struct bight_http_request *request, int code, const void *data, size_t size)
{
    if (code == BIGHT_OK && !request->answer.bodiless &&
        bight_transport_write(room_for(request, size), data, size) != BIGHT_OK) {
        return bi_answer_lost(request);
    }
    return code == BIGHT_OK ? bi_answer_written(request, size) : code;
}

/* The same by reference. */
static int write_bytes(struct bight_http_request *request, int code, struct bight_bytes *bytes)
{
    size_t size = bight_bytes_size(bytes);
    if (code == BIGHT_OK && !request->answer.bodiless &&
        bight_transport_write_bytes(room_for(request, size), bytes) != BIGHT_OK) {
        return bi_answer_lost(request);
    }
    return code == BIGHT_OK ? bi_answer_written(request, size) : code;
}

static inline bool has_hooks(const struct bight_http_request *request)
{
    return BI_RARELY(request->due & BI_DUE_HOOKS);
}

static int __attribute__((noinline))
respond_large(struct bight_http_request *request, int status, const char *type, const void *data, size_t size)
{
    if (has_hooks(request)) {
        return bi_filter_respond(request, status, type, (struct bi_view) { data, size }, NULL);
    }
    return write_body(request, bi_answer_begin_told(request, status, type, (int64_t)size, NULL, 0), data, size);
}

static int __attribute__((noinline))
respond_unusual(struct bight_http_request *request, int status, const char *type, const void *data, size_t size)
{
    bool at_last = is_settled_at_last(request) && is_ready(request, status, type);
    if (!at_last && has_hooks(request)) {
        return bi_filter_respond(request, status, type, (struct bi_view) { data, size }, NULL);
    }
    int code = at_last ? write_ready_at_last(request, data, size)
                       : bi_answer_begin_told(request, status, type, (int64_t)size, data, size);
    return code == BIGHT_OK ? bi_answer_written(request, size) : code;
}

/* What was found out before a ready answer still holds behind it, for its commit makes no calls. */
int bight_http_respond(struct bight_http_request *request, int status, const char *type, const void *data, size_t size)
{
    if (BI_RARELY(size >= COPIED)) {
        return respond_large(request, status, type, data, size);
    }
    if (BI_RARELY(!is_settled(request)) || BI_RARELY(!is_ready(request, status, type))) {
        return respond_unusual(request, status, type, data, size);
    }
    int code = write_ready(request, data, size);
    if (BI_USUALLY(code == BIGHT_OK)) {
        note_whole(request);
        bi_exchange_finish_open(request);
    }
    return code;
}

int bight_http_respond_text(struct bight_http_request *request, int status, const char *text)
{
    return bight_http_respond(request, status, "text/plain; charset=utf-8", text, strlen(text));
}

int bight_http_respond_html(struct bight_http_request *request, int status, const char *text)
{
    return bight_http_respond(request, status, "text/html; charset=utf-8", text, strlen(text));
}

int bight_http_respond_empty(struct bight_http_request *request, int status)
{
    return bight_http_respond(request, status, NULL, NULL, 0);
}

int bight_http_respond_bytes(
    struct bight_http_request *request, int status, const char *type, struct bight_bytes *bytes)
{
    if (bytes == NULL) {
        return bight_http_respond_failure(request, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    size_t size = bight_bytes_size(bytes);
    if (size < COPIED) {
        return bight_http_respond(request, status, type, bight_bytes_data(bytes), size);
    }
    if (has_hooks(request)) {
        return bi_filter_respond(request, status, type, (struct bi_view) { bight_bytes_data(bytes), size }, bytes);
    }
    return write_bytes(request, bi_answer_begin_told(request, status, type, (int64_t)size, NULL, 0), bytes);
}

int bi_answer_send(
    struct bight_http_request *request, int status, const char *type, struct bi_view data, struct bight_bytes *bytes)
{
    bool is_small = data.size < COPIED;
    int code = bi_answer_begin_told(
        request, status, type, (int64_t)data.size, is_small ? data.at : NULL, is_small ? data.size : 0);
    if (is_small) {
        return code == BIGHT_OK ? bi_answer_written(request, data.size) : code;
    }
    return bytes != NULL ? write_bytes(request, code, bytes) : write_body(request, code, data.at, data.size);
}

int bight_http_respond_error(struct bight_http_request *request, int status, const char *message)
{
    int code = bi_answer_check(request, status);
    if (code == BIGHT_OK) {
        request->server->ops->failed(request->server, request, status, message);
    }
    return code;
}
