/* SPDX-License-Identifier: MIT */
/* file.h - files among the output, between file.c, which reads and sends them, and the files that keep queues:
 * output.c, queue.c, held.c. */
#ifndef BI_TRANSPORT_FILE_H
#define BI_TRANSPORT_FILE_H

#include <bight/sys/output.h>

#include "transport/transport.h"

/* The most that is sent of a file at once, and read; and that is sent of files on a turn, so that other connections
 * have theirs: a second window costs less than a turn of its own. */
#define BI_FILE_WINDOW ((size_t)512 << 10)
#define BI_FILE_TURN (2 * BI_FILE_WINDOW)

/* In place of a count of bytes. */
#define BI_FILE_UNREAD (-EINPROGRESS) /* has to be read first: bi_file_read */
#define BI_FILE_FAILED (-ECANCELED)   /* the connection has ended by it */

struct bi_file;

/* Called in the loop, outside of sends, when the queue has done with the file: all of it has been sent, or `dropped`. A
 * thread may read it yet: only `release` says that nobody does. May be NULL. */
typedef void (*bi_file_done_function)(void *context, bool dropped);

/* What is sent, and what is called behind it, with the context; `release` may be NULL. */
struct bi_file_source {
    int descriptor;
    uint64_t offset, size;
    bi_file_done_function done;
    bight_release_function release;
    void *context;
    struct bight_file_pages *pages; /* NULL: none */
};

/* As bight_transport_send_file. */
int bi_transport_send_file(struct bight_transport *transport, const struct bi_file_source *source, const char *caller);

/* NULL when out of memory. */
struct bi_file *bi_file_new(struct bight_transport *transport, const struct bi_file_source *source);
/* Of one that no queue has taken: it is forgotten, and nothing released. */
void bi_file_forget(struct bi_file *file);

/* Comes last in a queue, and is the queue's: 0. Or OUT_OF_MEMORY, or OVERFLOW when the queue would be larger than what
 * can be said. */
int bi_file_queue(struct bi_output *queue, struct bi_file *file, size_t size);

/* A chunk's release function: has been sent, or is dropped. What is under way in a thread is waited for by the file,
 * not by the caller. */
void bi_file_let_go(void *file);

static inline bool bi_chunk_is_file(const struct bi_chunk *chunk)
{
    return chunk->release == bi_file_let_go;
}

/* The queue is about to drop it. */
void bi_file_drop(struct bi_file *file);

/* So much of it has been sent. */
void bi_file_advance(struct bi_file *file, size_t size);

/* Some of the `left` bytes to come would go by the bottom's send_file right now, for all that can be known. */
bool bi_file_is_ready(struct bi_file *file, size_t left);

/* Sends some of the `left` bytes to come, at most *room, which gets smaller by it. As the bottom's send, or one of
 * the above. */
ssize_t bi_file_send(struct bi_file *file, size_t left, size_t *room);

/* The bytes to come, as many of `left` as one read returns: their count and where they are, or one of the above. They
 * stay where they are until the next call. */
ssize_t bi_file_look(struct bi_file *file, size_t left, const uint8_t **data);

/* Has a thread read what comes next. Then bi_output_was_read and bi_held_was_read are called, or the connection ends.
 * Nothing when it is at it already. */
void bi_file_read(struct bi_file *file, size_t left);
bool bi_file_is_being_read(const struct bi_file *file);

#endif
