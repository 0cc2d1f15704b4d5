/* SPDX-License-Identifier: MIT */
/* attachment.h - what the rooms above hang on a reactor: connections, threads, children and so on.
 *
 * The reactor knows none of them. It tells all at certain moments, in the fixed order of their rooms, whichever was
 * made first. */
#ifndef BIGHT_REACTOR_ATTACHMENT_H
#define BIGHT_REACTOR_ATTACHMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/private.h"

struct bight_dump;
struct bight_reactor;
struct bight_attachment;

/* Who hears first: what stands on another hears of an end before it. */
enum bight_attachment_order {
    BIGHT_ORDER_WATCHDOG,
    BIGHT_ORDER_DUMP,
    BIGHT_ORDER_FILE_LOCKS,
    BIGHT_ORDER_PROCESSES,
    BIGHT_ORDER_OPEN,
    BIGHT_ORDER_CONNECTIONS,
    BIGHT_ORDER_NAMES,
    BIGHT_ORDER_THREADS,
    BIGHT_ORDER_COROUTINES
};

enum bight_moment {
    BIGHT_RUN_BEGINS,    /* in this thread, before anything is called */
    BIGHT_DISCONNECTING, /* R3: connection_lost and the like are called from here */
    BIGHT_DISCONNECTED,  /* and what that put off has been done */
    BIGHT_RUN_ENDS,      /* this thread may end too */
    BIGHT_MOMENTS
};

/* Static: its address is the key. */
struct bight_attachment_kind {
    enum bight_attachment_order order;
    size_t size; /* of what the attachment is the first member of */
    /* May be NULL. The memory is zeroed; false when there is not enough of it: then it is freed and not attached. */
    bool (*open)(struct bight_attachment *attachment);
    /* Each may be NULL. BIGHT_DISCONNECTING and BIGHT_DISCONNECTED come also when the reactor is freed. */
    void (*at[BIGHT_MOMENTS])(struct bight_attachment *attachment);
    /* May be NULL: the reactor goes, or the attachment is dropped. Its memory is not to be freed. */
    void (*finish)(struct bight_attachment *attachment);
    /* May be NULL: the child of a fork. It may drop the attachment. */
    int (*after_fork)(struct bight_attachment *attachment);
    /* May be NULL: a section of what there is (base/dump.h). Changes nothing. */
    void (*describe)(struct bight_attachment *attachment, struct bight_dump *dump);
};

struct bight_attachment {
    struct bight_attachment *next;
    const struct bight_attachment_kind *kind;
    struct bight_reactor *reactor;
};

/* NULL when there is none. */
struct bight_attachment *bight_attachment_find(
    const struct bight_reactor *reactor, const struct bight_attachment_kind *kind);
/* Made when there is none; NULL without memory. */
struct bight_attachment *bight_attachment_of(struct bight_reactor *reactor, const struct bight_attachment_kind *kind);
/* Finishes and frees it. */
void bight_attachment_drop(struct bight_attachment *attachment);

/* For the files of this room: all of them. With handle each is bracketed as a handler: for moments at which it calls
 * the program. */
void bight_attachments_tell(struct bight_reactor *reactor, enum bight_moment moment);
void bight_attachments_handle(struct bight_reactor *reactor, enum bight_moment moment);
/* 0 or the first code. */
int bight_attachments_after_fork(struct bight_reactor *reactor);
void bight_attachments_free(struct bight_reactor *reactor);

#endif
