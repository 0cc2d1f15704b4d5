/* SPDX-License-Identifier: MIT */
/* bight/sys/scope.h - for implementers of what a scope can own. */
#ifndef BIGHT_SYS_SCOPE_H
#define BIGHT_SYS_SCOPE_H

#include <bight/scope.h>

BIGHT_BEGIN

struct bight_scope_member;

struct bight_scope_member_ops {
    /* Asked once when the scope closes: end gracefully, then leave. May leave inside the call. */
    void (*close)(struct bight_scope_member *member);
    /* Asked at the deadline: end now. May leave inside the call. */
    void (*abort)(struct bight_scope_member *member);
    /* For debug mode's warnings. What it is, "connection"; NULL: "member". */
    const char *kind;
    /* Where it was made, NULL when that is not known. The slot may be NULL. */
    const char *(*made_at)(const struct bight_scope_member *member);
};

/* Embedded in what joins; zero it first. The fields are the scope's. */
struct bight_scope_member {
    const struct bight_scope_member_ops *ops;
    struct bight_scope *scope; /* NULL: in none */
    struct bight_scope_member *next, *previous;
};

/* Joins; CANCELLED when the scope is closing (the caller ends the thing itself). A member is in one scope only:
 * joining another leaves the first. */
BIGHT_API int bight_scope_join(
    struct bight_scope *scope, struct bight_scope_member *member, const struct bight_scope_member_ops *ops);

/* It has ended, or goes its own way. No-op when it is in none. The last to leave a closing scope fires its
 * Deferreds. */
BIGHT_API void bight_scope_leave(struct bight_scope_member *member);

BIGHT_END

#endif
