/* SPDX-License-Identifier: MIT */
/* annotate.h - telling the sanitizers that the stack changes; nothing at all in other builds.
 *
 * AddressSanitizer keeps a fake stack for each real one and must know the bounds of the present one; ThreadSanitizer
 * has a fiber for each. The calls stand right beside the change, in the function that makes it. valgrind is told of
 * the stacks themselves, where they are mapped (stack.c). */
#ifndef BI_COROUTINE_ANNOTATE_H
#define BI_COROUTINE_ANNOTATE_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BI_FIBERS_OF_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define BI_FIBERS_OF_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define BI_FIBERS_OF_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define BI_FIBERS_OF_TSAN 1
#endif

#if BI_FIBERS_OF_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if BI_FIBERS_OF_TSAN
#include <sanitizer/tsan_interface.h>
#endif

#define BI_ALWAYS_INLINE static inline __attribute__((always_inline))

struct bi_fiber {
    void *fake_inside, *fake_outside; /* fake stacks of those that are away */
    const void *outside;              /* the stack that it was resumed from */
    size_t outside_size;
    void *fiber, *outside_fiber;
};

/* A new mapping may lie where a stack lay before, whose outermost functions never returned: what AddressSanitizer knows
 * of their locals is forgotten. */
BI_ALWAYS_INLINE void bi_fiber_new_stack(const void *low, size_t size)
{
    (void)low;
    (void)size;
#if BI_FIBERS_OF_ASAN
    __asan_unpoison_memory_region(low, size);
#endif
}

BI_ALWAYS_INLINE void bi_fiber_begin(struct bi_fiber *fiber)
{
    *fiber = (struct bi_fiber) { 0 };
#if BI_FIBERS_OF_TSAN
    fiber->fiber = __tsan_create_fiber(0);
#endif
}

/* From outside, when it has ended. */
BI_ALWAYS_INLINE void bi_fiber_end(struct bi_fiber *fiber)
{
    (void)fiber;
#if BI_FIBERS_OF_TSAN
    __tsan_destroy_fiber(fiber->fiber);
#endif
}

/* Before and after a change from outside into the stack of `size` bytes from `low`. */
BI_ALWAYS_INLINE void bi_fiber_going_in(struct bi_fiber *fiber, const void *low, size_t size)
{
    (void)fiber;
    (void)low;
    (void)size;
#if BI_FIBERS_OF_ASAN
    __sanitizer_start_switch_fiber(&fiber->fake_outside, low, size);
#endif
#if BI_FIBERS_OF_TSAN
    fiber->outside_fiber = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(fiber->fiber, 0);
#endif
}

BI_ALWAYS_INLINE void bi_fiber_came_back(struct bi_fiber *fiber)
{
    (void)fiber;
#if BI_FIBERS_OF_ASAN
    __sanitizer_finish_switch_fiber(fiber->fake_outside, NULL, NULL);
#endif
}

/* Before and after a change from inside; the latter also first of all on a new stack. */
BI_ALWAYS_INLINE void bi_fiber_going_out(struct bi_fiber *fiber, bool for_ever)
{
    (void)fiber;
    (void)for_ever;
#if BI_FIBERS_OF_ASAN
    __sanitizer_start_switch_fiber(for_ever ? NULL : &fiber->fake_inside, fiber->outside, fiber->outside_size);
#endif
#if BI_FIBERS_OF_TSAN
    __tsan_switch_to_fiber(fiber->outside_fiber, 0);
#endif
}

BI_ALWAYS_INLINE void bi_fiber_arrived(struct bi_fiber *fiber)
{
    (void)fiber;
#if BI_FIBERS_OF_ASAN
    __sanitizer_finish_switch_fiber(fiber->fake_inside, &fiber->outside, &fiber->outside_size);
#endif
}

#endif
