/* SPDX-License-Identifier: MIT */
/* pages.c - where slabs come from and go back to.
 *
 * The C library keeps much of what is freed for itself; a server that had a burst would stay large. So slabs are mapped
 * and unmapped one by one. With a hook installed everything goes through the hook all the same, and under
 * AddressSanitizer through malloc, so that leaks are found. Not here: the stacks of coroutines (coroutine/stack.c),
 * which are mapped through the table of system calls, with a page in front that must not be touched. */
#include "base/pages.h"

#include <stdlib.h>
#include <sys/mman.h>

#if BI_MEMORY_CHECKED
#include <sanitizer/asan_interface.h>
#endif

enum { MIN_MAPPED = 16384 };

static bool are_mapped(size_t size)
{
    return !BI_MEMORY_CHECKED && size >= MIN_MAPPED && !bi_memory_is_hooked();
}

static void *map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* The kernel joins only what is aligned: asks for more, and unmaps what sticks out. */
static void *map_huge(size_t size)
{
    char *memory = map(size + BI_HUGE_PAGE);
    if (memory == NULL) {
        return NULL;
    }
    size_t before = -(uintptr_t)memory % BI_HUGE_PAGE;
    if (before > 0) {
        munmap(memory, before);
    }
    munmap(memory + before + size, BI_HUGE_PAGE - before);
    (void)madvise(memory + before, size, MADV_HUGEPAGE); /* without them it is only slower */
    return memory + before;
}

void *bi_pages_allocate(size_t size)
{
    if (!are_mapped(size)) {
        return bight_malloc(size);
    }
    return size % BI_HUGE_PAGE == 0 ? map_huge(size) : map(size);
}

void *bi_pages_keep(size_t size)
{
    return bi_memory_asks_permit ? malloc(size) : bi_pages_allocate(size);
}

void bi_pages_release(void *memory, size_t size)
{
    if (memory == NULL) {
        return;
    }
    if (are_mapped(size)) {
        munmap(memory, size);
    } else {
        bight_free(memory);
    }
}

#if BI_MEMORY_CHECKED
void bi_memory_poison(void *memory, size_t size)
{
    ASAN_POISON_MEMORY_REGION(memory, size);
}

void bi_memory_unpoison(void *memory, size_t size)
{
    ASAN_UNPOISON_MEMORY_REGION(memory, size);
}
#endif
