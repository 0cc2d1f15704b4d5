/* SPDX-License-Identifier: MIT */
/* attachment.h - what the rooms above hang on a reactor: connections, threads, children and so on.
 *
 * The reactor knows none of them. It notifies all at certain moments, in the fixed order of their rooms, whichever was
 * made first. */
#ifndef BI_REACTOR_ATTACHMENT_H
#define BI_REACTOR_ATTACHMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/private.h"

struct bi_dump;
struct bight_reactor;
struct bi_attachment;

/* The order of notification: what stands on another is notified of an end before it. */
enum bi_attachment_order {
    BI_ORDER_WATCHDOG,
    BI_ORDER_DUMP,
    BI_ORDER_FILE_LOCKS,
    BI_ORDER_PROCESSES,
    BI_ORDER_OPEN,
    BI_ORDER_CONNECTIONS,
    BI_ORDER_SECURITY,
    BI_ORDER_NAMES,
    BI_ORDER_THREADS,
    BI_ORDER_COROUTINES
};

enum bi_moment {
    BI_RUN_BEGINS,    /* in this thread, before anything is called */
    BI_DISCONNECTING, /* R3: connection_lost and the like are called from here */
    BI_DISCONNECTED,  /* and the work that this deferred has been done */
    BI_RUN_ENDS,      /* this thread may end too */
    BI_MOMENTS
};

/* Static: its address is the key. */
struct bi_attachment_kind {
    enum bi_attachment_order order;
    size_t size; /* of what the attachment is the first member of */
    /* May be NULL. The memory is zeroed; false when there is not enough of it: then it is freed and not attached. */
    bool (*open)(struct bi_attachment *attachment);
    /* Each may be NULL. BI_DISCONNECTING and BI_DISCONNECTED come also when the reactor is freed. */
    void (*at[BI_MOMENTS])(struct bi_attachment *attachment);
    /* May be NULL: the reactor goes, or the attachment is dropped. Its memory is not to be freed. */
    void (*finish)(struct bi_attachment *attachment);
    /* May be NULL: the child of a fork. It may drop the attachment. */
    int (*after_fork)(struct bi_attachment *attachment);
    /* May be NULL: a section of what there is (base/dump.h). Changes nothing. */
    void (*describe)(struct bi_attachment *attachment, struct bi_dump *dump);
};

struct bi_attachment {
    struct bi_attachment *next;
    const struct bi_attachment_kind *kind;
    struct bight_reactor *reactor;
};

/* NULL when there is none. */
struct bi_attachment *bi_attachment_find(const struct bight_reactor *reactor, const struct bi_attachment_kind *kind);
/* Made when there is none; NULL when out of memory. */
struct bi_attachment *bi_attachment_of(struct bight_reactor *reactor, const struct bi_attachment_kind *kind);
/* Finishes and frees it. */
void bi_attachment_drop(struct bi_attachment *attachment);

/* For the files of this room: all of them. With handle each is bracketed as a handler: for moments at which it calls
 * the program. */
void bi_attachments_tell(struct bight_reactor *reactor, enum bi_moment moment);
void bi_attachments_handle(struct bight_reactor *reactor, enum bi_moment moment);
/* 0 or the first code. */
int bi_attachments_after_fork(struct bight_reactor *reactor);
void bi_attachments_free(struct bight_reactor *reactor);

#endif
