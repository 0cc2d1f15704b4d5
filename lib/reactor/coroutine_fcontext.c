/* SPDX-License-Identifier: MIT */
/* coroutine_fcontext.c - changing stacks with boost_context's fcontext.
 *
 * Its two functions are written in assembly for each platform and have C linkage; they are declared here, since its
 * headers are C++. A change saves what a called function must preserve, and hands the other side a pointer to where
 * that was saved. */
#include "reactor/coroutine_switch.h"

struct transfer {
    void *context; /* where the other side was left */
    void *data;
};

struct transfer jump_fcontext(void *to, void *data);
void *make_fcontext(void *top, size_t size, void (*function)(struct transfer));

/* Whoever was left has said with `data` where it wants to be found again. */
static inline void note_where_from(struct transfer transfer)
{
    ((struct bight_switch *)transfer.data)->context = transfer.context;
}

static void begin(struct transfer transfer)
{
    note_where_from(transfer);
    bight_coroutine_begin();
}

void bight_switch_prepare(struct bight_switch *target, void *low, size_t size)
{
    target->context = make_fcontext((char *)low + size, size, begin);
}

void bight_switch_change(struct bight_switch *from, struct bight_switch *to)
{
    note_where_from(jump_fcontext(to->context, from));
}

const char *bight_switch_name(void)
{
    return "boost_context";
}
