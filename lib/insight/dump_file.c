/* SPDX-License-Identifier: MIT */
/* dump_file.c - the picture into a file: asked for by the program, or by a signal.
 *
 * The signal is one like any other of the reactor's (signals.c): its function runs in the loop, between handlers. */
#include <bight/debug.h>

#include <bight/log.h>
#include <bight/memory.h>

#include <errno.h>
#include <fcntl.h>

#include "base/dump.h"
#include "reactor/reactor.h"
#include "system/quiet.h"

/* What is done when the signal comes; one a reactor. */
struct dump_order {
    int number;
    enum bight_dump_format format;
    char *path;
};

struct dump_hub {
    struct bi_attachment attachment;
    struct dump_order order; /* without a path: none */
};

/* 0 or -errno. */
static int write_all(struct bight_system *system, int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t written = bi_write_quietly(system, fd, text, size);
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
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_debug_dump_file: there is no path");
    }
    struct written written = { reactor->system, path, 0 };
    int code = bight_debug_dump(reactor, format, write_dump, &written);
    return code != 0 ? code : written.code;
}

/* ------------------------------------------------------------------------------------------ signals */

static void signal_came(int number, void *context)
{
    const struct dump_hub *hub = context;
    (void)number;
    int code = bight_debug_dump_file(hub->attachment.reactor, hub->order.format, hub->order.path);
    if (code != 0) {
        bight_log(BIGHT_LOG_ERROR, "debug", NULL, "cannot write %s: %s", hub->order.path, bight_error_text(code));
    }
}

static struct dump_hub *hub_in(struct bi_attachment *attachment)
{
    return attachment == NULL ? NULL : BI_CONTAINER(attachment, struct dump_hub, attachment);
}

/* The signal has been taken from it, or goes with the reactor. */
static void forget_order(struct bi_attachment *attachment)
{
    bight_free(hub_in(attachment)->order.path);
}

static const struct bi_attachment_kind dumps = {
    .order = BI_ORDER_DUMP,
    .size = sizeof(struct dump_hub),
    .finish = forget_order,
};

static int no_more(struct bight_reactor *reactor)
{
    struct dump_hub *hub = hub_in(bi_attachment_find(reactor, &dumps));
    if (hub == NULL || hub->order.path == NULL) {
        return 0;
    }
    int code = bi_signals_hear(reactor, BI_SIGNAL_DUMP, hub->order.number, NULL, NULL);
    if (code == 0) { /* else the signal still has it */
        bi_attachment_drop(&hub->attachment);
    }
    return code;
}

/* In the place of the one before. Takes the path. */
static int give_order(struct dump_hub *hub, struct dump_order order)
{
    struct bight_reactor *reactor = hub->attachment.reactor;
    struct dump_order before = hub->order;
    hub->order = order;
    int code = bi_signals_hear(reactor, BI_SIGNAL_DUMP, order.number, signal_came, hub);
    if (code != 0) {
        hub->order = before;
        bight_free(order.path);
        return code;
    }
    if (before.path != NULL && before.number != order.number) {
        (void)bi_signals_hear(reactor, BI_SIGNAL_DUMP, before.number, NULL, NULL);
    }
    bight_free(before.path);
    return 0;
}

int bight_debug_dump_on_signal(
    struct bight_reactor *reactor, int number, enum bight_dump_format format, const char *path)
{
    if (path == NULL) {
        return no_more(reactor);
    }
    if (format != BIGHT_DUMP_TEXT && format != BIGHT_DUMP_DOT) {
        return bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_debug_dump_on_signal: there is no such format");
    }
    struct dump_hub *hub = hub_in(bi_attachment_of(reactor, &dumps));
    char *copy = hub == NULL ? NULL : bight_strdup(path);
    return copy == NULL ? BIGHT_E_OUT_OF_MEMORY : give_order(hub, (struct dump_order) { number, format, copy });
}
