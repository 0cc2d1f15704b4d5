/* SPDX-License-Identifier: MIT */
/* bight/file_lock.h - a lock between processes, in the file system: one holder at a time.
 *
 * It is the kernel's lock (flock(2), exclusive) on a file, not the file itself: when the holder dies, however that
 * happens, the lock is free. The file holds the process id of the last holder, for people: ten characters and a
 * newline, as lock files of old. It is created when missing and never removed: another process may just have opened it,
 * and then two would hold locks on two files of one name. No program may remove it. Functions are for the reactor's
 * thread. */
#ifndef BIGHT_FILE_LOCK_H
#define BIGHT_FILE_LOCK_H

#include <bight/reactor.h>
#include <bight/sync.h>

BIGHT_BEGIN

struct bight_file_lock;

/* A lock on the file at `path` (copied), not yet held. Nothing is opened. NULL when out of memory. Two of these for the
 * same path exclude each other, in one process too. When the reactor is freed first the lock is released; what is
 * asked of it then is answered by SHUTDOWN, and it is still to be freed. In the child of a fork (R13) the lock stays
 * the parent's. */
BIGHT_API BIGHT_MUST_USE struct bight_file_lock *bight_file_lock_new(struct bight_reactor *reactor, const char *path);

/* Releases the lock if it is held, and its holder must not release it after this; the waiters fail with ABANDONED. May
 * be called in any handler. NULL is allowed. */
BIGHT_API void bight_file_lock_free(struct bight_file_lock *lock);

/* 0: the lock is held now. LOCKED: by another holder, or through this object already. Else what opening or locking the
 * file came to: PERMISSION_DENIED, TOO_MANY_FILES, OUT_OF_MEMORY, SYSTEM (a symbolic link is not followed: that is
 * ELOOP), NOT_SUPPORTED where the table of system calls has no flock, SHUTDOWN when the reactor has gone. */
BIGHT_API int bight_file_lock_try_acquire(struct bight_file_lock *lock);

/* The value that an acquisition fires with; all as for bight_type_lock: discarded, because it cannot be delivered, it
 * releases the acquisition that it stands for. */
extern BIGHT_API const struct bight_type bight_type_file_lock;

/* Fires with a bight_type_file_lock when the lock is held: at once if it is free. The waiters through one object are
 * served first come first served; for other processes the file is tried after 1 ms, then ever more rarely, up to every
 * 0.25 s. Cancelled, it waits no longer (a timeout may be added); one that has fired has to be released. Fails with
 * what try_acquire returns but LOCKED, and with the errno; SHUTDOWN when the reactor's run ends; ABANDONED when the
 * lock is freed.
 *
 *     struct bight_deferred *bight_file_lock_acquire(struct bight_file_lock *lock); */
#define bight_file_lock_acquire(lock) bight_file_lock_acquire_at(BIGHT_HERE, (lock))

/* Hands the lock to the oldest waiter of this object, whose handlers run before this returns (unless a handover is
 * under way: then right after it); without one it is free. 0; USAGE, a usage error, when it is not held. */
BIGHT_API int bight_file_lock_release(struct bight_file_lock *lock);

/* Whether it is held through this object. */
BIGHT_API bool bight_file_lock_is_locked(const struct bight_file_lock *lock);

/* Acquires, calls function(context), waits for what that returns, and releases, on failure and cancel also; unless it
 * was released meanwhile. The Deferred goes on with the function's result. Cancelled before the lock was acquired, the
 * function is never called; later the cancel goes to the function's Deferred. No function is a usage error,
 * INVALID_ARGUMENT. The context is borrowed; the _full form releases it when all is over (D33).
 *
 *     struct bight_deferred *bight_file_lock_run(struct bight_file_lock *lock, bight_holding_function function,
 *         void *context);
 *     struct bight_deferred *bight_file_lock_run_full(struct bight_file_lock *lock, bight_holding_function function,
 *         void *context, bight_release_function release); */
#define bight_file_lock_run(lock, function, context) \
    bight_file_lock_run_at(BIGHT_HERE, (lock), (function), (context), NULL)
#define bight_file_lock_run_full(lock, function, context, release) \
    bight_file_lock_run_at(BIGHT_HERE, (lock), (function), (context), (release))

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_file_lock_acquire_at(
    const char *place, struct bight_file_lock *lock);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_file_lock_run_at(const char *place, struct bight_file_lock *lock,
    bight_holding_function function, void *context, bight_release_function release);

BIGHT_END

#endif
