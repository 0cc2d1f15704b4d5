/* SPDX-License-Identifier: MIT */
/* factors.c - a pool of worker processes: takes numbers apart, two at a time. The program is its own worker. */
#include <bight/bight.h>
#include <bight/worker.h>
#include <bight/worker_pool.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------ the worker */

static void factorise(const uint8_t *data, size_t size, struct bight_worker_answer *answer, void *context)
{
    char number[32] = "", text[512];
    (void)context;
    memcpy(number, data, size < sizeof number - 1 ? size : sizeof number - 1);
    unsigned long rest = strtoul(number, NULL, 10);
    if (rest < 2) {
        bight_worker_answer_fail(answer, "%s has no factors", number);
        return;
    }
    int used = snprintf(text, sizeof text, "%lu =", rest);
    for (unsigned long factor = 2; rest > 1; factor += factor * factor > rest ? rest - factor : 1) {
        for (; rest % factor == 0; rest /= factor) {
            used += snprintf(text + used, sizeof text - (size_t)used, " %lu", factor);
        }
    }
    bight_worker_answer_set(answer, text, (size_t)used);
}

/* ---------------------------------------------------------------------------------------- its employer */

static struct bight_worker_pool *pool;

static void print_factors(struct bight_result *result, void *context)
{
    struct bight_bytes *answer = bight_result_peek(result, &bight_type_bytes);
    (void)context;
    printf("%.*s\n", (int)bight_bytes_size(answer), (const char *)bight_bytes_data(answer));
}

static void print_failure(struct bight_result *result, void *context)
{
    struct bight_failure *failure = bight_result_take_failure(result);
    (void)context;
    printf("%s\n", bight_failure_message(failure));
    bight_failure_release(failure);
}

static struct bight_deferred *run(struct bight_reactor *reactor, int argc, char **argv)
{
    static const char *const worker[] = { "/proc/self/exe", "worker", NULL };
    struct bight_worker_pool_options options = {
        .size = sizeof options,
        .argv = worker,
        .workers = 2,
        .job_seconds = 60,
        .retry = true,
    };
    pool = bight_worker_pool_new(reactor, &options);
    for (int i = 1; i < argc && pool != NULL; i++) {
        struct bight_deferred *factors = bight_worker_pool_submit(pool, argv[i], strlen(argv[i]));
        bight_deferred_add_callbacks(factors, print_factors, print_failure, NULL);
        bight_deferred_release(factors);
    }
    return pool == NULL ? bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY)) : bight_worker_pool_close(pool);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "worker") == 0) {
        return bight_worker_main(factorise, NULL);
    }
    int status = bight_main(run, argc, argv);
    bight_worker_pool_free(pool);
    return status;
}
