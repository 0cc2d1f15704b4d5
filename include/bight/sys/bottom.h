/* SPDX-License-Identifier: MIT */
/* bight/sys/bottom.h - what a transport stands on: a socket, a pipe, a piece of memory.
 *
 * Gathering, watermarks, closing and delivering are the facade's; a bottom only moves bytes, as the kernel does: calls
 * return a count or -errno, -EAGAIN when there is no room or nothing to read, and it says when that changes. */
#ifndef BIGHT_SYS_BOTTOM_H
#define BIGHT_SYS_BOTTOM_H

#include <bight/sys/loop.h>
#include <bight/transport.h>

BIGHT_BEGIN

enum bight_transport_option { BIGHT_OPTION_NODELAY, BIGHT_OPTION_KEEPALIVE };

struct bight_bottom_ops {
    size_t size; /* sizeof(struct bight_bottom_ops) */
    ssize_t (*receive)(struct bight_transport *transport, void *buffer, size_t size);
    ssize_t (*send)(struct bight_transport *transport, const struct iovec *parts, int count);
    /* Begin and end to call bight_transport_readable when there may be something to read, be it there already or new.
     * 0 or a code. */
    int (*watch_reading)(struct bight_transport *transport, bool on);
    /* The same for writing and bight_transport_writable; `watch` is memory for the loop's watch. */
    int (*watch_writing)(struct bight_transport *transport, struct bight_watch *watch, bool on);
    void (*shut_writing)(struct bight_transport *transport);
    /* Both watches have been turned off. With `reset` the peer sees a reset where that is possible. */
    void (*close)(struct bight_transport *transport, bool reset);
    int (*address)(struct bight_transport *transport, bool peer, struct bight_address *address);
    int (*set_option)(struct bight_transport *transport, enum bight_transport_option option, bool on);
    /* After connection_lost and all that follows it: the bottom's memory may go. Last call. NULL: nothing to do. */
    void (*ended)(struct bight_transport *transport);
    /* Asked when readable is called after the peer's end: 0, or -errno when the peer has gone altogether. With it the
     * transport goes on watching for reading after the end, and news alone may be reported then. (A bottom with a
     * descriptor is asked on loops with EDGE only.) NULL: nothing can be known before something is sent. */
    int (*probe)(struct bight_transport *transport);
    /* A receive of less than was asked for leaves nothing, or what it leaves is reported again. False: all that is
     * there is received until -EAGAIN, a bounded part of it a turn. */
    bool short_read_is_empty;
    /* As send, of a file's bytes from a place on, without moving its own place; 0 at its end. NULL, or an errno that is
     * the file's (EINVAL, EIO ...): the facade reads them, and sends what it has read. */
    ssize_t (*send_file)(struct bight_transport *transport, int file, uint64_t offset, size_t size);
    /* As send, of what is followed by something else at once, so that the bottom may keep the end of it back until then
     * and send both together. NULL: it need not know. */
    ssize_t (*send_more)(struct bight_transport *transport, const struct iovec *parts, int count);
};

/* A connection of `factory` over a bottom. `memory` is the bottom's own (a socket uses `descriptor` and leaves it
 * NULL). The protocol is built; connection_made is called, and then reading begins, when bight_transport_start is.
 * `accepted` chooses T13's defaults. NULL with *code set (when `code` is not NULL); the bottom is still the caller's
 * then: NO_PROTOCOL, OUT_OF_MEMORY; SHUTDOWN while the reactor disconnects everything; FACTORY_IN_USE when the factory
 * belongs to another reactor at present; USAGE when the protocol that the factory gave has had a connection. */
BIGHT_API BIGHT_MUST_USE struct bight_transport *bight_transport_new(struct bight_reactor *reactor,
    struct bight_factory *factory, const struct bight_bottom_ops *bottom, void *memory, int descriptor,
    const struct bight_address *peer, bool accepted, int *code);
BIGHT_API void bight_transport_start(struct bight_transport *transport);

/* For bottoms: their own memory, the loop's watch that lies behind the transport, and the news from below. */
BIGHT_API void *bight_transport_bottom_memory(const struct bight_transport *transport);
BIGHT_API struct bight_watch *bight_transport_watch(struct bight_transport *transport);
BIGHT_API void bight_transport_readable(struct bight_transport *transport);
BIGHT_API void bight_transport_writable(struct bight_transport *transport);

BIGHT_END

#endif
