/* SPDX-License-Identifier: MIT */
/* fcontext.c - changing stacks with boost_context's fcontext.
 *
 * Its two functions are written in assembly for each platform and have C linkage; we declare them ourselves, since its
 * headers are C++. A change saves what a called function must preserve, and hands the other side a pointer to where
 * that was saved. The change itself is inline in switch.h. */
#include "coroutine/switch.h"

void *make_fcontext(void *top, size_t size, void (*function)(struct bi_transfer));

static void begin(struct bi_transfer transfer)
{
    bi_switch_note_origin(transfer);
    bi_coroutine_begin();
}

void bi_switch_prepare(struct bi_switch *target, void *low, size_t size)
{
    target->context = make_fcontext((char *)low + size, size, begin);
}

const char *bi_switch_name(void)
{
    return "boost_context";
}
