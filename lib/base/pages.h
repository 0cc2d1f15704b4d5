/* SPDX-License-Identifier: MIT */
/* pages.h - large pieces of memory that return to the kernel when they are released. */
#ifndef BI_BASE_PAGES_H
#define BI_BASE_PAGES_H

#include <bight/memory.h>

/* Memory for slabs, aligned as malloc's: whole pages of the kernel while the C library's allocator is in place, else
 * a piece of the hook's. NULL without memory. */
void *bi_pages_allocate(size_t size);

#define BI_HUGE_PAGE ((size_t)2 << 20)

/* The same for a multiple of BI_HUGE_PAGE that is walked in no order: huge pages where the kernel has them, so that
 * not every step misses the translation cache too. */
void *bi_pages_allocate_huge(size_t size);

/* `size` as it was asked for; NULL is fine. The hook must be the same as then. */
void bi_pages_release(void *memory, size_t size);

/* True while a program's allocator is installed. */
bool bi_memory_is_hooked(void);

/* Marks memory as not to be touched, and as usable again: tells AddressSanitizer, and costs nothing without it. */
void bi_memory_poison(void *memory, size_t size);
void bi_memory_unpoison(void *memory, size_t size);

#endif
