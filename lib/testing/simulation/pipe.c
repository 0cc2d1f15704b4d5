/* SPDX-License-Identifier: MIT */
/* pipe.c - one direction of a stream: the bytes, and the segments in which they travel.
 *
 * Bytes are put into one ring when they are sent; three positions go through it: what the receiver has taken, what has
 * arrived, what was sent. A segment says when the bytes up to its end arrive, never earlier than those before. The
 * sender's room is what has been sent and, as far as it knows, has not arrived; the receiver's what has arrived and was
 * not taken: when that is used up the segments wait, as at a closed window. */
#include <errno.h>
#include <string.h>

#include "testing/kit/testing.h"
#include "testing/simulation/simulation.h"

#define JOINED_WITHIN (40 * BI_SIM_MILLISECOND)
#define LONGEST_PIECE 16384 /* of what is sent over a way of limited bandwidth */

static struct bight_simulation *simulation_of(const struct bi_sim_pipe *pipe)
{
    return pipe->arrival.simulation;
}

static struct bi_sim_segment *segment_at(const struct bi_sim_pipe *pipe, size_t index)
{
    return &pipe->segments[(pipe->first + index) % pipe->room];
}

/* ----------------------------------------------------------------------------------------- arriving */

static void update(struct bi_sim_socket *socket)
{
    if (socket != NULL) {
        bi_sim_socket_news(socket);
    }
}

/* The data has come to an end that was closed: its host answers with a reset. */
static void reject(struct bi_sim_pipe *pipe, uint64_t end)
{
    pipe->arrived = pipe->taken = end;
    bi_sim_pipe_mark(&pipe->wire->pipes[!pipe->from], BI_SIM_RESET);
}

/* The last of the segments under way is a reset: it does not wait for a window. */
static bool is_being_reset(const struct bi_sim_pipe *pipe)
{
    return pipe->count != 0 && segment_at(pipe, pipe->count - 1)->mark == BI_SIM_RESET;
}

/* False when there is no room for all of it. */
static bool deliver_data(struct bi_sim_pipe *pipe, uint64_t end)
{
    struct bi_sim_socket *receiver = pipe->wire->ends[!pipe->from];
    if (receiver == NULL) {
        reject(pipe, end);
        return true;
    }
    uint64_t room = pipe->receive_room - (pipe->arrived - pipe->taken);
    uint64_t size = end - pipe->arrived;
    pipe->arrived += size < room ? size : room;
    update(receiver);
    return size <= room || is_being_reset(pipe);
}

static bool deliver(struct bi_sim_pipe *pipe, const struct bi_sim_segment *segment)
{
    struct bi_sim_socket *receiver = pipe->wire->ends[!pipe->from];
    switch (segment->mark) {
    case BI_SIM_DATA:
        return deliver_data(pipe, segment->end);
    case BI_SIM_END:
        pipe->ended = pipe->arrived == segment->end; /* not behind data that a coming reset has cut off */
        update(receiver);
        return true;
    case BI_SIM_RESET:
        bi_sim_stream_was_reset(receiver);
        return true;
    }
    return true;
}

/* Tells the sender about room, if it could need some. */
static void acknowledge(struct bi_sim_pipe *pipe)
{
    bool is_short = (pipe->sent - pipe->acknowledged) * 2 >= pipe->send_room;
    if (is_short && pipe->acknowledged != pipe->arrived && !bi_sim_event_is_armed(&pipe->acknowledgement)) {
        uint64_t latency = bi_sim_latency(pipe->acknowledgement.from, pipe->acknowledgement.to);
        bi_sim_event_arm(&pipe->acknowledgement, simulation_of(pipe)->now + latency);
    }
}

static void segments_arrive(struct bi_sim_event *event)
{
    struct bi_sim_pipe *pipe = BI_CONTAINER(event, struct bi_sim_pipe, arrival);
    while (pipe->count != 0 && segment_at(pipe, 0)->when <= event->simulation->now) {
        struct bi_sim_segment segment = *segment_at(pipe, 0);
        if (!deliver(pipe, &segment)) {
            pipe->stalled = true;
            break;
        }
        if (pipe->count != 0) { /* a reset forgets them all */
            pipe->first = (pipe->first + 1) % pipe->room;
            pipe->count--;
        }
    }
    acknowledge(pipe);
    if (pipe->count != 0 && !pipe->stalled) {
        bi_sim_event_arm(&pipe->arrival, segment_at(pipe, 0)->when);
    }
}

static void acknowledgement_arrives(struct bi_sim_event *event)
{
    struct bi_sim_pipe *pipe = BI_CONTAINER(event, struct bi_sim_pipe, acknowledgement);
    pipe->acknowledged = pipe->arrived;
    update(pipe->wire->ends[pipe->from]);
}

/* ------------------------------------------------------------------------------------------- sending */

static bool make_segment_room(struct bi_sim_pipe *pipe)
{
    size_t room = pipe->room == 0 ? 4 : pipe->room * 2;
    struct bi_sim_segment *segments = bi_testing_plain_realloc(NULL, room * sizeof *segments);
    if (segments == NULL) {
        return false;
    }
    for (size_t i = 0; i < pipe->count; i++) {
        segments[i] = *segment_at(pipe, i);
    }
    bi_testing_plain_free(pipe->segments);
    pipe->segments = segments;
    pipe->first = 0;
    pipe->room = room;
    return true;
}

/* Puts a segment behind those under way; one that arrives with the last joins it. */
static void append(struct bi_sim_pipe *pipe, uint64_t end, uint64_t when, enum bi_sim_mark mark)
{
    struct bi_sim_segment *last = pipe->count != 0 ? segment_at(pipe, pipe->count - 1) : NULL;
    if (is_being_reset(pipe)) {
        return; /* nothing comes behind a reset */
    }
    pipe->last_arrival = when > pipe->last_arrival ? when : pipe->last_arrival;
    if (last != NULL && mark == BI_SIM_DATA && last->mark == BI_SIM_DATA && last->when == pipe->last_arrival) {
        last->end = end;
        return;
    }
    if (pipe->count == pipe->room) {
        BI_INVARIANT(make_segment_room(pipe));
    }
    pipe->count++;
    *segment_at(pipe, pipe->count - 1) = (struct bi_sim_segment) { end, pipe->last_arrival, mark };
    if (pipe->count == 1) {
        bi_sim_event_arm(&pipe->arrival, pipe->last_arrival);
    }
}

/* One segment of data on its way, with what may happen to it there. */
static void send_segment(struct bi_sim_pipe *pipe, uint64_t start, uint64_t end)
{
    struct bight_simulation *simulation = simulation_of(pipe);
    struct bight_host *from = pipe->arrival.from, *to = pipe->arrival.to;
    const struct bight_link_conditions *conditions = &bi_sim_way(from, to)->conditions;
    uint64_t when = bi_sim_arrival(from, to, (size_t)(end - start));
    if (bi_sim_fault(simulation, conditions->reset, "reset")) {
        bi_sim_pipe_mark(pipe, BI_SIM_RESET);
        bi_sim_pipe_mark(&pipe->wire->pipes[!pipe->from], BI_SIM_RESET);
        return;
    }
    if (bi_sim_fault(simulation, conditions->join, "joined segments")) {
        when += bi_sim_detail(simulation, JOINED_WITHIN);
    }
    if (bi_sim_fault(simulation, conditions->split, "split segment") && end - start > 1) {
        uint64_t cut = start + 1 + bi_sim_detail(simulation, end - start - 1);
        append(pipe, cut, when, BI_SIM_DATA);
        when += 1 + bi_sim_detail(simulation, BI_SIM_MILLISECOND);
    }
    append(pipe, end, when, BI_SIM_DATA);
}

/* At the end of what was put in. */
static void draw_mark(struct bi_sim_pipe *pipe)
{
    const struct bight_host *sender = pipe->arrival.from;
    bool is_drawn = bi_sim_fault(simulation_of(pipe), sender->kernel.mark, "mark in a stream");
    if (is_drawn && pipe->mark_count < BI_SIM_MARKS) {
        pipe->marks[(pipe->first_mark + pipe->mark_count++) % BI_SIM_MARKS] = pipe->sent;
    }
}

static void send_bytes(struct bi_sim_pipe *pipe, uint64_t start)
{
    if (pipe->wire->instant) {
        pipe->arrived = pipe->sent;
        update(pipe->wire->ends[!pipe->from]);
        return;
    }
    bool is_limited = bi_sim_way(pipe->arrival.from, pipe->arrival.to)->conditions.bytes_per_second > 0;
    while (is_limited && pipe->sent - start > LONGEST_PIECE) {
        send_segment(pipe, start, start + LONGEST_PIECE);
        start += LONGEST_PIECE;
    }
    send_segment(pipe, start, pipe->sent);
}

void bi_sim_pipe_mark(struct bi_sim_pipe *pipe, enum bi_sim_mark mark)
{
    if (pipe->wire->instant) {
        const struct bi_sim_segment segment = { .end = pipe->sent, .mark = mark };
        (void)deliver(pipe, &segment);
        return;
    }
    uint64_t when = bi_sim_arrival(pipe->arrival.from, pipe->arrival.to, 0);
    append(pipe, pipe->sent, when, mark);
    if (mark == BI_SIM_RESET && pipe->stalled) {
        pipe->stalled = false;
        bi_sim_event_arm(&pipe->arrival, pipe->last_arrival);
    }
}

void bi_sim_pipe_clear(struct bi_sim_pipe *pipe)
{
    if (is_being_reset(pipe)) {
        pipe->first = (pipe->first + pipe->count - 1) % pipe->room;
        pipe->count = 1; /* the other end still has to learn of it */
        return;
    }
    pipe->count = 0;
    pipe->stalled = false;
    bi_sim_event_disarm(&pipe->arrival);
    bi_sim_event_disarm(&pipe->acknowledgement);
}

/* ------------------------------------------------------------------------------------------ the ring */

static void copy_in(struct bi_sim_pipe *pipe, const void *data, size_t size)
{
    size_t at = pipe->sent & (pipe->ring_size - 1);
    size_t whole = pipe->ring_size - at < size ? pipe->ring_size - at : size;
    memcpy(pipe->ring + at, data, whole);
    memcpy(pipe->ring, (const uint8_t *)data + whole, size - whole);
    pipe->sent += size;
}

static bool make_room(struct bi_sim_pipe *pipe, size_t size)
{
    size_t used = (size_t)(pipe->sent - pipe->taken);
    size_t ring_size = pipe->ring_size == 0 ? 256 : pipe->ring_size;
    while (ring_size < used + size) {
        ring_size *= 2;
    }
    if (ring_size == pipe->ring_size) {
        return true;
    }
    uint8_t *ring = bi_testing_plain_realloc(NULL, ring_size);
    if (ring == NULL) {
        return false;
    }
    for (uint64_t position = pipe->taken; position < pipe->sent; position++) {
        ring[position & (ring_size - 1)] = pipe->ring[position & (pipe->ring_size - 1)];
    }
    bi_testing_plain_free(pipe->ring);
    pipe->ring = ring;
    pipe->ring_size = ring_size;
    return true;
}

size_t bi_sim_pipe_room(const struct bi_sim_pipe *pipe)
{
    uint64_t used = pipe->sent - (pipe->wire->instant ? pipe->taken : pipe->acknowledged);
    return used < pipe->send_room ? pipe->send_room - (size_t)used : 0;
}

ssize_t bi_sim_pipe_put(struct bi_sim_pipe *pipe, const struct iovec *parts, size_t count, size_t limit)
{
    uint64_t start = pipe->sent;
    if (!make_room(pipe, limit)) {
        return -ENOBUFS;
    }
    for (size_t i = 0; i < count && limit > 0; i++) {
        size_t size = parts[i].iov_len < limit ? parts[i].iov_len : limit;
        copy_in(pipe, parts[i].iov_base, size);
        limit -= size;
    }
    draw_mark(pipe);
    send_bytes(pipe, start);
    return (ssize_t)(pipe->sent - start);
}

/* The window has opened: half of it, so that it does not open byte by byte (RFC 9293, 3.8.6.2.2). */
static void open_window(struct bi_sim_pipe *pipe)
{
    if (pipe->stalled && (pipe->arrived - pipe->taken) * 2 <= pipe->receive_room) {
        struct bight_host *sender = pipe->arrival.from, *receiver = pipe->arrival.to;
        uint64_t there_and_back = bi_sim_latency(receiver, sender) + bi_sim_latency(sender, receiver);
        pipe->stalled = false;
        bi_sim_event_arm(&pipe->arrival, simulation_of(pipe)->now + there_and_back);
    }
}

size_t bi_sim_pipe_before_mark(const struct bi_sim_pipe *pipe, size_t size)
{
    uint64_t before = pipe->mark_count == 0 ? UINT64_MAX : pipe->marks[pipe->first_mark] - pipe->taken;
    return size < before ? size : (size_t)before;
}

static void forget_marks(struct bi_sim_pipe *pipe)
{
    while (pipe->mark_count > 0 && pipe->marks[pipe->first_mark] <= pipe->taken) {
        pipe->first_mark = (pipe->first_mark + 1) % BI_SIM_MARKS;
        pipe->mark_count--;
    }
}

size_t bi_sim_pipe_take(struct bi_sim_pipe *pipe, void *buffer, size_t size)
{
    size_t there = (size_t)(pipe->arrived - pipe->taken);
    size = size < there ? size : there;
    size_t at = pipe->taken & (pipe->ring_size - 1);
    size_t whole = pipe->ring_size - at < size ? pipe->ring_size - at : size;
    memcpy(buffer, pipe->ring + at, whole);
    memcpy((uint8_t *)buffer + whole, pipe->ring, size - whole);
    pipe->taken += size;
    forget_marks(pipe);
    if (pipe->wire->instant) {
        update(pipe->wire->ends[pipe->from]);
    } else {
        open_window(pipe);
    }
    return size;
}

/* -------------------------------------------------------------------------------- beginning and end */

bool bi_sim_pipe_init(struct bi_sim_pipe *pipe, struct bi_sim_wire *wire, int from)
{
    struct bight_host *sender = wire->ends[from]->file.host, *receiver = wire->ends[!from]->file.host;
    pipe->wire = wire;
    pipe->from = from;
    pipe->send_room = bi_sim_send_room(sender);
    pipe->receive_room = bi_sim_receive_room(receiver);
    bi_sim_event_init(&pipe->arrival, sender->simulation, sender, receiver, segments_arrive);
    bi_sim_event_init(&pipe->acknowledgement, sender->simulation, receiver, sender, acknowledgement_arrives);
    return make_segment_room(pipe) && make_room(pipe, 1);
}

void bi_sim_pipe_finish(struct bi_sim_pipe *pipe)
{
    bi_sim_event_disarm(&pipe->arrival);
    bi_sim_event_disarm(&pipe->acknowledgement);
    bi_testing_plain_free(pipe->ring);
    bi_testing_plain_free(pipe->segments);
}
