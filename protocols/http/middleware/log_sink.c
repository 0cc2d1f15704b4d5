/* SPDX-License-Identifier: MIT */
/* log_sink.c - lines are gathered in one buffer while a thread of the reactor's pool writes another to the file.
 *
 * The loop never waits for the disk: what finds both buffers full is dropped, counted, and said now and then. A job is
 * begun when there is enough for one, long before a buffer is full: a thread that has to wait for its turn, beside a
 * loop that is busy, is not a disk that is slow. What is being
 * written has a lock, held for moments only: the end of a sink must know whether a thread is in the midst of a write,
 * for then that thread writes the rest, too, and else its closer does, so that lines stay in order. */
#include "http/middleware/log_sink.h"

#include <bight/log.h>
#include <bight/memory.h>
#include <bight/thread.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "http/server/again.h"

#define ENOUGH 32768 /* bytes, for a job */
#define SAID_EVERY (10 * BIGHT_NANOSECONDS_PER_SECOND)

struct piece {
    char *bytes;
    size_t used;
};

struct bi_log_sink {
    atomic_uint holds; /* the owner's, and a job's */
    /* The loop's. */
    struct piece gathered; /* and the closing thread's, once it is closed */
    size_t room;
    double seconds;
    struct bight_timer timer;
    struct bight_reactor *reactor; /* that lines came from last, and only then */
    bight_http_log_function function;
    void *context;
    bool has_job;
    uint64_t dropped; /* lines, since that was said */
    uint64_t said_at; /* 0: never */
    /* Under the lock. */
    pthread_mutex_t lock;
    struct piece waiting;
    bool is_writing, is_closed, reopens;
    /* Whose turn it is to write. */
    int file;        /* -1: none, for now */
    bool is_failing; /* that has been said */
    bool is_torn;    /* a line has been written in part */
    char path[];     /* "": standard error */
};

static void drop_hold(void *context)
{
    struct bi_log_sink *sink = context;
    if (atomic_fetch_sub_explicit(&sink->holds, 1, memory_order_acq_rel) > 1) {
        return;
    }
    if (sink->file >= 0 && sink->path[0] != '\0') {
        (void)close(sink->file);
    }
    (void)pthread_mutex_destroy(&sink->lock);
    bight_free(sink->gathered.bytes);
    bight_free(sink->waiting.bytes);
    bight_free(sink);
}

/* --------------------------------------------------------------------------------------------- writing */

static int open_file(const char *path)
{
    int file = STDERR_FILENO;
    if (path[0] != '\0') {
        BI_AGAIN(file, open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640));
    }
    return file;
}

static void report(struct bi_log_sink *sink, int number)
{
    if (!sink->is_failing) {
        bight_log(BIGHT_LOG_WARNING, "http", NULL, "the access log %s cannot be written: %s",
            sink->path[0] == '\0' ? "on standard error" : sink->path, strerror(number));
    }
    sink->is_failing = true;
}

/* A pipe that nobody reads any more, or a file that may not grow, must not end the process: the pool's threads get no
 * signals, but the last lines may be written by another. */
static ssize_t write_quietly(int file, const char *bytes, size_t size)
{
    sigset_t held, before, pending;
    (void)sigemptyset(&held);
    (void)sigaddset(&held, SIGPIPE);
    (void)sigaddset(&held, SIGXFSZ);
    (void)sigpending(&pending);
    (void)pthread_sigmask(SIG_BLOCK, &held, &before);
    ssize_t written = write(file, bytes, size);
    int number = errno;
    int raised = written >= 0 ? 0 : number == EPIPE ? SIGPIPE : number == EFBIG ? SIGXFSZ : 0;
    if (raised != 0 && sigismember(&pending, raised) == 0) {
        (void)sigtimedwait(&held, NULL, &(struct timespec) { 0, 0 });
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = number;
    return written;
}

/* 0 or an errno. */
static int write_all(struct bi_log_sink *sink, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write_quietly(sink->file, bytes, size);
        if (written < 0 && errno != EINTR) {
            return errno;
        }
        if (written > 0) {
            bytes += written;
            size -= (size_t)written;
            sink->is_torn = bytes[-1] != '\n';
        }
    }
    return 0;
}

/* Lines are lost rather than kept for better times. */
static void write_piece(struct bi_log_sink *sink, struct piece *piece)
{
    if (piece->used == 0) {
        return;
    }
    int number = sink->file < 0 ? EBADF : 0;
    if (number == 0 && sink->is_torn) {
        number = write_all(sink, "\n", 1);
    }
    if (number == 0) {
        number = write_all(sink, piece->bytes, piece->used);
    }
    piece->used = 0;
    if (number == 0) {
        sink->is_failing = false;
    } else if (sink->file >= 0) { /* else that it could not be opened has been said */
        report(sink, number);
    }
}

static void open_again(struct bi_log_sink *sink)
{
    if (sink->path[0] == '\0') {
        return;
    }
    if (sink->file >= 0) {
        (void)close(sink->file);
    }
    sink->file = open_file(sink->path);
    sink->is_torn = false;
    if (sink->file < 0) {
        report(sink, errno);
    }
}

/* All that waits; the lock is held before and behind, and not meanwhile. */
static void write_waiting(struct bi_log_sink *sink)
{
    sink->is_writing = true;
    bool reopens = sink->reopens;
    sink->reopens = false;
    (void)pthread_mutex_unlock(&sink->lock);
    if (reopens) {
        open_again(sink);
    }
    write_piece(sink, &sink->waiting);
    (void)pthread_mutex_lock(&sink->lock);
    sink->is_writing = false;
    if (sink->is_closed) {
        write_piece(sink, &sink->gathered);
    }
}

static void work(struct bight_result *result, void *context)
{
    struct bi_log_sink *sink = context;
    (void)result;
    (void)pthread_mutex_lock(&sink->lock);
    if (sink->waiting.used > 0 || sink->reopens) {
        write_waiting(sink);
    }
    (void)pthread_mutex_unlock(&sink->lock);
}

/* ------------------------------------------------------------------------------------------- gathering */

static void flush(void *context);

/* Lines that nobody waits for are written when the time is over. */
static void watch(struct bi_log_sink *sink)
{
    if (sink->gathered.used > 0 && !sink->has_job && !bight_timer_is_pending(sink->timer)) {
        (void)bight_call_later(sink->reactor, sink->seconds, flush, sink, &sink->timer);
    }
}

/* Where no job can be had, by a full pool or at the reactor's end, the next line tries again. */
static void has_worked(struct bight_result *result, void *context)
{
    struct bi_log_sink *sink = context;
    bool has_run = bight_result_failure(result) == NULL;
    bight_result_discard(result);
    sink->has_job = false;
    if (has_run && !sink->is_closed) {
        if (sink->gathered.used >= ENOUGH) {
            flush(sink);
        } else {
            watch(sink);
        }
    }
    drop_hold(sink);
}

static void begin_job(struct bi_log_sink *sink)
{
    atomic_fetch_add_explicit(&sink->holds, 2, memory_order_relaxed); /* the function's and the handler's */
    sink->has_job = true;
    struct bight_deferred *working = bight_defer_to_thread_full(sink->reactor, work, sink, drop_hold);
    if (bight_deferred_add_both(working, has_worked, sink) != BIGHT_OK) { /* what waits is tried again later */
        sink->has_job = false;
        drop_hold(sink);
    }
    bight_deferred_release(working);
}

/* What a job that never ran has left waits yet. */
static void hand_over(struct bi_log_sink *sink)
{
    (void)pthread_mutex_lock(&sink->lock);
    if (sink->waiting.used == 0) {
        struct piece empty = sink->waiting;
        sink->waiting = sink->gathered;
        sink->gathered = empty;
    }
    (void)pthread_mutex_unlock(&sink->lock);
    begin_job(sink);
}

static void flush(void *context)
{
    struct bi_log_sink *sink = context;
    (void)bight_timer_cancel(sink->timer);
    if (sink->function != NULL) {
        size_t size = sink->gathered.used;
        sink->gathered.used = 0;
        sink->function(sink->gathered.bytes, size, sink->context);
    } else if (!sink->has_job) {
        hand_over(sink);
    }
}

/* Where lines are dropped many are, each of which would be news: the last was not. */
static void drop(struct bi_log_sink *sink)
{
    uint64_t now = bight_clock_now(bight_reactor_clock(sink->reactor));
    sink->dropped++;
    if (sink->said_at == 0 || now - sink->said_at >= SAID_EVERY) {
        bight_log(BIGHT_LOG_WARNING, "http", NULL,
            "the access log is slower than requests come: lines are dropped, %llu since this was last said",
            (unsigned long long)sink->dropped);
        sink->said_at = now;
        sink->dropped = 0;
    }
}

char *bi_log_sink_reserve(struct bi_log_sink *sink, struct bight_reactor *reactor, size_t size)
{
    sink->reactor = reactor;
    if (sink->room - sink->gathered.used < size) {
        flush(sink);
    }
    if (sink->room - sink->gathered.used >= size) {
        return sink->gathered.bytes + sink->gathered.used;
    }
    drop(sink);
    return NULL;
}

void bi_log_sink_commit(struct bi_log_sink *sink, struct bight_reactor *reactor, size_t size)
{
    sink->reactor = reactor;
    sink->gathered.used += size;
    if (sink->gathered.used >= ENOUGH && !sink->has_job) {
        flush(sink);
    } else {
        watch(sink);
    }
}

/* ------------------------------------------------------------------------------------------ its life */

void bi_log_sink_reopen(struct bi_log_sink *sink, struct bight_reactor *reactor)
{
    if (sink->function != NULL) {
        return;
    }
    (void)pthread_mutex_lock(&sink->lock);
    sink->reopens = true;
    (void)pthread_mutex_unlock(&sink->lock);
    if (!sink->has_job && reactor != NULL) {
        sink->reactor = reactor;
        flush(sink);
    }
}

void bi_log_sink_close(struct bi_log_sink *sink)
{
    (void)bight_timer_cancel(sink->timer);
    if (sink->function != NULL && sink->gathered.used > 0) {
        sink->function(sink->gathered.bytes, sink->gathered.used, sink->context);
        sink->gathered.used = 0;
    }
    (void)pthread_mutex_lock(&sink->lock);
    sink->is_closed = true;
    if (!sink->is_writing) {
        write_piece(sink, &sink->waiting);
        write_piece(sink, &sink->gathered);
    }
    (void)pthread_mutex_unlock(&sink->lock);
    drop_hold(sink);
}

static struct bi_log_sink *make(const char *path, size_t room)
{
    size_t size = strlen(path) + 1;
    struct bi_log_sink *sink = bight_calloc(1, sizeof *sink + size);
    if (sink == NULL) {
        return NULL;
    }
    sink->gathered.bytes = bight_malloc(room);
    sink->waiting.bytes = bight_malloc(room);
    sink->file = -1;
    atomic_init(&sink->holds, 1);
    memcpy(sink->path, path, size);
    if (sink->gathered.bytes == NULL || sink->waiting.bytes == NULL || pthread_mutex_init(&sink->lock, NULL) != 0) {
        bight_free(sink->gathered.bytes);
        bight_free(sink->waiting.bytes);
        bight_free(sink);
        return NULL;
    }
    return sink;
}

struct bi_log_sink *bi_log_sink_open(
    const char *path, bight_http_log_function function, void *context, size_t room, double seconds, int *code)
{
    struct bi_log_sink *sink = make(path != NULL ? path : "", room);
    *code = sink == NULL ? BIGHT_E_OUT_OF_MEMORY : BIGHT_OK;
    if (sink == NULL) {
        return NULL;
    }
    sink->room = room;
    sink->seconds = seconds;
    sink->function = function;
    sink->context = context;
    sink->file = function == NULL ? open_file(sink->path) : -1;
    if (function == NULL && sink->file < 0) {
        *code = bight_error_from_errno(errno);
        report(sink, errno);
        drop_hold(sink);
        return NULL;
    }
    return sink;
}
