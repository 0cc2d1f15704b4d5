/* SPDX-License-Identifier: MIT */
/* stream_end.h - one end of a stream in memory, as a kernel keeps it, and the bottom of a transport that stands on one.
 *
 * An end has what was sent to it, what it has sent, a window, an end, a reset. It answers as a socket does and
 * announces readiness level-triggered, from a task on the reactor's soon queue that comes again on each turn for as
 * long as it is watched for and lasts. The string transport, the loopback pair and the recorder's sockets are made of
 * it. */
#ifndef BIGHT_TESTING_STREAM_END_H
#define BIGHT_TESTING_STREAM_END_H

#include <bight/sys/bottom.h>

#include "reactor/reactor.h"
#include "testing/kit/testing.h"

struct bight_stream_bytes {
    uint8_t *data;
    size_t start, size, capacity; /* size bytes from start on */
};

struct bight_stream_end;

struct bight_stream_end_ops {
    void (*readable)(struct bight_stream_end *end);
    void (*writable)(struct bight_stream_end *end);
    /* It was written to, received, shut or closed. NULL: nobody asks. */
    void (*changed)(struct bight_stream_end *end);
    /* Of a memory bottom: the transport has ended; the end's memory may go. */
    void (*ended)(struct bight_stream_end *end);
};

struct bight_stream_end {
    const struct bight_stream_end_ops *ops;
    struct bight_reactor *reactor;     /* NULL: it is over */
    struct bight_transport *transport; /* of a memory bottom, until it has ended */
    struct bight_task task;
    struct bight_stream_bytes input;   /* to the near end */
    struct bight_stream_bytes written; /* from it */
    size_t chunk;                      /* most bytes received at once */
    size_t window;                     /* most bytes that may lie in `written` */
    int reset_number;                  /* the errno of a reset; 0: none */
    bool input_ended;
    bool reading, writing; /* watched for */
    bool shut, closed, was_reset;
    struct bight_address addresses[2]; /* of a memory bottom: its own and its peer's; zeroed: none */
};

bool bight_stream_append(struct bight_stream_bytes *bytes, const void *data, size_t size);
bool bight_stream_reserve(struct bight_stream_bytes *bytes, size_t more);
size_t bight_stream_take(struct bight_stream_bytes *bytes, void *data, size_t size);
void bight_stream_forget(struct bight_stream_bytes *bytes);

void bight_stream_init(
    struct bight_stream_end *end, const struct bight_stream_end_ops *ops, struct bight_reactor *reactor);
/* Frees what it has allocated. */
void bight_stream_finish(struct bight_stream_end *end);

/* What the near end does. Counts or -errno. */
ssize_t bight_stream_receive(struct bight_stream_end *end, void *buffer, size_t size);
ssize_t bight_stream_send(struct bight_stream_end *end, const struct iovec *parts, int count);
void bight_stream_shut(struct bight_stream_end *end);
void bight_stream_hang_up(struct bight_stream_end *end, bool reset);

/* What the far end does. */
bool bight_stream_feed(struct bight_stream_end *end, const void *data, size_t size);
void bight_stream_end_input(struct bight_stream_end *end);
void bight_stream_reset(struct bight_stream_end *end, int number);

static inline bool bight_stream_is_readable(const struct bight_stream_end *end)
{
    return end->input.size > 0 || end->input_ended || end->reset_number != 0;
}

static inline bool bight_stream_is_writable(const struct bight_stream_end *end)
{
    return end->written.size < end->window || end->reset_number != 0;
}

/* Sees to it that a turn tells the near end what it waits for, if that is so; and that none does. */
void bight_stream_announce(struct bight_stream_end *end);
void bight_stream_be_silent(struct bight_stream_end *end);

/* Connects a protocol of `factory` to an end that was initialised: connection_made has run. False when that failed. */
bool bight_stream_connect(struct bight_stream_end *end, struct bight_factory *factory, bool accepted);

/* For the ops of ends that are connected so. */
void bight_stream_tell_readable(struct bight_stream_end *end);
void bight_stream_tell_writable(struct bight_stream_end *end);

#endif
