/* SPDX-License-Identifier: MIT */
/* ucontext.c - changing stacks with the C library's ucontext, where boost_context is not there.
 *
 * It keeps the signal mask of each side, for which it asks the kernel twice a change: some 20 times as slow as
 * fcontext, and the same otherwise. */
#include "coroutine/switch.h"

void bi_switch_prepare(struct bi_switch *target, void *low, size_t size)
{
    (void)getcontext(&target->context);
    target->context.uc_stack.ss_sp = low;
    target->context.uc_stack.ss_size = size;
    target->context.uc_link = NULL;
    makecontext(&target->context, bi_coroutine_begin, 0);
}

void bi_switch_change(struct bi_switch *from, struct bi_switch *to)
{
    (void)swapcontext(&from->context, &to->context);
}

const char *bi_switch_name(void)
{
    return "ucontext";
}
