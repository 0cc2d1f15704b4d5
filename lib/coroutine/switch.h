/* SPDX-License-Identifier: MIT */
/* switch.h - changing from one stack to another.
 *
 * Two bodies, of which the build takes one: boost_context's fcontext (fcontext.c), a handful of
 * instructions, or ucontext (ucontext.c), which makes two system calls for each change and is there on any
 * Unix. Neither knows what a coroutine is. */
#ifndef BIGHT_REACTOR_COROUTINE_SWITCH_H
#define BIGHT_REACTOR_COROUTINE_SWITCH_H

#include <stddef.h>

/* Where something was left that goes on later. */
#if BIGHT_FCONTEXT
struct bight_switch {
    void *context;
};

/* The library's function, and how its two sides hand something over: where the other was left, and a pointer. */
struct bight_transfer {
    void *context, *data;
};
struct bight_transfer jump_fcontext(void *to, void *data);
#else
#include <ucontext.h>
struct bight_switch {
    ucontext_t context;
};
#endif

/* What runs first on a new stack: coroutine.c's. It does not return. */
void bight_coroutine_begin(void);

/* The first change to `target` will begin on the stack of `size` bytes from `low`. */
void bight_switch_prepare(struct bight_switch *target, void *low, size_t size);

/* Leaves the present stack, to which a change to `from` will come back, and goes on at `to`. Inline where it is but a
 * call: after a change of stacks the processor predicts no return, and each costs more than the change. */
#if BIGHT_FCONTEXT
static inline void bight_switch_note_origin(struct bight_transfer transfer)
{
    ((struct bight_switch *)transfer.data)->context = transfer.context;
}

static inline void bight_switch_change(struct bight_switch *from, struct bight_switch *to)
{
    bight_switch_note_origin(jump_fcontext(to->context, from));
}
#else
void bight_switch_change(struct bight_switch *from, struct bight_switch *to);
#endif

/* "boost_context" or "ucontext". */
const char *bight_switch_name(void);

#endif
