/* SPDX-License-Identifier: MIT */
/* stream_end.h - one end of a stream in memory, as a kernel keeps it, and the bottom of a transport that stands on one.
 *
 * An end has what was sent to it, what it has sent, a window, an end, a reset. It answers as a socket does and
 * announces readiness level-triggered, from a task on the reactor's soon queue that comes again on each turn for as
 * long as it is watched for and lasts. The string transport, the loopback pair and the recorder's sockets are made of
 * it. */
#ifndef BI_TESTING_KIT_STREAM_END_H
#define BI_TESTING_KIT_STREAM_END_H

#include <bight/sys/bottom.h>

#include "reactor/reactor.h"
#include "testing/kit/testing.h"

struct bi_stream_bytes {
    uint8_t *data;
    size_t start, size, capacity; /* size bytes from start on */
};

struct bi_stream_end;

struct bi_stream_end_ops {
    void (*readable)(struct bi_stream_end *end);
    void (*writable)(struct bi_stream_end *end);
    /* It was written to, received, shut or closed. NULL: not needed. */
    void (*changed)(struct bi_stream_end *end);
    /* Of a memory bottom: the transport has ended; the end's memory may go. */
    void (*ended)(struct bi_stream_end *end);
};

struct bi_stream_end {
    const struct bi_stream_end_ops *ops;
    struct bight_reactor *reactor;     /* NULL: it is over */
    struct bight_transport *transport; /* of a memory bottom, until it has ended */
    struct bi_task task;
    struct bi_stream_bytes input;   /* to the near end */
    struct bi_stream_bytes written; /* from it */
    size_t chunk;                   /* most bytes received at once */
    size_t window;                  /* most bytes that may lie in `written` */
    int reset_number;               /* the errno of a reset; 0: none */
    bool input_ended, end_taken;
    bool reading, writing; /* watched for */
    bool shut, closed, was_reset;
    struct bight_address addresses[2]; /* of a memory bottom: its own and its peer's; zeroed: none */
};

bool bi_stream_append(struct bi_stream_bytes *bytes, const void *data, size_t size);
bool bi_stream_reserve(struct bi_stream_bytes *bytes, size_t more);
size_t bi_stream_take(struct bi_stream_bytes *bytes, void *data, size_t size);
void bi_stream_forget(struct bi_stream_bytes *bytes);

void bi_stream_init(struct bi_stream_end *end, const struct bi_stream_end_ops *ops, struct bight_reactor *reactor);
/* Frees what it has allocated. */
void bi_stream_finish(struct bi_stream_end *end);

/* What the near end does. Counts or -errno. */
ssize_t bi_stream_receive(struct bi_stream_end *end, void *buffer, size_t size);
ssize_t bi_stream_send(struct bi_stream_end *end, const struct iovec *parts, int count);
void bi_stream_shut(struct bi_stream_end *end);
void bi_stream_hang_up(struct bi_stream_end *end, bool reset);

/* What the far end does. */
bool bi_stream_feed(struct bi_stream_end *end, const void *data, size_t size);
void bi_stream_end_input(struct bi_stream_end *end);
void bi_stream_reset(struct bi_stream_end *end, int number);

static inline bool bi_stream_is_readable(const struct bi_stream_end *end)
{
    return end->input.size > 0 || end->input_ended || end->reset_number != 0;
}

static inline bool bi_stream_is_writable(const struct bi_stream_end *end)
{
    return end->written.size < end->window || end->reset_number != 0;
}

/* Sees to it that a turn tells the near end what it waits for, if that is so; and that none does. */
void bi_stream_announce(struct bi_stream_end *end);
void bi_stream_be_silent(struct bi_stream_end *end);

/* Connects a protocol of `factory` to an end that was initialised: connection_made has run. False when that failed. */
bool bi_stream_connect(struct bi_stream_end *end, struct bight_factory *factory, bool accepted);

/* For the ops of ends that are connected so. */
void bi_stream_tell_readable(struct bi_stream_end *end);
void bi_stream_tell_writable(struct bi_stream_end *end);

#endif
