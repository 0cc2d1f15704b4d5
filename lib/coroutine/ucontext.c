/* SPDX-License-Identifier: MIT */
/* ucontext.c - changing stacks with the C library's ucontext, where boost_context is not there.
 *
 * It keeps the signal mask of each side, for which it asks the kernel twice a change: some 20 times as slow as
 * fcontext, and the same otherwise. */
#include "coroutine/switch.h"

void bight_switch_prepare(struct bight_switch *target, void *low, size_t size)
{
    (void)getcontext(&target->context);
    target->context.uc_stack.ss_sp = low;
    target->context.uc_stack.ss_size = size;
    target->context.uc_link = NULL;
    makecontext(&target->context, bight_coroutine_begin, 0);
}

void bight_switch_change(struct bight_switch *from, struct bight_switch *to)
{
    (void)swapcontext(&from->context, &to->context);
}

const char *bight_switch_name(void)
{
    return "ucontext";
}
