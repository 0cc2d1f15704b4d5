/* SPDX-License-Identifier: MIT */
/* pump.c - a body that threads of the reactor's pool compress while it is sent: a file, or much that is in memory.
 *
 * One job at a time fills the room with what is to be sent next, and begins when all that was made before has been
 * taken by the connection: so a slow client holds no more than that. A job that is under way when the exchange ends has
 * a hold of its own, and frees what it works on. */
#include <bight/log.h>
#include <bight/memory.h>
#include <bight/thread.h>

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "http/compression/compression.h"

#define READ 32768 /* bytes of a file at once */
#define MADE 65536 /* compressed bytes of a job */

struct bi_pump {
    atomic_uint holds;
    /* The loop's. */
    struct bight_http_request *request; /* NULL: it has not been started, or is over */
    struct bight_deferred *working;     /* NULL: there is no job */
    bool is_left;                       /* at the reactor's end a thread was left behind with it */
    /* The job's, while there is one. */
    struct bi_deflater *deflater;
    struct bi_view data;       /* that has not been compressed yet, of what is in memory or has been read */
    struct bight_bytes *bytes; /* that the data is of, or NULL: of a file */
    int descriptor;
    uint64_t first, left; /* of the file, not read yet */
    bight_release_function release;
    void *context;
    bool is_done;
    size_t made;
    uint8_t read[READ], room[MADE];
};

/* In whatever thread, as in save.c. */
static void drop_hold(void *context)
{
    struct bi_pump *pump = context;
    if (atomic_fetch_sub_explicit(&pump->holds, 1, memory_order_acq_rel) > 1) {
        return;
    }
    bi_deflater_free(pump->deflater);
    bight_bytes_release(pump->bytes);
    if (pump->release != NULL) {
        pump->release(pump->context);
    }
    bight_free(pump);
}

static struct bi_pump *hold(struct bi_pump *pump)
{
    atomic_fetch_add_explicit(&pump->holds, 1, memory_order_relaxed);
    return pump;
}

/* ---------------------------------------------------------------------------------------- in the thread */

/* 0 or an errno. A file that ends before it should is like one that cannot be read. */
static int read_more(struct bi_pump *pump)
{
    size_t wanted = pump->left < READ ? (size_t)pump->left : READ;
    ssize_t size;
    do {
        size = pread(pump->descriptor, pump->read, wanted, (off_t)pump->first);
    } while (size < 0 && errno == EINTR);
    if (size <= 0) {
        return size < 0 ? errno : EIO;
    }
    pump->data = (struct bi_view) { pump->read, (size_t)size };
    pump->first += (uint64_t)size;
    pump->left -= (uint64_t)size;
    return 0;
}

static void work(struct bight_result *result, void *context)
{
    struct bi_pump *pump = context;
    int number = 0;
    pump->made = 0;
    while (number == 0 && !pump->is_done && pump->made < MADE) {
        bool done;
        if (pump->data.size == 0 && pump->left > 0) {
            number = read_more(pump);
        }
        enum bi_deflate_mode mode = pump->left == 0 ? BI_DEFLATE_END : BI_DEFLATE_GATHER;
        pump->made +=
            bi_deflater_write(pump->deflater, &pump->data, mode, pump->room + pump->made, MADE - pump->made, &done);
        pump->is_done = number == 0 && done && mode == BI_DEFLATE_END;
    }
    if (number != 0) {
        bight_result_fail(result, bight_failure_from_errno(number, "a file that is being compressed"));
    }
}

/* ---------------------------------------------------------------------------------------------- in the loop */

static void has_worked(struct bight_result *result, void *context);

/* Has the next piece made, if none is being made. The handler may run at once. */
static void advance(struct bi_pump *pump)
{
    struct bight_http_request *request = pump->request;
    if (request == NULL || pump->working != NULL || pump->is_done) {
        return;
    }
    struct bight_deferred *working =
        bight_defer_to_thread_full(bight_http_request_reactor(request), work, hold(pump), drop_hold);
    pump->working = bight_deferred_hold(working);
    if (bight_deferred_add_both(working, has_worked, pump) != BIGHT_OK) {
        pump->is_left = true; /* the job has it yet */
        bight_deferred_release(pump->working);
        pump->working = NULL;
        bi_exchange_abort(request);
        bight_deferred_cancel(working);
    }
    bight_deferred_release(working);
}

static void send_made(struct bi_pump *pump)
{
    struct bight_http_request *request = pump->request;
    if (!bight_http_request_is_open(request)) {
        return;
    }
    int code = bi_filter_put(request, pump->room, pump->made);
    if (code == BIGHT_OK && pump->is_done) {
        (void)bi_filter_end(request);
    }
}

static void give_up(struct bight_http_request *request, const struct bight_failure *failure)
{
    bight_log(BIGHT_LOG_ERROR, "http", failure, "an answer that was being compressed has failed in its middle");
    bi_exchange_abort(request);
}

/* A job that did not come back, at the reactor's end, may work on it yet. */
static void has_worked(struct bight_result *result, void *context)
{
    struct bi_pump *pump = hold(context);
    struct bight_failure *failure = bight_result_take_failure(result);
    pump->is_left = failure != NULL && bight_failure_is(failure, BIGHT_E_CANCELLED);
    bight_deferred_release(pump->working);
    pump->working = NULL;
    if (pump->request != NULL) {
        if (failure != NULL) {
            give_up(pump->request, failure);
        } else {
            send_made(pump);
        }
    }
    bight_failure_release(failure);
    bight_result_clear(result);
    drop_hold(pump);
}

/* All that was made has been taken. */
static void resume(void *context)
{
    advance(context);
}

static const struct bight_producer_ops producer_ops = { .resume = resume };

int bi_pump_start(struct bi_pump *pump, struct bight_http_request *request)
{
    pump->request = request;
    bi_request_begin_pending(request);
    request->answer.producing = true;
    int code = bight_transport_register_producer(request->connection->base.transport, &producer_ops, pump, false);
    if (code != BIGHT_OK) {
        request->answer.producing = false;
    }
    return code;
}

struct bi_deflater *bi_pump_end(struct bi_pump *pump)
{
    struct bight_http_request *request = pump->request;
    struct bi_deflater *deflater = NULL;
    if (pump->working == NULL && !pump->is_left) {
        deflater = pump->deflater;
        pump->deflater = NULL;
    }
    pump->request = NULL;
    drop_hold(pump);
    if (request != NULL) {
        bi_request_end_pending(request);
    }
    return deflater;
}

/* -------------------------------------------------------------------------------------------- its making */

static bool keep(struct bi_pump *pump, const struct bi_http_offer *offer)
{
    if (offer->kind == BI_OFFER_FILE) {
        pump->descriptor = offer->descriptor;
        pump->first = offer->first;
        pump->left = (uint64_t)offer->length;
        pump->release = offer->release;
        pump->context = offer->context;
        return true;
    }
    pump->bytes =
        offer->bytes != NULL ? bight_bytes_hold(offer->bytes) : bight_bytes_new(offer->data.at, offer->data.size);
    if (pump->bytes != NULL) {
        pump->data = (struct bi_view) { bight_bytes_data(pump->bytes), bight_bytes_size(pump->bytes) };
    }
    return pump->bytes != NULL;
}

struct bi_pump *bi_pump_new(struct bi_deflater *deflater, const struct bi_http_offer *offer)
{
    struct bi_pump *pump = bight_malloc(sizeof *pump);
    if (pump == NULL) {
        return NULL;
    }
    memset(pump, 0, offsetof(struct bi_pump, read));
    atomic_init(&pump->holds, 1);
    pump->descriptor = -1;
    if (!keep(pump, offer)) {
        bight_free(pump);
        return NULL;
    }
    pump->deflater = deflater;
    return pump;
}
