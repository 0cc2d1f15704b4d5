/* SPDX-License-Identifier: MIT */
/* bight/scope.h - a scope owns what is started in it, and nothing outlives it (D37).
 *
 * Deferreds are tied to the scope's owner; timers are asked for through it; connections, ports and whatever else
 * can be ended join as members (bight/sys/scope.h; bight_protocol_join_scope in bight/transport.h). Closing asks
 * every member to end, a deadline or a second close aborts those that are left, and a Deferred says when all have
 * gone. No reactor is needed to use it, only a clock. */
#ifndef BIGHT_SCOPE_H
#define BIGHT_SCOPE_H

#include <bight/deferred.h>

BIGHT_BEGIN

struct bight_scope;

/* NULL without memory. The clock is borrowed and must outlive the scope. */
BIGHT_API struct bight_scope *bight_scope_new(struct bight_clock *clock);

/* Cancels the tied Deferreds and timers, asks the members to close, and aborts those that are left after `seconds`
 * (0: at once; infinity: never). Closing again aborts at once. The Deferred fires empty when all have ended; it is
 * a new one each time. The scope's memory stays until bight_scope_free. */
BIGHT_API struct bight_deferred *bight_scope_close(struct bight_scope *scope, double seconds);

/* Aborts what is left, and frees the scope as soon as its last member has ended. NULL is fine. */
BIGHT_API void bight_scope_free(struct bight_scope *scope);

/* For bight_deferred_tie: the Deferred is cancelled when the scope closes. */
BIGHT_API struct bight_owner *bight_scope_owner(struct bight_scope *scope);

/* A call after `seconds` that is dropped when the scope closes. As bight_clock_call_later; CANCELLED when the
 * scope is closing, and then nothing was taken. */
BIGHT_API int bight_scope_call_later(struct bight_scope *scope, double seconds, bight_timer_function function,
    void *context, bight_release_function release, struct bight_timer *timer);

/* True from the first close on. */
BIGHT_API bool bight_scope_is_closing(const struct bight_scope *scope);

/* Members, ties and timers that have not ended. */
BIGHT_API size_t bight_scope_count(const struct bight_scope *scope);

BIGHT_END

#endif
