/* SPDX-License-Identifier: MIT */
/* stack.h - the stacks that coroutines run on: mapped, kept for reuse, given back. */
#ifndef BI_COROUTINE_STACK_H
#define BI_COROUTINE_STACK_H

#include <bight/failure.h>
#include <bight/sys/system.h>

#define BI_MIN_STACK_SIZE ((size_t)16 << 10)
#define BI_MAX_STACK_SIZE ((size_t)1 << 30)

/* Lies at the upper end of its own stack. */
struct bi_stack {
    struct bi_stack *next; /* in the pool */
    unsigned char *low;    /* the lowest byte that may be used */
    size_t size;           /* from there up to this struct */
    size_t guard;          /* bytes below `low` that may not be touched */
    size_t whole;          /* what was mapped, guard and all */
    unsigned valgrind_id;
};

struct bi_stack_pool {
    struct bight_system *system;
    size_t stack_size; /* whole pages, the guard page not among them */
    bool has_guards;
    size_t limit; /* of stacks kept */
    struct bi_stack *first;
    size_t count;  /* kept */
    size_t mapped; /* kept and in use */
};

void bi_stack_pool_init(struct bi_stack_pool *pool, struct bight_system *system);

/* What stacks are like from now on, and how many are kept; the size is rounded up to pages. To be called before the
 * first is taken, and then at any time: those of another kind that are in use go when they are given back. */
void bi_stack_pool_change(struct bi_stack_pool *pool, size_t stack_size, bool has_guards, size_t limit);

/* A kept stack, or a new one. NULL when none can be mapped: then *failure (owned) says why. */
struct bi_stack *bi_stack_take(struct bi_stack_pool *pool, struct bight_failure **failure);

/* Nothing runs on it any more. Kept, or unmapped when the pool is full or the stack of another kind than the pool's are
 * now. */
void bi_stack_give(struct bi_stack_pool *pool, struct bi_stack *stack);

/* Unmaps what is kept beyond `limit`. */
void bi_stack_pool_trim(struct bi_stack_pool *pool, size_t limit);

#endif
