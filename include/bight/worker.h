/* SPDX-License-Identifier: MIT */
/* bight/worker.h - a worker's side of a pool of processes: a loop in a plain, blocking program.
 *
 *     static void square(const uint8_t *data, size_t size, struct bight_worker_answer *answer, void *context) { ... }
 *     int main(void) { return bight_worker_main(square, NULL); }
 *
 * There is no reactor. The frames are described in docs/workers.md. */
#ifndef BIGHT_WORKER_H
#define BIGHT_WORKER_H

#include <bight/macros.h>

BIGHT_BEGIN

struct bight_worker_answer;

/* Does one job. The data is a view for the call. A function that says nothing answers with no bytes. */
typedef void (*bight_worker_function)(
    const uint8_t *data, size_t size, struct bight_worker_answer *answer, void *context);

/* The answer, copied. 0, or OUT_OF_MEMORY and then the job fails unless a shorter answer is set. The last one counts.
 */
BIGHT_API int bight_worker_answer_set(struct bight_worker_answer *answer, const void *data, size_t size);

/* The job fails with APPLICATION and this message, of at most 1023 bytes. */
BIGHT_API void bight_worker_answer_fail(struct bight_worker_answer *answer, const char *format, ...) BIGHT_PRINTF(2, 3);

/* Reads jobs and writes answers until the pool closes: on descriptors 3 and 4 where both are open, as in a child of
 * bight_worker_pool_new, else on standard input and output. They are made close-on-exec. Returns an exit status: 0; 74
 * (EX_IOERR) when reading or writing failed; 76 (EX_PROTOCOL) when what came is no job, or one of more than 1 GiB; 71
 * (EX_OSERR) when out of memory. */
BIGHT_API int bight_worker_main(bight_worker_function function, void *context);

BIGHT_END

#endif
