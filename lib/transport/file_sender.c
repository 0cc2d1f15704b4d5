/* SPDX-License-Identifier: MIT */
/* file_sender.c - a Deferred for a file that is sent: what Twisted calls a FileSender.
 *
 * The bytes are file.c's. What is here learns in the loop whether they went out, and fires on a later turn: the obvious
 * way, to fire where the queue has done with the file, would run a program's handlers in the middle of a send or of a
 * loss. The descriptor is closed by the last reader, which can be a thread that was left behind; so the sender
 * belongs to three: to the file, until it is not read any more, to the loop, until the Deferred has been fired, and to
 * the Deferred, as long as that can be cancelled. */
#include <bight/memory.h>

#include <stdatomic.h>

#include "transport/file.h"
#include "transport/output.h"
#include "transport/state.h"

struct sender {
    struct bi_task task; /* soon: fires */
    struct bight_reactor *reactor;
    struct bight_system *system;
    struct bight_transport *transport; /* NULL: the queue has done with the file */
    struct bight_promise promise;
    int descriptor;
    uint64_t size;
    bool is_dropped;
    atomic_uint holds;
};

static void release(void *context)
{
    struct sender *sender = context;
    if (atomic_fetch_sub_explicit(&sender->holds, 1, memory_order_acq_rel) == 1) {
        bight_free(sender);
    }
}

/* Perhaps in a thread. */
static void nobody_reads(void *context)
{
    struct sender *sender = context;
    (void)sender->system->ops->close(sender->system, sender->descriptor);
    release(sender);
}

static void tell(struct sender *sender)
{
    if (sender->is_dropped) {
        (void)bight_errback(sender->promise,
            bight_failure_new(BIGHT_E_CLOSED, 0, NULL, "the connection ended before the file had been sent"));
    } else {
        (void)bight_callback(sender->promise, &bight_type_integer, bight_integer((intptr_t)sender->size));
    }
}

static void fire(struct bi_task *task)
{
    struct sender *sender = BI_CONTAINER(task, struct sender, task);
    if (bight_promise_is_open(sender->promise)) { /* it has not been cancelled */
        tell(sender);
    }
    release(sender);
}

static void done(void *context, bool dropped)
{
    struct sender *sender = context;
    sender->transport = NULL;
    sender->is_dropped = dropped;
    bi_reactor_soon(sender->reactor, &sender->task, fire);
}

/* A stream has no gap: what is not to be sent to its end ends the connection. */
static void cancel(struct bight_promise promise, void *context)
{
    struct sender *sender = context;
    (void)promise;
    if (sender->transport != NULL) {
        (void)bight_transport_abort_connection(sender->transport);
    }
}

static void close_own(struct bight_system *system, int descriptor)
{
    if (descriptor >= 0) {
        (void)system->ops->close(system, descriptor);
    }
}

static struct sender *make(struct bight_transport *transport, int descriptor, uint64_t size)
{
    struct sender *sender = bight_calloc(1, sizeof *sender);
    if (sender == NULL) {
        return NULL;
    }
    sender->reactor = transport->hub->reactor;
    sender->system = transport->hub->system;
    sender->descriptor = descriptor;
    sender->size = size;
    sender->transport = transport;
    atomic_init(&sender->holds, 3); /* the Deferred's, the file's, and until it has fired */
    return sender;
}

/* Only its Deferred has it. */
static void refuse(struct sender *sender, int code)
{
    struct bight_promise promise = sender->promise;
    close_own(sender->system, sender->descriptor);
    sender->transport = NULL;
    release(sender);
    release(sender);
    (void)bight_errback(promise, bight_failure_of(code));
}

struct bight_deferred *bight_send_file_at(
    const char *place, struct bight_transport *transport, int descriptor, uint64_t offset, uint64_t size)
{
    bool is_over = transport->hub == NULL;
    struct sender *sender = is_over ? NULL : make(transport, descriptor, size);
    if (sender == NULL) {
        close_own(is_over ? bight_system_real() : transport->hub->system, descriptor);
        return bight_fail_at(place, bight_failure_of(is_over ? BIGHT_E_CLOSED : BIGHT_E_OUT_OF_MEMORY));
    }
    struct bight_deferred *deferred = bight_deferred_new_at(place, &sender->promise, cancel, sender, release);
    const struct bi_file_source source = { descriptor, offset, size, done, nobody_reads, sender };
    int code = bight_promise_is_open(sender->promise) ? bi_transport_send_file(transport, &source, "bight_send_file")
                                                      : BIGHT_E_OUT_OF_MEMORY;
    if (code != BIGHT_OK) {
        refuse(sender, code);
    }
    return deferred;
}
