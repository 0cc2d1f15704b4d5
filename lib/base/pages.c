/* SPDX-License-Identifier: MIT */
/* pages.c - where slabs come from and go back to.
 *
 * The C library keeps much of what is freed for itself; a server that had a burst would stay large. So slabs are
 * mapped and unmapped one by one. With a hook installed everything goes through the hook all the same, and under
 * AddressSanitizer through malloc, so that leaks are found. */
#include "base/pages.h"

#include <sys/mman.h>

#include "base/slab.h"

#if BI_SLAB_CHECKED
#include <sanitizer/asan_interface.h>
#endif

static bool are_mapped(void)
{
    return !BI_SLAB_CHECKED && !bi_memory_is_hooked();
}

void *bi_pages_allocate(size_t size)
{
    if (!are_mapped()) {
        return bight_malloc(size);
    }
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void *bi_pages_allocate_huge(size_t size)
{
    if (!are_mapped()) {
        return bight_malloc(size);
    }
    /* The kernel joins only what is aligned: ask for more, and give back what sticks out. */
    char *memory = mmap(NULL, size + BI_HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return NULL;
    }
    size_t before = -(uintptr_t)memory % BI_HUGE_PAGE;
    if (before > 0) {
        munmap(memory, before);
    }
    if (before < BI_HUGE_PAGE) {
        munmap(memory + before + size, BI_HUGE_PAGE - before);
    }
    (void)madvise(memory + before, size, MADV_HUGEPAGE); /* without them it is only slower */
    return memory + before;
}

void bi_pages_release(void *memory, size_t size)
{
    if (memory == NULL) {
        return;
    }
    if (are_mapped()) {
        munmap(memory, size);
    } else {
        bight_free(memory);
    }
}

void bi_memory_poison(void *memory, size_t size)
{
#if BI_SLAB_CHECKED
    ASAN_POISON_MEMORY_REGION(memory, size);
#else
    (void)memory;
    (void)size;
#endif
}

void bi_memory_unpoison(void *memory, size_t size)
{
#if BI_SLAB_CHECKED
    ASAN_UNPOISON_MEMORY_REGION(memory, size);
#else
    (void)memory;
    (void)size;
#endif
}
