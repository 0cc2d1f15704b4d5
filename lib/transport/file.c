/* SPDX-License-Identifier: MIT */
/* file.c - a file among the output (T6): its bytes, and how they get there without the loop waiting for a disk.
 *
 * sendfile and read wait for the disk when a page is not in memory, and no readiness tells. So pages are asked for
 * first, by a read of a byte that may not wait (RWF_NOWAIT): a byte of each 16 KiB, and once, since it takes a quarter
 * of a microsecond, and the kernel reads ahead and drops what it has in pieces no smaller. Of a file that is sent again
 * and again (bight_file_pages) one byte of a MiB is enough for a second. What is not there a thread of a pool reads.
 * Where sendfile goes the thread throws the bytes away: it is the pages that are wanted, and after it they are not
 * asked for again, so that a file system that cannot answer is no endless loop. Else (a bottom without sendfile,
 * layers, a file that sendfile does not take) the bytes come into a buffer of the file's, straight away or by the
 * thread.
 *
 * The file belongs to its queue and to the job that reads: the descriptor and what else the job touches is there until
 * it has come back, long after the connection if must be. A stream never has a gap: whatever cannot be read ends the
 * connection. */
#include "transport/file.h"

#include <bight/memory.h>
#include <bight/thread.h>

#include <errno.h>
#include <stdatomic.h>

#include "deferred/deferred.h"
#include "reactor/reactor.h"
#include "thread/pool.h"
#include "transport/held.h"
#include "transport/queue.h"
#include "transport/state.h"

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

#define STRETCH 16384
#define BUFFER_SIZE 65536
#define NO_PLACE UINT64_MAX /* read on from where it stands */

struct bi_file {
    atomic_uint holds; /* the queue's, and a job's */
    int descriptor;
    struct bight_transport *transport; /* NULL: no queue has it any more */
    struct bight_system *system;
    uint64_t offset;                /* of what comes next */
    uint64_t known;                 /* what is before has been seen in memory */
    struct bight_file_pages *pages; /* what others have seen of it; NULL: nobody tells */
    bool is_copied;                 /* sendfile does not take it */
    bool is_stream;                 /* a pipe, a terminal: there are no places in it */
    uint8_t *buffer;                /* NULL until it is needed */
    size_t at, filled;
    struct bight_deferred *reading; /* a job, which has until then what is below */
    size_t wanted;
    ssize_t got; /* or -errno */
    bool is_dropped;
    bi_file_done_function done;
    bight_release_function release;
    void *context;
};

/* --------------------------------------------------------------------------------------- life and end */

struct bi_file *bi_file_new(struct bight_transport *transport, const struct bi_file_source *source)
{
    struct bi_file *file = bight_calloc(1, sizeof *file);
    if (file == NULL) {
        return NULL;
    }
    atomic_init(&file->holds, 1);
    file->descriptor = source->descriptor;
    file->transport = transport;
    file->system = transport->hub->system;
    file->offset = file->known = source->offset;
    file->is_copied = transport->bottom->send_file == NULL;
    file->pages = source->pages;
    file->done = source->done;
    file->release = source->release;
    file->context = source->context;
    return file;
}

void bi_file_forget(struct bi_file *file)
{
    bight_free(file);
}

/* In a thread only when that was left behind by the reactor's end. */
static void drop_hold(void *context)
{
    struct bi_file *file = context;
    if (atomic_fetch_sub_explicit(&file->holds, 1, memory_order_acq_rel) > 1) {
        return;
    }
    if (file->release != NULL) {
        file->release(file->context);
    }
    bight_free(file->buffer);
    bight_free(file);
}

void bi_file_let_go(void *context)
{
    struct bi_file *file = context;
    struct bight_deferred *reading = file->reading;
    file->transport = NULL;
    file->reading = NULL;
    if (reading != NULL) {
        bight_deferred_cancel(reading);
        bight_deferred_release(reading);
    }
    if (file->done != NULL) {
        file->done(file->context, file->is_dropped);
    }
    drop_hold(file);
}

void bi_file_drop(struct bi_file *file)
{
    file->is_dropped = true;
}

int bi_file_queue(struct bi_output *queue, struct bi_file *file, size_t size)
{
    struct bight_piece piece = { .size = size, .release = bi_file_let_go, .context = file };
    if (size > SIZE_MAX / 2 - queue->queued) {
        return BIGHT_E_OVERFLOW;
    }
    return bi_queue_append_reference(queue, &piece) == NULL ? BIGHT_E_OUT_OF_MEMORY : BIGHT_OK;
}

void bi_file_advance(struct bi_file *file, size_t size)
{
    file->offset += size;
    file->at += file->at < file->filled ? size : 0;
}

static ssize_t fail(struct bi_file *file, struct bight_failure *failure)
{
    bi_close_end(file->transport, failure, true);
    return BI_FILE_FAILED;
}

static ssize_t fail_by(struct bi_file *file, int number)
{
    return fail(file, bight_failure_from_errno(number, "reading a file that is being sent"));
}

static ssize_t fail_at_end(struct bi_file *file, size_t left)
{
    return fail(
        file, bight_failure_new(BIGHT_E_INCOMPLETE, 0, NULL,
                  "a file that is being sent ended %zu bytes before what was to be sent of it: it has shrunk", left));
}

/* ------------------------------------------------------------------------------------------- reading */

/* As preadv2, for one part, and not interrupted. */
static ssize_t read_at(const struct bi_file *file, void *buffer, size_t size, uint64_t offset, int flags)
{
    struct iovec part = { buffer, size };
    ssize_t got;
    do {
        got = file->system->ops->preadv2(file->system, file->descriptor, &part, 1, offset, flags);
    } while (got == -EINTR);
    return got;
}

/* In a thread: so that the pages are in memory. */
static ssize_t read_through(const struct bi_file *file)
{
    uint8_t bytes[STRETCH];
    size_t done = 0;
    while (done < file->wanted) {
        size_t left = file->wanted - done;
        ssize_t got = read_at(file, bytes, left < sizeof bytes ? left : sizeof bytes, file->offset + done, 0);
        if (got <= 0) {
            return got < 0 ? got : (ssize_t)done;
        }
        done += (size_t)got;
    }
    return (ssize_t)done;
}

static void read_in_thread(struct bight_result *result, void *context)
{
    struct bi_file *file = context;
    (void)result;
    file->got = file->is_copied
                    ? read_at(file, file->buffer, file->wanted, file->is_stream ? NO_PLACE : file->offset, 0)
                    : read_through(file);
}

/* What has no places is read as it comes, if it has not been begun. */
static bool becomes_stream(struct bi_file *file)
{
    bool becomes = file->got == -ESPIPE && !file->is_stream;
    if (becomes) {
        file->is_stream = file->is_copied = true;
    }
    return becomes;
}

/* Of what was read into the buffer nothing is nothing more to come; elsewhere sendfile finds that out. */
static void take_what_was_read(struct bi_file *file)
{
    if (becomes_stream(file)) {
        return;
    }
    if (file->got < 0) {
        (void)fail_by(file, (int)-file->got);
    } else if (!file->is_copied) {
        file->known = file->offset + file->wanted;
    } else if (file->got == 0) {
        (void)fail_at_end(file, file->wanted);
    } else {
        file->at = 0;
        file->filled = (size_t)file->got;
    }
}

static void was_read(struct bight_result *result, void *context)
{
    struct bi_file *file = context;
    struct bight_transport *transport = file->transport;
    struct bight_failure *failure = bight_result_failure(result) == NULL ? NULL : bight_result_take_failure(result);
    bight_deferred_release(file->reading);
    file->reading = NULL;
    if (transport == NULL) {
        bight_failure_release(failure);
    } else if (failure != NULL) {
        (void)fail(file, failure);
    } else {
        take_what_was_read(file);
        bi_output_was_read(transport);
        bi_held_was_read(transport);
    }
}

/* The handler may run at once, when there is no thread or no memory for one. */
static void begin_job(struct bi_file *file)
{
    struct bight_thread_pool *pool = bi_reactor_file_pool(file->transport->hub->reactor);
    atomic_fetch_add_explicit(&file->holds, 1, memory_order_relaxed);
    struct bight_deferred *deferred = bight_thread_pool_defer_full(pool, read_in_thread, file, drop_hold);
    file->reading = bight_deferred_hold(deferred);
    if (bight_deferred_add_both(deferred, was_read, file) != 0) {
        struct bight_deferred *reading = file->reading;
        file->reading = NULL;
        (void)fail(file, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        bight_deferred_cancel(reading);
        bight_deferred_release(reading);
    }
    bight_deferred_release(deferred);
}

static bool has_buffer(struct bi_file *file)
{
    if (file->buffer == NULL) {
        file->buffer = bight_malloc(BUFFER_SIZE);
    }
    return file->buffer != NULL;
}

void bi_file_read(struct bi_file *file, size_t left)
{
    size_t most = file->is_copied ? BUFFER_SIZE : BI_FILE_WINDOW;
    if (file->reading != NULL) {
        return;
    }
    if (file->is_copied && !has_buffer(file)) {
        (void)fail(file, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        return;
    }
    file->wanted = left < most ? left : most;
    begin_job(file);
}

bool bi_file_is_being_read(const struct bi_file *file)
{
    return file->reading != NULL;
}

ssize_t bi_file_look(struct bi_file *file, size_t left, const uint8_t **data)
{
    if (file->reading != NULL) {
        return BI_FILE_UNREAD;
    }
    file->is_copied = true;
    if (!has_buffer(file)) {
        return fail(file, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    if (file->at == file->filled) {
        uint64_t place = file->is_stream ? NO_PLACE : file->offset;
        ssize_t got = read_at(file, file->buffer, left < BUFFER_SIZE ? left : BUFFER_SIZE, place, RWF_NOWAIT);
        if (got <= 0) {
            return got < 0 ? BI_FILE_UNREAD : fail_at_end(file, left); /* the thread tells why not */
        }
        file->at = 0;
        file->filled = (size_t)got;
    }
    *data = file->buffer + file->at;
    return (ssize_t)(file->filled - file->at);
}

/* ------------------------------------------------------------------------------------------- sending */

/* Whether the byte can be read without waiting; the end of the file counts as there: sendfile tells. */
static bool is_resident(const struct bi_file *file, uint64_t place, bool *is_end)
{
    uint8_t byte;
    ssize_t got = read_at(file, &byte, 1, place, RWF_NOWAIT);
    *is_end = got == 0;
    return got >= 0;
}

/* Up to where what a turn sends has been seen by whoever sent it a moment ago; what is known, if nobody has. */
static uint64_t end_of_seen(const struct bi_file *file)
{
    const struct bight_file_pages *pages = file->pages;
    if (pages == NULL || file->known < pages->from || file->known >= pages->to ||
        bi_reactor_now(file->transport->hub->reactor) - pages->since >= BIGHT_NANOSECONDS_PER_SECOND) {
        return file->known;
    }
    uint64_t end = file->known + BI_FILE_TURN;
    return end < pages->to ? end : pages->to;
}

/* What is behind what is remembered, and was seen within the same second, is added to it. */
static void remember(struct bi_file *file, uint64_t from)
{
    struct bight_file_pages *pages = file->pages;
    uint64_t now = pages != NULL ? bi_reactor_now(file->transport->hub->reactor) : 0;
    if (pages == NULL || file->known <= from) {
        return;
    }
    if (from != pages->to || now - pages->since >= BIGHT_NANOSECONDS_PER_SECOND) {
        pages->from = from;
        pages->since = now;
    }
    pages->to = file->known;
}

static void look_for_pages(struct bi_file *file, uint64_t end)
{
    uint64_t from = file->known;
    bool is_end = false;
    while (file->known < end && is_resident(file, file->known, &is_end)) {
        file->known = is_end ? end : (file->known | (STRETCH - 1)) + 1;
    }
    if (!is_end) {
        remember(file, from);
    }
}

/* How many of the next `size` bytes can be sent without waiting. */
static size_t find_resident(struct bi_file *file, size_t size)
{
    uint64_t end = file->offset + size, seen = file->known < end ? end_of_seen(file) : file->known;
    bool is_end;
    if (seen > file->known && is_resident(file, file->known, &is_end)) {
        file->known = seen;
    }
    look_for_pages(file, end);
    uint64_t there = file->known - file->offset;
    return there < size ? (size_t)there : size;
}

/* The file's own, for all that sendfile says: reading it will show. */
static bool is_of_file(ssize_t result)
{
    switch (-result) {
    case EBADF:
    case EINVAL:
    case EIO:
    case EISDIR:
    case ENOSYS:
    case EOPNOTSUPP:
    case EOVERFLOW:
    case EPERM:
    case ESPIPE:
        return true;
    default:
        return false;
    }
}

static ssize_t send_copy(struct bi_file *file, size_t left, size_t size)
{
    struct bight_transport *transport = file->transport;
    const uint8_t *data;
    ssize_t there = bi_file_look(file, left, &data);
    if (there < 0) {
        return there;
    }
    struct iovec part = { (void *)(uintptr_t)data, (size_t)there < size ? (size_t)there : size };
    return transport->bottom->send(transport, &part, 1);
}

static ssize_t send_pages(struct bi_file *file, size_t left, size_t size)
{
    struct bight_transport *transport = file->transport;
    size_t resident = find_resident(file, size);
    if (resident == 0) {
        return BI_FILE_UNREAD;
    }
    ssize_t sent = transport->bottom->send_file(transport, file->descriptor, file->offset, resident);
    if (sent == 0) {
        return fail_at_end(file, left);
    }
    return is_of_file(sent) ? send_copy(file, left, size) : sent;
}

bool bi_file_is_ready(struct bi_file *file, size_t left)
{
    return !file->is_copied && file->reading == NULL && find_resident(file, left < STRETCH ? left : STRETCH) > 0;
}

static size_t least(size_t one, size_t other)
{
    return one < other ? one : other;
}

ssize_t bi_file_send(struct bi_file *file, size_t left, size_t *room)
{
    size_t size = least(left, *room);
    if (file->reading != NULL) {
        return BI_FILE_UNREAD;
    }
    ssize_t sent = file->is_copied ? send_copy(file, left, size) : send_pages(file, left, size);
    *room -= sent > 0 ? (size_t)sent : 0;
    return sent;
}
