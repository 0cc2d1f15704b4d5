/* SPDX-License-Identifier: MIT */
/* file_lock_support.h - waiting for a lock between processes. */
#ifndef BIGHT_TEST_FILE_LOCK_SUPPORT_H
#define BIGHT_TEST_FILE_LOCK_SUPPORT_H

#include <bight/file_lock.h>

#include "thread_support.h"

static inline struct bight_deferred *acquire(struct bight_file_lock *lock, int *code)
{
    struct bight_deferred *deferred = bight_file_lock_acquire(lock);
    struct bight_deferred *held = bight_deferred_hold(deferred);
    watch_outcome(deferred, code);
    return held;
}

static inline void acquire_only(struct bight_file_lock *lock, int *code)
{
    watch_outcome(bight_file_lock_acquire(lock), code);
}

#endif
