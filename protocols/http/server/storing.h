/* SPDX-License-Identifier: MIT */
/* storing.h - what comes of a body goes to the disk: bytes are gathered in the loop's thread while a thread of the
 * reactor's pool writes those before, one job at a time; and the Deferred that fires when all of it has been written.
 *
 * Where to, and what is a body's way here, is the owner's (save.c, form_collect.c), whose struct this is the first
 * member of. */
#ifndef BI_HTTP_STORING_H
#define BI_HTTP_STORING_H

#include <stdatomic.h>

#include "http/server/request.h"

#define BI_STORING_WINDOW \
    65536 /* bytes that wait for the thread, before the client has to; a last piece may double them */

struct bi_storing;

struct bi_storing_ops {
    /* In a thread: writes; `is_last`: no more will come, and it is to be kept, unless it is over. NULL, or a failure.
     */
    struct bight_failure *(*write)(struct bi_storing *storing, const uint8_t *data, size_t size, bool is_last);
    /* In a thread: what was not kept is removed. NULL: nothing is to be. */
    void (*discard)(struct bi_storing *storing);
    /* Is there something to remove? While no job is under way. */
    bool (*is_there)(const struct bi_storing *storing);
    /* Some has been written. May be NULL; may do anything. */
    void (*wrote)(struct bi_storing *storing);
    /* There is room for more again. NULL: the request is resumed. */
    void (*resume)(struct bi_storing *storing);
    /* Nothing more of the body is wanted. */
    void (*stop)(struct bi_storing *storing);
    /* Fires the promise: all has been written. */
    void (*succeed)(struct bi_storing *storing);
    /* The last hold has gone. In whatever thread: the reactor's, but when a job was left behind by its end. */
    void (*free)(struct bi_storing *storing);
};

struct bi_storing {
    const struct bi_storing_ops *ops;
    atomic_uint holds;   /* the asker's, until the Deferred has fired; a job's; a function's that calls others */
    atomic_bool is_over; /* the Deferred has fired, or is about to */
    /* The loop's. */
    struct bight_http_request *request; /* until it is over; NULL, too, where the body is no request's */
    struct bight_reactor *reactor;
    struct bight_promise promise;
    struct bi_http_buffer waiting;
    struct bight_deferred *working; /* NULL: there is no job */
    bool has_ended;                 /* nothing more comes */
    /* The job's, while there is one. */
    struct bi_http_buffer writing;
    bool is_last;
};

/* Of a zeroed one; the asker's hold is the caller's. Without a request `reactor` is to be set. */
void bi_storing_init(struct bi_storing *storing, const struct bi_storing_ops *ops, struct bight_http_request *request);
/* The Deferred, which keeps the request and a hold. It may have fired: then the promise is not open. */
struct bight_deferred *bi_storing_defer(struct bi_storing *storing);

struct bi_storing *bi_storing_hold(struct bi_storing *storing);
void bi_storing_drop(struct bi_storing *storing);

/* More of it; false: no more for now, ops->stop's request is resumed when there is room. It may be over behind this. */
bool bi_storing_add(struct bi_storing *storing, const uint8_t *data, size_t size);
/* That was all. `by_job`: a thread has to be told, even if nothing waits. */
void bi_storing_end(struct bi_storing *storing, bool by_job);
/* It fails with this, which is taken. */
void bi_storing_fail(struct bi_storing *storing, struct bight_failure *failure);

#endif
