/* SPDX-License-Identifier: MIT */
/* api_stream.c - streams on both ends of connections: reads of every kind, drains, closing, cancelled and forgotten at
 * random.
 *
 * As the ends of api_protocol.c, each talker writes a stream of its own with its number first; whoever reads gets just
 * those bytes, in their order, in pieces that are what was asked for. Now and then one writes far more than its peer,
 * which reads on in its handlers, takes at a time: what a stream holds has a bound all the same. */
#include "api_company.h"

#include <bight/stream.h>

#include <string.h>

enum { TALKERS = 64, MAX_WRITTEN = 9000, FLOOD = 40, SIPS = 2000 };
enum kind { SOME, EXACTLY, UNTIL, LINE, ALL, KINDS };

static struct {
    struct bight_stream_factory factory;
    struct bight_port *port;
    bool listens;
    struct talker {
        struct bight_stream *stream; /* a hold; NULL: released */
        unsigned id, side, reads, sips;
        uint32_t written, received, peer;
    } talkers[TALKERS];
    unsigned count;
} state;

/* ------------------------------------------------------------------------------------------- bytes */

static int say(struct talker *talker, size_t size)
{
    uint8_t bytes[MAX_WRITTEN];
    for (size_t i = 0; i < size; i++) {
        bytes[i] = byte_at(talker->id, talker->written + (uint32_t)i);
    }
    talker->written += (uint32_t)size;
    int code = bight_stream_write(talker->stream, bytes, size);
    if (code != 0 && code != BIGHT_E_OVERFLOW) {
        talker->written -= (uint32_t)size;
    }
    return code;
}

static void hear(struct talker *talker, uint8_t byte)
{
    uint32_t position = talker->received++;
    if (position < HEADER) {
        talker->peer |= (uint32_t)byte << (8 * position);
    } else if (talker->peer >= state.count || state.talkers[talker->peer].written <= position) {
        fuzz_fail("stream %u gives byte %u, which stream %u has not written", talker->id, position, talker->peer);
    } else if (byte != byte_at(talker->peer, position)) {
        fuzz_fail("stream %u gives a wrong byte at %u", talker->id, position);
    }
}

/* What was cut off behind a line: LF, CRLF, or nothing at the end. */
static unsigned end_of_line(const struct talker *talker)
{
    uint32_t next = talker->received, written = state.talkers[talker->peer].written;
    if (next < written && byte_at(talker->peer, next) == '\n') {
        return 1;
    }
    if (next + 1 < written && byte_at(talker->peer, next) == '\r' && byte_at(talker->peer, next + 1) == '\n') {
        return 2;
    }
    if (!bight_stream_at_end(talker->stream)) {
        fuzz_fail("stream %u gives a line that ends nowhere", talker->id);
    }
    return 0;
}

static bool is_in(uint8_t byte, const uint8_t *data, size_t size)
{
    return size > 0 && memchr(data, byte, size) != NULL;
}

/* `limit` and `budget` of the item: what was asked for. */
static void check_read(const struct talker *talker, const struct item *item, const uint8_t *data, size_t size)
{
    bool is_right = size <= item->limit;
    switch ((enum kind)item->budget) {
    case SOME:
        is_right = is_right && (size > 0 || bight_stream_at_end(talker->stream));
        break;
    case EXACTLY:
        is_right = size == item->limit;
        break;
    case UNTIL:
        is_right = is_right && size > 0 && data[size - 1] == 7 && !is_in(7, data, size - 1);
        break;
    case LINE:
        is_right = is_right && !is_in('\n', data, size);
        break;
    default:
        break;
    }
    if (!is_right) {
        fuzz_fail("stream %u: a read of kind %u and %u bytes gives %zu", talker->id, item->budget, item->limit, size);
    }
}

/* The limit, which is 64 KiB or less, or what a read may gather, which is less; and a chunk. */
static void check_held(const struct talker *talker)
{
    size_t held = talker->stream == NULL ? 0 : bight_stream_buffered(talker->stream);
    if (held > 2 * 65536) {
        fuzz_fail("stream %u holds %zu bytes", talker->id, held);
    }
}

/* ------------------------------------------------------------------------------------------- reads */

static void take_in(struct talker *talker, const struct item *item, struct bight_bytes *bytes)
{
    const uint8_t *data = bight_bytes_data(bytes);
    size_t size = bight_bytes_size(bytes);
    check_read(talker, item, data, size);
    for (size_t i = 0; i < size; i++) {
        hear(talker, data[i]);
    }
    if (item->budget == LINE) {
        talker->received += end_of_line(talker);
    }
}

static void on_read(struct bight_result *result, void *context)
{
    struct item *item = context;
    struct talker *talker = &state.talkers[item->order];
    struct bight_bytes *bytes = bight_result_peek(result, &bight_type_bytes);
    finish_item(item, result);
    talker->reads--;
    check_held(talker);
    if (bytes != NULL && talker->stream != NULL) {
        if (item->is_pull) {
            fuzz_fail("stream %u answers a read while another waits", talker->id);
        }
        take_in(talker, item, bytes);
    }
    act_inside(item->id * 179u, NULL);
    if (item->id % 2 == 0) {
        bight_result_clear(result);
    }
}

static struct bight_deferred *ask(struct bight_stream *stream, enum kind kind, size_t limit)
{
    static const uint8_t separator[] = { 7 };
    switch (kind) {
    case SOME:
        return bight_stream_read(stream, limit);
    case EXACTLY:
        return bight_stream_read_exactly(stream, limit);
    case UNTIL:
        return bight_stream_read_until(stream, separator, 1, limit);
    case LINE:
        return bight_stream_read_line(stream, limit);
    default:
        return bight_stream_read_all(stream, limit);
    }
}

static struct talker *find_talker(uint64_t subject)
{
    for (unsigned i = 0; i < state.count && !world.is_ending; i++) {
        struct talker *talker = &state.talkers[(subject + i) % state.count];
        if (talker->stream != NULL) {
            return talker;
        }
    }
    return NULL;
}

struct bight_deferred *read_of_stream(uint64_t drawn, struct item **given)
{
    static const unsigned sizes[] = { 1, 4, 30, 300, 2000, 20000 };
    struct talker *talker = find_talker(drawn);
    struct item *item = talker == NULL ? NULL : new_item("read", talker->side);
    if (item == NULL) {
        return NULL;
    }
    item->order = talker->id;
    item->budget = (unsigned)(drawn / 64 % KINDS);
    item->limit = sizes[drawn / 512 % 6];
    if (item->budget == LINE && talker->received < HEADER) {
        item->budget = SOME;
    }
    item->is_pull = talker->reads++ > 0;
    struct bight_deferred *deferred = ask(talker->stream, (enum kind)item->budget, item->limit);
    (void)bight_deferred_hold(deferred);
    watch_with(item, deferred, on_read);
    if (given != NULL) {
        *given = item;
    }
    return deferred;
}

void act_read_stream(struct fuzz_operation *operation, void *context)
{
    struct item *item = NULL;
    uint64_t drawn = operation->subject % 64 + (uint64_t)fuzz_choose(operation, 512) * 64;
    (void)context;
    bight_deferred_release(read_of_stream(drawn, &item));
    if (item == NULL || item->deferred == NULL || item->has_run) {
        return;
    }
    struct talker *talker = &state.talkers[item->order];
    if (talker->stream != NULL && fuzz_choose(operation, 3) == 0) {
        bight_protocol_tie(&talker->stream->base, item->deferred);
    } else {
        tie_somewhere(operation, item, false);
    }
}

/* A little after the other, each in the handler of the one before. */
static void sip(struct talker *talker);

static void on_sip(struct bight_result *result, void *context)
{
    struct talker *talker = context;
    struct bight_bytes *bytes = bight_result_peek(result, &bight_type_bytes);
    talker->reads--;
    check_held(talker);
    if (bytes != NULL && bight_bytes_size(bytes) > 0 && talker->stream != NULL) {
        for (size_t i = 0; i < bight_bytes_size(bytes); i++) {
            hear(talker, bight_bytes_data(bytes)[i]);
        }
        sip(talker);
    }
    bight_result_clear(result);
}

static void sip(struct talker *talker)
{
    if (talker->sips > 0 && talker->reads == 0) {
        talker->sips--;
        talker->reads++;
        struct bight_deferred *read = bight_stream_read(talker->stream, 1 + talker->sips % 4);
        (void)bight_deferred_add_both(read, on_sip, talker);
        bight_deferred_release(read);
    }
}

void act_flood_stream(struct fuzz_operation *operation, void *context)
{
    struct talker *talker = find_talker(operation->subject);
    (void)context;
    for (int i = 0; i < FLOOD && talker != NULL; i++) {
        (void)say(talker, MAX_WRITTEN);
    }
    for (unsigned i = 0; i < state.count && talker != NULL; i++) {
        struct talker *peer = &state.talkers[i];
        if (peer->stream != NULL && peer->received >= HEADER && peer->peer == talker->id) {
            peer->sips = SIPS;
            sip(peer);
        }
    }
}

/* --------------------------------------------------------------------------------------- beginning */

/* Takes a hold. */
static struct talker *new_talker(struct bight_stream *stream, unsigned side)
{
    if (state.count == TALKERS || world.is_ending) {
        return NULL;
    }
    struct talker *talker = &state.talkers[state.count];
    *talker = (struct talker) { .stream = stream, .id = state.count++, .side = side };
    (void)say(talker, HEADER);
    return talker;
}

static struct bight_deferred *serve(struct bight_stream *stream, void *context)
{
    (void)context;
    if (new_talker(bight_stream_hold(stream), 0) == NULL) {
        bight_stream_abort(stream);
        bight_stream_release(stream);
        return NULL;
    }
    act_inside(state.count * 181u, NULL);
    return draw_from(state.count * 191u) % 3 == 0 ? some_deferred(0, draw_from(state.count * 193u)) : NULL;
}

static void on_opened(struct bight_result *result, void *context)
{
    struct item *item = context;
    struct bight_stream *stream = bight_result_peek(result, &bight_type_stream);
    finish_item(item, result);
    if (stream != NULL && item->id % 8 == 0) {
        bight_result_discard(result);
    } else if (stream != NULL && item->id % 8 != 1 && new_talker(stream, 1) != NULL) {
        stream = bight_result_take(result, &bight_type_stream); /* the talker's now */
    }
    act_inside(item->id * 197u, NULL);
    if (bight_result_failure(result) != NULL) {
        bight_result_clear(result);
    }
}

static void on_listening(struct bight_result *result, void *context)
{
    finish_item(context, result);
    state.listens = false;
    if (bight_result_peek(result, &bight_type_port) != NULL) {
        state.port = bight_result_take(result, &bight_type_port);
        state.listens = true;
    }
    bight_result_clear(result);
}

void act_open_stream(struct fuzz_operation *operation, void *context)
{
    struct item *item = world.is_ending ? NULL : new_item("opening", 1);
    (void)context;
    if (item == NULL) {
        return;
    }
    if (!state.listens) {
        state.listens = true;
        watch_with(item, bight_listen(world.reactors[0], "tcp:201", &state.factory.base), on_listening);
        return;
    }
    watch_with(item, bight_open_stream(world.reactors[1], "tcp:server:201"), on_opened);
    tie_somewhere(operation, item, false);
}

/* ------------------------------------------------------------------------------------------ the rest */

void act_write_stream(struct fuzz_operation *operation, void *context)
{
    static const size_t sizes[] = { 1, 10, 100, 1000, 3000, MAX_WRITTEN };
    struct talker *talker = find_talker(operation->subject);
    (void)context;
    if (talker == NULL) {
        return;
    }
    unsigned how = fuzz_choose(operation, 4);
    if (how > 0) {
        (void)say(talker, sizes[fuzz_choose(operation, 6)]);
        return;
    }
    struct item *item = new_item("drain", talker->side);
    if (item != NULL) {
        watch_deferred(item, bight_stream_drain(talker->stream));
        tie_somewhere(operation, item, false);
    }
}

static void let_go_of_stream(struct talker *talker)
{
    struct bight_stream *stream = talker->stream;
    talker->stream = NULL;
    bight_stream_abort(stream);
    bight_stream_release(stream);
}

void act_close_stream(struct fuzz_operation *operation, void *context)
{
    struct talker *talker = find_talker(operation->subject);
    struct bight_scope *scope = world.scopes[fuzz_choose(operation, SCOPES)].scope;
    unsigned how = fuzz_choose(operation, 9);
    struct item *item = talker == NULL || how > 1 ? NULL : new_item("closing", talker->side);
    (void)context;
    if (item != NULL) {
        watch_deferred(item, bight_stream_close(talker->stream));
    } else if (talker == NULL) {
        return;
    } else if (how == 3) {
        bight_stream_abort(talker->stream);
    } else if (how == 4) {
        (void)bight_stream_write_eof(talker->stream);
    } else if (how == 5) {
        bight_stream_set_limits(talker->stream, 1 + fuzz_choose(operation, 3000), 0);
    } else if (how == 6 && talker->received >= HEADER) {
        talker->received += (uint32_t)bight_stream_forget_input(talker->stream);
    } else if (how == 7 && scope != NULL && talker->side == 1) {
        (void)bight_protocol_join_scope(&talker->stream->base, scope);
    } else if (how == 8 && talker->reads == 0) {
        let_go_of_stream(talker);
    }
}

/* ----------------------------------------------------------------------------------------- the part */

static void begin(void)
{
    memset(&state, 0, sizeof state);
    state.factory = (struct bight_stream_factory)BIGHT_STREAM_FACTORY(struct bight_stream, serve, NULL);
}

static void check(void)
{
    for (unsigned i = 0; i < state.count; i++) {
        check_held(&state.talkers[i]);
    }
}

/* Some holds last longer than the reactors. */
static void end(void)
{
    for (unsigned i = 0; i < state.count; i++) {
        struct talker *talker = &state.talkers[i];
        if (talker->stream != NULL && i % 2 == 0) {
            let_go_of_stream(talker);
        } else if (talker->stream != NULL) {
            bight_stream_abort(talker->stream);
        }
    }
    if (state.port != NULL) {
        bight_deferred_release(bight_port_stop_listening(state.port));
        bight_port_release(state.port);
        state.port = NULL;
    }
}

static void finish(void)
{
    for (unsigned i = 0; i < state.count; i++) {
        if (state.talkers[i].stream != NULL && bight_stream_reason(state.talkers[i].stream) == NULL) {
            fuzz_fail("stream %u was never lost", i);
        }
        if (state.talkers[i].stream != NULL) {
            bight_stream_release(state.talkers[i].stream);
        }
    }
    if (state.factory.base.connections + state.factory.base.ports > 0) {
        fuzz_fail("streams are left: %u", state.factory.base.connections);
    }
}

const struct part stream_part = { begin, check, end, finish };
