/* SPDX-License-Identifier: MIT */
/* scope_support.h - what the tests of scopes share: one scope, and members that note what they are asked. */
#ifndef BIGHT_TEST_SCOPE_SUPPORT_H
#define BIGHT_TEST_SCOPE_SUPPORT_H

#include <math.h>

#include <bight/sys/scope.h>

#include "deferred_support.h"

static struct bight_scope *scope;

static inline void set_up(void)
{
    begin();
    scope = bight_scope_new(&test_clock.base);
    ck_assert_ptr_nonnull(scope);
}

static inline void tear_down(void)
{
    bight_scope_free(scope);
    ck_assert_uint_eq(timers_pending(), 0);
}

/* A member that notes what it is asked; `leaves` says at which asking it leaves. */
struct member {
    struct bight_scope_member base;
    const char *name;
    char leaves; /* 'c': when asked to close; 'a': when asked to abort; 'l': later */
};

static inline void asked(struct bight_scope_member *base, char what)
{
    struct member *member = (struct member *)base;
    char text[32];
    snprintf(text, sizeof(text), "%c%s ", what, member->name);
    note(text);
    if (member->leaves == what) {
        bight_scope_leave(base);
    }
}

static inline void asked_to_close(struct bight_scope_member *base)
{
    asked(base, 'c');
}

static inline void asked_to_abort(struct bight_scope_member *base)
{
    asked(base, 'a');
}

static inline void note_timer(void *context)
{
    note(context);
    note("! ");
}

static const struct bight_scope_member_ops member_ops = { asked_to_close, asked_to_abort };

static inline void close_and_note(double seconds)
{
    struct bight_deferred *closed = bight_scope_close(scope, seconds);
    bight_deferred_add_both(closed, seen, NAME("closed"));
    bight_deferred_release(closed);
}

#endif
