/* SPDX-License-Identifier: MIT */
/* worker.c - a worker's side of a pool of processes: a loop that blocks.
 *
 * No reactor, no non-blocking descriptor: jobs are read one after the other and answered in their order. The end of the
 * jobs is the end of the loop. What the pool does at the other end is in worker_process.c. */
#include <bight/worker.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <bight/memory.h>
#include <bight/sys/system.h>

#include "process/worker_pool.h"

struct bight_worker_answer {
    uint8_t *data;
    size_t size;
    bool has_failed;
    char message[FAILURE_CEILING + 1];
};

struct pipes {
    struct bight_system *system;
    int jobs, answers;
};

/* -------------------------------------------------------------------------------------------- the pipes */

static bool is_open(struct bight_system *system, int fd)
{
    return system->ops->fcntl(system, fd, F_GETFD, 0) >= 0;
}

/* What the worker starts itself shall not keep them open. */
static struct pipes find_pipes(void)
{
    struct bight_system *system = bight_system_real();
    struct pipes pipes = { system, 0, 1 };
    if (is_open(system, WORKER_READS) && is_open(system, WORKER_WRITES)) {
        pipes.jobs = WORKER_READS;
        pipes.answers = WORKER_WRITES;
        (void)system->ops->fcntl(system, pipes.jobs, F_SETFD, FD_CLOEXEC);
        (void)system->ops->fcntl(system, pipes.answers, F_SETFD, FD_CLOEXEC);
    }
    return pipes;
}

/* The bytes read: fewer than `size` at the end of the stream; negative: it failed. */
static ssize_t read_all(const struct pipes *pipes, uint8_t *data, size_t size)
{
    size_t used = 0;
    while (used < size) {
        ssize_t got = pipes->system->ops->read(pipes->system, pipes->jobs, data + used, size - used);
        if (got == 0) {
            break;
        }
        if (got < 0 && got != -EINTR) {
            return got;
        }
        used += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)used;
}

static int write_all(const struct pipes *pipes, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = pipes->system->ops->write(pipes->system, pipes->answers, data, size);
        if (sent < 0 && sent != -EINTR) {
            return EX_IOERR;
        }
        data += sent > 0 ? (size_t)sent : 0;
        size -= sent > 0 ? (size_t)sent : 0;
    }
    return EX_OK;
}

/* ------------------------------------------------------------------------------------------------ answers */

int bight_worker_answer_set(struct bight_worker_answer *answer, const void *data, size_t size)
{
    uint8_t *copy = size > FRAME_CEILING ? NULL : bight_malloc(size);
    if (copy == NULL) {
        bight_worker_answer_fail(answer, "no memory for an answer of %zu bytes", size);
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (size > 0) {
        memcpy(copy, data, size);
    }
    bight_free(answer->data);
    answer->data = copy;
    answer->size = size;
    answer->has_failed = false;
    return BIGHT_OK;
}

void bight_worker_answer_fail(struct bight_worker_answer *answer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(answer->message, sizeof answer->message, format, arguments);
    va_end(arguments);
    answer->has_failed = true;
}

static int send_answer(const struct pipes *pipes, const struct bight_worker_answer *answer)
{
    const uint8_t *data = answer->has_failed ? (const uint8_t *)answer->message : answer->data;
    size_t size = answer->has_failed ? strlen(answer->message) : answer->size;
    uint8_t header[FRAME_HEADER];
    bi_frame_put_header(header, answer->has_failed ? FRAME_FAILURE : FRAME_ANSWER, size);
    int status = write_all(pipes, header, sizeof header);
    return status != EX_OK ? status : write_all(pipes, data, size);
}

/* --------------------------------------------------------------------------------------------------- jobs */

static int do_job(const struct pipes *pipes, size_t size, bight_worker_function function, void *context)
{
    struct bight_worker_answer answer = { .data = NULL };
    uint8_t *job = bight_malloc(size);
    if (job == NULL) {
        return EX_OSERR;
    }
    ssize_t got = read_all(pipes, job, size);
    int status = EX_IOERR;
    if (got >= 0 && (size_t)got == size) {
        function(job, size, &answer, context);
        status = send_answer(pipes, &answer);
    }
    bight_free(answer.data);
    bight_free(job);
    return status;
}

int bight_worker_main(bight_worker_function function, void *context)
{
    struct pipes pipes = find_pipes();
    int status = EX_OK;
    while (status == EX_OK) {
        uint8_t header[FRAME_HEADER];
        ssize_t got = read_all(&pipes, header, sizeof header);
        if (got == 0) {
            return EX_OK;
        }
        if (got != FRAME_HEADER) {
            return EX_IOERR;
        }
        size_t size = bi_frame_size(header);
        if (header[4] != FRAME_JOB || size > FRAME_CEILING) {
            return EX_PROTOCOL;
        }
        status = do_job(&pipes, size, function, context);
    }
    return status;
}
