/* SPDX-License-Identifier: MIT */
/* worker_process.c - one worker of a pool: its process, the frames on its pipes, its end.
 *
 * Jobs go out on the child's descriptor 3 and come back on 4, one at a time. A worker that breaks the rules is killed
 * and counts as dead. Events change the pool first, so that the next job is on its way before the program is notified
 * of the last one, and the pool is held meanwhile: what the program does then may free it. Which worker has which job
 * is worker_pool.c's to decide; how frames look, worker_frame.c's. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include <bight/memory.h>

#include "process/worker_pool.h"
#include "reactor/reactor.h"

static const double leaving_seconds = 5;

static struct bi_worker *worker_of(struct bight_process_protocol *protocol)
{
    return bight_process_self(struct bi_worker, protocol);
}

/* ---------------------------------------------------------------------------------------- which ring */

static void set_busy(struct bi_worker *worker, bool busy)
{
    struct bight_worker_pool *pool = worker->pool;
    pool->idle_count -= !worker->is_busy;
    pool->busy_count -= worker->is_busy;
    worker->is_busy = busy;
    pool->idle_count += !busy;
    pool->busy_count += busy;
    bi_list_remove(&worker->link);
    bi_list_append(busy ? &pool->busy : &pool->idle, &worker->link);
}

static void leave(struct bi_worker *worker)
{
    struct bight_worker_pool *pool = worker->pool;
    if (worker->is_leaving) {
        return;
    }
    worker->is_leaving = true;
    pool->idle_count -= !worker->is_busy;
    pool->busy_count -= worker->is_busy;
    bi_list_remove(&worker->link);
    bi_list_append(&pool->leaving, &worker->link);
}

void bi_worker_kill(struct bi_worker *worker)
{
    leave(worker);
    (void)bight_timer_cancel(worker->timer);
    (void)bight_process_abort(worker->base.process);
}

static void kill_now(void *worker)
{
    bi_worker_kill(worker);
}

void bi_worker_retire(struct bi_worker *worker)
{
    leave(worker);
    (void)bight_timer_cancel(worker->timer);
    (void)bight_process_close(worker->base.process, WORKER_READS);
    if (bight_call_later(worker->pool->reactor, leaving_seconds, kill_now, worker, &worker->timer) != 0) {
        bi_worker_kill(worker);
    }
}

/* ---------------------------------------------------------------------------------------------- jobs */

void bi_worker_drop_job(struct bi_worker *worker)
{
    if (worker->job != NULL) {
        worker->job->worker = NULL;
        worker->job = NULL;
    }
}

static void time_is_up(void *context)
{
    struct bi_worker *worker = context;
    struct bight_worker_pool *pool = worker->pool;
    struct bi_worker_job *job = worker->job;
    bi_pool_hold(pool);
    bi_worker_drop_job(worker);
    bi_worker_kill(worker);
    bi_pool_dispatch(pool);
    if (job != NULL) {
        bi_worker_job_fail(job, bight_failure_of(BIGHT_E_TIMED_OUT));
    }
    bi_pool_look_for_end(pool);
    bi_pool_release(pool);
}

static int send_job(struct bi_worker *worker, struct bight_bytes *data)
{
    uint8_t header[FRAME_HEADER];
    struct bight_transport *transport = bight_process_transport(worker->base.process, WORKER_READS);
    bi_frame_put_header(header, FRAME_JOB, bight_bytes_size(data));
    int code = transport == NULL ? BIGHT_E_CLOSED : bight_transport_write(transport, header, sizeof header);
    return code == 0 ? bight_transport_write_bytes(transport, data) : code;
}

/* What goes wrong here ends the worker, and that fails the job. */
void bi_worker_assign(struct bi_worker *worker, struct bi_worker_job *job)
{
    struct bight_worker_pool *pool = worker->pool;
    double seconds = pool->options.job_seconds;
    worker->job = job;
    job->worker = worker;
    set_busy(worker, true);
    int code = send_job(worker, job->data);
    if (code == 0 && seconds > 0) {
        code = bight_call_later(pool->reactor, seconds, time_is_up, worker, &worker->timer);
    }
    if (code != 0) {
        (void)bight_process_abort(worker->base.process);
    }
}

/* ------------------------------------------------------------------------------------------- answers */

/* It is free for the next job. */
static void end_job(struct bi_worker *worker)
{
    struct bight_worker_pool *pool = worker->pool;
    unsigned limit = pool->options.jobs_per_worker;
    (void)bight_timer_cancel(worker->timer);
    bi_worker_drop_job(worker);
    set_busy(worker, false);
    if (++worker->jobs_done == limit) {
        bi_worker_retire(worker);
    }
    bi_pool_note_life(pool);
}

static struct bight_failure *failure_of(const struct bight_bytes *message)
{
    return bight_failure_new(
        BIGHT_E_APPLICATION, 0, NULL, "%.*s", (int)bight_bytes_size(message), (const char *)bight_bytes_data(message));
}

/* A whole frame has come; takes its body. The worker may be gone afterwards. */
static void accept_frame(struct bi_worker *worker, const struct bi_frame *frame)
{
    struct bight_worker_pool *pool = worker->pool;
    struct bi_worker_job *job = worker->job;
    bi_pool_hold(pool);
    end_job(worker);
    bi_pool_dispatch(pool);
    if (job == NULL) {
        bight_bytes_release(frame->body);
    } else if (frame->kind == FRAME_ANSWER) {
        bi_worker_job_answer(job, frame->body);
    } else {
        bi_worker_job_fail(job, failure_of(frame->body));
        bight_bytes_release(frame->body);
    }
    bi_pool_look_for_end(pool);
    bi_pool_release(pool);
}

/* The worker has ended, or as good as. `reason` is borrowed. */
static void lose(struct bi_worker *worker, const struct bight_failure *reason)
{
    struct bight_worker_pool *pool = worker->pool;
    struct bi_worker_job *job = worker->job;
    bi_worker_drop_job(worker);
    if (!worker->is_leaving) {
        bi_worker_kill(worker);
        bi_pool_note_death(pool, reason);
    }
    if (job != NULL) {
        bi_worker_job_lose_worker(job, reason);
    }
    bi_pool_dispatch(pool);
}

static void refuse_frame(struct bi_worker *worker, int code)
{
    const char *what = code == BIGHT_E_TOO_LONG ? "a worker's answer is too long" : "a worker sent what is no answer";
    struct bight_worker_pool *pool = worker->pool;
    struct bight_failure *reason =
        code == BIGHT_E_OUT_OF_MEMORY ? bight_failure_of(code) : bight_failure_new(code, 0, NULL, "%s", what);
    bi_pool_hold(pool);
    lose(worker, reason);
    bi_pool_look_for_end(pool);
    bi_pool_release(pool);
    bight_failure_release(reason);
}

/* The worker stays until process_ended, which is not called from here. */
static void child_data_received(struct bight_process_protocol *protocol, int child_fd, const uint8_t *data, size_t size)
{
    struct bi_worker *worker = worker_of(protocol);
    (void)child_fd;
    while (size > 0 && !worker->is_leaving) {
        struct bi_frame frame;
        size_t limit = worker->pool->options.frame_limit;
        int result = worker->is_busy ? bi_frame_read(&worker->reader, limit, &data, &size, &frame) : BIGHT_E_SYNTAX;
        if (result < 0) {
            refuse_frame(worker, result);
        } else if (result > 0) {
            accept_frame(worker, &frame);
        }
    }
}

/* ----------------------------------------------------------------------------------- beginning and end */

/* A worker that cannot answer any more is as good as dead; what it had to say has been read. */
static void child_connection_lost(
    struct bight_process_protocol *protocol, int child_fd, const struct bight_failure *reason)
{
    (void)reason;
    if (child_fd == WORKER_WRITES && !worker_of(protocol)->is_leaving) {
        (void)bight_process_signal_group(protocol->process, SIGKILL);
    }
}

/* A process that inherited its pipes and lives on is no worker: while that one holds them there would be no end. */
static void process_exited(struct bight_process_protocol *protocol, const struct bight_failure *reason)
{
    (void)reason;
    if (!worker_of(protocol)->is_leaving) {
        (void)bight_process_signal_group(protocol->process, SIGKILL);
    }
}

static void process_ended(struct bight_process_protocol *protocol, const struct bight_failure *reason)
{
    struct bi_worker *worker = worker_of(protocol);
    struct bight_worker_pool *pool = worker->pool;
    bool is_ending = bi_reactor_is_ending(pool->reactor);
    const struct bight_failure *shutdown = bight_failure_of(BIGHT_E_SHUTDOWN);
    if (is_ending) {
        bi_worker_kill(worker); /* that is no death */
    }
    lose(worker, is_ending ? shutdown : reason);
    (void)bight_timer_cancel(worker->timer);
    bi_list_remove(&worker->link);
    bi_frame_reader_finish(&worker->reader);
    bight_free(worker);
    if (is_ending) {
        bi_pool_fail_queue(pool, shutdown);
    }
    bi_pool_look_for_end(pool);
    bi_pool_release(pool);
}

static const struct bight_process_protocol_ops worker_ops = {
    .child_data_received = child_data_received,
    .child_connection_lost = child_connection_lost,
    .process_exited = process_exited,
    .process_ended = process_ended,
};

/* Our own standard output and errors are the worker's too, where they are open. */
static size_t list_descriptors(struct bight_system *system, struct bight_child_descriptor *descriptors)
{
    size_t count = 0;
    for (int fd = 1; fd <= 2; fd++) {
        if (system->ops->fcntl(system, fd, F_GETFD, 0) >= 0) {
            descriptors[count++] = (struct bight_child_descriptor) { fd, BIGHT_CHILD_INHERIT, fd };
        }
    }
    descriptors[count++] = (struct bight_child_descriptor) { WORKER_READS, BIGHT_CHILD_READS, -1 };
    descriptors[count++] = (struct bight_child_descriptor) { WORKER_WRITES, BIGHT_CHILD_WRITES, -1 };
    return count;
}

int bi_worker_start(struct bight_worker_pool *pool, struct bight_failure **failure)
{
    struct bight_child_descriptor descriptors[4];
    struct bi_worker *worker = bight_calloc(1, sizeof *worker);
    if (worker == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    struct bight_process_options options = {
        .size = sizeof options,
        .path = pool->options.path,
        .argv = pool->options.argv,
        .environment = pool->options.environment,
        .directory = pool->options.directory,
        .descriptors = descriptors,
        .descriptor_count = list_descriptors(pool->reactor->system, descriptors),
        .process_group = true,
        .at_shutdown = BIGHT_CHILD_KILL,
    };
    worker->base.ops = &worker_ops;
    worker->pool = pool;
    int code = bight_spawn_process(pool->reactor, &worker->base, &options, failure);
    if (code != 0) {
        bight_free(worker);
        return code;
    }
    bi_pool_hold(pool);
    bi_list_append(&pool->idle, &worker->link);
    pool->idle_count++;
    pool->figures.started++;
    return BIGHT_OK;
}
