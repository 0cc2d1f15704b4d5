/* SPDX-License-Identifier: MIT */
/* test_transport_random.c - many connections, anything at any time, from seeds: no byte is lost, doubled or out of its
 * order in either direction; each connection is made and lost once; lent memory comes back (T2, T3, T6, T22, T23). */
#include <bight/log.h>

#include "transport_support.h"

enum { LINES = 6, STEPS = 400, LARGEST = 30000 };

struct line {
    struct bight_string_peer *peer;
    uint32_t fed, received;     /* positions in the two streams of numbered bytes */
    uint32_t written, verified; /* the other direction */
    bool made, ended, closing;
    uint32_t written_at_close;
};

struct random_protocol {
    struct bight_protocol base;
    struct line *line;
};

static struct line lines[LINES];
static struct line *connecting;
static uint64_t state;
static int lent, released;

static uint32_t chance(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

static uint8_t byte_at(uint32_t position)
{
    return (uint8_t)(position * 167 + (position >> 8) * 13);
}

/* One check a piece: Check writes each down. */
static void ck_numbered(uint32_t *position, const uint8_t *data, size_t size)
{
    size_t right = 0;
    while (right < size && data[right] == byte_at(*position)) {
        right++;
        ++*position;
    }
    ck_assert_uint_eq(right, size);
}

static void random_act(struct line *line);

static struct line *line_of(struct bight_protocol *p)
{
    return bight_self(struct random_protocol, p)->line;
}

static void random_made(struct bight_protocol *p)
{
    struct random_protocol *self = bight_self(struct random_protocol, p);
    if (connecting != NULL) {
        self->line = connecting;
        connecting = NULL;
    }
    self->line->made = true;
}

static void random_data(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    struct line *line = line_of(p);
    ck_assert(!line->ended && !line->closing);
    ck_numbered(&line->received, data, size);
    if (chance(2) == 0) {
        random_act(line);
    }
}

static void random_lost(struct bight_protocol *p, const struct bight_failure *reason)
{
    struct line *line = line_of(p);
    (void)reason;
    ck_assert(line->made && !line->ended);
    line->ended = true;
    if (chance(3) == 0) {
        random_act(&lines[chance(LINES)]);
    }
}

static bool random_read_lost(struct bight_protocol *p)
{
    random_act(line_of(p));
    return chance(2) == 0;
}

static const struct bight_protocol_ops random_ops = {
    .connection_made = random_made,
    .data_received = random_data,
    .connection_lost = random_lost,
    .read_connection_lost = random_read_lost,
};
static struct bight_factory random_factory = BIGHT_FACTORY(struct random_protocol, &random_ops);

/* ------------------------------------------------------------------------------------------ near end */

static uint8_t *numbered(uint32_t from, size_t size)
{
    uint8_t *data = malloc(size + 1);
    for (size_t i = 0; i < size; i++) {
        data[i] = byte_at(from + (uint32_t)i);
    }
    return data;
}

static void release_copy(void *copy)
{
    free(copy);
    released++;
}

static void write_some(struct line *line, struct bight_transport *t)
{
    static const uint32_t sizes[] = { 1, 10, 500, 4095, 4096, 5000, 16384, LARGEST };
    size_t size = sizes[chance(8)];
    uint8_t *data = numbered(line->written, size);
    struct iovec parts[3] = { { data, size / 3 }, { data + size / 3, size / 3 }, { data + 2 * (size / 3), 0 } };
    parts[2].iov_len = size - 2 * (size / 3);
    struct bight_bytes *bytes = NULL;
    bool keep = false;
    int code = 0;
    switch (chance(4)) {
    case 0:
        code = bight_transport_write(t, data, size);
        break;
    case 1:
        code = bight_transport_write_sequence(t, parts, 3);
        break;
    case 2:
        bytes = bight_bytes_new(data, size);
        code = bight_transport_write_bytes(t, bytes);
        bight_bytes_release(bytes);
        break;
    default:
        code = bight_transport_write_lent(t, data, size, release_copy, data);
        keep = code == 0;
        lent += keep;
    }
    line->written += code == 0 ? (uint32_t)size : 0;
    if (!keep) {
        free(data);
    }
}

static void hand_to_another(struct line *line, struct bight_transport *t)
{
    struct bight_protocol *next = bight_protocol_new(&random_factory);
    ((struct random_protocol *)next)->line = line;
    if (bight_transport_switch_protocol(t, next, NULL, 0) != 0) {
        bight_protocol_free(next);
    }
}

static void close_somehow(struct line *line, struct bight_transport *t)
{
    line->closing = true;
    if (chance(2) == 0) {
        bight_transport_lose_connection(t);
    } else {
        bight_transport_abort_connection(t);
    }
}

static const struct bight_layer_ops clear_glass = { .size = sizeof(struct bight_layer_ops) };

static void free_layer(struct bight_layer *layer)
{
    free(layer);
}

static int glass_write(struct bight_layer *layer, const struct bight_piece *pieces, size_t count)
{
    return bight_layer_send(layer, pieces, count);
}

static void glass_received(struct bight_layer *layer, const uint8_t *data, size_t size)
{
    size_t half = size / 2;
    bight_layer_deliver(layer, data, half);
    if (chance(20) == 0) {
        bight_layer_pop(layer);
    }
    bight_layer_deliver(layer, data + half, size - half);
}

static const struct bight_layer_ops glass_ops = {
    .size = sizeof(struct bight_layer_ops),
    .received = glass_received,
    .write = glass_write,
    .free = free_layer,
};

static void push_glass(struct bight_transport *t)
{
    if (getenv("BIGHT_TEST_LAYERS") != NULL) {
        push_extra_layer(t, "tcd"[chance(3)]);
        return;
    }
    struct bight_layer *layer = calloc(1, sizeof *layer);
    layer->ops = chance(2) == 0 ? &glass_ops : &clear_glass;
    if (layer->ops != &glass_ops || bight_transport_push_layer(t, layer) != 0) {
        free(layer);
    }
}

static void random_act(struct line *line)
{
    struct bight_protocol *p = line->peer == NULL ? NULL : bight_string_protocol(line->peer);
    if (p == NULL || line->ended) {
        return;
    }
    struct bight_transport *t = p->transport;
    uint32_t what = chance(40);
    if (what < 18) {
        write_some(line, t);
    } else if (what < 23) {
        bight_transport_pause(t);
    } else if (what < 32) {
        bight_transport_resume(t);
    } else if (what < 34) {
        hand_to_another(line, t);
    } else if (what < 36) {
        push_glass(t);
    } else if (what < 37) {
        bight_transport_set_watermarks(t, chance(100), 100 + chance(10000));
    } else if (what < 38) {
        bight_transport_set_idle_timeout(t, 100 + chance(100));
    } else if (what < 39 && chance(3) == 0) {
        bight_transport_lose_write(t);
    } else if (chance(4) == 0) {
        close_somehow(line, t);
    }
}

/* ------------------------------------------------------------------------------------------- far end */

static void verify_written(struct line *line)
{
    size_t size;
    const uint8_t *data = bight_string_written(line->peer, &size);
    ck_numbered(&line->verified, data, size);
    ck_assert_uint_le(line->verified, line->written);
    bight_string_clear(line->peer);
}

static void feed_some(struct line *line)
{
    size_t size = chance(4) == 0 ? chance(70000) : chance(300);
    uint8_t *data = numbered(line->fed, size);
    line->fed += (uint32_t)size;
    bight_string_feed_chunked(line->peer, data, size, size == 0 ? 1 : 1 + size / (1 + chance(4)));
    free(data);
}

static void open_line(struct line *line)
{
    memset(line, 0, sizeof *line);
    connecting = line;
    line->peer = bight_string_connect(reactor, &random_factory, chance(2) == 0);
    ck_assert_ptr_nonnull(line->peer);
    struct bight_protocol *made = bight_string_protocol(line->peer);
    push_extra_layers(made == NULL ? NULL : made->transport);
}

static void close_line(struct line *line)
{
    struct bight_string_peer *old = line->peer;
    verify_written(line);
    line->peer = NULL;
    bight_string_peer_free(old);
}

static void random_step(void)
{
    struct line *line = &lines[chance(LINES)];
    if (line->peer == NULL || (line->ended && chance(2) == 0)) {
        if (line->peer != NULL) {
            close_line(line);
        }
        open_line(line);
        return;
    }
    switch (chance(12)) {
    case 0:
        bight_string_set_window(line->peer, chance(2) == 0 ? SIZE_MAX : chance(50000));
        break;
    case 1:
        bight_testing_advance(reactor, chance(4));
        break;
    case 2:
        if (chance(10) == 0) {
            bight_string_end(line->peer);
        } else if (chance(20) == 0) {
            bight_string_reset(line->peer, 0);
        }
        break;
    case 3:
    case 4:
        verify_written(line);
        break;
    case 5:
    case 6:
    case 7:
        feed_some(line);
        break;
    default:
        random_act(line);
    }
}

START_TEST(no_byte_is_lost_doubled_or_out_of_order) /* T2, T3, T6, T22, T23 */
{
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    for (uint64_t seed = 0; seed < 15; seed++) {
        state = seed * 1000 + (uint64_t)_i;
        lent = released = 0;
        memset(lines, 0, sizeof lines);
        reactor = bight_testing_reactor_new();
        for (int i = 0; i < STEPS; i++) {
            random_step();
        }
        bight_reactor_free(reactor);
        for (int i = 0; i < LINES; i++) {
            ck_assert(lines[i].peer == NULL || lines[i].ended);
            bight_string_peer_free(lines[i].peer);
        }
        ck_assert_int_eq(lent, released);
        ck_assert_uint_eq(random_factory.connections, 0);
    }
}
END_TEST

static void lose_at_once(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    for (int i = 0; i < 10; i++) {
        write_some(&lines[0], p->transport);
    }
    bight_transport_lose_connection(p->transport);
}

START_TEST(everything_written_before_lose_arrives_whatever_the_window) /* T7 */
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        state = seed;
        memset(&lines[0], 0, sizeof lines[0]);
        on.data = lose_at_once;
        set_up();
        lines[0].peer = peer;
        bight_string_set_window(peer, 1 + chance(10000));
        bight_string_feed_text(peer, "go");
        while (!bight_string_is_shut(peer)) {
            verify_written(&lines[0]);
        }
        verify_written(&lines[0]);
        ck_assert_uint_eq(lines[0].verified, lines[0].written);
        bight_string_end(peer);
        ck_assert(bight_string_is_closed(peer));
        tear_down();
        heard[0] = '\0';
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, no_byte_is_lost_doubled_or_out_of_order, 0, 8);
    tcase_add_test(tests, everything_written_before_lose_arrives_whatever_the_window);
}

BIGHT_TEST_MAIN("transport_random", add_tests)
