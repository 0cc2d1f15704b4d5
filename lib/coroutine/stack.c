/* SPDX-License-Identifier: MIT */
/* stack.c - stacks for coroutines: address space from the kernel, which costs memory only where touched.
 *
 * Below each stack lies a page that may not be touched, so that an overflow ends the process instead of overwriting
 * other memory. With it a stack takes two of the kernel's mappings, whose number is limited (vm.max_map_count);
 * without, neighbouring stacks become one mapping. What runs on a stack is coroutine.c's. Stacks that were used last
 * are used first, since their pages are there and warm.
 *
 * Not slots of a pool (base/pool.h): each stack is mapped by itself, through the table of system calls, so that the
 * page below it can be closed and the kernel's refusal told for what it is. */
#include "coroutine/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "coroutine/annotate.h"

#if BIGHT_VALGRIND
#include <valgrind/valgrind.h>
#endif

#define ALIGNMENT ((size_t)64)

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t round_up(size_t size, size_t unit)
{
    return (size + unit - 1) / unit * unit;
}

/* A table without the calls has no memory of its own: the kernel's is meant. */
static struct bight_system *mapper(const struct bi_stack_pool *pool)
{
    return pool->system->ops->map_stack != NULL ? pool->system : bight_system_real();
}

void bi_stack_pool_init(struct bi_stack_pool *pool, struct bight_system *system)
{
    *pool = (struct bi_stack_pool) { .system = system };
}

/* ------------------------------------------------------------------------------------------- failures */

/* The kernel's limit of mappings; 0 when it cannot be read. */
static unsigned long read_map_limit(struct bight_system *system)
{
    char text[32] = { 0 };
    int fd = system->ops->open(system, "/proc/sys/vm/max_map_count", O_RDONLY, 0);
    if (fd < 0) {
        return 0;
    }
    ssize_t size = system->ops->read(system, fd, text, sizeof text - 1);
    (void)system->ops->close(system, fd);
    return size > 0 ? strtoul(text, NULL, 10) : 0;
}

static struct bight_failure *explain(const struct bi_stack_pool *pool, int number)
{
    if (number != ENOMEM) {
        return bight_failure_from_errno(number, "mapping a stack");
    }
    return bight_failure_new(BIGHT_E_TOO_MANY_STACKS, number, NULL,
        "the kernel maps no more stacks: there are %zu of %zu KiB, each taking %d of the mappings that "
        "vm.max_map_count "
        "(%lu) allows a process",
        pool->mapped, pool->stack_size >> 10, pool->has_guards ? 2 : 1, read_map_limit(mapper(pool)));
}

/* ------------------------------------------------------------------------------------ mapping, unmapping */

static unsigned tell_valgrind(const struct bi_stack *stack)
{
#if BIGHT_VALGRIND
    return VALGRIND_STACK_REGISTER(stack->low, stack->low + stack->size);
#else
    (void)stack;
    return 0;
#endif
}

static void tell_valgrind_of_end(unsigned id)
{
    (void)id;
#if BIGHT_VALGRIND
    VALGRIND_STACK_DEREGISTER(id);
#endif
}

/* All stacks end alike, and caches look at where in its page something lies: were it always the same place, a thousand
 * coroutines would share a few lines. So each hundred or so ends a little lower than the one before. */
static size_t colour_of(size_t number)
{
    return number / 128 % 8 * 256;
}

static struct bi_stack *map(struct bi_stack_pool *pool, struct bight_failure **failure)
{
    struct bight_system *system = mapper(pool);
    size_t guard = pool->has_guards ? page_size() : 0;
    void *memory = NULL;
    int result = system->ops->map_stack(system, guard + pool->stack_size, guard, &memory);
    if (result < 0) {
        *failure = explain(pool, -result);
        return NULL;
    }
    unsigned char *low = (unsigned char *)memory + guard;
    bi_fiber_new_stack(low, pool->stack_size);
    size_t size = pool->stack_size - round_up(sizeof(struct bi_stack), ALIGNMENT) - colour_of(pool->mapped);
    struct bi_stack *stack = (struct bi_stack *)(void *)(low + size);
    *stack = (struct bi_stack) { .low = low, .size = size, .guard = guard, .whole = guard + pool->stack_size };
    stack->valgrind_id = tell_valgrind(stack);
    pool->mapped++;
    return stack;
}

/* False when the kernel refuses: cutting a hole into one mapping makes two, and there may be too many. */
static bool unmap(struct bi_stack_pool *pool, struct bi_stack *stack)
{
    struct bight_system *system = mapper(pool);
    unsigned id = stack->valgrind_id;
    if (system->ops->unmap_stack(system, stack->low - stack->guard, stack->whole) < 0) {
        return false;
    }
    tell_valgrind_of_end(id);
    pool->mapped--;
    return true;
}

/* -------------------------------------------------------------------------------------------- the pool */

static void keep(struct bi_stack_pool *pool, struct bi_stack *stack)
{
    stack->next = pool->first;
    pool->first = stack;
    pool->count++;
}

static bool is_of_kind(const struct bi_stack_pool *pool, const struct bi_stack *stack)
{
    return stack->whole - stack->guard == pool->stack_size && (stack->guard > 0) == pool->has_guards;
}

/* The first but for those of another kind that could not be unmapped; NULL when there is none. */
static struct bi_stack *take_kept(struct bi_stack_pool *pool)
{
    struct bi_stack **link = &pool->first;
    while (*link != NULL && !is_of_kind(pool, *link)) {
        link = &(*link)->next;
    }
    struct bi_stack *stack = *link;
    if (stack != NULL) {
        *link = stack->next;
        pool->count--;
    }
    return stack;
}

struct bi_stack *bi_stack_take(struct bi_stack_pool *pool, struct bight_failure **failure)
{
    struct bi_stack *stack = take_kept(pool);
    return stack != NULL ? stack : map(pool, failure);
}

void bi_stack_give(struct bi_stack_pool *pool, struct bi_stack *stack)
{
    bool is_wanted = pool->count < pool->limit && is_of_kind(pool, stack);
    if (is_wanted || !unmap(pool, stack)) {
        keep(pool, stack);
    }
}

/* Returns how many are gone. */
static size_t try_to_trim(struct bi_stack_pool *pool, size_t limit)
{
    struct bi_stack *refused = NULL;
    size_t gone = 0;
    while (pool->count > limit) {
        struct bi_stack *stack = pool->first;
        pool->first = stack->next;
        pool->count--;
        if (unmap(pool, stack)) {
            gone++;
            continue;
        }
        stack->next = refused;
        refused = stack;
    }
    while (refused != NULL) {
        struct bi_stack *next = refused->next;
        keep(pool, refused);
        refused = next;
    }
    return gone;
}

/* What the kernel refuses is tried again as long as others go: widening a hole takes no new mapping. */
void bi_stack_pool_trim(struct bi_stack_pool *pool, size_t limit)
{
    while (pool->count > limit && try_to_trim(pool, limit) > 0) {
    }
}

void bi_stack_pool_change(struct bi_stack_pool *pool, size_t stack_size, bool has_guards, size_t limit)
{
    size_t before = pool->stack_size;
    bool had_guards = pool->has_guards;
    pool->stack_size = round_up(stack_size, page_size());
    pool->has_guards = has_guards;
    pool->limit = limit;
    bool is_another = pool->stack_size != before || pool->has_guards != had_guards;
    bi_stack_pool_trim(pool, is_another ? 0 : limit);
}
