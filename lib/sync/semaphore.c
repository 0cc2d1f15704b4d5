/* SPDX-License-Identifier: MIT */
/* semaphore.c - the semaphore: n permits, in a plain form that can be resized and a bounded one (D29).
 *
 * Acquiring, handing over and giving back are in permits.c; here is what a semaphore alone has. */
#include <bight/memory.h>

#include "base/check.h"
#include "sync/permits.h"

const struct bight_type bight_type_semaphore = {
    .name = "semaphore",
    .destroy = bi_token_destroy,
    .discard = bi_token_discard,
};

static struct bight_semaphore *make(long n, bool is_bounded, const char *function)
{
    if (n < 1) {
        bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "%s: the number is below 1", function);
        return NULL;
    }
    struct bight_semaphore *semaphore = bight_malloc(sizeof(*semaphore));
    if (semaphore != NULL) {
        bi_permits_init(&semaphore->permits, &bight_type_semaphore, (size_t)n);
        semaphore->permits.is_bounded = is_bounded;
    }
    return semaphore;
}

struct bight_semaphore *bight_semaphore_new(long n)
{
    return make(n, false, "bight_semaphore_new");
}

struct bight_semaphore *bight_semaphore_new_bounded(long n)
{
    return make(n, true, "bight_semaphore_new_bounded");
}

void bight_semaphore_free(struct bight_semaphore *semaphore)
{
    if (semaphore != NULL) {
        bi_permits_free(&semaphore->permits, "bight_semaphore_free");
    }
}

struct bight_deferred *bight_semaphore_acquire_at(const char *place, struct bight_semaphore *semaphore)
{
    return bi_permits_acquire(place, &semaphore->permits);
}

bool bight_semaphore_try_acquire(struct bight_semaphore *semaphore)
{
    return bi_permits_try_acquire(&semaphore->permits);
}

int bight_semaphore_release(struct bight_semaphore *semaphore)
{
    return bi_permits_release(&semaphore->permits, "bight_semaphore_release");
}

/* Permits on their way to the waiters are not there to be had. */
size_t bight_semaphore_available(const struct bight_semaphore *semaphore)
{
    const struct bi_permits *permits = &semaphore->permits;
    size_t spoken_for = permits->held + permits->waiting.count;
    return spoken_for < permits->limit ? permits->limit - spoken_for : 0;
}

size_t bight_semaphore_waiting(const struct bight_semaphore *semaphore)
{
    return semaphore->permits.waiting.count;
}

int bight_semaphore_resize(struct bight_semaphore *semaphore, long n)
{
    if (n < 1) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_semaphore_resize: the number is below 1");
    }
    if (semaphore->permits.is_bounded) {
        return bi_usage_error(BIGHT_E_NOT_SUPPORTED, BIGHT_HERE, "bight_semaphore_resize: it is bounded");
    }
    semaphore->permits.limit = (size_t)n;
    bi_gate_run(&semaphore->permits.gate);
    return BIGHT_OK;
}

long bight_semaphore_limit(const struct bight_semaphore *semaphore)
{
    return (long)semaphore->permits.limit;
}

struct bight_deferred *bight_semaphore_run_at(const char *place, struct bight_semaphore *semaphore,
    bight_holding_function function, void *context, bight_release_function release)
{
    return bi_permits_run(place, &semaphore->permits, bi_permits_acquire, function, context, release);
}
