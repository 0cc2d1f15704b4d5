/* SPDX-License-Identifier: MIT */
/* ends.h - standard input and output of a program that waits for a reactor's events: see ends.c. */
#ifndef BIGHT_APPS_ENDS_H
#define BIGHT_APPS_ENDS_H

#include <bight/reactor.h>

#include <stdint.h>

#define RUNNER_CHUNK 65536 /* of input */

typedef void (*runner_ready_function)(int fd, short what, void *context);

struct runner_end {
    struct bight_reactor *reactor;
    int fd;
    short what;
    bool can_be_watched; /* if not, it is always ready */
    bool is_watched;
    runner_ready_function ready;
    void *context;
    struct bight_foreign_watch watch;
};

struct runner_output {
    struct runner_end end;
    uint8_t *unwritten;
    size_t start, size, room; /* of what is not written yet */
};

/* `what` is BIGHT_READABLE or BIGHT_WRITABLE, and `ready` is called while the end is watched and ready for it. */
void runner_end_init(struct runner_end *end, struct bight_reactor *reactor, int fd, short what,
    runner_ready_function ready, void *context);
/* 0, or the status to exit with, and then the complaint has been printed. */
int runner_end_watch(struct runner_end *end);
void runner_end_unwatch(struct runner_end *end);

/* Writes what goes without waiting, and keeps the rest: then the output is watched. 0, or a status as above; what is
 * kept is dropped then. */
int runner_output_write(struct runner_output *output, const void *data, size_t size);
/* For `ready`: the same with what is kept. */
int runner_output_flush(struct runner_output *output);
bool runner_output_waits(const struct runner_output *output);
void runner_output_finish(struct runner_output *output);

/* SIGINT, SIGTERM and SIGHUP, but for those that our parent process ignored, which stay so. 0 or a status. */
int runner_hear_signals(struct bight_reactor *reactor, bight_signal_function interrupted, void *context);

#endif
