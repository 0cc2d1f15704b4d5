/* SPDX-License-Identifier: MIT */
/* lock.c - the lock (D28): a set of permits that has just one.
 *
 * Handing over, cancelling and freeing are the same as a semaphore's and live in permits.c, waiting in waiters.c. Here
 * is what is the lock's alone: its names, its type, and what misuse of it is called. */
#include <bight/memory.h>

#include "sync/permits.h"

const struct bight_type bight_type_lock = {
    .name = "lock",
    .destroy = bi_token_destroy,
    .discard = bi_token_discard,
};

struct bight_lock *bight_lock_new(void)
{
    struct bight_lock *lock = bight_malloc(sizeof(*lock));
    if (lock != NULL) {
        bi_permits_init(&lock->permits, &bight_type_lock, 1);
    }
    return lock;
}

void bight_lock_free(struct bight_lock *lock)
{
    if (lock != NULL) {
        bi_permits_free(&lock->permits, "bight_lock_free");
    }
}

struct bight_deferred *bight_lock_acquire_at(const char *place, struct bight_lock *lock)
{
    return bi_permits_acquire(place, &lock->permits);
}

bool bight_lock_try_acquire(struct bight_lock *lock)
{
    return bi_permits_try_acquire(&lock->permits);
}

int bight_lock_release(struct bight_lock *lock)
{
    return bi_permits_release(&lock->permits, "bight_lock_release");
}

bool bight_lock_is_locked(const struct bight_lock *lock)
{
    return lock->permits.held > 0 || lock->permits.waiting.count > 0;
}

size_t bight_lock_waiting(const struct bight_lock *lock)
{
    return lock->permits.waiting.count;
}

struct bight_deferred *bight_lock_run_at(const char *place, struct bight_lock *lock, bight_holding_function function,
    void *context, bight_release_function release)
{
    return bi_permits_run(place, &lock->permits, bi_permits_acquire, function, context, release);
}
