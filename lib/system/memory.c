/* SPDX-License-Identifier: MIT */
/* memory.c - the kernel's body of the calls that map stacks.
 *
 * A stack is address space for which the kernel reserves nothing: a page of memory comes with its first touch. It must
 * not come as a huge one, which would make a stack of two pages take two megabytes; stacks that are smaller and
 * lie between guard pages cannot get one, the others say so. */
#include "system/memory.h"

#include <errno.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

#ifndef MAP_STACK
#define MAP_STACK 0
#endif
#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

/* 0 or a positive errno. A kernel without huge pages does not know the advice. */
static int prepare(void *memory, size_t size, size_t guard)
{
#ifdef MADV_NOHUGEPAGE
    if (guard == 0 || size >= HUGE_PAGE) {
        (void)madvise(memory, size, MADV_NOHUGEPAGE);
    }
#endif
    if (guard > 0 && mprotect(memory, guard, PROT_NONE) != 0) {
        return errno;
    }
    return 0;
}

int bi_real_map_stack(struct bight_system *system, size_t size, size_t guard, void **memory)
{
    (void)system;
    void *mapped =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) {
        return -errno;
    }
    int number = prepare(mapped, size, guard);
    if (number != 0) {
        (void)munmap(mapped, size);
        return -number;
    }
    *memory = mapped;
    return 0;
}

int bi_real_unmap_stack(struct bight_system *system, void *memory, size_t size)
{
    (void)system;
    return munmap(memory, size) != 0 ? -errno : 0;
}
