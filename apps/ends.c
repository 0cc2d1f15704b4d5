/* SPDX-License-Identifier: MIT */
/* ends.c - standard input and output, without ever waiting for them.
 *
 * The standard descriptors are shared with other programs, so they are not made non-blocking: they are watched, and no
 * more is read or written than goes without waiting. What cannot be watched (files) never makes one wait for long. */
#include "ends.h"

#include <bight/error.h>
#include <bight/memory.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sysexits.h>
#include <unistd.h>

#include "complain.h"

#define PIPE_CHUNK 4096 /* a pipe that is ready takes this much without waiting */

/* Regular files and the like are always ready, and cannot be watched. */
static bool can_be_watched(int fd)
{
    struct epoll_event event = { .events = 0 };
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    bool can = epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
    if (epoll >= 0) {
        close(epoll);
    }
    return can;
}

void runner_end_init(struct runner_end *end, struct bight_reactor *reactor, int fd, short what,
    runner_ready_function ready, void *context)
{
    *end = (struct runner_end) { .reactor = reactor,
        .fd = fd,
        .what = what,
        .can_be_watched = can_be_watched(fd),
        .ready = ready,
        .context = context };
}

int runner_end_watch(struct runner_end *end)
{
    if (end->is_watched) {
        return 0;
    }
    int code = bight_watch_descriptor(end->reactor, end->fd, end->what, end->ready, end->context, NULL, &end->watch);
    if (code != 0) {
        (void)complain("cannot wait for descriptor %d: %s", end->fd, bight_error_text(code));
        return EX_OSERR;
    }
    end->is_watched = true;
    return 0;
}

void runner_end_unwatch(struct runner_end *end)
{
    if (end->is_watched) {
        end->is_watched = false;
        (void)bight_unwatch_descriptor(end->watch);
    }
}

/* ------------------------------------------------------------------------------------------- output */

static bool takes_more(const struct runner_end *end)
{
    struct pollfd state = { .fd = end->fd, .events = POLLOUT };
    return !end->can_be_watched || poll(&state, 1, 0) > 0;
}

/* As much as goes without waiting. Returns how much, or -1 when it will never be read. */
static ssize_t write_some(const struct runner_end *end, const uint8_t *data, size_t size)
{
    size_t done = 0;
    while (done < size && takes_more(end)) {
        size_t part = size - done;
        part = end->can_be_watched && part > PIPE_CHUNK ? PIPE_CHUNK : part;
        ssize_t written = write(end->fd, data + done, part);
        if (written < 0 && errno != EINTR && errno != EAGAIN) {
            return -1;
        }
        if (written < 0 && errno == EAGAIN) {
            break;
        }
        done += written < 0 ? 0 : (size_t)written;
    }
    return (ssize_t)done;
}

static int output_failed(struct runner_output *output)
{
    (void)complain("cannot write to standard output: %s", strerror(errno));
    output->start = output->size = 0;
    runner_end_unwatch(&output->end);
    return EX_IOERR;
}

static bool keep(struct runner_output *output, const uint8_t *data, size_t size)
{
    if (output->size + size > output->room) {
        uint8_t *grown = bight_realloc(output->unwritten, output->size + size);
        if (grown == NULL) {
            return false;
        }
        output->unwritten = grown;
        output->room = output->size + size;
    }
    memcpy(output->unwritten + output->size, data, size);
    output->size += size;
    return true;
}

int runner_output_write(struct runner_output *output, const void *bytes, size_t size)
{
    const uint8_t *data = bytes;
    ssize_t written = runner_output_waits(output) ? 0 : write_some(&output->end, data, size);
    if (written < 0) {
        return output_failed(output);
    }
    if ((size_t)written == size) {
        return 0;
    }
    if (!keep(output, data + written, size - (size_t)written)) {
        (void)complain("out of memory");
        return EX_OSERR;
    }
    return runner_end_watch(&output->end);
}

int runner_output_flush(struct runner_output *output)
{
    ssize_t written = write_some(&output->end, output->unwritten + output->start, output->size - output->start);
    if (written < 0) {
        return output_failed(output);
    }
    output->start += (size_t)written;
    if (output->start == output->size) {
        output->start = output->size = 0;
        runner_end_unwatch(&output->end);
    }
    return 0;
}

bool runner_output_waits(const struct runner_output *output)
{
    return output->size > 0;
}

void runner_output_finish(struct runner_output *output)
{
    bight_free(output->unwritten);
}

/* ------------------------------------------------------------------------------------------- signals */

int runner_hear_signals(struct bight_reactor *reactor, bight_signal_function interrupted, void *context)
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction found;
        bool is_ignored = sigaction(numbers[i], NULL, &found) == 0 && found.sa_handler == SIG_IGN;
        if (!is_ignored && bight_on_signal(reactor, numbers[i], interrupted, context) != 0) {
            return EX_OSERR;
        }
    }
    return 0;
}
