/* SPDX-License-Identifier: MIT */
/* primes.c - counts the primes below a million in ten pieces, with two worker processes. The program is its own
 * worker. */
#include <bight/bight.h>
#include <bight/worker.h>
#include <bight/worker_pool.h>

#include <stdio.h>
#include <string.h>

enum { pieces = 10, piece_size = 100000 };

/* ------------------------------------------------------------------------------------------ the worker */

static bool is_prime(uint32_t number)
{
    for (uint32_t divisor = 2; divisor * divisor <= number; divisor++) {
        if (number % divisor == 0) {
            return false;
        }
    }
    return number > 1;
}

/* The job is the first number of a piece, the answer how many primes there are in it. */
static void count_primes(const uint8_t *data, size_t size, struct bight_worker_answer *answer, void *context)
{
    uint32_t first, primes = 0;
    (void)context;
    if (size != sizeof first) {
        bight_worker_answer_fail(answer, "a number has %zu bytes, this one %zu", sizeof first, size);
        return;
    }
    memcpy(&first, data, sizeof first);
    for (uint32_t number = first; number < first + piece_size; number++) {
        primes += is_prime(number);
    }
    bight_worker_answer_set(answer, &primes, sizeof primes);
}

/* ---------------------------------------------------------------------------------------- its employer */

static struct bight_worker_pool *pool;

static struct bight_deferred *submit(size_t index, void *context)
{
    (void)context;
    uint32_t first = (uint32_t)index * piece_size;
    return bight_worker_pool_submit(pool, &first, sizeof first);
}

static void report(struct bight_result *result, void *context)
{
    const struct bight_results *answers = bight_result_peek(result, &bight_type_results);
    uint32_t total = 0;
    (void)context;
    for (size_t i = 0; i < answers->count; i++) {
        const struct bight_bytes *answer = bight_result_peek(&answers->items[i], &bight_type_bytes);
        uint32_t primes;
        memcpy(&primes, bight_bytes_data(answer), sizeof primes);
        printf("from %6zu: %4u primes\n", i * piece_size, (unsigned)primes);
        total += primes;
    }
    printf("below a million: %u\n", (unsigned)total);
    bight_result_chain(result, bight_worker_pool_close(pool));
}

static struct bight_deferred *start(struct bight_reactor *reactor, int argc, char **argv)
{
    static const char *const worker[] = { "/proc/self/exe", "worker", NULL };
    struct bight_worker_pool_options options = { .size = sizeof options, .argv = worker, .workers = 2, .retry = true };
    (void)argc;
    (void)argv;
    pool = bight_worker_pool_new(reactor, &options);
    if (pool == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    struct bight_deferred *counts = bight_map_limited(submit, pieces, pieces, 0, NULL);
    bight_deferred_add_callback(counts, report, NULL);
    return counts;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "worker") == 0) {
        return bight_worker_main(count_primes, NULL);
    }
    int status = bight_main(start, argc, argv);
    bight_worker_pool_free(pool);
    return status;
}
