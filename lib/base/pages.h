/* SPDX-License-Identifier: MIT */
/* pages.h - large pieces of memory that return to the kernel when they are released, and what pools owe to tests: the
 * checker learns which memory is free, and fault injection is asked about each allocation. */
#ifndef BI_BASE_PAGES_H
#define BI_BASE_PAGES_H

#include <bight/memory.h>

#define BI_HUGE_PAGE ((size_t)2 << 20)

/* Memory aligned as malloc's: pages of the kernel while the C library's allocator is in place, else, or if it is small,
 * a piece of the hook's. A multiple of BI_HUGE_PAGE lies in huge pages where the kernel has them, so that not every
 * step of a walk in random order misses the translation cache too. NULL when out of memory. */
void *bi_pages_allocate(size_t size);

/* The same for what is never release. While a `permit` hook is set it comes from the C library, so that what the hook
 * counts does not depend on what other tests have left behind. */
void *bi_pages_keep(size_t size);

/* `size` as it was asked for; NULL is allowed. The hook must be the same as then. */
void bi_pages_release(void *memory, size_t size);

/* True while a program's allocator is installed. */
bool bi_memory_is_hooked(void);

/* True while a `permit` hook is set; asks it, true when there is none. For pools only: bight_malloc is its own
 * question. */
extern bool bi_memory_asks_permit;
bool bi_memory_permits(void);

#if defined(__SANITIZE_ADDRESS__)
#define BI_MEMORY_CHECKED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BI_MEMORY_CHECKED 1
#endif
#endif
#ifndef BI_MEMORY_CHECKED
#define BI_MEMORY_CHECKED 0
#endif

/* Marks memory as not to be touched, and as usable again: tells AddressSanitizer, and costs nothing without it. */
#if BI_MEMORY_CHECKED
void bi_memory_poison(void *memory, size_t size);
void bi_memory_unpoison(void *memory, size_t size);
#else
#define bi_memory_poison(memory, size) ((void)(memory), (void)(size))
#define bi_memory_unpoison(memory, size) ((void)(memory), (void)(size))
#endif

#endif
