/* SPDX-License-Identifier: MIT */
/* api_http_socket.c - WebSockets of sites, and clients that dial them: sent to in every way, pinged, paused, closed and
 * let go of at any moment, in their handlers too, while sites are freed and reactors stop (W1 to W7).
 *
 * What one side says to the other is numbered, so that each sees that nothing comes twice, is left out or is changed.
 * Messages to many have numbers of their own, which rise. */
#include "api_http.h"

#include <bight/protocols/websocket.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TALKERS = 80, MADE = 1000, KINDS = 3, MAX_MESSAGE = 100000, HEAD = 24 };

struct talker {
    struct bight_websocket base;
    unsigned id, side;
    bool is_opened, is_closed;
    unsigned said, heard; /* messages, those to many apart */
    long heard_of_many;
    bool is_saying; /* in pieces; the number of the message is `said` */
    uint32_t piece; /* bytes of it */
    unsigned held;  /* by us */
};

static struct talker *talkers[TALKERS]; /* those that we hold */
static struct talker *living[MADE];     /* that are open, or closing, held or not */
static unsigned made, alive, many;
static const struct bight_websocket_ops talker_ops;

static const struct bight_websocket_options options[KINDS] = {
    { .size = sizeof *options },
    { .size = sizeof *options, .deflate = true, .ping_seconds = 0.3, .pong_seconds = 0.3, .close_seconds = 0.2 },
    { .size = sizeof *options, .deflate = true, .takeover = true, .window_bits = 9, .skip_slow = true },
};
static struct bight_websocket_factory factories[2][KINDS]; /* of the server and the client */

/* ------------------------------------------------------------------------------------------- what is said */

/* Text after a head of HEAD bytes; some of it is like what was before. */
static char letter(unsigned number, uint32_t position)
{
    return (char)('a' + http_byte(number % 8, position) % 26);
}

static size_t make_message(char *text, char kind, unsigned number, size_t size)
{
    (void)snprintf(text, HEAD + 1, "%c%-*u", kind, HEAD - 1, number);
    for (uint32_t i = 0; i < size; i++) {
        text[HEAD + i] = letter(number, i);
    }
    return HEAD + size;
}

static void check_message(struct talker *talker, const char *text, size_t size)
{
    unsigned number = size >= HEAD ? (unsigned)strtoul(text + 1, NULL, 10) : 0;
    if (size < HEAD || (text[0] != 'o' && text[0] != 'm')) {
        fuzz_fail("socket %u is told what nobody says", talker->id);
    }
    if (text[0] == 'o' ? number != talker->heard++ : (long)number <= talker->heard_of_many || number >= many) {
        fuzz_fail("socket %u is told message %c%u out of its order", talker->id, text[0], number);
    }
    talker->heard_of_many = text[0] == 'm' ? (long)number : talker->heard_of_many;
    for (uint32_t i = 0; i < size - HEAD; i++) {
        if (text[HEAD + i] != letter(number, i)) {
            fuzz_fail("socket %u is told a wrong byte at %u of message %c%u", talker->id, i, text[0], number);
        }
    }
}

/* ------------------------------------------------------------------------------------------- handlers */

static struct talker *begin_handler(struct bight_websocket *socket, const char *what)
{
    struct talker *talker = bight_websocket_self(struct talker, socket);
    check_not_inside(what);
    if (!talker->is_opened || talker->is_closed) {
        fuzz_fail("%s of socket %u, which is not open", what, talker->id);
    }
    return talker;
}

static void hold(struct talker *talker)
{
    talkers[talker->id % TALKERS] = talker;
    talker->held++;
    (void)bight_websocket_hold(&talker->base);
}

static void let_go(struct talker *talker)
{
    talker->held--;
    talkers[talker->id % TALKERS] = NULL;
    bight_websocket_release(&talker->base);
}

static void opened(struct bight_websocket *socket, struct bight_http_request *request)
{
    struct talker *talker = bight_websocket_self(struct talker, socket);
    check_not_inside("opened");
    if (talker->is_opened) {
        fuzz_fail("socket %u is opened twice", talker->id);
    }
    talker->id = made++;
    alive++;
    talker->side = request == NULL;
    talker->is_opened = true;
    talker->heard_of_many = -1;
    if (talker->id >= MADE || world.is_ending) {
        (void)bight_transport_abort_connection(bight_websocket_transport(socket));
        return;
    }
    living[talker->id] = talker;
    fuzz_tell(world.tape, "-> socket %u is opened, side %u", talker->id, talker->side);
    if (talkers[talker->id % TALKERS] == NULL) {
        hold(talker);
    }
    act_inside(talker->id * 431u, NULL);
}

static void text_received(struct bight_websocket *socket, const char *text, size_t size)
{
    struct talker *talker = begin_handler(socket, "a text");
    if (text[size] != '\0') {
        fuzz_fail("socket %u is told a text without an end", talker->id);
    }
    check_message(talker, text, size);
    act_inside(talker->id * 433u + talker->heard, NULL);
}

static void binary_received(struct bight_websocket *socket, const uint8_t *data, size_t size)
{
    struct talker *talker = begin_handler(socket, "a binary message");
    check_message(talker, (const char *)data, size);
    act_inside(talker->id * 439u + talker->heard, NULL);
}

static void ping_received(struct bight_websocket *socket, const uint8_t *data, size_t size)
{
    struct talker *talker = begin_handler(socket, "a ping");
    (void)data;
    act_inside(talker->id * 443u + size, NULL);
}

static void pong_received(struct bight_websocket *socket, const uint8_t *data, size_t size)
{
    struct talker *talker = begin_handler(socket, "a pong");
    (void)data;
    act_inside(talker->id * 449u + size, NULL);
}

static void room(struct bight_websocket *socket)
{
    act_inside(begin_handler(socket, "room")->id * 457u, NULL);
}

static void closed(struct bight_websocket *socket, unsigned code, const char *reason, bool clean)
{
    struct talker *talker = begin_handler(socket, "closed");
    fuzz_tell(world.tape, "-> socket %u is closed: %u %s%s", talker->id, code, reason, clean ? "" : ", unclean");
    if (code == BIGHT_WEBSOCKET_PROTOCOL_ERROR || code == BIGHT_WEBSOCKET_INVALID || bight_websocket_is_open(socket)) {
        fuzz_fail("socket %u is closed with %u: %s", talker->id, code, reason);
    }
    talker->is_closed = true;
    living[talker->id % MADE] = talker->id < MADE ? NULL : living[talker->id % MADE];
    act_inside(talker->id * 461u, NULL);
}

static void finish_talker(struct bight_websocket *socket)
{
    struct talker *talker = bight_websocket_self(struct talker, socket);
    if (talker->is_opened && (!talker->is_closed || talker->held > 0)) {
        fuzz_fail("socket %u is freed %s", talker->id, talker->held > 0 ? "while it is held" : "without being closed");
    }
    alive -= talker->is_opened ? 1 : 0;
}

static const struct bight_websocket_ops talker_ops = { .opened = opened,
    .text_received = text_received,
    .binary_received = binary_received,
    .ping_received = ping_received,
    .pong_received = pong_received,
    .closed = closed,
    .room = room,
    .finish = finish_talker };

/* ------------------------------------------------------------------------------------------- sending */

static size_t draw_size(struct fuzz_operation *operation)
{
    static const size_t sizes[] = { 0, 1, 40, 101, 102, 3000, 70000, 99000 };
    return sizes[fuzz_choose(operation, fuzz_choose(operation, 4) == 0 ? 8 : 6)];
}

/* `was_open` and `was_saying` before the call, which may be the first to see that the connection has gone. */
static void check_sent(const struct talker *talker, const char *call, int code, bool was_open, bool was_saying)
{
    int wanted = !was_open ? BIGHT_E_CLOSED : was_saying ? BIGHT_E_USAGE : BIGHT_OK;
    bool has_ended = !bight_websocket_is_open(&talker->base) && (code == BIGHT_E_OVERFLOW || code == BIGHT_E_CLOSED);
    fuzz_tell(world.tape, "%s of socket %u answers %d", call, talker->id, code);
    if (code != wanted && !(wanted == BIGHT_OK && (has_ended || code == BIGHT_E_OVERFLOW))) {
        fuzz_fail("%s of socket %u answers %d and not %d", call, talker->id, code, wanted);
    }
}

static void say(struct talker *talker, struct fuzz_operation *operation)
{
    static char text[HEAD + MAX_MESSAGE];
    bool was_open = bight_websocket_is_open(&talker->base), was_saying = talker->is_saying;
    unsigned how = fuzz_choose(operation, 3);
    size_t size = make_message(text, 'o', talker->said, draw_size(operation));
    int code = how == 0   ? bight_websocket_send_text(&talker->base, text, size)
               : how == 1 ? bight_websocket_send_binary(&talker->base, text, size)
                          : bight_websocket_sendf(&talker->base, "%.*s", (int)size, text);
    check_sent(talker, "a message", code, was_open, was_saying);
    talker->said += code == BIGHT_OK;
}

/* A piece, of one kind in all of a message. */
static void say_piece(struct talker *talker, struct fuzz_operation *operation)
{
    static char text[HEAD + MAX_MESSAGE];
    size_t size = talker->is_saying ? talker->piece + fuzz_choose(operation, 2000)
                                    : HEAD + fuzz_choose(operation, 2) * fuzz_choose(operation, 500);
    bool last = size > MAX_MESSAGE || fuzz_choose(operation, 2) == 0, was_open = bight_websocket_is_open(&talker->base);
    size = size < MAX_MESSAGE ? size : MAX_MESSAGE;
    (void)make_message(text, 'o', talker->said, size - HEAD);
    uint32_t from = talker->is_saying ? talker->piece : 0;
    enum bight_websocket_kind kind = talker->said % 2 == 0 ? BIGHT_WEBSOCKET_TEXT : BIGHT_WEBSOCKET_BINARY;
    int code = bight_websocket_send_piece(&talker->base, kind, text + from, size - from, last);
    check_sent(talker, "a piece", code, was_open, false);
    if (code == BIGHT_OK) {
        talker->is_saying = !last;
        talker->piece = (uint32_t)size;
        talker->said += last;
    }
}

/* To all of one side that we hold; some may be closed, or busy with pieces. */
static void say_to_many(unsigned side, struct fuzz_operation *operation)
{
    static char text[HEAD + MAX_MESSAGE];
    size_t size = make_message(text, 'm', many++, draw_size(operation));
    struct bight_websocket_message *message = bight_websocket_message_new(BIGHT_WEBSOCKET_TEXT, text, size);
    for (unsigned i = 0; i < TALKERS; i++) {
        struct talker *talker = talkers[i];
        if (talker != NULL && talker->side == side && (i + many) % 5 > 0) {
            bool was_open = bight_websocket_is_open(&talker->base);
            int code = bight_websocket_send_message(&talker->base, message);
            check_sent(talker, "a message to many", code, was_open, talker->is_saying);
        }
    }
    bight_websocket_message_release(message);
}

/* ------------------------------------------------------------------------------------------- operations */

static void on_dialled(struct bight_result *result, void *context)
{
    struct item *item = context;
    finish_item(item, result);
    if (bight_result_failure(result) == NULL && item->id % 3 > 0) {
        bight_websocket_release(bight_result_take(result, &bight_type_websocket));
    } /* else it is discarded, which aborts it */
    act_inside(item->id * 463u, NULL);
    bight_result_clear(result);
}

static void dial(struct fuzz_operation *operation)
{
    static const char *const urls[] = { "ws://server:301/ws0", "ws://server:302/ws1", "ws://server:303/ws2",
        "ws://server:301/ws1", "ws://server:302/ws2", "ws://server:303/ws0", "ws://server:301/m/ws1",
        "ws://server:303/all/x" };
    struct item *item = new_item("dialled socket", 1);
    struct bight_websocket_connect_options wanted = { .size = sizeof wanted,
        .seconds = fuzz_choose(operation, 3) == 0 ? 0.05 : 0 };
    if (item != NULL) {
        watch_with(item,
            bight_websocket_connect(world.reactors[1], urls[fuzz_choose(operation, 8)],
                &factories[1][fuzz_choose(operation, KINDS)], &wanted),
            on_dialled);
    }
}

static void close_it(struct talker *talker, struct fuzz_operation *operation)
{
    bool was_open = bight_websocket_is_open(&talker->base);
    int code = bight_websocket_close(&talker->base, 3000 + fuzz_choose(operation, 2000), "enough");
    check_sent(talker, "closing", code, was_open, false);
    if (bight_websocket_is_open(&talker->base)) {
        fuzz_fail("socket %u is open after it was closed", talker->id);
    }
}

static void use_transport(struct talker *talker, struct fuzz_operation *operation)
{
    struct bight_transport *transport = bight_websocket_transport(&talker->base);
    switch (talker->is_closed ? 9 : fuzz_choose(operation, 8)) {
    case 0:
        (void)bight_transport_abort_connection(transport);
        break;
    case 1:
        (void)bight_transport_lose_connection(transport);
        break;
    case 2:
    case 3:
        (void)bight_transport_pause(transport);
        break;
    case 9:
        break;
    default:
        (void)bight_transport_resume(transport);
        break;
    }
}

static void use_talker(struct talker *talker, struct fuzz_operation *operation)
{
    static const uint8_t data[125] = "ping";
    bool was_open = bight_websocket_is_open(&talker->base);
    switch (fuzz_choose(operation, 10)) {
    case 0:
        close_it(talker, operation);
        break;
    case 1:
        use_transport(talker, operation);
        break;
    case 2:
        check_sent(
            talker, "a ping", bight_websocket_ping(&talker->base, data, fuzz_choose(operation, 126)), was_open, false);
        break;
    case 3:
    case 4:
        say_piece(talker, operation);
        break;
    case 5:
        let_go(talker);
        break;
    default:
        say(talker, operation);
        break;
    }
}

/* One that is open, if there is any. */
static struct talker *find_talker(uint64_t subject)
{
    struct talker *found = NULL;
    for (unsigned i = 0; i < TALKERS; i++) {
        struct talker *talker = talkers[(subject + i) % TALKERS];
        if (talker != NULL && bight_websocket_is_open(&talker->base)) {
            return talker;
        }
        found = talker != NULL ? talker : found;
    }
    return found;
}

void act_socket(struct fuzz_operation *operation, void *context)
{
    (void)context;
    if (world.is_ending) {
        return;
    }
    unsigned drawn = fuzz_choose(operation, 8);
    if (drawn < 2) {
        dial(operation);
    } else if (drawn == 2) {
        say_to_many(fuzz_choose(operation, 2), operation);
    }
    for (unsigned i = drawn > 2 ? fuzz_choose(operation, 8) : 0; i > 0 && !world.is_ending; i--) {
        struct talker *talker = find_talker(operation->subject + i / 3);
        struct fuzz_operation use = { .detail = (uint32_t)draw_from(operation->position * 467u + i) };
        if (talker != NULL) {
            use_talker(talker, &use);
        }
    }
}

void add_sockets(struct bight_http_site *site)
{
    static const struct bight_websocket_accept_options any = { .size = sizeof any, .any_origin = true };
    (void)bight_websocket_route_full(site, "/ws0", &factories[0][0], &any);
    (void)bight_websocket_route(site, "/ws1", &factories[0][1]);
    (void)bight_websocket_route(site, "/ws2", &factories[0][2]);
}

/* ------------------------------------------------------------------------------------------- the part */

static void begin(void)
{
    memset(talkers, 0, sizeof talkers);
    memset(living, 0, sizeof living);
    made = alive = many = 0;
    for (unsigned side = 0; side < 2; side++) {
        for (unsigned kind = 0; kind < KINDS; kind++) {
            factories[side][kind] = (struct bight_websocket_factory)BIGHT_WEBSOCKET_FACTORY_FULL(
                struct talker, &talker_ops, &options[kind]);
        }
    }
}

static void check(void)
{
}

/* Some are held longer than the reactors live. */
static void end(void)
{
    for (unsigned i = 0; i < MADE; i++) {
        if (living[i] != NULL) {
            (void)bight_transport_abort_connection(bight_websocket_transport(&living[i]->base));
        }
    }
    for (unsigned i = 0; i < TALKERS; i++) {
        if (talkers[i] != NULL && i % 3 > 0) {
            let_go(talkers[i]);
        }
    }
}

static void finish(void)
{
    for (unsigned i = 0; i < TALKERS; i++) {
        if (talkers[i] != NULL) {
            let_go(talkers[i]);
        }
    }
    for (unsigned i = 0; i < 2 * KINDS; i++) {
        if (factories[i / KINDS][i % KINDS].base.connections > 0) {
            fuzz_fail("sockets are connected yet");
        }
    }
    if (alive > 0) {
        fuzz_fail("%u sockets are left", alive);
    }
}

const struct part http_socket_part = { begin, check, end, finish };
