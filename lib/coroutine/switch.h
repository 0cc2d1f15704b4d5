/* SPDX-License-Identifier: MIT */
/* switch.h - changing from one stack to another.
 *
 * Two bodies, of which the build takes one: boost_context's fcontext (fcontext.c), a handful of
 * instructions, or ucontext (ucontext.c), which makes two system calls for each change and is there on any
 * Unix. Neither knows what a coroutine is. */
#ifndef BI_COROUTINE_SWITCH_H
#define BI_COROUTINE_SWITCH_H

#include <stddef.h>

/* Where something was left that goes on later. */
#if BIGHT_FCONTEXT
struct bi_switch {
    void *context;
};

/* The library's function, and how its two sides hand something over: where the other was left, and a pointer. */
struct bi_transfer {
    void *context, *data;
};
struct bi_transfer jump_fcontext(void *to, void *data);
#else
#include <ucontext.h>
struct bi_switch {
    ucontext_t context;
};
#endif

/* What runs first on a new stack: coroutine.c's. It does not return. */
void bi_coroutine_begin(void);

/* The first change to `target` will begin on the stack of `size` bytes from `low`. */
void bi_switch_prepare(struct bi_switch *target, void *low, size_t size);

/* Leaves the present stack, to which a change to `from` will come back, and goes on at `to`. Inline where it is but a
 * call: after a change of stacks the processor predicts no return, and each costs more than the change. */
#if BIGHT_FCONTEXT
static inline void bi_switch_note_origin(struct bi_transfer transfer)
{
    ((struct bi_switch *)transfer.data)->context = transfer.context;
}

static inline void bi_switch_change(struct bi_switch *from, struct bi_switch *to)
{
    bi_switch_note_origin(jump_fcontext(to->context, from));
}
#else
void bi_switch_change(struct bi_switch *from, struct bi_switch *to);
#endif

/* "boost_context" or "ucontext". */
const char *bi_switch_name(void);

#endif
