/* SPDX-License-Identifier: MIT */
/* debug_file.c - the picture into a file: asked for by the program, or by a signal.
 *
 * The signal is one like any other of the reactor's (signals.c): its function runs in the loop, between handlers. */
#include <bight/debug.h>

#include <bight/log.h>
#include <bight/memory.h>

#include <errno.h>
#include <fcntl.h>

#include "reactor/dump.h"
#include "reactor/state.h"
#include "reactor/system_quiet.h"

/* What is done when the signal comes; one a reactor. */
struct bight_dump_order {
    struct bight_reactor *reactor;
    int number;
    enum bight_dump_format format;
    char *path;
};

/* 0 or -errno. */
static int write_all(struct bight_system *system, int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t written = bight_write_quietly(system, fd, text, size);
        if (written < 0 && written != -EINTR) {
            return (int)written;
        }
        size_t done = written < 0 ? 0 : (size_t)written;
        text += done;
        size -= done;
    }
    return 0;
}

static int write_file(struct bight_system *system, const char *path, const char *text, size_t size)
{
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
    int fd = system->ops->open(system, path, flags, 0600);
    if (fd < 0) {
        return bight_error_from_errno(-fd);
    }
    int result = write_all(system, fd, text, size);
    int closed = system->ops->close(system, fd);
    result = result != 0 ? result : closed;
    return result < 0 ? bight_error_from_errno(-result) : 0;
}

struct written {
    struct bight_system *system;
    const char *path;
    int code;
};

static void write_dump(const char *text, size_t size, void *context)
{
    struct written *written = context;
    written->code = write_file(written->system, written->path, text, size);
}

int bight_debug_dump_file(struct bight_reactor *reactor, enum bight_dump_format format, const char *path)
{
    if (path == NULL) {
        return bight_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_debug_dump_file: there is no path");
    }
    struct written written = { reactor->system, path, 0 };
    int code = bight_debug_dump(reactor, format, write_dump, &written);
    return code != 0 ? code : written.code;
}

/* ------------------------------------------------------------------------------------------ signals */

static void signal_came(int number, void *context)
{
    const struct bight_dump_order *order = context;
    (void)number;
    int code = bight_debug_dump_file(order->reactor, order->format, order->path);
    if (code != 0) {
        bight_log(BIGHT_LOG_ERROR, "debug", NULL, "cannot write %s: %s", order->path, bight_error_text(code));
    }
}

void bight_dump_drop_order(struct bight_reactor *reactor)
{
    struct bight_dump_order *order = reactor->state->dump;
    if (order != NULL) {
        reactor->state->dump = NULL;
        bight_free(order->path);
        bight_free(order);
    }
}

static struct bight_dump_order *new_order(
    struct bight_reactor *reactor, int number, enum bight_dump_format format, const char *path)
{
    struct bight_dump_order *order = bight_malloc(sizeof *order);
    char *copy = bight_strdup(path);
    if (order == NULL || copy == NULL) {
        bight_free(order);
        bight_free(copy);
        return NULL;
    }
    *order = (struct bight_dump_order) { reactor, number, format, copy };
    return order;
}

static int no_more(struct bight_reactor *reactor)
{
    if (reactor->state->dump == NULL) {
        return 0;
    }
    int code = bight_signals_hear(reactor, BIGHT_SIGNAL_DUMP, reactor->state->dump->number, NULL, NULL);
    if (code == 0) { /* else the signal still has it */
        bight_dump_drop_order(reactor);
    }
    return code;
}

int bight_debug_dump_on_signal(
    struct bight_reactor *reactor, int number, enum bight_dump_format format, const char *path)
{
    if (path == NULL) {
        return no_more(reactor);
    }
    if (format != BIGHT_DUMP_TEXT && format != BIGHT_DUMP_DOT) {
        return bight_usage_error(
            BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_debug_dump_on_signal: there is no such format");
    }
    struct bight_dump_order *order = new_order(reactor, number, format, path);
    if (order == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    int code = bight_signals_hear(reactor, BIGHT_SIGNAL_DUMP, number, signal_came, order);
    if (code != 0) {
        bight_free(order->path);
        bight_free(order);
        return code;
    }
    if (reactor->state->dump != NULL && reactor->state->dump->number != number) {
        (void)bight_signals_hear(reactor, BIGHT_SIGNAL_DUMP, reactor->state->dump->number, NULL, NULL);
    }
    bight_dump_drop_order(reactor);
    reactor->state->dump = order;
    return 0;
}
