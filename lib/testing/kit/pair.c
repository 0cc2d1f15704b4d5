/* SPDX-License-Identifier: MIT */
/* pair.c - a loopback pair: two ends in memory and the wire between them.
 *
 * Each side is an end of stream.c. The wire is a task on the reactor's soon queue, queued when an end changes: it moves
 * one chunk each way, then comes again as long as something could cross. Bytes wait in the writer's end until the
 * reader has read the last chunk, so chunks stay apart and a reader that pauses fills the writer's window. The pair is
 * freed when its owner has released it and both transports have ended. */
#include <bight/testing/pair.h>

#include <bight/memory.h>

#include <errno.h>

#include "testing/kit/stream_end.h"

#define DEFAULT_TURNS 1000000

struct side {
    struct bi_stream_end end; /* first */
    struct bight_pair *pair;
    bool is_over;
    bool end_crossed; /* the other side knows that this one's writing has ended */
};

struct bight_pair {
    struct side sides[2];
    struct bi_task wire;
    struct bight_reactor *reactor; /* NULL: both are over */
    size_t chunk;
    bight_pair_chunk_function choose;
    void *context;
    bool blocked;
    bool freed;
};

static struct side *side_of(struct bi_stream_end *end)
{
    return (struct side *)end;
}

static struct side *other(struct side *side)
{
    struct bight_pair *pair = side->pair;
    return side == &pair->sides[0] ? &pair->sides[1] : &pair->sides[0];
}

/* ----------------------------------------------------------------------------------------- the wire */

/* What an end says to the far side once its bytes have gone: EOF, or a reset. */
static bool has_end_to_tell(const struct side *from)
{
    return !from->end_crossed && (from->end.shut || from->end.closed);
}

static bool can_cross(struct side *from)
{
    const struct bi_stream_end *to = &other(from)->end;
    if (from->end.reset_number != 0 || from->end.was_reset) {
        return has_end_to_tell(from);
    }
    if (from->end.written.size > 0) {
        return to->closed || to->input.size == 0;
    }
    return has_end_to_tell(from);
}

static size_t choose_chunk(struct side *from)
{
    struct bight_pair *pair = from->pair;
    size_t available = from->end.written.size;
    size_t chunk = pair->chunk;
    if (pair->choose != NULL) {
        chunk = pair->choose(from == &pair->sides[0] ? BIGHT_PAIR_CLIENT : BIGHT_PAIR_SERVER, available, pair->context);
    }
    return chunk < available ? chunk : available;
}

/* A kernel answers bytes for a socket that has been closed with a reset. */
static void bounce(struct side *from)
{
    bi_stream_forget(&from->end.written);
    bi_stream_reset(&from->end, ECONNRESET);
}

static void move_bytes(struct side *from, struct side *to)
{
    struct bi_stream_bytes *written = &from->end.written;
    size_t size = choose_chunk(from);
    if (size == 0 || !bi_stream_feed(&to->end, written->data + written->start, size)) {
        return;
    }
    written->start += size;
    written->size -= size;
    bi_stream_announce(&from->end); /* there is room again */
}

static void move_end(struct side *from, struct side *to)
{
    from->end_crossed = true;
    if (to->is_over || to->end.closed) {
        return;
    }
    if (from->end.was_reset) {
        bi_stream_reset(&to->end, ECONNRESET);
    } else {
        bi_stream_end_input(&to->end);
    }
}

static void cross(struct side *from)
{
    struct side *to = other(from);
    if (!can_cross(from)) {
        return;
    }
    if (from->end.was_reset || from->end.reset_number != 0 || from->end.written.size == 0) {
        move_end(from, to);
    } else if (to->end.closed) {
        bounce(from);
    } else {
        move_bytes(from, to);
    }
}

static void run_wire(struct bi_task *task);

static void look(struct bight_pair *pair)
{
    if (pair->reactor != NULL && !pair->blocked && pair->wire.run == NULL &&
        (can_cross(&pair->sides[0]) || can_cross(&pair->sides[1]))) {
        bi_reactor_soon(pair->reactor, &pair->wire, run_wire);
    }
}

static void run_wire(struct bi_task *task)
{
    struct bight_pair *pair = BI_CONTAINER(task, struct bight_pair, wire);
    cross(&pair->sides[0]);
    cross(&pair->sides[1]);
    look(pair);
}

/* ---------------------------------------------------------------------------------------- the ends */

static void free_pair(struct bight_pair *pair)
{
    bi_stream_finish(&pair->sides[0].end);
    bi_stream_finish(&pair->sides[1].end);
    bight_free(pair);
}

static void side_changed(struct bi_stream_end *end)
{
    look(side_of(end)->pair);
}

static void side_over(struct bi_stream_end *end)
{
    struct bight_pair *pair = side_of(end)->pair;
    side_of(end)->is_over = true;
    if (!bight_pair_is_over(pair)) {
        return;
    }
    if (pair->wire.run != NULL) {
        bi_reactor_unqueue(pair->reactor, &pair->wire);
    }
    pair->reactor = NULL;
    if (pair->freed) {
        free_pair(pair);
    }
}

static const struct bi_stream_end_ops side_ops = {
    .readable = bi_stream_tell_readable,
    .writable = bi_stream_tell_writable,
    .changed = side_changed,
    .ended = side_over,
};

static void init_side(struct bight_pair *pair, enum bight_pair_side which)
{
    struct side *side = &pair->sides[which];
    bi_stream_init(&side->end, &side_ops, pair->reactor);
    side->pair = pair;
}

struct bight_pair *bight_pair_connect(
    struct bight_reactor *reactor, struct bight_factory *server, struct bight_factory *client)
{
    struct bight_pair *pair = bight_calloc(1, sizeof *pair);
    if (pair == NULL) {
        return NULL;
    }
    pair->reactor = reactor;
    pair->chunk = SIZE_MAX;
    init_side(pair, BIGHT_PAIR_CLIENT);
    init_side(pair, BIGHT_PAIR_SERVER);
    if (!bi_stream_connect(&pair->sides[BIGHT_PAIR_SERVER].end, server, true)) {
        free_pair(pair);
        return NULL;
    }
    if (!bi_stream_connect(&pair->sides[BIGHT_PAIR_CLIENT].end, client, false)) {
        pair->sides[BIGHT_PAIR_CLIENT].is_over = true;
        bight_pair_free(pair);
        return NULL;
    }
    return pair;
}

void bight_pair_free(struct bight_pair *pair)
{
    if (pair == NULL) {
        return;
    }
    if (pair->reactor == NULL) {
        free_pair(pair);
        return;
    }
    struct bight_reactor *reactor = pair->reactor;
    pair->freed = true;
    bight_pair_reset(pair, 0);
    (void)bi_testing_settle_quietly(reactor, DEFAULT_TURNS);
}

/* ------------------------------------------------------------------------------------- for the test */

struct bight_protocol *bight_pair_protocol(const struct bight_pair *pair, enum bight_pair_side side)
{
    const struct bight_transport *transport = pair->sides[side].end.transport;
    return transport == NULL ? NULL : bight_transport_protocol(transport);
}

void bight_pair_set_chunk(struct bight_pair *pair, size_t size)
{
    pair->chunk = size > 0 ? size : 1;
}

void bight_pair_set_chunk_function(struct bight_pair *pair, bight_pair_chunk_function function, void *context)
{
    pair->choose = function;
    pair->context = context;
}

void bight_pair_set_window(struct bight_pair *pair, enum bight_pair_side from, size_t bytes)
{
    pair->sides[from].end.window = bytes;
    bi_stream_announce(&pair->sides[from].end);
}

void bight_pair_block(struct bight_pair *pair, bool blocked)
{
    pair->blocked = blocked;
    if (blocked && pair->wire.run != NULL) {
        bi_reactor_unqueue(pair->reactor, &pair->wire);
    }
    look(pair);
}

void bight_pair_reset(struct bight_pair *pair, int number)
{
    for (int which = 0; which < 2; which++) {
        struct side *side = &pair->sides[which];
        side->end_crossed = true;
        bi_stream_forget(&side->end.written);
        bi_stream_reset(&side->end, number);
    }
}

size_t bight_pair_under_way(const struct bight_pair *pair, enum bight_pair_side from)
{
    return pair->sides[from].end.written.size + pair->sides[1 - from].end.input.size;
}

bool bight_pair_pump(struct bight_pair *pair, size_t turns)
{
    struct bight_reactor *reactor = pair->reactor;
    if (turns == 0) {
        turns = DEFAULT_TURNS;
    }
    return reactor == NULL || bi_testing_settle_quietly(reactor, turns) < turns;
}

bool bight_pair_is_over(const struct bight_pair *pair)
{
    return pair->sides[0].is_over && pair->sides[1].is_over;
}
