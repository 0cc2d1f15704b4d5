/* SPDX-License-Identifier: MIT */
/* log_sink.h - where lines of a log go: gathered in memory, written to a file off the loop. */
#ifndef BI_HTTP_LOG_SINK_H
#define BI_HTTP_LOG_SINK_H

#include <bight/protocols/http_provided.h>
#include <bight/reactor.h>

struct bi_log_sink;

/* Opens the path (NULL: standard error), unless there is a function. `room` is of each of two buffers. NULL, and *code:
 * what the file system said (its errno's), or OUT_OF_MEMORY. */
struct bi_log_sink *bi_log_sink_open(
    const char *path, bight_http_log_function function, void *context, size_t room, double seconds, int *code);

/* Writes what has been gathered, by whoever is writing already, and ends. */
void bi_log_sink_close(struct bi_log_sink *sink);

/* Room for a line of at most `size` bytes; NULL: there is none now, and that has been counted. Then how long it is. */
char *bi_log_sink_reserve(struct bi_log_sink *sink, struct bight_reactor *reactor, size_t size);
void bi_log_sink_commit(struct bi_log_sink *sink, struct bight_reactor *reactor, size_t size);

/* The file is opened again before the next lines are written; now, if there is a reactor. */
void bi_log_sink_reopen(struct bi_log_sink *sink, struct bight_reactor *reactor);

#endif
